"""What is made from the catalogue of layers is fresh."""

import re
from pathlib import Path

import pytest
import regenerate

from archdsl.layers import definitions
from archdsl.vocabulary import vocabulary

RUN = "run python tests/editors/regenerate.py"


@pytest.mark.parametrize("path", regenerate.WRITTEN, ids=lambda path: path.name)
def test_files_are_fresh(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert regenerate.WRITTEN[path](text) == text, RUN


def test_a_layer_that_is_missing_is_noticed() -> None:
    text = regenerate.VIM.read_text(encoding="utf-8")
    without = re.sub(r"\\\|relu6\b", "", text)
    assert without != text
    assert regenerate.vim(without) == text


def test_every_name_is_in_one_group() -> None:
    groups = vocabulary()
    names = [*groups.inputs, *groups.layers, *groups.combinators]
    assert sorted(names) == sorted(n for n, d in definitions().items() if d.writable)
    assert {"con", "relu", "loss_multiclass_log"} <= set(groups.layers)
    assert {"repeat", "residual", "tag1"} <= set(groups.combinators)
    assert {"input", "input_rgb_image"} <= set(groups.inputs)

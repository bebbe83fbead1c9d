"""What is made from the catalogue of layers is fresh."""

import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest
import regenerate
from click.testing import CliRunner

from archdsl.cli import main
from archdsl.layers import definitions
from archdsl.layers.vocabulary import vocabulary

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


# ---- the reference of layers ----


def printed(*arguments: str) -> str:
    done = CliRunner().invoke(main, ["layers", "--markdown", *arguments])
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_the_reference_is_what_the_command_prints() -> None:
    assert regenerate.REFERENCE.read_text(encoding="utf-8") == printed()


def test_the_reference_has_every_layer_once() -> None:
    anchors = re.findall(r'<a id="(\w+)"></a>', printed())
    assert sorted(anchors) == sorted(n for n, d in definitions().items() if d.writable)
    links = re.findall(r"\]\(#(\w+)\)", printed())
    assert set(links) <= set(anchors)


def test_a_section_tells_the_arguments() -> None:
    """dlib's con_ has strides of 1 and half the kernel as padding; torch's Conv2d dilation 1."""
    text = printed("con")
    assert "con<filters, kernel_h, kernel_w, stride_h=1, stride_w=1, padding_h=…" in text
    assert "bias=true" in text
    assert re.search(r"^\| `stride_h` \| int ≥ 1 \| 1 \| \S", text, re.MULTILINE)
    assert re.search(r"^\| `bias` \*by name\* \| bool \| true \| \S", text, re.MULTILINE)
    assert re.search(r"^Source: .*torch.nn.Conv2d$", text, re.MULTILINE)
    assert "relu<SUBNET>" in printed("relu")
    assert "SUBNET" not in printed("input_rgb_image").splitlines()[2]
    assert "    input_images_sized<height, width=…, red=" in printed("input_images_sized")


def test_names_that_differ_by_a_number_share_a_section() -> None:
    headings = [re.sub(r"<.*?>", "", line) for line in re.findall(r"^### (.*)$", printed(), re.M)]
    assert {"tag1 … tag10", "skip1 … skip10", "sig, sigmoid", "relu", "relu6"} <= set(headings)
    assert {"fc", "fc_no_bias"} <= set(headings)  # their arguments differ


def test_words_are_no_markup() -> None:
    """Angle brackets outside of code would be taken for HTML, pipes for the next cell."""
    cells = 0
    for before, line in itertools.pairwise(["", *printed().splitlines()]):
        if line.startswith(("    ", "### ", "- ")):
            continue
        words = re.sub(r"`[^`]*`", "", line)
        assert not re.search(r"<(?!/?a\b)", words), line
        if line.startswith("|"):
            found = len(re.findall(r"(?<!\\)\|", line))
            cells = cells if before.startswith("|") else found
            assert found == cells > 2, line


def test_markdown_and_json_exclude_each_other() -> None:
    assert CliRunner().invoke(main, ["layers", "--markdown", "--json"]).exit_code == 2


def test_the_order_of_the_catalogue_does_not_depend_on_imports() -> None:
    listed = "from archdsl.layers import definitions; print(*definitions())"
    early = "import archdsl.layers.yolo, archdsl.layers.attention; "
    orders = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
        for code in (listed, early + listed)
    }
    assert len(orders) == 1

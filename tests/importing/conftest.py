"""Tests here may import ``imported_graphs``, and their random values are fixed.

Every layer that a reader makes in them has to be one that the table of formats has for it.
"""

import functools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from archdsl.importers.coverage import coverage
from archdsl.importers.draft import Draft
from archdsl.ir.layer import Layer

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


_TITLES = {"onnx": "ONNX", "keras": "Keras", "darknet": "Darknet"}


def _reader() -> str | None:
    """The format of the importer that is at work."""
    frame = sys._getframe(2)
    while frame is not None:
        package, _, rest = str(frame.f_globals.get("__name__")).partition("archdsl.importers.")
        title = _TITLES.get(rest.partition(".")[0])
        if not package and title is not None:
            return title
        frame = frame.f_back
    return None


@pytest.fixture(autouse=True, scope="session")
def made_layers_are_in_the_table() -> Iterator[None]:
    add = Draft.add
    known = coverage()

    @functools.wraps(add)
    def added(self: Draft, layer: Layer, *inputs: int, **more: object) -> int:
        title = _reader()
        if title is not None:
            assert type(layer) in known[title], f"{title} makes {layer.kind}: say so in its table"
        return add(self, layer, *inputs, **more)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Draft, "add", added)
        yield

"""Candidate layers of the catalogue for an operation of PyTorch, from the tables of all kinds.

A proposal is only a guess at the layer's arguments. Whether the layer is what the network has
there is decided by the layer itself, see ``fragments``; so an entry need not be careful.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from archdsl.importers.draft import UNFORESEEN
from archdsl.importers.made_layers import made_by, makes
from archdsl.importers.pytorch.computing_layers import COMPUTING
from archdsl.importers.pytorch.formulas import formulas
from archdsl.importers.pytorch.joining_layers import JOINING
from archdsl.importers.pytorch.moving_layers import MOVING
from archdsl.importers.pytorch.proposals import Proposal, Recogniser, Seen
from archdsl.ir.layer import Layer
from archdsl.layers.activation import (
    GELU,
    Hardsigmoid,
    Hardswish,
    Mish,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from archdsl.layers.factors import Affine
from archdsl.layers.inputs import Input, InputRgbImageSized, Pixels
from archdsl.layers.joins import (
    AddPadded,
)


def proposals(seen: Seen) -> Iterator[Proposal]:
    """The layers that a node may be the end of, the likeliest first."""
    yield from formulas(seen)
    recognise = _RECOGNISERS.get(seen.node.label.operation)
    if recognise is not None:
        with suppress(*UNFORESEEN):  # a field of another form, such as padding="same"
            yield from recognise(seen)
    else:
        tensors, name = seen.tensors(), seen.node.label.operation
        for cls in sorted(_TOLD_BY_FUNCTION, key=lambda each: each.kind != name):
            if tensors and cls.inputs == len(tensors):
                yield Proposal(cls(), tensors)


@makes(Input, InputRgbImageSized)
def input_layers(means: Sequence[float], size: tuple[int, int, int]) -> Iterator[Layer]:
    """The inputs that subtract such means from images of a size (channels, height, width)."""
    channels, height, width = size
    if list(means) == [0.0] and channels in (1, 3):
        yield Input(Pixels(channels, 256), height, width)
    elif len(means) == channels == 3:
        yield InputRgbImageSized(height, width, red=means[0], green=means[1], blue=means[2])


def recognised() -> tuple[type[Layer], ...]:
    """The layers of the catalogue that modules and functions of PyTorch are read as."""
    return made_by([*_RECOGNISERS.values(), *_TOLD_BY_FUNCTION, input_layers, formulas])


_TOLD_BY_FUNCTION: tuple[type[Layer], ...] = (
    Affine,
    AddPadded,
    GELU,
    Hardsigmoid,
    Hardswish,
    Mish,
    ReLU,
    ReLU6,
    SiLU,
    Sigmoid,
    Softplus,
    Tanh,
)
_RECOGNISERS: Mapping[str, Recogniser] = {**COMPUTING, **JOINING, **MOVING}

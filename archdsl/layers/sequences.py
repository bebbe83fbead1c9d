"""dlib's layers for sequences: a sequence is a map of one row for each step, or several such maps.

What dlib calls a plane, the rows and columns of one channel, is a matrix here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archdsl.ir.layer import Category, MapLayer, RuleError, Shape, alias, arg, define, image, shown
from archdsl.ir.lowering import Construct, made
from archdsl.ir.storage import KEEPS_INPUT, KEEPS_NOTHING
from archdsl.ir.window import LAST_AXIS


def _known_map(shape: Shape, kind: str) -> tuple[int, int, int]:
    """Channels, rows and columns; raises RuleError where one is open."""
    channels, height, width = image(shape, kind)
    if height is None or width is None:
        raise RuleError(
            f"{kind} needs an input of known size",
            f"found {shown(shape)}",
            help="give the size with --input CxHxW",
            code="E305",
        )
    return channels, height, width


@define("embeddings", category=Category.LINEAR, stem="embedding", source="dlib embeddings_")
@dataclass(frozen=True)
class Embeddings(MapLayer):
    """A learned vector for each number of a vocabulary: the first value of every row becomes one.

    k×rows×columns to k×rows×length. Numbers outside the vocabulary become zeros.
    """

    storage = KEEPS_INPUT
    sees = LAST_AXIS

    count: int = arg("size of the vocabulary (dlib num_embeddings)", minimum=1)
    length: int = arg("length of a vector (dlib embedding_dim)", minimum=1)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        channels, height, _ = image(inputs[0], self.kind)
        return channels, height, self.length

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return self.count * self.length

    def label(self) -> str:
        return f"embeddings {self.count}×{self.length}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("sequence_modules.Embeddings", self.count, self.length)


@define(
    "positional_encodings",
    category=Category.ATTENTION,
    stem="position",
    source="dlib positional_encodings_; Vaswani et al. 2017, section 3.5",
)
@dataclass(frozen=True)
class PositionalEncodings(MapLayer):
    """Waves of many lengths added to the columns, so that every row has its own pattern.

    dlib's formula, for row r and column c of n columns: sin(r / 10000^(c/n)) where c is even, the
    cosine where it is odd. (The paper gives each pair of columns one wavelength.)
    """

    storage = KEEPS_NOTHING

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return _known_map(inputs[0], self.kind)

    def buffers(self, inputs: tuple[Shape, ...]) -> int:
        _, rows, columns = _known_map(inputs[0], self.kind)
        return rows * columns

    def label(self) -> str:
        return "positional encodings"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        _, rows, columns = _known_map(inputs[0], self.kind)
        return made("sequence_modules.PositionalEncodings", rows, columns)


@dataclass(frozen=True)
class _LowerTriangle(MapLayer):
    """The base of layers that keep a matrix's lower triangle."""

    def diagonal(self) -> int:
        """The last diagonal that is kept; 0 is the main one, 1 the next to the right."""
        return 0

    def value(self) -> float:
        """The value of all cells right of the diagonal."""
        raise NotImplementedError

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        image(inputs[0], self.kind)
        return inputs[0]

    def label(self) -> str:
        return f"lower triangle, else {self.value():g}".replace("-inf", "-∞")

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("sequence_modules.LowerTriangle", self.diagonal(), self.value())


@define("tril", category=Category.ATTENTION, stem="mask", source="dlib tril_; torch.tril")
@dataclass(frozen=True)
class Tril(_LowerTriangle):
    """The lower triangle of the matrix in every channel, zeros above it.

    This is what dlib documents. Its code, at least up to version 20, fills the mask for other
    values only, so there ``tril`` leaves everything as it is.
    """

    homogeneous = True

    def value(self) -> float:
        return 0.0

    def warning(self, inputs: tuple[Shape, ...]) -> str | None:
        return "tril puts zeros above the diagonal, as dlib documents; dlib's code leaves values"


@define("tril_mask", category=Category.ATTENTION, stem="mask", source="dlib tril_mask")
@dataclass(frozen=True)
class TrilMask(_LowerTriangle):
    """Minus infinity above the diagonal of the matrix in every channel: causal attention's mask."""

    homogeneous = True

    def value(self) -> float:
        return float("-inf")


@define("tril_diag", category=Category.ATTENTION, stem="mask", source="dlib tril_diag")
@dataclass(frozen=True)
class TrilDiag(_LowerTriangle):
    """A number right of a diagonal of the matrix in every channel, given as a fraction."""

    diag: int = arg("the last diagonal that is kept; 0 is the main one")
    numerator: int = arg("the number's numerator (dlib num)")
    denominator: int = arg("the number's denominator (dlib den)", minimum=1)

    def diagonal(self) -> int:
        return self.diag

    def value(self) -> float:
        return self.numerator / self.denominator


@define(
    "adaptive_computation_time",
    category=Category.ATTENTION,
    stem="act",
    source="dlib adaptive_computation_time_; Graves 2016, section 2",
)
@dataclass(frozen=True)
class AdaptiveComputationTime(MapLayer):
    """Every row times the sum of the weights that its steps of computation get.

    dlib's layer sees the same row at every step, so the weights add up to nearly one. A linear
    layer on a row (of all channels) and a sigmoid give the probability of halting.
    """

    sees = LAST_AXIS

    steps: int = arg("the most steps (dlib max_steps)", 8, minimum=1)
    threshold: float = arg(
        "a row halts where its probabilities add up to this",
        0.99,
        minimum=0,
        maximum=1,
        positional=False,
    )

    def _features(self, inputs: tuple[Shape, ...]) -> int:
        channels, _, width = _known_map(inputs[0], self.kind)
        return channels * width

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        self._features(inputs)
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return self._features(inputs) + 1

    def label(self) -> str:
        return f"adaptive computation, {self.steps}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made(
            "sequence_modules.AdaptiveComputationTime",
            self._features(inputs),
            self.steps,
            self.threshold,
        )


def _act(name: str, steps: int) -> None:
    preset: dict[str, Any] = {"steps": steps}
    summary = f"adaptive_computation_time of at most {steps} steps."
    alias(name, AdaptiveComputationTime, summary, f"dlib {name}", **preset)


_act("act", 8)
_act("act4", 4)
_act("act16", 16)

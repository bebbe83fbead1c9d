"""State of reading a .cfg file, and checks of settings that no layer can express."""

from __future__ import annotations

from dataclasses import dataclass, field

from archdsl.diagnostics import ArchError, fail, listing, nearest
from archdsl.importers.darknet.cfg import Section
from archdsl.importers.draft import Draft
from archdsl.importers.made_layers import makes
from archdsl.ir.layer import Layer, RuleError
from archdsl.layers.activation import ELU, LeakyReLU, Mish, ReLU, ReLU6, Sigmoid, SiLU, Tanh
from archdsl.layers.normalization import BatchNorm

ACTIVATIONS: dict[str, Layer | None] = {
    "linear": None,
    "leaky": LeakyReLU(0.1),
    "relu": ReLU(),
    "relu6": ReLU6(),
    "logistic": Sigmoid(),
    "tanh": Tanh(),
    "elu": ELU(),
    "mish": Mish(),
    "swish": SiLU(),
}

# A batch weighs a hundredth; 1e-5 is added to the variance on a GPU, where weights are trained.
NORM = BatchNorm(momentum=0.01)


HEAD = -1
"""In place of an operation behind a detector's head, whose output is the end."""


@dataclass
class CfgReader:
    """The network read so far: the operation behind each section, and the detection heads."""

    draft: Draft
    at: int
    behind: list[int] = field(default_factory=list)
    heads: list[tuple[int, Section]] = field(default_factory=list)

    def add(self, layer: Layer | None, *others: int) -> None:
        """A layer on the current output, and on ``others`` behind it."""
        if layer is not None:
            self.at = self.draft.add(layer, self.at, *others)

    @makes(*ACTIVATIONS.values())
    def activate(self, section: Section, default: str = "logistic") -> None:
        name = section.text("activation", default)
        if name not in ACTIVATIONS:
            raise fail(
                f"there is no layer for the activation {name}",
                section.where("activation"),
                f"expected one of {listing(ACTIVATIONS, 12)}",
                help=nearest(name, ACTIVATIONS),
            )
        self.add(ACTIVATIONS[name])

    @makes(NORM, activate)
    def normalise(self, section: Section) -> None:
        self.add(NORM if normalised(section) else None)
        self.activate(section)

    def named(self, section: Section, key: str, number: int) -> int:
        """The operation behind another layer, as ``[route]`` names it."""
        index = number + len(self.behind) if number < 0 else number
        if not 0 <= index < len(self.behind):
            raise fail(
                f"[{section.kind}] names a layer that is not there: {number}",
                section.where(key),
                f"expected one of the {len(self.behind)} layers before it, from 0 on, or from -1",
            )
        if self.behind[index] == HEAD:
            raise fail(f"[{section.kind}] reads a detector's head: {number}", section.where(key))
        return self.behind[index]


def normalised(section: Section) -> bool:
    """True if the section has batch norm; it has no bias then."""
    return section.integer("batch_normalize", 0) != 0


def refuse(section: Section, *keys: str) -> None:
    """Raises ArchError for settings that change the computed function and have no layer."""
    for key in keys:
        if section.text(key, "0") not in ("0", "none"):
            raise unsaid(section, key)


def require(section: Section, **values: tuple[float, float]) -> None:
    """Raises ArchError unless each setting has its one value: ``key=(default, value)``."""
    for key, (default, value) in values.items():
        if section.number(key, default) != value:
            raise unsaid(section, key)


def unsaid(section: Section, key: str) -> ArchError:
    value = section.text(key, "its default")
    return fail(
        f"the catalogue has no layer for [{section.kind}] with {key}={value}", section.where(key)
    )


def refused(section: Section, error: RuleError) -> ArchError:
    return fail(error.message, section.span, *error.notes, help=error.help, code=error.code)

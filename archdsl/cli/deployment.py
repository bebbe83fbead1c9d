"""Options of ``archdsl compile`` that optimise or quantise a network, and what is printed of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from archdsl.api import Network
from archdsl.backends.formats import Format, require_optimised, require_quantised
from archdsl.cli.progress import working
from archdsl.diagnostics import listing
from archdsl.text.words import memory

if TYPE_CHECKING:
    from torch import nn

    from archdsl.backends.passes.optimise import Optimised
    from archdsl.backends.passes.quantise import Quantised

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Deployed(NamedTuple):
    """A module as it is written to files, with a report in lines and as a document."""

    module: nn.Module
    lines: tuple[tuple[str, str], ...] = ()
    document: dict[str, Any] = {}  # noqa: RUF012 - never changed


@dataclass(frozen=True)
class Deployment:
    """The optimisation or quantisation that a user asks for."""

    optimize: bool
    dtype: str | None
    inductor: bool
    quantize: str | None
    calibrate: Path | None

    def __post_init__(self) -> None:
        if self.dtype and not self.optimize:
            raise click.UsageError("--dtype needs --optimize")
        if self.inductor and not self.optimize:
            raise click.UsageError("--torch-compile needs --optimize")
        if (self.quantize is None) != (self.calibrate is None):
            raise click.UsageError("--quantize and --calibrate need each other")
        if self.quantize and self.optimize:
            raise click.UsageError("--quantize folds norms by itself: leave --optimize away")

    def require_fitting(self, forms: Iterable[tuple[Path, Format]]) -> None:
        """Raise ArchError for a file that cannot hold the optimised or quantised network."""
        for path, form in forms:
            if self.optimize:
                require_optimised(path, form)
            if self.quantize:
                require_quantised(path, form)

    def apply(self, network: Network, module: nn.Module) -> Deployed:
        """Optimise or quantise a compiled module as asked, and measure it."""
        if self.optimize:
            with working(f"optimising {network.name}"):
                from archdsl.backends.passes.optimise import optimise

                dtype = self.dtype or "float32"
                return _optimised(
                    optimise(network.checked, module, dtype=dtype, inductor=self.inductor)
                )
        if self.calibrate is not None:
            return _quantised(_calibrated(network, module, self.calibrate))
        return Deployed(module)


def deployment_options(function: _Function) -> _Function:
    """Add the options of a :class:`Deployment`, which the function gets as ``deployment``."""

    @click.option("--optimize", is_flag=True, help="Make it faster for inference, and measure.")
    @click.option(
        "--dtype",
        type=click.Choice(["float32", "bf16"]),
        help="With --optimize: what it computes in, bf16 being numbers of 16 bits.",
    )
    @click.option(
        "--torch-compile",
        "inductor",
        is_flag=True,
        help="With --optimize: use torch.compile, which needs a C++ compiler.",
    )
    @click.option(
        "--quantize", type=click.Choice(["int8"]), help="Compute in integers, for classifiers."
    )
    @click.option(
        "--calibrate",
        metavar="FOLDER",
        type=click.Path(path_type=Path),
        help="With --quantize: pictures such as the network will see.",
    )
    @wraps(function)
    def wrapper(
        *args: Any,
        optimize: bool,
        dtype: str | None,
        inductor: bool,
        quantize: str | None,
        calibrate: Path | None,
        **kwargs: Any,
    ) -> Any:
        deployment = Deployment(optimize, dtype, inductor, quantize, calibrate)
        return function(*args, deployment=deployment, **kwargs)

    return wrapper  # type: ignore[return-value]


# ---- optimising ----


def _optimised(made: Optimised) -> Deployed:
    ours, plain = _milliseconds(made.speed.seconds), _milliseconds(made.speed.reference_seconds)
    document = {
        "way": made.way,
        "kept": made.kept,
        "removed": made.removed,
        "seconds": made.speed.seconds,
        "plain_seconds": made.speed.reference_seconds,
        "ratio": made.speed.ratio,
        "difference": made.difference._asdict() if made.difference else None,
    }
    measured = f"{ours}, plain {plain}, ratio {made.speed.ratio:.2f}"
    if not made.kept:
        lines = [("optimised", f"nothing is faster here ({made.way}: {measured}): kept plain")]
    else:
        gone = listing(f"{count} {name}" for name, count in made.removed.items())
        lines = [("optimised", made.way + (f", without {gone}" if gone else ""))]
        lines += [("speed", f"{1 / made.speed.ratio:.2f} times as fast ({measured})")]
        apart = made.difference
        told = (
            f"{apart.absolute:.2g} at most, {apart.relative:.2g} of the largest value"
            if apart is not None
            else "not as many values: near a threshold"
        )
        lines += [("difference", told)]
    return Deployed(made.portable, tuple(lines), {"optimized": document})


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms"


# ---- quantising ----


def _calibrated(network: Network, module: nn.Module, folder: Path) -> Quantised:
    from archdsl.backends.passes.quantise import quantise
    from archdsl.backends.torch.trial_run import undisturbed
    from archdsl.inference.calibration import calibration

    with undisturbed(module, training=False):
        samples, output = calibration(network, module, folder)
        with working(f"quantising {network.name}"):
            return quantise(network.checked, module, samples, output)


def _quantised(made: Quantised) -> Deployed:
    from archdsl.backends.passes.quantise import READER

    images, same, relative = made.agreement
    document = {
        "bytes": made.size,
        "float_bytes": made.float_size,
        "images": images,
        "same_class": same,
        "relative_difference": relative,
        "seconds": made.speed.seconds,
        "float_seconds": made.speed.reference_seconds,
    }
    share, floats = made.size / made.float_size, made.speed.reference_seconds
    lines = (
        ("quantised", f"{memory(made.float_size)} to {memory(made.size)}, {share:.0%}"),
        ("agreement", f"the same class for {same} of {images} pictures"),
        ("difference", f"{relative:.2g} of a picture's largest score at most"),
        (
            "speed",
            f"{_milliseconds(made.speed.seconds)}, float {_milliseconds(floats)}, both eager",
        ),
        ("to load it", f"import {READER}, then torch.export.load"),
    )
    return Deployed(made.module, lines, {"quantized": document})

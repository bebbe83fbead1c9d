"""What ``archdsl compile`` does to a network for its use: optimised or quantised, and measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from archdsl.api import Network
from archdsl.diagnostics import fail, listing
from archdsl.layers.edges import shown
from archdsl.progress import working
from archdsl.targets import FORMATS, Format
from archdsl.text.words import memory

if TYPE_CHECKING:
    from torch import fx

    from archdsl.targets.torch.optimising import Optimised
    from archdsl.targets.torch.quantising import Quantised

_Function = TypeVar("_Function", bound=Callable[..., Any])

_QUANTISED = ".pt2"


class Deployed(NamedTuple):
    """A module for use, as files get it, and what is told of it: in lines, and to programs."""

    module: fx.GraphModule
    lines: tuple[tuple[str, str], ...] = ()
    document: dict[str, Any] = {}  # noqa: RUF012 - never changed


@dataclass(frozen=True)
class Deployment:
    """What a user wants done to a network before it is used."""

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
        """Raise ArchError for an output that cannot hold what a network becomes."""
        for path, form in forms:
            if self.optimize and form.as_written:
                whole = listing(s for s, other in FORMATS.items() if not other.as_written)
                raise fail(
                    f"cannot write an optimised network into {path}",
                    None,
                    "its weights are not those of the network as written: norms are part of them",
                    help=f"expected one of {whole}, or no --optimize",
                )
            if self.quantize and path.suffix.lower() != _QUANTISED:
                raise fail(
                    f"cannot write a quantised network into {path}",
                    None,
                    f"expected {_QUANTISED} ({FORMATS[_QUANTISED].title})",
                )

    def apply(self, network: Network, module: fx.GraphModule) -> Deployed:
        """The module as it is to be used, which is measured on the way."""
        if self.optimize:
            with working(f"optimising {network.name}"):
                from archdsl.targets.torch.optimising import optimise

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
        help="With --quantize: pictures (JPEG, PNG) such as the network will see.",
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

_SUFFIXES = ".jpeg", ".jpg", ".png"


def _calibrated(network: Network, module: fx.GraphModule, folder: Path) -> Quantised:
    from archdsl.finding.finder import classifier
    from archdsl.finding.pictures import read_picture
    from archdsl.targets.torch.quantising import quantise
    from archdsl.targets.torch.trial import undisturbed

    pictures = _pictures(folder)
    with undisturbed(module, training=False):
        search = classifier(network, module)
        if search is None:
            gives = listing(f"{n} {shown(edge)}" for n, edge in network.summary().outputs.items())
            raise fail(
                f"--quantize takes classifiers, and {network.name} is none",
                None,
                "expected a network that gives a picture scores of classes, found one that takes "
                f"{shown(network.summary().input)} and gives {gives}",
            )
        with working(f"quantising {network.name}"):
            return quantise(
                network.checked,
                module,
                lambda: (search.seen(read_picture(path)) for path in pictures),
                search.output,
            )


def _pictures(folder: Path) -> list[Path]:
    """The pictures in a folder and the folders in it; raises ArchError where there are none."""
    if not folder.is_dir():
        raise fail(f"--calibrate {folder}: there is no such folder")
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file())
    if not found:
        raise fail(
            f"--calibrate {folder}: there are no pictures in it",
            None,
            f"expected files that end in {listing(_SUFFIXES)}",
            help="a hundred pictures such as the network will see are enough",
        )
    return found


def _quantised(made: Quantised) -> Deployed:
    from archdsl.targets.torch.quantising import READER

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

"""Options that the subcommands share, and the JSON output."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from archdsl.api import Network, load_run, load_source, parse_size
from archdsl.cli import shell_completion as completing
from archdsl.cli.output import complain
from archdsl.cli.progress import QUIET, VERBOSE, asked, working
from archdsl.diagnostics import ArchError
from archdsl.diagnostics.source import Source
from archdsl.frontend.elaborate import Limits
from archdsl.frontend.files import open_source
from archdsl.frontend.run_folder import read_run_folder
from archdsl.ir.layer import Shape
from archdsl.text.paths import is_stream
from archdsl.text.settings import EXPECTED, setting

JSON = "archdsl.json"
"""Key in click's context under which ``--json`` is noted."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Request:
    """The selected network, apart from the file: values of the options that all commands share."""

    settings: dict[str, str] = field(default_factory=dict)
    input: Shape | None = None
    net: str | None = None
    limits: Limits = field(default_factory=Limits)
    opaque: dict[str, str] = field(default_factory=dict)

    def load(self, file: str | Source) -> Network:
        """The checked network of a file; its warnings go to standard error."""
        with working(f"checking {file if isinstance(file, str) else file.name}"):
            network = self.open(file)
        if not asked(QUIET):
            complain(network.warnings)
        return network

    def open(self, file: str | Source) -> Network:
        """The checked network of a file or a run's folder, or of a source that was read already."""
        run = read_run_folder(Path(file)) if isinstance(file, str) else None
        if run is not None:
            return load_run(
                run,
                net=self.net,
                input=self.input,
                limits=self.limits,
                opaque=self.opaque,
                settings=dict(self.settings),
            ).check()
        return load_source(
            open_source(file) if isinstance(file, str) else file,
            net=self.net,
            input=self.input,
            limits=self.limits,
            opaque=self.opaque,
            settings=dict(self.settings),
        ).check()


class _Size(click.ParamType[Shape]):
    name = "CxHxW"

    def __init__(self, rows: bool = False) -> None:
        self._rows = rows

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Shape:
        try:
            if self._rows and isinstance(value, str) and re.fullmatch("[1-9][0-9]{0,17}", value):
                return (int(value),)
            return value if isinstance(value, tuple) else parse_size(value)
        except ArchError:
            self.fail(f"{value!r}: expected CxHxW, such as 3x224x224", param, ctx)


_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


class MemorySize(click.ParamType[int]):
    """A size of memory, ``80G`` (of 1024³ bytes), as a number of bytes."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"([0-9]{1,18}(?:\.[0-9]{1,9})?) ?([kmgt]?)(?:i?b)?", value.lower())
        if found is None:
            self.fail(f"{value!r}: expected a size such as 80G", param, ctx)
        return int(float(found[1]) * _UNITS[found[2]])


class OutputFile(click.Path):
    """The name of a file or folder to be written; streams and devices are refused.

    Files appear whole, under a name whose suffix mostly says their format: neither can be had of
    standard output.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if str(value) == "-" or is_stream(value):
            self.fail(f"{value}: expected the name of a file or folder to be made", param, ctx)
        return super().convert(value, param, ctx)


class _Setting(click.ParamType[tuple[str, str]]):
    def __init__(self, name: str = "NAME=VALUE") -> None:
        self.name = name

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        return value if isinstance(value, tuple) else parse_setting(value, param, ctx)


def parse_setting(
    text: str, param: click.Parameter | None = None, ctx: click.Context | None = None
) -> tuple[str, str]:
    """The name and value of ``classes=10``; raises click.BadParameter for anything else."""
    found = setting(text)
    if found is None:
        raise click.BadParameter(f"{text!r}: {EXPECTED}", ctx, param)
    return found


def _limit(name: str, default: int, text: str) -> Callable[[_Function], _Function]:
    return click.option(name, type=click.IntRange(1), default=default, show_default=True, help=text)


def _flag(short: str, name: str, key: str, text: str) -> Callable[[_Function], _Function]:
    """A flag that is noted in click's context under a key."""

    def note(ctx: click.Context, _: click.Parameter, value: bool) -> None:
        ctx.meta[key] = value

    return click.option(short, name, is_flag=True, expose_value=False, callback=note, help=text)


file_argument = click.argument("file", metavar="FILE", shell_complete=completing.files)
"""The spec that a command is about; shells complete it."""


def size_option(text: str, *, rows: bool = False) -> Callable[[_Function], _Function]:
    """Add ``--input``, which the function gets as ``size``.

    With ``rows`` one number is a size too, that of a row of features.
    """
    return click.option("--input", "size", type=_Size(rows), help=text)


def telling_options(function: _Function) -> _Function:
    """Add ``--quiet`` and ``--verbose``, which are noted in the context."""
    told = _flag("-v", "--verbose", VERBOSE, "Tell on standard error how long each step takes.")
    return _flag("-q", "--quiet", QUIET, "Leave out warnings, and what only tells of success.")(
        told(function)
    )


files_argument = click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, shell_complete=completing.files
)
"""One or more specs."""


def network_options(function: _Function) -> _Function:
    """Add the options of a :class:`Request`, which the function gets as ``request``."""
    limits = Limits()

    @click.option(
        "-D",
        "settings",
        type=_Setting(),
        multiple=True,
        shell_complete=completing.settings,
        help="Set a param of the spec.",
    )
    @size_option("The input's size, where it is open.")
    @click.option("--net", metavar="NAME", help="Which network of the file.")
    @click.option(
        "--opaque",
        "opaque",
        type=_Setting("NAME=LAYER"),
        multiple=True,
        help="Which layer a C++ program's own layer class counts as.",
    )
    @_limit("--max-layers", limits.layers, "Refuse networks of more layers.")
    @_limit("--max-levels", limits.levels, "Refuse templates nested deeper.")
    @telling_options
    @wraps(function)
    def wrapper(
        *args: Any,
        settings: tuple[tuple[str, str], ...],
        size: Shape | None,
        net: str | None,
        opaque: tuple[tuple[str, str], ...],
        max_layers: int,
        max_levels: int,
        **kwargs: Any,
    ) -> Any:
        bounds = Limits(layers=max_layers, levels=max_levels, instances=limits.instances)
        request = Request(dict(settings), size, net, bounds, dict(opaque))
        return function(*args, request=request, **kwargs)

    return wrapper  # type: ignore[return-value]


def _note_json(ctx: click.Context, _: click.Parameter, value: bool) -> bool:
    ctx.meta[JSON] = value
    return value


json_option = click.option(
    "--json",
    "as_json",
    is_flag=True,
    is_eager=True,
    callback=_note_json,
    help="Print one JSON document.",
)
"""Adds ``--json``, which the function gets as ``as_json``."""


def print_json(document: Any, *, compact: bool = False) -> None:
    """Print one JSON document on standard output; on one line if it is ``compact``."""
    click.echo(json.dumps(document, indent=None if compact else 2, ensure_ascii=False))

"""Networks side by side, as the tables of papers have them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import click

from archdsl.analysis.cost import Summary
from archdsl.api import Network
from archdsl.cli.options import Request, parse_setting, print_json
from archdsl.cli.output import print_table, say
from archdsl.cli.progress import working
from archdsl.diagnostics import fail, listing, nearest
from archdsl.diagnostics.printable import printable
from archdsl.diagnostics.source import Source
from archdsl.frontend.elaborate import collect
from archdsl.frontend.files import open_source, read_source
from archdsl.frontend.header import Facts
from archdsl.frontend.run_folder import read_run_folder
from archdsl.frontend.syntax.parser import parse
from archdsl.ir.layer import shown
from archdsl.text.output import write
from archdsl.text.paths import exists
from archdsl.text.words import count_words, memory

_HEADINGS = (
    ("spec", "left"),
    ("year", "left"),
    ("input", "right"),
    ("parameters", "right"),
    ("MACs", "right"),
    ("top-1", "right"),
    ("top-5", "right"),
    ("CIFAR-10 error", "right"),
    ("held against", "left"),
)


class ComparedNetwork(NamedTuple):
    """One network of a comparison."""

    summary: Summary
    known: Facts
    settings: dict[str, Any]
    """The parameters that are not at their defaults."""

    @classmethod
    def of(cls, network: Network) -> ComparedNetwork:
        """A network's costs and facts, in the setting that it was loaded with."""
        parameters = network.checked.parameters or {}
        changed = network.setting.changed
        settings = {name: value for name, value in parameters.items() if name in changed}
        return cls(network.summary(), network.facts, settings)

    @property
    def name(self) -> str:
        """The network as ``compare`` takes it: ``mobilenet_v1:width=0.25``."""
        settings = ",".join(f"{name}={_written(value)}" for name, value in self.settings.items())
        return f"{self.summary.name}:{settings}" if settings else self.summary.name

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            **self.summary.totals(),
            "settings": self.settings,
            "title": self.known.title,
            "year": self.known.year,
            "top1": self.known.top1,
            "top5": self.known.top5,
            "cifar10_error": self.known.cifar10_error,
            "reference": self.known.reference,
            "proof": self.known.proof,
        }

    def cells(self) -> tuple[str, ...]:
        """For people."""
        summary, known, _ = self
        return (
            self.name,
            str(known.year or ""),
            shown(summary.input),
            f"{summary.parameters:,}",
            count_words(summary.macs),
            "" if known.top1 is None else f"{known.top1:g}",
            "" if known.top5 is None else f"{known.top5:g}",
            "" if known.cifar10_error is None else f"{known.cifar10_error:g}",
            known.reference or known.proof or "",
        )


def print_comparison(
    files: Sequence[str], request: Request, as_json: bool, plot: Path | None = None
) -> None:
    """Print what is known of networks, a row each; draw their chart into ``plot``.

    A file may have settings of its own behind it: ``mobilenet_v1:width=0.5,resolution=160``.
    Raises ArchError where a network is wrong, and where there is nothing to plot.
    """
    if plot is not None and plot.suffix.lower() != ".svg":
        raise fail(f"cannot plot into '{plot}'", None, "expected a name that ends in .svg")
    entries = []
    with working("reading networks", len(files)) as advance:
        for source, each in asked(files, request):
            entries.append(ComparedNetwork.of(each.load(source)))
            advance()
    chart = None if plot is None else _chart(entries)
    if plot is not None and chart is not None:
        write(plot, chart)
    if as_json:
        print_json({"specs": [entry.document() for entry in entries]})
        return
    _print_rows([entry.cells() for entry in entries])
    if plot is not None and chart is not None:
        say(f"\ndrew the chart to {plot} ({memory(len(chart))})")


def _print_rows(rows: Sequence[tuple[str, ...]]) -> None:
    """The table, without the error on CIFAR-10 where no network has one."""
    cifar = next(i for i, (heading, _) in enumerate(_HEADINGS) if heading.startswith("CIFAR"))
    shown = [i for i in range(len(_HEADINGS)) if i != cifar or any(row[i] for row in rows)]
    print_table([_HEADINGS[i] for i in shown], [[row[i] for i in shown] for row in rows])


def asked(files: Iterable[str], request: Request) -> list[tuple[Source | str, Request]]:
    """The networks and the settings of each: its own, and of ``-D`` those that it declares."""
    found = []
    nowhere = dict(request.settings)
    known: dict[str, None] = {}
    for file in files:
        name, own = _split(file)
        run = read_run_folder(Path(name))
        source = open_source(name) if run is None else read_source(run.file)
        common = {}
        if request.settings:
            document = parse(source, request.settings)
            declared = {**collect(document).assembly.parameters, **dict.fromkeys(document.macros)}
            common = {name: value for name, value in request.settings.items() if name in declared}
            known.update(dict.fromkeys(declared))
        for setting in common:
            nowhere.pop(setting, None)
        found.append((source if run is None else name, replace(request, settings=common | own)))
    for setting in nowhere:
        raise fail(
            f"-D {setting}: none of these networks has a parameter '{setting}'",
            None,
            f"their parameters are: {listing(known) or 'none'}",
            help=nearest(setting, known),
            code="E401",
        )
    return found


def _split(given: str) -> tuple[str, dict[str, str]]:
    """A file and the settings behind its colon; raises click.BadParameter where they are none."""
    file, _, settings = given.rpartition(":")
    if not file or "=" not in settings or exists(given):
        return given, {}
    return file, dict(parse_setting(setting) for setting in settings.split(","))


def _written(value: object) -> str:
    """A parameter's value as ``-D`` takes it."""
    return str(value).lower() if isinstance(value, bool) else f"{value}"


def _chart(entries: Sequence[ComparedNetwork]) -> bytes:
    """The chart of the networks with a reported accuracy; the others are named."""
    from archdsl.viz.chart import ChartPoint, chart

    points = [
        ChartPoint(entry.name, entry.summary.macs, entry.known.top1, entry.summary.parameters)
        for entry in entries
        if entry.known.top1 is not None and entry.summary.macs is not None
    ]
    if not points:
        raise fail(
            "none of these networks has a reported accuracy to plot",
            help="a spec states it in a line '// top-1: 71.5% (where it is from)'",
        )
    for entry in entries:
        if entry.known.top1 is not None and entry.summary.unknown:
            left_out = f"note: left out of the chart, {entry.name}: {entry.summary.unknown}"
            click.echo(printable(left_out), err=True)
    without = [entry.name for entry in entries if entry.known.top1 is None]
    if without:
        names = printable(", ".join(without))
        click.echo(f"note: left out of the chart, no reported top-1 accuracy: {names}", err=True)
    return chart(points)

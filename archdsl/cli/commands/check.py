"""``archdsl check``: parse, expand and check the shapes of specs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import click

import archdsl
from archdsl.api import Network
from archdsl.cli.options import (
    Request,
    files_argument,
    json_option,
    network_options,
    print_json,
)
from archdsl.cli.output import complain, say, tell
from archdsl.cli.progress import QUIET, asked, working
from archdsl.diagnostics import ArchError, Diagnostic
from archdsl.diagnostics.documents import diagnostic_json
from archdsl.frontend.run_folder import read_run_folder
from archdsl.text.paths import is_folder
from archdsl.text.words import counted


class _FileResult(NamedTuple):
    """Result of checking a file; ``network`` is ``None`` where there are errors."""

    file: str
    network: Network | None
    errors: tuple[Diagnostic, ...]
    warnings: tuple[Diagnostic, ...]


@click.command()
@files_argument
@click.option("-A", "allowed", metavar="CODE", multiple=True, help="Allow a warning: -A W003.")
@click.option("-W", "strict", type=click.Choice(["error"]), help="Make errors of all warnings.")
@click.option("--sarif", is_flag=True, help="Print a SARIF 2.1.0 log, for code scanning.")
@network_options
@json_option
def command(
    files: tuple[str, ...],
    allowed: tuple[str, ...],
    strict: str | None,
    sarif: bool,
    request: Request,
    as_json: bool,
) -> None:
    """Parse, expand and check all shapes; a line per file.

    Every error of every file is shown, not just the first, and what is legal but may not be meant:
    warnings. A folder stands for the specs in it.
    """
    if sarif and as_json:
        raise click.UsageError("--json and --sarif exclude each other")
    from archdsl.diagnostics.codes import explanations

    for code in allowed:
        if not code.startswith("W") or code not in explanations():
            raise click.BadParameter(f"there is no warning {code!r}", param_hint="-A")
    expanded = [file for name in files for file in _expanded(name)]
    judged = []
    with working("checking", len(expanded)) as advance:
        for file in expanded:
            judged.append(_judge(file, request, allowed, strict is not None))
            _complain(judged[-1])
            if not sarif and not as_json:
                _tell(judged[-1])
            advance()
    if sarif:
        from archdsl.diagnostics.sarif import sarif_log

        found = [(j.file, d) for j in judged for d in (*j.errors, *j.warnings)]
        print_json(sarif_log(found, archdsl.__version__))
    elif as_json:
        print_json({"files": [_document(j) for j in judged]})
    if any(j.errors for j in judged):
        raise SystemExit(1)


def _expanded(name: str) -> list[str]:
    """The specs of a folder, or the file or the training run itself."""
    if not is_folder(name) or read_run_folder(Path(name)) is not None:
        return [name]
    return sorted(str(path) for path in Path(name).glob("*.arch"))


def _judge(file: str, request: Request, allowed: Sequence[str], strict: bool) -> _FileResult:
    try:
        network = request.open(file)
        warnings = tuple(w for w in network.advice if w.code not in allowed)
    except ArchError as error:
        return _FileResult(file, None, error.diagnostics, ())
    if strict:
        return _FileResult(file, network, _as_errors(warnings), ())
    return _FileResult(file, network, (), warnings)


def _as_errors(warnings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple(replace(warning, severity="error") for warning in warnings)


def _complain(judged: _FileResult) -> None:
    complain((*judged.errors, *(() if asked(QUIET) else judged.warnings)))


def _tell(judged: _FileResult) -> None:
    network = judged.network
    if judged.errors or network is None:
        say(f"{judged.file}: {counted(len(judged.errors), 'error')}")
        return
    tell(f"ok {network.summary()}")
    if network.choice is not None:
        tell(f"   {network.choice}")


def _document(judged: _FileResult) -> dict[str, Any]:
    network = judged.network
    choice = network.choice if network is not None else None
    return {
        "file": judged.file,
        "ok": not judged.errors,
        "errors": [diagnostic_json(d) for d in judged.errors],
        "warnings": [diagnostic_json(d) for d in judged.warnings],
        **(network.summary().totals() if network is not None else {}),
        **({"net": choice.name, "others": choice.others} if choice is not None else {}),
    }

"""``archdsl check``: is it right?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archdsl.diagnostics import ArchError
from archdsl.options import Request, diagnostic_json, json_option, network_options, print_json
from archdsl.printing import counted


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@network_options
@json_option
def command(files: tuple[str, ...], request: Request, as_json: bool) -> None:
    """Parse, expand and check all shapes; a line per file.

    Every error of every file is shown, not just the first. A folder stands for the specs in it.
    """
    results = [_checked(file, request, as_json) for name in files for file in _expanded(name)]
    if as_json:
        print_json({"files": results})
    if not all(result["ok"] for result in results):
        raise SystemExit(1)


def _expanded(name: str) -> list[str]:
    """The specs of a folder, or the file itself."""
    if not Path(name).is_dir():
        return [name]
    return sorted(str(path) for path in Path(name).glob("*.arch"))


def _checked(file: str, request: Request, as_json: bool) -> dict[str, Any]:
    try:
        network = request.load(file)
        summary = network.summary()
    except ArchError as error:
        for diagnostic in error.diagnostics:
            click.echo(str(diagnostic), err=True)
        errors = [diagnostic_json(d) for d in error.diagnostics]
        if not as_json:
            click.echo(f"{file}: {counted(len(errors), 'error')}")
        return {"file": file, "ok": False, "errors": errors, "warnings": []}
    if not as_json:
        click.echo(f"ok {summary}")
        if network.choice is not None:
            click.echo(f"   {network.choice}")
    return {
        "file": file,
        "ok": True,
        "errors": [],
        "warnings": [diagnostic_json(d) for d in network.warnings],
        **summary.totals(),
        **({"net": network.choice.name, "others": network.choice.others} if network.choice else {}),
    }

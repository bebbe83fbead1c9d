"""``archdsl table``: the stages of networks side by side."""

from __future__ import annotations

from pathlib import Path

import click

from archdsl.cli.comparison import asked
from archdsl.cli.options import (
    OutputFile,
    Request,
    files_argument,
    json_option,
    network_options,
    print_json,
)
from archdsl.cli.output import print_table, tell
from archdsl.cli.progress import working
from archdsl.diagnostics import fail
from archdsl.text.output import write
from archdsl.text.words import memory
from archdsl.viz.table import FORMATS, LayerTable, StageTable, layer_table, stage_table
from archdsl.viz.table.formats import cell_lines


@click.command()
@files_argument
@click.option(
    "-o",
    "--output",
    type=OutputFile(path_type=Path),
    help=f"A file, by suffix: {' '.join(FORMATS)}.  [default: printed here]",
)
@click.option(
    "--layers",
    is_flag=True,
    help="The layers of one network with filters, sizes and costs, as MobileNet's and GoogLeNet's "
    "table 1.",
)
@network_options
@json_option
def command(
    files: tuple[str, ...], output: Path | None, layers: bool, request: Request, as_json: bool
) -> None:
    """Put the stages of networks side by side, by the size of their maps, as papers' tables do.

    A network may have settings of its own: mobilenet_v1:width=0.5.
    """
    if layers and len(files) != 1:
        raise click.UsageError("--layers takes one network")
    if output is not None and output.suffix.lower() not in FORMATS:
        raise fail(
            f"cannot write a table into '{output}'", None, f"expected one of {', '.join(FORMATS)}"
        )
    networks, names = [], []
    with working("reading networks", len(files)) as advance:
        for given, (source, each) in zip(files, asked(files, request), strict=True):
            networks.append(each.load(source).checked)
            names.append(networks[-1].name if "=" not in given else given)
            advance()
    form = FORMATS[output.suffix.lower()] if output is not None else None
    table: StageTable | LayerTable
    if layers:
        table = layer_table(networks[0])
        text = form.write_layers(table) if form is not None else ""
    else:
        table = stage_table(networks, names)
        text = form.write(table) if form is not None else ""
    if output is not None:
        content = text.encode()
        write(output, content)
        tell(f"wrote the table to {output} ({memory(len(content))})")
    if as_json:
        print_json(table.document())
    elif isinstance(table, LayerTable) and output is None:
        first, *rest = table.columns
        print_table([(first, "left"), *((name, "right") for name in rest)], table.cells)
    elif isinstance(table, StageTable) and output is None:
        _print(table)


def _print(table: StageTable) -> None:
    columns = [("output", "left"), *((name, "left") for name in table.names)]
    rows: list[tuple[str, ...]] = [("input", *table.inputs)]
    for size, units in zip(table.sizes, table.cells, strict=True):
        lines = [cell_lines(cell) for cell in units]
        for n in range(max(map(len, lines))):
            shown = (cell[n] if n < len(cell) else "" for cell in lines)
            rows.append(("" if n else size, *shown))
    rows += [("parameters", *table.parameters), ("MACs", *table.macs)]
    print_table(columns, rows)

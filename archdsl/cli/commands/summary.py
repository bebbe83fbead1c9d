"""``archdsl summary``: the table of layers."""

from __future__ import annotations

import click

from archdsl.analysis.memory import UnknownMemoryError
from archdsl.cli.options import Request, file_argument, json_option, network_options, print_json
from archdsl.cli.output import print_table
from archdsl.ir.layer import shown
from archdsl.text.words import counted


@click.command()
@file_argument
@network_options
@click.option(
    "--batch",
    metavar="N",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Images at once, for the memory.",
)
@json_option
def command(file: str, request: Request, batch: int, as_json: bool) -> None:
    """List every layer: output shape, parameters, MACs, receptive field; and totals.

    MACs are multiply-accumulates of convolutions and fully connected layers for one image. Memory
    is what is held at one time: of a training step, weights, their gradients and what those need,
    without an optimiser's states.
    """
    network = request.load(file)
    summary = network.summary()
    if as_json:
        print_json(summary.to_json(batch))
        return
    columns = [
        ("layer", "left"),
        ("kind", "left"),
        ("output", "right"),
        ("parameters", "right"),
        ("MACs", "right"),
        ("sees", "right"),
    ]
    rows = (
        (
            row.path,
            row.kind,
            shown(row.shape),
            f"{row.parameters:,}" if row.parameters else "",
            f"{row.macs:,}" if row.macs else "",
            shown(row.receptive_field),
        )
        for row in summary.rows
    )
    totals = (f"{summary.parameters:,}", f"{summary.macs:,}")
    print_table(columns, rows, counted(len(summary.rows), "layer"), "", "", *totals, "")
    click.echo(str(summary))
    try:
        click.echo(str(summary.memory(batch)))
    except UnknownMemoryError as error:
        click.echo(f"memory: unknown, since {error}")
    if network.choice is not None:
        click.echo(str(network.choice))

"""``archdsl summary``: the table of layers."""

from __future__ import annotations

import click

from archdsl.cli.options import Request, file_argument, json_option, network_options, print_json
from archdsl.cli.output import print_table
from archdsl.ir.layer import shown
from archdsl.text.words import count_words, counted


@click.command()
@file_argument
@network_options
@json_option
def command(file: str, request: Request, as_json: bool) -> None:
    """List every layer: output shape, parameters, MACs, receptive field; and totals.

    MACs are multiply-accumulates of convolutions and fully connected layers for one image.
    """
    network = request.load(file)
    summary = network.summary()
    if as_json:
        print_json(summary.to_json())
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
            "" if row.macs == 0 else count_words(row.macs),
            shown(row.receptive_field),
        )
        for row in summary.rows
    )
    totals = (f"{summary.parameters:,}", count_words(summary.macs))
    print_table(columns, rows, counted(len(summary.rows), "layer"), "", "", *totals, "")
    click.echo(str(summary))
    if network.choice is not None:
        click.echo(str(network.choice))

"""``archdsl summary``: the table of layers."""

from __future__ import annotations

from pathlib import Path

import click

from archdsl.analysis.memory import UnknownMemoryError
from archdsl.cli.options import Request, file_argument, json_option, network_options, print_json
from archdsl.cli.output import print_table, say
from archdsl.diagnostics.printable import printable
from archdsl.dlib import SUFFIXES
from archdsl.layers.dlib_options import option_words


@click.command()
@file_argument
@click.option(
    "--weights",
    metavar="W",
    help="A file of dlib's, which says what types leave open: how affine layers are held, and the "
    "windows, anchors and labels of a detector.",
)
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
def command(file: str, weights: str | None, request: Request, batch: int, as_json: bool) -> None:
    """List every layer: output shape, parameters, MACs, receptive field; and totals.

    MACs are multiply-accumulates of convolutions and fully connected layers for one image. Memory
    is what is held at one time: of a training step, weights, their gradients and what those need,
    without an optimiser's states.
    """
    if weights is not None and Path(weights).suffix.lower() not in SUFFIXES:
        raise click.BadParameter(
            f"'{weights}' is no file of dlib's ({', '.join(SUFFIXES)}); other weights change "
            "nothing of a summary",
            param_hint="--weights",
        )
    network = request.load(file).settled(weights)
    summary = network.summary()
    if as_json:
        print_json(summary.to_json(batch))
        return
    table = summary.table()
    print_table(table.columns, table.rows, *table.totals)
    for row in summary.rows:
        for name, value in row.options.items():
            click.echo(printable(f"{row.path}: {option_words(name, value)}"))
    say(str(summary))
    try:
        click.echo(str(summary.memory(batch)))
    except UnknownMemoryError as error:
        click.echo(f"memory: unknown, since {error}")
    if network.choice is not None:
        say(str(network.choice))

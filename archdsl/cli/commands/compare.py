"""``archdsl compare``: networks side by side."""

from __future__ import annotations

from pathlib import Path

import click

from archdsl.cli.comparison import print_comparison
from archdsl.cli.options import OutputFile, Request, files_argument, json_option, network_options


@click.command()
@files_argument
@click.option(
    "--plot",
    type=OutputFile(path_type=Path),
    help="A chart (.svg): accuracy over MACs, parameters as areas.",
)
@network_options
@json_option
def command(files: tuple[str, ...], plot: Path | None, request: Request, as_json: bool) -> None:
    """Put networks side by side: input, parameters, MACs, reported accuracy.

    A network may have settings of its own: mobilenet_v1:width=0.5,resolution=160. -D holds for
    all that declare the parameter, other options for all. An accuracy is shown where it was
    reported for the same setting.
    """
    print_comparison(files, request, as_json, plot)

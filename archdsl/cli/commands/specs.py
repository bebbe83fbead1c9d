"""``archdsl specs``: the bundled networks."""

from __future__ import annotations

import click

from archdsl.cli.comparison import print_comparison
from archdsl.cli.options import Request, json_option
from archdsl.frontend.bundled import spec_names


@click.command()
@json_option
def command(as_json: bool) -> None:
    """List the bundled specs: year, input, parameters, MACs, accuracy, what proves them.

    Top-1 and top-5 are the accuracies on ImageNet that the papers report, in percent.
    """
    print_comparison(spec_names(), Request(), as_json)
    if not as_json:
        click.echo("\narchdsl summary NAME, archdsl draw NAME and archdsl verify NAME tell more")

"""``archdsl train``: a network learns from pictures."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, TypeVar

import click

from archdsl.cli.options import MemorySize, OutputFile, Request, file_argument, network_options
from archdsl.cli.output import print_table, tell
from archdsl.cli.progress import QUIET, asked
from archdsl.diagnostics import fail

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _recipe_options(function: _Function) -> _Function:
    """Add an option for each field of a recipe and of a machine."""
    from archdsl.training.recipe import Machine, Recipe

    for each in reversed((*fields(Recipe), *fields(Machine))):
        function = _option(each)(function)
    return function


def _option(each: Field[Any]) -> Callable[[_Function], _Function]:
    facts, default = each.metadata, each.default
    assert default is not MISSING
    name, text = f"--{each.name.replace('_', '-')}", facts["text"]
    if isinstance(default, bool):
        return click.option(name, is_flag=True, help=text)
    kind: Any = facts.get("type", type(default))
    if "choices" in facts:
        kind = click.Choice(facts["choices"])
    elif kind is int:
        kind = click.IntRange(facts.get("least"))
    elif kind is float:
        low = facts.get("least", facts.get("above"))
        kind = click.FloatRange(
            low, facts.get("below"), min_open="above" in facts, max_open="below" in facts
        )
    shown = default is not None
    return click.option(name, type=kind, default=default, show_default=shown, help=text)


@click.command()
@file_argument
@click.option(
    "--data",
    metavar="FOLDER|COCO.json|IMGLAB.xml|torchvision:NAME",
    help="A folder for each class, or such folders in train and val; a COCO file, or XML "
    "of dlib's imglab, for detectors; the folders images and labels for networks that give every "
    "pixel a class.",
)
@click.option(
    "--images",
    metavar="FOLDER",
    help="The pictures of a COCO file, or of imglab's; the place of a data set of torchvision's, "
    "by default data.",
)
@click.option(
    "-o", "--output", type=OutputFile(path_type=Path), metavar="RUN", help="The run's folder."
)
@click.option(
    "--weights",
    metavar="W",
    help="Weights to start from: a file, a run or torchvision:NAME; by default "
    "those of the run that FILE is.",
)
@click.option(
    "--new-head", is_flag=True, help="Take of the weights what fits, such as all but the head."
)
@click.option(
    "--resume", is_flag=True, help="Go on with the run in the folder, after its last epoch."
)
@click.option("--plan", is_flag=True, help="Tell what memory a run needs, and run nothing.")
@click.option(
    "--memory",
    type=MemorySize(),
    default="80G",
    show_default=True,
    help="Of a device, for --plan.",
)
@_recipe_options
@network_options
def command(
    file: str,
    data: str | None,
    images: str | None,
    output: Path | None,
    weights: str | None,
    new_head: bool,
    resume: bool,
    plan: bool,
    memory: int,
    request: Request,
    **options: Any,
) -> None:
    """Train a network on pictures, by options whose defaults are torchvision's references'.

    RUN holds the spec with its parameters and class names, the best and the last weights, measures
    of every epoch as a table and as curves, and some pictures with predictions. It stands for FILE
    in other commands: archdsl detect RUN photo.jpg.

    A batch is one of all processes, and --resume goes on as if nothing had happened: the curve is
    the same. On several machines, torchrun starts it: torchrun ... -m archdsl train ...
    """
    from archdsl.training.recipe import Machine, Recipe

    recipe = Recipe(**{each.name: options[each.name] for each in fields(Recipe)})
    machine = Machine(**{each.name: options[each.name] for each in fields(Machine)})
    network = request.load(file)
    if plan:
        _plan(network, recipe, machine, memory)
        return
    if data is None or output is None:
        missing = "--data" if data is None else "-o"
        raise click.UsageError(f"{missing} is missing: archdsl train {file} --data PICTURES -o RUN")
    try:
        from archdsl.training.run import Data, train
    except ModuleNotFoundError as error:
        raise fail(
            f"training needs the package {error.name}", help="pip install 'archdsl[train]'"
        ) from None
    train(
        network,
        Data(data, images),
        output,
        recipe,
        machine,
        weights=weights,
        new_head=new_head,
        resume=resume,
        tell=tell,
        bar=sys.stderr.isatty() and not asked(QUIET),
    )


def _plan(network: Any, recipe: Any, machine: Any, memory: int) -> None:
    from archdsl.training.plan import plan

    rows = plan(network, recipe, machine, memory)
    print_table(
        [("strategy", "left"), ("parameters", "right"), ("gradients", "right"),
         ("optimizer", "right"), ("activations", "right"), ("in all", "right"), ("fits", "left")],
        rows,
    )  # fmt: skip

"""``archdsl verify``: a network compared with its reference."""

from __future__ import annotations

import click

from archdsl.cli.options import Request, file_argument, json_option, network_options, print_json
from archdsl.cli.output import say, tell
from archdsl.cli.progress import working
from archdsl.frontend.header import facts
from archdsl.text.words import counted

NOT_VERIFIED = 3
"""Exit status: what was compared is equal, but something was not compared."""


@click.command()
@file_argument
@click.option(
    "--against",
    metavar="REFERENCE",
    help="torchvision:NAME, timm:NAME or FILE.py:NAME, a function or class of a Python file, which "
    "is run; by default what the spec names as its reference.",
)
@click.option(
    "--weights",
    metavar="W",
    help="Compare with these weights, a file or a run; by default with those of the run that FILE "
    "is, and else with random ones.",
)
@click.option("--eval", "mode", flag_value="eval", help="Compare in eval mode only.")
@click.option("--training", "mode", flag_value="training", help="Compare in training mode only.")
@click.option("--partial", is_flag=True, help="Allow outputs that only one of the networks has.")
@click.option("--batch", type=click.IntRange(1), default=2, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True, help="Of weights and inputs.")
@click.option(
    "--tolerance",
    type=click.FloatRange(0),
    default=1e-5,
    show_default=True,
    help="How far outputs may be apart, relative to the largest output.",
)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N.")
@network_options
@json_option
def command(
    file: str,
    against: str | None,
    weights: str | None,
    mode: str | None,
    partial: bool,
    batch: int,
    seed: int,
    tolerance: float,
    device: str,
    request: Request,
    as_json: bool,
) -> None:
    """Match a network with a reference, transfer the weights, compare the outputs.

    The reference has as many classes as -D or a run gave the network.

    The graphs are matched layer by layer, as they are used and as they are trained (with dropout
    off when they are run); the reference's weights, random ones, are then given to both, and both
    run on the same random images. Outputs are paired by name. Exit status 1 where the networks
    differ, 3 where they do not but some output was compared with nothing.
    """
    network = request.load(file)
    name = against or facts(network.source).reference
    if name is None:
        raise click.UsageError(f"{network.name} names no reference; give one with --against")
    summary = network.summary()
    from archdsl.importers.pytorch.modules import of_a_file, original
    from archdsl.importers.verification import has_auxiliary_heads, reference, verify

    several = len(summary.outputs) > 1
    changed = network.setting.changed & {"classes"}
    classes = next((network.setting.values[parameter] for parameter in changed), None)
    own = weights or network.trained_weights
    with working(f"building {network.name} and {name}"):
        if against is not None and of_a_file(against):
            other = original(against)
        else:
            aux = several and has_auxiliary_heads(name)
            other = reference(name, aux=aux, classes=classes)
        pair = network.to_torch(weights=own), other
    with working("comparing them"):
        found = verify(
            *pair,
            [size for size in summary.input if size is not None],
            batch=batch,
            seed=seed,
            training=None if mode is None else mode == "training",
            device=device,
            partial=partial,
            trained=own is not None,
        )
    equal = found.equal_within(tolerance)
    if as_json:
        print_json(
            {
                "matched": found.matched,
                "layers": found.layers,
                "params_equal": found.params_equal,
                "weights": own and str(own),
                "max_abs_diff": found.max_abs_diff,
                "max_rel_diff": found.max_rel_diff,
                "differences": list(found.differences),
                "modes": ["eval", "training"] if mode is None else [mode],
                "not_compared": list(found.not_compared),
                "compared_only_in": dict(found.only_in),
            }
        )
    elif not found.differences and found.max_abs_diff is not None:
        told = tell if equal and found.matched else say
        parameters = f"{found.compiled_params:,} and {found.reference_params:,}"
        told(f"{network.name} and {name}: {counted(found.layers, 'layer')} matched")
        told(f"  parameters          {parameters}")
        told(f"  weights             {own or 'random ones'}")
        told(f"  largest difference  {found.max_abs_diff:.3g}, relative {found.max_rel_diff:.3g}")
        for output, only in found.only_in:
            told(f"  compared in {only} mode only: {output}")
        if found.not_compared:
            allow = "" if partial else "; --partial allows that"
            say(f"  not compared: {', '.join(found.not_compared)}{allow}")
    else:
        say(f"{network.name} and {name} are different networks")
        for difference in found.differences:
            say(f"  {difference}")
    if not equal:
        raise SystemExit(1)
    if not found.matched:
        raise SystemExit(NOT_VERIFIED)

"""``archdsl verify``: is it the same network as the reference?"""

from __future__ import annotations

import click

from archdsl.catalogue import facts
from archdsl.options import Request, file_argument, json_option, network_options, print_json
from archdsl.printing import tell
from archdsl.progress import working
from archdsl.text.words import counted


@click.command()
@file_argument
@click.option(
    "--against",
    metavar="LIBRARY:NAME",
    help="torchvision:NAME or timm:NAME; by default what the spec names as its reference.",
)
@click.option("--training", is_flag=True, help="Compare in training mode, with dropout off.")
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
    training: bool,
    batch: int,
    seed: int,
    tolerance: float,
    device: str,
    request: Request,
    as_json: bool,
) -> None:
    """Match a network with a reference, carry the weights over, compare the outputs.

    The graphs are matched layer by layer; the reference's weights, random ones, are then given to
    both, and both run on the same random images. Exit status 1 where they differ.
    """
    network = request.load(file)
    name = against or facts(network.source).reference
    if name is None:
        raise click.UsageError(f"{network.name} names no reference; give one with --against")
    summary = network.summary()
    from archdsl.matching import has_auxiliary_heads, reference, verify

    several = len(summary.outputs) > 1
    with working(f"building {network.name} and {name}"):
        pair = network.to_torch(), reference(name, aux=several and has_auxiliary_heads(name))
    with working("comparing them"):
        found = verify(
            *pair,
            [size for size in summary.input if size is not None],
            batch=batch,
            seed=seed,
            training=training,
            device=device,
            # Auxiliary heads are not run by the references in eval mode.
            allow_extra_outputs=not training and several,
        )
    close = found.max_rel_diff is not None and found.max_rel_diff <= tolerance
    equal = found.matched and found.params_equal and close
    if as_json:
        print_json(
            {
                "matched": found.matched,
                "layers": found.layers,
                "params_equal": found.params_equal,
                "max_abs_diff": found.max_abs_diff,
                "max_rel_diff": found.max_rel_diff,
                "differences": list(found.differences),
            }
        )
    elif found.matched:
        say = tell if equal else click.echo
        say(f"{network.name} and {name}: {counted(found.layers, 'layer')} matched")
        say(f"  parameters          {found.compiled_params:,} and {found.reference_params:,}")
        say(f"  largest difference  {found.max_abs_diff:.3g}, relative {found.max_rel_diff:.3g}")
    else:
        click.echo(f"{network.name} and {name} are different networks")
        for difference in found.differences:
            click.echo(f"  {difference}")
    if not equal:
        raise SystemExit(1)

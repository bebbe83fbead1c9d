"""``archdsl completion``: the script for a shell's Tab key."""

from __future__ import annotations

from typing import cast

import click
from click.shell_completion import get_completion_class

_VARIABLE = "_ARCHDSL_COMPLETE"  # click's name for a program called archdsl


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script by which a shell completes commands, options, specs and layers.

    \b
    bash, in ~/.bashrc:     eval "$(archdsl completion bash)"
    zsh, in ~/.zshrc:       eval "$(archdsl completion zsh)"
    fish, once:             archdsl completion fish > ~/.config/fish/completions/archdsl.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    program = cast(click.Context, ctx.parent).command
    click.echo(kind(program, {}, "archdsl", _VARIABLE).source())

"""The ``archdsl`` command: finds its subcommands, and says what went wrong.

Every module of ``archdsl.cli.commands`` is a subcommand of its name and holds a ``command``. Only
the one that runs is imported. Exit status: 0 on success, 1 for an error in the input, 2 for wrong
usage, 3 for a result that was not verified, 70 for a fault of archdsl itself, 130 for Ctrl-C.
"""

from __future__ import annotations

import errno
import importlib
import os
import pkgutil
import traceback
from typing import Any, cast

import click

import archdsl
from archdsl.cli import commands
from archdsl.cli.internal_errors import internal
from archdsl.cli.options import JSON, diagnostic_json, print_json
from archdsl.cli.output import complain
from archdsl.diagnostics import ArchError, coded, fail
from archdsl.frontend.files import noting_files

_DEBUG = "archdsl.debug"
_INTERNAL = 70  # EX_SOFTWARE of sysexits.h
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it

# A word of Python is no name of a module: the command import is in import_.py.
_MODULES = {
    module.name.removesuffix("_"): module.name for module in pkgutil.iter_modules(commands.__path__)
}


class _Commands(click.Group):
    """Click group whose commands are the modules of a package, imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _MODULES:
            return None
        module = importlib.import_module(f"archdsl.cli.commands.{_MODULES[cmd_name]}")
        return cast(click.Command, module.command)

    def invoke(self, ctx: click.Context) -> Any:
        status = 1
        with noting_files() as read:
            try:
                with coded("E400"):
                    return super().invoke(ctx)
            except (click.ClickException, click.Abort, click.exceptions.Exit):
                raise
            except KeyboardInterrupt:
                return ctx.exit(_INTERRUPTED)
            except ArchError as error:
                if ctx.meta.get(_DEBUG) and error.__cause__ is not None:
                    traceback.print_exc()
                found = error
            except MemoryError:
                found = fail("the memory of this machine does not suffice", code="E409")
            except Exception as error:
                if isinstance(error, OSError) and error.errno == errno.EPIPE:
                    raise  # click knows what to do when the reader of a pipe has gone
                if ctx.meta.get(_DEBUG):
                    traceback.print_exc()
                status, found = _INTERNAL, internal(error, read)
        complain(found.diagnostics)
        if ctx.meta.get(JSON):
            print_json({"errors": [diagnostic_json(d) for d in found.diagnostics]})
        return ctx.exit(status)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="FILE is a path, - for standard input, or the name of a bundled spec such as vgg19.",
)
@click.version_option(archdsl.__version__, prog_name="archdsl")
@click.option("--debug", is_flag=True, help="Show the traceback of a fault of archdsl itself.")
@click.pass_context
def main(ctx: click.Context, debug: bool) -> None:
    """A compiler for neural-network architectures."""
    ctx.meta[_DEBUG] = debug
    # Without colours here there are none in any command; otherwise click goes by the terminal.
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        ctx.color = False

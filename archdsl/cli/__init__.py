"""The ``archdsl`` command: finds its subcommands, and says what went wrong.

Every module of ``archdsl.cli.commands`` is a subcommand of its name and holds a ``command``. Only
the one that runs is imported. Exit status: 0 on success, 1 for an error in the input, 2 for wrong
usage, 3 for a result that was not verified, 70 for a fault of archdsl itself, 130 for Ctrl-C.
"""

from __future__ import annotations

import errno
import importlib
import os
import re
from functools import cache
from pathlib import Path
from typing import Any, cast

import click

import archdsl

_DEBUG = "archdsl.debug"
_INTERNAL = 70  # EX_SOFTWARE of sysexits.h
_INTERRUPTED = 130  # 128 + SIGINT, as shells have it

_FOLDER = "archdsl.cli.commands"
_SENTENCE = re.compile(
    r'^def command\(.*?"""(.*?)(?:\.\s|\.?\n\n|\.?""")', re.MULTILINE | re.DOTALL
)


@cache
def _modules() -> dict[str, Path]:
    """The modules of the subcommands by name; a word of Python has an underscore behind."""
    folder = Path(__file__).parent / "commands"
    files = (file for file in folder.glob("*.py") if file.stem != "__init__")
    return {file.stem.removesuffix("_"): file for file in files}


class _Commands(click.Group):
    """Click group whose commands are the modules of a package, imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_modules())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _modules():
            return None
        module = importlib.import_module(f"{_FOLDER}.{_modules()[cmd_name].stem}")
        return cast(click.Command, module.command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with the first sentence about each, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary(name)) for name in self.list_commands(ctx)])

    def invoke(self, ctx: click.Context) -> Any:
        # Not above: --help, --version and a shell's completion do without.
        import traceback

        from archdsl.cli.internal_errors import internal
        from archdsl.cli.options import JSON, print_json
        from archdsl.cli.output import complain
        from archdsl.diagnostics import ArchError, coded, fail
        from archdsl.diagnostics.documents import diagnostic_json
        from archdsl.frontend.files import noting_files

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


def summary(name: str) -> str:
    """The first sentence of a subcommand's help, as its module has it."""
    found = _SENTENCE.search(_modules()[name].read_text(encoding="utf-8"))
    assert found is not None
    return " ".join(found[1].split()) + "."


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

"""The cell magic ``%%arch`` of notebooks: a spec in a cell, its figure or its errors below.

Nothing of IPython is needed: a shell registers a function, and shows what that gives or raises.
"""

from __future__ import annotations

import argparse
import shlex
from typing import Any, NoReturn

from archdsl.analysis.cost import Summary
from archdsl.api import Network, load_source
from archdsl.diagnostics import fail
from archdsl.diagnostics.source import Source
from archdsl.text.settings import EXPECTED, setting

MAGIC = "arch"


class _Arguments(argparse.ArgumentParser):
    """Arguments of a line, whose mistakes are shown as those of a spec."""

    def error(self, message: str) -> NoReturn:
        raise fail(f"%%{MAGIC}: {message}", None, self.format_usage().strip(), code="E400")


def _arguments() -> _Arguments:
    parser = _Arguments(prog=f"%%{MAGIC}", add_help=False)
    parser.add_argument("variable", nargs="?", help="the variable that the network is kept in")
    parser.add_argument("--input", metavar="CxHxW", help="the input's size")
    parser.add_argument("-D", dest="settings", metavar="NAME=VALUE", action="append", default=[])
    parser.add_argument("--net", metavar="NAME", help="which network of the cell")
    parser.add_argument("--summary", action="store_true", help="the table of layers, no figure")
    return parser


def add_to(shell: Any) -> None:
    """Register ``%%arch`` with IPython's shell."""

    def arch(line: str, cell: str) -> Network | Summary:
        asked = _arguments().parse_args(_words(line))
        settings = dict(_setting(text) for text in asked.settings)
        network = load_source(
            Source("<cell>", cell), net=asked.net, input=asked.input, settings=settings
        ).check()
        for warning in network.warnings:
            print(warning)
        if asked.variable is not None:
            shell.push({_identifier(asked.variable): network})
        return network.summary() if asked.summary else network

    arch.__doc__ = (
        "Check the network of a cell and draw it; its errors are shown in place of the figure.\n\n"
        + _arguments().format_help()
    )
    shell.register_magic_function(arch, "cell", MAGIC)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:  # a quotation mark without its partner
        raise fail(f"%%{MAGIC}: {str(error).lower()}", code="E400") from None


def _setting(text: str) -> tuple[str, str]:
    found = setting(text)
    if found is None:
        raise fail(f"%%{MAGIC}: -D {text}: {EXPECTED}", code="E400")
    return found


def _identifier(name: str) -> str:
    if not name.isidentifier():
        raise fail(
            f"%%{MAGIC}: '{name}' is no name of a variable",
            None,
            "the spec stands in the lines below",
            code="E400",
        )
    return name

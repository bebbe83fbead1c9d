"""The command line, run within the test's own process."""

from collections.abc import Mapping
from pathlib import Path

from click.testing import CliRunner, Result

from archdsl.cli import main


def run(
    *arguments: str | Path,
    stdin: str | bytes | None = None,
    env: Mapping[str, str | None] | None = None,
    color: bool = False,
    catch: bool = True,
) -> Result:
    """Result of ``archdsl`` with these arguments; without ``catch`` its exceptions are raised."""
    words = [str(argument) for argument in arguments]
    runner = CliRunner(env=env)
    return runner.invoke(main, words, input=stdin, color=color, catch_exceptions=catch)

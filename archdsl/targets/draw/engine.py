"""From DOT to SVG and PNG, by the system's Graphviz or else the one that comes as a wheel."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig

from archdsl.diagnostics import fail

_SECONDS = 120
_DPI = "144"


def layout(source: str, form: str) -> bytes:
    """Lay out a DOT text and return the picture.

    ``form`` is ``svg`` or ``png``. Raises ArchError where no engine is found or it gives up.
    """
    command = [_program(), f"-T{form}"]
    if form == "png":
        command.append(f"-Gdpi={_DPI}")
    try:
        done = subprocess.run(
            command, input=source.encode(), capture_output=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise fail(
            f"the layout of this network takes longer than {_SECONDS} seconds",
            help="draw its .dot and lay that out yourself, or draw a part of the network",
        ) from None
    except OSError as error:
        raise fail(f"cannot run {command[0]}: {error.strerror or error}") from None
    if done.returncode != 0 or not done.stdout:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise fail("the layout engine gave up", None, *said[:3])
    return done.stdout


def _program() -> str:
    """The program that lays out; both take the same options."""
    system = shutil.which("dot")
    if system is not None:
        return system
    beside = shutil.which("graphviz-pure", path=sysconfig.get_path("scripts"))
    found = beside or shutil.which("graphviz-pure")
    if found is None:
        raise fail(
            "there is no Graphviz to lay out the drawing",
            help="pip install graphviz-pure, or install Graphviz, or draw to a .dot file",
        )
    return found

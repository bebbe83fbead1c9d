"""The packages of other people that the page is served with, as npm installs them."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archdsl.diagnostics import fail

MODULES = {
    "@codemirror/commands": "dist/index.js",
    "@codemirror/language": "dist/index.js",
    "@codemirror/lint": "dist/index.js",
    "@codemirror/state": "dist/index.js",
    "@codemirror/streamparser": "dist/index.js",
    "@codemirror/view": "dist/index.js",
    "@lezer/common": "dist/index.js",
    "@lezer/highlight": "dist/index.js",
    "@lezer/lr": "dist/index.js",
    "@marijn/find-cluster-break": "src/index.js",
    "crelt": "index.js",
    "style-mod": "src/style-mod.js",
    "w3c-keyname": "index.js",
}
"""The file of each package that browsers import by the package's name."""

RUNTIME = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "pyodide-lock.json",
    "python_stdlib.zip",
    "package.json",
)
"""The files of the package ``pyodide`` that are Python in the browser, and its licence's name."""

_MANIFESTS = ("package.json", "package-lock.json")
_PATIENCE = 600
_ELSEWHERE = "'npm ci' in {} installs them anywhere; --packages takes that node_modules"


def files() -> Iterator[str]:
    """The paths of all files that the page asks for, from the folder ``node_modules`` on."""
    yield from (f"{package}/{path}" for package, path in MODULES.items())
    yield from (f"pyodide/{name}" for name in RUNTIME)


@contextmanager
def installed(given: Path | None = None) -> Iterator[Path]:
    """A folder ``node_modules`` with the packages: the one given, or one that npm makes.

    npm installs the versions of ``package-lock.json`` and compares their digests. Raises ArchError
    where there is no npm, where it fails, and where a file is missing.
    """
    if given is not None:
        yield _whole(given)
        return
    with tempfile.TemporaryDirectory(prefix="archdsl-") as name:
        folder = Path(name)
        for manifest in _MANIFESTS:
            shutil.copy(Path(__file__).parent / manifest, folder)
        _install(folder)
        yield _whole(folder / "node_modules")


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    help = _ELSEWHERE.format(Path(__file__).parent)
    if npm is None:
        raise fail("there is no npm, which brings Python for the browser", help=help)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE, check=True
        )
    except subprocess.CalledProcessError as error:
        said = [line for line in error.stderr.splitlines() if line.strip()]
        raise fail("npm cannot install the packages", None, *said[:5], help=help) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise fail(f"npm cannot install the packages: {error}", help=help) from None


def _whole(folder: Path) -> Path:
    for name in files():
        if not (folder / name).is_file():
            raise fail(
                f"{folder} has no {name}",
                help=f"'npm ci' in {Path(__file__).parent} makes such a folder",
            )
    return folder

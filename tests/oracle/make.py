"""Asks dlib: writes a C++ program for the cases, builds and runs it, and packs what it records.

    DLIB_SOURCE=/path/to/dlib python tests/oracle/make.py [NAME ...]

``data/NAME.npz`` holds the arrays, ``data/NAME.dat`` the network as dlib serializes it,
``data/NAME.xml`` dlib's description of some. dlib's library is compiled once into the build folder.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from cases import CASES, Case

HERE = Path(__file__).resolve().parent
DATA = HERE / "data"
PER_PROGRAM = 20
"""Networks in one program; compiling one takes a gigabyte for about so many."""
FLAGS = ("-std=c++17", "-O1", "-DDLIB_NO_GUI_SUPPORT", "-DNDEBUG", "-w")


def program(cases: Sequence[Case]) -> str:
    """The C++ that records some cases."""
    lines = ['#include "harness.h"', ""]
    calls = []
    for case in cases:
        lines += [f"namespace case_{case.name} {{"]
        for kind in ("trained", "used"):
            if kind == "used" and case.used == case.trained:
                lines += ["namespace used = trained;"]  # templates of two scopes are two
                continue
            lines += [f"namespace {kind} {{", "using namespace dlib;"]
            lines += [definitions(getattr(case, kind)), "}"]
        lines += ["}", ""]
        k, rows, columns = case.size
        calls += [
            f"    oracle::record<case_{case.name}::trained::net_type, "
            f"case_{case.name}::used::net_type>(",
            f'        folder, "{case.name}", {case.seed}u, {case.batch}, '
            f"{{{k}, {rows}, {columns}, {case.tokens}}}, {str(case.statistics).lower()});",
        ]
    lines += ["int main(int, char** argv)", "{", "    const std::string folder = argv[1];"]
    return "\n".join([*lines, *calls, "}", ""])


def definitions(text: str) -> str:
    """A case's text as definitions."""
    return text if "net_type" in text else f"using net_type = {text};"


def compiled(
    source: Path,
    output: Path,
    include: Path,
    objects: Iterable[Path],
    flags: Sequence[str] = FLAGS,
) -> None:
    command = ["g++", *flags, f"-I{include}", f"-I{HERE}", str(source), *map(str, objects)]
    subprocess.run([*command, "-lpthread", "-o", str(output)], check=True)


def library(include: Path, build: Path, flags: Sequence[str] = FLAGS, name: str = "dlib.o") -> Path:
    """dlib's own object file."""
    output = build / name
    if not output.exists():
        source = include / "dlib" / "all" / "source.cpp"
        command = ["g++", *flags, f"-I{include}", "-c", str(source), "-o", str(output)]
        subprocess.run(command, check=True)
    return output


def records(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """What the program wrote: arrays by name."""
    data = path.read_bytes()
    at = 0
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at)
        name = data[at + 4 : at + 4 + length].decode()
        sizes = struct.unpack_from("<4q", data, at + 4 + length)
        at += 4 + length + 32
        count = int(np.prod(sizes))
        yield name, np.frombuffer(data, "<f4", count, at).reshape(sizes)
        at += 4 * count


def asked(
    cases: Sequence[Case], source: Path, build: Path
) -> Iterator[tuple[Case, dict[str, np.ndarray]]]:
    """dlib's answers: the arrays of each case; its other files lie in ``build`` by then."""
    dlib = library(source, build)
    for first in range(0, len(cases), PER_PROGRAM):
        some = cases[first : first + PER_PROGRAM]
        text, binary = build / "cases.cpp", build / "cases"
        text.write_text(program(some))
        compiled(text, binary, source, [dlib])
        subprocess.run([str(binary), str(build)], check=True)
        for case in some:
            yield case, dict(records(build / f"{case.name}.values"))


def main(names: Sequence[str]) -> None:
    source = Path(os.environ["DLIB_SOURCE"])
    cases = [case for case in CASES if not names or case.name in names]
    with tempfile.TemporaryDirectory() as folder:
        build = Path(os.environ.get("ORACLE_BUILD", folder))
        for case, arrays in asked(cases, source, build):
            np.savez_compressed(DATA / f"{case.name}.npz", **arrays)  # type: ignore[arg-type]
            for suffix in (".dat", ".xml") if case.xml else (".dat",):
                shutil.copy(build / f"{case.name}{suffix}", DATA)


if __name__ == "__main__":
    main(sys.argv[1:])

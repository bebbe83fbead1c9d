"""dlib's own example programs: g++ compiles them, archdsl checks them and makes PyTorch modules.

Wall time and peak memory of whole processes, one after the other on the same machine:

    g++ -std=c++17 -O2 -c EXAMPLE.cpp
    python -c 'import archdsl; archdsl.load("EXAMPLE.cpp").check()'
    python -c 'import archdsl; archdsl.compile("EXAMPLE.cpp")'

g++ makes a program that runs the network, so a module is what compares to it; that the network is
right, every shape, one knows after ``check``.

The imagenet example shows windows: its headers want Debian's libx11-dev. Networks whose file leaves
the input open are given its size.

Run: DLIB_SOURCE=<an unpacked source tree of dlib> python tests/benchmarks/dlib_sources.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = {
    "dnn_introduction_ex": "1x28x28",
    "dnn_inception_ex": "1x28x28",
    "dnn_imagenet_ex": None,
    "dnn_face_recognition_ex": None,
}
"""The examples, and the size of the input where the type leaves it open."""


class Cost(NamedTuple):
    """What a process and its children took."""

    seconds: float
    peak: float
    """Of memory, in GiB."""


def cost(command: list[str]) -> Cost:
    """Run a command to its end; raises CalledProcessError where it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    # Of this process and what it waited for alone, unlike RUSAGE_CHILDREN.
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    process.returncode = code
    if code:
        raise subprocess.CalledProcessError(code, command)
    return Cost(seconds, usage.ru_maxrss / 2**20)


def with_compiler(source: Path, dlib: Path, folder: Path) -> Cost:
    """g++'s own driver starts the compiler proper as a child, whose memory wait4 counts too."""
    output = str(folder / "example.o")
    flags = ["-std=c++17", "-O2", f"-I{dlib}"]
    return cost(["g++", *flags, "-c", str(source), "-o", output])


GOALS = {"checked": "load({}, input={}).check()", "module": "compile({}, input={})"}
"""How far archdsl is asked to go, and the call."""


def with_archdsl(source: Path, size: str | None, goal: str) -> Cost:
    call = GOALS[goal].format(repr(str(source)), repr(size))
    return cost([sys.executable, "-c", f"import archdsl; archdsl.{call}"])


def main() -> None:
    dlib = Path(os.environ["DLIB_SOURCE"]).resolve()
    print(f"{'':<32} {'g++':>18} {'archdsl':>18} {'ratio':>14}")
    with_archdsl(dlib / "examples" / "dnn_imagenet_ex.cpp", None, "module")  # warms file caches
    with tempfile.TemporaryDirectory() as folder:
        for name, size in EXAMPLES.items():
            source = dlib / "examples" / f"{name}.cpp"
            theirs = with_compiler(source, dlib, Path(folder))
            for goal in GOALS:
                ours = min(with_archdsl(source, size, goal) for _ in range(3))
                print(
                    f"{f'{name}, {goal}':<32} {theirs.seconds:>8.1f} s {theirs.peak:>5.2f} GiB"
                    f" {ours.seconds:>8.2f} s {ours.peak:>5.2f} GiB"
                    f" {theirs.seconds / ours.seconds:>6.1f} {theirs.peak / ours.peak:>6.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()

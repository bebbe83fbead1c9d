"""g++ and ``check`` accept the same C++: every file of ``wild`` is given to both.

Needs g++ and dlib's headers, in the folder that DLIB_SOURCE names. All files are compiled in one
run, each in a namespace of its own, for the headers take a minute to read.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import archdsl
from archdsl.diagnostics import ArchError

WILD = Path(__file__).parent / "wild"
OF_OTHERS = {"unknown_input", "unknown_loss"}
"""They need a header that is not there: g++ knows nothing of classes that it has not seen."""
FILES = sorted(
    path
    for path in (*WILD.glob("*.cpp"), *(WILD / "refused").glob("*.cpp"))
    if path.stem not in OF_OTHERS
)


def test_enough_files_are_compared() -> None:
    assert len(FILES) >= 110
    assert sum(path.parent.name == "refused" for path in FILES) >= 15


@pytest.mark.slow
def test_gpp_accepts_what_check_accepts(tmp_path: Path) -> None:
    source = os.environ.get("DLIB_SOURCE")
    compiler = shutil.which("g++")
    if source is None or compiler is None:
        pytest.skip("needs g++ and dlib's source in DLIB_SOURCE")
    text = "#include <dlib/dnn.h>\n"
    for index, path in enumerate(FILES):
        text += f'namespace file{index} {{\n#include "{path}"\n}}\n'
        for part in (path, *WILD.glob("parts/*.h")):
            names = re.findall(r"^# *define +(\w+)", part.read_text(), re.MULTILINE)
            text += "".join(f"#undef {name}\n" for name in names)
    unit = tmp_path / "all.cpp"
    unit.write_text(text)
    run = subprocess.run(
        [compiler, "-std=c++17", "-fsyntax-only", "-fmax-errors=0", "-w", f"-I{source}", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    wrong = re.findall(r"^([^:\n]+):\d+:(?:\d+:)? (?:fatal )?error:", run.stderr, re.MULTILINE)
    refused = {Path(name) for name in wrong}
    assert refused <= set(FILES), run.stderr[:4000]
    assert {path.stem for path in FILES if not _checks(path)} == {path.stem for path in refused}


def _checks(path: Path) -> bool:
    size = (1, 2, 2) if path.stem == "own_input" else None
    opaque = {"mine_": "relu"} if path.stem == "own_layer" else None
    try:
        archdsl.load(path, input=size, opaque=opaque).check()
    except ArchError:
        return False
    return True

"""Writes the networks of dlib's model zoo as its author's files are, with made-up weights.

    DLIB_SOURCE=/path/to/dlib python tests/oracle/zoo.py [NAME ...]

The trained files cannot be had everywhere. ``zoo/NAME.cpp`` is the network, written from its
documentation; ``zoo/NAME.dat.xz`` is what dlib serializes for it, and what follows the network in
the published file, and ``zoo/NAME.npz`` what dlib computes with it.
"""

from __future__ import annotations

import lzma
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from make import HERE, compiled, library, records

ZOO = HERE / "zoo"


@dataclass(frozen=True)
class Published:
    """A network of the zoo: the size that it is run on, and what else its file holds."""

    name: str
    rows: int
    columns: int
    options: str = "oracle::no_options options;"
    """C++ that defines a detector's options."""
    behind: str = "std::vector<std::string>()"
    """C++ of what is serialized behind the network."""

    @property
    def text(self) -> str:
        return (ZOO / f"{self.name}.cpp").read_text(encoding="utf-8")


_LABELS = 'std::vector<std::string>{"first", "second", "third"}'
_FACE = "dlib::shape_predictor()"


def _windows(*windows: tuple[int, int, str]) -> str:
    made = (f'{{{width}, {height}, "{label}"}}' for width, height, label in windows)
    return f"dlib::mmod_options options; options.detector_windows = {{{', '.join(made)}}};"


_YOLO = """dlib::yolo_options options;
    options.add_anchors<trained::fine>({{5, 7}, {9, 6}, {8, 14}});
    options.add_anchors<trained::coarse>({{20, 18}, {30, 25}});
    options.labels = {"person", "traffic light", "dog"};
    options.overlaps_nms = dlib::test_box_overlap(0.3, 0.9);
    options.classwise_nms = false;"""

ALL = (
    Published("resnet34", 227, 227, behind=_LABELS),
    Published("resnet50", 96, 80, behind=_LABELS),
    Published("dog_hipsterizer", 90, 70, _windows((80, 80, "")), _FACE),
    Published(
        "vehicles", 80, 100,
        _windows((62, 44, "rear"), (50, 58, "front"), (41, 72, "rear"), (59, 48, "front")),
        _FACE,
    ),
    Published("segmentation", 66, 98),
    Published("gender", 32, 32),
    Published("age", 64, 64),
    Published("yolo", 48, 64, _YOLO),
)  # fmt: skip


def program(each: Published) -> str:
    """The C++ that writes one network's files."""
    used = re.sub(r"#include.*|using namespace dlib;", "", each.text)
    used = re.sub(r"\bdropout<", "multiply<", used)
    trained = re.sub(r"\baffine<", "bn_con<", used).replace("multiply<", "dropout<")
    return "\n".join(
        [
            '#include "zoo.h"',
            *("namespace trained {", "using namespace dlib;", trained, "}"),
            *("namespace used {", "using namespace dlib;", used, "}"),
            *("int main(int, char** argv)", "{", f"    {each.options}"),
            "    oracle::publish<trained::net_type, used::net_type>(",
            f'        argv[1], "{each.name}", {{3, {each.rows}, {each.columns}, 10}}, options,',
            f"        {each.behind});",
            *("}", ""),
        ]
    )


def written(each: Published, source: Path, build: Path) -> tuple[bytes, dict[str, np.ndarray]]:
    """The file that dlib writes, and what it computes."""
    text, binary = build / f"{each.name}.cpp", build / each.name
    text.write_text(program(each), encoding="utf-8")
    compiled(text, binary, source, [library(source, build)])
    subprocess.run([str(binary), str(build)], check=True)
    values = dict(records(build / f"{each.name}.values"))
    return (build / f"{each.name}.dat").read_bytes(), values


def main(names: Sequence[str]) -> None:
    source = Path(os.environ["DLIB_SOURCE"])
    with tempfile.TemporaryDirectory() as folder:
        build = Path(os.environ.get("ORACLE_BUILD", folder))
        for each in ALL:
            if names and each.name not in names:
                continue
            content, values = written(each, source, build)
            (ZOO / f"{each.name}.dat.xz").write_bytes(lzma.compress(content, preset=6))
            np.savez_compressed(ZOO / f"{each.name}.npz", **values)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(sys.argv[1:])

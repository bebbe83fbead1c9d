"""Asks dlib which sizes its losses and layers refuse, and keeps the answers.

    DLIB_SOURCE=/path/to/dlib python tests/oracle/refusals.py

``refusals.json`` has the assertion that fails for each network, ``""`` where dlib takes it. What
dlib asserts of template arguments alone, the compiler answers.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

from make import FLAGS, HERE, compiled, library

ANSWERS = HERE / "refusals.json"
CHECKING = (*(flag for flag in FLAGS if flag != "-DNDEBUG"), "-DENABLE_ASSERTS")
"""Flags of a build that checks everything that dlib can check."""

LOSSES = {
    "loss_binary_hinge<": "loss_binary_hinge_()",
    "loss_binary_log<": "loss_binary_log_()",
    "loss_multiclass_log<": "loss_multiclass_log_()",
    "loss_multiclass_log_weighted<": "loss_multiclass_log_weighted_()",
    "loss_multimulticlass_log<2,3,": (
        'loss_multimulticlass_log_({{"a", {"x", "y"}}, {"b", {"x", "y", "z"}}})'
    ),
    "loss_multibinary_log<": "loss_multibinary_log_()",
    "loss_metric<": "loss_metric_()",
    "loss_ranking<": "loss_ranking_()",
    "loss_mean_squared<": "loss_mean_squared_()",
    "loss_epsilon_insensitive<": "loss_epsilon_insensitive_()",
    "loss_mean_squared_multioutput<": "loss_mean_squared_multioutput_()",
    "loss_binary_log_per_pixel<": "loss_binary_log_per_pixel_()",
    "loss_multiclass_log_per_pixel<": "loss_multiclass_log_per_pixel_()",
    "loss_multiclass_log_per_pixel_weighted<": "loss_multiclass_log_per_pixel_weighted_()",
    "loss_mean_squared_per_pixel<": "loss_mean_squared_per_pixel_()",
    "loss_mean_squared_per_channel_and_pixel<3,": "loss_mean_squared_per_channel_and_pixel_<3>()",
    "loss_dot<": "loss_dot_()",
    "loss_barlow_twins<": "loss_barlow_twins_()",
}
"""A loss as archdsl is given it, up to its input, and as C++ makes it."""

SIZE = (3, 4, 6)
_IN = "input<std::array<matrix<float>,3>>"
NETS = [
    text.replace("IN", _IN)
    for text in (
        "reorg<IN>",
        "add_layer<reorg_<2,4>,IN>",
        "add_layer<reorg_<3,1>,IN>",
        "add_layer<reorg_<1,3>,IN>",
        "reshape_to<3,2,12,IN>",
        "reshape_to<3,5,5,IN>",
        "reshape_to<2,6,6,IN>",
        "reshape_to<2,6,5,IN>",
        "reshape_to<-1,8,3,IN>",
        "reshape_to<-1,8,-1,IN>",
        "reshape_to<1,-1,-1,IN>",
        "extract<0,3,4,6,IN>",
        "extract<1,3,4,6,IN>",
        "extract<70,1,1,2,IN>",
        "extract<70,1,1,3,IN>",
        "slice<0,0,0,3,4,6,IN>",
        "slice<2,0,0,2,4,6,IN>",
        "slice<0,0,0,4,4,6,IN>",
        "scale1<fc<3,tag1<IN>>>",
        "scale1<fc<2,tag1<IN>>>",
        "scale1<con<3,1,1,1,1,tag1<IN>>>",
        "scale_prev1<skip2<tag1<fc<3,tag2<IN>>>>>",
        "scale_prev1<skip2<tag1<fc<4,tag2<IN>>>>>",
        "scale_prev1<skip2<tag1<con<3,1,1,1,1,tag2<IN>>>>>",
        "concat2<tag1,tag2,tag2<con<2,3,3,1,1,tag1<IN>>>>",
        "concat2<tag1,tag2,tag2<con<2,3,3,2,2,tag1<IN>>>>",
        "multm_prev1<transpose<tag1<IN>>>",
        "multm_prev1<con<3,1,1,1,1,tag1<IN>>>",
        "multm_prev1<con<2,1,1,1,1,tag1<IN>>>",
        "con<2,4,6,2,2,IN>",
        "con<2,5,5,2,2,IN>",
        "con<2,4,7,2,2,IN>",
        "con<2,9,9,1,1,IN>",
        "max_pool<4,6,2,2,IN>",
        "max_pool<5,5,2,2,IN>",
        "max_pool<2,7,3,3,IN>",
        "avg_pool<4,6,2,2,IN>",
        "avg_pool<5,5,2,2,IN>",
        "avg_pool<2,7,3,3,IN>",
        "add_prev1<con<2,3,3,2,2,tag1<IN>>>",
        "mult_prev1<con<2,3,3,2,2,tag1<IN>>>",
        "resize_prev_to_tagged<tag1,con<2,3,3,2,2,tag1<IN>>>",
        "linear<5,IN>",
        "l2normalize<IN>",
    )
]
"""Networks that dlib runs on a sample of ``SIZE``."""

DETECTORS = {
    "loss_mmod<detector_window<9,6,a>,detector_window<5,8,b>,con<{},1,1,1,1,input_rgb_image>>": (
        "loss_mmod<con<{},1,1,1,1,input_rgb_image>>",
        "two_windows(false)",
        (1, 2, 3, 10),
    ),
    "loss_mmod<detector_window<9,6,a>,detector_window<5,8,b>,regression=true,"
    "con<{},1,1,1,1,input_rgb_image>>": (
        "loss_mmod<con<{},1,1,1,1,input_rgb_image>>",
        "two_windows(true)",
        (2, 9, 10, 11),
    ),
    "loss_yolo<yolo_anchors<tag1,3,4,5,6>,sig<tag1<con<{},1,1,1,1,input_rgb_image>>>>": (
        "add_loss_layer<loss_yolo_<tag1>,sig<tag1<con<{},1,1,1,1,input_rgb_image>>>>",
        "three_labels()",
        (8, 15, 16, 17),
    ),
}
"""A detector as archdsl is given it, its C++ type, its loss, and numbers of channels."""

_DETECTORS = """
using namespace dlib;

static loss_mmod_ two_windows(bool regression)
{
    mmod_options options;
    options.detector_windows = {{9, 6, "a"}, {5, 8, "b"}};
    options.use_bounding_box_regression = regression;
    return loss_mmod_(options);
}

static loss_yolo_<tag1> three_labels()
{
    yolo_options options;
    options.add_anchors<tag1>({{3, 4}, {5, 6}});
    options.labels = {"a", "b", "c"};
    return loss_yolo_<tag1>(options);
}
"""

TYPES = [
    text.replace("IN", _IN)
    for text in (
        "con<0,3,3,1,1,IN>",
        "con<2,3,3,0,1,IN>",
        "con<2,3,3,1,0,IN>",
        "con<2,-1,3,1,1,IN>",
        "con<2,3,-1,2,2,IN>",
        "add_layer<con_<2,3,3,1,1,2,2>,IN>",
        "add_layer<con_<2,3,3,1,1,3,0>,IN>",
        "add_layer<con_<2,3,3,1,1,0,3>,IN>",
        "add_layer<con_<2,0,3,1,1,1,0>,IN>",
        "cont<0,3,3,1,1,IN>",
        "cont<2,0,3,1,1,IN>",
        "cont<2,3,3,2,0,IN>",
        "add_layer<cont_<2,4,4,2,2,4,0>,IN>",
        "max_pool<3,3,0,1,IN>",
        "max_pool<-1,3,1,1,IN>",
        "add_layer<max_pool_<2,2,2,2,2,0>,IN>",
        "add_layer<max_pool_<0,0,1,1,1,0>,IN>",
        "add_layer<max_pool_<3,3,2,2,2,1>,IN>",
        "avg_pool<3,3,1,0,IN>",
        "avg_pool<3,-1,1,1,IN>",
        "add_layer<avg_pool_<2,2,2,2,0,2>,IN>",
        "upsample<0,IN>",
        "add_layer<upsample_<1,0>,IN>",
        "resize_to<0,4,IN>",
        "resize_to<4,0,IN>",
        "reshape_to<0,4,4,IN>",
        "reshape_to<-2,4,4,IN>",
        "reshape_to<1,0,4,IN>",
        "fc<0,IN>",
        "linear<0,IN>",
        "dropout_rate<101,IN>",
        "dropout_rate<-1,IN>",
        "dropout_rate<100,IN>",
        "extract<-1,1,1,1,IN>",
        "extract<0,0,1,1,IN>",
        "slice<-1,0,0,1,1,1,IN>",
        "slice<0,0,0,1,0,1,IN>",
        "add_layer<reorg_<0,1>,IN>",
        "embeddings<0,3,input<matrix<int,0,1>>>",
        "embeddings<3,0,input<matrix<int,0,1>>>",
    )
]
"""Networks whose template arguments alone may be wrong."""


def program() -> str:
    """The C++ that asks about sizes."""
    lines = ['#include "refusals.h"', _DETECTORS]
    calls = []
    size = "{" + ", ".join(map(str, SIZE)) + ", 10}"
    for ours, made in LOSSES.items():
        calls.append(f'    oracle::ask_loss("{ours}", {made});')
    for number, text in enumerate(NETS):
        lines.append(f"using net{number} = {text};")
        calls.append(f'    oracle::ask_net<net{number}>("{text}", {size});')
    for ours, (theirs, loss, counts) in DETECTORS.items():
        for count in counts:
            calls.append(
                f'    oracle::ask_detector<{theirs.format(count)}>("{ours.format(count)}", '
                f"{loss}, {size});"
            )
    return "\n".join([*lines, "int main()", "{", *calls, "}", ""])


def of_sizes(source: Path, build: Path) -> dict[str, str]:
    """The assertion that a program of dlib's fails with, by network."""
    text, binary = build / "refusals.cpp", build / "refusals"
    text.write_text(program())
    objects = [library(source, build, CHECKING, "checking.o")]
    compiled(text, binary, source, objects, CHECKING)
    done = subprocess.run([str(binary)], check=True, capture_output=True, text=True)
    return dict(line.split("\t") for line in done.stdout.splitlines())


def of_types(source: Path, build: Path) -> dict[str, str]:
    """The static assertion that the compiler refuses a network with."""
    text = build / "types.cpp"
    start = ["#include <dlib/dnn.h>", "using namespace dlib;"]
    used = [f"static {net}* made{n}() {{ return new {net}(); }}" for n, net in enumerate(TYPES)]
    text.write_text("\n".join([*start, *used, ""]))
    command = ["g++", *FLAGS, "-fsyntax-only", "-fmax-errors=0", f"-I{source}", str(text)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    answers = dict.fromkeys(TYPES, "")
    current: list[str] = []
    for line in done.stderr.splitlines():
        here = re.search(r"types\.cpp:(\d+):\d+:   required from", line)
        if here:
            current = [TYPES[int(here[1]) - 1 - len(start)]]
        failed = re.search(r"error: static assertion failed: (.*)", line)
        if failed:
            for net in current:
                answers[net] = answers[net] or failed[1]
    return answers


def main() -> None:
    source = Path(os.environ["DLIB_SOURCE"])
    with tempfile.TemporaryDirectory() as folder:
        build = Path(os.environ.get("ORACLE_BUILD", folder))
        answers = of_sizes(source, build) | of_types(source, build)
    ANSWERS.write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

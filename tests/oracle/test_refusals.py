"""What dlib refuses is an error, and what it takes is none: its losses' and layers' assertions."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from refusals import ANSWERS, SIZE, of_sizes

import archdsl

DLIB: dict[str, str] = json.loads(ANSWERS.read_text(encoding="utf-8"))


def refused(text: str, path: Path) -> bool:
    """Whether ``check`` refuses a network in a C++ file, or in a spec what C++ cannot say."""
    ours = re.search(r"input<\d|detector_window|yolo_anchors|multimulticlass", text)
    path = path / ("net.arch" if ours else "net.cpp")
    path.write_text(text if ours else f"using net_type = {text};\n", encoding="utf-8")
    size = (1, 4, 1) if "matrix<int" in text else None if "input<std" not in text else SIZE
    try:
        archdsl.load(path, input=size or (SIZE if "image" in text else None)).check()
    except archdsl.ArchError:
        return True
    return False


def test_dlib_was_asked_about_enough() -> None:
    assert len(DLIB) > 250
    assert 100 < sum(map(bool, DLIB.values())) < len(DLIB) - 80


@pytest.mark.parametrize("first", range(0, len(DLIB), 50))
def test_check_refuses_what_dlib_refuses(first: int, tmp_path: Path) -> None:
    some = list(DLIB)[first : first + 50]
    wrong = {text: DLIB[text] for text in some if refused(text, tmp_path) != bool(DLIB[text])}
    assert wrong == {}


@pytest.mark.parametrize(
    ("text", "place", "parts"),
    [
        (
            "loss_mean_squared<fc<3,input<1,4,4>>>", "1:1",
            ["E323", "takes one output", "expected 1 output, found 3", "multioutput takes several"],
        ),
        (
            "loss_binary_log<fc<2,input<1,4,4>>>", "1:1",
            ["expected 1 output, found 2", "fc<1> right below", "loss_multibinary_log"],
        ),
        ("loss_ranking<fc<5,input<1,4,4>>>", "1:1", ["expected 1 output, found 5", "fc<1>"]),
        (
            "loss_multiclass_log<con<5,3,3,1,1,input<1,4,4>>>", "1:1",
            ["takes features, not a map", "expected 5×1×1, found 5×4×4", "fc<5>",
             "loss_multiclass_log_per_pixel takes maps"],
        ),
        (
            "loss_metric<con<5,3,3,1,1,input<1,4,4>>>", "1:1",
            ["expected 5×1×1, found 5×4×4", "avg_pool_everything"],
        ),
        (
            "relu<loss_binary_log_per_pixel<con<2,3,3,1,1,input<1,4,4>>>>", "1:6",
            ["takes one channel", "expected 1 channel, found 2×4×4", "con<1,1,1,1,1>"],
        ),
        (
            "loss_mean_squared_per_channel_and_pixel<3,input<2,4,4>>", "1:1",
            ["expected 3 channels, found 2×4×4", "con<3,1,1,1,1>"],
        ),
        (
            "loss_multiclass_log_per_pixel<input<65535,1,1>>", "1:1",
            ["labels for 65,534 classes"],
        ),
    ],
)  # fmt: skip
def test_errors_say_what_to_write(text: str, place: str, parts: list[str]) -> None:
    with pytest.raises(archdsl.ArchError) as raised:
        archdsl.load(text).check()
    (diagnostic,) = raised.value.diagnostics
    said = str(raised.value)
    assert diagnostic.span is not None and f"<text>:{place}" in said
    assert [part for part in parts if part not in said] == []


def test_an_open_size_decides_nothing() -> None:
    """As long as the input's size is not known, neither is whether a map has one cell."""
    archdsl.load("loss_metric<con<5,3,3,2,2,input<matrix<float>>>>").check()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("loss_metric<fc<3,input_rgb_image_pair>>", "expected single items, found pairs of images"),
        ("loss_barlow_twins<fc<3,input_rgb_image>>", "expected pairs of images, found single ones"),
        ("loss_barlow_twins<fc<3,input_rgb_image_pair>>", ""),
        ("loss_metric<fc<3,input_rgb_image>>", ""),
        ("loss_barlow_twins<fc<3,input_tensor>>", ""),  # the tensors say it
    ],
)
def test_samples_that_belong_together(text: str, found: str, tmp_path: Path) -> None:
    """All losses assert sample_expansion_factor() == 1, and loss_barlow_twins_ 2 (dnn/loss.h)."""
    path = tmp_path / "net.cpp"
    path.write_text(f"using net_type = {text};\n", encoding="utf-8")
    if not found:
        archdsl.load(path, input=(3, 8, 8)).check()
        return
    with pytest.raises(archdsl.ArchError, match=f"(?s)E323.*{found}.*input_rgb_image_pair"):
        archdsl.load(path, input=(3, 8, 8)).check()


def test_padding_as_large_as_the_window_is_an_error_in_cpp_alone(tmp_path: Path) -> None:
    """torch takes it, and published networks have it."""
    archdsl.load("con<2,3,3,1,1,padding=3,input<1,9,9>>").check()
    path = tmp_path / "net.cpp"
    path.write_text("using net_type = add_layer<con_<2,3,3,1,1,3,0>,input<matrix<float>>>;")
    with pytest.raises(archdsl.ArchError, match="E307.*less padding than its window"):
        archdsl.load(path, input=(1, 9, 9)).check()


@pytest.mark.slow
def test_dlib_still_refuses_the_same(tmp_path: Path) -> None:
    source = os.environ.get("DLIB_SOURCE")
    if source is None or shutil.which("g++") is None:
        pytest.skip("needs g++ and dlib's source in DLIB_SOURCE")
    answers = of_sizes(Path(source), tmp_path)
    assert len(answers) > 200
    assert {text: DLIB[text] for text in answers} == answers

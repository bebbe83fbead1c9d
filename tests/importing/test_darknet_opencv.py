"""Darknet's networks as OpenCV runs them, with random weights written as the format says."""

import struct
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.commands import run

import archdsl
from archdsl.api import load_source
from archdsl.diagnostics.source import Source
from archdsl.importers import darknet
from archdsl.importers.outlining.writer import written
from archdsl.importers.weights import load_weights

cv2 = pytest.importorskip("cv2")
pytestmark = pytest.mark.skipif(
    not hasattr(cv2.dnn, "readNetFromDarknet"), reason="OpenCV 5 reads no .cfg any more"
)

SIDE = 12


class Built(NamedTuple):
    """A .cfg under construction: its text, its weights, and the shape at its end."""

    text: list[str]
    weights: list[NDArray[np.float32]]
    channels: int


def section(kind: str, **keys: object) -> str:
    return "\n".join([f"[{kind}]", *(f"{key}={value}" for key, value in keys.items()), ""])


@st.composite
def convolutions(draw: st.DrawFn, built: Built, rng: np.random.Generator) -> Built:
    """Keeps the size of the map, so that sums and routes fit."""
    norm = draw(st.booleans())
    size = draw(st.sampled_from([1, 3, 5]))
    groups = draw(st.sampled_from([1, 2]))
    filters = 2 * draw(st.integers(1, 4))
    keys: dict[str, object] = {"filters": filters, "size": size, "stride": 1}
    keys |= draw(st.sampled_from([{"pad": 1}, {"pad": 1, "padding": 7}, {"padding": size // 2}]))
    if norm:
        keys["batch_normalize"] = 1
    if groups > 1:
        keys["groups"] = groups
    names = ["linear", "leaky", "relu", "logistic", "mish", "swish", "tanh"]
    keys["activation"] = draw(st.sampled_from(names))
    values = [rng.normal(size=filters)]
    if norm:
        values += [rng.uniform(0.5, 1.5, filters), rng.normal(size=filters)]
        values += [rng.uniform(0.5, 1.5, filters)]
    fan = built.channels // groups * size * size
    values.append(rng.normal(size=filters * fan) / fan**0.5)
    return Built(
        [*built.text, section("convolutional", **keys)],
        [*built.weights, *(value.astype(np.float32) for value in values)],
        filters,
    )


@st.composite
def networks(draw: st.DrawFn) -> Built:
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    built = Built([section("net", height=SIDE, width=SIDE, channels=2)], [], 2)
    widths = []
    for _ in range(draw(st.integers(1, 5))):
        count = len(widths)
        ways = ["convolution", "convolution", "same pool"]
        if count > 1:
            ways += ["route", "group"]
            ways += ["shortcut"] * any(width == built.channels for width in widths[:-1])
        way = draw(st.sampled_from(ways))
        if way == "convolution":
            built = draw(convolutions(built, rng))
        elif way == "same pool":
            pool = section("maxpool", size=draw(st.sampled_from([2, 3, 5])), stride=1)
            built = built._replace(text=[*built.text, pool])
        elif way == "route":
            other = draw(st.integers(0, count - 2))
            text = section("route", layers=f"-1,{other}")
            built = built._replace(
                text=[*built.text, text], channels=built.channels + widths[other]
            )
        elif way == "group":
            text = section("route", layers=-1, groups=2, group_id=draw(st.integers(0, 1)))
            if built.channels % 4:
                continue
            built = built._replace(text=[*built.text, text], channels=built.channels // 2)
        else:
            fitting = [n for n, width in enumerate(widths[:-1]) if width == built.channels]
            text = section(
                "shortcut", **{"from": draw(st.sampled_from(fitting))}, activation="linear"
            )
            built = built._replace(text=[*built.text, text])
        widths.append(built.channels)
    ends = [
        section("maxpool", size=2, stride=2),
        section("upsample", stride=2),
        section("reorg", stride=2) if built.channels % 4 == 0 else "",
        section("avgpool") + section("softmax", groups=1),
        section("dropout", probability=0.5),
        "",
    ]
    return built._replace(text=[*built.text, draw(st.sampled_from(ends))])


@settings(max_examples=40, deadline=None)
@given(networks())
def test_networks_compute_what_opencv_computes(
    tmp_path_factory: pytest.TempPathFactory, built: Built
) -> None:
    folder: Path = tmp_path_factory.mktemp("darknet")
    cfg, weights = folder / "net.cfg", folder / "net.weights"
    cfg.write_text("\n".join(built.text))
    values = b"".join(value.tobytes() for value in built.weights)
    weights.write_bytes(struct.pack("<iiiq", 0, 2, 0, 0) + values)
    data = np.random.default_rng(0).random((1, 2, SIDE, SIDE), dtype=np.float32)
    theirs = cv2.dnn.readNetFromDarknet(str(cfg), str(weights))
    theirs.setInput(data)
    expected = torch.from_numpy(np.array(theirs.forward()))
    sketch = darknet.graph_of_source(Source("net.cfg", cfg.read_text()), "net")
    network = load_source(Source("net", written(sketch)))
    module = network.to_torch().eval()
    if values:
        load_weights(module, str(weights), network.checked, network.facts)
    with torch.no_grad():
        found = module(torch.from_numpy(data))
    assert found.numel() == expected.numel()
    assert torch.allclose(found.flatten(), expected.flatten(), rtol=1e-4, atol=1e-4)


HEADS = {
    "yolo": [
        section("convolutional", filters=16, size=3, stride=2, pad=1, batch_normalize=1),
        section("convolutional", filters=14, size=1, activation="linear"),
        section("yolo", mask="1,2", anchors="4,4, 8,8, 16,16", num=3, classes=2),
        section("route", layers=-3),
        section("convolutional", filters=14, size=3, stride=2, pad=1, activation="linear"),
        section("yolo", mask="0,1", anchors="4,4, 8,8, 16,16", num=3, classes=2),
    ],
    "region": [
        section("convolutional", filters=14, size=3, stride=2, pad=1, activation="linear"),
        section("region", anchors="1,2, 3,4", num=2, classes=2, coords=4, softmax=1),
    ],
    "detection": [
        section("connected", output=2 * 2 * (2 * 5 + 3), activation="linear"),
        section("detection", side=2, num=2, classes=3, coords=4, sqrt=1, softmax=0),
    ],
    "cost": [
        section("connected", output=5, activation="leaky"),
        section("softmax"),
        section("cost", type="sse"),
    ],
}


def detector(folder: Path, head: str) -> Path:
    file = folder / "net.cfg"
    entry = section("net", height=16, width=32, channels=3)
    first = section("convolutional", filters=4, size=3, pad=1, stride=1, activation="mish")
    file.write_text("\n".join([entry, first, *HEADS[head]]))
    return file


@pytest.mark.parametrize("head", HEADS)
def test_an_import_is_compared_with_opencv(tmp_path: Path, head: str) -> None:
    """Of detectors the maps that their heads read."""
    done = run("import", detector(tmp_path, head), "-o", tmp_path / "net.arch")
    assert done.exit_code == 0, done.output
    assert "outputs as OpenCV's with the same random weights" in done.output


@pytest.mark.parametrize("head", HEADS)
def test_another_network_is_not_that_of_the_file(tmp_path: Path, head: str) -> None:
    file, spec = detector(tmp_path, head), tmp_path / "net.arch"
    assert run("import", file, "-o", spec, "--no-verify").exit_code == 0
    assert "mish" in spec.read_text()
    spec.write_text(spec.read_text().replace("mish", "silu"))
    assert darknet.proof(archdsl.load(spec).checked, str(file)).same is False


def test_the_size_that_is_asked_for_is_compared(tmp_path: Path) -> None:
    file = detector(tmp_path, "region")
    done = run("import", file, "--input", "3x64x32", "-o", tmp_path / "net.arch")
    assert done.exit_code == 0 and "outputs as OpenCV's" in done.output


def test_without_opencv_nothing_is_said_to_be_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    done = run("import", detector(tmp_path, "cost"), "-o", tmp_path / "net.arch")
    assert done.exit_code == 3 and (tmp_path / "net.arch").exists()
    assert "NOT VERIFIED" in done.stderr and "archdsl[darknet]" in done.stderr

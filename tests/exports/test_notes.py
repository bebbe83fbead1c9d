"""What files say of their networks: for programs that run them, and back to a spec."""

from __future__ import annotations

import ast
import json
import zipfile
from functools import partial
from pathlib import Path

import onnx
import pytest
import torch
from click.testing import Result
from safetensors import safe_open
from support import commands

import archdsl
from archdsl.inference.noted_files import SUFFIXES

inspect = partial(commands.run, "inspect")
compiled = partial(commands.run, "compile")

SPEC = """// A small one.
// classes: cat, dog, bird
#include "body.arch"
param int classes = 3;
using net_type = fc<classes,body<input_rgb_image_sized<8>>>;
"""
BODY = "template <typename S> using body = relu<con<4,3,3,1,1,S>>;\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("noted")
    (folder / "spec").mkdir()
    (folder / "spec/small.arch").write_text(SPEC)
    (folder / "spec/body.arch").write_text(BODY)
    outputs = [word for s in SUFFIXES for word in ("-o", str(folder / f"small{s}"))]
    done = compiled(folder / "spec/small.arch", "--seed", "1", *outputs)
    assert done.exit_code == 0, done.output
    return folder


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_spec_comes_back(suffix: str, files: Path, tmp_path: Path) -> None:
    """Also where what it includes is not there any more."""
    done = inspect(files / f"small{suffix}", "--to-arch")
    assert done.exit_code == 0, done.output
    again = tmp_path / "again.arch"
    again.write_text(done.stdout)
    one, other = archdsl.load(str(files / "spec/small.arch")), archdsl.load(str(again))
    assert [r.path for r in one.summary().rows] == [r.path for r in other.summary().rows]
    weights = str(files / "small.safetensors")
    x = torch.rand(2, 3, 8, 8)
    first, second = (n.to_torch(weights=weights).eval()(x) for n in (one, other))
    assert torch.equal(first, second)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_says_what_it_is_fed_and_what_its_classes_are(suffix: str, files: Path) -> None:
    found = json.loads(inspect(files / f"small{suffix}", "--json").stdout)
    assert found["name"] == "small" and found["task"] == "classify"
    assert found["input"] == [3, 8, 8] and found["classes"] == ["cat", "dog", "bird"]
    assert found["outputs"] == {"output": [3]}
    # dlib's layer subtracts the mean colour itself: it is fed pixels of 0..255.
    pixels = found["pixels"]
    assert pixels["colours"] == "RGB"
    for grey in (0.0, 0.5, 1.0):
        values = [
            (grey * pixels["scale"] - mean) / deviation
            for mean, deviation in zip(pixels["mean"], pixels["deviation"], strict=True)
        ]
        assert values == pytest.approx([grey * 255] * 3)
    told = inspect(files / f"small{suffix}").stdout
    assert "3×8×8" in told and "cat, dog, bird" in told


def entries(path: Path) -> dict[str, str]:
    """The entries as other programs find them."""
    if path.suffix == ".onnx":
        return {e.key: e.value for e in onnx.load(str(path)).metadata_props}
    if path.suffix == ".safetensors":
        with safe_open(path, "pt") as file:
            return dict(file.metadata())
    wanted = {"names": "", "imgsz": "", "task": "", "channels": "", "description": ""}
    if path.suffix == ".pt2":
        torch.export.load(str(path), extra_files=wanted)
    elif path.suffix == ".ts":
        torch.jit.load(str(path), _extra_files=wanted)
    else:
        with zipfile.ZipFile(path) as archive:
            names = {name.rpartition("/")[2]: name for name in archive.namelist()}
            wanted = {key: archive.read(names[key]).decode() for key in wanted}
    return {key: v.decode() if isinstance(v, bytes) else v for key, v in wanted.items()}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_other_programs_find_the_entries_that_they_know(suffix: str, files: Path) -> None:
    """ultralytics reads ``names`` and ``imgsz`` by ast.literal_eval (nn/autobackend.py)."""
    found = entries(files / f"small{suffix}")
    assert ast.literal_eval(found["names"]) == {0: "cat", 1: "dog", 2: "bird"}
    assert ast.literal_eval(found["imgsz"]) == [8, 8]
    assert (found["task"], found["channels"]) == ("classify", "3")
    assert found["description"] == "A small one"


def test_settings_are_told(tmp_path: Path) -> None:
    done = compiled("lenet", "--input", "1x32x32", "-o", tmp_path / "a.safetensors")
    assert done.exit_code == 0, done.output
    found = json.loads(inspect(tmp_path / "a.safetensors", "--json").stdout)
    assert found["settings"] == {"input": "1x32x32"} and found["input"] == [1, 32, 32]


def test_weights_are_the_same_bytes_every_time(files: Path, tmp_path: Path) -> None:
    again = tmp_path / "small.safetensors"
    done = compiled(files / "spec/small.arch", "--seed", "1", "-o", again)
    assert done.exit_code == 0, done.output
    assert again.read_bytes() == (files / "small.safetensors").read_bytes()


def refused(path: Path) -> Result:
    done = inspect(path)
    assert done.exit_code == 1 and "error[E" in done.stderr, done.output
    return done


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_of_others_and_damaged_ones_are_refused(
    suffix: str, files: Path, tmp_path: Path
) -> None:
    path = tmp_path / f"bad{suffix}"
    refused(path)  # it is not there
    whole = (files / f"small{suffix}").read_bytes()
    for content in (b"", b"\0" * 100, whole[: len(whole) // 2]):
        path.write_bytes(content)
        refused(path)


def test_notes_that_are_not_archdsls(tmp_path: Path) -> None:
    path = tmp_path / "other.ts"
    for content in (b"{}", b"[]", b"\xff", b'{"name": 3}', b"1" * 10_000, b"[" * 100_000):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/extra/archdsl", content)
        refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"")
    assert "does not say of which network it is" in refused(path).stderr


@pytest.mark.parametrize(
    "changed",
    [{"classes": [1]}, {"classes": 3}, {"input": ["x"]}, {"settings": {"a": []}},
     {"outputs": {"a": {}}}, {"pixels": {}},
     {"pixels": {"colours": "RGB", "scale": "x", "mean": [], "deviation": []}},
     {"outputs": {"a": [[]]}}, {"spec": None}, {"description": 5}, {"pixels": []}],
)  # fmt: skip
def test_notes_with_values_of_other_kinds(
    changed: dict[str, object], files: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(files / "small.ts") as archive:
        (name,) = [n for n in archive.namelist() if n.endswith("/extra/archdsl")]
        document = json.loads(archive.read(name))
    path = tmp_path / "other.ts"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/extra/archdsl", json.dumps({**document, **changed}))
    refused(path)


def test_a_bomb_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "bomb.ts"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/extra/archdsl", b" " * (2**26 + 1))
    assert path.stat().st_size < 10**6
    assert "its notes have 67,108,865 bytes" in refused(path).stderr

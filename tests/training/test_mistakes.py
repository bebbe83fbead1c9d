"""What is wrong with pictures, classes, batches and rates is said by name."""

import shutil
from pathlib import Path

import pytest
from PIL import Image
from support.commands import run

from archdsl.diagnostics import ArchError
from archdsl.training.data import read_labels


def refusal(*arguments: object) -> str:
    told = run("train", *map(str, arguments))
    assert told.exit_code == 1, told.output
    return told.output


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "no pictures to learn from" in refusal("lenet", "--data", tmp_path, "-o", tmp_path / "r")
    missing = tmp_path / "nowhere"
    assert f"there is no folder {missing}" in refusal("lenet", "--data", missing, "-o", "r")


def test_a_class_without_pictures(digits: Path, tmp_path: Path) -> None:
    shutil.copytree(digits, tmp_path / "data")
    (tmp_path / "data" / "ten").mkdir()
    words = refusal("lenet", "--data", tmp_path / "data", "-o", tmp_path / "run")
    assert f"no pictures in {tmp_path / 'data' / 'ten'}" in words


def test_class_counts_that_differ(digits: Path, tmp_path: Path) -> None:
    words = refusal("resnet18", "--data", digits, "-o", tmp_path / "run", "-D", "classes=7")
    assert "have 10 classes" in words and "tells 7 apart" in words and "-D classes=10" in words
    assert not (tmp_path / "run").exists()


def test_a_broken_picture(digits: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    shutil.copytree(digits, data)
    (data / "3" / "3.png").write_bytes((data / "3" / "3.png").read_bytes()[:90])
    arguments = ("lenet", "--data", data, "--epochs", 1)
    words = refusal(*arguments, "-o", tmp_path / "run")
    assert "3.png" in words and "--skip-broken" in words
    told = run("train", *arguments, "--skip-broken", "-o", tmp_path / "other", catch=False)
    assert told.exit_code == 0 and "left out" in told.output and "3.png" in told.output


def test_label_maps_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    Image.new("L", (9_000, 9_000)).save(tmp_path / "large.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "colours.png")
    for name, words in (
        ("text", "text.png is not a picture"),
        ("large", "large.png is too large"),
        ("colours", "is no label map"),
        ("none", "cannot read"),
    ):
        with pytest.raises(ArchError, match=words):
            read_labels(tmp_path / f"{name}.png")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no state", b"\x80\x02}q\x00."])
def test_a_damaged_state_of_a_run(content: bytes, digits: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = ("train", "lenet", "--data", digits, "-o", out, "--epochs", 2)
    assert run(*arguments, catch=False).exit_code == 0
    (out / "checkpoint.ckpt").write_bytes(content)
    told = run(*arguments, "--resume")
    assert told.exit_code == 1 and "checkpoint.ckpt is not the state" in told.output
    assert "E411" in told.output


@pytest.mark.parametrize("record", ["", "[]", "{", '{"network": 1}', "[" * 100_000, "\xff"])
def test_a_damaged_record_of_a_run(record: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(record.encode("latin-1"))
    told = run("summary", tmp_path)
    assert told.exit_code == 1 and "run.json" in told.output and "E999" not in told.output


def test_a_loss_that_is_no_number(digits: Path, tmp_path: Path) -> None:
    words = refusal("lenet", "--data", digits, "-o", tmp_path / "run", "--rate", "1e9")
    assert "the loss is" in words and "epoch 1, step" in words and "--rate" in words


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--batch", 500), "fewer pictures than a batch"),
        (("--batch", 30, "--accumulate", 4), "cannot be divided into 4 equal parts"),
        (("--strategy", "fsdp", "--ema", "0.9"), "--ema"),
    ],
)
def test_batches_that_do_not_fit(
    options: tuple[object, ...], words: str, digits: Path, tmp_path: Path
) -> None:
    assert words in refusal("lenet", "--data", digits, "-o", tmp_path / "run", *options)


def test_usage() -> None:
    told = run("train", "lenet")
    assert told.exit_code == 2 and "--data is missing" in told.output

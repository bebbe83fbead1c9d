"""Files of weights that mean harm: bombs, values that hold themselves, devices."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from support.commands import run

import archdsl
from archdsl.diagnostics import ArchError

SPEC = "fc<2,input<1,2,2>>"


def saved(content: Any, file: Path) -> Path:
    torch.save(content, file)
    return file


def refused(file: Path) -> str:
    with pytest.raises(ArchError) as caught:
        archdsl.compile(SPEC, weights=file)
    assert all(each.code is not None for each in caught.value.diagnostics)
    return str(caught.value)


def test_an_archive_that_unpacks_to_far_more_is_not_unpacked(tmp_path: Path) -> None:
    whole = io.BytesIO()
    torch.save(archdsl.compile(SPEC).state_dict(), whole)
    with (
        zipfile.ZipFile(whole) as before,
        zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for name in before.namelist():
            content = bytes(2**26) if name.endswith("data/0") else before.read(name)
            bomb.writestr(name, content)
    assert (tmp_path / "bomb.pt").stat().st_size < 10**6
    assert "unpacks to 67,108,864 bytes" in refused(tmp_path / "bomb.pt")


def test_dicts_that_hold_themselves(tmp_path: Path) -> None:
    around: dict[str, Any] = {}
    around["model"] = around
    assert "is not a state_dict" in refused(saved(around, tmp_path / "round.pt"))


@pytest.mark.parametrize("name", [1, None, ("a",)])
def test_names_that_are_no_text(name: Any, tmp_path: Path) -> None:
    state = {name: torch.zeros(2)}
    assert "is not a state_dict" in refused(saved(state, tmp_path / "names.pt"))


def test_a_tensor_that_claims_to_be_larger_than_its_values(tmp_path: Path) -> None:
    state = archdsl.compile(SPEC).state_dict()
    wide = {name: torch.zeros(1).expand(2**20, 2**20) for name in state}
    assert "do not fit" in refused(saved(wide, tmp_path / "wide.pt"))


def test_a_pickle_that_calls_something(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "harmed",)

    assert "can be read" in refused(saved({"a": Harm()}, tmp_path / "harm.pt"))
    assert not (tmp_path / "harmed").exists()


def test_devices_are_not_read() -> None:
    for words in (
        ("inspect", "/dev/zero"),
        ("compile", "lenet", "--weights", "/dev/zero"),
        ("check", "/dev/zero"),
    ):
        told = run(*words)
        assert told.exit_code == 1, told.output
        assert "it is a device" in told.output or "larger than 64 MiB" in told.output


def test_debug_shows_what_a_library_said(tmp_path: Path) -> None:
    (tmp_path / "net.pt").write_bytes(b"nothing of the kind")
    words = ("compile", "lenet", "--weights", str(tmp_path / "net.pt"))
    assert "Traceback" not in run(*words).output
    shown = run("--debug", *words)
    assert shown.exit_code == 1 and "UnpicklingError" in shown.output

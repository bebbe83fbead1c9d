"""Weights of a module that a Python file makes, and a comparison with it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch
from support import commands

import archdsl
from archdsl.diagnostics import ArchError

compiled = partial(commands.run, "compile")
verified = partial(commands.run, "verify")

SPEC = "fc<10,relu<fc<32,relu<batch_norm<con<8,3,3,1,1,input<1,8,8>>>>>>>\n"
SOURCE = """
import torch
from torch import nn

class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.hidden = nn.Linear(512, 32)
        self.out = nn.Linear(32, 10)

    def forward(self, x):
        return self.out(self.hidden(self.features(x).flatten(1)).relu())

def trained():
    network = Digits()
    network.load_state_dict(torch.load("digits.pth", weights_only=True))
    return network

class Wider(Digits):
    def __init__(self):
        super().__init__()
        self.hidden, self.out = nn.Linear(512, 33), nn.Linear(33, 10)

def broken():
    raise RuntimeError("no such file")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits.arch").write_text(SPEC)
    (tmp_path / "digits.py").write_text(SOURCE)
    return tmp_path


def saved() -> torch.nn.Module:
    """The file's own network, its weights written as a trained one's are."""
    names: dict[str, object] = {}
    exec(SOURCE, names)
    torch.manual_seed(3)
    network: torch.nn.Module = names["Digits"]()  # type: ignore[operator]
    for _ in range(3):  # statistics that are not the initial ones
        network(torch.randn(16, 1, 8, 8) + 2)
    torch.save(network.state_dict(), "digits.pth")
    return network.eval()


def test_own_weights_under_names_of_ones_own() -> None:
    network = saved()
    x = torch.randn(4, 1, 8, 8)
    module = archdsl.compile("digits.arch", weights="digits.py:trained").eval()
    torch.testing.assert_close(module(x), network(x))
    done = compiled("digits.arch", "--weights", "digits.pth")
    assert done.exit_code == 1 and "FILE.py:NAME" in done.stderr
    done = compiled("digits.arch", "--weights", "digits.py:trained", "-o", "digits.safetensors")
    assert done.exit_code == 0, done.output
    again = archdsl.compile("digits.arch", weights="digits.safetensors").eval()
    torch.testing.assert_close(again(x), network(x))


def test_a_spec_is_compared_with_a_file() -> None:
    saved()
    for name in ("Digits", "trained"):
        done = verified("digits.arch", "--against", f"digits.py:{name}")
        assert done.exit_code == 0, done.output
        assert "matched" in done.stdout
    done = verified("digits.arch", "--against", "digits.py:Wider")
    assert done.exit_code == 1 and "different networks" in done.stdout


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("digits.py:Wider", "33"),
        ("digits.py:broken", "no such file"),
        ("digits.py:nothing", "defines no nothing"),
        ("other.py:Digits", "there is no file"),
    ],
)
def test_what_cannot_be_had_is_told(name: str, expected: str) -> None:
    done = compiled("digits.arch", "--weights", name)
    assert done.exit_code == 1 and expected in done.stderr, done.output
    done = verified("digits.arch", "--against", name)
    assert done.exit_code == 1, done.output


def test_a_spec_cannot_ask_for_a_file_to_be_run() -> None:
    """Only the command line does; the text may be anybody's."""
    Path("evil.py").write_text("open('ran', 'w').close()\ndef net(): ...\n")
    Path("evil.arch").write_text(f"// Evil.\n// reference: evil.py:net\n{SPEC}")
    assert verified("evil.arch").exit_code == 1
    saved()
    with pytest.raises(ArchError):
        archdsl.compile("evil.arch", weights="digits.pth")
    assert not Path("ran").exists()

"""Every command tells of every bad input in the same way: status 1, one error, nothing else.

The error is on standard error, with a code; ``--json`` gives it on standard output as well.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import Result
from support.commands import run

from archdsl.cli import main

COMMANDS: dict[str, tuple[str, ...]] = {
    "check": ("check", "{}"),
    "summary": ("summary", "{}"),
    "compile": ("compile", "{}"),
    "draw": ("draw", "{}", "-o", "out.svg"),
    "fmt": ("fmt", "{}"),
    "verify": ("verify", "{}", "--against", "torchvision:resnet18"),
    "compare": ("compare", "{}", "lenet"),
    "table": ("table", "lenet", "{}"),
    "diff": ("diff", "lenet", "{}"),
    "detect": ("detect", "{}", "none.png"),
    "train": ("train", "{}", "--data", "data", "-o", "run"),
    "watch": ("watch", "{}"),
    "import": ("import", "{}"),
    "inspect": ("inspect", "{}"),
}
WITHOUT_FILE = {"completion", "explain", "layers", "lsp", "playground", "specs"}
"""Commands that read no file of the user's."""

SUFFIXES = {"import": ".cfg", "inspect": ".dat"}
ENDLESS = {"watch"}
"""Commands that go on until the file is mended; only a missing one ends them."""
SYNTAX_ALONE = {"fmt"}
TAKES_FOLDERS = {"check", "fmt"}

SHAPES = "add_prev1<con<8,3,3,2,2,tag1<residual<con<4,1,1,1,1>,input<3,8,8>>>>>"
INPUTS = {
    "missing": None,
    "folder": "",
    "no text": b"\xff\xfe\x00\x01" * 9,
    "nothing": b"",
    "syntax": b"fc<10,relu<con<3",
    "hostile": b"fc<10,relu<input<1,8,8>>> \x1b",
    "shapes": SHAPES.encode(),
    "a name that is hostile": b"fc<10,",
}


def test_every_command_is_asked() -> None:
    assert isinstance(main, click.Group)
    assert {*COMMANDS} | WITHOUT_FILE == {*main.list_commands(click.Context(main))}


def cases() -> list[tuple[str, str]]:
    found = []
    for command in COMMANDS:
        for kind in INPUTS:
            if command in ENDLESS and kind != "missing":
                continue
            if command in SYNTAX_ALONE and kind in ("shapes", "nothing"):
                continue
            if command in TAKES_FOLDERS and kind == "folder":
                continue
            found.append((command, kind))
    return found


def asked(command: str, kind: str, *more: str) -> Result:
    suffix = SUFFIXES.get(command, ".arch")
    name = ("\x1b[31mred" if kind == "a name that is hostile" else "net") + suffix
    content = INPUTS[kind]
    if content == "":
        Path(name).mkdir(exist_ok=True)
    elif content is not None:
        Path(name).write_bytes(content)  # type: ignore[arg-type]
    return run(*(word.format(name) for word in COMMANDS[command]), *more)


@pytest.mark.parametrize(("command", "kind"), cases())
def test_a_bad_input_is_one_error(
    command: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = asked(command, kind)
    assert done.exit_code == 1, done.output
    lines = [line for line in done.stderr.splitlines() if "error[" in line]
    assert len(lines) == 1 and "error[E" in lines[0], done.stderr
    assert "error[E999]" not in done.stderr and "Traceback" not in done.output
    assert done.stdout == "" or command in ("check", "fmt", "watch"), done.stdout
    assert done.output.replace("\n", "").isprintable()
    assert not any(Path().glob("out*")) and not Path("run").exists()


def takes_json(command: str) -> bool:
    assert isinstance(main, click.Group)
    found = main.get_command(click.Context(main), command)
    assert found is not None
    return any("--json" in parameter.opts for parameter in found.params)


@pytest.mark.parametrize(
    ("command", "kind"), [(c, k) for c, k in cases() if k in ("missing", "syntax", "no text")]
)
def test_json_tells_the_same_error(
    command: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not takes_json(command):
        pytest.skip("it has no --json")
    monkeypatch.chdir(tmp_path)
    done = asked(command, kind, "--json")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    (error,) = document["errors"] if "errors" in document else document["files"][0]["errors"]
    assert error["severity"] == "error" and error["code"].startswith("E")
    assert error["message"]


OUTPUTS = {
    "compile": ("compile", "lenet", "-o", "{}/x.json"),
    "draw": ("draw", "lenet", "-o", "{}/x.svg"),
    "diff": ("diff", "lenet", "alexnet", "-o", "{}/x.svg"),
    "compare": ("compare", "lenet", "alexnet", "--plot", "{}/x.svg"),
}


@pytest.mark.parametrize("words", OUTPUTS.values(), ids=list(OUTPUTS))
def test_an_output_that_cannot_be_written_is_one_error(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    for folder in ("none", "file"):
        done = run(*(word.format(folder) for word in words))
        assert done.exit_code == 1
        assert done.stderr.count("error[E400]: cannot write") == 1, done.stderr


def test_wrong_usage_is_told_by_status_2() -> None:
    for command in COMMANDS:
        assert run(command, "--no-such-option").exit_code == 2
        assert run(command).exit_code == 2

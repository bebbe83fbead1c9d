"""What the README shows is what happens."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import archdsl
from archdsl.cli import main

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def shown(command: str) -> str:
    """What the README shows behind a command, up to the next one or the end of the block."""
    start = README.index(f"    $ {command}\n") + len(f"    $ {command}\n")
    lines = []
    for line in README[start:].splitlines():
        if line.startswith("    $ ") or (line and not line.startswith("    ")):
            break
        lines.append(line[4:])
    return "\n".join(lines).strip() + "\n"


def test_commands_and_their_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken.arch").write_text(shown("cat broken.arch"))
    for command in ("check resnet50", "check broken.arch"):
        done = CliRunner().invoke(main, command.split())
        result = done.stderr if done.exit_code else done.stdout
        assert result == shown(f"archdsl {command}")


def test_the_first_network() -> None:
    (text,) = re.findall(r"^    (fc<10,.*\n.*)$", README, re.MULTILINE)
    assert archdsl.load(text).summary().outputs == {"output": (10,)}


def test_every_command_of_the_tour_is_there() -> None:
    named = set(re.findall(r"^    \$ archdsl (\w+)", README, re.MULTILINE))
    assert named == {
        "check",
        "summary",
        "draw",
        "compare",
        "compile",
        "verify",
        "detect",
        "diff",
        "fmt",
        "lsp",
        "inspect",
        "import",
    }
    for name in named:
        assert CliRunner().invoke(main, [name, "--help"]).exit_code == 0


def test_the_python_of_the_tour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    assert Path("resnet50.svg").stat().st_size > 10_000
    assert isinstance(names["network"], archdsl.Network)

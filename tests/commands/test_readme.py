"""What the README shows is what happens."""

import itertools
import re
import shlex
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.commands import run
from support.families import family

import archdsl
from archdsl.cli import main

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    \$ (.*\barchdsl .*)$", README, re.MULTILINE)

_DOWNLOAD = "takes trained weights from the network"
_TRAINED = "learns for minutes; tests/training runs the like"
_ABSENT = "reads a file that its user brings"
LEFT_OUT = {
    "archdsl compile dnn_face_recognition_ex.cpp "
    "--weights dlib_face_recognition_resnet_model_v1.dat -o face.onnx": _ABSENT,
    "archdsl compile vgg19 --seed 1 -o vgg19.safetensors -o vgg19.json": "writes half a gigabyte",
    "archdsl compile resnet50 --weights torchvision:resnet50 -o pretrained.safetensors": _DOWNLOAD,
    "archdsl compile resnet50 --weights torchvision:resnet50 --optimize "
    "-o resnet50.onnx": _DOWNLOAD,
    "archdsl compile resnet50 --weights torchvision:resnet50 --quantize int8 --calibrate photos "
    "-o resnet50.pt2": _DOWNLOAD,
    "archdsl compile dlib_face_recognition "
    "--weights dlib_face_recognition_resnet_model_v1.dat": _ABSENT,
    "archdsl inspect mmod_human_face_detector.dat": _ABSENT,
    "archdsl inspect mmod_human_face_detector.dat --to-arch > faces.arch": _ABSENT,
    "archdsl import my_network.py:MyNetwork --input 3x64x64": _ABSENT,
    "archdsl detect mask_rcnn_resnet50_fpn street.jpg "
    "--weights torchvision:maskrcnn_resnet50_fpn": _DOWNLOAD,
    "archdsl detect fcn_resnet50 street.jpg --weights torchvision:fcn_resnet50 "
    "-o streets.png": _DOWNLOAD,
    "archdsl train lenet --data digits -o run --epochs 15": _TRAINED,
    "archdsl train resnet18 -D classes=3 --weights torchvision:resnet18 --new-head --data photos "
    "--augment standard -o run2": _DOWNLOAD,
    "archdsl train faster_rcnn_resnet50_fpn -D classes=4 --data coco.json --images photos "
    "-o run3": _TRAINED,
    "torchrun --nproc-per-node 2 -m archdsl train lenet --data digits --strategy fsdp "
    "-o run4": _TRAINED,
    "archdsl lsp": "waits for an editor; tests/lsp drives it",
}
"""Commands of the README that are not run here, and why."""

RUN = [command for command in COMMANDS if command not in LEFT_OUT]
SLOW = ("compile", "import", "verify")
"""What builds modules of large networks takes some ten seconds."""


def expanded(word: str) -> list[str]:
    """A word as a shell expands its braces: ``depth={20,32}`` is ``depth=20 depth=32``."""
    before, brace, rest = word.partition("{")
    inside, _, after = rest.partition("}")
    return [before + each + after for each in inside.split(",")] if brace else [word]


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
        "table",
        "compare",
        "compile",
        "verify",
        "detect",
        "diff",
        "fmt",
        "lsp",
        "inspect",
        "import",
        "train",
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


def test_what_is_left_out_is_in_the_readme() -> None:
    assert set(LEFT_OUT) <= set(COMMANDS)
    assert len(RUN) > len(LEFT_OUT)


@pytest.mark.parametrize("line", family(RUN, [c for c in RUN if not set(SLOW) & set(c.split())]))
def test_commands_of_the_tour_run(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "specs", "specs", ignore=shutil.ignore_patterns("gallery"))
    Path("broken.arch").write_text(shown("cat broken.arch"))
    before, _, command = line.rpartition(" | ")
    stdin = before and shlex.split(before.removeprefix("echo "))[0]
    words = [each for word in shlex.split(command)[1:] for each in expanded(word)]
    done = run(*words, stdin=stdin or None)
    assert done.exit_code == (1 if "broken.arch" in words else 0), done.output
    told = itertools.pairwise(words)
    files = [Path(file) for option, file in told if option in ("-o", "--plot")]
    if words[0] == "draw" and not files:
        files = [Path(f"{words[1]}.svg")]
    if "--steps" in words:
        files = [file.with_stem(f"{file.stem}-1") for file in files]
    assert all(file.stat().st_size > 300 for file in files)
    assert files or done.output.strip() or "--check" in words

"""The contract of ``archdsl fmt``: files, streams, exit codes."""

import os
from functools import partial
from pathlib import Path

import pytest
from support import commands

from archdsl.frontend import files

UGLY = "using a = relu< input<1,2,3> > ;"
NICE = "using a = relu<input<1,2,3>>;\n"
BROKEN = "using a = relu<input<1,2,3>;"


run = partial(commands.run, "fmt")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "blocks").mkdir()
    for name, text in {"ugly": UGLY, "nice": NICE, "blocks/ugly": UGLY}.items():
        (tmp_path / f"{name}.arch").write_text(text)
    (tmp_path / "notes.txt").write_text(UGLY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_files_are_formatted_and_those_that_are_stay_untouched(folder: Path) -> None:
    os.utime("nice.arch", (1, 1))
    Path("ugly.arch").chmod(0o640)
    done = run("ugly.arch", "nice.arch")
    assert (done.exit_code, done.stdout) == (0, "formatted ugly.arch\n")
    assert Path("ugly.arch").read_text() == NICE
    assert Path("ugly.arch").stat().st_mode & 0o777 == 0o640
    assert Path("nice.arch").stat().st_mtime == 1
    assert sorted(p.name for p in folder.iterdir()) == [
        "blocks",
        "nice.arch",
        "notes.txt",
        "ugly.arch",
    ]


def test_a_folder_stands_for_the_specs_in_it() -> None:
    assert run(".").exit_code == 0
    assert Path("ugly.arch").read_text() == Path("blocks/ugly.arch").read_text() == NICE
    assert Path("notes.txt").read_text() == UGLY


def test_check_writes_nothing() -> None:
    done = run("--check", ".")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == ["would format blocks/ugly.arch", "would format ugly.arch"]
    assert Path("ugly.arch").read_text() == UGLY
    assert run("--check", "nice.arch").exit_code == 0


def test_diff_shows_the_change() -> None:
    done = run("--diff", "ugly.arch", "nice.arch")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[-2:] == [f"-{UGLY}", f"+{NICE.strip()}"]
    assert done.stdout.count("---") == 1
    assert run("--diff", "--check", "ugly.arch").exit_code == 1
    assert Path("ugly.arch").read_text() == UGLY


def test_standard_input_goes_to_standard_output() -> None:
    assert run("-", stdin=UGLY).stdout == NICE
    assert run("-", stdin=NICE).stdout == NICE
    done = run("--check", "-", stdin=UGLY)
    assert (done.exit_code, done.stdout) == (1, "would format <stdin>\n")
    assert run("-", "--close", stdin="relu<input<1,2,3").stdout == "relu<input<1,2,3>>\n"
    assert run("-", stdin=b"\xff").exit_code == 1


def test_standard_input_is_read_up_to_the_limit_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_MAX_BYTES", 1 << 20)
    done = run("-", stdin=b"/" * (3 << 20))
    assert done.exit_code == 1
    assert "standard input is larger than 1 MiB" in done.stderr


def test_a_file_with_errors_is_left_alone_and_the_others_are_not() -> None:
    Path("broken.arch").write_text(BROKEN)
    done = run("broken.arch", "ugly.arch")
    assert done.exit_code == 1
    assert "broken.arch:1:28: error[E001]: a '>' is missing" in done.stderr
    assert Path("broken.arch").read_text() == BROKEN
    assert Path("ugly.arch").read_text() == NICE
    assert run("--close", "broken.arch").exit_code == 0
    assert Path("broken.arch").read_text() == NICE


def test_line_ends_and_byte_order_marks() -> None:
    Path("dos.arch").write_bytes(b"\xef\xbb\xbf// \xc3\xa9\r\n" + UGLY.encode())
    assert run("dos.arch").exit_code == 0
    assert Path("dos.arch").read_bytes() == b"// \xc3\xa9\r\n" + NICE.encode().replace(
        b"\n", b"\r\n"
    )
    assert run("--check", "dos.arch").exit_code == 0


@pytest.mark.parametrize("name", ["net.cpp", "net.H", "vgg19", "missing.arch", "notes.arch/x.arch"])
def test_what_cannot_be_formatted(name: str) -> None:
    if name.startswith("net"):
        Path(name).write_text(UGLY)
    done = run(name)
    assert done.exit_code == 1
    assert name in done.stderr
    assert "Traceback" not in done.stderr
    if name.startswith("net"):
        assert "C++" in done.stderr
        assert Path(name).read_text() == UGLY


@pytest.mark.parametrize("arguments", [[], ["--style", "tree", "x"], ["--nonsense", "x"]])
def test_wrong_usage(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2

"""``archdsl watch`` checks again when a file is saved, and ends on Ctrl-C."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from archdsl.cli import main
from archdsl.cli.commands import watch

SPEC = '#include "unit.arch"\nusing net_type = fc<3, unit<4, input<2,8,8>>>;\n'
UNIT = "template <int N, typename SUBNET> using unit = relu<con<N,3,3,1,1,SUBNET>>;\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.arch").write_text(SPEC)
    Path("unit.arch").write_text(UNIT)


def save(name: str, text: str) -> Callable[[], None]:
    """Save as many editors do: a new file takes the place of the old one."""

    def saving() -> None:
        Path("new").write_text(text)
        os.replace("new", name)

    return saving


def watched(
    monkeypatch: pytest.MonkeyPatch, *events: Callable[[], None], arguments: tuple[str, ...] = ()
) -> Result:
    """What is printed while one event happens whenever the command waits, then Ctrl-C."""
    pending = [*events]

    def sleep(_: float) -> None:
        if not pending:
            raise KeyboardInterrupt
        pending.pop(0)()

    monkeypatch.setattr(watch, "time", SimpleNamespace(sleep=sleep))
    return CliRunner().invoke(main, ["watch", "net.arch", *arguments])


def told(done: Result) -> list[str]:
    """The lines behind their times."""
    found = [re.fullmatch(r"\d\d:\d\d:\d\d (.*)", line) for line in done.stdout.splitlines()]
    assert all(found)
    return [match.group(1) for match in found if match]


def test_a_save_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    wider = save("net.arch", SPEC.replace("unit<4", "unit<5"))
    done = watched(monkeypatch, wider)
    assert done.exit_code == 130  # as shells have it for Ctrl-C
    # A convolution of 2·3·3 + 1 parameters a filter, and 3 outputs of 64 cells a filter.
    assert [re.findall(r"([\d,]+) parameters", line) for line in told(done)] == [
        [f"{4 * 19 + 3 * (4 * 64 + 1):,}"],
        [f"{5 * 19 + 3 * (5 * 64 + 1):,}"],
    ]


def test_nothing_happens_without_a_save(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(told(watched(monkeypatch, *[lambda: None] * 5))) == 1


def test_includes_are_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = save("unit.arch", UNIT.replace("relu", "relux"))
    done = watched(monkeypatch, wrong, lambda: None, save("unit.arch", UNIT))
    first, second, third = told(done)
    assert first == third
    assert first.startswith("ok net: ")
    assert second == "net.arch: 1 error"
    assert "did you mean 'relu'?" in done.stderr


def test_a_file_that_is_away_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    done = watched(
        monkeypatch, lambda: Path("net.arch").unlink(), lambda: None, save("net.arch", SPEC)
    )
    assert [line[:3] for line in told(done)] == ["ok ", "ok "]


def test_an_include_that_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def without() -> None:
        Path("unit.arch").unlink()
        save("net.arch", SPEC + "// changed\n")()

    done = watched(monkeypatch, without, lambda: None, save("unit.arch", UNIT))
    assert [line[:3] for line in told(done)][-1] == "ok "


def test_a_thousand_saves(monkeypatch: pytest.MonkeyPatch) -> None:
    saves = [save("net.arch", SPEC.replace("unit<4", f"unit<{n % 7 + 1}")) for n in range(1000)]
    done = watched(monkeypatch, *saves)
    assert done.exit_code == 130
    assert len(told(done)) == 1001
    assert all(line.startswith("ok ") for line in told(done))


def test_renames_folders_and_links_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def folder() -> None:
        Path("net.arch").unlink()
        Path("net.arch").mkdir()

    def link() -> None:
        Path("net.arch").rmdir()
        Path("net.arch").symlink_to("net.arch")

    def back() -> None:
        Path("net.arch").unlink()
        save("net.arch", SPEC)()

    away = [lambda: Path("net.arch").rename("old"), lambda: Path("old").rename("net.arch")]
    done = watched(monkeypatch, *away, folder, link, back)
    assert done.exit_code == 130 and "Traceback" not in done.output
    assert told(done)[-1].startswith("ok net: ")
    assert "error[E" in done.stderr and "E999" not in done.stderr


def test_pictures_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    done = watched(
        monkeypatch,
        lambda: seen.append(">sig<" in Path("net.svg").read_text()),
        save("unit.arch", UNIT.replace("relu", "sigmoid")),
        lambda: seen.append(">sig<" in Path("net.svg").read_text()),
        arguments=("-o", "net.svg"),
    )
    assert seen == [False, True]
    assert len(told(done)) == 2


def test_what_cannot_be_watched() -> None:
    run = CliRunner().invoke
    assert run(main, ["watch", "-"]).exit_code == 2
    missing = run(main, ["watch", "nott.arch"])
    assert missing.exit_code == 1
    assert "did you mean 'net.arch'?" in missing.stderr

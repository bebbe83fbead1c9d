"""Completion, colours, quiet and verbose, and the bar for work that takes long."""

import io
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import Result
from support import commands

from archdsl.cli import main, progress
from archdsl.cli.progress import QUIET, VERBOSE, working
from archdsl.frontend.bundled import spec_names

ROOT = Path(__file__).resolve().parents[2]
TINY = "fc<3,relu<con<4,3,3,1,1,input<2,8,8>>>>"
PADDED = "fc<3,add_prev1<con<4,3,3,1,1,tag1<input<2,8,8>>>>>"
"""dlib's sum of tensors of 4 and 2 channels, which is legal but warned of."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two specs in a folder of their own, which is the current one."""
    (tmp_path / "tiny.arch").write_text(TINY)
    (tmp_path / "broken.arch").write_text("fc<3,relux<input<2,8,8>>>")
    (tmp_path / "padded.arch").write_text(PADDED)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, color: bool = False, **env: str) -> Result:
    environment = {"NO_COLOR": None, "TERM": "xterm", **env}
    return commands.run(*arguments, color=color, env=environment)


# ---- completion ----


def offered(*words: str) -> list[tuple[str, str]]:
    """Kind and value of what is offered for the last word."""
    completion = ShellComplete(main, {}, "archdsl", "_ARCHDSL_COMPLETE")
    found = completion.get_completions(list(words[:-1]), words[-1])
    return [(item.type, item.value) for item in found]


def values(*words: str) -> list[str]:
    return [value for _, value in offered(*words)]


def test_commands_and_options_are_completed() -> None:
    assert {"check", "compare", "compile", "completion"} <= set(values("c"))
    assert "--input" in values("summary", "--in")
    assert values("completion", "z") == ["zsh"]


@pytest.mark.parametrize("command", ["check", "compare", "compile", "draw", "summary", "verify"])
def test_bundled_specs_are_completed(command: str) -> None:
    assert values(command, "vgg16") == [n for n in spec_names() if n.startswith("vgg16")]


def test_files_are_completed() -> None:
    assert values("check", "ti") == ["tiny.arch"]
    assert offered("check", "no_such") == [("file", "no_such")]
    assert "resnet18" in values("check", "tiny.arch", "resn")
    Path("nets").mkdir()
    Path("nets/deep.arch").write_text(TINY)
    assert values("summary", "nets/") == ["nets/deep.arch"]


def test_layers_are_completed() -> None:
    assert {"max_pool", "max_pool_everything"} <= set(values("layers", "max_"))
    assert "add" not in values("layers", "ad")  # networks cannot name it


def test_parameters_of_the_spec_are_completed() -> None:
    assert values("summary", "resnet18", "-D", "cl") == ["classes=1000"]
    assert "classes=1000" in values("check", "resnet18", "-D", "")
    assert values("summary", "-D", "") == []
    assert values("summary", "broken.arch", "-D", "") == []
    assert values("summary", "-", "-D", "") == []


def test_each_shell_has_its_script() -> None:
    for shell, word in (("bash", "complete -o"), ("zsh", "compdef"), ("fish", "complete --no-")):
        script = run("completion", shell).stdout
        assert word in script
        assert "_ARCHDSL_COMPLETE" in script
    assert run("completion", "cmd").exit_code == 2


def test_bash_completes(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    command = tmp_path / "archdsl"
    code = "from archdsl.cli import main; main(prog_name='archdsl')"
    command.write_text(f'#!{bash}\nexec {sys.executable} -c "{code}" "$@"\n')
    command.chmod(0o755)
    script = (
        'eval "$(archdsl completion bash)"\n'
        "COMP_WORDS=(archdsl summary vgg19); COMP_CWORD=2\n"
        "_archdsl_completion archdsl\n"
        'echo "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        [bash, "-c", script],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["vgg19", "vgg19_bn"], done.stderr


# ---- colours ----


def test_errors_have_colours_on_a_terminal_only() -> None:
    plain = run("check", "broken.arch").stderr
    coloured = run("check", "broken.arch", color=True).stderr
    assert "\x1b[" not in plain
    assert "\x1b[31m\x1b[1merror[E101]:\x1b[0m" in coloured
    assert click.unstyle(coloured) == plain


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
@pytest.mark.parametrize("command", ["check broken.arch", "check padded.arch", "draw broken.arch"])
def test_no_colours_where_they_are_not_wanted(command: str, env: dict[str, str]) -> None:
    done = run(*command.split(), color=True, **env)
    assert done.stderr
    assert "\x1b" not in done.stderr + done.stdout


def test_an_empty_no_color_means_nothing() -> None:
    assert "\x1b[" in run("check", "broken.arch", color=True, NO_COLOR="").stderr


# ---- quiet and verbose ----


def test_quiet_leaves_out_success_and_warnings() -> None:
    assert "warning[W003]: " in run("check", "padded.arch").stderr
    assert run("check", "padded.arch").stdout.startswith("ok ")
    quiet = run("check", "--quiet", "padded.arch", "tiny.arch")
    assert (quiet.exit_code, quiet.stdout, quiet.stderr) == (0, "", "")
    drawn = run("draw", "-q", "tiny.arch")
    assert (drawn.exit_code, drawn.stdout, Path("tiny.svg").is_file()) == (0, "", True)
    compiled = run("compile", "-q", "tiny.arch", "-o", "tiny.json")
    assert (compiled.exit_code, compiled.stdout, Path("tiny.json").is_file()) == (0, "", True)


def test_quiet_keeps_errors_and_what_was_asked_for() -> None:
    done = run("check", "-q", "broken.arch")
    assert done.exit_code == 1
    assert "did you mean 'relu'?" in done.stderr
    assert "con" in run("summary", "-q", "tiny.arch").stdout
    assert json.loads(run("check", "-q", "tiny.arch", "--json").stdout)["files"][0]["ok"]


def test_verbose_tells_times_beside_the_result() -> None:
    done = run("draw", "--verbose", "tiny.arch")
    assert done.stdout == run("draw", "tiny.arch").stdout
    steps = [line.split(maxsplit=2) for line in done.stderr.splitlines()]
    assert [what for _, _, what in steps] == ["checking tiny.arch", "drawing tiny"]
    assert all(float(number) >= 0 and unit == "s" for number, unit, _ in steps)


# ---- the bar ----


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard error becomes a terminal on which the bar appears at once.

    No fixture, since pytest gives each phase of a test a standard error of its own.
    """
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "_DELAY", 0.01)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return screen


def wait_for(screen: Terminal, text: str) -> None:
    deadline = time.monotonic() + 20
    while text not in click.unstyle(screen.getvalue()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert text in click.unstyle(screen.getvalue())


def test_long_work_has_a_bar_that_vanishes(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with working("counting [sheep]", 3) as advance:
        advance()
        wait_for(screen, "counting [sheep]")
        wait_for(screen, "1/3")
        advance()
        wait_for(screen, "2/3")
    assert screen.getvalue().endswith("\x1b[2K")  # the line is erased
    assert "\x1b[?25h" in screen.getvalue()  # and the cursor is back


def test_the_bar_goes_when_something_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)

    def divide() -> float:
        with working("dividing"):
            wait_for(screen, "dividing")
            return 1 / 0

    with pytest.raises(ZeroDivisionError):
        divide()
    assert screen.getvalue().endswith("\x1b[2K")


def test_short_work_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    monkeypatch.setattr(progress, "_DELAY", 30)
    started = time.monotonic()
    with working("looking"):
        pass
    assert screen.getvalue() == ""
    assert time.monotonic() - started < 5  # nothing waits for the bar


def test_work_within_work_has_no_bar_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with click.Context(main), working("outside"):
        wait_for(screen, "outside")
        with working("inside"):
            time.sleep(0.5)
    assert "inside" not in screen.getvalue()


def test_no_bar_when_quiet_or_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with click.Context(main) as context:
        context.meta[QUIET] = True
        with working("hiding"):
            time.sleep(0.3)
        assert screen.getvalue() == ""
        context.meta[QUIET] = False
        file = io.StringIO()
        monkeypatch.setattr(sys, "stderr", file)
        with working("hiding"):
            time.sleep(0.3)
        assert file.getvalue() == ""
        context.meta[VERBOSE] = True
        with working("telling"):
            pass
        assert file.getvalue().endswith(" s  telling\n")

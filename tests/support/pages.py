"""Pages of Markdown that are run: what they show is what happens.

A page is followed from its first fence to its last in one empty folder, as its reader would:

- ```` ```arch lenet.arch ```` (any language, then a name) is written to that file;
- ```` ```console ```` has commands behind ``$``, and below each what it prints. Below may stand
  nothing, when it may print anything; ``...`` stands for any text, as in doctest, and with it any
  spaces are those of a table;
- ```` ```python ```` is run, all blocks of a page with the same names. What a block prints may be
  shown in a ```` ```text ```` behind it.

``slow`` behind the language leaves a block to the slow run, and ``alone`` says that only its reader
can run it: what it downloads, or what waits for someone. A picture that a page shows
(``![...](lenet.svg)``) is the one that its commands write.

``python tests/support/pages.py PAGE...`` writes anew what commands of these pages print, and the
pictures; ``--slow`` those of slow blocks too. What is shown in part it leaves, and tells what
differs.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import itertools
import os
import re
import runpy
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "tests"))

from support.commands import run  # noqa: E402

TUTORIAL = sorted((ROOT / "specs" / "tutorial").glob("[0-9]*.md"))
PAGES = (
    ROOT / "README.md",
    ROOT / "archdsl" / "README.md",
    ROOT / "archdsl" / "cli" / "README.md",
    *TUTORIAL,
    ROOT / "specs" / "course.md",
)
"""The pages that tests follow."""

_FENCE = re.compile(r"^```(\w+)(?: (\S[^\n]*))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r'!\[[^\]]*\]\(([\w./-]+)\)|<img src="([\w./-]+)"')
_FAILED = re.compile(r"^(?:\S+: )?(?:[Ee]rror\b|.*: error\[)|are different networks$", re.MULTILINE)
_WRITES = ("-o", "--output", "--plot")
_SHOWN = doctest.OutputChecker()


class Step(NamedTuple):
    """Something that a reader does: a file to write, a command, or Python."""

    kind: str
    """The language of the fence; ``console`` for a command, ``file`` for a file."""
    text: str
    shown: str = ""
    """What is printed, as the page has it; empty if the page does not say."""
    line: int = 0
    words: frozenset[str] = frozenset()
    """``slow`` and ``alone``."""


@dataclass
class Page:
    """A page and its steps."""

    path: Path
    steps: list[Step] = field(default_factory=list)

    @property
    def pictures(self) -> list[Path]:
        """The pictures beside the page that it shows."""
        text = self.path.read_text(encoding="utf-8")
        names = {a or b for a, b in _PICTURE.findall(text)}
        return [self.path.parent / name for name in sorted(names)]

    @property
    def slow(self) -> bool:
        """True if some blocks are left to the slow run."""
        return any("slow" in step.words for step in self.steps)

    @property
    def commands(self) -> list[str]:
        """The commands of archdsl, in the order of the page."""
        return [s.text for s in self.steps if s.kind == "console" and "archdsl " in s.text]


def read(path: Path) -> Page:
    """The steps of a page."""
    text = path.read_text(encoding="utf-8")
    page = Page(path)
    for fence in _FENCE.finditer(text):
        kind, said, body = fence[1], (fence[2] or "").split(), fence[3]
        words = frozenset(said) & {"slow", "alone"}
        names = [word for word in said if word not in words]
        line = text.count("\n", 0, fence.start()) + 2
        if names:
            page.steps.append(Step("file", body, names[0], line, words))
        elif kind == "console":
            page.steps += _commands(body, line, words)
        elif kind == "python":
            page.steps.append(Step("python", body, "", line, words))
        elif kind == "text" and page.steps and page.steps[-1].kind == "python":
            page.steps[-1] = page.steps[-1]._replace(shown=body)
    return page


def _commands(body: str, line: int, words: frozenset[str]) -> Iterator[Step]:
    for part in re.split(r"^(?=\$ )", body, flags=re.MULTILINE):
        if part.startswith("$ "):
            command, _, shown = part[2:].partition("\n")
            shown = shown.strip("\n")
            yield Step("console", command, shown + "\n" if shown else "", line, words)
        line += part.count("\n")


class Reader:
    """Someone who follows a page in the current folder."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "__page__"}

    def does(self, step: Step) -> tuple[str, bool]:
        """What a step prints, and whether it succeeds."""
        if step.kind == "file":
            Path(step.shown).parent.mkdir(parents=True, exist_ok=True)
            Path(step.shown).write_text(step.text, encoding="utf-8")
            return "", True
        if step.kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as printed, _modules_of_the_folder():
                exec(compile(step.text, "<page>", "exec"), self.names)
            return printed.getvalue(), True
        return _command(step.text)


def _written(words: Sequence[str]) -> list[Path]:
    """The files that a command is asked to write, of a row of pictures the first."""
    files = [Path(file) for option, file in itertools.pairwise(words) if option in _WRITES]
    return [file.with_stem(f"{file.stem}-1") for file in files] if "--steps" in words else files


@contextlib.contextmanager
def _modules_of_the_folder() -> Iterator[None]:
    """Let Python import files of the current folder, and forget them afterwards."""
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        for file in Path().glob("*.py"):
            sys.modules.pop(file.stem, None)


def _command(line: str) -> tuple[str, bool]:
    """What a shell prints for a command, and whether it succeeds; it knows what pages use."""
    before, pipe, command = line.rpartition(" | ")
    stdin = shlex.split(before)[1] if pipe else None
    command, redirected, target = command.partition(" > ")
    words = [each for word in shlex.split(command) for each in _expanded(word)]
    match words:
        case ["archdsl", *arguments]:
            done = run(*arguments, stdin=stdin)
            printed, good = done.output, done.exit_code == 0
            if good and (lost := [file for file in _written(words) if not file.exists()]):
                printed, good = f"{printed}{lost} was not written", False
            if done.exception is not None and not isinstance(done.exception, SystemExit):
                raise done.exception
            if redirected:
                Path(target).write_text(done.stdout, encoding="utf-8")
                printed = done.stderr
        case ["python", script]:
            with contextlib.redirect_stdout(io.StringIO()) as out:
                runpy.run_path(script, run_name="__main__")
            printed, good = out.getvalue(), True
        case ["cat", file]:
            printed, good = Path(file).read_text(encoding="utf-8"), True
        case ["ls", folder]:
            printed, good = "  ".join(sorted(os.listdir(folder))) + "\n", True
        case _:
            raise ValueError(f"pages have no such command: {line}")
    tidy = "\n".join(each.rstrip() for each in printed.splitlines()).strip("\n")
    return tidy + "\n" * bool(tidy), good


def _expanded(word: str) -> list[str]:
    """A word with braces and stars as a shell expands it: ``n={2,3}`` is ``n=2 n=3``."""
    before, brace, rest = word.partition("{")
    inside, _, after = rest.partition("}")
    if brace and "," in inside:
        return [before + each + after for each in inside.split(",")]
    if "*" in word and (found := sorted(str(each) for each in Path().glob(word))):
        return found
    return [word]


def differs(step: Step, printed: str, good: bool) -> str:
    """What is wrong with what a step printed, or nothing."""
    if good != (_FAILED.search(step.shown) is None):
        return f"{step.text}\n{'succeeds' if good else 'fails'}: {printed}"
    # Of a table in part, widths are decided by rows that are not shown.
    options = doctest.ELLIPSIS | (doctest.NORMALIZE_WHITESPACE if "..." in step.shown else 0)
    if not step.shown or _SHOWN.check_output(step.shown, printed, options):
        return ""
    example = doctest.Example(step.text, step.shown)
    return step.text + "\n" + _SHOWN.output_difference(example, printed, doctest.REPORT_NDIFF)


def _reader(page: Page) -> Reader:
    """Whoever follows a page: in an empty folder, or, on a page of reference, beside the specs."""
    if "specs" not in page.path.parent.parts[len(ROOT.parts) :]:
        shutil.copytree(ROOT / "specs", "specs", ignore=shutil.ignore_patterns("gallery"))
    return Reader()


def followed(page: Page, slow: bool) -> list[str]:
    """What was not as the page shows it, when it is followed in the current folder."""
    reader, wrong = _reader(page), []
    for step in page.steps:
        if "alone" in step.words or ("slow" in step.words and not slow):
            continue
        printed, good = reader.does(step)
        if step.kind != "file" and (said := differs(step, printed, good)):
            wrong.append(f"{page.path.name}:{step.line}: {said}")
    for picture in page.pictures:
        made = Path(picture.name)
        if not picture.is_file():
            wrong.append(f"{page.path.name} shows {picture.name}, which is not there")
        elif made.is_file() and made.read_bytes() != picture.read_bytes():
            wrong.append(f"{picture.name} is not fresh: run python tests/specs/gallery.py")
    return wrong


def rewrite(page: Page, slow: bool) -> None:
    """Write what is printed into a page where it differs, and the pictures that it shows."""
    reader, lines = _reader(page), page.path.read_text(encoding="utf-8").split("\n")
    changes: list[tuple[int, int, str]] = []
    for step in page.steps:
        if "alone" in step.words or ("slow" in step.words and not slow):
            continue
        printed, good = reader.does(step)
        said = "" if step.kind == "file" else differs(step, printed, good)
        if said and step.kind == "console" and "..." not in step.shown:
            changes.append((step.line, step.shown.count("\n"), printed))
        elif said:
            print(f"{page.path.name}:{step.line}: {said}")
    for first, count, printed in reversed(changes):
        while lines[first] == "":
            first += 1
        lines[first : first + count] = printed.rstrip("\n").split("\n")
    page.path.write_text("\n".join(lines), encoding="utf-8")
    _keep_pictures(page)


def redraw(page: Page) -> None:
    """Draw the pictures anew that a page shows; nothing else of it is done."""
    if not page.pictures:
        return
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for step in page.steps:
            if not step.words and (step.kind == "file" or step.text.startswith("archdsl draw ")):
                Reader().does(step)
        _keep_pictures(page)


def _keep_pictures(page: Page) -> None:
    for picture in page.pictures:
        if Path(picture.name).is_file():
            picture.write_bytes(Path(picture.name).read_bytes())


def main() -> None:
    """Bring the pages that are named up to date."""
    for name in [word for word in sys.argv[1:] if word != "--slow"]:
        page = read(Path(name).resolve())
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            rewrite(page, "--slow" in sys.argv)


if __name__ == "__main__":
    main()

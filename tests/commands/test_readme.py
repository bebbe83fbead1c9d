"""README, tutorial, course and reference: whoever follows a page sees what it shows."""

import re
from pathlib import Path

import pytest
from support import pages
from support.pages import PAGES, ROOT, TUTORIAL

from archdsl.cli import main

READ = {str(path.relative_to(ROOT)): pages.read(path) for path in PAGES}
RUN = "python tests/support/pages.py PAGE writes what changed"


@pytest.mark.parametrize("name", READ)
def test_a_page_shows_what_happens(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = pages.followed(READ[name], slow=False)
    assert not wrong, "\n".join([*wrong, RUN])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, page in READ.items() if page.slow])
def test_a_page_shows_what_happens_where_that_takes_long(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = pages.followed(READ[name], slow=True)
    assert not wrong, "\n".join([*wrong, RUN])


def test_every_command_has_an_example() -> None:
    shown = " ".join(path.read_text(encoding="utf-8") for path in PAGES)
    assert not [name for name in main.commands if f"archdsl {name}" not in shown]


def test_no_page_has_commands_that_are_not_run() -> None:
    """A command stands in a fence that says ``console``, on one of these pages."""
    for path in {*ROOT.glob("*.md"), *ROOT.glob("[agst]*/**/*.md")} - set(PAGES):
        assert not re.search(r"^\s*\$ .*archdsl", path.read_text(encoding="utf-8"), re.M), path
    for path, page in zip(PAGES, READ.values(), strict=True):
        written = re.findall(r"^\s*\$ .*archdsl ", path.read_text(encoding="utf-8"), re.M)
        assert len(written) == len(page.commands), path


def test_links_lead_somewhere() -> None:
    for path in [*PAGES, ROOT / "specs" / "tutorial" / "README.md"]:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), (path, link)


def test_pages_of_the_tutorial_are_listed_and_lead_to_the_next() -> None:
    listed = (ROOT / "specs" / "tutorial" / "README.md").read_text(encoding="utf-8")
    names = [path.name for path in TUTORIAL]
    assert len(names) == 10 and all(f"]({name})" in listed for name in names)
    for path, following in zip(TUTORIAL, [*names[1:], "../README.md"], strict=True):
        text = path.read_text(encoding="utf-8")
        assert following in text.splitlines()[-1] or following in text[-300:], path
        assert text.count("<summary>Answer</summary>") == 1, path


@pytest.mark.parametrize(
    ("page", "wrong"),
    [
        ("```console\n$ archdsl check lenet\nok lenet: input 1×28×28, ...\n```\n", 0),
        ("```console\n$ archdsl check lenet\nok lenet: input 1×27×28, ...\n```\n", 1),
        ("```console\n$ archdsl check nothing.arch\n```\n", 1),
        ("```console slow\n$ archdsl check nothing.arch\n```\n", 0),
        ("```console alone\n$ archdsl check nothing.arch\n```\n", 0),
        ("```console\n$ archdsl check lenet\n: error[E001]: none\n```\n", 1),
        ("```python\nprint(6 * 7)\n```\n\n```text\n42\n```\n", 0),
        ("```python\nprint(6 * 7)\n```\n\n```text\n43\n```\n", 1),
        ("```arch a.arch\nfc<3,input<1,8,8>>\n```\n\n```console\n$ archdsl check a.arch\n"
         "ok a: input 1×8×8, output 3, 195 parameters, 192 MACs\n```\n", 0),
        ("![](a.svg)\n", 1),
    ],
)  # fmt: skip
def test_a_page_that_is_wrong_is_found(
    page: str, wrong: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "page.md").write_text(page, encoding="utf-8")
    assert len(pages.followed(pages.read(tmp_path / "page.md"), slow=False)) == wrong


def test_a_picture_that_is_not_what_a_command_draws_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "beside").mkdir()
    page = tmp_path / "beside" / "page.md"
    page.write_text("```console\n$ archdsl draw lenet\n```\n\n![](lenet.svg)\n", encoding="utf-8")
    page.with_name("lenet.svg").write_text("<svg/>", encoding="utf-8")
    assert len(pages.followed(pages.read(page), slow=False)) == 1

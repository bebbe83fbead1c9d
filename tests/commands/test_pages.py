"""Tutorial and course: whoever follows a page in an empty folder sees what it shows."""

from pathlib import Path

import pytest
from support import pages

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "specs" / "tutorial").glob("[0-9]*.md")), ROOT / "specs" / "course.md"]
READ = {path.stem: pages.read(path) for path in PAGES if path.is_file()}
RUN = "python tests/support/pages.py writes what changed"


def slow_ones(name: str) -> bool:
    """True if a page has blocks that only the slow run follows."""
    return any("slow" in step.words for step in READ[name].steps)


@pytest.mark.parametrize("name", READ)
def test_a_page_shows_what_happens(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = pages.followed(READ[name], slow=False)
    assert not wrong, "\n".join([*wrong, RUN])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in READ if slow_ones(name)])
def test_a_page_shows_what_happens_where_that_takes_long(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = pages.followed(READ[name], slow=True)
    assert not wrong, "\n".join([*wrong, RUN])


def test_pages_are_listed_and_lead_to_the_next() -> None:
    listed = (ROOT / "specs" / "tutorial" / "README.md").read_text(encoding="utf-8")
    names = [path.name for path in PAGES[:-1]]
    assert len(names) == 10 and all(f"]({name})" in listed for name in names)
    for path, following in zip(PAGES[:-2], names[1:], strict=True):
        assert "Next: [" in (text := path.read_text(encoding="utf-8")) and following in text
        assert text.count("<summary>Answer</summary>") == 1, path


@pytest.mark.parametrize(
    ("page", "wrong"),
    [
        ("```console\n$ archdsl check lenet\nok lenet: input 1×28×28, ...\n```\n", 0),
        ("```console\n$ archdsl check lenet\nok lenet: input 1×27×28, ...\n```\n", 1),
        ("```console\n$ archdsl check nothing.arch\n```\n", 1),
        ("```console slow\n$ archdsl check nothing.arch\n```\n", 0),
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

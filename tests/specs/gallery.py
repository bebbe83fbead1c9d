"""Writes the gallery in specs/README.md, its pictures and its chart, from the specs themselves.

The pictures of README and tutorial are drawn too, by the commands that these pages show.
Run after a spec or a figure has changed: python tests/specs/gallery.py. Pictures of networks that
did not change stay as they are.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from functools import cache
from html import escape
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import pictures

import archdsl
from archdsl.analysis.cost import Summary
from archdsl.frontend.bundled import spec_names
from archdsl.frontend.files import open_source
from archdsl.frontend.header import Facts, facts
from archdsl.ir.layer import shown
from archdsl.viz.chart import ChartPoint, chart

README = Path(__file__).resolve().parents[2] / "specs" / "README.md"
CHART = README.parent / "accuracy.svg"
START, END = "<!-- gallery: start -->\n", "<!-- gallery: end -->\n"

_SCALE = 0.9
"""Pixels in the README for a point of a picture: four beside each other fill a page."""

_CITATION = re.compile(
    r'(?P<who>[A-Z][\w-]*,?(?: (?:and|et|al\.|[A-Z][\w-]*,?))* \d{4})(?:, "(?P<title>[^"]+)")?'
)
_TITLE_BEHIND = re.compile(r'[^"]*"(?P<title>[^"]+)"')
_APPOSITION = re.compile(
    rf"(?P<lead>^|[:,] )(?P<after>after )?{_CITATION.pattern}(?P<tail>$|[:,] )"
    r"(?P<place>(?=figure |table |section ))?"
)
"""A citation that the sentence does without: it stands between two marks, or behind "after"."""


class Entry(NamedTuple):
    """A spec of the gallery."""

    name: str
    known: Facts
    summary: Summary

    @property
    def who(self) -> str | None:
        """Authors and year of the paper: ``He et al. 2015``."""
        found = _CITATION.search(self.known.title)
        return found["who"] if found else None

    @property
    def title(self) -> str | None:
        """The title of the paper, which may stand further on than its authors."""
        found = _CITATION.search(self.known.title)
        if found is None or found["title"]:
            return found and found["title"]
        behind = _TITLE_BEHIND.match(self.known.title, found.end())
        return behind and behind["title"]

    @property
    def network(self) -> str:
        """What the spec says of itself apart from its paper: ``VGG-11: table 1, column A``."""
        return without_paper(self.known.title)


def without_paper(sentence: str) -> str:
    """The sentence without the paper that it cites first, where it is whole without."""
    first, found = _CITATION.search(sentence), _APPOSITION.search(sentence)
    if first is None or found is None or found.start("who") != first.start():
        return sentence
    lead, tail = found["lead"], found["tail"]
    if not tail:
        joint = ""
    elif found["after"] and found["place"] is not None:
        joint = f"{lead}after "
    else:
        joint = ": " if ": " in (lead, tail) else lead
    return sentence[: found.start()] + joint + sentence[found.end() :]


class Paper(NamedTuple):
    """A paper and its networks."""

    year: int
    heading: str
    who: str
    entries: list[Entry]


@cache
def entries() -> tuple[Entry, ...]:
    """All specs, in the order of their names: resnet18 before resnet101."""
    found = []
    for name in sorted(spec_names(), key=_natural):
        found.append(Entry(name, facts(open_source(name)), archdsl.load(name).summary()))
    return tuple(found)


def papers(all_entries: Iterable[Entry]) -> list[Paper]:
    """The specs by paper, oldest papers first. A spec without a paper stands for itself."""
    all_entries = tuple(all_entries)
    title_of = {entry.who: entry.title for entry in all_entries if entry.who and entry.title}
    together: dict[str, list[Entry]] = {}
    for entry in all_entries:
        title = entry.title or title_of.get(entry.who or "") or entry.network.partition(":")[0]
        together.setdefault(title, []).append(entry)
    found = []
    for title, members in together.items():
        who = next((entry.who for entry in members if entry.who), "")
        found.append(Paper(min(e.known.year or 0 for e in members), title, who, members))
    return sorted(found, key=lambda paper: (paper.year, paper.heading))


def gallery() -> str:
    """The gallery as Markdown."""
    all_entries = entries()
    index = " · ".join(f"[{entry.name}](#{entry.name})" for entry in all_entries)
    parts = [f"{index}\n"]
    for year, of_year in groupby(papers(all_entries), key=lambda paper: paper.year):
        parts.append(f"\n## {year or 'Undated'}\n")
        parts += [_paper(paper) for paper in of_year]
    return "".join(parts)


def accuracies() -> bytes:
    """The chart of all specs that have a reported accuracy."""
    points = [
        ChartPoint(entry.name, entry.summary.macs, entry.known.top1, entry.summary.parameters)
        for entry in entries()
        if entry.known.top1 is not None
    ]
    return chart(points)


def written(text: str) -> str:
    """The README with its gallery made anew."""
    before, rest = text.split(START)
    _, after = rest.split(END)
    return before + START + gallery() + END + after


def _paper(paper: Paper) -> str:
    images = "\n".join(_picture(entry) for entry in paper.entries)
    rows = "".join(_row(entry) for entry in paper.entries)
    return (
        f"\n### {paper.heading}\n" + (f"\n{paper.who}\n" if paper.who else "") + f"\n{images}\n"
        "\n| spec | network | input | parameters, M | MACs, M | top-1 / top-5, % | verified by |\n"
        f"|---|---|---|---:|---:|---|---|\n{rows}"
    )


def _picture(entry: Entry) -> str:
    width, _ = pictures.size(entry.name)
    file = f"gallery/{entry.name}.svg"
    words = escape(f"{entry.name}: {entry.network}")
    return (
        f'<a id="{entry.name}" href="{file}"><img src="{file}" alt="{words}" '
        f'width="{round(_SCALE * width)}" align="top"></a>'
    )


def _row(entry: Entry) -> str:
    known, summary = entry.known, entry.summary
    accuracy = " / ".join("" if a is None else f"{a:g}" for a in (known.top1, known.top5))
    if known.reference:
        verified = f"`archdsl verify {entry.name}`: equal to {known.reference}"
    else:
        verified = f"`pytest tests/specs`: {known.proof}"
    cells = (
        f"[`{entry.name}`]({entry.name}.arch)",
        entry.network,
        shown(summary.input),
        f"{summary.parameters / 1e6:.2f}",
        f"{summary.macs / 1e6:,.1f}",
        accuracy.strip(" /") and accuracy.rstrip(" /"),
        verified,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _natural(name: str) -> list[tuple[int, str]]:
    """A key by which numbers in names sort as numbers."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def main() -> None:
    """Bring pictures, chart and README up to date; pictures that are fresh stay as they are."""
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    from support import pages

    for page in pages.PAGES:
        pages.redraw(pages.read(page))
    for name in spec_names():
        network = archdsl.load(name)
        if not pictures.is_fresh(network):
            pictures.write(network)
    for file in pictures.FOLDER.glob("*.svg"):
        if file.stem not in spec_names():
            file.unlink()
    whole = pictures.whole(archdsl.load(pictures.WHOLE.stem))
    pictures.WHOLE.write_text(whole, encoding="utf-8")
    CHART.write_bytes(accuracies())
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()

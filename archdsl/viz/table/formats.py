"""A table of stages as Markdown, LaTeX, HTML, and for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import NamedTuple

from archdsl.diagnostics.printable import printable
from archdsl.viz.draw.tex_words import tex_words
from archdsl.viz.draw.words import times_words
from archdsl.viz.table.stages import StageTable, Unit


class Format(NamedTuple):
    """A kind of file, and the function that writes a table for it."""

    title: str
    write: Callable[[StageTable], str]


def cell_lines(units: Sequence[Unit]) -> list[str]:
    """A cell as lines of text: ``[1×1 conv, 64 | 3×3 conv, 64] ×3``."""
    lines = []
    for unit in units:
        inside = " | ".join(printable(line) for line in unit.lines)
        lines.append(times_words(f"[{inside}]" if len(unit.lines) > 1 else inside, unit.times))
    return lines


def markdown(table: StageTable) -> str:
    """A table of Markdown."""

    def cell(lines: Sequence[str]) -> str:
        return "<br>".join(
            escape(line, quote=False).replace("\\", "\\\\").replace("|", "\\|") for line in lines
        )

    rows = [["output", *map(printable, table.names)], ["---"] * (len(table.names) + 1)]
    rows.append(["input", *table.inputs])
    for size, row in zip(table.sizes, table.cells, strict=True):
        rows.append([size, *(cell(cell_lines(units)) for units in row)])
    rows += [["parameters", *table.parameters], ["MACs", *table.macs]]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def html(table: StageTable) -> str:
    """A table of HTML."""

    def row(kind: str, cells: Sequence[str]) -> str:
        rest = "".join(f"<{kind}>{cell}</{kind}>" for cell in cells[1:])
        return f"<tr><th>{cells[0]}</th>{rest}</tr>\n"

    def cell(units: Sequence[Unit]) -> str:
        return "<br>".join(escape(line) for line in cell_lines(units))

    body = row("td", ["input", *map(escape, table.inputs)])
    for size, units in zip(table.sizes, table.cells, strict=True):
        body += row("td", [escape(size), *map(cell, units)])
    body += row("td", ["parameters", *table.parameters]) + row("td", ["MACs", *table.macs])
    head = row("th", ["output", *(escape(printable(name)) for name in table.names)])
    return f"<table>\n<thead>\n{head}</thead>\n<tbody>\n{body}</tbody>\n</table>\n"


def latex(table: StageTable) -> str:
    """A tabular of LaTeX, for the package booktabs; blocks stand in brackets as in the papers."""

    def unit(each: Unit) -> str:
        lines = [tex_words(line) for line in each.lines]
        if len(lines) == 1:
            text = lines[0]
        else:
            inner = r" \\ ".join(lines)
            text = rf"$\left[\begin{{tabular}}{{@{{}}c@{{}}}}{inner}\end{{tabular}}\right]$"
        return rf"{text} $\times$ {each.times}" if each.times > 1 else text

    def cell(units: Sequence[Unit]) -> str:
        if len(units) < 2:
            return "".join(map(unit, units))
        inner = r" \\ ".join(map(unit, units))
        return rf"\begin{{tabular}}{{@{{}}c@{{}}}}{inner}\end{{tabular}}"

    def row(cells: Sequence[str]) -> str:
        return " & ".join(cells) + r" \\"

    lines = [
        r"% For the package booktabs.",
        rf"\begin{{tabular}}{{l{'c' * len(table.names)}}}",
        r"\toprule",
        row(["output", *map(tex_words, table.names)]),
        r"\midrule",
        row(["input", *map(tex_words, table.inputs)]),
    ]
    for size, units in zip(table.sizes, table.cells, strict=True):
        lines += [r"\midrule", row([tex_words(size), *map(cell, units)])]
    lines += [
        r"\midrule",
        row(["parameters", *table.parameters]),
        row(["MACs", *table.macs]),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


FORMATS = {
    ".md": Format("Markdown", markdown),
    ".tex": Format("LaTeX with booktabs", latex),
    ".html": Format("HTML", html),
}
"""By suffix."""

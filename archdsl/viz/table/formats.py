"""A table of stages as Markdown, LaTeX, HTML, and for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import NamedTuple

from archdsl.diagnostics.printable import printable
from archdsl.viz.draw.tex_words import tex_words
from archdsl.viz.draw.words import times_words
from archdsl.viz.table.layers import LayerTable
from archdsl.viz.table.stages import StageTable, Unit


class Format(NamedTuple):
    """A kind of file, and the function that writes a table for it."""

    title: str
    write: Callable[[StageTable], str]
    write_layers: Callable[[LayerTable], str]


def cell_lines(units: Sequence[Unit]) -> list[str]:
    """A cell as lines of text: ``[1×1 conv, 64 | 3×3 conv, 64] ×3``."""
    lines = []
    for unit in units:
        inside = " | ".join(printable(line) for line in unit.lines)
        lines.append(times_words(f"[{inside}]" if len(unit.lines) > 1 else inside, unit.times))
    return lines


def markdown(table: StageTable) -> str:
    """A table of Markdown."""

    def cell(units: Sequence[Unit]) -> str:
        return "<br>".join(map(_escaped, cell_lines(units)))

    rows: list[Sequence[str]] = [["input", *table.inputs]]
    for size, row in zip(table.sizes, table.cells, strict=True):
        rows.append([size, *map(cell, row)])
    rows += [["parameters", *table.parameters], ["MACs", *table.macs]]
    return _markdown(["output", *map(printable, table.names)], rows)


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, ["---"] * len(head), *rows])


def _escaped(text: str) -> str:
    return escape(text, quote=False).replace("\\", "\\\\").replace("|", "\\|")


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
    return _html(head, body)


def _html(head: str, body: str) -> str:
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


def layers_markdown(table: LayerTable) -> str:
    """The layers of a network as a table of Markdown."""
    return _markdown(
        table.columns, [[_escaped(printable(cell)) for cell in r] for r in table.cells]
    )


def layers_html(table: LayerTable) -> str:
    """The layers of a network as a table of HTML."""

    def row(kind: str, cells: Sequence[str]) -> str:
        inner = "".join(f"<{kind}>{escape(printable(cell))}</{kind}>" for cell in cells)
        return f"<tr>{inner}</tr>\n"

    return _html(row("th", table.columns), "".join(row("td", cells) for cells in table.cells))


def layers_latex(table: LayerTable) -> str:
    """The layers of a network as a tabular of LaTeX, for the package booktabs."""
    head, *rows = (
        " & ".join(map(tex_words, cells)) + r" \\" for cells in (table.columns, *table.cells)
    )
    lines = [
        r"% For the package booktabs.",
        rf"\begin{{tabular}}{{l{'r' * (len(table.columns) - 1)}}}",
        r"\toprule",
        head,
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


FORMATS = {
    ".md": Format("Markdown", markdown, layers_markdown),
    ".tex": Format("LaTeX with booktabs", latex, layers_latex),
    ".html": Format("HTML", html, layers_html),
}
"""By suffix."""

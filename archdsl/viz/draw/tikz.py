"""A figure as TikZ, to be edited and set in the type of a paper.

Every box is a node with a name, its style is that of its category, and everything stands where our
own layout put it. Words of specs are escaped letter by letter: what TeX has no plain character for
becomes ``?``, so that no name can be a command.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from archdsl.viz.draw.page_fit import FittedFigure
from archdsl.viz.draw.placed import Line, PlacedBox, PlacedEdge, PlacedFrame, Rectangle
from archdsl.viz.draw.tex_words import tex_words
from archdsl.viz.draw.themes import Paint, Theme
from archdsl.viz.draw.words import decimal as _n

_HEAD = r"""% A figure by archdsl. Alone: pdflatex FILE. In a paper: \usepackage{standalone}, then
% \input{FILE}; its preamble wants tikz with the library arrows.meta, and textcomp.
\documentclass[tikz]{standalone}
\usepackage[T1]{fontenc}
\usepackage{textcomp}
\usepackage[scaled]{helvet}
\usetikzlibrary{arrows.meta}
\begin{document}
\fontfamily{phv}\selectfont
\begin{tikzpicture}[
  x=1pt, y=-1pt, inner sep=0pt, outer sep=0pt, every node/.style={align=center},"""

_TAIL = r"""\end{tikzpicture}
\end{document}
"""


def tikz_source(figure: FittedFigure, theme: Theme) -> str:
    """The document; the same for equal figures."""
    page, placed = figure.page, figure.page.placed
    paints = [figure.colouring.paint(box.box) for box in placed.boxes]
    paints += [paint for item in page.legend for paint in item.swatch.paints]
    frames = list(theme.frames)
    style = {paint: f"paint{n}" for n, paint in enumerate(dict.fromkeys([*paints, *frames]))}
    x, y = page.origin
    lines = [
        _HEAD,
        f"  line width={_n(theme.stroke)}pt, text={_colour(theme.text)},",
        f"  flow/.style={{draw={_colour(theme.wire)}, rounded corners=6pt,"
        " -{Latex[length=6pt, width=5pt]}},",
        f"  quiet/.style={{text={_colour(theme.quiet)}}},",
        *(f"  {name}/.style={{{_painted(paint)}}}," for paint, name in style.items()),
        "]",
        rf"\path[fill={_colour(theme.paper)}] (0,0) rectangle"
        f" ({_n(page.width)},{_n(page.height)});",
        *(_words(line) for line in page.heading),
        rf"\begin{{scope}}[shift={{({_n(x)},{_n(y)})}}]",
        *(_frame(frame, style, theme) for frame in placed.frames),
        *(_edge(edge) for edge in placed.edges),
        *(_header(frame, theme) for frame in placed.frames),
        *(
            _box(n, box, style[paint], theme)
            for n, (box, paint) in enumerate(zip(placed.boxes, paints, strict=False))
        ),
        *(_words(edge.label) for edge in placed.edges if edge.label is not None),
        *(_words(line) for end in placed.ends for line in end.lines),
        r"\end{scope}",
    ]
    for item in page.legend:
        step = item.at.width / len(item.swatch.paints)
        for n, paint in enumerate(item.swatch.paints):
            at = Rectangle(item.at.x + n * step, item.at.y, step, item.at.height)
            lines.append(_rectangle(at, style[paint], 2.0))
        lines += [_words(line) for line in item.lines]
    return "\n".join([*lines, _TAIL])


def _painted(paint: Paint) -> str:
    dashed = f", dash pattern={_dashes(paint.dash)}" if paint.dash else ""
    return f"fill={_colour(paint.fill)}, draw={_colour(paint.line)}{dashed}"


def _dashes(dash: str) -> str:
    """``5 3`` of SVG as TikZ has it: on 5pt off 3pt."""
    ways = ("on", "off")
    return " ".join(f"{ways[n % 2]} {length}pt" for n, length in enumerate(dash.split()))


def _colour(code: str) -> str:
    """``#cfe4f5`` as TikZ has it."""
    red, green, blue = (int(code[n : n + 2], 16) for n in (1, 3, 5))
    return f"{{rgb,255:red,{red};green,{green};blue,{blue}}}"


def _frame(frame: PlacedFrame, style: dict[Paint, str], theme: Theme) -> str:
    paint = theme.frames[min(frame.depth, len(theme.frames) - 1)]
    return _rectangle(frame.at, style[paint], theme.radius)


def _header(frame: PlacedFrame, theme: Theme) -> str:
    at = frame.header
    inner = Rectangle(at.x + 0.5, at.y + 0.5, at.width - 1, at.height - 1)
    strip = _rectangle(inner, f"fill={_colour(theme.header)}", theme.radius - 1)
    return "\n".join([strip, *(_words(line) for line in frame.lines)])


def _rectangle(at: Rectangle, style: str, radius: float) -> str:
    right, foot = at.x + at.width, at.y + at.height
    return (
        rf"\path[{style}, rounded corners={_n(radius)}pt] ({_n(at.x)},{_n(at.y)})"
        rf" rectangle ({_n(right)},{_n(foot)});"
    )


def _box(number: int, placed: PlacedBox, style: str, theme: Theme) -> str:
    box, at = placed.box, placed.at
    radius = at.height / 2 if box.joint else 4.0
    options = [style, f"rounded corners={_n(radius)}pt"]
    options += [f"minimum width={_n(at.width)}pt", f"minimum height={_n(at.height)}pt"]
    if box.block:
        options.append("line width=1.8pt")
    if box.times > 1 and not box.joint:
        sheet = "transform canvas={xshift=3pt, yshift=-3pt}"
        options.append(f"preaction={{{sheet}, {style}}}")
    between = " ~" if box.joint else r" \\ "  # the words of a join stand beside each other
    text = between.join(_sized(line, theme.quiet) for line in placed.lines)
    middle = at.x + at.width / 2, at.y + at.height / 2
    return rf"\node[{', '.join(options)}] (b{number}) at ({_point(middle)}) {{{text}}};"


def _edge(placed: PlacedEdge) -> str:
    points = [point for point, _ in groupby(placed.points)]
    return rf"\draw[flow] {' -- '.join(f'({_point(p)})' for p in points)};" if points else ""


def _words(line: Line) -> str:
    """A line of text with the middle of its baseline at its place."""
    quiet = ", quiet" if line.quiet else ""
    return rf"\node[anchor=base{quiet}] at ({_point((line.x, line.y))}) {{{_sized(line)}}};"


def _sized(line: Line, quiet: str | None = None) -> str:
    """A line's text in its size, in a box in the colour of what is quiet."""
    colour = ",".join(str(int(quiet[n : n + 2], 16)) for n in (1, 3, 5)) if quiet else ""
    weight = r"\bfseries" if line.bold else ""
    size = rf"\fontsize{{{_n(line.size)}}}{{{_n(line.size * 1.2)}}}\selectfont"
    tinted = rf"\color[RGB]{{{colour}}}" if colour and line.quiet else ""
    return f"{{{size}{weight}{tinted} {tex_words(line.text)}}}"


def _point(point: Sequence[float]) -> str:
    return ",".join(_n(number) for number in point)

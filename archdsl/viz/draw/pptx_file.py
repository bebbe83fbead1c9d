"""``.pptx``: a slide of native shapes, to be edited and animated; needs python-pptx."""

from __future__ import annotations

import io
from typing import Any

from archdsl.diagnostics import fail
from archdsl.diagnostics.printable import printable
from archdsl.ir.network import Network
from archdsl.viz.draw.figure import fitted
from archdsl.viz.draw.options import DrawOptions
from archdsl.viz.draw.placed import Line, PlacedBox, PlacedEdge, Rectangle
from archdsl.viz.draw.themes import Paint, Theme

_MOST = 4032.0
"""Points of a slide's side, 56 inches: PowerPoint takes no larger ones."""


def encode(network: Network, options: DrawOptions) -> bytes:
    """The content of a presentation of one slide.

    Raises ArchError where python-pptx is not installed, and for figures larger than a slide.
    """
    try:
        import pptx
        from pptx.util import Pt
    except ImportError:
        raise fail(
            ".pptx needs python-pptx", help='pip install "archdsl[slides]" brings it'
        ) from None
    figure, theme = fitted(network, options)
    page = figure.page
    if max(page.width, page.height) > _MOST:
        raise fail("the figure is larger than a slide can be", help="--depth 1 draws less")
    presentation = pptx.Presentation()
    presentation.slide_width, presentation.slide_height = Pt(page.width), Pt(page.height)
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    fill = slide.background.fill
    fill.solid()
    fill.fore_color.rgb = _rgb(theme.paper)
    drawing = _Slide(slide.shapes, theme)
    for line in page.heading:
        drawing.words(line)
    drawing.origin = page.origin
    for frame in page.placed.frames:
        drawing.rectangle(frame.at, theme.frames[min(frame.depth, len(theme.frames) - 1)])
        drawing.rectangle(frame.header, Paint(theme.header, theme.header))
        for line in frame.lines:
            drawing.words(line)
    for edge in page.placed.edges:
        drawing.edge(edge)
    for box in page.placed.boxes:
        drawing.box(box, figure.colouring.paint(box.box))
    for line in [line for end in page.placed.ends for line in end.lines]:
        drawing.words(line)
    drawing.origin = (0.0, 0.0)
    for item in page.legend:
        step = item.at.width / len(item.swatch.paints)
        for n, paint in enumerate(item.swatch.paints):
            at = Rectangle(item.at.x + n * step, item.at.y, step, item.at.height)
            drawing.rectangle(at, paint)
        for line in item.lines:
            drawing.words(line)
    buffer = io.BytesIO()
    presentation.save(buffer)
    return buffer.getvalue()


class _Slide:
    """Puts shapes on a slide."""

    def __init__(self, shapes: Any, theme: Theme) -> None:
        self._shapes, self._theme = shapes, theme
        self.origin = (0.0, 0.0)

    def rectangle(self, at: Rectangle, paint: Paint, radius: float = 4.0) -> Any:
        from pptx.enum.shapes import MSO_SHAPE
        from pptx.util import Pt

        x, y = at.x + self.origin[0], at.y + self.origin[1]
        kind = MSO_SHAPE.ROUNDED_RECTANGLE
        shape = self._shapes.add_shape(kind, *map(_emu, (x, y, at.width, at.height)))
        shape.adjustments[0] = min(0.5, radius / max(1.0, min(at.width, at.height)))
        shape.fill.solid()
        shape.fill.fore_color.rgb = _rgb(paint.fill)
        shape.line.color.rgb = _rgb(paint.line)
        shape.line.width = Pt(self._theme.stroke)
        shape.shadow.inherit = False
        return shape

    def box(self, placed: PlacedBox, paint: Paint) -> None:
        from pptx.util import Pt

        at, box = placed.at, placed.box
        if box.times > 1 and not box.joint:
            self.rectangle(Rectangle(at.x + 3, at.y + 3, at.width, at.height), paint)
        shape = self.rectangle(at, paint, at.height / 2 if box.joint else 4.0)
        shape.name = printable(box.id)
        if box.block:
            shape.line.width = Pt(self._theme.stroke * 1.8)
        self._write(shape.text_frame, placed.lines, in_a_row=box.joint)

    def words(self, line: Line) -> None:
        """A line of text by itself."""
        x, y = line.x + self.origin[0], line.y + self.origin[1]
        width, height = line.width + 8, line.size * 1.3
        frame = self._shapes.add_textbox(
            *map(_emu, (x - width / 2, y - line.size, width, height))
        ).text_frame
        self._write(frame, (line,))

    def _write(self, frame: Any, lines: tuple[Line, ...], *, in_a_row: bool = False) -> None:
        from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
        from pptx.util import Pt

        frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = 0
        frame.vertical_anchor = MSO_ANCHOR.MIDDLE
        frame.word_wrap = False
        paragraph = frame.paragraphs[0]
        for n, line in enumerate(lines):
            paragraph = frame.add_paragraph() if n and not in_a_row else paragraph
            run = paragraph.add_run()
            run.text = f"{' ' if n and in_a_row else ''}{printable(line.text)}"
            paragraph.alignment = PP_ALIGN.CENTER
            run.font.size, run.font.bold, run.font.name = Pt(line.size), line.bold, "Arial"
            colour = self._theme.quiet if line.quiet else self._theme.text
            run.font.color.rgb = _rgb(colour)

    def edge(self, placed: PlacedEdge) -> None:
        from pptx.oxml.ns import qn
        from pptx.util import Pt

        points = [(_emu(x + self.origin[0]), _emu(y + self.origin[1])) for x, y in placed.points]
        if len(points) < 2:
            return
        builder = self._shapes.build_freeform(*points[0], scale=1.0)
        builder.add_line_segments(points[1:], close=False)
        shape = builder.convert_to_shape()
        shape.shadow.inherit = False
        shape.fill.background()
        shape.line.color.rgb = _rgb(self._theme.wire)
        shape.line.width = Pt(self._theme.stroke)
        # python-pptx has no arrow heads of its own.
        head = shape.line._get_or_add_ln().makeelement(qn("a:tailEnd"), {"type": "triangle"})
        shape.line._get_or_add_ln().append(head)
        if placed.label is not None:
            self.words(placed.label)


def _emu(points: float) -> int:
    """Points in the unit of Office's files."""
    return round(points * 12_700)


def _rgb(code: str) -> Any:
    from pptx.dml.color import RGBColor

    parts = (int(code[n : n + 2], 16) for n in (1, 3, 5))
    return RGBColor(*parts)  # type: ignore[no-untyped-call]

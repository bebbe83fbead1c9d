"""Checks of the lines of a figure: they run through nothing, and are straight."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, pairwise

from reader import Figure

from archdsl.viz.draw.font_metrics import CAPITALS
from archdsl.viz.draw.placed import Line, Placed, Rectangle

Segment = tuple[float, float, float, float]
_TOUCHES = 0.6
"""Points by which a line may reach into what it leads to, or along what it passes."""


def through(segment: Segment, area: Rectangle, slack: float = _TOUCHES) -> bool:
    """True if a level or upright segment runs through the inside of an area."""
    x0, y0, x1, y1 = segment
    across = min(max(x0, x1), area.x + area.width - slack) - max(min(x0, x1), area.x + slack)
    along = min(max(y0, y1), area.y + area.height - slack) - max(min(y0, y1), area.y + slack)
    return across >= 0 and along >= 0


def words_at(line: Line) -> Rectangle:
    """The area of a line of words: capitals, without the tails of letters."""
    high = line.size * CAPITALS
    return Rectangle(line.x - line.width / 2, line.y - high, line.width, high)


def check_routes(placed: Placed) -> None:
    """No line runs through a box, along a title, or through the words at another line."""
    labels = [edge.label for edge in placed.edges if edge.label is not None]
    free = [line for end in placed.ends for line in end.lines] + labels
    for edge in placed.edges:
        for segment in _segments(edge.points):
            for box in placed.boxes:
                assert not through(segment, box.at), (edge.edge, box.box.id)
            for frame in placed.frames:  # a line into a frame passes under its title, upright
                level = abs(segment[1] - segment[3]) < abs(segment[0] - segment[2])
                assert not (level and through(segment, frame.header)), (edge.edge, frame.cluster.id)
            for line in free:
                assert not through(segment, words_at(line)), (edge.edge, line.text)


def check_nothing_overlaps(found: Figure) -> None:
    """No box, title or word lies on another, and all words are in their boxes."""
    page = [area for _, area in found.boxes.items()]
    for one, two in combinations([*page, *found.headers], 2):
        assert not one.meets(two), (one, two)
    for text, owner in found.inside:
        assert text.area.within(owner), text
    for text in found.free:
        assert not any(text.area.meets(area) for area in [*page, *found.headers]), text
    for one, two in combinations([text.area for text in found.free], 2):
        assert not one.meets(two)
    for one, two in combinations([text.area for text, _ in found.inside], 2):
        assert not one.meets(two)


def _segments(points: tuple[tuple[float, float], ...]) -> Iterable[Segment]:
    for (ax, ay), (bx, by) in pairwise(points):
        assert min(abs(ax - bx), abs(ay - by)) <= 0.5, points
        yield ax, ay, bx, by

"""The curves of a run as an SVG figure: losses on the left, the other measures on the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from archdsl.inference.pictures import COLOURS

_WIDTH, _HEIGHT, _LEFT, _TOP = 360, 240, 56, 40
_APART = 2 * _LEFT + _WIDTH
_NO_MEASURES = ("epoch", "rate", "images_per_second")


def curves(rows: Sequence[Mapping[str, float]]) -> str:
    """The figure of the measures of all epochs."""
    names = [name for name in rows[0] if name not in _NO_MEASURES]
    losses = [name for name in names if name.endswith("loss")]
    others = [name for name in names if name not in losses]
    body = [*_axes(rows, losses, 0), *_axes(rows, others, _APART)]
    width, height = 2 * _APART, _HEIGHT + 3 * _TOP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}" font-family="Arial, sans-serif" font-size="12">',
            f'<rect width="{width}" height="{height}" fill="white"/>',
            *body,
            "</svg>\n",
        ]
    )


def _axes(rows: Sequence[Mapping[str, float]], names: Sequence[str], shift: int) -> list[str]:
    if not names:
        return []
    most = max((row[name] for row in rows for name in names), default=1.0) or 1.0
    last = rows[-1]["epoch"]
    left, bottom = shift + _LEFT, _TOP + _HEIGHT

    def place(row: Mapping[str, float], name: str) -> str:
        across = left + _WIDTH * row["epoch"] / last
        return f"{across:.1f},{bottom - _HEIGHT * max(row[name], 0) / most:.1f}"

    made = [
        f'<path d="M{left} {_TOP}V{bottom}H{left + _WIDTH}" fill="none" stroke="black"/>',
        f'<text x="{left - 6}" y="{_TOP + 4}" text-anchor="end">{most:.3g}</text>',
        f'<text x="{left - 6}" y="{bottom + 4}" text-anchor="end">0</text>',
        f'<text x="{left + _WIDTH}" y="{bottom + 18}" text-anchor="end">epoch {last:.0f}</text>',
    ]
    for index, name in enumerate(names):
        colour = COLOURS[(4 + index) % len(COLOURS)]
        points = " ".join(place(row, name) for row in rows)
        made += [
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>',
            f'<text x="{left + 90 * index}" y="{_TOP - 14}" fill="{colour}">'
            f"{escape(name.replace('_', ' '))}</text>",
        ]
    return made

"""The colours of the page, light and dark, as custom properties of its style sheet."""

from __future__ import annotations

from archdsl.targets.draw.palette import FRAME, INNER_FRAME, PAINTS, QUIET, TEXT, Paint
from archdsl.targets.html.document import CATEGORIES

_NIGHT = "#15181d"
_LIGHT = {
    "page": "#ffffff",
    "raised": "#ffffff",
    "sunken": "#f3f5f7",
    "rule": "#d5dae0",
    "text": TEXT,
    "quiet": QUIET,
    "line": "#6b7480",
    "accent": "#c2185b",
    "focus": "#0b57d0",
    "frame": FRAME.fill,
    "frame-line": FRAME.line,
    "inner-frame": INNER_FRAME.fill,
    "shadow": "rgb(20 30 50 / 18%)",
}
_DARK = {
    "page": _NIGHT,
    "raised": "#20252c",
    "sunken": "#1a1e24",
    "rule": "#39414b",
    "text": "#eceff3",
    "quiet": "#b3bcc7",
    "line": "#8b96a3",
    "accent": "#ff7eb0",
    "focus": "#8ab4ff",
    "frame": "#1c2128",
    "frame-line": "#46505c",
    "inner-frame": "#242a33",
    "shadow": "rgb(0 0 0 / 55%)",
}


def style_sheet() -> str:
    """The properties: dark where the reader's system is or the switch says so, else light."""
    light, dark = _properties(_LIGHT, dark=False), _properties(_DARK, dark=True)
    classes = "".join(
        f".c{n}{{--fill:var(--c{n}-fill);--stroke:var(--c{n}-line)}}\n"
        for n in range(len(CATEGORIES))
    )
    return (
        f"\n:root{{color-scheme:light;{light}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light])"
        f"{{color-scheme:dark;{dark}}}}}\n"
        f":root[data-theme=dark]{{color-scheme:dark;{dark}}}\n{classes}"
    )


def _properties(colours: dict[str, str], *, dark: bool) -> str:
    told = dict(colours)
    for number, category in enumerate(CATEGORIES):
        paint = at_night(PAINTS[category]) if dark else PAINTS[category]
        told[f"c{number}-fill"], told[f"c{number}-line"] = paint
    return ";".join(f"--{name}:{value}" for name, value in told.items())


def at_night(paint: Paint) -> Paint:
    """The same hue on a dark page: a shade that light text stands out from, and a bright border."""
    return Paint(_mixed(paint.line, _NIGHT, 0.42), _mixed(paint.line, "#ffffff", 0.62))


def _mixed(colour: str, other: str, share: float) -> str:
    """``share`` of a colour, the rest of another one."""
    pairs = ((int(colour[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)

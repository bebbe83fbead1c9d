"""The colours of the page, light and dark, as custom properties of its style sheet."""

from __future__ import annotations

from archdsl.viz.draw.themes import THEMES, Theme
from archdsl.viz.html.document import CATEGORIES

_DAY, _NIGHT = THEMES["paper"], THEMES["dark"]
_LIGHT = {
    "page": "#ffffff",
    "raised": "#ffffff",
    "sunken": "#f3f5f7",
    "rule": "#d5dae0",
    "text": _DAY.text,
    "quiet": _DAY.quiet,
    "line": "#6b7480",
    "accent": "#c2185b",
    "focus": "#0b57d0",
    "frame": _DAY.frames[0].fill,
    "frame-line": _DAY.frames[0].line,
    "inner-frame": _DAY.frames[1].fill,
    "shadow": "rgb(20 30 50 / 18%)",
}
_DARK = {
    "page": _NIGHT.paper,
    "raised": "#20252c",
    "sunken": "#1a1e24",
    "rule": "#39414b",
    "text": _NIGHT.text,
    "quiet": _NIGHT.quiet,
    "line": "#8b96a3",
    "accent": "#ff7eb0",
    "focus": "#8ab4ff",
    "frame": _NIGHT.frames[0].fill,
    "frame-line": _NIGHT.frames[0].line,
    "inner-frame": _NIGHT.frames[1].fill,
    "shadow": "rgb(0 0 0 / 55%)",
}


def style_sheet() -> str:
    """The properties: dark where the reader's system is or the switch says so, else light."""
    light, dark = _properties(_LIGHT, _DAY), _properties(_DARK, _NIGHT)
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


def _properties(colours: dict[str, str], theme: Theme) -> str:
    told = dict(colours)
    for number, category in enumerate(CATEGORIES):
        paint = theme.paints[category]
        told[f"c{number}-fill"], told[f"c{number}-line"] = paint.fill, paint.line
    return ";".join(f"--{name}:{value}" for name, value in told.items())

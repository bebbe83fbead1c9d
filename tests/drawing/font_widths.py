"""Writes archdsl/viz/draw/font_widths.py: how wide the characters of Arimo are.

    python tests/drawing/font_widths.py

FreeType measures them, through Pillow; the font comes with the wheel fontpkg-arimo.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from pathlib import Path

import fontpkg_arimo
from PIL import ImageFont

UNITS = 2048
"""Of the font, in an em: measured at this size, widths are whole numbers."""
BLOCKS = (
    (0x20, 0x17F),  # Latin
    (0x370, 0x3FF),  # Greek
    (0x400, 0x45F),  # Cyrillic
    (0x2010, 0x2044),  # punctuation
    (0x2070, 0x209F),  # superscripts and subscripts
    (0x20AC, 0x20AC),  # the euro
    (0x2190, 0x22FF),  # arrows and operators
    (0x25A0, 0x25FF),  # shapes
)
TARGET = Path(__file__).parents[2] / "archdsl/viz/draw/font_widths.py"


def font(bold: bool, size: int = UNITS) -> ImageFont.FreeTypeFont:
    """Arimo, regular or bold."""
    path = fontpkg_arimo.ROOT / "files" / "Arimo[wght].ttf"
    loaded = ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
    loaded.set_variation_by_axes([700 if bold else 400])
    return loaded


def widths(bold: bool) -> dict[int, str]:
    """The characters of each width."""
    face = font(bold)
    small = font(bold, 32)  # enough to see that a character has no picture
    missing = bytes(small.getmask("\U0010ffff"))
    found: dict[int, list[str]] = defaultdict(list)
    for first, last in BLOCKS:
        for character in map(chr, range(first, last + 1)):
            if not character.isprintable() or unicodedata.combining(character):
                continue
            if bytes(small.getmask(character)) != missing:
                found[round(face.getlength(character))].append(character)
    return {width: "".join(found[width]) for width in sorted(found)}


def module() -> str:
    """The text of the module."""
    lines = [
        '"""Widths of the characters of Arimo, in 2048ths of the font\'s size. Generated: see',
        'tests/drawing/font_widths.py."""',
        "",
    ]
    for name, bold in (("REGULAR", False), ("BOLD", True)):
        lines.append(f"{name} = {{")
        for width, characters in widths(bold).items():
            # Lines of a page's width, but no character is split from its escape.
            parts = [ascii(characters[n : n + 14]) for n in range(0, len(characters), 14)]
            lines.append(f"    {width}: ({' '.join(parts)}),")
        lines += ["}", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    TARGET.write_text(module(), encoding="utf-8")

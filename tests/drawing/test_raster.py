"""PNG and PDF from SVG, and the widths of words."""

import io
import shutil
import subprocess
import sys

import pypdf
import pytest
from font_widths import font, module
from PIL import Image

from archdsl import ArchError
from archdsl.viz.draw import font_widths as widths
from archdsl.viz.draw import raster
from archdsl.viz.draw.font_metrics import ASCENT, CAPITALS, DESCENT, known, width
from archdsl.viz.draw.raster import FONTS, pdf, png

WORDS = "3×3 conv, 64 → 112×112"


def svg(*parts: str, size: tuple[str, str] = ("400", "160"), fonts: str = FONTS) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size[0]}" height="{size[1]}" '
        f'viewBox="0 0 400 160" font-family="{fonts}" font-size="14">'
        f"<title>A &amp; B</title>{''.join(parts)}</svg>"
    )


def words(text: str, x: int, y: int, weight: str = "normal") -> str:
    return f'<text x="{x}" y="{y}" font-weight="{weight}">{text}</text>'


SQUARE = '<rect width="100" height="80" fill="#0072b2"/>'
PICTURE = svg(SQUARE, words(WORDS, 120, 40), words("bottleneck", 120, 80, "bold"))


def opened(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    assert picture.format == "PNG"
    return picture


def page(content: bytes) -> pypdf.PageObject:
    (only,) = pypdf.PdfReader(io.BytesIO(content)).pages
    return only


@pytest.mark.parametrize(
    ("size", "dpi", "pixels"),
    [
        (("400", "160"), 96, (400, 160)),
        (("400px", "160px"), 192, (800, 320)),
        (("400pt", "160pt"), 72, (400, 160)),
        (("400pt", "160pt"), 144, (800, 320)),
        (("5in", "2in"), 100, (500, 200)),
        (("127mm", "50.8mm"), 100, (500, 200)),
    ],
)
def test_a_png_has_so_many_pixels_to_the_inch(
    size: tuple[str, str], dpi: int, pixels: tuple[int, int]
) -> None:
    picture = opened(png(svg(SQUARE, size=size), dpi)).convert("RGB")
    assert picture.size == pixels
    inside, outside = (pixels[0] // 4 - 2, pixels[1] // 2 - 2), (pixels[0] // 4 + 2, 2)
    assert picture.getpixel(inside) == (0x00, 0x72, 0xB2)
    assert picture.getpixel(outside) != (0x00, 0x72, 0xB2)


@pytest.mark.parametrize("size", [("400", "160"), ("300pt", "120pt")])
def test_a_pdf_has_the_size_of_the_picture_and_its_text(size: tuple[str, str]) -> None:
    found = page(pdf(svg(words(WORDS, 20, 40), words("block", 20, 80, "bold"), size=size)))
    assert (found.mediabox.width, found.mediabox.height) == (300, 120)
    text = found.extract_text()
    assert WORDS in text and "block" in text
    fonts = {f.get_object()["/BaseFont"] for f in found["/Resources"]["/Font"].values()}
    assert fonts and all("Arimo" in name for name in fonts)


def test_the_title_is_that_of_the_file() -> None:
    reader = pypdf.PdfReader(io.BytesIO(pdf(PICTURE)))
    assert reader.metadata is not None
    assert reader.metadata.title == "A & B"


def test_a_picture_is_data() -> None:
    code = '#panic("no") #read("/etc/passwd") \\ $x$'
    text = page(pdf(svg(words(code, 20, 40)))).extract_text()
    assert code in text


def test_the_same_bytes_in_every_process() -> None:
    script = (
        "import sys, hashlib\nfrom archdsl.viz.draw.raster import pdf, png\n"
        "text = sys.stdin.read()\n"
        "print(*(hashlib.sha256(f(text)).hexdigest() for f in (png, pdf)))"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            input=PICTURE.encode(),
            capture_output=True,
            check=True,
        ).stdout
        for _ in range(2)
    }
    assert len(digests) == 1


def test_text_is_drawn_without_any_font_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(raster, "_foreign", lambda text: asked.append(text))
    dark = opened(png(PICTURE, 96)).convert("L").crop((110, 0, 400, 160))
    assert asked and dark.getextrema() == (0, 255)


def test_a_pdf_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(ArchError, match="PDF files need the package typst") as error:
        pdf(PICTURE)
    assert "pip install 'archdsl[pdf]'" in str(error.value)


FOREIGN = "مرحبا 😀 漢字"
"""Words that the machine's fonts have to draw: Arimo has none of their characters."""


def drawable(text: str) -> bool:
    """Whether fonts of the machine have characters, by what fontconfig tells of them."""
    if shutil.which("fc-list") is None:
        return False
    listed = (
        subprocess.run(["fc-list", f":charset={ord(c):x}"], capture_output=True, check=True).stdout
        for c in text
        if c != " "
    )
    return any(listed)


def darkest(text: str, fonts: str) -> float:
    return opened(png(svg(words(text, 20, 40), fonts=fonts), 96)).convert("L").getextrema()[0]


@pytest.mark.skipif(not drawable(FOREIGN), reason="no font of this machine draws these words")
def test_words_of_other_fonts_are_drawn_too() -> None:
    assert darkest(FOREIGN, FONTS) < 100


@pytest.mark.parametrize("generic", ["serif", "sans-serif", "monospace", "Nor This"])
def test_words_in_a_font_that_is_not_there_are_drawn_in_ours(generic: str) -> None:
    assert darkest("conv", f"No Such Font, {generic}") < 100


def test_a_picture_too_large_is_refused_with_what_fits() -> None:
    huge = svg(SQUARE, size=("20000pt", "5000pt"))
    with pytest.raises(ArchError, match="40,000×10,000 pixels is too large") as error:
        png(huge, 144)
    # 100 million pixels of 277.8×69.4 inches: 72 to the inch.
    assert "--dpi 72 fits" in str(error.value)
    with pytest.raises(ArchError, match="is too large") as error:
        png(svg(size=("9000000pt", "9000000pt")))
    assert ".pdf" in str(error.value)


def test_a_page_too_large_for_readers_is_made_smaller() -> None:
    found = page(pdf(svg(words(WORDS, 20, 40), size=("28800pt", "7200pt"))))
    assert (found.mediabox.width, found.mediabox.height) == (14400, 3600)
    assert WORDS in found.extract_text()


def test_what_is_no_svg_is_refused() -> None:
    with pytest.raises(ArchError, match="cannot be converted"):
        png(svg('<g transform="scale(0)"').replace("</svg>", ""))


# ---- the widths of words ----


@pytest.mark.parametrize("bold", [False, True])
def test_widths_are_those_of_the_font(bold: bool) -> None:
    face = font(bold)
    for text in ("Hello, world", "3×3 conv, 64, /2", "ÄÖÜß éàñ", "αβγ Σ", "Привет", "→≤∞…–"):
        assert known(text)
        assert width(text, 2048, bold=bold) == pytest.approx(face.getlength(text), abs=1)


def test_the_table_is_fresh() -> None:
    written: dict[str, object] = {}
    exec(module(), written)
    assert written["REGULAR"] == widths.REGULAR
    assert written["BOLD"] == widths.BOLD


def test_heights_are_those_of_the_font() -> None:
    face = font(bold=False, size=1000)
    top, bottom = face.getbbox("H")[1::2]
    measured = [*face.getmetrics(), bottom - top]
    assert measured == pytest.approx([1000 * h for h in (ASCENT, DESCENT, CAPITALS)], abs=2)


def test_words_are_drawn_as_wide_as_measured() -> None:
    text = "Xconvolution 3×3, stride 2X"
    ink = opened(png(svg(words(text, 20, 40)), 960)).convert("L").point(lambda v: 255 * (v < 128))
    box = ink.getbbox()
    assert box is not None
    # The ink of an X is all of its width but some hundredths.
    assert width(text, 14) - 0.8 < (box[2] - box[0]) / 10 < width(text, 14)


def test_other_characters_have_room() -> None:
    assert not known("漢")
    assert width("漢字", 10) >= 20
    assert width("e\u0301", 10) == width("e", 10)

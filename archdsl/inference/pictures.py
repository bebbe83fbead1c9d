"""Photographs as tensors, and what a detector found drawn on them."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy
import torch
from PIL import ExifTags, Image, ImageDraw, ImageFont, UnidentifiedImageError
from torch import Tensor

from archdsl.diagnostics import ArchError, fail
from archdsl.diagnostics.foreign import parsing

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FORMATS = ("JPEG", "PNG", "GIF", "WEBP")
SUFFIXES = (".gif", ".jpeg", ".jpg", ".png", ".webp")
"""Suffixes of files of photographs."""

_MOST_PIXELS = 2**30 // 24
"""Pixels of the largest picture that is read: a gigabyte, at four bytes in each of at most five
versions (as it is in the file, upright, on white, in RGB), and three of the array."""

COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
"""Okabe and Ito's, which colour-blind readers tell apart."""

_SMALLEST = 400
"""Pixels of the longer side below which a picture is enlarged, so that text fits on it."""

_TEXT_SHARE = 50  # a line of text takes this part of the longer side, and
_TEXT_PIXELS = 14  # no less than this
_MASK_OPACITY = 0.5

# COCO's skeleton: pairs of its 17 keypoints of a person, counted from 0.
_BONES = (
    (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (6, 8),
    (7, 9), (8, 10), (1, 2), (0, 1), (0, 2), (1, 3), (2, 4), (3, 5), (4, 6),
)  # fmt: skip
_PERSON = 17


# ---- reading ----


def read_picture(path: str | Path) -> Tensor:
    """A photograph's file as a tensor (3, height, width) of values from 0 to 1, in RGB.

    The file is JPEG, PNG, GIF or WebP; of moving pictures the first one counts. It stands upright,
    as its camera noted; transparent parts are white; grey, palette, CMYK and 16 bit pictures become
    RGB of 8 bits. A gigabyte at most is held at the same time.

    Raises ArchError where the file cannot be read, is no such picture, or has too many pixels.
    """
    pixels = _pixels(path)
    values = torch.empty(3, *pixels.shape[:2])
    return values.copy_(torch.from_numpy(pixels).permute(2, 0, 1)).div_(255)


def require_pictures(paths: Sequence[str | Path]) -> None:
    """Raises ArchError for the first of some files that :func:`read_picture` cannot read."""
    for path in paths:
        _pixels(path)


def _pixels(path: str | Path) -> NDArray[numpy.uint8]:
    """The pixels of a file (height, width, 3)."""
    with opened_picture(path, *_FORMATS) as picture:
        return numpy.array(_rgb(_upright(picture)))


@contextmanager
def opened_picture(path: str | Path, *formats: str) -> Iterator[Image.Image]:
    """Context manager that gives a picture whose pixels were not read yet.

    Raises ArchError where the file is none of some formats of Pillow's, is damaged, also where the
    code inside finds that, or has too many pixels.
    """
    with parsing(Path(path), "a picture"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of damage that Pillow can do without
        try:
            with Image.open(path, formats=formats) as opened:
                if opened.width * opened.height > _MOST_PIXELS:
                    raise _too_large(path)
                yield opened
        except Image.DecompressionBombError:
            raise _too_large(path) from None
        except UnidentifiedImageError:
            *others, last = formats
            expected = f"{', '.join(others)} or {last}" if others else last
            raise fail(
                f"{path} is not a picture that can be read", None, f"expected {expected}"
            ) from None


def _too_large(path: str | Path) -> ArchError:
    return fail(
        f"{path} is too large to be read",
        None,
        f"expected {_MOST_PIXELS // 10**6} million pixels at most",
        help="make the picture smaller; networks see far fewer pixels",
    )


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Transposition for each orientation in a file's EXIF data."""


def _upright(picture: Image.Image) -> Image.Image:
    # Pillow's own exif_transpose also writes the data anew, and fails where they are damaged.
    picture.load()
    orientation = picture.getexif().get(ExifTags.Base.Orientation)
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return picture if turn is None else picture.transpose(turn)


def _rgb(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits of grey
        values = numpy.asarray(picture).astype(numpy.float32) / 257
        picture = Image.fromarray(values.round().clip(0, 255).astype(numpy.uint8))
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Image.new("RGBA", layer.size, "white")
        picture.alpha_composite(layer)
    return picture.convert("RGB")


# ---- drawing ----


def annotated(
    picture: Tensor,
    detections: Mapping[str, Tensor],
    names: Sequence[str],
    *,
    threshold: float,
) -> bytes:
    """A picture (3, height, width), 0 to 1, with what was found on it, as a PNG file.

    ``detections`` are what torchvision's detectors return for an image: ``boxes`` (N, 4) as left,
    top, right, bottom in pixels, ``labels`` and ``scores`` (N), perhaps ``masks`` (N, 1, height,
    width), 0 to 1, and ``keypoints`` (N, K, 3), the last number being above 0 where one is seen.
    ``names`` holds a class's name at the place of its label. What scores less than ``threshold`` is
    left out, better things lie above worse ones, and small pictures are enlarged.
    """
    found = chosen(detections, threshold)
    pixels = (picture.detach().cpu().clamp(0, 1) * 255).round()
    for index, mask in _worst_first(found.get("masks")):
        colour = torch.tensor(rgb(COLOURS[index % len(COLOURS)])).float()[:, None]
        inside = mask[0] > 0.5
        pixels[:, inside] = (1 - _MASK_OPACITY) * pixels[:, inside] + _MASK_OPACITY * colour
    canvas = Image.fromarray(pixels.byte().permute(1, 2, 0).contiguous().numpy())
    scale = enlargement(canvas)
    if scale > 1:
        canvas = canvas.resize((canvas.width * scale, canvas.height * scale))
    draw = ImageDraw.Draw(canvas)
    thickness = max(3, max(canvas.size) // 300)
    boxes = [_on_canvas(box, scale, canvas) for box in found["boxes"].tolist()]
    for index in reversed(range(len(boxes))):
        _draw_box(draw, boxes[index], COLOURS[index % len(COLOURS)], thickness)
    for index, points in _worst_first(found.get("keypoints")):
        _draw_keypoints(draw, points, scale, COLOURS[index % len(COLOURS)], thickness)
    texts = [
        f"{name_of(label, names)} {score:.2f}"
        for label, score in zip(found["labels"].tolist(), found["scores"].tolist(), strict=True)
    ]
    _draw_labels(draw, boxes, texts, canvas)
    file = io.BytesIO()
    canvas.save(file, "PNG")
    return file.getvalue()


def captioned(picture: Tensor, lines: Sequence[str]) -> bytes:
    """A picture (3, height, width), 0 to 1, with lines of text below it, as a PNG file."""
    pixels = (picture.detach().cpu().clamp(0, 1) * 255).round().byte()
    image = Image.fromarray(pixels.permute(1, 2, 0).contiguous().numpy())
    scale = enlargement(image)
    image = image.resize((image.width * scale, image.height * scale))
    size = text_size(image)
    canvas = Image.new(
        "RGB", (image.width, image.height + size * (len(lines) * 3 + 1) // 2), "white"
    )
    canvas.paste(image, (0, 0))
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(size)
    for index, line in enumerate(lines):
        place = size // 2, image.height + size // 2 + index * size * 3 // 2
        draw.text(place, line, fill="black", font=font, anchor="lt")
    file = io.BytesIO()
    canvas.save(file, "PNG")
    return file.getvalue()


def enlargement(canvas: Image.Image) -> int:
    """Factor by which a small picture is enlarged, so that text fits on it."""
    return max(1, -(-_SMALLEST // max(canvas.size)))


def text_size(canvas: Image.Image) -> int:
    """The height of text on a picture, in pixels."""
    return max(_TEXT_PIXELS, max(canvas.size) // _TEXT_SHARE)


class _Box(NamedTuple):
    """A rectangle on the canvas, in pixels."""

    left: float
    top: float
    right: float
    bottom: float


def chosen(detections: Mapping[str, Tensor], threshold: float) -> dict[str, Tensor]:
    """Detections with a score of at least ``threshold`` and a finite box, the best first."""
    scores = detections["scores"].detach().cpu()
    finite = detections["boxes"].detach().cpu().isfinite().all(1)
    order = scores.argsort(descending=True, stable=True)
    order = order[(scores >= threshold)[order] & finite[order]]
    return {key: value.detach().cpu()[order] for key, value in detections.items()}


def _worst_first(values: Tensor | None) -> Iterator[tuple[int, Tensor]]:
    count = 0 if values is None else len(values)
    for index in reversed(range(count)):
        assert values is not None
        yield index, values[index]


def _on_canvas(box: Sequence[float], scale: int, canvas: Image.Image) -> _Box:
    """A box as far as it is on the canvas, its corners in order."""
    across = sorted(min(max(x * scale, 0), canvas.width - 1) for x in (box[0], box[2]))
    down = sorted(min(max(y * scale, 0), canvas.height - 1) for y in (box[1], box[3]))
    return _Box(across[0], down[0], across[1], down[1])


def name_of(label: int, names: Sequence[str]) -> str:
    """A label's name on one line, or ``class 7`` where it has none."""
    return " ".join(names[label].split()) if 0 <= label < len(names) else f"class {label}"


def rgb(colour: str) -> tuple[int, ...]:
    """Red, green and blue, 0 to 255, of ``#e69f00``."""
    return tuple(bytes.fromhex(colour[1:]))


def ink(ground: Sequence[int]) -> str:
    """Black or white, whichever has more contrast to a colour (WCAG 2, relative luminance)."""
    channels = [value / 255 for value in ground]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "black" if luminance > 0.179 else "white"


def _draw_box(draw: ImageDraw.ImageDraw, box: _Box, colour: str, thickness: int) -> None:
    """Lines with a black rim, to be seen on any ground."""
    rim = (box.left - 1, box.top - 1, box.right + 1, box.bottom + 1)
    draw.rectangle(rim, outline="black", width=thickness + 2)
    draw.rectangle(box, outline=colour, width=thickness)


def _draw_keypoints(
    draw: ImageDraw.ImageDraw, points: Tensor, scale: int, colour: str, thickness: int
) -> None:
    places = [
        (x * scale, y * scale) if seen > 0 and numpy.isfinite((x, y)).all() else None
        for x, y, seen in points.tolist()
    ]
    for start, end in _BONES if len(places) == _PERSON else ():
        first, second = places[start], places[end]
        if first is not None and second is not None:
            draw.line((first, second), fill="black", width=thickness + 4)
            draw.line((first, second), fill=colour, width=thickness)
    for place in places:
        if place is not None:
            draw.circle(place, 1.5 * thickness, fill=colour, outline="black")


def _draw_labels(
    draw: ImageDraw.ImageDraw, boxes: Sequence[_Box], texts: Sequence[str], canvas: Image.Image
) -> None:
    """A label at every box, where there is none of a better one if possible."""
    size = text_size(canvas)
    font = ImageFont.load_default(size)
    taken: set[tuple[int, int]] = set()
    places = []
    for box, text in zip(boxes, texts, strict=True):
        _, _, right, bottom = draw.textbbox((0, 0), text, font=font, anchor="lt")
        margin = bottom / 4
        width, height = right + 2 * margin, bottom + 2 * margin
        tries = [
            _inside(x, y, width, height, canvas)
            for x in (box.left, box.right - width)
            for y in (box.top - height, box.top, box.bottom - height, box.bottom)
        ]
        place = next((p for p in tries if not taken & _cells(p, size)), tries[0])
        taken |= _cells(place, size)
        places.append((place, (place.left + margin, place.top + margin)))
    for index in reversed(range(len(places))):
        place, corner = places[index]
        colour = COLOURS[index % len(COLOURS)]
        draw.rectangle(place, fill=colour)
        draw.text(corner, texts[index], fill=ink(rgb(colour)), font=font, anchor="lt")


def _inside(left: float, top: float, width: float, height: float, canvas: Image.Image) -> _Box:
    left = max(0, min(left, canvas.width - 1 - width))
    top = max(0, min(top, canvas.height - 1 - height))
    return _Box(left, top, left + width, top + height)


def _cells(place: _Box, text_size: float) -> set[tuple[int, int]]:
    """The cells of a grid, half a line of text apart, that a label covers."""
    step = text_size / 2
    columns = range(int(place.left // step), int(place.right // step) + 1)
    rows = range(int(place.top // step), int(place.bottom // step) + 1)
    return {(column, row) for column in columns for row in rows}

"""Segmentation drawn over its picture."""

from __future__ import annotations

import io
from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from archdsl.inference.pictures import COLOURS, enlargement, ink, name_of, rgb, text_size

_OPACITY = 0.6


def coloured(picture: Tensor, classes: Tensor, names: Sequence[str]) -> bytes:
    """A picture (3, height, width), 0 to 1, with each class in a colour, as a PNG file.

    ``classes`` (height, width) has the class of every pixel, ``names`` a class's name at its place.
    A class called ``background`` stays as it is. Below the picture stands a legend of the classes
    that are there, the largest first; a class has the same colour in every picture.
    """
    pixels = (picture.detach().cpu().clamp(0, 1) * 255).round()
    classes = classes.detach().cpu()
    present = [label for label, _ in areas(classes)]
    shown = [label for label in present if name_of(label, names).strip("_") != "background"]
    for label in shown:
        inside = classes == label
        colour = torch.tensor(_colour(label)).float()[:, None]
        pixels[:, inside] = (1 - _OPACITY) * pixels[:, inside] + _OPACITY * colour
    canvas = Image.fromarray(pixels.byte().permute(1, 2, 0).contiguous().numpy())
    scale = enlargement(canvas)
    canvas = canvas.resize((canvas.width * scale, canvas.height * scale), Image.Resampling.NEAREST)
    file = io.BytesIO()
    _with_legend(canvas, [(_colour(label), name_of(label, names)) for label in shown]).save(
        file, "PNG"
    )
    return file.getvalue()


def areas(classes: Tensor) -> list[tuple[int, int]]:
    """Every class that is there with its number of pixels, the largest first."""
    labels, counts = torch.unique(classes, return_counts=True)
    found = zip(labels.tolist(), counts.tolist(), strict=True)
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


def _colour(label: int) -> tuple[int, ...]:
    """A colour of the class's own: where they repeat they become darker, then lighter."""
    round_, index = divmod(label, len(COLOURS))
    colour = rgb(COLOURS[index])
    toward, share = ((0, 0.0), (0, 0.45), (255, 0.55))[round_ % 3]
    return tuple(round(c + share * (toward - c)) for c in colour)


def _with_legend(
    canvas: Image.Image, entries: Sequence[tuple[tuple[int, ...], str]]
) -> Image.Image:
    size = text_size(canvas)
    font = ImageFont.load_default(size)
    draw = ImageDraw.Draw(canvas)
    line, margin = round(1.6 * size), size // 2
    places: list[tuple[int, int, int]] = []  # of each entry: left, line, right
    left = row = 0
    for _, name in entries:
        width = round(draw.textlength(name, font=font)) + 2 * margin
        if left and left + width > canvas.width:
            left, row = 0, row + 1
        places.append((left, row, left + width))
        left += width
    if not entries:
        return canvas
    whole = Image.new("RGB", (canvas.width, canvas.height + (row + 1) * line), "white")
    whole.paste(canvas, (0, 0))
    draw = ImageDraw.Draw(whole)
    for (colour, name), (start, number, end) in zip(entries, places, strict=True):
        top = canvas.height + number * line
        draw.rectangle((start, top, end - 1, top + line - 1), fill=colour)
        draw.text((start + margin, top + line / 2), name, fill=ink(colour), font=font, anchor="lm")
    return whole

"""Boxes in pictures as dlib's imglab writes them (dlib data_io/image_dataset_metadata.h)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

from archdsl.diagnostics import fail
from archdsl.diagnostics.foreign import DAMAGED, parsing
from archdsl.training.marked import Marked, Objects

UNNAMED = "object"
"""The class of boxes without a label."""


def read(path: Path) -> Objects:
    """The pictures and boxes of a file; raises ArchError with the line for others."""
    with parsing(path, "an XML file of imglab's boxes"):
        reader = _Reader(path)
        with path.open("rb") as file:
            reader.read(file)
        return reader.objects()


class _Reader:
    """Reads element by element; a file that declares entities is refused."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.EntityDeclHandler = self._declared
        self._inside: list[str] = []
        self._label = ""
        self._box: dict[str, str] | None = None
        self._found: list[tuple[str, list[tuple[tuple[float, ...], str, bool]]]] = []

    def read(self, file: Any) -> None:
        try:
            self._parser.ParseFile(file)
        except expat.ExpatError as error:
            self._wrong(error.lineno, expat.ErrorString(error.code))
        if not self._found:
            self._wrong(1, "expected dataset, images and image, as imglab writes them")

    def objects(self) -> Objects:
        """The pictures that were read, with the classes in the order of their names."""
        names = sorted({label for _, boxes in self._found for _, label, ignored in boxes
                        if not ignored})  # fmt: skip
        places = {name: place for place, name in enumerate(names)}
        marked = [
            (
                file,
                # What is ignored may be of any class.
                [Marked(box, places.get(label, 0), None, ignored) for box, label, ignored in boxes],  # type: ignore[arg-type]
            )
            for file, boxes in self._found
        ]
        return Objects(marked, tuple(names))

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._inside.append(name)
        if self._inside == ["dataset", "images", "image"]:
            if "file" not in attributes:
                self._wrong(self._parser.CurrentLineNumber, "an image has no file")
            self._found.append((attributes["file"], []))
        elif self._inside == ["dataset", "images", "image", "box"]:
            self._box, self._label = attributes, ""

    def _characters(self, text: str) -> None:
        if self._box is not None and self._inside[-1] == "label":
            self._label += text

    def _end(self, name: str) -> None:
        if self._inside == ["dataset", "images", "image", "box"] and self._box is not None:
            box, self._box = self._box, None
            left, top, width, height = (
                self._number(box, side) for side in ("left", "top", "width", "height")
            )
            if width > 0 and height > 0:
                corners = (left, top, left + width, top + height)
                ignored = box.get("ignore", "0") not in ("0", "false")
                self._found[-1][1].append((corners, self._label.strip() or UNNAMED, ignored))
        self._inside.pop()

    def _number(self, box: dict[str, str], name: str) -> int:
        text = box.get(name, "")
        sign, digits = text[:1] == "-", text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 9:
            line = self._parser.CurrentLineNumber
            self._wrong(line, f"a box has the {name} {text!r}: expected whole pixels")
        return -int(digits) if sign else int(digits)

    def _declared(self, *_: Any) -> NoReturn:
        self._wrong(self._parser.CurrentLineNumber, "it declares entities")

    def _wrong(self, line: int, reason: str) -> NoReturn:
        raise fail(f"{self._path}:{line}: no XML of imglab's boxes", None, reason, code=DAMAGED)

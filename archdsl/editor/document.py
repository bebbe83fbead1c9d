"""An open text: its version, the compiler's result, and the last result without errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types

from archdsl.diagnostics.source import Source
from archdsl.editor.facts import ExpandedName
from archdsl.editor.files import File, Files, View
from archdsl.editor.positions import Moved
from archdsl.editor.stages import Checked, Checker

LIVE_CHARACTERS = 100_000
"""Longer texts are not read at every keystroke: that would take longer than typing."""
MOST_CHARACTERS = 2**20
"""Longer texts count as empty."""


@dataclass(frozen=True)
class Reading:
    """A version of a long text that was read and checked while others were typed."""

    file: File
    checked: Checked


class Document:
    """A text that an editor has open; ``path`` is ``None`` until it has been saved once."""

    def __init__(self, files: Files, uri: str, path: Path | None, text: str) -> None:
        self.uri = uri
        self.path = path
        self._files = files
        self._checker = Checker(files)
        self._checked: Checked | None = None
        self._good: Checked | None = None
        self._moved: Moved | None = None
        self._newest: File | None = None
        self.change(text)

    def change(self, text: str) -> None:
        """Take another version of the text.

        One of more than ``LIVE_CHARACTERS`` stands as it was when last read: see :meth:`read`.
        Before it was read, and if it is longer than ``MOST_CHARACTERS``, it counts as empty.
        """
        before = self._newest
        self._large = len(text) if len(text) > LIVE_CHARACTERS else None
        self._newest = None
        if self.path is not None:
            self._files.opened(self.path, self.uri, text)
        if before is not None and self._large is None:
            self._checker = Checker(self._files)  # a thread may be using the other one
        if self._large is None:
            self._file = self._version(text)
        elif self._large > MOST_CHARACTERS:
            self._file = self._version("")
        else:
            self._newest = self._version(text)
            if before is None:
                self._file, self._checked = self._version(""), None
            self._moved = None
            return
        self.recheck()

    def _version(self, text: str) -> File:
        if self.path is not None and self._large is None:
            return self._files.file(self.path)
        name = "untitled" if self.path is None else self.path.name
        root = None if self.path is None else self.path.parent
        return File(Source(name, text, self.path, root), self._files.encoding, self.uri)

    @property
    def behind(self) -> bool:
        """True if a later version of a long text waits for being read."""
        return self._newest is not None and self._newest is not self._file

    def read(self) -> Reading:
        """Read and check the newest version of a long text; this may be done in another thread."""
        file = self._newest or self._file
        checked = self._checker.check(file)
        _ = file.outline, file.places, checked.facts
        return Reading(file, checked)

    def take(self, reading: Reading) -> None:
        """Answer from what was read from now on, unless the text is another one entirely."""
        if self._newest is None:
            return
        self._file, self._checked, self._moved = reading.file, reading.checked, None
        if reading.checked.network is not None:
            self._good = reading.checked

    def settle(self) -> None:
        """Let a long text stand as it is now, unchecked; what edits it has to know it all."""
        if self._newest is not None and self.behind:
            self._file, self._moved = self._newest, None

    def offset(self, position: types.Position) -> int:
        """The character of the text that stands for a position in the newest version."""
        if self._newest is None or not self.behind:
            return self._file.places.offset(position)
        offset = self._newest.places.offset(position)
        return Moved(self._file.text, self._newest.text).nearest(offset)

    def recheck(self) -> None:
        """Forget what was found: the text, or one that it includes, has changed."""
        if self._newest is not None:
            self._newest = self._version(self._newest.text)
        else:
            self._checked = self._moved = None

    @property
    def excess(self) -> str | None:
        """Layers or characters, if there are too many to be checked while someone types."""
        if self._large is not None and self._large > MOST_CHARACTERS:
            return f"{self._large:,} characters"
        layers = self.checked.oversized
        return None if layers is None else f"{layers:,} layers"

    @property
    def file(self) -> File:
        return self._file

    @property
    def text(self) -> str:
        return self._file.text

    @property
    def view(self) -> View:
        """The text with its includes as they are now."""
        return View(self._file, self._files)

    @property
    def checked(self) -> Checked:
        """Result of checking the text as it stands."""
        if self._checked is None and self._newest is not None:
            return Checked(self._file, {self._file.source: 0}, ())
        if self._checked is None:
            self._checked = self._checker.check(self._file)
            if self._checked.network is not None:
                self._good = self._checked
        return self._checked

    @property
    def last_good(self) -> Checked | None:
        """The last result without errors; it may be of an older text."""
        return self._good

    @property
    def is_good(self) -> bool:
        """True if the last result without errors is of the text as it stands."""
        return not self.behind and self._good is not None and self._checked is self._good

    def made_at(self, offset: int) -> list[ExpandedName]:
        """Layers made of the name that starts at an offset, in the last network without errors."""
        _ = self.checked
        before = self._moves().old(offset)
        if self._good is None or before is None:
            return []
        return self._good.facts.get(before, [])

    def made(self) -> Iterator[tuple[int, list[ExpandedName]]]:
        """Layers made of every name, by the current offsets of the names."""
        _ = self.checked
        moves = self._moves()
        for offset, made in self._good.facts.items() if self._good is not None else ():
            now = moves.new(offset)
            if now is not None:
                yield now, made

    def _moves(self) -> Moved:
        if self._moved is None:
            old = self.text if self._good is None else self._good.file.text
            self._moved = Moved(old, self.text)
        return self._moved

"""An open text: its version, the compiler's result, and the last result without errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from archdsl.diagnostics.source import Source
from archdsl.editor.facts import ExpandedName
from archdsl.editor.files import File, Files, View
from archdsl.editor.positions import Moved
from archdsl.editor.stages import Checked, Checker

LIVE_CHARACTERS = 100_000
"""Longer texts are not read at every keystroke: that would take longer than typing."""


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
        self.change(text)

    def change(self, text: str) -> None:
        """Take another version of the text.

        One of more than ``LIVE_CHARACTERS`` counts as empty, so that every answer comes at once.
        """
        self._large = len(text) if len(text) > LIVE_CHARACTERS else None
        if self._large is not None:
            name = "untitled" if self.path is None else self.path.name
            self._file = File(Source(name, "", self.path), self._files.encoding, self.uri)
        elif self.path is None:
            self._file = File(Source("untitled", text), self._files.encoding, self.uri)
        else:
            self._files.opened(self.path, self.uri, text)
            self._file = self._files.file(self.path)
        self.recheck()

    def recheck(self) -> None:
        """Forget what was found: the text, or one that it includes, has changed."""
        self._checked = self._moved = None

    @property
    def excess(self) -> str | None:
        """Layers or characters, if there are too many to be checked while someone types."""
        if self._large is not None:
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
        """Result of checking the current version of the text."""
        if self._checked is None:
            self._checked = self._checker.check(self._file)
            if self._checked.network is not None:
                self._good = self._checked
        return self._checked

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

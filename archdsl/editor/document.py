"""An open text: its version, the compiler's result, and the last result without errors."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from pathlib import Path

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
    """A version of a text with all that was found in it."""

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
        if before is not None and self._large is None:
            self._checker = Checker(self._files)  # a thread may be using the other one
        if self._large is None:
            self._stand(self._version(text))
        elif self._large > MOST_CHARACTERS:
            self._stand(self._version(""))
        else:
            self._newest = self._version(text)
            if before is None:
                self._stand(self._version(""))
                self._checked = None
            self._file.newest = self._newest
            return
        self.recheck()

    def _version(self, text: str) -> File:
        name = "untitled" if self.path is None else self.path.name
        root = None if self.path is None else self.path.parent
        source = Source(name, text, self.path, root)
        return File(source, self._files.encoding, self.uri, opened=True)

    def _stand(self, file: File) -> None:
        """Answer from a version of the text."""
        self._file, self._moved = file, None
        file.newest = self.newest
        if self.path is not None:
            self._files.opened(self.path, file)

    @property
    def newest(self) -> File:
        """The newest version of the text, which a long one may wait for being read."""
        return self._newest or self._file

    @property
    def long(self) -> bool:
        """True if it is read in a thread."""
        return self._newest is not None

    @property
    def behind(self) -> bool:
        """True if a later version of a long text waits for being read."""
        return self.newest is not self._file

    def read(self) -> Reading:
        """Read and check the newest version of a long text; this may be done in another thread."""
        file = self.newest
        checked = self._checker.check(file)
        # Whatever goes by the length of the text is found now: requests look it up.
        _ = file.outline.named, file.places, checked.first_of_lines
        return Reading(file, checked)

    def take(self, reading: Reading) -> None:
        """Answer from what was read from now on, unless the text is another one entirely."""
        if self._newest is None:
            return
        self._checked = reading.checked
        self._stand(reading.file)
        if reading.checked.network is not None:
            self._good = reading.checked

    def recheck(self) -> None:
        """Forget what was found: the text, or one that it includes, has changed."""
        if self._newest is not None:
            self._newest = self._file.newest = self._version(self._newest.text)
        else:
            self._checked = self._moved = None

    def excess(self, checked: Checked) -> str | None:
        """Layers or characters, if there are too many to be checked while someone types."""
        if self._large is not None and self._large > MOST_CHARACTERS:
            return f"{self._large:,} characters"
        layers = checked.oversized
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
        return self.view_of(self._file)

    def view_of(self, file: File) -> View:
        """A version of the text with its includes."""
        return View(file, self._files)

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

    def made_between(self, start: int, end: int) -> Iterator[tuple[int, list[ExpandedName]]]:
        """Layers made of the first name of each line between two offsets."""
        _ = self.checked
        if self._good is None:
            return
        moves, firsts = self._moves(), self._good.first_of_lines
        begin = bisect_left(firsts, moves.nearest(start), key=itemgetter(0))
        for offset, made in islice(firsts, begin, None):
            now = moves.new(offset)
            if now is not None and now > end:
                return
            if now is not None and now >= start:
                yield now, made

    def _moves(self) -> Moved:
        if self._moved is None:
            old = self.text if self._good is None else self._good.file.text
            self._moved = Moved(old, self.text)
        return self._moved

"""Reader of dlib's serialized networks, by dlib/dnn/core.h.

A file is nested as the type is: the versions of all wrappers come first, from the outermost to the
innermost, then the input, then the records of the layers from the inside out. Versions are small
integers. A layer that computes has version 2 (1 in files from before 2017), right at the input 3
(or 2); a tag, a skip and a ``repeat`` have 1, and nothing says which of them it is. What lies at
the end of a run of versions decides: an input, or, in a block of a ``repeat``, a layer's record.
Where that is a record although no ``repeat`` is open yet, one of the ones before opened it, and all
are tried. Every place is read once; a budget bounds the work on files that mean harm.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from archdsl.diagnostics import ArchError, fail
from archdsl.dlib import stream
from archdsl.dlib.kinds import InputKind, Kind, LossKind, Record, by_version
from archdsl.dlib.stream import ByteReader, MisreadError
from archdsl.dlib.tree import Chain, InputTag, LayerNode, Node, Repeated, Saved, Wrapper
from archdsl.ir.trampoline import Task, run
from archdsl.text.input import read_whole

_BUDGET = 100_000
"""Layers that are read at most, in all attempts together."""

_VERSIONS_PER_LAYER = 16
"""Share of the budget that versions cost: as many as this count as one layer."""

_DEEPEST = 100_000
_LONGEST_VERSION = 64
_OVER_INPUT = (2, 3)
_LABELS = stream.vector(stream.TEXT)


class _Parse(NamedTuple):
    """A chain that was read, and the offset of its end."""

    chain: Chain
    end: int


class _Run(NamedTuple):
    """Versions one behind the other: their offsets, values, and where the last one ends."""

    offsets: tuple[int, ...]
    versions: tuple[int, ...]
    end: int


def read(path: Path) -> Saved:
    """The network in a file that dlib's ``serialize()`` wrote.

    Raises ArchError where it cannot be read, and, with the offset, what was expected and what was
    found, where it is no network of dlib.
    """
    return parse(read_whole(path), str(path))


def parse(content: bytes, source: str) -> Saved:
    """:func:`read` for bytes."""
    newer = _DatReader(content, old=False)
    attempt = newer.saved(source)
    if attempt is None:
        older = _DatReader(content, old=True)
        attempt = older.saved(source)
    if attempt is None:
        raise _misread(source, newer, older)
    return attempt


class _DatReader:
    """One attempt at a file. ``old``: a version of 1 may also be a layer that computes."""

    def __init__(self, content: bytes, *, old: bool) -> None:
        self.content, self.old = content, old
        self.furthest = MisreadError(-1, "", "")
        self.budget = _BUDGET
        self.exhausted = False
        self._chains: dict[tuple[int, bool], list[_Parse]] = {}
        self._wrappers_certain = True

    def saved(self, source: str) -> Saved | None:
        """The file, ``None`` where it cannot be read; then ``furthest`` says why."""
        try:
            loss, start = self._loss()
        except MisreadError as error:
            self.furthest = error
            return None
        parses = run(self._net(start, repeated=False))
        if not parses:
            return None
        chain, end = parses[0]
        if not self.old and self._record_ahead(end):
            return None  # the record of a layer that has been taken for a tag
        behind = len(self.content) - end
        certain = not self.old or self._wrappers_certain
        return Saved(source, loss, chain, behind, self._labels(end), certain)

    def _loss(self) -> tuple[Record | None, int]:
        cursor = ByteReader(self.content)
        cursor.integer("a network of dlib")
        if not self._text_ahead(cursor.at, b"l"):
            return None, 0
        cursor = ByteReader(self.content)
        cursor.version(1, of="a loss layer")
        return self._record(cursor, LossKind, "a loss"), cursor.at

    def _labels(self, start: int) -> tuple[str, ...]:
        cursor = ByteReader(self.content, start)
        try:
            labels: tuple[str, ...] = _LABELS.read(cursor)
        except MisreadError:
            return ()
        return labels if not cursor.left() else ()

    # ---- a chain of layers ----

    def _net(self, start: int, *, repeated: bool) -> Task[list[_Parse]]:
        """All ways to read a chain that starts here; in a ``repeat`` it has no input."""
        key = start, repeated
        if key not in self._chains:
            self._chains[key] = []  # what contains itself has no reading
            self._chains[key] = yield self._chain(start, repeated)
        return self._chains[key]

    def _chain(self, start: int, repeated: bool) -> Task[list[_Parse]]:
        found: list[_Parse] = []
        if self.exhausted:
            return found
        versions = self._versions(start)
        self._spend(1 + len(versions.versions) // _VERSIONS_PER_LAYER)
        if not versions.versions or versions.end >= len(self.content):
            return found
        at_input = self._text_ahead(versions.end, b"i")
        if at_input != repeated:
            found += self._closed(versions, len(versions.versions) - 1, repeated)
        if at_input or found:
            return found
        for opener in range(len(versions.versions) - 2, -1, -1):
            if versions.versions[opener] == 1 and not self.exhausted:
                found += yield self._around_repeat(versions, opener, repeated)
                if found:
                    break
        return found

    def _versions(self, start: int) -> _Run:
        cursor = ByteReader(self.content, start)
        offsets: list[int] = []
        versions: list[int] = []
        while len(offsets) < _DEEPEST:
            before = cursor.at
            try:
                value = cursor.integer("the version of a layer")
            except MisreadError as error:
                self._note(error)
                break
            # A string's length is larger, but the count of a repeat may be anything.
            if not 1 <= value <= 3 and (value < 1 or self._letter(cursor.at)):
                cursor.at = before
                break
            offsets.append(before)
            versions.append(value)
        return _Run(tuple(offsets), tuple(versions), cursor.at)

    def _closed(self, found: _Run, last: int, repeated: bool) -> list[_Parse]:
        """A chain without ``repeat``: the versions are all wrappers, and their records follow."""
        # Below a tag in a block comes a tensor at once: its version and sizes look like versions.
        bottoms = range(last, max(-1, last - 6), -1) if repeated else [last]
        for bottom in bottoms:
            cursor = ByteReader(self.content, found.offsets[bottom])
            try:
                nodes, entry = self._bottom(cursor, repeated)
                self._pending(cursor, found, bottom, nodes)
            except MisreadError as error:
                self._note(error)
                continue
            return [_Parse(Chain(tuple(nodes), entry), cursor.at)]
        return []

    def _around_repeat(self, found: _Run, opener: int, repeated: bool) -> Task[list[_Parse]]:
        """A chain in which one version opens a ``repeat``: count, blocks, and what is below."""
        self._spend(1)
        count = found.versions[opener + 1]
        start = found.offsets[opener + 2] if opener + 2 < len(found.offsets) else found.end
        ends: list[tuple[tuple[Chain, ...], int]] = [((), start)]
        for _ in range(count):
            longer = []
            for blocks, end in ends:
                for parse in (yield self._net(end, repeated=True)):
                    if not blocks or _alike(blocks[0], parse.chain):
                        longer.append(((*blocks, parse.chain), parse.end))
            ends = longer
            if not ends:
                return []
        parses: list[_Parse] = []
        for blocks, end in ends:
            for below in (yield self._net(end, repeated=repeated)):
                nodes = [*below.chain.nodes, Repeated(blocks, found.offsets[opener])]
                cursor = ByteReader(self.content, below.end)
                try:
                    self._pending(cursor, found, opener, nodes)
                except MisreadError as error:
                    self._note(error)
                    continue
                parses.append(_Parse(Chain(tuple(nodes), below.chain.input), cursor.at))
        return parses

    def _bottom(self, cursor: ByteReader, repeated: bool) -> tuple[list[Node], Record | None]:
        """The layer at the input."""
        version = cursor.version(1, *_OVER_INPUT, of="a layer")
        entry = None if repeated else self._record(cursor, InputKind, "an input")
        if version == 1 or not self._letter(cursor.at + 2):
            scratch = cursor.tensor(), cursor.tensor()
            stale = cursor.flag()
            expansion = cursor.integer() if version >= 2 else 1
            return [InputTag(version, stale, scratch, expansion)], entry
        record = self._record(cursor, Kind, "a layer")
        flags = cursor.flag(), cursor.flag(), cursor.flag()
        tensors = cursor.tensor(), cursor.tensor(), cursor.tensor()
        expansion = cursor.integer() if version == 3 else 1
        return [LayerNode(record, version, *flags, tensors, expansion)], entry

    def _pending(self, cursor: ByteReader, found: _Run, below: int, nodes: list[Node]) -> None:
        """The layers whose versions stand before ``below``: the innermost one's record is next."""
        for index in range(below - 1, -1, -1):
            version, at = found.versions[index], found.offsets[index]
            if version == 2 or (version == 1 and self.old and self._letter(cursor.at + 2)):
                record = self._record(cursor, Kind, "a layer")
                flags = cursor.flag(), cursor.flag(), cursor.flag()
                tensors = [cursor.tensor(), cursor.tensor()]
                if version == 2:
                    tensors.append(cursor.tensor())
                nodes.append(LayerNode(record, version, *flags, tuple(tensors)))
            elif version == 1:
                self._wrappers_certain = False
                nodes.append(Wrapper(at))
            else:
                raise MisreadError(at, "version 1 or 2 of a layer", f"version {version}")

    # ---- records ----

    def _record(self, cursor: ByteReader, family: type[Kind], what: str) -> Record:
        self._spend(1)
        if self.exhausted:
            raise MisreadError(-1, "", "")
        start = cursor.at
        length = cursor.count(f"the name of {what}")
        if length > _LONGEST_VERSION:
            raise MisreadError(start, f"the name of {what}", f"a string of {length:,} bytes")
        name = cursor.take(length, f"the name of {what}").decode("latin-1")
        known = by_version(name)
        other = family is Kind and isinstance(known, (InputKind, LossKind))
        if known is None or not isinstance(known, family) or other:
            raise MisreadError(start, f"the name of {what}", repr(name))
        return Record(known, name, known.read(cursor, name), start)

    def _record_ahead(self, at: int) -> bool:
        cursor = ByteReader(self.content, at)
        try:
            return by_version(cursor.text()) is not None
        except MisreadError:
            return False

    def _text_ahead(self, at: int, first: bytes) -> bool:
        """True if a string that starts with ``first`` stands at this offset."""
        return self.content[at + 2 : at + 3] == first and self.content[at : at + 1] == b"\x01"

    def _letter(self, at: int) -> bool:
        return self.content[at : at + 1].isalpha()

    def _spend(self, steps: int) -> None:
        self.budget -= steps
        self.exhausted = self.budget < 0

    def _note(self, error: MisreadError) -> None:
        if error.offset > self.furthest.offset:
            self.furthest = error


def _alike(first: Chain, other: Chain) -> bool:
    """True if two blocks can be of one C++ type: equal classes and versions."""
    if len(first.nodes) != len(other.nodes):
        return False
    pairs = zip(first.nodes, other.nodes, strict=True)
    return all(
        type(a) is type(b)
        and (not isinstance(a, LayerNode) or a.record.version == b.record.version)  # type: ignore[union-attr]
        for a, b in pairs
    )


def _misread(source: str, newer: _DatReader, older: _DatReader) -> ArchError:
    if newer.exhausted or older.exhausted:
        return fail(
            f"{source} is too ambiguous to be read",
            None,
            f"gave up after {_BUDGET:,} layers in all attempts to find its blocks",
        )
    error = max(newer.furthest, older.furthest, key=lambda each: each.offset)
    return fail(
        f"{source} is no network of dlib that can be read",
        None,
        f"at byte {error.offset:,} expected {error.expected}, found {error.found}",
        help="expected what dlib's serialize() writes; the file may be cut off or damaged",
    )

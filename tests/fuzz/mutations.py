"""Damage to a file: its bytes, its words, its values in JSON or its members in a zip archive.

Each mutation takes a source of random numbers and the content, and gives another content. ``other``
is a second file of the corpus, for parts that belong elsewhere.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

Mutation = Callable[[Random, bytes, bytes], bytes]

_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, -1)
_WIDTHS = {1: "<B", 2: "<H", 4: "<I", 8: "<Q"}
_LONGEST = 2_000_000


def some_bytes(random: Random, content: bytes, other: bytes) -> bytes:
    """One to four changes of bytes, mostly near the front, where the structure of a file is."""
    found = bytearray(content)
    for _ in range(random.randint(1, 4)):
        at = _place(random, len(found))
        _BYTE_CHANGES[random.randrange(len(_BYTE_CHANGES))](random, found, at, other)
    return bytes(found[:_LONGEST])


def _place(random: Random, size: int) -> int:
    return random.randrange(max(1, min(size, random.choice((64, 400, size)))))


def _flip(random: Random, found: bytearray, at: int, _: bytes) -> None:
    if at < len(found):
        found[at] ^= 1 << random.randrange(8)


def _set(random: Random, found: bytearray, at: int, _: bytes) -> None:
    found[at : at + 1] = bytes([random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))])


def _number(random: Random, found: bytearray, at: int, _: bytes) -> None:
    width, form = random.choice(list(_WIDTHS.items()))
    value = random.choice(_NUMBERS) % 256**width
    packed = struct.pack(form, value)
    found[at : at + width] = packed if random.random() < 0.5 else packed[::-1]


def _cut(random: Random, found: bytearray, at: int, _: bytes) -> None:
    del found[at : at + random.choice((1, 2, 4, 8, 100))]


def _insert(random: Random, found: bytearray, at: int, _: bytes) -> None:
    found[at:at] = bytes([random.randrange(256)]) * random.choice((1, 2, 4, 300))


def _double(random: Random, found: bytearray, at: int, _: bytes) -> None:
    found[at:at] = found[at : at + random.choice((1, 8, 64, 1000))]


def _end(random: Random, found: bytearray, at: int, _: bytes) -> None:
    del found[random.choice((at, len(found) - at)) :]


def _graft(random: Random, found: bytearray, at: int, other: bytes) -> None:
    start = _place(random, len(other))
    found[at:] = other[start:]


_BYTE_CHANGES = (_flip, _flip, _set, _set, _number, _number, _cut, _insert, _double, _end, _graft)


TOKEN = re.compile(r"//[^\n]*|[\w.]+|\s+|[^\w\s]")
"""Words, spaces, comments to the end of a line, and signs."""
_EDGES = (
    "0", "1", "-1", "2", "7", "1e9", "1e999", "nan", "inf", "2147483648", "9223372036854775807",
    "9223372036854775808", "99999999999999999999999", "0.5", "-0.0", "1e-320", "0x7f", "٣", "1_000",
)  # fmt: skip
_ODD = (*"<>()[]{},;:=\"'/\\#%&|.*+-!?\n\t \x00\x1b\u202eé", "/*", "*/", "//", "::", ">>", "...")


def words(*more: str) -> Mutation:
    """Changes of one to four words or signs of a text; ``more`` are words of its language."""

    def mutate(random: Random, content: bytes, other: bytes) -> bytes:
        parts = TOKEN.findall(content.decode("utf-8", "replace"))
        for _ in range(random.randint(1, 4)):
            if parts:
                _change_words(random, parts, more, other)
        return "".join(parts).encode()[:_LONGEST]

    return mutate


def _change_words(random: Random, parts: list[str], more: Sequence[str], other: bytes) -> None:
    at = random.randrange(len(parts))
    action = random.randrange(8)
    if action == 0:
        del parts[at : at + random.randint(1, 4)]
    elif action == 1:
        parts[at:at] = parts[at : at + random.randint(1, 12)]
    elif action == 2:
        numbers = [place for place, part in enumerate(parts) if part[:1].isdecimal()]
        parts[random.choice(numbers) if numbers else at] = random.choice(_EDGES)
    elif action in (3, 4):
        change_word(random, parts, at, (*_ODD, *more, *_EDGES))
    elif action == 5:
        place = random.randrange(len(parts))
        parts[at], parts[place] = parts[place], parts[at]
    elif action == 6:
        del parts[at:]
    else:
        theirs = TOKEN.findall(other.decode("utf-8", "replace"))
        start = random.randrange(max(1, len(theirs)))
        parts[at:at] = theirs[start : start + random.randint(1, 12)]


def change_word(random: Random, parts: list[str], at: int, words: Sequence[str]) -> None:
    """One change at a place: a word put there, before it, or none; or the next one before it."""
    action = random.randrange(4)
    if action == 0:
        parts[at] = ""
    elif action == 1:
        parts[at] = random.choice(words)
    elif action == 2:
        parts.insert(at, random.choice(words) + " ")
    else:
        following = (place for place in range(at + 1, len(parts)) if parts[place].strip())
        place = next(following, at)
        parts[at], parts[place] = parts[place], parts[at]


def heap(*more: str) -> Mutation:
    """Words and signs in any order, with nothing of the file."""

    def mutate(random: Random, content: bytes, other: bytes) -> bytes:
        known = (*_ODD, *more, *_EDGES)
        found = random.choices(known, k=random.randint(0, 25))
        return random.choice((" ", "")).join(found).encode()

    return mutate


_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3.5, 1e300, float("nan"), float("inf"), 2**31, 2**63, 10**30,
    "", "x", "\x1b[31m", "\ud800", "None", [], [[]], [None], [1, 2], [-1, -1], ["a"], {}, {"a": 1},
)  # fmt: skip


def json_values(random: Random, content: bytes, other: bytes) -> bytes:
    """One to three values of a JSON text replaced, removed, doubled or exchanged."""
    try:
        document = json.loads(content)
    except ValueError:
        return some_bytes(random, content, other)
    for _ in range(random.randint(1, 3)):
        _change_value(random, document, other)
    try:
        return json.dumps(document).encode()
    except (ValueError, RecursionError):
        return content


def _change_value(random: Random, document: Any, other: bytes) -> None:
    places = list(_places(document))
    if not places:
        return
    holder, key = random.choice(places)
    action = random.randrange(5)
    if action < 2:
        holder[key] = random.choice(_VALUES)
    elif action == 2:
        del holder[key]
    elif action == 3:
        there, at = random.choice(places)
        # A copy: what holds itself could not be written.
        holder[key] = json.loads(json.dumps(there[at])) if at in _keys(there) else None
    elif isinstance(holder, list):
        holder.insert(key, json.loads(json.dumps(holder[key])))
    else:
        holder[random.choice(("", "x", str(key) * 2))] = holder.pop(key)


def _keys(holder: Any) -> Sequence[Any]:
    return list(holder) if isinstance(holder, dict) else range(len(holder))


def _places(document: Any) -> Any:
    waiting = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (dict, list)):
            for key in _keys(part):
                yield part, key
                waiting.append(part[key])


def members(inner: Mutation) -> Mutation:
    """A member of a zip archive changed by another mutation, and packed again with a right sum."""

    def mutate(random: Random, content: bytes, other: bytes) -> bytes:
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                parts = [(info.filename, archive.read(info)) for info in archive.infolist()]
        except (zipfile.BadZipFile, OSError):
            return some_bytes(random, content, other)
        at = random.randrange(len(parts))
        name, part = parts[at]
        action = random.randrange(12)
        if action == 0:
            del parts[at]
        elif action == 1:
            parts[at] = (random.choice(("x", "../x", "/", "a" * 300, name.upper())), part)
        elif action == 2:
            parts.append((name + "2", part))
        else:
            parts[at] = (name, inner(random, part, parts[random.randrange(len(parts))][1]))
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w") as archive:
            for name, part in parts:
                archive.writestr(name, part)
        return written.getvalue()

    return mutate


def header(inner: Mutation) -> Mutation:
    """The JSON before the values of safetensors changed by another mutation, its length right."""

    def mutate(random: Random, content: bytes, other: bytes) -> bytes:
        (length,) = struct.unpack_from("<Q", content)
        text = inner(random, content[8 : 8 + length], other)
        return struct.pack("<Q", len(text)) + text + content[8 + length :]

    return mutate


class _Field:
    """A field of a protocol buffer; its value is a message where the bytes can be read as one."""

    def __init__(self, key: int, value: int | bytes | list[_Field]) -> None:
        self.key, self.value = key, value


def fields(random: Random, content: bytes, other: bytes) -> bytes:
    """One to three fields of a protocol buffer replaced, removed, doubled or exchanged."""
    message, theirs = _message(content, 0), _message(other, 0)
    if message is None:
        return some_bytes(random, content, other)
    for _ in range(random.randint(1, 3)):
        holders = list(_holders(message))
        if not holders:
            break
        holder = random.choice(holders)
        _change_field(random, holder, holders, theirs or message)
    return _packed(message)


def _change_field(
    random: Random, holder: list[_Field], holders: list[list[_Field]], theirs: list[_Field]
) -> None:
    at = random.randrange(len(holder))
    field = holder[at]
    action = random.randrange(7)
    if action == 0:
        del holder[at]
    elif action == 1:
        holder.insert(at, _copied(field))
    elif action == 2:
        holder[at] = _copied(random.choice(random.choice(holders)))
    elif action == 3:
        holder[at] = _copied(random.choice(random.choice(list(_holders(theirs)) or [holder])))
    elif action == 4:
        holder[at] = _Field((random.randint(1, 20) << 3) | (field.key & 7), field.value)
    elif isinstance(field.value, int):
        value = random.choice((*_NUMBERS, field.value + 1, field.value - 1)) % 2**64
        holder[at] = _Field(field.key, value)
    elif isinstance(field.value, bytes):
        holder[at] = _Field(field.key, some_bytes(random, field.value or b"x", b"x"))


def _copied(field: _Field) -> _Field:
    """A field as bytes: messages that hold themselves could not be written."""
    value = field.value
    return _Field(field.key, _packed(value) if isinstance(value, list) else value)


def _holders(message: list[_Field]) -> Iterator[list[_Field]]:
    waiting = [message]
    while waiting:
        part = waiting.pop()
        if part:
            yield part
        waiting += [field.value for field in part if isinstance(field.value, list)]


def _message(content: bytes, level: int) -> list[_Field] | None:
    """The fields of a message; None for bytes that are none (and for text, as it mostly is)."""
    found, at = [], 0
    while at < len(content):
        key, at = _varint(content, at)
        kind = key & 7
        size = {1: 8, 5: 4}.get(kind)
        value: int | bytes | list[_Field]
        if kind == 0:
            value, at = _varint(content, at)
        elif kind == 2:
            length, at = _varint(content, at)
            value, at = content[at : at + length], at + length
            inner = _message(value, level + 1) if 1 < length < 5000 and level < 6 else None
            value = inner or value
        elif size is not None:
            value, at = content[at : at + size], at + size
        else:
            return None
        if at > len(content) or not key >> 3:
            return None
        found.append(_Field(key, value))
    return found


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(content) and shift < 70:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
    return value, len(content) + 1


def _packed(message: list[_Field]) -> bytes:
    parts = []
    for field in message:
        value = field.value
        parts.append(_packed_varint(field.key))
        if isinstance(value, int):
            parts.append(_packed_varint(value))
        else:
            content = _packed(value) if isinstance(value, list) else value
            parts += [_packed_varint(len(content))] if field.key & 7 == 2 else []
            parts.append(content)
    return b"".join(parts)


def _packed_varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])

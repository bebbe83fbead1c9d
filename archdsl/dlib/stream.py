"""The values that dlib's ``serialize()`` writes (dlib/serialize.h, float_details.h, cuda/tensor.h).

Integers are a control byte (sign, number of bytes) and little-endian bytes; floats a mantissa and
an exponent; strings and vectors their length and their elements; tensors four sizes and 32-bit
floats. Every size is compared with the bytes that are left before anything is made of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_NEGATIVE, _LENGTH = 0x80, 0x0F
_INFINITE, _MINUS_INFINITE, _NOT_A_NUMBER = 32000, 32001, 32002
_LONGEST_OLD_NUMBER = 64
_FLOAT_DIGITS, _DOUBLE_DIGITS = 24, 53


class MisreadError(Exception):
    """The bytes at an offset are not what is expected there."""

    def __init__(self, offset: int, expected: str, found: str) -> None:
        super().__init__(offset, expected, found)
        self.offset, self.expected, self.found = offset, expected, found


class ByteReader:
    """Bytes that are read from front to back; ``at`` is the offset. Raises MisreadError."""

    def __init__(self, content: bytes, at: int = 0) -> None:
        self.content = content
        self.at = at

    def left(self) -> int:
        return len(self.content) - self.at

    def take(self, count: int, what: str) -> bytes:
        if count > self.left():
            raise MisreadError(
                self.at, f"{what} ({count:,} bytes)", f"{self.left():,} bytes to the end"
            )
        start = self.at
        self.at += count
        return self.content[start : self.at]

    def integer(self, what: str = "an integer") -> int:
        start = self.at
        control = self.take(1, what)[0]
        size = control & _LENGTH
        if not 1 <= size <= 8 or control & ~(_NEGATIVE | _LENGTH):
            raise MisreadError(start, what, f"the byte {control:#04x}")
        value = int.from_bytes(self.take(size, what), "little")
        return -value if control & _NEGATIVE else value

    def count(self, what: str, smallest: int = 1) -> int:
        """A number of elements that take at least ``smallest`` bytes each."""
        start = self.at
        value = self.integer(what)
        if not 0 <= value <= self.left() // smallest:
            raise MisreadError(start, what, f"{value:,}, with {self.left():,} bytes to the end")
        return value

    def real(self) -> float:
        start = self.at
        if start < len(self.content) and self.content[start] & 0x70:
            return self._old_real()
        mantissa, exponent = self.integer("a mantissa"), self.integer("an exponent")
        if exponent == _INFINITE:
            return math.inf
        if exponent == _MINUS_INFINITE:
            return -math.inf
        if exponent == _NOT_A_NUMBER:
            return math.nan
        try:
            return math.ldexp(mantissa, exponent)
        except OverflowError:
            raise MisreadError(
                start, "a floating point number", f"{mantissa}·2^{exponent}"
            ) from None

    def _old_real(self) -> float:
        """A number as digits with a space behind, as dlib wrote it before 2013."""
        start = self.at
        text = self.content[start : start + _LONGEST_OLD_NUMBER].partition(b" ")[0]
        self.take(len(text) + 1, "a floating point number")
        try:
            words = {b"inf": math.inf, b"ninf": -math.inf, b"NaN": math.nan}
            return words[text] if text in words else float(text)
        except ValueError:
            raise MisreadError(
                start, "a floating point number", f"the bytes {text[:12]!r}"
            ) from None

    def flag(self) -> bool:
        start = self.at
        value = self.take(1, "a truth value")
        if value not in (b"0", b"1"):
            raise MisreadError(start, "a truth value, '0' or '1'", f"the byte {value[0]:#04x}")
        return value == b"1"

    def byte(self) -> int:
        return self.take(1, "a byte")[0]

    def text(self) -> str:
        start = self.at
        length = self.count("the length of a string")
        try:
            return self.take(length, "a string").decode()
        except UnicodeDecodeError:
            raise MisreadError(start, "a string", "bytes that are no UTF-8") from None

    def version(self, *known: int, of: str) -> int:
        start = self.at
        value = self.integer(f"the version of {of}")
        if value not in known:
            versions = " or ".join(map(str, known))
            raise MisreadError(start, f"version {versions} of {of}", f"version {value}")
        return value

    def tensor(self) -> Floats:
        """Four sizes and as many values; an array on the bytes themselves, nothing is copied."""
        self.version(2, of="a tensor")
        start = self.at
        shape = self._sizes("a tensor")
        size = 4 * math.prod(shape)
        if size > self.left():
            shown = "×".join(f"{n:,}" for n in shape)
            raise MisreadError(
                start, f"a tensor of {shown} values", f"{self.left():,} bytes to the end"
            )
        values = np.frombuffer(self.content, "<f4", size // 4, self.at).reshape(shape)
        self.at += size
        return values

    def alias(self) -> tuple[int, ...]:
        """The sizes of a part of a tensor (dlib's alias_tensor)."""
        self.version(1, of="an alias tensor")
        return self._sizes("an alias tensor")

    def _sizes(self, what: str) -> tuple[int, ...]:
        start = self.at
        shape = tuple(self.integer(f"a size of {what}") for _ in range(4))
        if min(shape) < 0 or max(shape) >> 40:
            raise MisreadError(start, f"the sizes of {what}", "×".join(map(str, shape)))
        return shape


# ---- writing ----


def integer(value: int) -> bytes:
    size = max(1, (abs(value).bit_length() + 7) // 8)
    return bytes([size | (_NEGATIVE if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def _real(value: float, digits: int) -> bytes:
    """A number by the rule of float_details: low bytes of zeros move into the exponent."""
    if math.isnan(value):
        return integer(0) + integer(_NOT_A_NUMBER)
    if math.isinf(value):
        return integer(0) + integer(_INFINITE if value > 0 else _MINUS_INFINITE)
    fraction, power = math.frexp(value)
    mantissa, exponent = int(fraction * (1 << digits)), power - digits
    for _ in range(8):
        if mantissa & 0xFF:
            break
        mantissa >>= 8
        exponent += 8
    return integer(mantissa) + integer(exponent)


def single(value: float) -> bytes:
    """A C++ float."""
    return _real(float(np.float32(value)), _FLOAT_DIGITS)


def double(value: float) -> bytes:
    """A C++ double."""
    return _real(value, _DOUBLE_DIGITS)


def flag(value: bool) -> bytes:
    return b"1" if value else b"0"


def text(value: str) -> bytes:
    content = value.encode()
    return integer(len(content)) + content


def tensor(values: Floats) -> bytes:
    sizes = b"".join(map(integer, values.shape))
    return integer(2) + sizes + np.ascontiguousarray(values, "<f4").tobytes()


def alias(shape: tuple[int, ...]) -> bytes:
    return integer(1) + b"".join(map(integer, shape))


# ---- types of fields ----


class Type(NamedTuple):
    """Codec of a field: the function that reads it and the one that writes it."""

    read: Callable[[ByteReader], Any]
    write: Callable[[Any], bytes]


INTEGER = Type(ByteReader.integer, integer)
SINGLE = Type(ByteReader.real, single)
DOUBLE = Type(ByteReader.real, double)
FLAG = Type(ByteReader.flag, flag)
BYTE = Type(ByteReader.byte, lambda value: bytes([value]))
TEXT = Type(ByteReader.text, text)
TENSOR = Type(ByteReader.tensor, tensor)
ALIAS = Type(ByteReader.alias, alias)

NO_TENSOR: Floats = np.zeros((0, 0, 0, 0), np.float32)
"""The value of a tensor without elements."""

NO_ALIAS = (0, 0, 0, 0)


def vector(element: Type) -> Type:
    """A std::vector."""

    def read(cursor: ByteReader) -> tuple[Any, ...]:
        count = cursor.count("the number of elements")
        return tuple(element.read(cursor) for _ in range(count))

    def write(values: tuple[Any, ...]) -> bytes:
        return integer(len(values)) + b"".join(map(element.write, values))

    return Type(read, write)


def mapping(key: Type, value: Type) -> Type:
    """A std::map, as pairs in the order of the keys."""

    def read(cursor: ByteReader) -> tuple[tuple[Any, Any], ...]:
        count = cursor.count("the number of entries", smallest=2)
        return tuple((key.read(cursor), value.read(cursor)) for _ in range(count))

    def write(entries: tuple[tuple[Any, Any], ...]) -> bytes:
        return integer(len(entries)) + b"".join(key.write(k) + value.write(v) for k, v in entries)

    return Type(read, write)

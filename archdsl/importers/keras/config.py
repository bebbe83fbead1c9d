"""A layer's entry in Keras's JSON, its values checked for their types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from archdsl.ir.layer import RuleError

Json = Mapping[str, Any]


class Entry(NamedTuple):
    """A layer of the file: its class, its name in the model, and its settings.

    ``version`` is the first part of Keras's version, since some names changed their meaning.
    ``shared`` is the number of a layer that is a part of several models.
    """

    kind: str
    name: str
    config: Json
    version: int
    shared: int | None = None

    def has(self, key: str) -> bool:
        return self.config.get(key) is not None

    def integer(self, key: str, default: int | None = None) -> int:
        """A whole number; RuleError for anything else."""
        value = self.config.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(key, "a whole number")
        return value

    def number(self, key: str, default: float) -> float:
        value = self.config.get(key, default)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.wrong(key, "a number")
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        value = self.config.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def text(self, key: str, default: str) -> str:
        value = self.config.get(key, default)
        if not isinstance(value, str):
            raise self.wrong(key, "a word")
        return value

    def pair(self, key: str, default: int | tuple[int, int]) -> tuple[int, int]:
        """Two whole numbers from 0 on, or one for both."""
        value = self.config.get(key, default)
        pair = tuple(value) if isinstance(value, (list, tuple)) else (value, value)
        if len(pair) != 2 or not all(type(size) is int and size >= 0 for size in pair):
            raise self.wrong(key, "two whole numbers")
        return pair[0], pair[1]

    def sides(self, key: str) -> tuple[int, int, int, int]:
        """Rows above and below, columns on the left and on the right."""
        value = self.config.get(key, 1)
        parts = value if isinstance(value, list) else [value, value]
        pairs = [part if isinstance(part, list) else [part, part] for part in parts]
        flat = [size for pair in pairs for size in pair]
        if len(pairs) != 2 or len(flat) != 4 or not all(type(size) is int for size in flat):
            raise self.wrong(key, "two pairs of whole numbers")
        return flat[0], flat[1], flat[2], flat[3]

    def require(self, **values: Any) -> None:
        """Settings with one value that the catalogue has, which is also Keras's default."""
        for key, value in values.items():
            found = self.config.get(key, value)
            if found != value:
                raise RuleError(f"the catalogue has no layer with {key} = {found}")

    def channels_axis(self, key: str, rank: int) -> bool:
        """True if an axis, counted with the batch, is that of the channels."""
        value = self.config.get(key, -1)
        axis = value[0] if isinstance(value, list) and len(value) == 1 else value
        return axis in (-1, rank)

    def wrong(self, key: str, what: str) -> RuleError:
        return RuleError(f"{key} has to be {what}", f"found {str(self.config.get(key))[:60]}")

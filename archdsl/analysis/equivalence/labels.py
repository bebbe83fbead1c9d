"""Labels of the nodes of a canonical graph: the operation and its settings, hashable."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class InputSlot:
    """The place of a graph input among a label's fields: ``sub(1, x)`` is not ``sub(x, 1)``."""

    index: int

    def __repr__(self) -> str:
        return f"input {self.index + 1}"


@dataclass(frozen=True)
class Label:
    """An operation's name and every hyperparameter which changes the function it computes.

    ``fields`` are pairs of name and hashable value, sorted by name, so that two labels are equal
    when, and only when, the operations are.
    """

    operation: str
    fields: tuple[tuple[str, Hashable], ...] = ()

    @classmethod
    def of(cls, operation: str, fields: Mapping[str, Hashable]) -> Label:
        """The label with these fields, in whatever order they come."""
        return cls(operation, tuple(sorted(fields.items())))

    def differing(self, other: Label) -> tuple[str, ...]:
        """Names of the fields in which two labels differ, absent ones included."""
        mine, theirs = dict(self.fields), dict(other.fields)
        return tuple(
            name
            for name in sorted(mine.keys() | theirs.keys())
            if mine.get(name, _ABSENT) != theirs.get(name, _ABSENT)
        )

    def value(self, field: str) -> object:
        """One field's value; None when the label has no such field."""
        return dict(self.fields).get(field)

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in self.fields if value is not None)
        return f"{self.operation}({shown})"


_ABSENT = InputSlot(-1)

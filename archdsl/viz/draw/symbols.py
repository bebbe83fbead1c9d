"""Numbers that differ between equal blocks, by the names of the template's parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import combinations

Number = int | float

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_LARGEST_FACTOR, _LARGEST_TERM = 16, 2


class Symbols:
    """The parameters of one template in several instances of it, and what they stand for."""

    def __init__(self, instances: Sequence[Mapping[str, Number]]) -> None:
        common = [n for n in instances[0] if all(n in each for each in instances)]
        columns = {name: [each[name] for each in instances] for name in common}
        self._columns = {name: c for name, c in columns.items() if any(v != c[0] for v in c)}
        self._told: set[str] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that differ and that some text names."""
        return tuple(name for name in self._columns if name in self._told)

    def number(self, values: Sequence[Number]) -> str:
        """A number of all instances in words: itself, a term of parameters, or its range."""
        if all(value == values[0] for value in values):
            return f"{values[0]:g}" if isinstance(values[0], float) else str(values[0])
        for name, column in self._columns.items():
            if column == list(values):
                return self._named(name)
        for name, column in self._columns.items():
            for factor in range(2, _LARGEST_FACTOR + 1):
                if all(v == factor * c for v, c in zip(values, column, strict=True)):
                    return f"{factor}·{self._named(name)}"
                if all(c == factor * v for v, c in zip(values, column, strict=True)):
                    return f"{self._named(name)}/{factor}"
        for name, column in self._columns.items():
            term = values[0] - column[0]
            if 0 < abs(term) <= _LARGEST_TERM and all(
                v - c == term for v, c in zip(values, column, strict=True)
            ):
                return f"({self._named(name)}{'+' if term > 0 else '−'}{abs(term)})"
        for (one, first), (two, second) in combinations(self._columns.items(), 2):
            if all(v == a * b for v, a, b in zip(values, first, second, strict=True)):
                return f"{self._named(one)}·{self._named(two)}"
        least, most = (
            f"{v:.3g}" if isinstance(v, float) else v for v in (min(values), max(values))
        )
        return f"{least}–{most}"

    def _named(self, name: str) -> str:
        self._told.add(name)
        return name

    def words(self, texts: Sequence[str]) -> str:
        """The text of a layer in all instances, ``3×3 conv, N, /STRIDE``.

        A part that some lack, since theirs is 1, counts as theirs with a 1.
        """
        if all(text == texts[0] for text in texts):
            return texts[0]
        said = [{_NUMBER.sub("#", part): part for part in text.split(", ")} for text in texts]
        patterns = max(said, key=len)
        if any(pattern not in patterns for parts in said for pattern in parts):
            return min(texts, key=len)
        words = []
        for pattern in patterns:
            numbers = [_numbers(parts.get(pattern)) for parts in said]
            width = max(map(len, numbers))
            full = [each or [1] * width for each in numbers]
            shown = iter([self.number(column) for column in zip(*full, strict=True)])
            words.append(re.sub("#", lambda _: next(shown), pattern))  # noqa: B023
        return ", ".join(words)


NO_SYMBOLS = Symbols([{}])
"""Those of blocks that differ in no parameter: numbers that differ are a range."""


def _numbers(part: str | None) -> list[Number]:
    """The numbers of a part of a text."""
    found = _NUMBER.findall(part) if part is not None else []
    return [float(number) if "." in number else int(number) for number in found]

"""Short forms of scopes' names and of numbers, for drawings."""

from __future__ import annotations

from collections.abc import Iterable

from archdsl.ir.network import Scope
from archdsl.viz.draw.symbols import NO_SYMBOLS

_TITLE_LENGTH = 64
MOST_NAMED = 3
"""Arguments that a reader knows by their places, at most."""


def title(scope: Scope) -> str:
    """A template instance as written, behind its own name where that says something else."""
    words = scope.title
    if scope.template is not None and scope.label is not None:
        words = f"{scope.label}: {words}"
    if scope.call is not None and scope.call.shared:
        words = f"{words}, shared"
    return words if len(words) <= _TITLE_LENGTH else words[: _TITLE_LENGTH - 1] + "…"


def heading(scope: Scope, *others: Scope) -> str:
    """The title in a drawing, without its arguments where they are many.

    They are left out too where those of others that it stands for differ.
    """
    words = title(scope)
    return words if _told(scope, others) else words.partition("<")[0]


def _told(scope: Scope, others: Iterable[Scope]) -> bool:
    return len(scope.numbers) <= MOST_NAMED and all(o.title == scope.title for o in others)


def named_arguments(scope: Scope, *others: Scope) -> tuple[str, ...]:
    """The numbers that a heading leaves out, each with the name of its parameter."""
    if _told(scope, others):
        return ()
    every = [dict(each.numbers) for each in (scope, *others)]
    return tuple(
        f"{name} = {NO_SYMBOLS.number([numbers[name] for numbers in every])}"
        for name, _ in scope.numbers
    )


def giga(number: int | None) -> str:
    """``1.50 G``, as papers count operations; ``unknown`` for what depends on an open size."""
    if number is None:
        return "unknown"
    for size, letter in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= 0.9995 * size:  # three digits of a little less would be a thousand
            return f"{number / size:.3g} {letter}"
    return str(number)


def decimal(number: float) -> str:
    """A number with one decimal at most: a tenth of a point is as much as one can see."""
    text = f"{number:.1f}"
    return "0" if text in ("0.0", "-0.0") else text.removesuffix(".0")


def times_words(words: str, times: int, shown: str = "") -> str:
    """``block<64> ×3``; without the factor for a single one."""
    return f"{words} ×{shown or times}".lstrip() if times > 1 else words

"""Families of tests: one proof for many networks, of which a few stand for all in the fast run."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import pytest


def family(members: Iterable[Any], quick: Collection[Any] | None = None) -> list[Any]:
    """Parameters of a test, one a member; those that are not ``quick`` are marked slow.

    The fast run proves the quick ones, by default the first alone; ``-m slow`` proves the others.
    A quick name that is no member is an error: the fast run would prove nothing.
    """
    listed = list(members)
    chosen = listed[:1] if quick is None else quick
    missing = [name for name in chosen if name not in listed]
    if missing or not listed:
        raise ValueError(f"no members of the family: {missing or listed}")
    return [m if m in chosen else pytest.param(*_values(m), marks=pytest.mark.slow) for m in listed]


def _values(member: Any) -> Sequence[Any]:
    return member if isinstance(member, tuple) else (member,)

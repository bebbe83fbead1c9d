"""Operations that return what they are given."""

from __future__ import annotations

from collections.abc import Mapping


def does_nothing(name: str, arguments: Mapping[str, object]) -> bool:
    """True if an operation returns its input unchanged, in training and in eval mode.

    ``nn.Identity``, and dropout at a rate of zero, stand where an option is not taken. Python's
    ``sum`` begins with 0.
    """
    if name in _NEUTRAL:
        other = arguments["other"]
        return isinstance(other, (int, float)) and other == _NEUTRAL[name]
    return name in _PASSED_THROUGH or (name in _DROPOUTS and arguments["p"] == 0)


_PASSED_THROUGH = frozenset({"contiguous", "identity"})


_NEUTRAL: Mapping[str, int] = {"add": 0, "sub": 0, "mul": 1, "div": 1}
"""The numbers that change nothing as the second operand."""


_DROPOUTS = frozenset({"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"})

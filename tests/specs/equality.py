"""What a spec must be to its reference: the same network, with the same numbers."""

from collections.abc import Sequence

import pytest
from torch import nn

from archdsl.importers.verification import verify

MODES = pytest.mark.parametrize("training", [False, True], ids=["eval", "training"])


def assert_equal(
    module: nn.Module,
    model: nn.Module,
    size: Sequence[int | None],
    training: bool,
    *,
    partial: bool = False,
) -> None:
    """The same graph and parameters, and outputs which are at most 1e-5 apart."""
    sides = [side for side in size if side is not None]
    found = verify(module, model, sides, training=training, partial=partial)
    assert found.matched, found.differences
    assert found.params_equal
    assert found.max_abs_diff is not None
    assert found.max_abs_diff <= 1e-5

"""Outputs with values that are no finite numbers, as masks of attention have."""

import numpy as np
import pytest

from archdsl.importers.comparison import compared

INF, NAN = np.inf, np.nan


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ([1, 2], [1, 2], True),
        ([1, 2.0001], [1, 2], True),
        ([1, 2.001], [1, 2], False),
        ([-INF, 2], [-INF, 2], True),
        ([-INF, 2], [INF, 2], False),
        ([-INF, 2.1], [-INF, 2], False),  # an infinity allows the others nothing
        ([INF, 2], [5, 2], False),
        ([5, 2], [INF, 2], False),
        ([NAN, 2], [NAN, 2], True),
        ([NAN, 2], [1, 2], False),
        ([0, 0], [0, 0], True),
        ([-INF, 0], [-INF, 0], True),
    ],
)
def test_what_is_no_finite_number(ours: list[float], theirs: list[float], same: bool) -> None:
    found = compared([np.array(ours)], [np.array(theirs)], "the origin", "random weights")
    assert found.same is same

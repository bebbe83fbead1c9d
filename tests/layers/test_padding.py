"""The layer that pads each side by itself, against torch."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import archdsl
from archdsl.layers.padding import Pad

side = st.integers(0, 3)


@settings(max_examples=20, deadline=None)
@given(side, side, side, side, st.sampled_from([0.0, -1.5]))
def test_pad_is_torchs(top: int, bottom: int, left: int, right: int, value: float) -> None:
    spec = f"pad<{top},{bottom},{left},{right},value={value},input<2,3,4>>"
    data = torch.randn(2, 2, 3, 4)
    expected = torch.nn.functional.pad(data, (left, right, top, bottom), value=value)
    assert torch.equal(archdsl.compile(spec)(data), expected)
    assert archdsl.load(spec).summary().outputs == {"output": tuple(expected.shape[1:])}


def test_a_convolution_behind_it_begins_where_its_first_cell_says() -> None:
    window = Pad(1, 2, 3, 4).window(((2, 3, 4),))
    assert window is not None and window.first == (-1, -3)
    assert [list(*axis.cells) for axis in (window.rows, window.columns)] == [[-1], [-3]]


def test_pad_refuses_rows_to_be_cut() -> None:
    with pytest.raises(archdsl.ArchError, match="at least 0"):
        archdsl.load("pad<-1,0,0,0,input<2,3,4>>")

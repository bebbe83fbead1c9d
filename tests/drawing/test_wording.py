"""How drawings write large numbers."""

import pytest

from archdsl.viz.draw.words import giga


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "1"), (999, "999"), (1000, "1 k"), (34_944, "34.9 k"), (999_499, "999 k"),
        (999_500, "1 M"), (724_406_816, "724 M"), (4_089_184_256, "4.09 G"),
        (1_442_260_032_000, "1.44 T"),
    ],
)  # fmt: skip
def test_numbers_have_three_digits_and_no_exponent(number: int, words: str) -> None:
    assert giga(number) == words

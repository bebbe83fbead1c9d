"""What the fast run leaves out is marked slow, and nothing is left out of both runs."""

import pytest
from support.families import family

SLOW = [pytest.mark.slow.mark]


def test_members_that_are_not_quick_are_slow() -> None:
    first, second, third = family(["a", "b", "c"], {"b"})
    assert second == "b"
    for found, name in ((first, "a"), (third, "c")):
        assert found.values == (name,) and [mark.mark for mark in found.marks] == SLOW


def test_the_first_is_quick_by_default() -> None:
    first, second = family(["a", "b"])
    assert first == "a" and second.values == ("b",)


@pytest.mark.parametrize(("members", "quick"), [(["a"], {"b"}), ([], None), (["a"], ())])
def test_a_family_without_a_quick_member_is_an_error(members: list[str], quick: object) -> None:
    with pytest.raises(ValueError, match="quick"):
        family(members, quick)

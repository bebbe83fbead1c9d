"""What a file leaves open is named in the spec that is made of it: tags have no numbers there."""

from __future__ import annotations

from pathlib import Path

import pytest

import archdsl
from archdsl.backends.formats import encode, format_of
from archdsl.dlib import reader
from archdsl.dlib.to_spec import respelled

IN = "input<std::array<matrix<float>,3>>"


def spelled(text: str) -> str:
    """The spec that is made of the file of a network."""
    network = archdsl.load(text.replace("IN", IN), input=(3, 8, 8))
    content = encode(format_of(Path("x.dat")), network.checked, network.to_torch(seed=1))
    return respelled(reader.parse(content, "x.dat"))


def guesses(text: str) -> list[str]:
    return [line for line in spelled(text).splitlines() if line.startswith("// - ")]


def test_a_join_that_could_read_two_tags_names_both() -> None:
    """add_prev may read the tag that a skip leads to, although there is one that nothing reads."""
    first, second = "relu<tag8<con<3,1,1,1,1,IN>>>", "add_prev{}<con<3,3,3,1,1,skip8<tag9<{}>>>>"
    eight, nine = (guesses(second.format(tag, first)) for tag in (8, 9))
    assert eight == nine  # the files are the same
    (said,) = eight
    assert "add_prev" in said and "reads tag2 behind layer 3, relu" in said
    assert "may read tag1 behind layer 1, con<3,1,1,1,1>" in said


def test_the_usual_blocks_are_spelled_as_they_were() -> None:
    """ResNet's: the guess is right, and that it is one is said."""
    text = "relu<add_prev2<avg_pool<2,2,2,2,skip1<tag2<con<3,3,3,2,2,tag1<IN>>>>>>>"
    made = spelled(text)
    assert "add_prev<tag2,avg_pool<2,2,2,2,skip1<tag2<con<3,3,3,2,2,tag1<" in made
    (said,) = guesses(text)
    assert "may read tag1 behind the input" in said


def test_branches_are_joined_without_their_beginning() -> None:
    (said,) = guesses("inception2<con<2,1,1,1,1>,con<3,1,1,1,1>,relu<IN>>")
    assert "reads tag2 behind layer 3, con<3,1,1,1,1>; tag3" in said
    assert said.endswith("it may read tag1 behind layer 1, relu")


def test_a_skip_on_top_of_all_stays_one() -> None:
    made = spelled("skip2<relu<tag2<con<3,1,1,1,1,IN>>>>")
    assert "net_type = skip1<relu<tag1<con<" in made
    assert "the outermost wrapper is a skip to tag1" in made and "may be a tag of its own" in made


def test_a_tag_that_nothing_reads_is_named() -> None:
    made = spelled("tag3<add_prev2<relu<tag2<con<3,1,1,1,1,IN>>>>>")
    assert "net_type = tag1<add_prev<tag1,relu<tag1<" in made
    (said,) = guesses("tag3<add_prev2<relu<tag2<con<3,1,1,1,1,IN>>>>>")
    assert "read by nothing: it may be a skip" in said


def test_two_tags_that_wait_for_one_skip_are_an_error() -> None:
    with pytest.raises(archdsl.ArchError, match="does not say which tag is meant") as raised:
        spelled("skip1<relu<tag2<sig<tag1<con<3,1,1,1,1,IN>>>>>>")
    assert "tag1 behind layer 1, con<3,1,1,1,1>; tag2 behind layer 3, sig" in str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "add_prev1<con<3,3,3,1,1,tag1<IN>>>",
        "fc<4,relu<con<3,1,1,1,1,IN>>>",
    ],
)
def test_what_is_not_open_is_not_said(text: str) -> None:
    assert guesses(text) == []


def test_a_detector_without_anchors_reads_the_tags_that_are_left() -> None:
    """An untrained one; XML has no anchors either."""
    made = spelled("loss_yolo<tag4,tag2<sig<con<7,1,1,1,1,tag4<sig<con<7,1,1,1,1,IN>>>>>>>")
    assert "loss_yolo<tag1,tag2,tag2<sig<con<7,1,1,1,1,tag1<sig<" in made.replace("\n    ", "")
    assert "loss_yolo reads the tags that nothing else reads: tag1 behind layer 2, sig" in made

"""Files that are damaged or mean harm, and files that are not those of the spec."""

import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import archdsl
from archdsl.backends.formats import encode, format_of
from archdsl.diagnostics import ArchError
from archdsl.dlib import reader as reading
from archdsl.dlib import stream, xml

DATA = Path(__file__).parent.parent / "oracle" / "data"
RESNET = (DATA / "resnet.dat").read_bytes()
XML = (DATA / "con_same.xml").read_text()
PLANES = "input<std::array<matrix<float>,3>>"


def parses(content: bytes) -> None:
    """Either there is a network, or an ArchError says where there is none."""
    try:
        reading.parse(content, "x.dat")
    except ArchError as error:
        text = str(error)
        assert "at byte" in text or "ambiguous" in text


@given(st.lists(st.tuples(st.integers(0, len(RESNET) - 1), st.integers(0, 255)), max_size=4))
@settings(max_examples=300, deadline=2000)
def test_changed_bytes(changes: list[tuple[int, int]]) -> None:
    content = bytearray(RESNET)
    for at, value in changes:
        content[at] = value
    parses(bytes(content))


@given(st.integers(0, 400), st.integers(0, 255))
@settings(max_examples=300, deadline=2000)
def test_changed_bytes_at_the_front_where_the_structure_is(at: int, value: int) -> None:
    parses(RESNET[:at] + bytes([value]) + RESNET[at + 1 :])


@given(st.integers(0, len(RESNET) - 1))
@settings(max_examples=100, deadline=2000)
def test_a_file_that_is_cut_off_is_refused(end: int) -> None:
    with pytest.raises(ArchError, match="no network of dlib"):
        reading.parse(RESNET[:end], "x.dat")


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_any_bytes(content: bytes) -> None:
    parses(content)


@given(st.integers(0, len(XML) - 1), st.text(max_size=6))
@settings(max_examples=200, deadline=2000)
def test_changed_xml(at: int, text: str) -> None:
    message = "at line"
    try:
        xml.parse(XML[:at] + text + XML[at + 1 :], "x.xml")
    except ArchError as error:
        message = str(error)
    assert "at line" in message


@pytest.mark.parametrize(
    "content",
    [
        b"\x01\x01" * 100_000,
        b"\x01\x02" * 100_000,
        (b"\x01\x01" * 50 + b"\x01\x02") * 2_000 + b"\x01\x03\x01\x05con_6",
        b"\x01\x01\x01\x7f" * 20_000,
    ],
    ids=["ones", "twos", "mixed", "repeats"],
)
def test_deep_nesting_takes_no_time(content: bytes) -> None:
    start = time.perf_counter()
    parses(content)
    assert time.perf_counter() - start < 20


def test_gigantic_sizes_take_no_memory() -> None:
    front = b"\x01\x03" + stream.text("input<matrix>") + stream.text("con_6")
    sizes = [b"\x01\x02" + stream.integer(2**30) * 4, b"\x01\x02" + stream.integer(-5) * 4]
    strings = [stream.integer(2**60), stream.integer(-1)]
    tracemalloc.start()
    for content in (*(front + size for size in sizes), *(b"\x01\x01" + s for s in strings)):
        with pytest.raises(ArchError, match="at byte"):
            reading.parse(content, "x.dat")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000


def test_an_error_says_where_and_what() -> None:
    with pytest.raises(ArchError) as caught:
        reading.parse(RESNET[:200] + b"\xff" * 20 + RESNET[220:300], "cut.dat")
    message = str(caught.value)
    assert message.startswith("error: cut.dat is no network of dlib")
    assert "at byte" in message and "expected" in message and "found" in message


def refusal(text: str, file: str, **options: object) -> ArchError:
    with pytest.raises(ArchError) as caught:
        archdsl.compile(text, weights=DATA / file, **options)  # type: ignore[arg-type]
    return caught.value


def test_a_difference_names_the_argument_and_its_place() -> None:
    error = refusal(f"con<5,3,3,1,1,{PLANES}>", "con_same.dat", input="3x6x7")
    assert "filters: 4 in the file, 5 in the spec" in str(error)
    span = error.spans[0]
    assert span is not None and span.text.startswith("con")


def test_layers_that_part_are_named() -> None:
    error = refusal(f"sig<con<4,3,3,1,1,{PLANES}>>", "con_same.dat", input="3x6x7")
    assert "the file goes on with the end, the spec with sig" in str(error)
    other = refusal(f"fc<4,sig<fc<5,{PLANES}>>>", "fc.dat", input="3x3x4")
    assert "the file goes on with relu, the spec with sig" in str(other)


def test_biases_and_channels_are_compared() -> None:
    error = refusal(f"con<4,3,3,1,1,bias=false,{PLANES}>", "con_same.dat", input="3x6x7")
    assert "bias: the file has one, the spec says bias=false" in str(error)
    planes = "input<std::array<matrix<float>,2>>"
    other = refusal(f"con<4,3,3,1,1,{planes}>", "con_same.dat", input="2x6x7")
    assert "weight: 108 values in the file, 72 in the spec (4×2×3×3)" in str(other)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("con<4,3,3,1,1,groups=2,input<2,8,8>>", "convolution in groups (here 2)"),
        ("con<4,3,3,1,1,dilation=2,input<2,8,8>>", "dilated convolution"),
        ("residual<con<2,3,3>,input<2,8,8>>", "nothing like residual"),
        ("relu6<input<2,8,8>>", "layer like relu6"),
        ("max_pool<2,2,2,2,ceil_mode=true,input<2,8,8>>", "rounds its size up"),
    ],
)
def test_what_dlib_does_not_have_is_refused_by_name(text: str, message: str) -> None:
    network = archdsl.load(text).check()
    with pytest.raises(ArchError) as caught:
        encode(format_of(Path("x.dat")), network.checked, network.to_torch())
    assert message in str(caught.value) and caught.value.spans[0] is not None

"""Bad specs give the right message at the right place, with what was found and how to mend it."""

import time
from dataclasses import dataclass, field
from typing import Any

import pytest

import archdsl
from archdsl.diagnostics import ArchError, Diagnostic
from archdsl.frontend.elaborate import Limits


@dataclass(frozen=True)
class Bad:
    """A spec and its first error; ``at`` is the underlined text, ``place`` its line and column."""

    text: str
    message: str
    at: str | None
    place: tuple[int, int] | None = None
    note: str = ""
    help: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


def errors_of(text: str, **settings: Any) -> tuple[Diagnostic, ...]:
    with pytest.raises(ArchError) as caught:
        archdsl.load(text, **settings).check()
    assert str(caught.value)
    return caught.value.diagnostics


def expect(bad: Bad) -> Diagnostic:
    first = errors_of(bad.text, **bad.settings)[0]
    assert bad.message in first.message
    assert (first.span.text if first.span else None) == bad.at
    if bad.place is not None:
        assert first.span is not None
        assert first.span.position == bad.place
    assert bad.note in "\n".join(first.notes)
    assert bad.help in (first.help or "")
    assert first.severity == "error"
    return first


ARGUMENTS = {
    "unknown layer": Bad(
        "fc<10,\nrleu<input<1,28,28>>>",
        "unknown layer or template 'rleu'",
        "rleu",
        (2, 1),
        help="did you mean 'relu'?",
    ),
    "unknown template beside its neighbour": Bad(
        "template <typename SUBNET> using bottleneck = relu<SUBNET>;\nbotleneck<input<1,2,2>>",
        "unknown layer or template 'botleneck'",
        "botleneck",
        (2, 1),
        note="defined in this file: bottleneck",
        help="did you mean 'bottleneck'?",
    ),
    "nothing is near": Bad("qqqqqq<input<1,2,2>>", "unknown layer", "qqqqqq", (1, 1)),
    "layers of several inputs are not written": Bad(
        "add<input<1,2,2>>", "'add' has several inputs", "add", help="residual"
    ),
    "argument left out": Bad(
        "fc<10,relu<con<6,input<1,28,28>>>>",
        "'con' lacks its kernel_h",
        "con",
        (1, 12),
        note="filters, kernel_h, kernel_w",
    ),
    "one argument too many": Bad(
        "con<6,5,5,1,1,0,0,9,input<1,28,28>>",
        "too many arguments for 'con'",
        "9",
        (1, 19),
        note="expected at most 7",
    ),
    "argument for a layer without": Bad(
        "relu<3,input<1,28,28>>", "too many arguments for 'relu'", "3", (1, 6), note="found 1"
    ),
    "template argument left out": Bad(
        "template <int N, int M, typename SUBNET> using b = fc<N,fc<M,SUBNET>>;\nb<3,input<1,2,2>>",
        "'b' lacks its argument 'M'",
        "b",
        (2, 1),
        note="b<N, M, SUBNET>",
    ),
    "template argument too many": Bad(
        "template <int N, typename SUBNET> using b = fc<N,SUBNET>;\nb<3,4,input<1,2,2>>",
        "too many arguments for 'b'",
        "4",
        (2, 5),
        note="b<N, SUBNET>",
    ),
    "fraction for a whole number": Bad(
        "con<6.5,5,5,input<1,28,28>>",
        "a whole number belongs here",
        "6.5",
        (1, 5),
        note="found 6.5",
        help="round(x)",
    ),
    "layer for a number": Bad(
        "con<6,5,relu,1,1,input<1,28,28>>", "a number belongs here", "relu", (1, 9)
    ),
    "number for a layer": Bad(
        "residual<3,input<1,28,28>>", "a number stands where a layer or block belongs", "3"
    ),
    "number for true or false": Bad(
        "con<6,5,5,bias=2,input<1,28,28>>", "true or false belongs here", "2", note="found 2"
    ),
    "quotes": Bad('relu<"a",input<1,2,2>>', "no meaning", '"', (1, 6), help="without quotes"),
    "name for a tag": Bad(
        "concat2<tag1,relu,tag1<input<1,2,2>>>",
        "a tag belongs here",
        "relu",
        (1, 14),
        note="found 'relu'",
    ),
    "below the range": Bad(
        "con<0,5,5,input<1,28,28>>",
        "filters is out of range",
        "0",
        (1, 5),
        note="at least 1, found 0",
    ),
    "negative": Bad(
        "con<6,3,3,padding=-1,input<6,8,8>>", "padding is out of range", "-1", note="found -1"
    ),
    "above the range": Bad(
        "dropout_rate<101,input<1,28,28>>", "percent is out of range", "101", note="0 to 100"
    ),
    "an expression out of range": Bad(
        "const int n = 3;\nfc<n-5,input<1,2,2>>", "out of range", "n-5", (2, 4), note="found -2"
    ),
    "no channels": Bad("relu<input<0,2,2>>", "at least one channel", "0", note="found 0"),
    "unknown named argument": Bad(
        "con<6,5,5,pading=2,input<1,28,28>>",
        "con has no argument 'pading'",
        "pading",
        (1, 11),
        note="padding_h",
        help="did you mean 'padding'?",
    ),
    "unknown named argument of a template": Bad(
        "template <int WIDTH, typename SUBNET> using b = fc<WIDTH,SUBNET>;\nb<WDTH=3,input<1,2,2>>",
        "'b' has no parameter 'WDTH'",
        "WDTH",
        (2, 3),
        help="did you mean 'WIDTH'?",
    ),
    "named twice": Bad(
        "con<6,5,5,padding=2,padding=1,input<1,28,28>>", "given twice", "padding", (1, 21)
    ),
    "by position and by name": Bad(
        "con<6,5,5,filters=2,input<1,28,28>>", "'filters' is given twice", "filters", (1, 11)
    ),
    "template argument by position and by name": Bad(
        "template <int N, typename SUBNET> using b = fc<N,SUBNET>;\nb<3,N=4,input<1,2,2>>",
        "'N' is given twice",
        "N",
        (2, 5),
    ),
    "position behind name": Bad(
        "con<6,5,padding=2,5,input<1,28,28>>", "positional argument behind a named one", "5"
    ),
    "heads without names": Bad(
        "outputs<fc<3>,fc<4>,input<1,2,2>>", "needs a name", "fc<3>", note="found 'fc<3>'"
    ),
    "heads of one name": Bad(
        "outputs<a=fc<3>,a=fc<4>,input<1,2,2>>", "two outputs 'a'", "a", (1, 17)
    ),
    "side outputs of one name": Bad(
        "branch<aux,fc<3>,branch<aux,fc<4>,input<1,2,2>>>", "two outputs 'aux'", "branch", (1, 1)
    ),
    "a layer behind the outputs": Bad(
        "relu<outputs<a=fc<3>,b=fc<4>,input<1,2,2>>>", "nothing can follow", "relu", (1, 1)
    ),
}

SYNTAX = {
    "a closer is missing": Bad(
        "using net = fc<10,relu<input<1,28,28>>;\nusing b = relu<input<1,2,2>>;",
        "a '>' is missing",
        ";",
        (1, 39),
        note="still open (line): fc (1)",
        help="add > before",
    ),
    "closers are missing at the end": Bad(
        "fc<10,\nrelu<\ninput<1,28,28>", "2 '>' are missing", ">", (3, 14), note="relu (2), fc (1)"
    ),
    "a closer is missing before a definition": Bad(
        "using a = relu<input<1,2,2>\nusing b = relu<input<1,2,2>>;",
        "a '>' is missing",
        ">",
        (1, 27),
        help="add > behind this",
    ),
    "one closer too many": Bad(
        "using net = fc<10,relu<input<1,28,28>>>>;",
        "one '>' too many",
        ">",
        (1, 40),
        help="leave it out",
    ),
    "two closers too many": Bad(
        "fc<10,relu<input<1,28,28>>>>>", "2 '>' too many", ">>", (1, 28), help="leave them out"
    ),
    "a comma is missing": Bad(
        "fc<10 relu<input<1,2,2>>>", "a ',' is missing before 'relu<'", "relu<", (1, 7), help="','"
    ),
    "a comma too many": Bad("fc<10,,input<1,2,2>>", "an argument is missing", ",", (1, 7)),
    "a semicolon is missing": Bad(
        "const int n = 3\n", "a ';' is missing", "3", (1, 15), help="end the definition"
    ),
    "an unfinished comment": Bad(
        "fc<10, /* to be\ncontinued <", "unfinished comment", "/*", (1, 8), help="*/"
    ),
    "an unfinished comment in front": Bad("/* <", "unfinished comment", "/*", (1, 1), help="*/"),
    "a character without meaning": Bad("fc<10,§input<1,2,2>>", "'§'", "§", (1, 7)),
    "an include without quotes": Bad(
        "#include <dlib/dnn.h>\nrelu<input<1,2,2>>",
        "by a quoted path",
        "#include <dlib/dnn.h>",
        (1, 1),
        help="leave out",
    ),
    "nothing but space": Bad("\n", "defines no network", None, help="such as fc<10"),
    "nothing but a comment": Bad("// fc<10,input>\n", "defines no network", None, help="fc<10"),
    "blocks only": Bad(
        "using b = relu<fc<3>>;", "no complete network", "b", (1, 7), note="found blocks: b"
    ),
    "no input": Bad("fc<10,relu<fc<3>>>", "applied to nothing", "fc", (1, 12), help="input<3,"),
    "no subnet at all": Bad("relu<>", "'relu' is applied to nothing", "relu", (1, 1)),
}  # fmt: skip

MEANING = {
    "unknown way of starting weights": Bad(
        "fc<10,init=he_fanout,input<1,8,8>>",
        "there is no way of starting weights called 'he_fanout'",
        "he_fanout",
        (1, 12),
        note="expected one of dlib, torch,",
        help="did you mean 'he_fan_out'?",
    ),
    "unknown way in the opening comment": Bad(
        "// A net.\n// init: torch, fc 0.01 zero\nfc<10,input<1,8,8>>",
        "there is no way of starting weights called 'zero'",
        "zero",
        (2, 25),
        help="did you mean 'zeros'?",
    ),
    "weights of a layer that has none": Bad(
        "// init: conv torch\nfc<10,con<4,3,3,1,1,input<1,8,8>>>",
        "'conv' is neither a kind of layers with weights nor a way to start them",
        "conv",
        (1, 10),
        help="did you mean 'con'?",
    ),
    "too many ways": Bad(
        "// init: fc 0.01 torch zeros\nfc<10,input<1,8,8>>",
        "the init fact has a rule for weights, and perhaps one for biases",
        "fc 0.01 torch zeros",
        (1, 10),
    ),
    "a skip without its tag": Bad(
        "fc<10,skip1<relu<input<1,28,28>>>>",
        "there is no tag1",
        "skip1",
        (1, 7),
        note="visible here: none",
        help="tag1<...>",
    ),
    "an add_prev of another tag": Bad(
        "add_prev2<relu<tag1<input<1,28,28>>>>",
        "there is no tag2",
        "add_prev2",
        note="visible here: tag1",
        help="tag2<...>",
    ),
    "a tag behind the skip": Bad(
        "tag1<add_prev1<relu<input<1,8,8>>>>", "there is no tag1", "add_prev1", (1, 6)
    ),
    "a tag inside a branch": Bad(
        "add_prev1<residual<tag1<relu>,input<1,8,8>>>", "there is no tag1", "add_prev1", (1, 1)
    ),
    "use before definition": Bad(
        "using net = fc<10,body<input<1,2,2>>>;\n"
        "template <typename SUBNET> using body = relu<SUBNET>;",
        "'body' is defined later, at line 2",
        "body",
        (1, 19),
        help="move it up",
    ),
    "a template of itself": Bad(
        "template <typename SUBNET>\nusing body = relu<body<SUBNET>>;\nbody<input<1,2,2>>",
        "'body' is defined by itself",
        "body",
        (2, 19),
        note="never recurse",
        help="repeat",
    ),
    "two inputs of different size": Bad(
        "parallel<relu<input<1,2,2>>,relu<input<1,3,3>>>",
        "two inputs of one network disagree",
        "input",
        (1, 15),
        note="this one is input 1×2×2\nthe one at line 1, column 34 is input 1×3×3",
    ),
    "two inputs of different kind": Bad(
        "parallel<\nrelu<input_rgb_image_sized<8>>,\nrelu<input<3,8,8>>>",
        "two inputs of one network disagree",
        "input_rgb_image_sized",
        (2, 6),
        note="line 3, column 6",
    ),
    "division by zero": Bad("fc<10/0,input<1,2,2>>", "division by zero", "10/0", (1, 4)),
    "remainder by zero": Bad("fc<10%0,input<1,2,2>>", "division by zero", "10%0", (1, 4)),
    "division by a constant that is zero": Bad(
        "const int n = 2;\nconst int m = 8 / (n - 2) + 1;\nfc<m,input<1,2,2>>",
        "division by zero",
        "8 / (n - 2) + 1",
        (2, 15),
    ),
    "a function of nothing known": Bad(
        "fc<sqr(3),input<1,2,2>>", "unknown function 'sqr'", "sqr", help="did you mean 'sqrt'?"
    ),
    "a number of 5000 digits": Bad(f"fc<{'9' * 5000},input<1,2,2>>", "too large", "9" * 5000),
    "a number of 400 digits": Bad(f"dropout<{'9' * 400},input<1,2,2>>", "too large", "9" * 400),
    "an infinite number": Bad("leaky_relu<1e999%2,input<1,2,2>>", "too large", "1e999", (1, 12)),
    "a product beyond all sizes": Bad(
        f"fc<{'*'.join(['999999999'] * 30)},input<1,2,2>>",
        "too large",
        "*".join(["999999999"] * 30),
    ),
    "-D that is not there": Bad(
        "param int classes = 10;\nfc<classes,input<3,28,28>>",
        "-D clases: the spec has no parameter",
        None,
        note="its parameters are: classes",
        help="did you mean 'classes'?",
        settings={"clases": 10},
    ),
    "-D without parameters": Bad(
        "relu<input<1,2,2>>", "-D n:", None, note="are: none", settings={"n": 1}
    ),
    "-D of words for a number": Bad(
        "param int classes = 10;\nfc<classes,input<3,28,28>>",
        "-D classes=many: expected a whole number, found 'many'",
        None,
        settings={"classes": "many"},
    ),
    "-D of a fraction for a whole number": Bad(
        "param int classes = 10;\nfc<classes,input<3,28,28>>",
        "expected a whole number",
        None,
        settings={"classes": 2.5},
    ),
    "-D of a number for true or false": Bad(
        "param bool aux = false;\nwhen<aux,relu,input<3,8,8>>",
        "-D aux=2: expected true or false",
        None,
        settings={"aux": 2},
    ),
    "-D out of range": Bad(
        "param int classes = 10;\nfc<classes,input<3,28,28>>",
        "out of range",
        "classes",
        (2, 4),
        note="found 0",
        settings={"classes": 0},
    ),
    "a parameter twice": Bad(
        "param int n = 1;\nparam int n = 2;\nfc<n,input<1,2,2>>", "declared twice", "n", (2, 11)
    ),
    "--input of other channels": Bad(
        "fc<10,input<matrix<unsigned char>>>",
        "--input disagrees with the spec",
        "input",
        (1, 7),
        note="1 channel, --input 3×28×28 has 3",
        help="input<matrix<rgb_pixel>> takes them",
        settings={"input": "3x28x28"},
    ),
    "--input that is no size": Bad(
        "fc<10,input<3,28,28>>", "expected CxHxW", None, settings={"input": "224"}
    ),
    "--net that is not there": Bad(
        "using features = relu<input<1,2,2>>;",
        "there is no network 'feature'",
        None,
        note="features",
        help="did you mean 'features'?",
        settings={"net": "feature"},
    ),
    "an include that is not there": Bad(
        '#include "blocks/resnett.arch"\nrelu<input<1,2,2>>',
        "there is no file",
        '"blocks/resnett.arch"',
        (1, 10),
        help="did you mean 'blocks/resnet.arch'?",
    ),
    "an include from a text that has no folder": Bad(
        '#include "../specs/blocks/../../x.arch"\nrelu<input<1,2,2>>',
        "may not leave",
        '"../specs/blocks/../../x.arch"',
    ),
}

SHAPES = {
    "a concatenation of different sizes": Bad(
        "parallel<con<4,3,3,2,2>,con<4,3,3,1,1>,input<1,28,28>>",
        "a concatenation of feature maps of different sizes",
        "parallel",
        (1, 1),
        note=f"found 4×{(28 - 3) // 2 + 1}×13 from branch 1 and 4×28×28 from branch 2",
    ),
    "a sum of different channels": Bad(
        "residual<con<8,3,3,1,1>,input<4,28,28>>",
        "a sum of tensors of different shapes",
        "residual",
        note="8×28×28 and 4×28×28",
        help="1×1 convolution",
    ),
    "a sum of different strides": Bad(
        "residual<con<8,2,2,2,2>,input<4,28,28>>",
        "a sum of tensors of different shapes",
        "residual",
        note="8×14×14 and 4×28×28",
        help="stride",
    ),
    "a sum of a map and tokens": Bad(
        "add_prev1<tokens<tag1<input<4,1,1>>>>", "tensors of different kinds", "add_prev1", (1, 1)
    ),
    "a filter larger than its input": Bad(
        "con<4,9,7,2,2,input<1,6,28>>",
        "the 9×7 window of con is larger than its input",
        "con",
        (1, 1),
        note="a height of at least 9, found 1×6×28",
    ),
    "a filter wider than its padded input": Bad(
        "con<4,2,9,2,2,padding=1,input<1,28,6>>",
        "larger than its input",
        "con",
        note="a width of at least 7, found 1×28×6 (padded to 8)",
    ),
    "a dilated filter larger than its input": Bad(
        "con<4,3,3,2,2,dilation=4,input<1,8,8>>", "window of con is larger", "con", note="least 9"
    ),
    "a pool larger than its input": Bad(
        "max_pool<9,9,2,2,input<1,6,28>>", "9×9 window of max_pool is larger", "max_pool"
    ),
    "a pool that is all padding": Bad(
        "max_pool<3,3,2,2,padding=3,input<1,9,9>>", "as large as its window", "max_pool", note="3"
    ),
    "groups that do not divide": Bad(
        "con<6,3,3,groups=4,input<6,8,8>>", "4 groups do not divide 6 input channels", "con"
    ),
    "groups that do not divide the filters": Bad(
        "con<6,3,3,groups=4,input<8,8,8>>", "4 groups do not divide 6 filters", "con"
    ),
    "groups of a normalisation": Bad(
        "group_norm<4,input<6,8,8>>", "4 groups do not divide 6 channels", "group_norm"
    ),
    "fc on an unknown size": Bad(
        "fc<10,input<matrix<float>>>",
        "fc needs an input of known size",
        "fc",
        (1, 1),
        note="1×?×?",
        help="--input CxHxW",
    ),
    "softmax_all on an unknown size": Bad(
        "softmax_all<input<matrix<float>>>", "known size", "softmax_all", help="--input CxHxW"
    ),
    "a convolution behind fc": Bad(
        "fc<10,con<6,3,3,2,2,fc<10,input<1,8,8>>>>",
        "the 3×3 window of con is larger than its input",
        "con",
        (1, 7),
        note="found 10×1×1",
    ),
    "a convolution of tokens": Bad(
        "fc<10,con<6,3,3,tokens<input<1,8,8>>>>",
        "con needs a feature map",
        "con",
        (1, 7),
        note="64",
    ),
    "a gate of other channels": Bad(
        "scale<con<4,1,1,avg_pool_everything>,input<8,6,6>>",
        "one number per channel",
        "scale",
        note="expected 1×6×6 or 8×1×1, found 4×1×1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments(name: str) -> None:
    expect(ARGUMENTS[name])


@pytest.mark.parametrize("name", SYNTAX)
def test_syntax(name: str) -> None:
    expect(SYNTAX[name])


@pytest.mark.parametrize("name", MEANING)
def test_names_and_settings(name: str) -> None:
    expect(MEANING[name])


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str) -> None:
    expect(SHAPES[name])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("sqrt(0-4)", "sqrt cannot be computed"),
        ("round(1,2)", "round takes 1 argument, found 2"),
        ("make_divisible(8)", "make_divisible takes 2 arguments, found 1"),
        ("make_divisible(8,0)", "make_divisible cannot be computed"),
        ("max()", "max takes at least one argument, found 0"),
        ("ceil(1e300)", "too large"),
    ],
)
def test_functions(call: str, message: str) -> None:
    (error,) = errors_of(f"leaky_relu<1 + {call},input<1,2,2>>")
    assert message in error.message
    assert error.span is not None
    assert error.span.position == (1, 16)


STAGES = """\
template <int N, typename SUBNET>
using block = residual<con<N,3,3,2,2>,SUBNET>;
template <int N, typename SUBNET> using stage = relu<block<2*N,SUBNET>>;
using net_type = fc<10,stage<4,con<8,3,3,1,1,input<1,28,28>>>>;
"""


def test_the_expansions_that_led_to_an_error() -> None:
    (error,) = errors_of(STAGES)
    assert error.span is not None
    assert (error.span.text, error.span.position) == ("residual", (2, 15))
    assert "found 8×13×13 and 8×28×28" in error.notes[0]
    found = [(f.instance, f.span.text, f.span.position) for f in error.frames]
    assert found == [("block<8>", "block", (3, 54)), ("stage<4>", "stage", (4, 24))]
    assert str(error).splitlines()[-2:] == [
        "  in block<8>, expanded at <text>:3:54",
        "  in stage<4>, expanded at <text>:4:24",
    ]


def test_a_message_underlines_what_it_means() -> None:
    (error,) = errors_of("fc<10,\n  rleu<input<1,28,28>>>")
    lines = str(error).splitlines()
    assert lines[0] == "<text>:2:3: error[E101]: unknown layer or template 'rleu'"
    shown, under = lines[1], lines[2]
    assert shown[under.index("^") : under.rindex("^") + 1] == "rleu"


def test_several_errors_come_together() -> None:
    """Reading goes on behind an error: both syntax errors, both unknown layers, both shapes."""
    both = errors_of("using a = relu<;\nusing b = fc<10,,relu<input<1,2,2>>>;")
    assert [d.span.position[0] for d in both if d.span] == [1, 2]
    both = errors_of("rleu<fc<10,rulu<input<1,2,2>>>>")
    assert [d.span.text for d in both if d.span] == ["rleu", "rulu"]
    both = errors_of("parallel<con<4,9,9,2,2>,max_pool<9,9,2,2>,input<1,6,6>>")
    assert [d.span.text for d in both if d.span] == ["con", "max_pool"]


def test_layers_behind_an_error_are_not_judged() -> None:
    errors = errors_of("max_pool<50,50,2,2,relu<con<4,9,9,2,2,input<1,6,6>>>>")
    assert [d.span.text for d in errors if d.span] == ["con"]


def test_padding_with_zeros_is_a_warning() -> None:
    network = archdsl.load("add_prev1<max_pool<2,2,2,2,tag1<input<3,8,8>>>>").check()
    (warning,) = network.warnings
    assert warning.severity == "warning"
    assert "3×4×4 and 3×8×8" in warning.message
    assert warning.span is not None and warning.span.text == "add_prev1"
    assert archdsl.load("add_prev1<relu<tag1<input<3,8,8>>>>").check().warnings == ()


# ---- size ----


def refused_quickly(text: str, **settings: Any) -> Diagnostic:
    archdsl.load("relu<input<1,2,2>>")  # the parser's tables are made on first use
    start = time.process_time()
    first = errors_of(text, **settings)[0]
    assert time.process_time() - start < 2
    return first


def doubling(count: int) -> str:
    """Templates d0, d1, ... each of which applies the one before it twice."""
    lines = ["template <typename SUBNET> using d0 = relu<SUBNET>;"]
    for n in range(1, count + 1):
        lines.append(f"template <typename SUBNET> using d{n} = d{n - 1}<d{n - 1}<SUBNET>>;")
    return "\n".join([*lines, f"using net_type = d{count}<input<1,2,2>>;"])


def test_a_repeat_of_a_thousand_million() -> None:
    error = refused_quickly("repeat<1000000000,relu,input<1,2,2>>")
    assert error.span is not None and error.span.text == "repeat"
    assert "more than 1,000,000 layers" in error.message
    assert "repeat<1,000,000,000>" in "\n".join(error.notes)


def test_a_repeat_inside_a_template_names_the_template() -> None:
    error = refused_quickly(
        "template <int N, typename SUBNET> using tower = repeat<N,relu<fc<3>>,SUBNET>;\n"
        "using net_type = tower<1000000000,input<1,2,2>>;"
    )
    assert error.span is not None and error.span.text == "repeat"
    assert f"{2 * 10**9:,}" in error.notes[0]
    assert "tower<1000000000>" in error.notes[1]


def test_sixty_four_doublings() -> None:
    """d20 has 2^20 layers, the first beyond the limit, so d20 is the one that grows."""
    error = refused_quickly(doubling(64))
    assert "more than 1,000,000 layers" in error.message
    assert f"'d20' alone expands to {2**20:,}" in error.notes[0]
    assert error.span is not None and error.span.text == "d20"


def test_parallel_doublings() -> None:
    lines = ["template <typename SUBNET> using d0 = relu<SUBNET>;"]
    for n in range(1, 65):
        lines.append(f"template <typename SUBNET> using d{n} = parallel<d{n - 1},d{n - 1},SUBNET>;")
    error = refused_quickly("\n".join([*lines, "using net_type = d64<input<1,2,2>>;"]))
    assert "more than 1,000,000 layers" in error.message


def test_a_template_with_ever_new_arguments() -> None:
    """Each level makes two new instances of the one below: 2^n different ones, few layers each."""
    lines = ["template <int N, typename SUBNET> using e0 = leaky_relu<N,SUBNET>;"]
    for n in range(1, 21):
        lines.append(
            f"template <int N, typename SUBNET> using e{n} = e{n - 1}<2*N,e{n - 1}<2*N+1,SUBNET>>;"
        )
    error = refused_quickly("\n".join([*lines, "using net_type = e20<1,input<1,2,2>>;"]))
    assert "10,000 different template instances" in error.message


def chain(levels: int) -> str:
    lines = ["template <typename SUBNET> using c1 = relu<SUBNET>;"]
    for n in range(2, levels + 1):
        lines.append(f"template <typename SUBNET> using c{n} = c{n - 1}<SUBNET>;")
    return "\n".join([*lines, f"using net_type = c{levels}<input<1,2,2>>;"])


def test_levels_of_templates() -> None:
    assert len(archdsl.load(chain(256)).check().graph) == 2
    error = refused_quickly(chain(257))
    assert "more than 256 levels deep" in error.message
    assert error.help is not None and "repeat" in error.help and "--max-levels" in error.help
    assert len(archdsl.load(chain(300), limits=Limits(levels=300)).check().graph) == 2


def test_limits_can_be_set() -> None:
    text = "repeat<10,relu,input<1,2,2>>"
    assert len(archdsl.load(text, limits=Limits(layers=11)).graph) == 11
    error = refused_quickly(text, limits=Limits(layers=10))
    assert "more than 10 layers" in error.message
    assert error.help is not None and "--max-layers" in error.help
    instances = "template <int N, typename S> using f = fc<N,S>;\nf<1,f<2,f<3,input<1,2,2>>>>"
    assert len(archdsl.load(instances, limits=Limits(instances=3)).graph) == 4
    error = refused_quickly(instances, limits=Limits(instances=2))
    assert "more than 2 different template instances" in error.message


# ---- depth ----

DEEP = 10_000


def test_ten_thousand_nested_layers() -> None:
    text = "relu<" * DEEP + "input<1,2,2>" + ">" * DEEP
    assert len(archdsl.load(text).check().graph) == DEEP + 1


@pytest.mark.parametrize("missing", [1, 17, DEEP])
def test_ten_thousand_nested_layers_without_closers(missing: int) -> None:
    text = "relu<" * DEEP + "input<1,2,2>" + ">" * (DEEP - missing)
    error = refused_quickly(text)
    assert error.message == ("a '>' is missing" if missing == 1 else f"{missing} '>' are missing")
    assert len(str(error)) < 2000


@pytest.mark.parametrize("extra", [1, 17, DEEP])
def test_ten_thousand_nested_layers_with_closers_too_many(extra: int) -> None:
    text = "relu<" * DEEP + "input<1,2,2>" + ">" * (DEEP + extra)
    error = refused_quickly(text)
    assert error.message == f"{'one' if extra == 1 else extra} '>' too many"
    assert error.span is not None and error.span.start == len(text) - extra


@pytest.mark.parametrize(
    "text",
    [
        "fc<" + "(" * DEEP + "3" + ")" * DEEP + ",input<1,2,2>>",
        "fc<" + "-" * DEEP + "3,input<1,2,2>>",
        "fc<" + "+".join(["1"] * DEEP) + ",input<1,2,2>>",
        "const bool b = " + "!" * DEEP + "true;\nwhen<b,relu,input<1,2,2>>",
    ],
    ids=["parentheses", "signs", "sums", "negations"],
)
def test_deep_arithmetic(text: str) -> None:
    assert len(archdsl.load(text).check().graph) == 2


def test_deep_parentheses_without_an_end() -> None:
    error = refused_quickly("fc<" + "(" * DEEP + "3,input<1,2,2>>")
    assert "')'" in error.notes[0]


def test_deep_blocks() -> None:
    """Blocks inside blocks, each inside a combinator."""
    depth = 2000
    text = "compose<" * depth + "relu" + ">" * depth
    assert len(archdsl.load(f"compose<{text},input<1,2,2>>").check().graph) == 2

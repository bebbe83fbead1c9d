"""Warnings: when they fire, when they do not, and how they are allowed."""

from pathlib import Path

import pytest
from support.commands import run

import archdsl
from archdsl.diagnostics import Diagnostic


def advice(text: str) -> tuple[Diagnostic, ...]:
    return archdsl.load(text).advice


def codes(text: str) -> list[str | None]:
    return [d.code for d in advice(text)]


def places(text: str) -> list[tuple[str | None, str]]:
    return [(d.code, d.span.text) for d in advice(text) if d.span is not None]


# ---- definitions ----


def test_unused_definitions() -> None:
    text = """\
const int n = 3;
const int m = n + 1;
param int classes = 10;
template <int K, typename S> using used = fc<K,S>;
template <int N, typename S> using unused = used<N+m,S>;
using net_type = used<classes,input<1,2,2>>;
"""
    assert places(text) == [("W001", "n"), ("W001", "m"), ("W001", "unused")]
    assert codes(text.replace("used<classes", "unused<classes")) == []


def test_what_a_namespace_or_a_struct_uses_is_used() -> None:
    text = "const int n = 3;\nnamespace c {{ {} }}\nfc<2,c::b<input<1,2,2>>>"
    assert codes(text.format("template <typename S> using b = fc<n,S>;")) == []
    text = "const int n = 3;\nstruct c {{ {} }};\nfc<2,c::b<input<1,2,2>>>"
    assert codes(text.format("template <typename S> using b = fc<n,S>;")) == []


def test_what_a_program_does_not_use_is_not_known(tmp_path: Path) -> None:
    program = tmp_path / "net.cpp"
    program.write_text(
        "template <typename S> using a = fc<3,S>;\nusing net_type = fc<2,input<matrix<float,2,2>>>;"
    )
    assert archdsl.load(program).advice == ()


def test_other_networks_of_a_text_are_meant() -> None:
    assert codes("using small = fc<3,input<1,2,2>>;\nusing large = fc<9,input<1,2,2>>;") == []


def test_what_an_include_may_use_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / "b.arch").write_text("template <typename S> using b = fc<n,S>;")
    spec = tmp_path / "a.arch"
    spec.write_text('const int n = 3;\n#include "b.arch"\nconst int m = 3;\nb<input<1,2,2>>')
    assert [d.span.text for d in archdsl.load(spec).advice if d.span] == ["m"]


def test_a_definition_that_is_shadowed_is_used() -> None:
    text = "template <typename S> using b = fc<3,S>;\n"
    text += "template <typename S> using b = relu<b<S>>;\nfc<2,b<input<1,2,2>>>"
    assert codes(text) == []


# ---- tags ----


@pytest.mark.parametrize(
    "used",
    [
        "add_prev1<relu<tag1<input<8,4,4>>>>",
        "concat2<tag2,tag1,tag2<relu<tag1<input<8,4,4>>>>>",
        "scale<tag1,fc<8,tag1<input<8,4,4>>>>",
        "resize_prev_to_tagged1<max_pool<2,2,2,2,tag1<input<8,4,4>>>>",
        "at<p,relu<tap<p,input<8,4,4>>>>",
        "template <typename S> using t = add_tag_layer<77,S>;\n"
        "template <typename S> using s = add_skip_layer<t,S>;\ns<relu<t<input<8,4,4>>>>",
    ],
)
def test_tags_that_are_used(used: str) -> None:
    assert codes(used) == []


def test_tags_that_are_not() -> None:
    assert places("add_prev1<relu<tag1<relu<tag2<input<8,4,4>>>>>>") == [("W002", "tag2")]
    assert places("relu<tap<p,con<3,1,1,input<8,4,4>>>>") == [("W002", "tap")]


# ---- borders ----


@pytest.mark.parametrize(
    ("layer", "size", "lost"),
    [
        ("max_pool<2,2,2,2", 7, True),  # 7 = 3·2 + 1
        ("max_pool<2,2,2,2", 8, False),
        ("max_pool<2,2,2,2", 15, False),  # one of 15 is less than a twelfth
        ("max_pool<2,2,2,2,ceil_mode=true", 7, False),
        ("max_pool<3,3,2,2", 8, True),  # windows end at 3, 5, 7
        ("max_pool<3,3,2,2,padding=1", 8, False),  # at 2, 4, 6, 8
        ("max_pool<1,1,2,2", 8, False),  # leaves out every second cell anyway
        ("con<4,3,3,2,2", 6, True),  # windows end at 3, 5
        ("con<4,3,3,2,2", 7, False),
        ("con<4,3,3,2,2,dilation=2", 8, True),  # windows end at 5, 7
        ("avg_pool_everything", 7, False),
    ],
)
def test_rows_that_no_window_sees(layer: str, size: int, lost: bool) -> None:
    separator = "," if "<" in layer else "<"
    text = f"fc<3,{layer}{separator}input<4,{size},{size}>>>"
    assert ("W004" in codes(text)) is lost


def test_rows_and_columns_are_told_apart() -> None:
    (found,) = advice("fc<3,max_pool<2,2,2,2,input<4,8,7>>>")
    assert "the last column" in found.message


# ---- endings ----


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ("relu<fc<3,{}>>", True),
        ("softmax<fc<3,{}>>", False),
        ("sig<fc<3,{}>>", False),
        ("loss_multiclass_log<softmax<fc<3,{}>>>", True),
        ("loss_multiclass_log<relu<fc<3,{}>>>", True),
        ("loss_binary_log<sig<fc<1,{}>>>", True),
        ("loss_mean_squared<sig<fc<1,{}>>>", False),
        ("loss_metric<sig<fc<1,{}>>>", False),
        ("loss_binary_hinge<htan<fc<1,{}>>>", False),
        ("loss_multiclass_log<fc<3,{}>>", False),
        ("loss_multiclass_log<fc<3,relu<fc<3,{}>>>>", False),
        ("relu<con<3,1,1,{}>>", False),
    ],
)
def test_activations_at_the_end(text: str, fires: bool) -> None:
    assert (codes(text.format("input<1,2,2>")) == ["W005"]) is fires


# ---- biases ----


@pytest.mark.parametrize(
    ("text", "fires"),
    [
        ("relu<batch_norm<con<8,3,3,1,1,{}>>>", True),
        ("relu<bn_con<con<8,3,3,1,1,{}>>>", True),
        ("relu<bn_con<con<8,3,3,1,1,bias=false,{}>>>", False),
        ("relu<layer_norm<con<8,3,3,1,1,{}>>>", False),
        ("bn_con<relu<con<8,3,3,1,1,{}>>>", False),
        ("add_prev1<bn_con<tag1<con<8,3,3,1,1,{}>>>>", False),  # the sum sees it
    ],
)
def test_biases_before_normalisation(text: str, fires: bool) -> None:
    assert (codes(text.format("input<3,8,8>")) == ["W006"]) is fires


# ---- fields ----


def test_fields_smaller_than_the_input() -> None:
    """A window of 3 sees 3; two of them 5; stride 8 and then 3 see 8 + 2·8 = 24."""
    (found,) = advice("fc<9,avg_pool_everything<con<4,3,3,1,1,input<3,16,16>>>>")
    assert found.code == "W007" and "each sees 3×3 of 16×16 pixels" in found.notes
    assert codes("fc<9,avg_pool_everything<con<4,3,3,1,1,con<4,8,8,8,8,input<3,16,16>>>>>") == []
    assert codes("fc<9,con<4,3,3,1,1,input<3,16,16>>>") == []  # fc sees places apart
    # The gate of squeeze and excitation decides nothing by itself.
    gate = "residual<scale<con<3,1,1,avg_pool_everything>>,input<3,16,16>>"
    assert codes(f"fc<9,{gate}>") == []


# ---- allowing ----

WARNED = "using a = fc<3,relu<tag1<input<1,2,2>>>>;\nusing b = fc<3,relu<tag1<input<1,2,2>>>>;\n"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (WARNED, 1),  # of b, the network; a is another
        ("// archdsl: allow W002, a program reads it\n" + WARNED, 0),
        (WARNED.replace("\nusing b", "\n// archdsl: allow W002\nusing b"), 0),
        (WARNED.rstrip() + "  // archdsl: allow W001, W002", 0),
        (WARNED.replace(";\nusing b", "; // archdsl: allow W002\nusing b"), 1),  # that is a's
        (WARNED.replace("using a", "const int n = 3; using a"), 2),
        (WARNED.rstrip() + " // archdsl: allow W003", 1),
        (WARNED.rstrip() + " // we allow W002", 1),
    ],
)
def test_comments_that_allow(text: str, left: int) -> None:
    assert len(advice(text)) == left


def test_a_comment_in_an_included_file(tmp_path: Path) -> None:
    block = "template <typename S> using b = relu<tag1<S>>;\n"
    spec = tmp_path / "a.arch"
    spec.write_text('#include "b.arch"\nfc<3,b<input<1,2,2>>>')
    (tmp_path / "b.arch").write_text(block)
    assert [d.code for d in archdsl.load(spec).advice] == ["W002"]
    (tmp_path / "b.arch").write_text(f"const int n = 1;\n// archdsl: allow W002\n{block}")
    assert archdsl.load(spec).advice == ()


def test_an_allowance_of_nothing() -> None:
    assert codes("// archdsl: allow W099\nfc<3,input<1,2,2>>") == ["W008"]


def test_allowed_padding_is_silent_in_python_too() -> None:
    text = "add_prev1<max_pool<2,2,2,2,tag1<input<3,8,8>>>>"
    assert [w.code for w in archdsl.load(text).warnings] == ["W003"]
    assert archdsl.load(f"// archdsl: allow W003\n{text}").warnings == ()


def test_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.arch").write_text(WARNED)
    done = run("check", "a.arch")
    assert done.exit_code == 0
    assert "a.arch:2:21: warning[W002]: nothing refers to tag1" in done.stderr
    assert done.stdout.startswith("ok a: ")
    assert run("check", "-A", "W002", "a.arch").stderr == ""
    done = run("check", "-W", "error", "a.arch")
    assert done.exit_code == 1
    assert "error[W002]" in done.stderr and done.stdout == "a.arch: 1 error\n"
    assert run("check", "-W", "error", "-A", "W002", "a.arch").exit_code == 0
    assert run("check", "-A", "W099", "a.arch").exit_code == 2
    assert run("summary", "a.arch").stderr == ""


def test_a_template_is_advised_once() -> None:
    text = "template <int N, typename S> using b = relu<bn_con<con<N,3,3,1,1,S>>>;\n"
    assert codes(text + "fc<3,b<8,b<9,input<3,8,8>>>>") == ["W006"]


def test_the_bundled_specs_are_silent() -> None:
    """What they do on purpose they say, with a reason."""
    done = run("check", "-W", "error", str(Path(archdsl.__file__).parents[1] / "specs"))
    assert done.exit_code == 0, done.stderr

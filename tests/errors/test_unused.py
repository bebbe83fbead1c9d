"""Unknown names in definitions that nothing uses are errors, as a C++ compiler has them."""

from pathlib import Path

import pytest

import archdsl

NET = "using net_type = fc<3,input<3,4,4>>;\n"


def told(text: str) -> list[tuple[str | None, str]]:
    """The code and the underlined text of each error."""
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.load(text)
    return [(d.code, d.span.text) for d in caught.value.diagnostics if d.span is not None]


@pytest.mark.parametrize(
    ("definition", "errors"),
    [
        ("template <typename S> using a = rellu<S>;", [("E101", "rellu")]),
        ("template <typename S> using a = relu<SUBNET>;", [("E101", "SUBNET")]),
        ("template <int N, typename S> using a = con<M,3,3,S>;", [("E101", "M")]),
        ("template <typename S> using a = con<8,3,3,bias=flase,S>;", [("E101", "flase")]),
        ("template <typename S> using a = con<2*width+max(w,3),3,3,S>;",
         [("E101", "width"), ("E101", "w")]),
        ("template <typename S> using a = con<rond(2.5),3,3,S>;", [("E122", "rond")]),
        ("template <int N = width, typename S> using a = con<N,3,3,S>;", [("E101", "width")]),
        ("template <typename S> using a = parallel<con<8,1,1>,rellu,S>;", [("E101", "rellu")]),
        ("template <typename S> using a = b<S>;\ntemplate <typename S> using b = relu<S>;",
         [("E102", "b")]),
        ("template <typename S> using a = relu<a<S>>;", [("E103", "a")]),
        # Behind an error the subnet is read on, the arguments of what is unknown are not.
        ("template <typename S> using a = x<y,z<con<8,3,w,S>>>;",
         [("E101", "x"), ("E101", "z"), ("E101", "w")]),
        ("template <typename S> using a = relu(S);", [("E014", "relu")]),
        ("using other = relu<rellu<input<3,4,4>>>;", [("E101", "rellu")]),
        ("rellu<input<3,4,4>>;", [("E101", "rellu")]),
    ],
)  # fmt: skip
def test_unknown_names(definition: str, errors: list[tuple[str, str]]) -> None:
    assert told(f"{definition}\n{NET}") == errors


def test_the_help_is_that_of_a_name_that_is_used() -> None:
    with pytest.raises(archdsl.ArchError) as unused:
        archdsl.load("template <typename S> using a = rellu<S>;\n" + NET)
    (found,) = unused.value.diagnostics
    assert found.help == "did you mean 'relu'?" and not found.frames


def test_errors_of_the_network_come_first_and_once() -> None:
    text = "template <typename S> using a = rellu<S>;\ntemplate <typename S> using b = rellu<S>;\n"
    with pytest.raises(archdsl.ArchError) as caught:
        archdsl.load(text + "using net_type = fc<3,b<input<3,4,4>>>;")
    used, unused = caught.value.diagnostics
    assert [frame.instance for frame in used.frames] == ["b"] and not unused.frames


@pytest.mark.parametrize(
    "definition",
    [
        "template <typename S> using a = tap<c2,relu<at<c1,S>>>;",  # names of places
        "template <typename S> using a = fpn<con<8,1,1>,con<8,3,3>,c2,c3,S>;",
        "template <typename S> using a = outputs<boxes=fc<4>,scores=fc<2>,S>;",
        "template <typename S> using a = branch<aux,fc<4>,S>;",
        "template <template <typename> class ACT, typename S> using a = ACT<con<8,3,3,S>>;",
        "template <template <int, typename> class B, int N, typename S> using a = B<N,S>;",
        "template <typename S> using a = add_prev3<relu<tag3<S>>>;",
        "using pixel = rgb_pixel;\nusing a = input<matrix<pixel>>;",
        "using a = loss_metric<input_rgb_image>;",
        "template <typename S> using a = conditional_t<true,relu<S>,sig<S>>;",
        "template <typename S> using a = dlib::relu<S>;",
        "namespace m { template <typename S> using a = relu<S>; }\n"
        "template <typename S> using b = m::a<S>;",
        "template <int N, typename P> using b = con<N,3,3,1,1,input<matrix<P>>>;\n"
        "using a = b<N=2,P=rgb_pixel>;",
        "template <typename T, typename S> struct d { using a = T; using b = relu<a>; };",
    ],
)
def test_what_has_a_meaning(definition: str) -> None:
    archdsl.load(f"{definition}\n{NET}").check()


def test_included_files_are_read_as_well_and_programs_are_not(tmp_path: Path) -> None:
    block = "template <typename S> using a = rellu<S>;\n"
    (tmp_path / "a.arch").write_text(block)
    (tmp_path / "a.h").write_text(block)
    for suffix in ("arch", "h"):
        (tmp_path / f"{suffix}.arch").write_text(f'#include "a.{suffix}"\n{NET}')
    with pytest.raises(archdsl.ArchError, match="rellu"):
        archdsl.load(tmp_path / "arch.arch")
    archdsl.load(tmp_path / "h.arch").check()


def test_many_mistakes_end_at_a_limit() -> None:
    """There are no more messages than someone reads, and no search for a near name beyond."""
    text = "".join(f"template <typename S> using a{k} = x{k}<S>;\n" for k in range(3000))
    assert len(told(text + NET)) == 50

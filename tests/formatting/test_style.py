"""The style itself, by examples written by hand."""

import pytest

from archdsl.diagnostics import ArchError
from archdsl.diagnostics.source import Source
from archdsl.frontend.format import formatted


def fmt(text: str, **how: bool) -> str:
    return formatted(Source("spec.arch", text), **how)


def becomes(before: str, after: str, **how: bool) -> None:
    """One text gives the other, which stays as it is."""
    after = after.removeprefix("\n")
    assert fmt(before, **how) == after
    assert fmt(after, **how) == after


def stays(text: str) -> None:
    becomes(text, text)


LENET_IN_A_LINE = (
    "using net_type=loss_multiclass_log<fc<10,relu<fc<84,relu<fc<120,max_pool<2,2,2,2,relu<con<16,"
    "5,5,1,1,max_pool<2,2,2,2,relu<con<6,5,5,1,1,input<matrix<unsigned char>,28,28>>>>>>>>>>>>>;"
)


def test_a_net_in_one_line_gets_a_line_per_layer() -> None:
    becomes(
        LENET_IN_A_LINE,
        """
using net_type = loss_multiclass_log<fc<10,
                 relu<fc<84,
                 relu<fc<120,
                 max_pool<2,2,2,2,
                 relu<con<16,5,5,1,1,
                 max_pool<2,2,2,2,
                 relu<con<6,5,5,1,1,
                 input<matrix<unsigned char>,28,28>>>>>>>>>>>>>;
""",
    )


def test_dlibs_introduction_keeps_its_lines() -> None:
    # The closers of dlib's examples stand on a line of their own.
    becomes(
        """using net_type = loss_multiclass_log<
                                fc<10,
                                relu<fc<84,
                                max_pool<2,2,2,2,relu<con<6,5,5,1,1,
                                input<matrix<unsigned char>>
                                >>>>>>>;
""",
        """
using net_type = loss_multiclass_log<
                 fc<10,
                 relu<fc<84,
                 max_pool<2,2,2,2,relu<con<6,5,5,1,1,
                 input<matrix<unsigned char>>>>>>>>>;
""",
    )


def test_lines_are_indented_by_the_value_or_by_four() -> None:
    for indent in (1, 2, 8):
        becomes(
            f"using net_type = fc<10,\n{' ' * indent}relu<con<6,5,5,1,1,\n input<1,28,28>>>>;",
            "using net_type = fc<10,\n    relu<con<6,5,5,1,1,\n    input<1,28,28>>>>;\n",
        )
    becomes(
        "using net_type = fc<10,\n\t\t  relu<con<6,5,5,1,1,\ninput<1,28,28>>>>;",
        f"using net_type = fc<10,\n{' ' * 17}relu<con<6,5,5,1,1,\n{' ' * 17}input<1,28,28>>>>;\n",
    )


def test_spaces_have_one_form() -> None:
    becomes(
        """#  include   "blocks/vgg.arch"
param   int classes=1000 ;const
int n=( classes - 4 )/  6; using   namespace dlib ;
template< int N ,bool B=true,typename ...T >using a=con < N , 3,3 ,padding = 2*n , T > ;
template <template<int,typename>class B,typename SUBNET>using b=when<n==3&& !flag,B<4 > ,SUBNET> ;
""",
        """
#include "blocks/vgg.arch"
param int classes = 1000;
const int n = (classes - 4)/6;
using namespace dlib;
template <int N, bool B = true, typename... T> using a = con<N,3,3,padding=2*n,T>;
template <template <int, typename> class B, typename SUBNET>
using b = when<n == 3 && !flag, B<4>, SUBNET>;
""",
    )


def test_groups_and_columns_of_a_table_stay() -> None:
    stays("using a = inception<128, 128,192, 32,96, 64, SUBNET>;\n")
    stays(
        """using net_type = fc<classes,
    bneck<96, 5, 576, 96, true,  hardswish, 1,
    bneck<24, 5, 96,  40, true,  hardswish, 2,
    bneck<24, 3, 88,  24, false, relu,      1,
    inception< 96, 128,192, 160,192,
    inception<160, 128,160, 128,160,
    reduction<      28,160,  64, 96,
    input<3,224,224>>>>>>>>;
"""
    )


def test_spaces_that_align_nothing_do_not_stay() -> None:
    becomes(
        "using a = b<1,   2,\n    c< 3,4,\n    input<1,2,3>>>;",
        "using a = b<1, 2,\n    c<3,4,\n    input<1,2,3>>>;\n",
    )


def test_branches_are_below_one_another_and_the_network_goes_on_below_them_all() -> None:
    stays(
        """template <int N, typename SUBNET>
using inception = parallel<
    conv<N,1,1>,
    conv<N,3,3,conv<N,1,1>>,
    SUBNET>;
"""
    )
    becomes(
        "using a = relu<parallel<conv<64,1,1>, conv<96,3,3,conv<128,1,1>>, "
        "conv<32,5,5,conv<16,1,1>>, max_pool<3,3,1,1>, con<64,3,3,1,1,input<3,224,224>>>>;",
        """
using a = relu<parallel<conv<64,1,1>,
                        conv<96,3,3,conv<128,1,1>>,
                        conv<32,5,5,conv<16,1,1>>,
                        max_pool<3,3,1,1>,
          con<64,3,3,1,1,
          input<3,224,224>>>>;
""",
    )


def test_heads_of_templates_have_a_line_where_the_whole_does_not_fit() -> None:
    stays("template <typename SUBNET> using pool = max_pool<3,3,2,2,SUBNET>;\n")
    stays("template <typename SUBNET>\nusing pool = max_pool<3,3,2,2,SUBNET>;\n")
    becomes(
        "template <typename SUBNET> using pool = max_pool<3,3,2,2,\n  relu<SUBNET>>;",
        "template <typename SUBNET>\nusing pool = max_pool<3,3,2,2,\n    relu<SUBNET>>;\n",
    )
    becomes(
        "template <int FIRST_NUMBER, int SECOND_NUMBER, int THIRD_NUMBER, int FOURTH_NUMBERS,"
        "typename SUBNET> using a = con<FIRST_NUMBER,SUBNET>;",
        """
template <int FIRST_NUMBER, int SECOND_NUMBER, int THIRD_NUMBER, int FOURTH_NUMBERS,
          typename SUBNET>
using a = con<FIRST_NUMBER,SUBNET>;
""",
    )


def test_comments_stay_where_they_are() -> None:
    becomes(
        """// first\t

/* second,
     of two lines   */
using net_type = fc<10,// of classes
   // above the pool
   max_pool<2,2, /* stride */ 2,2,

   /* before */ relu<con<6,5,5, // not a layer
   1,1,
   input<1,28,28>>>>> // before the end
   ; // behind it

// last""",
        """
// first

/* second,
     of two lines   */
using net_type = fc<10,  // of classes
    // above the pool
    max_pool<2,2, /* stride */ 2,2,

    /* before */ relu<con<6,5,5,  // not a layer
                          1,1,
    input<1,28,28>>>>>  // before the end
    ;  // behind it

// last
""",
    )


def test_comments_in_a_column_stay_in_a_column() -> None:
    becomes(
        "param int a = 1;       // one\nparam int bcd = 2;     // two\nparam int e = 3; // three\n"
        "\nparam int f=1;      // one\nparam int ghi=2;    // two\n",
        """
param int a = 1;  // one
param int bcd = 2;  // two
param int e = 3;  // three

param int f = 1;    // one
param int ghi = 2;  // two
""",
    )


def test_blank_lines_between_definitions_stay_one_at_most() -> None:
    becomes(
        "\n\n\nconst int a = 1;\n\n\n\nconst int b = 2; const int c = 3;\n"
        "// d\n\n\n// e\nrelu\n\n\n",
        "const int a = 1;\n\nconst int b = 2;\nconst int c = 3;\n// d\n\n// e\nrelu\n",
    )
    assert fmt("") == fmt(" \n\n") == ""


def test_closers_that_fill_more_than_a_line_are_broken() -> None:
    once = fmt("relu<" * 150 + "input<1,2,3>" + ">" * 150)
    assert max(map(len, once.splitlines())) <= 100
    assert "".join(once.split()) == "relu<" * 150 + "input<1,2,3>" + ">" * 150
    assert once.splitlines()[-1].strip(">") == ""


def test_line_ends_are_those_of_the_first_line() -> None:
    text = "// a\u2028b é\r\nusing a = fc<10,\r\n    relu<\r\n/* c\r\n d */ input<1,2,3>>>;\r\n"
    once = fmt(text)
    assert once.count("\n") == once.count("\r\n") == len(once.splitlines()) - 1
    assert fmt(once) == once
    assert once.replace("\r", "") == fmt(text.replace("\r", ""))
    assert "\r" not in fmt("relu\nrelu\r\n")


def test_scopes_of_cpp_are_left_to_their_authors() -> None:
    becomes(
        "namespace  x   {\n  using  a = relu<b> ;   \n}\nusing  c=fc<10,\n  input<1,2,3>>;",
        "namespace  x   {\n  using  a = relu<b> ;\n}\nusing c = fc<10,\n    input<1,2,3>>;\n",
    )


# ---- the order of the data ----


def test_flow_lists_layers_from_input_to_output() -> None:
    flow = """
param int classes = 10;

// The stem.
// flow: SUBNET -> con<64,7,7,2,2> -> relu -> max_pool<3,3,2,2>
template <typename SUBNET> using stem = max_pool<3,3,2,2,relu<con<64,7,7,2,2,SUBNET>>>;
using wide = repeat<3, stem>;

// flow: input<3,224,224> -> stem -> residual<con<64,3,3>, relu> -> fc<classes>
using net_type = fc<classes,
                 residual<con<64,3,3>, relu,
                 stem<
                 input<3,224,224>>>>;
"""
    plain = "\n".join(line for line in flow.split("\n") if not line.startswith("// flow"))
    becomes(plain, flow, flow=True)
    # A comment of before is renewed.
    becomes(flow.replace("-> stem", "-> trunk"), flow, flow=True)
    stays(flow.removeprefix("\n"))


# ---- the slides' notation ----


def test_close_adds_what_is_missing() -> None:
    becomes(
        "fc<10,\nrelu<fc<84,\ninput<1,28,28",
        "fc<10,\nrelu<fc<84,\ninput<1,28,28>>>>\n",
        close=True,
    )
    becomes(
        """param int n = 3
template <typename SUBNET using a = relu<con<n,3,3,SUBNET
using b = fc<10,a<input<1,2,3>; // b
static const int m = 4
using net_type = fc<m,
    b  // the end
""",
        """
param int n = 3;
template <typename SUBNET> using a = relu<con<n,3,3,SUBNET>>;
using b = fc<10,a<input<1,2,3>>>;  // b
static const int m = 4;
using net_type = fc<m,
    b>;  // the end
""",
        close=True,
    )


def test_close_adds_nothing_to_what_is_complete() -> None:
    stays("static const int m = 4;\nrelu<input<1,2,3>>\nusing a = relu<input<1,2,3>>;\n")
    text = "static const int m = 4;\nrelu<input<1,2,3>>\nusing a = relu<input<1,2,3>>;\n"
    assert fmt(text, close=True) == text


@pytest.mark.parametrize("text", ["relu<relu", "relu<relu>>", "using a = ;", "a $ b", "/* open"])
def test_errors_are_the_parsers(text: str) -> None:
    with pytest.raises(ArchError):
        fmt(text)
    if text != "relu<relu":
        with pytest.raises(ArchError):
            fmt(text, close=True)


def test_comments_longer_than_a_line_stay_where_they_are() -> None:
    words = "what an author has to say about this layer, " * 4
    text = f"""\
using net_type =
    fc<10,  // {words}end
    // {words}end
    relu<con<6,5,5,1,1,  /* {words}*/
    // {words}end
    input<1,28,28>>>>;
"""
    once = formatted(Source("x.arch", text))
    assert [line.split("//")[-1] for line in once.splitlines() if "//" in line] == [
        line.split("//")[-1] for line in text.splitlines() if "//" in line
    ]
    assert "".join(once.split()) == "".join(text.split())
    assert formatted(Source("x.arch", once)) == once


@pytest.mark.parametrize("columns", [100, 101])
def test_a_line_has_a_hundred_columns(columns: int) -> None:
    first = "using net_type = parallel<con<8,3,3,1,1>,con<16,3,3,1,1>,max_pool<3,3,1,1>,con<"
    last = ",2,2,2,2>,"
    branches = first + "2" * (columns - len(first + last)) + last
    lines = fmt(f"{branches}input<3,32,32>>;\n").splitlines()
    assert (lines[0] == branches) is (columns == 100)
    assert len(lines) == (2 if columns == 100 else 5)

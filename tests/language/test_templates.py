"""Templates, blocks, constants and network selection mean what they mean written out by hand."""

from typing import Any

import pytest

import archdsl
from archdsl.diagnostics import ArchError


def meaning(text: str, **settings: Any) -> list[tuple[Any, tuple[int, ...]]]:
    """The layers of a network in order, each with the positions of those that feed it."""
    network = archdsl.load(text, **settings).check().checked
    place = {instance.path: n for n, instance in enumerate(network.instances())}
    return [
        (instance.layer, tuple(place[path] for path in instance.inputs))
        for instance in network.instances()
    ]


def same(text: str, written_out: str, **settings: Any) -> None:
    assert meaning(text, **settings) == meaning(written_out)


IN = "input<4,16,16>"
T = "template <typename SUBNET> using "


def test_networks_that_differ_are_told_apart() -> None:
    """What the other tests rest on."""
    assert meaning(f"relu<con<4,3,3,{IN}>>") != meaning(f"con<4,3,3,relu<{IN}>>")
    assert meaning(f"con<4,3,3,{IN}>") != meaning(f"con<4,3,5,{IN}>")
    assert meaning(f"residual<relu,{IN}>") != meaning(f"residual<relu,relu,{IN}>")


@pytest.mark.parametrize(
    ("name", "text", "written_out"),
    [
        (
            "numbers",
            "template <int N, unsigned long K, typename SUBNET> using c = con<N,K,K,SUBNET>;"
            f"c<8,5,c<6,3,{IN}>>",
            f"con<8,5,5,con<6,3,3,{IN}>>",
        ),
        (
            "fractions",
            "template <float P, double Q, typename SUBNET> using d = dropout<P,dropout<Q,SUBNET>>;"
            f"d<0.25f,1e-1,{IN}>",
            f"dropout<0.25,dropout<0.1,{IN}>>",
        ),
        (
            "a whole number for a fraction",
            f"template <float P, typename SUBNET> using d = multiply<P,SUBNET>; d<2,{IN}>",
            f"multiply<2.0,{IN}>",
        ),
        (
            "truth",
            "template <bool B, typename SUBNET> using c = con<4,3,3,bias=B,SUBNET>;"
            f"c<true,c<false,c<1,c<0,{IN}>>>>",
            f"con<4,3,3,con<4,3,3,bias=false,con<4,3,3,con<4,3,3,bias=false,{IN}>>>>",
        ),
        (
            "defaults",
            "template <int N, int K = 3, int S = K - 1, typename SUBNET>"
            f"using c = con<N,K,K,S,S,SUBNET>; c<8,5,1,c<6,5,c<4,{IN}>>>",
            f"con<8,5,5,1,1,con<6,5,5,4,4,con<4,3,3,2,2,{IN}>>>",
        ),
        (
            "defaults from constants",
            "const int width = 6; template <int N = width, typename SUBNET>"
            f"using c = con<N,3,3,SUBNET>; c<c<5,{IN}>>",
            f"con<6,3,3,con<5,3,3,{IN}>>",
        ),
        (
            "named arguments",
            "template <int N, int K, int S = 1, typename SUBNET> using c = con<N,K,K,S,S,SUBNET>;"
            f"c<4,S=2,K=5,{IN}>",
            f"con<4,5,5,2,2,{IN}>",
        ),
        (
            "a type of one layer",
            f"template <typename BODY, typename SUBNET> using twice = BODY<BODY<SUBNET>>;"
            f"twice<relu,{IN}>",
            f"relu<relu<{IN}>>",
        ),
        (
            "a template that takes a network",
            "template <template <typename> class B, typename SUBNET> using twice = B<B<SUBNET>>;"
            f"{T} unit = relu<con<4,3,3,SUBNET>>; twice<unit,{IN}>",
            f"relu<con<4,3,3,relu<con<4,3,3,{IN}>>>>",
        ),
        (
            "a template that takes a number",
            "template <template <int, typename> class B, int N, typename SUBNET>"
            "using pair = B<N,B<2*N,SUBNET>>;"
            "template <int N, typename SUBNET> using c = con<N,3,3,SUBNET>;"
            f"pair<fc,3,pair<c,4,{IN}>>",
            f"fc<3,fc<6,con<4,3,3,con<8,3,3,{IN}>>>>",
        ),
        (
            "a template with its first argument given",
            "template <template <int, typename> class B, typename SUBNET> using pair ="
            "B<3,B<5,SUBNET>>;"
            "template <int N, int K, typename SUBNET> using c = con<N,K,K,SUBNET>;"
            f"pair<c<8>,{IN}>",
            f"con<8,3,3,con<8,5,5,{IN}>>",
        ),
        (
            "a template handed on",
            "template <template <int, typename> class B, typename SUBNET> using inner ="
            "B<3,SUBNET>;"
            "template <template <int, typename> class C, typename SUBNET> using outer ="
            "relu<inner<C,SUBNET>>;"
            f"template <int N, typename SUBNET> using c = con<N,1,1,SUBNET>; outer<c,{IN}>",
            f"relu<con<3,1,1,{IN}>>",
        ),
        (
            "a parameter shadows a definition",
            "const int n = 3; template <int n, typename SUBNET> using c = con<n,3,3,SUBNET>;"
            f"con<n,1,1,c<5,{IN}>>",
            f"con<3,1,1,con<5,3,3,{IN}>>",
        ),
        (
            "a parameter shadows a layer",
            "template <template <typename> class relu, typename SUBNET> using act = relu<SUBNET>;"
            f"act<sig,relu<{IN}>>",
            f"sig<relu<{IN}>>",
        ),
        (
            "a definition shadows a layer, for later ones",
            f"{T} before = relu<SUBNET>; {T} relu = sig<SUBNET>;"
            f"{T} after = relu<SUBNET>; after<before<{IN}>>",
            f"sig<relu<{IN}>>",
        ),
        (
            "a later definition shadows an earlier one",
            f"const int n = 3; {T} old = con<n,1,1,SUBNET>; const int n = 2 * n;"
            f"{T} young = con<n,1,1,SUBNET>; young<old<{IN}>>",
            f"con<6,1,1,con<3,1,1,{IN}>>",
        ),
        (
            "arguments do not leak into what is called",
            f"const int N = 7; {T} inner = con<N,1,1,SUBNET>;"
            "template <int N, typename SUBNET> using outer = con<N,3,3,inner<SUBNET>>;"
            f"outer<5,{IN}>",
            f"con<5,3,3,con<7,1,1,{IN}>>",
        ),
        (
            "the subnet need not be the last parameter",
            f"template <typename SUBNET, int N> using c = con<N,3,3,SUBNET>;c<c<{IN},4>,6>",
            f"con<6,3,3,con<4,3,3,{IN}>>",
        ),
        (
            "a template without a subnet of its own",
            f"template <int N> using unit = relu<con<N,3,3>>; unit<8,unit<6,{IN}>>",
            f"relu<con<8,3,3,relu<con<6,3,3,{IN}>>>>",
        ),
        (
            "a block without parameters",
            f"using unit = relu<con<8,3,3>>; unit<unit<{IN}>>",
            f"relu<con<8,3,3,relu<con<8,3,3,{IN}>>>>",
        ),
        (
            "a network as the innermost part of another",
            f"using features = relu<{IN}>; using net_type = fc<3,features>;",
            f"fc<3,relu<{IN}>>",
        ),
        (
            "add_layer",
            f"add_layer<fc_<10>,add_layer<con_<6,5,5,1,1,0,0>,{IN}>>",
            f"fc<10,con<6,5,5,1,1,0,0,{IN}>>",
        ),
        (
            "add_loss_layer",
            f"add_loss_layer<loss_multiclass_log_,fc<3,{IN}>>",
            f"loss_multiclass_log<fc<3,{IN}>>",
        ),
        (
            "names of dlib's",
            f"using namespace dlib; dlib::fc<3,dlib :: relu<{IN}>>",
            f"fc<3,relu<{IN}>>",
        ),
        (
            "an unnamed parameter",
            f"template <int, typename SUBNET> using f = relu<SUBNET>; f<3,{IN}>",
            f"relu<{IN}>",
        ),
        (
            "an element type as a parameter",
            "template <typename PIXEL> using net = fc<3,input<matrix<PIXEL>,8,8>>;"
            "using net_type = net<rgb_pixel>;",
            "fc<3,input<matrix<rgb_pixel>,8,8>>",
        ),
        (
            "closers, however they are written",
            f"fc<3 ,relu < sig<\n{IN}> >\t>",
            f"fc<3,relu<sig<{IN}>>>",
        ),
        (
            "comments",
            f"// fc<4,\n/* fc<5, */ fc</*outputs*/3,relu<{IN}>>// >\n/* several\n * lines\n **/",
            f"fc<3,relu<{IN}>>",
        ),
        (
            "C++ suffixes",
            f"fc<10ul,multiply<0.5f,con<6u,3,3L,{IN}>>>",
            f"fc<10,multiply<0.5,con<6,3,3,{IN}>>>",
        ),
        (
            "constants",
            "const int n = 3; static constexpr unsigned long m = n * 2; constexpr bool b = m == 6;"
            f"const double f = 1 / 4.0; when<b,fc<m>,multiply<f,con<n,1,1,{IN}>>>",
            f"fc<6,multiply<0.25,con<3,1,1,{IN}>>>",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 45 else "",
)
def test_is_what_it_is_written_out(name: str, text: str, written_out: str) -> None:
    same(text, written_out)


# ---- parameters ----

WIDE = "param int n = 2 + 2; param float p = 0.5; param bool deep = false;\n" + (
    f"fc<n,dropout<p,when<deep,relu,{IN}>>>"
)


@pytest.mark.parametrize(
    ("settings", "written_out"),
    [
        ({}, f"fc<4,dropout<0.5,{IN}>>"),
        ({"n": 7}, f"fc<7,dropout<0.5,{IN}>>"),
        ({"n": "7", "p": "0.25"}, f"fc<7,dropout<0.25,{IN}>>"),
        ({"deep": True}, f"fc<4,dropout<0.5,relu<{IN}>>>"),
        ({"deep": "true", "p": 0}, f"fc<4,dropout<0.0,relu<{IN}>>>"),
        ({"deep": "1"}, f"fc<4,dropout<0.5,relu<{IN}>>>"),
        ({"deep": "False"}, f"fc<4,dropout<0.5,{IN}>>"),
    ],
)
def test_parameters(settings: dict[str, Any], written_out: str) -> None:
    same(WIDE, written_out, **settings)


def test_a_parameter_reaches_what_is_computed_from_it() -> None:
    text = f"param int n = 3; const int m = n * n; param int k = m + 1; fc<m,fc<k,{IN}>>"
    same(text, f"fc<25,fc<26,{IN}>>", n=5)
    same(text, f"fc<9,fc<2,{IN}>>", k=2)
    assert archdsl.load(text, n=5).check().checked.parameters == {"n": 5, "k": 26}


# ---- which network ----

SEVERAL = (
    "using a = relu<input<1,2,2>>; using b = sig<input<1,2,2>>;"
    "template <typename SUBNET> using block = htan<SUBNET>;"
)


@pytest.mark.parametrize(
    ("text", "net", "kind"),
    [
        (SEVERAL, None, "sig"),
        (SEVERAL, "a", "relu"),
        (SEVERAL, "b", "sig"),
        (f"using net_type = mish<input<1,2,2>>; {SEVERAL}", None, "mish"),
        (SEVERAL + "using net_type = mish<input<1,2,2>>;", "b", "sig"),
        (SEVERAL + "gelu<input<1,2,2>>", None, "gelu"),
        (SEVERAL + "gelu<input<1,2,2>>; silu<input<1,2,2>>;", None, "silu"),
        (SEVERAL + "a", None, "relu"),
        (SEVERAL + "using c = block<a>;", None, "htan"),
    ],
)  # fmt: skip
def test_the_network_of_a_file(text: str, net: str | None, kind: str) -> None:
    assert archdsl.load(text, net=net).summary().rows[-1].kind == kind


def test_a_block_is_no_network() -> None:
    with pytest.raises(ArchError, match="no network 'block'"):
        archdsl.load(SEVERAL, net="block")


def test_input_sizes() -> None:
    text = "relu<input<matrix<rgb_pixel>>>"
    assert archdsl.load(text, input="3x20x30").summary().input == (3, 20, 30)
    assert archdsl.load(text, input=(3, 20, 30)).summary().rows[-1].shape == (3, 20, 30)
    assert archdsl.load(text).summary().input == (3, None, None)
    assert archdsl.load("relu<input<1,8,8>>", input="1x9x10").summary().input == (1, 9, 10)
    assert archdsl.load("relu<input<matrix<float>,8,9>>").summary().input == (1, 8, 9)

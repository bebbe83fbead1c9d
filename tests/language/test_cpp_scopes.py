"""Namespaces, structs and their members, specialisations, and classes derived from layers.

The counts of parameters are worked out from the arguments: ``fc<N>`` on a vector of M has
N × (M + 1) of them.
"""

from pathlib import Path

import pytest
from support.specs import kinds

import archdsl
from archdsl.diagnostics import ArchError


def fc(*widths: int) -> int:
    """The parameters of fully connected layers one after the other, from four inputs on."""
    inputs = (4, *widths)
    return sum(n * (m + 1) for m, n in zip(inputs, widths, strict=False))


@pytest.fixture(params=["net.cpp", "net.arch"])
def name(request: pytest.FixtureRequest) -> str:
    """Scopes mean the same in a C++ source and in a spec."""
    return str(request.param)


def load(folder: Path, name: str, text: str, net: str | None = None) -> archdsl.Network:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return archdsl.load(path, net=net).check()


def message(folder: Path, name: str, text: str) -> str:
    with pytest.raises(ArchError) as caught:
        load(folder, name, text)
    return str(caught.value)


# ---- namespaces ----


def test_names_of_two_namespaces(tmp_path: Path, name: str) -> None:
    text = (
        "namespace a { template <typename S> using head = fc<3,S>; }\n"
        "namespace b { template <typename S> using head = fc<5,S>; "
        "using own = head<input<4,1,1>>; }\n"
        "using one = a::head<input<4,1,1>>;\nusing two = b::head<input<4,1,1>>;\n"
    )
    assert load(tmp_path, name, text, "one").summary().parameters == fc(3)
    assert load(tmp_path, name, text, "two").summary().parameters == fc(5)
    assert load(tmp_path, name, text, "b::own").summary().parameters == fc(5)
    assert load(tmp_path, name, text, "own").summary().parameters == fc(5)


def test_a_namespace_opened_again_and_nested(tmp_path: Path, name: str) -> None:
    text = (
        "namespace a { const int n = 3; namespace c { const int m = 2; } }\n"
        "namespace a::d { const int k = n + 1; }\n"
        "namespace a { template <typename S> using head = fc<n,fc<c::m,fc<d::k,S>>>; }\n"
        "namespace brief = a;\nusing net = brief::head<input<4,1,1>>;\n"
    )
    assert load(tmp_path, name, text, "net").summary().parameters == fc(4, 2, 3)


def test_using_directives_and_declarations(tmp_path: Path, name: str) -> None:
    text = (
        "namespace a { const int n = 3; template <typename S> using head = fc<n,S>; }\n"
        "namespace b { const int n = 5; }\n"
        "using namespace b; using a::head;\nusing net = fc<n,head<input<4,1,1>>>;\n"
    )
    assert load(tmp_path, name, text, "net").summary().parameters == fc(3, 5)


def test_a_name_of_its_own_hides_a_layer_in_its_namespace_only(tmp_path: Path, name: str) -> None:
    text = (
        "namespace a { template <typename S> using relu = sig<S>; using x = relu<input<4,1,1>>; }\n"
        "using y = relu<input<4,1,1>>;\nusing z = dlib::relu<input<4,1,1>>;\n"
    )
    assert kinds(load(tmp_path, name, text, "x")) == ["input", "sig"]
    assert kinds(load(tmp_path, name, text, "y")) == ["input", "relu"]
    assert kinds(load(tmp_path, name, text, "z")) == ["input", "relu"]


# ---- structs ----

STRUCT = """
template <template <typename> class ACT, int WIDTH = 3>
struct def
{
    static constexpr int half = WIDTH / 2 + 1;
    template <int N, typename SUBNET> using layer = ACT<fc<N,SUBNET>>;
    template <typename SUBNET> using two = layer<half, layer<WIDTH,SUBNET>>;
    using net = two<input<4,1,1>>;
    template <typename INPUT> using body = repeat<2, two, INPUT>;
};
"""


@pytest.mark.parametrize(
    "body",
    [
        "def<relu>::net",
        "typename def<relu>::net",
        "def<relu>::two<input<4,1,1>>",
        "typename def<relu>::template two<input<4,1,1>>",
        "def<relu>::layer<2, def<relu>::layer<3, input<4,1,1>>>",
        "plain::two<input<4,1,1>>",
        "plain::net",
        "def<relu>::layer<plain::half, def<relu>::layer<3, input<4,1,1>>>",
        "again<3>::net",
    ],
)
def test_members(tmp_path: Path, name: str, body: str) -> None:
    text = (
        f"{STRUCT}using plain = def<relu>;\n"
        f"template <int N> using again = def<relu,N>;\nusing result = {body};\n"
    )
    network = load(tmp_path, name, text)
    assert kinds(network) == ["input", "fc", "relu", "fc", "relu"]
    assert network.summary().parameters == fc(3, 2)


def test_members_as_blocks(tmp_path: Path, name: str) -> None:
    text = STRUCT + "using a = repeat<2, def<sig,4>::two, input<4,1,1>>;\n"
    text += "using b = def<sig,4>::body<input<4,1,1>>;\n"
    for net in ("a", "b"):
        network = load(tmp_path, name, text, net)
        assert network.summary().parameters == fc(4, 3, 4, 3)
        assert kinds(network).count("sig") == 4


def test_a_member_in_a_template(tmp_path: Path, name: str) -> None:
    text = STRUCT + (
        "template <template <typename> class A, typename S> using wrap = "
        "fc<7, typename def<A>::template two<S>>;\nusing net = wrap<relu, input<4,1,1>>;\n"
    )
    assert load(tmp_path, name, text).summary().parameters == fc(3, 2, 7)


def test_a_struct_as_an_argument(tmp_path: Path, name: str) -> None:
    text = (
        "struct small { static const int n = 2; };\nstruct large { static const int n = 6; };\n"
        "template <typename CONFIG, typename S> using head = fc<CONFIG::n, S>;\n"
        "using a = head<small, input<4,1,1>>;\nusing b = head<large, input<4,1,1>>;\n"
    )
    assert load(tmp_path, name, text, "a").summary().parameters == fc(2)
    assert load(tmp_path, name, text, "b").summary().parameters == fc(6)


def test_nested_structs_and_their_networks(tmp_path: Path, name: str) -> None:
    text = (
        "struct nets { struct inner { static const int n = 3; };\n"
        "  using first = fc<inner::n, input<4,1,1>>; };\n"
        "template <int N> struct outer { struct inner { static const int n = N + 1; }; };\n"
        "using second = fc<outer<4>::inner::n, input<4,1,1>>;\n"
    )
    assert load(tmp_path, name, text, "nets::first").summary().parameters == fc(3)
    assert load(tmp_path, name, text, "second").summary().parameters == fc(5)


def test_a_namespace_sees_the_names_around_a_struct(tmp_path: Path, name: str) -> None:
    text = (
        "const int n = 3;\nnamespace a { const int n = 5;\n"
        "  template <typename S> struct s { using type = fc<n,S>; }; }\n"
        "const int m = 9;\nusing net = a::s<input<4,1,1>>::type;\n"
    )
    assert load(tmp_path, name, text).summary().parameters == fc(5)


# ---- specialisations ----

SPECIAL = """
template <bool DEEP, int N, template <typename> class ACT, typename SUBNET> struct impl;
template <int N, template <typename> class ACT, typename SUBNET>
struct impl<true, N, ACT, SUBNET> { using type = fc<N, ACT<fc<8, SUBNET>>>; };
template <int N, template <typename> class ACT, typename SUBNET>
struct impl<false, N, ACT, SUBNET> { using type = fc<N, SUBNET>; };
template <bool DEEP, int N, template <typename> class ACT, typename SUBNET>
using head = typename impl<DEEP, N, ACT, SUBNET>::type;
"""


def test_specialisations(tmp_path: Path, name: str) -> None:
    text = SPECIAL + (
        "using deep = head<1 <= 2, 3, relu, sig<input<4,1,1>>>;\n"
        "using flat = head<false, 3, relu, sig<input<4,1,1>>>;\n"
        "using direct = impl<true, 3, relu, input<4,1,1>>::type;\n"
    )
    assert kinds(load(tmp_path, name, text, "deep")) == ["input", "sig", "fc", "relu", "fc"]
    assert kinds(load(tmp_path, name, text, "flat")) == ["input", "sig", "fc"]
    assert kinds(load(tmp_path, name, text, "direct")) == ["input", "fc", "relu", "fc"]
    assert load(tmp_path, name, text, "deep").summary().parameters == fc(8, 3)


def test_the_most_special_one_is_taken(tmp_path: Path, name: str) -> None:
    text = (
        "template <int A, int B> struct s { static const int n = 2; };\n"
        "template <int A> struct s<A, A> { static const int n = 3; };\n"
        "template <int A> struct s<A, 7> { static const int n = 4; };\n"
        "template <> struct s<7, 7> { static const int n = 5; };\n"
        "template <int A, int B> using net = fc<s<A,B>::n, input<4,1,1>>;\n"
        "using a = net<1,2>;\nusing b = net<2,2>;\nusing c = net<1,7>;\nusing d = net<7,7>;\n"
    )
    widths = [load(tmp_path, name, text, n).summary().parameters for n in "abcd"]
    assert widths == [fc(2), fc(3), fc(4), fc(5)]


def test_recursion_through_specialisations_ends(tmp_path: Path, name: str) -> None:
    text = (
        "template <int N, typename S> struct chain "
        "{ using type = fc<N, typename chain<N-1,S>::type>; };\n"
        "template <typename S> struct chain<0,S> { using type = S; };\n"
        "using net = chain<3, input<4,1,1>>::type;\n"
    )
    assert load(tmp_path, name, text, "net").summary().parameters == fc(1, 2, 3)


def test_recursion_without_an_end_is_refused(tmp_path: Path, name: str) -> None:
    endless = (
        "template <int N> struct chain { using type = relu<typename chain<N+1>::type>; };\n"
        "using net_type = compose<chain<0>::type, input<4,1,1>>;\n"
    )
    assert "more than 256 levels deep" in message(tmp_path, name, endless)
    counting = "template <int N> struct c { static const int n = c<N+1>::n; };\n"
    counting += "using net = fc<c<0>::n, input<4,1,1>>;\n"
    assert "different template instances" in message(tmp_path, name, counting)
    itself = (
        "template <int N> struct loop { static const int n = loop<N>::n; };\n"
        "using net = fc<loop<1>::n, input<4,1,1>>;\n"
    )
    assert "is defined by itself" in message(tmp_path, name, itself)


@pytest.mark.parametrize("form", ["std::conditional_t<{}>", "typename std::conditional<{}>::type"])
def test_conditional_types(tmp_path: Path, name: str, form: str) -> None:
    body = form.format("TRAIN, fc<3,input<4,1,1>>, sig<fc<5,input<4,1,1>>>")
    text = (
        f"template <bool TRAIN> struct s {{ using type = {body}; }};\n"
        f"template <bool TRAIN> using net = {body};\n"
        "using a = net<true>;\nusing b = net<false>;\n"
    )
    assert kinds(load(tmp_path, name, text, "a")) == ["input", "fc"]
    assert kinds(load(tmp_path, name, text, "b")) == ["input", "fc", "sig"]


# ---- classes derived from layers ----


def test_a_layer_with_a_constant(tmp_path: Path) -> None:
    text = (
        "template <long d> class scaled_ : public dlib::multiply_ {\n"
        "public:\n"
        "    explicit scaled_() : multiply_(1.0f / std::sqrt(static_cast<float>(d))) {}\n};\n"
        "template <long d, typename S> using scaled = add_layer<scaled_<d>, S>;\n"
        "using net_type = scaled<16, input<4,1,1>>;\n"
    )
    network = load(tmp_path, "net.cpp", text)
    assert kinds(network) == ["input", "multiply"]
    layers = [instance.layer for instance in network.checked.instances()]
    assert layers[1].factor == 0.25  # type: ignore[attr-defined]


def test_a_layer_with_template_arguments(tmp_path: Path, name: str) -> None:
    text = (
        "struct big_ : public con_<8,3,3,1,1,1,1> {};\n"
        "using net_type = add_layer<big_, input<2,4,4>>;\n"
    )
    assert load(tmp_path, name, text).summary().parameters == 8 * (2 * 9 + 1)


@pytest.mark.parametrize(
    "body",
    [
        "public: void forward(const tensor& x) { y = x; }",
        "public: mine_() : multiply_(2) { setup(); }",
        "public: mine_(int a) : multiply_(a) {}",
        "float state;",
        "virtual void forward(const tensor& x);",
    ],
)
def test_a_layer_of_its_own_is_not_understood(tmp_path: Path, body: str) -> None:
    text = (
        f"class mine_ : public multiply_ {{ {body} }};\n"
        "using net_type = add_layer<mine_, input<4,1,1>>;\n"
    )
    found = message(tmp_path, "net.cpp", text)
    assert "'mine_' is a layer class of its own" in found
    assert "net.cpp:2:28" in found


# ---- errors ----


def test_unknown_members(tmp_path: Path, name: str) -> None:
    found = message(
        tmp_path, name, STRUCT + "using net_type = fc<1,def<relu>::tow<input<4,1,1>>>;\n"
    )
    assert "'def' has no member 'tow'" in found
    assert "did you mean 'two'?" in found


def test_too_few_and_too_many_arguments(tmp_path: Path, name: str) -> None:
    few = STRUCT + "using net_type = def<>::two<input<4,1,1>>;\n"
    assert "'def' lacks its argument 'ACT'" in message(tmp_path, name, few)
    many = STRUCT + "using net_type = def<relu,1,2>::two<input<4,1,1>>;\n"
    assert "too many arguments for 'def'" in message(tmp_path, name, many)


def test_declared_only(tmp_path: Path, name: str) -> None:
    text = SPECIAL.replace("struct impl<false", "struct impl<true")
    text += "using net_type = head<false, 3, relu, input<4,1,1>>;\n"
    assert "none of its specialisations fits" in message(tmp_path, name, text)


def test_a_struct_in_the_place_of_a_layer(tmp_path: Path, name: str) -> None:
    text = SPECIAL + "using net_type = fc<1, impl<true, 3, relu, input<4,1,1>>>;\n"
    found = message(tmp_path, name, text)
    assert "impl" in found and "struct" in found


def test_long_chains_of_scopes_are_refused(tmp_path: Path, name: str) -> None:
    chain = "::a<1>" * 5_000
    found = message(tmp_path, name, f"using net_type = relu<a<1>{chain}::b<input<4,1,1>>>;\n")
    assert "structs" in found


def test_a_long_chain_of_members(tmp_path: Path, name: str) -> None:
    """Nothing recurses along members that use each other."""
    count = 3_000
    lines = "".join(f"static const int n{i} = n{i - 1} + 1;\n" for i in range(1, count))
    text = f"struct s {{ static const int n0 = 1;\n{lines} }};\n"
    text += f"using net = fc<s::n{count - 1}, input<4,1,1>>;\n"
    assert load(tmp_path, name, text).summary().parameters == fc(count)

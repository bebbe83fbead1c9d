"""What stands around the definitions of a C++ source does not change its networks."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.diagnostics import ArchError
from archdsl.diagnostics.source import Source
from archdsl.frontend.elaborate import elaborate
from archdsl.frontend.syntax.parser import parse

DEFINITIONS = [
    "template <int N, typename SUBNET> using unit = relu<con<N,3,3,1,1,SUBNET>>;",
    "namespace m { template <typename S> using two = unit<4,unit<8,S>>; }",
    "template <bool B> struct s { static const int n = 5; using net = fc<n,m::two<input<1,8,8>>>; "
    "};",
    "using net_type = sig<s<true>::net>;",
]
EXPECTED = 1 + 2 * 2 + 1 + 1  # the input, two units of two layers, fc and sig

STATEMENTS = [
    "int a = 3;",
    "auto f = [](int x) { return x; };",
    'std::cout << "using net_type = }{ << 1";',
    'auto t = R"q(} using net_type = sig<input<1,1,1>>; )" {)q";',
    "for (int i = 0; i < 10; ++i) { g(i); }",
    "if (a < b && c > d) { h(); } else { k(); }",
    "char q = '{';",
    "// using net_type = relu<input<1,1,1>>; {\n",
    "/* } { */",
    "\n#define X(a) { a\n",
    "\n#if 0\n } ' \" using net_type = x;\n#endif\n",
    "using callback = std::function<void(int)>;",
    "const double ratio = a / w.size();",
    "switch (a) { case 1: break; default: f(); }",
    "struct local { int a; local() : a{1} {} ~local() {} };",
    "x = y<3>(z) >> 2;",
    "enum class e { p, q };",
]
statements = st.lists(st.sampled_from(STATEMENTS), max_size=4).map(" ".join)
functions = st.builds(
    "{0}\n{1} name(const int a, T<b> c) {{ {2} }}\n".format,
    st.sampled_from(["", "template <typename T>", "template <int N, class... Ts>", "inline"]),
    st.sampled_from(["void", "static std::vector<std::pair<int, int>>", "const auto&"]),
    statements,
)
classes = st.builds(
    "class c{0} final : public b<int> {{ public: {1} void g() const {{ {2} }} }};\n".format,
    st.integers(0, 9),
    st.sampled_from(["c() = default;", "friend class d;", "int x[2] = {1, 2};", ""]),
    statements,
)
words = st.text("abc <>:;,()[]=+-*/&|!?.01\n\t#\\", max_size=40)
comments = words.map(lambda text: "/*" + text.replace("*/", "") + "*/")
strings = words.map(
    lambda text: 'auto s = "' + text.replace("\\", "").replace("\n", "").replace('"', "") + '";\n'
)
junk = st.one_of(
    functions, classes, comments, strings, statements.map("void f() {{ {} }}\n".format)
)


def layers(text: str) -> int:
    elaborated = elaborate(parse(Source("net.cpp", text)))
    assert elaborated.name == "net_type"
    return elaborated.block.layers


def test_without() -> None:
    assert layers("\n".join(DEFINITIONS)) == EXPECTED


@settings(max_examples=150, deadline=None)
@given(st.lists(junk, min_size=len(DEFINITIONS) + 1, max_size=len(DEFINITIONS) + 1))
def test_junk_between(pieces: list[str]) -> None:
    text = pieces[0]
    for definition, piece in zip(DEFINITIONS, pieces[1:], strict=True):
        text += f"\n{definition}\n{piece}"
    assert layers(text) == EXPECTED


@settings(max_examples=150, deadline=None)
@given(st.text("ab<>(){};:=,\"'/*\\#\n R", max_size=60))
def test_any_text_ends_in_a_network_or_a_message(text: str) -> None:
    with suppress(ArchError):
        elaborate(parse(Source("net.cpp", text + "\n" + "\n".join(DEFINITIONS))))

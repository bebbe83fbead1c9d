"""C++ sources: which definitions are read, what is skipped, and where their errors point."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from support.specs import kinds

import archdsl
from archdsl.cli import main
from archdsl.diagnostics import ArchError

NET = "using net_type = relu<con<4,3,3,1,1, input<2,8,8>>>;\n"
PARAMETERS = 4 * (2 * 3 * 3 + 1)


def write(folder: Path, text: str, name: str = "net.cpp") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def parameters(path: Path, net: str | None = None) -> int:
    return archdsl.load(path, net=net).summary().parameters


def error(path: Path, net: str | None = None) -> ArchError:
    with pytest.raises(ArchError) as caught:
        archdsl.load(path, net=net).check()
    return caught.value


@pytest.mark.parametrize(
    "suffix", [".cpp", ".cc", ".cxx", ".cu", ".h", ".hh", ".hpp", ".hxx", ".cuh"]
)
def test_suffixes(tmp_path: Path, suffix: str) -> None:
    assert kinds(write(tmp_path, "int x;\n" + NET, "net" + suffix)) == ["input", "con", "relu"]


@pytest.mark.parametrize(
    "junk",
    [
        "int add(int a, int b) { return a < b ? a : b; }\n",
        "// using net_type = sig<input<1,2,2>>;\n",
        "/* using net_type = sig<input<1,2,2>>; */\n",
        "// a comment that goes on \\\nusing net_type = sig<input<1,2,2>>;\n",
        '#define NET "using net_type = sig<input<1,2,2>>;"\n',
        "#define NET \\\n using net_type = \\\n sig<input<1,2,2>>;\n",
        'const char* text = "using net_type = sig<input<1,2,2>>;";\n',
        'const char* text = "a \\" using net_type = sig<input<1,2,2>>; {";\n',
        'auto text = R"x(a )" using net_type = sig<input<1,2,2>>; {{{ )x";\n',
        "char c = '{', d = '\\'', e = '\"';\n",
        "#if 0\nusing net_type = sig<input<1,2,2>>; don't { close\n#endif\n",
        "#if 0\n#if 1\n#else\n{\n#endif\n{\n#else\nint y;\n#endif\n",
        "#ifdef A\n{\n#elif B\n{ using net_type = sig<input<1,2,2>>;\n#else\nint f();\n#endif\n",
        "template <typename T> T twice(const T& x) { return x + x; }\n",
        "template class std::vector<int>;\nextern template struct thing<3>;\n",
        "enum class colour { red, green };\nenum struct other : int { a };\n",
        "using callback = std::function<void(int)>;\nusing pointer = int*;\n",
        "typedef void (*handler)(int);\ntypedef struct { int a; } pair_t;\n",
        "static const char* name = 0;\nconst std::vector<int> sizes = {1, 2};\n",
        "struct point { int x, y; point() : x(0), y(0) {} bool operator<(const point&) const; };\n",
        "class visitor { public: template <typename T> void operator()(T& l) const { l.f(); } };\n",
        'namespace { void f() {} }\nnamespace a::b { int g(); }\nextern "C" { int h(); }\n',
        "int values[] = { 1, 2, 3 };\nauto f = [](int a) { return a; };\n",
        "template <> struct std::hash<point> { int operator()(const point& p) const; };\n",
        "DECLARE(thing)\n",
        "const int big = 1'000'000; long hex = 0xFF; char q = 'q';\n",
        "}\n",
        "using x = decltype([] { return 1; });\n",
        "using x = decltype(f(double{}));\n",
        "int f(int a) const noexcept { if (a) { return 1; } const char c = 'a'; return a; }\n",
        "int param = 3;\nvoid g(int param) { param = 4; }\n",
    ],
)
def test_the_rest_is_skipped(tmp_path: Path, junk: str) -> None:
    for text in (junk + NET, NET + junk, junk + NET + junk):
        assert kinds(write(tmp_path, text), net="net_type") == ["input", "con", "relu"]
        assert parameters(write(tmp_path, text), "net_type") == PARAMETERS


def test_a_network_in_a_function(tmp_path: Path) -> None:
    text = (
        "int main() try\n{\n    if (1) { cout << 1; }\n"
        "    const int n = 4;\n    using net_type = con<n,3,3,1,1,input<2,8,8>>;\n"
        "    net_type net;\n}\ncatch (std::exception& e) { return 1; }\n"
    )
    assert parameters(write(tmp_path, text)) == PARAMETERS


def test_names_end_with_their_block(tmp_path: Path) -> None:
    text = (
        "const int n = 4;\n"
        "void f() { const int n = 9; }\n"
        "void g() { using net_type = con<n,3,3,1,1,input<2,8,8>>; }\n"
    )
    assert parameters(write(tmp_path, text)) == PARAMETERS


@pytest.mark.parametrize(
    "constant",
    [
        "const int n = 4;",
        "constexpr long n = 2 * 2;",
        "static constexpr unsigned long n = 4ul;",
        "inline constexpr std::size_t n{4};",
        "long const n = 4;",
        "const int n = static_cast<int>(4.5);",
        "const int n = int(4.5);",
        "constexpr int n = 0'4;",
    ],
)
def test_constants(tmp_path: Path, constant: str) -> None:
    text = f"{constant}\nusing net = con<n,3,3,1,1,input<2,8,8>>;\n"
    assert parameters(write(tmp_path, text)) == PARAMETERS


def test_typedef(tmp_path: Path) -> None:
    text = (
        "typedef matrix<unsigned char> image;\ntypedef con<4,3,3,1,1,input<image,8,8>> net_type;\n"
    )
    assert parameters(write(tmp_path, text)) == 4 * (1 * 3 * 3 + 1)


def test_keywords_of_dependent_names_and_global_scope(tmp_path: Path) -> None:
    text = "using net_type = typename ::dlib::relu<::dlib::con<4,3,3,1,1,dlib::input<2,8,8>>>;\n"
    assert parameters(write(tmp_path, text)) == PARAMETERS


def test_preprocessor_lines_inside_a_definition(tmp_path: Path) -> None:
    text = (
        "using net_type = relu<\n#ifdef BIG\n con<9,3,3,1,1,\n#else\n con<4,3,3,1,1,\n#endif\n"
        "  // the input\n  input<2,8,8>>>;\n"
    )
    assert parameters(write(tmp_path, text)) == PARAMETERS


def test_siblings_are_included_others_are_not(tmp_path: Path) -> None:
    write(tmp_path, '#pragma once\n#include "net.cpp"\nconst int n = 4;\n', "sizes.h")
    text = '#include <dlib/dnn.h>\n#include "dlib/dnn.h"\n#include "sizes.h"\n#include "sizes.h"\n'
    path = write(tmp_path, text + "using net_type = con<n,3,3,1,1,input<2,8,8>>;\n")
    assert parameters(path) == PARAMETERS


def test_networks_of_a_header_belong_to_the_program(tmp_path: Path) -> None:
    write(tmp_path, NET, "model.h")
    path = write(tmp_path, '#include "model.h"\nint main() {}\n')
    assert parameters(path) == PARAMETERS


def test_a_spec_includes_a_header(tmp_path: Path) -> None:
    write(tmp_path, "void f();\n" + NET, "model.h")
    spec = write(tmp_path, '#include "model.h"\nusing net = fc<3,net_type>;\n', "spec.arch")
    assert kinds(spec) == ["input", "con", "relu", "fc"]


def test_a_comment_may_be_in_any_encoding(tmp_path: Path) -> None:
    path = tmp_path / "net.cpp"
    path.write_bytes(b"// caf\xe9\n" + NET.encode())
    assert parameters(path) == PARAMETERS


def test_it_says_which_network_was_taken(tmp_path: Path) -> None:
    path = write(tmp_path, "using a = relu<input<1,8,8>>;\nusing b = sig<input<1,8,8>>;\n")
    for command in ("check", "summary"):
        result = CliRunner().invoke(main, [command, str(path)])
        assert "b was taken; --net chooses another: a" in result.output
    one = write(tmp_path, NET)
    assert "taken" not in CliRunner().invoke(main, ["check", str(one)]).output


def test_an_unknown_network_lists_the_known_ones(tmp_path: Path) -> None:
    path = write(tmp_path, "using a = relu<input<1,8,8>>;\nnamespace m { using b = a; }\n")
    assert "its networks are: a, m::b" in str(error(path, "c"))


# ---- errors ----


def place(path: Path) -> tuple[int, int, str]:
    first = error(path).diagnostics[0]
    assert first.span is not None
    return *first.span.position, first.span.text


def test_an_error_points_into_the_file(tmp_path: Path) -> None:
    text = "int f() { return 0; } // {\n  using net_type = relu<konv<4,3,3,input<2,8,8>>>;\n"
    path = write(tmp_path, text)
    assert place(path) == (2, 25, "konv")
    assert str(path) in str(error(path))


def test_a_missing_bracket(tmp_path: Path) -> None:
    path = write(tmp_path, "int x;\n\nusing net_type = relu<con<4,3,3,1,1,input<2,8,8>>;\nint y;\n")
    found = error(path)
    assert place(path)[:2] == (3, 50)
    assert "a '>' is missing" in found.diagnostics[0].message


def test_a_missing_bracket_of_a_template(tmp_path: Path) -> None:
    path = write(tmp_path, "template <int N, typename S using a = relu<S>;\n" + NET)
    assert place(path)[0] == 1


def test_a_missing_semicolon(tmp_path: Path) -> None:
    path = write(tmp_path, "using net_type = relu<input<2,8,8>>\nint main() { return 0; }\n")
    assert place(path)[0] in (1, 2)


def test_every_broken_definition_is_shown(tmp_path: Path) -> None:
    path = write(tmp_path, "using a = relu<sig<input<1,2,2>>;\nint x;\nusing b = relu<,>;\n" + NET)
    assert [d.span.position[0] for d in error(path).diagnostics if d.span] == [1, 3]


@pytest.mark.parametrize(
    ("text", "word"),
    [("/* no end", "comment"), ('auto s = R"(no end', "string"), ("void f() { " + NET, "'{'")],
)
def test_what_never_ends(tmp_path: Path, text: str, word: str) -> None:
    path = write(tmp_path, "int a;\n" + NET + text)
    assert word in error(path).diagnostics[0].message
    assert place(path)[0] == 3


def test_a_number_that_only_the_program_knows(tmp_path: Path) -> None:
    text = (
        "int main(int argc, char**) {\nconst int n = argc + 1;\nusing net = fc<n,input<1,2,2>>; }\n"
    )
    path = write(tmp_path, text)
    assert place(path) == (3, 16, "n")
    assert "argc" in str(error(path))
    other = write(tmp_path, 'const int n = f("4");\nusing net = fc<n,input<1,2,2>>;\n')
    assert place(other) == (2, 16, "n")


def test_a_class_of_the_program_as_input(tmp_path: Path) -> None:
    text = "struct my_input { typedef int input_type; void to_tensor(); };\n"
    path = write(tmp_path, text + "using net_type = loss_binary_log<fc<1,my_input>>;\n")
    assert place(path) == (2, 39, "my_input")
    found = error(path).diagnostics[0]
    assert "input class" in found.message
    assert found.help is not None and "input<C,H,W>" in found.help


def test_files_that_are_not_there_are_named_where_a_name_is_unknown(tmp_path: Path) -> None:
    path = write(tmp_path, '#include "my/layers.h"\nusing net_type = mine<input<1,2,2>>;\n')
    assert "my/layers.h" in str(error(path))


def test_specs_skip_nothing(tmp_path: Path) -> None:
    with pytest.raises(ArchError):
        archdsl.load(write(tmp_path, "int add(int a) { return a; }\n" + NET, "net.arch"))


def test_hostile_texts(tmp_path: Path) -> None:
    """Deep nesting and long files are read in linear time, or refused with a message."""
    deep = "namespace a { " * 20_000 + NET + "}" * 20_000
    assert parameters(write(tmp_path, deep)) == PARAMETERS
    braces = write(tmp_path, "{" * 300_000 + "\n" + NET)
    assert "'{'" in error(braces).diagnostics[0].message
    for junk in ("const " * 100_000, "template<" * 50_000, '"\n' * 100_000, "using " * 100_000):
        assert parameters(write(tmp_path, NET + junk)) == PARAMETERS

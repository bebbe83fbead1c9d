"""C++ before it is compiled: macros, conditions and headers, by g++ -E and by hand."""

import random
import re
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

import archdsl
from archdsl.diagnostics import ArchError
from archdsl.diagnostics.source import Source
from archdsl.frontend.syntax.preprocess import preprocessed

OPERATORS = ["+", "-", "*", "/", "%", "<<", ">>", "<", ">", "<=", ">=", "==", "!=", "&", "|", "^"]
OPERATORS += ["&&", "||"]
WORD = re.compile(r"[A-Za-z_]\w*|\d\w*|[^\s\w]")

STANDARD = """
#define x 3
#define f(a) f(x * (a))
#undef x
#define x 2
#define g f
#define z z[0]
#define h g(~
#define m(a) a(w)
#define w 0,1
#define t(a) a
#define p() int
#define q(x) x
#define r(x,y) x ## y
f(y+1) + f(f(z)) % t(t(g)(0) + t)(1);
g(x+(3,4)-w) | h 5) & m
(f)^m(m);
p() i[q()] = { q(1), r(2,3), r(4,), r(,5), r(,) };
#define t3(x,y,z) x ## y ## z
int j[] = { t3(1,2,3), t3(,4,5), t3(6,,7), t3(8,9,), t3(10,,), t3(,11,), t3(,,12), t3(,,) };
"""
"""The standard's own examples, [cpp.scope]: what they become is printed there, too."""
STANDARD_RESULT = """
f(2 * (y+1)) + f(2 * (f(2 * (z[0])))) % f(2 * (0)) + t(1);
f(2 * (2+(3,4)-0,1)) | f(2 * (~ 5)) & f(2 * (0,1))^m(0,1);
int i[] = { 1, 23, 4, 5, };
int j[] = { 123, 45, 67, 89, 10, 11, 12, };
"""


def words(text: str) -> list[str]:
    return WORD.findall(preprocessed(Source("a.cpp", text)).text)


def test_the_examples_of_the_standard() -> None:
    assert words(STANDARD) == WORD.findall(STANDARD_RESULT)


def gpp(text: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("g++") is None:
        pytest.skip("needs g++")
    command = ["g++", "-E", "-P", "-std=c++17", "-w", "-x", "c++", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def condition(random: random.Random, depth: int) -> str:
    """A condition of ``#if`` that is made by chance."""
    kind = random.random()
    if depth == 0 or kind < 0.2:
        return random.choice(["0", "1", "2", "7u", "0x1F", "010", "0b11", "X", "true", "3L"])

    def inner() -> str:
        return condition(random, depth - 1)

    if kind < 0.3:
        return f"({inner()})"
    if kind < 0.4:
        return f"{random.choice('!~-+')} {inner()}"
    if kind < 0.5:
        return f"{inner()} ? {inner()} : {inner()}"
    operator = random.choice(OPERATORS)
    return f"{inner()} {operator} {inner()}"


def test_conditions_by_gpp() -> None:
    chance = random.Random(3)
    conditions = [condition(chance, 4).replace("7u", "7") for _ in range(1500)]
    lines = [f"#if {c}\nL{i} yes\n#else\nL{i} no\n#endif\n" for i, c in enumerate(conditions)]
    told = gpp("".join(lines))
    wrong = {(int(n) - 1) // 5 for n in re.findall(r"^<stdin>:(\d+):", told.stderr, re.MULTILINE)}
    theirs = dict(line.split() for line in told.stdout.splitlines() if line.strip())
    assert len(wrong) < 300
    for index, line in enumerate(lines):
        if index not in wrong:  # of a division by zero
            assert words(line) == [f"L{index}", theirs[f"L{index}"]], conditions[index]


PROGRAMS = [
    "#define A B C\n#define B A\nA B",
    "#define f(x) x x\n#define g f(\nf(f(1)) g 2)",
    "#define f(x, ...) x(__VA_ARGS__)\nf(a) f(a,) f(a, b, (c, d))",
    "#define f(rest...) <rest>\nf() f(a, b)",
    "#define f() 1\nf() f( ) f",
    "#define A(x) x##1 x\n#define B 2\nA(B) A( ) A(B c)",
    "#define f(x) [x]\nf\n(\n1\n)\n",
    "#define EMPTY\n#define f(x) x\nf EMPTY (1) f(EMPTY) EMPTY",
    "#ifndef A\n#define A 1\n#endif\n#ifndef A\nno\n#else\nyes\n#endif\nA",
    "#if 0\n#else\n#if 1\na\n#elif 1\nb\n#else\nc\n#endif\n#endif",
    "#if 0\n#elif 0\n#elif 1\nd\n#endif",
    "#define two 1 + 1\n#if two * 2 == 3\nyes\n#endif",
    "#ifdef __has_include\nyes\n#endif",
    "#if __has_include(<vector>) && !__has_include(<a/b.h>)\nyes\n#endif",
    "#define two 2\n#if defined two && defined(three) == 0\nyes\n#endif",
    "#define A /* one */ 1 // two\n#define B \\\n  2 \\\n  3\nA B",
    "#define n 1\n#define\tn 2\nn\n#undef n // gone\nn",
    "#define c(a, b) a ## b\n#define x(a, b) c(a, b)\n#define one 1\nc(one, 2) x(one, 2)",
]


@pytest.mark.parametrize("text", PROGRAMS)
def test_macros_by_gpp(text: str) -> None:
    told = gpp(text + "\n")
    assert told.returncode == 0
    assert words(text + "\n") == WORD.findall(told.stdout)


NET = "using net_type = fc<3, input<1, 2, 2>>;\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#define a b b b b b b b b b b\n", None),
        ("#if 1\n", "an #if without its #endif"),
        ("#error no\n", "does not want to be compiled"),
        ("#define f(x) x\nint a = f(1, 2);\n", "the macro 'f' takes 1 argument"),
        ("#define f(x, y) x\nint a = f(1);\n", "the macro 'f' takes 2 arguments"),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(
    tmp_path: Path, text: str, message: str | None
) -> None:
    path = tmp_path / "net.cpp"
    path.write_text(text + NET)
    if message is None:
        archdsl.load(path)
        return
    with pytest.raises(ArchError, match=message) as caught:
        archdsl.load(path)
    (span,) = caught.value.spans
    assert span is not None and span.position[0] == text.count("\n")


def test_bombs_are_refused(tmp_path: Path) -> None:
    """Each macro is ten of the one before it: 10^20 words."""
    path = tmp_path / "net.cpp"
    lines = [f"#define m{i + 1} {' '.join([f'm{i}'] * 10)}\n" for i in range(20)]
    path.write_text("".join(lines) + "const int a = m20;\n" + NET)
    start = time.process_time()
    with pytest.raises(ArchError, match="macros expand to more than"):
        archdsl.load(path)
    assert time.process_time() - start < 30


@pytest.mark.parametrize(
    "make",
    [
        lambda n: "#define f(x) (x)\nint a = " + "f(" * n + "1" + ")" * n + ";\n",
        lambda n: "#define f(x) (x)\nint a = " + "f(" * n + ";\n",
        lambda n: "#if " + "(" * n + "1" + ")" * n + "\n#endif\n",
        lambda n: "#if " + "! " * n + "1\n#endif\n",
        lambda n: "#if " + "1 ? 1 : " * n + "1\n#endif\n",
        lambda n: "#if 1\n" * n + "#endif\n" * n,
        lambda n: "".join(f"#define m{i + 1} m{i}\n" for i in range(n)) + f"int a = m{n};\n",
    ],
)
def test_deep_texts_are_read_or_refused(tmp_path: Path, make) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "net.cpp"
    path.write_text(make(5000) + NET)
    start = time.process_time()
    with suppress(ArchError):  # macros that make too many words
        archdsl.load(path)
    assert time.process_time() - start < 60


def test_headers_that_include_each_other(tmp_path: Path) -> None:
    (tmp_path / "a.h").write_text('#include "b.h"\n#define A 1\n')
    (tmp_path / "b.h").write_text('#include "a.h"\n#define B (A + 2)\n')
    path = tmp_path / "net.cpp"
    path.write_text('#include "a.h"\nusing net_type = fc<B, input<1, 2, 2>>;\n')
    assert archdsl.load(path).summary().parameters == 3 * 4 + 3


def test_macros_of_headers_outside_of_the_folder_are_not_known(tmp_path: Path) -> None:
    (tmp_path / "size.h").write_text("#define SIZE 3\n")
    path = tmp_path / "inner" / "net.cpp"
    path.parent.mkdir()
    path.write_text('#include "../size.h"\nusing net_type = fc<SIZE, input<1, 2, 2>>;\n')
    with pytest.raises(ArchError, match="there is no number 'SIZE'") as caught:
        archdsl.load(path)
    assert "size.h" in str(caught.value)
    assert archdsl.load(path, SIZE=5).summary().parameters == 5 * 4 + 5


def test_an_error_in_a_macro_names_its_uses(tmp_path: Path) -> None:
    path = tmp_path / "net.cpp"
    path.write_text(
        "#define UNIT(n) rellu<fc<n,\n"
        "#define TWO(n) UNIT(n) UNIT(n)\n"
        "using net_type = loss_metric<TWO(3) input<matrix<float,2,2>>>>>>>;\n"
    )
    with pytest.raises(ArchError) as caught:
        archdsl.load(path)
    text = str(caught.value)
    assert "net.cpp:1:17: error[E101]: unknown layer or template 'rellu'" in text
    assert "^^^^^" in text.splitlines()[2]
    assert re.search(r"in the macro 'UNIT' and 1 more, expanded at \S*net\.cpp:2:16", text)
    assert re.search(r"in the macro 'TWO', expanded at \S*net\.cpp:3:30", text)


def test_an_error_in_a_macro_of_a_header_stands_where_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "unit.h").write_text("#define UNIT rellu\n")
    path = tmp_path / "net.cpp"
    path.write_text('#include "unit.h"\nusing net_type = fc<3, UNIT<input<1, 2, 2>>>;\n')
    with pytest.raises(ArchError) as caught:
        archdsl.load(path)
    text = str(caught.value)
    assert "net.cpp:2:24: error[E101]: unknown layer or template 'rellu'" in text
    assert re.search(r"in the macro 'UNIT', defined at \S*unit\.h:1:9, expanded at", text)

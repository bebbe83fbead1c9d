"""Texts as tokens and statements: nothing is lost or refused, and time goes by the length alone."""

import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.diagnostics import ArchError
from archdsl.diagnostics.lines import Lines
from archdsl.diagnostics.source import Source
from archdsl.frontend.syntax.grammar import tokens_of
from archdsl.frontend.syntax.parser import parse
from archdsl.frontend.syntax.tokens import END, UNFINISHED, comment_above, comments, opening_comment
from archdsl.frontend.syntax.tree import Tree

PIECES = [
    *"<>(){},;=: \n\t.\"'#", "//", "/*", "*/", "using ", "template <", "param", "const ", "int ",
    "struct ", "namespace ", "relu<", "a::b<", "::c", "3", "0x1F", "1.5", "😀", '#include "a"\n',
]  # fmt: skip
texts = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@given(texts)
@settings(max_examples=300, deadline=None)
def test_a_text_is_the_sum_of_its_tokens_and_of_what_stands_between(text: str) -> None:
    tokens = tokens_of(text)
    assert [t.kind for t in tokens].index(END) == len(tokens) - 1
    end = 0
    for token in tokens:
        assert token.before == end or tokens[-2].kind == UNFINISHED
        between = text[token.before : token.start]
        for comment in comments(text, token.before, token.start):
            between = between.replace(comment.text, "", 1)
        assert not between.strip()
        assert text.startswith(token.text, token.start)
        end = token.end
    assert tokens[-1].end == len(text)


@given(texts, st.booleans())
@settings(max_examples=300, deadline=None)
def test_statements_hold_every_token_of_any_text(text: str, cpp: bool) -> None:
    tree = Tree(tokens_of(text), cpp=cpp)
    outermost = [s for s in tree.statements if s.outer is None]
    assert len(tree.inside) == len(tree.tokens)
    assert all(one.end <= other.first for one, other in pairwise(outermost))
    held = {i for s in outermost for i in range(s.first, s.end)}
    left = [t for i, t in enumerate(tree.tokens[:-1]) if i not in held]
    assert all(t.kind == "_SHUT" for t in left)  # braces that nothing opened
    assert all(s.outer.first < s.first < s.end <= s.outer.end for s in tree.statements if s.outer)


def test_statements_and_their_brackets() -> None:
    text = "template <int N = f(1,2)> using a = relu<con<N,3>>;\nfc<1,a<2>> fc<2,a<3>>\nusing b = c"
    tree = Tree(tokens_of(text))
    written = [
        text[tree.tokens[s.first].start : tree.tokens[s.end - 1].end] for s in tree.statements
    ]
    assert written == [text.partition("\n")[0], "fc<1,a<2>>", "fc<2,a<3>>", "using b = c"]
    header = tree.statements[0].header
    assert header is not None and header.closer is not None and header.commas == []
    assert tree.tokens[header.closer + 1].kind == "USING"


def test_comments_above() -> None:
    text = (
        "int x; // of x\n// far\n\n// near,\n// and nearer\n/* or\n * nearest */\nusing a = b;\n"
        "// a fact\n// archdsl: allow W003\nusing c = d;\n"
    )
    tokens = [t for t in tokens_of(text) if t.kind == "USING"]
    assert comment_above(text, tokens[0]) == ("near,", "and nearer", "or", "nearest")
    assert comment_above(text, tokens[1]) == ()  # what allows a warning ends it
    assert opening_comment("// one\r\n// two\r\n\r\n// three") == ("one", "two")
    assert opening_comment(" // none") == ()


def test_columns_of_every_encoding_by_python() -> None:
    text = "aé✓😀b\nx😀\r\ny\rz"
    lines = Lines(text)
    assert len(lines) == 4
    for encoding, unit in (("utf-8", 1), ("utf-16", 2), ("utf-32", 4)):
        for offset in range(6):
            size = len(text[:offset].encode(f"{encoding}-le" if unit > 1 else encoding))
            assert lines.position(offset, encoding) == (0, size // unit)
            assert lines.offset(0, size // unit, encoding) == offset


HOSTILE: dict[str, Callable[[int], str]] = {
    "a comment that never ends": lambda n: "/" + "*" * n + "<",
    "comments in comments that never end": lambda n: "/* a " * (n // 5),
    "a number that is none": lambda n: "1" * n + "x",
    "points between digits": lambda n: "1." * (n // 2),
    "spaces": lambda n: "a" + " " * n + "::",
    "a long name": lambda n: "a::" * (n // 3) + "b",
    "types": lambda n: "long " * (n // 5) + "<",
    "heads": lambda n: "template <" * (n // 10),
    "apostrophes": lambda n: "1'1" * (n // 3),
    "braces": lambda n: "{" * n,
}


@pytest.mark.parametrize("name", ["net.arch", "net.cpp"])
@pytest.mark.parametrize("what", HOSTILE)
def test_time_grows_with_the_text_alone(what: str, name: str) -> None:
    def seconds(size: int) -> float:
        source = Source(name, HOSTILE[what](size))
        start = time.process_time()
        Tree(tokens_of(source.text))  # all of it, where the parser stops at an error
        with suppress(ArchError):
            parse(source)
        return time.process_time() - start

    seconds(100)
    # Of several times the least: Python's garbage collector runs when it wants to.
    small, large = (min(seconds(size) for _ in range(3)) for size in (3_000, 30_000))
    assert large < 5 * 10 * small + 0.05  # what grows with the square takes 100 times as long


def test_definitions_reach_from_their_names_to_their_values() -> None:
    definitions = {
        "constexpr int twice(int n) { return 2 * n; }": "twice(int n) { return 2 * n",
        "typedef relu<input<1,2,2>> net;": "relu<input<1,2,2>> net",
        "using other = fc<10,input<1,2,2>>;": "other = fc<10,input<1,2,2>>",
    }
    found = parse(Source("net.cpp", "\n".join(definitions))).items
    assert [item.span.text for item in found] == list(definitions.values())

"""Pygments colours every text of the language, and takes it apart where the compiler does."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, String

from archdsl.editor.pygments_lexer import ArchLexer
from archdsl.frontend.bundled import specs_folder
from archdsl.frontend.files import read_source
from archdsl.frontend.syntax.grammar import tokens_of

SPECS = sorted(specs_folder().rglob("*.arch"))
LEXER = ArchLexer(ensurenl=False, stripnl=False)


def coloured(text: str) -> list[tuple[object, str]]:
    return [(kind, part) for kind, part in LEXER.get_tokens(text) if part.strip()]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_spec_is_coloured_whole(path: Path) -> None:
    text = read_source(path).text
    tokens = list(LEXER.get_tokens(text))
    assert "".join(part for _, part in tokens) == text
    assert [part for kind, part in tokens if kind in Error] == []


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_token_of_the_compiler_begins_a_token(path: Path) -> None:
    text = read_source(path).text
    begins = {index for index, _, part in LEXER.get_tokens_unprocessed(text) if part}
    missed = [t for t in tokens_of(text) if t.text and t.start not in begins]
    assert missed == []


@given(st.text("<>=;,/*#\"'. \n\tabcAB_0123456789+-%!&|(){}\\$λ", max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    assert "".join(part for _, _, part in LEXER.get_tokens_unprocessed(text)) == text


def test_what_names_are() -> None:
    text = (
        "// year: 2015\n"
        '#include "blocks/vgg.arch"\n'
        "template <int N, typename SUBNET> using unit = relu<con_<N,3,3,bias=false,SUBNET>>;\n"
        "param float width = 1.5; /* for all */\n"
        "using net_type = repeat<max(2,3)-1, unit<8>, input<matrix<float>>>;\n"
    )
    found = {part: kind for kind, part in coloured(text)}
    expected = {
        "year:": Comment.Special,
        "2015": String.Doc,
        "#include": Comment.Preproc,
        '"blocks/vgg.arch"': Comment.PreprocFile,
        "template": Keyword.Declaration,
        "int": Keyword.Type,
        "N": Name.Constant,
        "typename": Keyword.Type,
        "SUBNET": Name.Constant,
        "unit": Name.Function,
        "relu": Name.Builtin,
        "con_": Name.Builtin,
        "bias": Name.Attribute,
        "false": Keyword.Constant,
        "param": Keyword,
        "width": Name.Variable,
        "1.5": Number.Float,
        "/* for all */": Comment.Multiline,
        "repeat": Keyword,
        "max": Name.Function.Magic,
        "-": Operator,
        "input": Name.Class,
        "matrix": Keyword.Type,
        "8": Number.Integer,
    }
    assert {part: found.get(part) for part in expected} == expected


def test_an_argument_may_be_called_like_a_layer() -> None:
    kinds = [kind for kind, part in coloured("roi_pool<m,7,scale=2,scale<g,S>>") if part == "scale"]
    assert kinds == [Name.Attribute, Keyword]


@pytest.mark.parametrize("hostile", ["/*", "a ", "a<", "a::", "// ", "1e", "using ", "a\n"])
def test_time_is_linear_in_the_text(hostile: str) -> None:
    """Sixteen times the text takes about sixteen times as long, more where the machine is busy.

    What reads the rest of the text again at every token would take 256 times as long.
    """

    def seconds(times: int) -> float:
        started = time.perf_counter()
        for _ in LEXER.get_tokens_unprocessed(hostile * times):
            pass
        return time.perf_counter() - started

    assert min(seconds(32_000) for _ in range(2)) < 128 * min(seconds(2_000) for _ in range(5))


def test_brackets_and_shifts_are_told_apart() -> None:
    assert [part for _, part in coloured("a<b<c>>;")] == [*"a<b<c>>;"]
    assert "<=" in [part for _, part in coloured("when<N<=3,a,S>")]


def test_installed_archdsl_gives_pygments_the_lexer() -> None:
    """The entry point names the class that is meant."""
    import tomllib
    from importlib import import_module

    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    entries = tomllib.loads(project.read_text())["project"]["entry-points"]["pygments.lexers"]
    module, _, name = entries["archdsl"].partition(":")
    assert getattr(import_module(module), name) is ArchLexer
    assert "*.arch" in ArchLexer.filenames

"""The colours of ``.arch`` texts for Pygments, and so for Sphinx, MkDocs and Jupyter.

Pygments finds the lexer by its entry point; nothing else of archdsl imports this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, ClassVar

from pygments.lexer import RegexLexer, bygroups, include, words
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
    _TokenType,
)

from archdsl.layers.vocabulary import vocabulary

__all__ = ["ArchLexer"]

_TYPE = "(?:unsigned|signed|long|short|int|char|float|double|bool|size_t|uint8|uint16)"
_NAME = r"[A-Za-z_]\w*"


@cache
def _meanings() -> dict[str, _TokenType]:
    """Token types of the language's built-in names."""
    known = vocabulary()
    return {
        **dict.fromkeys(known.pixels, Keyword.Type),
        **dict.fromkeys(known.inputs, Name.Class),
        **dict.fromkeys(known.combinators, Keyword),
        **dict.fromkeys(known.layers, Name.Builtin),
    }


def _name(_: Any, match: re.Match[str]) -> Iterator[tuple[int, _TokenType, str]]:
    """A name by itself, or with arguments behind it: a layer, a template or a parameter."""
    text = match.group(1)
    known = _meanings()
    # dlib's computational layers are spelled with an underscore behind: con_.
    kind = known.get(text) or known.get(text.removesuffix("_"))
    if kind is None:
        applied = match.group(2) is not None
        kind = Name.Function if applied else Name.Constant if text.isupper() else Name
    yield match.start(), kind, text


def _declared(kind: _TokenType) -> Any:
    return bygroups(Keyword.Type, Whitespace, kind)


class ArchLexer(RegexLexer):
    """Networks as nested layers."""

    name: ClassVar[str] = "archdsl"
    aliases: ClassVar[list[str]] = ["arch", "archdsl"]
    filenames: ClassVar[list[str]] = ["*.arch"]
    mimetypes: ClassVar[list[str]] = ["text/x-arch"]

    tokens: ClassVar[dict[str, list[Any]]] = {
        "root": [
            include("blank"),
            (
                r"(#[ \t]*include\b)([ \t]*)(\"[^\"\r\n]*\"|<[^>\r\n]*>)?",
                bygroups(Comment.Preproc, Whitespace, Comment.PreprocFile),
            ),
            (r"\b(template)\b(\s*)(?=<)", bygroups(Keyword.Declaration, Whitespace)),
            (
                rf"\b(using)(\s+)(namespace)(\s+)({_NAME}(?:\s*::\s*{_NAME})*)",
                bygroups(Keyword, Whitespace, Keyword, Whitespace, Name.Namespace),
            ),
            (
                rf"\b(using)(\s+)({_NAME})(?!\s*::)",
                bygroups(Keyword, Whitespace, Name.Function),
            ),
            (
                rf"\b(typename|class)\b(\s*)(\.\.\.)?(\s*)({_NAME})?",
                bygroups(Keyword.Type, Whitespace, Operator, Whitespace, Name.Constant),
            ),
            (words(("static", "const", "constexpr", "inline", "param"), r"\b", r"\b"), Keyword),
            (rf"\b(std)(::)({_TYPE})\b", bygroups(Name.Namespace, Punctuation, Keyword.Type)),
            # What a declaration names is no named argument, though "=" is behind both.
            (rf"\b({_TYPE})(\s+)([A-Z][A-Z\d_]*)\b", _declared(Name.Constant)),
            (rf"\b({_TYPE})(\s+)(?!{_TYPE}\b)({_NAME})\b", _declared(Name.Variable)),
            (rf"\b{_TYPE}\b(?!\s*::)", Keyword.Type),
            (words(("true", "false"), r"\b", r"\b"), Keyword.Constant),
            (r"(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?[fF]?|\d+[eE][+-]?\d+[fF]?", Number.Float),
            (r"\d+[uUlL]*", Number.Integer),
            (rf"({_NAME})(\s*)(::)", bygroups(Name.Namespace, Whitespace, Punctuation)),
            (
                rf"({_NAME})(\s*)(=)(?!=)",
                bygroups(Name.Attribute, Whitespace, Operator),
            ),
            (rf"({_NAME})(?=\s*\()", Name.Function.Magic),
            (rf"({_NAME})(?=(\s*<)?)", _name),
            (r"==|!=|<=|>=(?!>)|&&|\|\||[-+*/%!=]", Operator),
            (r"\.\.\.", Operator),
            (r"[<>(),;{}:]", Punctuation),
        ],
        "blank": [
            (r"\s+", Whitespace),
            (
                # A fact of the spec: "// year: 2015".
                r"^(//[ \t]*)([a-z][a-z0-9-]*:)([ \t]+)([^\r\n]+)",
                bygroups(Comment.Single, Comment.Special, Whitespace, String.Doc),
            ),
            (r"//[^\r\n]*", Comment.Single),
            (r"/\*(?s:.*?)(?:\*/|\Z)", Comment.Multiline),
        ],
    }

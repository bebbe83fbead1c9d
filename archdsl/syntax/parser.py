"""Text to syntax tree: a thin driver around Lark's LALR parser.

Nodes are built by callbacks while the parser reduces, so there is no second walk, and nothing
recurses on the depth of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, partial
from threading import Lock
from typing import Any, cast

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput

from archdsl.bulk import collector_paused
from archdsl.bundled import grammar_text
from archdsl.diagnostics import ArchError, Diagnostic, coded, fail
from archdsl.source import Source, Span
from archdsl.syntax import nodes
from archdsl.syntax.lexer import Lexer
from archdsl.syntax.mistakes import explain

_MAX_ERRORS = 20
_MAX_DIGITS = 1000  # reading a number takes time that grows with the square of its length
# The tables are made once; their callbacks are told which source spans belong to, one at a time.
_LOCK = Lock()
_INCLUDE = re.compile(r'#\s*include\s*"([^"]+)"\s*(?://.*|/\*.*)?$')
_RESYNC = re.compile(r"//[^\r\n]*|/\*.*?\*/|;", re.DOTALL)


@coded("E000")
@collector_paused()
def parse(source: Source) -> nodes.Document:
    """The syntax tree of a text.

    Raises :class:`ArchError` with a diagnostic for every syntax error that does not follow from
    an earlier one: after an error, reading goes on behind the next ``;``.
    """
    errors: list[Diagnostic] = []
    text = source.text
    while True:
        try:
            with _LOCK:
                lark, builder = _tables()
                builder.source = source
                items = lark.parse(text)
        except UnexpectedInput as error:
            # What was blanked need not be made of tokens at all.
            diagnostic, at = explain(error, source, partial(tokens_before, text))
            errors.append(diagnostic)
            resume = _after_next_semicolon(text, at)
            if resume is None or len(errors) == _MAX_ERRORS:
                raise ArchError(errors) from None
            # Blanked, not cut, so that positions stay true.
            text = re.sub(r"[^\n]", " ", text[:resume]) + text[resume:]
            continue
        if errors:
            raise ArchError(errors)
        return nodes.Document(source, cast("tuple[nodes.Item, ...]", items))


def _after_next_semicolon(text: str, at: int) -> int | None:
    for found in _RESYNC.finditer(text, at):
        if found.group() == ";":
            return found.end()
    return None


@cache
def _tables() -> tuple[Lark, _Builder]:
    builder = _Builder()
    return Lark(grammar_text(), parser="lalr", lexer=Lexer, transformer=builder), builder


def tokens_before(text: str, end: int) -> Iterator[Token]:
    """The tokens of a text before an offset, which must not cut one in two."""
    return _tables()[0].lex(text[:end])


def _bare(text: str) -> str:
    """The last part of a qualified C++ name."""
    return text.rpartition("::")[2].strip() if ":" in text else text


class _Builder(Transformer[Token, Any]):
    """Callbacks by rule and terminal name; each gets the children that the grammar keeps."""

    source: Source

    def _span(self, first: Token, last: Token) -> Span:
        return Span(self.source, cast(int, first.start_pos), cast(int, last.start_pos) + len(last))

    def _cover(self, first: Any, last: Any) -> Span:
        """From the start of one node to the end of another."""
        return Span(self.source, first.span.start, last.span.end)

    # ---- terminals ----

    def INTEGER(self, token: Token) -> nodes.Integer:
        start = cast(int, token.start_pos)
        span = Span(self.source, start, start + len(token))
        if len(token) > _MAX_DIGITS:
            raise fail("this number is too large", span, code="E006")
        return nodes.Integer(int(token.rstrip("uUlL")), span)

    def FLOAT(self, token: Token) -> nodes.Float:
        return nodes.Float(float(token.rstrip("fF")), self._span(token, token))

    def BOOLEAN(self, token: Token) -> nodes.Boolean:
        return nodes.Boolean(token == "true", self._span(token, token))

    def NAME(self, token: Token) -> nodes.Name:
        return nodes.Name(_bare(str(token)), self._span(token, token))

    def CTYPE(self, token: Token) -> nodes.CppType:
        name = " ".join(token.removeprefix("std::").split())
        return nodes.CppType(name, self._span(token, token))

    def HEAD(self, token: Token) -> nodes.Name:
        name = token[:-1].rstrip()
        start = cast(int, token.start_pos)
        return nodes.Name(_bare(name), Span(self.source, start, start + len(name)))

    # ---- expressions ----

    def apply(self, children: list[Any]) -> nodes.Apply:
        head, close = children[0], children[-1]
        arguments = tuple(children[1]) if len(children) == 3 else ()
        span = Span(self.source, head.span.start, close.start_pos + 1)
        return nodes.Apply(head, arguments, span)

    def arguments(self, children: list[Any]) -> list[Any]:
        if len(children) == 1:
            return children
        before, _, argument = children
        before.append(argument)
        return cast("list[Any]", before)

    def named(self, children: list[Any]) -> nodes.Named:
        name, value = children
        return nodes.Named(name, value, self._cover(name, value))

    def operation(self, children: list[Any]) -> nodes.Operation:
        operators = tuple(str(operator) for operator in children[1::2])
        span = self._cover(children[0], children[-1])
        return nodes.Operation(tuple(children[::2]), operators, span)

    def group(self, children: list[Any]) -> nodes.Group:
        return nodes.Group(children[0], children[0].span)

    def negation(self, children: list[Any]) -> nodes.Negation:
        operator, operand = children
        span = Span(self.source, operator.start_pos, operand.span.end)
        return nodes.Negation(str(operator), operand, span)

    def call(self, children: list[Any]) -> nodes.Call:
        name = children[0]
        arguments = tuple(child for child in children[1:] if child is not None)
        return nodes.Call(name, arguments, self._cover(name, arguments[-1] if arguments else name))

    # ---- template parameters ----

    def type_formal(self, children: list[Any]) -> nodes.TypeFormal:
        keyword, pack, name, default = children
        span = self._span(keyword, keyword) if name is None else name.span
        return nodes.TypeFormal(name, default, pack is not None, span)

    def value_formal(self, children: list[Any]) -> nodes.ValueFormal:
        ctype, pack, name, default = children
        span = ctype.span if name is None else name.span
        return nodes.ValueFormal(ctype, name, default, pack is not None, span)

    def block_formal(self, children: list[Any]) -> nodes.BlockFormal:
        *formals, _, pack, name, default = children[1:]
        span = self._span(children[0], children[0]) if name is None else name.span
        kept = tuple(formal for formal in formals if formal is not None)
        return nodes.BlockFormal(kept, name, default, pack is not None, span)

    # ---- definitions ----

    def include(self, children: list[Any]) -> nodes.Include:
        (token,) = children
        span = self._span(token, token)
        found = _INCLUDE.match(token.rstrip())
        if found is None:
            raise fail(
                "an .arch file includes other .arch files by a quoted path",
                span,
                'expected #include "file.arch"',
                help="dlib's layers are built in: leave out #include <dlib/dnn.h>",
                code="E007",
            )
        return nodes.Include(found.group(1), span)

    def using(self, children: list[Any]) -> nodes.Template:
        _, name, body = children
        return nodes.Template(name, (), body, self._cover(name, body))

    def template(self, children: list[Any]) -> nodes.Template:
        *formals, _, name, body = children[1:]
        kept = tuple(formal for formal in formals if formal is not None)
        return nodes.Template(name, kept, body, self._cover(name, body))

    def constant(self, children: list[Any]) -> nodes.Constant:
        ctype, name, value = children
        return nodes.Constant(name, ctype, value, self._cover(name, value))

    def parameter(self, children: list[Any]) -> nodes.Parameter:
        _, ctype, name, value = children
        return nodes.Parameter(name, ctype, value, self._cover(name, value))

    def namespace(self, children: list[Any]) -> None:
        # Every name of a .arch file lives in one space, dlib's included.
        return None

    def network(self, children: list[Any]) -> nodes.NetworkExpression:
        return nodes.NetworkExpression(children[0], children[0].span)

    def start(self, children: list[Any]) -> tuple[nodes.Item, ...]:
        return tuple(child for child in children if child is not None)

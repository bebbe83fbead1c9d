"""Text to syntax tree: a thin driver around Lark's LALR parser.

Nodes are built by callbacks while the parser reduces, so there is no second walk, and nothing
recurses on the depth of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, partial
from threading import Lock
from typing import Any, NamedTuple, cast

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput

from archdsl.bundled import grammar_text
from archdsl.diagnostics import ArchError, Diagnostic, coded, fail
from archdsl.graph.gc_pause import collector_paused
from archdsl.layers.definition import lookup
from archdsl.source import Source, Span
from archdsl.syntax import nodes
from archdsl.syntax.lexer import Lexer
from archdsl.syntax.mistakes import explain

_MAX_ERRORS = 20
_MAX_SCOPES = 64
_MAX_DIGITS = 1000  # reading a number takes time that grows with the square of its length
# The tables are made once; their callbacks are told which source spans belong to, one at a time.
_LOCK = Lock()
_INCLUDE = re.compile(r'#\s*include\s*"([^"]+)"\s*(?://.*|/\*.*)?$')
_SEPARATOR = re.compile(r"\s*::\s*(?:template\b(?=\s))?")
_EVERYWHERE = ("", "dlib", "std")
_RESYNC = re.compile(r"//[^\r\n]*|/\*.*?\*/|;", re.DOTALL)


@coded("E000")
@collector_paused()
def parse(source: Source) -> nodes.Document:
    """The syntax tree of a text; of a C++ source, that of its definitions.

    Raises :class:`ArchError` with a diagnostic for every syntax error that does not follow from
    an earlier one: after an error, reading goes on behind the next ``;``.
    """
    if not source.is_cpp:
        try:  # with the small tables: few specs have scopes
            return nodes.Document(source, _reduce(source.text, source, scopes=False))
        except UnexpectedInput:
            pass
    text = _definitions(source) if source.is_cpp else source.text
    items, errors = _read(text, source)
    if errors:
        raise ArchError(errors)
    return nodes.Document(source, items)


def _read(text: str, source: Source) -> tuple[tuple[nodes.Item, ...], list[Diagnostic]]:
    """The items of a text with the positions of a source, and what is wrong with it."""
    errors: list[Diagnostic] = []
    while True:
        try:
            return _reduce(text, source), errors
        except UnexpectedInput as error:
            # What was blanked need not be made of tokens at all.
            diagnostic, at = explain(error, source, partial(tokens_before, text))
            errors.append(diagnostic)
            resume = _after_next_semicolon(text, at)
            if resume is None or len(errors) == _MAX_ERRORS:
                return (), errors
            # Blanked, not cut, so that positions stay true.
            text = re.sub(r"[^\n]", " ", text[:resume]) + text[resume:]


def _reduce(text: str, source: Source, *, scopes: bool = True) -> tuple[nodes.Item, ...]:
    with _LOCK:
        lark, builder = _tables(scopes=scopes)
        builder.source = source
        return cast("tuple[nodes.Item, ...]", lark.parse(text))


def _definitions(source: Source) -> str:
    """The definitions of a C++ source, the rest blanked.

    Raises ArchError where one of them speaks of layers and is not written in the language.
    """
    # Files of the language itself never need these.
    from archdsl.syntax.cpp import definitions_of
    from archdsl.syntax.cpp_tokens import blank

    def reads(text: str) -> bool:
        try:
            _reduce(text, source)
        except (UnexpectedInput, ArchError):
            return False
        return True

    found = definitions_of(source, reads, lambda name: lookup(name) is not None)
    errors: list[Diagnostic] = []
    for start, text in found.broken[:_MAX_ERRORS]:
        # Read by itself: an error in it then never hides behind one in another definition.
        errors += _read(blank(source.text[:start]) + text, source)[1]
    if errors:
        raise ArchError(errors)
    return found.text


def _after_next_semicolon(text: str, at: int) -> int | None:
    for found in _RESYNC.finditer(text, at):
        if found.group() == ";":
            return found.end()
    return None


@cache
def _tables(*, scopes: bool) -> tuple[Lark, _Builder]:
    builder = _Builder()
    return Lark(
        grammar_text(scopes=scopes), parser="lalr", lexer=Lexer, transformer=builder
    ), builder


def tokens_before(text: str, end: int) -> Iterator[Token]:
    """The tokens of a text before an offset, which must not cut one in two."""
    return _tables(scopes=True)[0].lex(text[:end])


def readable_tokens(text: str) -> Iterator[Token]:
    """The tokens of a text as it stands while someone writes it: never raises."""
    return _lexer().readable(text)


@cache
def _lexer() -> Lexer:
    return Lexer(_tables(scopes=True)[0].parser.lexer_conf)


def _parts(text: str) -> list[str]:
    """The parts of a qualified C++ name; dlib's and the standard library's names need no scope."""
    parts = [part.strip() for part in _SEPARATOR.split(text)]
    return [part for part in parts[:-1] if part not in _EVERYWHERE] + parts[-1:]


def _name(text: str, span: Span, container: nodes.Apply | None = None) -> nodes.Name:
    depth, at = 0, container
    while at is not None and at.name.scope is not None:
        depth, at = depth + 1, at.name.scope.container
        if depth > _MAX_SCOPES:
            raise fail(f"a name inside more than {_MAX_SCOPES} structs", span, code="E015")
    *path, last = _parts(text)
    scope = nodes.Scope(container, tuple(path)) if path or container is not None else None
    return nodes.Name(last, span, scope)


def _path(name: nodes.Name) -> tuple[str, ...]:
    """A name of namespaces as its parts."""
    path = (*name.scope.path, name.text) if name.scope is not None else (name.text,)
    return tuple(part for part in path if part not in _EVERYWHERE)


def _kept(children: list[Any]) -> tuple[nodes.Item, ...]:
    return tuple(child for child in children if child is not None)


class _Constructor(NamedTuple):
    """``name_() : base_(argument) {}`` in a layer class."""

    own: nodes.Call
    base: nodes.Call


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
        span = self._span(token, token)
        return _name(token, span) if ":" in token else nodes.Name(str(token), span)

    def MEMBER(self, token: Token) -> tuple[str, Span]:
        return str(token), self._span(token, token)

    def MEMBER_HEAD(self, token: Token) -> tuple[str, Span]:
        name = token[:-1].rstrip()
        start = cast(int, token.start_pos)
        return name, Span(self.source, start, start + len(name))

    def CTYPE(self, token: Token) -> nodes.CppType:
        name = " ".join(token.removeprefix("std::").split())
        return nodes.CppType(name, self._span(token, token))

    def HEAD(self, token: Token) -> nodes.Name:
        name = token[:-1].rstrip()
        start = cast(int, token.start_pos)
        span = Span(self.source, start, start + len(name))
        return _name(name, span) if ":" in name else nodes.Name(name, span)

    # ---- expressions ----

    def apply(self, children: list[Any]) -> nodes.Apply:
        head, close = children[0], children[-1]
        arguments = tuple(children[1]) if len(children) == 3 else ()
        span = Span(self.source, head.span.start, close.start_pos + 1)
        return nodes.Apply(head, arguments, span)

    def member_apply(self, children: list[Any]) -> nodes.Apply:
        container, (text, head), arguments, close = children
        span = Span(self.source, container.span.start, close.start_pos + 1)
        return nodes.Apply(_name(text, head, container), tuple(arguments or ()), span)

    def member(self, children: list[Any]) -> nodes.Name:
        container, (text, span) = children
        return _name(text, Span(self.source, container.span.start, span.end), container)

    def dependent(self, children: list[Any]) -> nodes.Expression:
        return cast("nodes.Expression", children[1])

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

    def cast(self, children: list[Any]) -> nodes.Cast:
        head, value = children
        ctype = head
        if isinstance(head, nodes.Apply):
            ctype = head.arguments[0] if len(head.arguments) == 1 else None
            if head.name.text != "static_cast":
                ctype = None
        if not isinstance(ctype, nodes.CppType):
            raise fail(
                "a call of something that is no function",
                head.span,
                help="a number's type is changed by static_cast<float>(x)",
                code="E015",
            )
        return nodes.Cast(ctype, value, self._cover(head, value))

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

    def typedef(self, children: list[Any]) -> nodes.Template:
        _, body, name = children
        return nodes.Template(name, (), body, self._cover(body, name))

    # ---- scopes ----

    def directive(self, children: list[Any]) -> nodes.Directive | None:
        name = children[-1]
        path = _path(name)
        return nodes.Directive(path, name.span) if path else None

    def declaration(self, children: list[Any]) -> nodes.Declaration | None:
        name = children[-1]
        if name.scope is not None or self.source.is_cpp:
            return nodes.Declaration(name, name.span)
        if "::" in name.span.text:
            return None  # dlib's names are known everywhere
        raise fail(
            f"a definition of '{name.text}' without a meaning",
            name.span,
            "expected using name = ...;",
            code="E015",
        )

    def space(self, children: list[Any]) -> nodes.Space:
        keyword, name, *items = children
        span = self._span(keyword, keyword) if name is None else name.span
        # A space without a name is in the one around it, and so is dlib's own.
        return nodes.Space(_path(name) if name is not None else (), _kept(items), span)

    def block(self, children: list[Any]) -> nodes.Space | None:
        items = _kept(children)
        return nodes.Space(None, items, items[0].span) if items else None

    def alias(self, children: list[Any]) -> nodes.Alias:
        _, name, target = children
        return nodes.Alias(name, _path(target), self._cover(name, target))

    def header(self, children: list[Any]) -> tuple[nodes.Formal, ...]:
        return tuple(formal for formal in children[1:] if formal is not None)

    def bases(self, children: list[Any]) -> list[Any]:
        return [child for child in children if not isinstance(child, Token)]

    def constructor(self, children: list[Any]) -> _Constructor:
        return _Constructor(*(child for child in children if not isinstance(child, Token)))

    def members(self, children: list[Any]) -> list[Any]:
        return [child for child in children if child is not None]

    def struct(self, children: list[Any]) -> nodes.Struct:
        formals, keyword, head, bases, members = children
        if keyword == "typename":
            raise fail(
                "a struct or class begins with that word", self._span(keyword, keyword), code="E015"
            )
        name, pattern = (head.name, head.arguments) if type(head) is nodes.Apply else (head, None)
        constructors = [m for m in members or () if type(m) is _Constructor]
        base = bases[0] if bases else None
        if constructors:
            base = constructors[0].base
        items = None
        if members is not None:
            items = tuple(m for m in members if type(m) is not _Constructor)
        return nodes.Struct(name, formals, pattern, base, items, name.span)

    def network(self, children: list[Any]) -> nodes.NetworkExpression:
        return nodes.NetworkExpression(children[0], children[0].span)

    def start(self, children: list[Any]) -> tuple[nodes.Item, ...]:
        return _kept(children)

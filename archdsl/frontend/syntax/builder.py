"""The tree of a text, node by node: what the parser calls where a rule ends."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, cast

from archdsl.diagnostics import fail
from archdsl.diagnostics.source import Source, Span
from archdsl.frontend.syntax import nodes
from archdsl.frontend.syntax.tokens import Token, comment_above

_MAX_SCOPES = 64
_MAX_DIGITS = 1000  # reading a number takes time that grows with the square of its length
_INCLUDE = re.compile(r'#\s*include\s*"([^"]+)"\s*(?://.*|/\*.*)?$')
_SEPARATOR = re.compile(r"(?<!\s)\s*+::\s*(?:template\b(?=\s))?")
FUNCTIONS = frozenset({"min", "max", "abs", "round", "floor", "ceil", "sqrt"})
"""Numeric functions that C++ may call with their type: ``std::min<long>(a, b)``."""
_EVERYWHERE = ("", "dlib", "std")


def _parts(text: str) -> list[str]:
    """The parts of a qualified C++ name; dlib's and the standard library's names need no scope."""
    parts = [part.strip() for part in _SEPARATOR.split(text)]
    return [part for part in parts[:-1] if part not in _EVERYWHERE] + parts[-1:]


def _name(text: str, span: Span, container: nodes.Apply | None = None) -> nodes.Name:
    if container is None and ":" not in text:
        return nodes.Name(text, span)
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


def _formals(children: list[Any]) -> tuple[nodes.Formal, ...]:
    formals = tuple(c for c in children if c is not None and type(c) is not Token)
    seen: set[str] = set()
    for formal in formals:
        if formal.name is not None and formal.name.text in seen:
            name = formal.name
            raise fail(f"the parameter '{name.text}' is declared twice", name.span, code="E131")
        if formal.name is not None:
            seen.add(formal.name.text)
    return formals


_new = cast(Any, tuple.__new__)


class _Constructor(NamedTuple):
    """``name_() : base_(argument) {}`` in a layer class."""

    own: nodes.Call
    base: nodes.Call


class Builder:
    """Callbacks by rule and terminal name; each gets the children that the grammar keeps."""

    source: Source

    def _span(self, token: Token) -> Span:
        return Span(self.source, token.start, token.start + len(token.text))

    def _cover(self, first: Any, last: Any) -> Span:
        """From the start of one node to the end of another."""
        if last.span.end < first.span.start:  # it comes from a macro, which is defined above
            return cast(Span, first.span)
        return Span(self.source, first.span.start, last.span.end)

    def _above(self, token: Token) -> tuple[str, ...]:
        """The comment above a definition that begins with a token."""
        return comment_above(self.source.text, token)

    # ---- terminals ----

    # Long networks are almost all whole numbers and layers: those three make their tuples without
    # the call of a class.

    def INTEGER(self, token: Token) -> nodes.Integer:
        _, text, start, _ = token
        span = _new(Span, (self.source, start, start + len(text)))
        if len(text) > _MAX_DIGITS:
            raise fail("this number is too large", span, code="E006")
        value = int(text) if text.isdecimal() and text[0] != "0" else self._integer(text)
        return cast(nodes.Integer, _new(nodes.Integer, (value, span)))

    def _integer(self, text: str) -> int:
        digits = text.rstrip("uUlLzZ")
        prefix = digits[:2].lower()
        if prefix in ("0x", "0b"):
            return int(digits, 0)
        octal = digits[0] == "0" and self.source.is_cpp and not {"8", "9"} & set(digits)
        return int(digits, 8 if octal else 10)

    def HEAD(self, token: Token) -> nodes.Name:
        _, text, start, _ = token
        name = text[:-1].rstrip()
        span = _new(Span, (self.source, start, start + len(name)))
        return _name(name, span) if ":" in name else _new(nodes.Name, (name, span, None))

    def apply(self, children: list[Any]) -> nodes.Apply:
        head, close = children[0], children[-1]
        arguments = tuple(children[1]) if len(children) == 3 else ()
        span = _new(Span, (self.source, head[1][1], close[2] + 1))
        return cast(nodes.Apply, _new(nodes.Apply, (head, arguments, span)))

    def FLOAT(self, token: Token) -> nodes.Float:
        return nodes.Float(float(token.text.rstrip("fF")), self._span(token))

    def BOOLEAN(self, token: Token) -> nodes.Boolean:
        return nodes.Boolean(token.text == "true", self._span(token))

    def NAME(self, token: Token) -> nodes.Name:
        return _name(token.text, self._span(token))

    def MEMBER(self, token: Token) -> tuple[str, Span]:
        return token.text, self._span(token)

    def MEMBER_HEAD(self, token: Token) -> tuple[str, Span]:
        name = token.text[:-1].rstrip()
        return name, Span(self.source, token.start, token.start + len(name))

    def CTYPE(self, token: Token) -> nodes.CppType:
        name = " ".join(token.text.removeprefix("std::").split())
        return nodes.CppType(name, self._span(token))

    # ---- expressions ----

    def member_apply(self, children: list[Any]) -> nodes.Apply:
        container, (text, head), arguments, close = children
        span = Span(self.source, container.span.start, close.start + 1)
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
        operators = tuple(operator.text for operator in children[1::2])
        span = self._cover(children[0], children[-1])
        return nodes.Operation(tuple(children[::2]), operators, span)

    def group(self, children: list[Any]) -> nodes.Group:
        return nodes.Group(children[0], children[0].span)

    def negation(self, children: list[Any]) -> nodes.Negation:
        operator, operand = children
        span = Span(self.source, operator.start, operand.span.end)
        return nodes.Negation(operator.text, operand, span)

    def call(self, children: list[Any]) -> nodes.Call:
        name = children[0]
        arguments = tuple(child for child in children[1:] if child is not None)
        return nodes.Call(name, arguments, self._cover(name, arguments[-1] if arguments else name))

    def conditional(self, children: list[Any]) -> nodes.Conditional:
        condition, then, otherwise = (c for c in children if type(c) is not Token)
        return nodes.Conditional(condition, then, otherwise, self._cover(condition, otherwise))

    def cast(self, children: list[Any]) -> nodes.Cast | nodes.Call:
        head, *values = (c for c in children if c is not None and type(c) is not Token)
        ctype = head
        if isinstance(head, nodes.Apply):
            if head.name.text in FUNCTIONS and values:  # std::min<long>(64, 32)
                return nodes.Call(head.name, tuple(values), self._cover(head, values[-1]))
            if head.name.text != "static_cast":
                return nodes.Call(head.name, tuple(values), self._cover(head, head), head.arguments)
            ctype = head.arguments[0] if len(head.arguments) == 1 else None
        if not isinstance(ctype, nodes.CppType) or len(values) != 1:
            raise fail(
                "a call of something that is no function",
                head.span,
                help="a number's type is changed by static_cast<float>(x)",
                code="E015",
            )
        return nodes.Cast(ctype, values[0], self._cover(head, values[0]))

    # ---- template parameters ----

    def type_formal(self, children: list[Any]) -> nodes.TypeFormal:
        keyword, pack, name, default = children
        span = self._span(keyword) if name is None else name.span
        return nodes.TypeFormal(name, default, pack is not None, span)

    def value_formal(self, children: list[Any]) -> nodes.ValueFormal:
        ctype, pack, name, default = children
        span = ctype.span if name is None else name.span
        return nodes.ValueFormal(ctype, name, default, pack is not None, span)

    def block_formal(self, children: list[Any]) -> nodes.BlockFormal:
        *formals, _, pack, name, default = children[1:]
        span = self._span(children[0]) if name is None else name.span
        kept = _formals(formals)
        return nodes.BlockFormal(kept, name, default, pack is not None, span)

    # ---- definitions ----

    def include(self, children: list[Any]) -> nodes.Include:
        (token,) = children
        span = self._span(token)
        found = _INCLUDE.match(token.text.rstrip())
        if found is None:
            raise fail(
                "an .arch file includes other .arch files by a quoted path",
                span,
                'expected #include "file.arch"',
                help="dlib's layers are built in: leave out #include <dlib/dnn.h>"
                if "<" in token.text
                else 'the path stands in quotes: #include "blocks/resnet.arch"',
                code="E007",
            )
        return nodes.Include(found.group(1), span)

    def using(self, children: list[Any]) -> nodes.Template:
        using, name, body = children
        return nodes.Template(name, (), body, self._cover(name, body), self._above(using))

    def template(self, children: list[Any]) -> nodes.Template:
        *formals, _, name, body = children[1:]
        kept, span = _formals(formals), self._cover(name, body)
        return nodes.Template(name, kept, body, span, self._above(children[0]))

    def constant(self, children: list[Any]) -> nodes.Constant:
        ctype, name, value = children
        return nodes.Constant(name, ctype, value, self._cover(name, value))

    def function_formal(self, children: list[Any]) -> nodes.FunctionFormal:
        ctype, name, default = children
        return nodes.FunctionFormal(name, ctype, default)

    def function(self, children: list[Any]) -> nodes.Function:
        return self._function((), children)

    def family(self, children: list[Any]) -> nodes.Function | None:
        of_template, rest = list[nodes.FunctionFormal](), list[Any]()
        for child in children:
            if isinstance(child, nodes.ValueFormal) and child.name is not None:
                formal = nodes.FunctionFormal(child.name, child.type, child.default)
                of_template.append(formal)
            elif isinstance(child, nodes.Formal):
                return None
            else:
                rest.append(child)
        return self._function(tuple(of_template), rest)

    def _function(
        self, of_template: tuple[nodes.FunctionFormal, ...], children: list[Any]
    ) -> nodes.Function:
        ctype, name, *given, value = (c for c in children if c is not None and type(c) is not Token)
        span = self._cover(name, value)
        return nodes.Function(name, ctype, of_template, tuple(given), value, span)

    def parameter(self, children: list[Any]) -> nodes.Parameter:
        _, ctype, name, value = children
        return nodes.Parameter(name, ctype, value, self._cover(name, value))

    def typedef(self, children: list[Any]) -> nodes.Template:
        typedef, body, name = children
        span, variable = self._cover(body, name), not typedef.text
        return nodes.Template(name, (), body, span, self._above(typedef), variable)

    # ---- scopes ----

    def directive(self, children: list[Any]) -> nodes.Directive | None:
        name = children[-1]
        path = _path(name)
        return nodes.Directive(path, name.span) if path else None

    def declaration(self, children: list[Any]) -> nodes.Declaration | None:
        name = children[-1]
        if name.scope is None and "::" in name.span.text:
            return None  # dlib's names are known everywhere
        if name.scope is not None or self.source.is_cpp:
            return nodes.Declaration(name, name.span)
        raise fail(
            f"a definition of '{name.text}' without a meaning",
            name.span,
            "expected using name = ...;",
            code="E015",
        )

    def space(self, children: list[Any]) -> nodes.Space:
        keyword, name, *items = children
        span = self._span(keyword) if name is None else name.span
        # A space without a name is in the one around it, and so is dlib's own.
        return nodes.Space(_path(name) if name is not None else (), _kept(items), span)

    def block(self, children: list[Any]) -> nodes.Space | None:
        items = _kept(children)
        return nodes.Space(None, items, items[0].span) if items else None

    def alias(self, children: list[Any]) -> nodes.Alias:
        _, name, target = children
        return nodes.Alias(name, _path(target), self._cover(name, target))

    def header(self, children: list[Any]) -> tuple[nodes.Formal, ...]:
        return _formals(children)

    def bases(self, children: list[Any]) -> list[Any]:
        return [child for child in children if not isinstance(child, Token)]

    def constructor(self, children: list[Any]) -> _Constructor:
        return _Constructor(*(child for child in children if not isinstance(child, Token)))

    def members(self, children: list[Any]) -> list[Any]:
        return [child for child in children if child is not None]

    def struct(self, children: list[Any]) -> nodes.Struct:
        formals, keyword, head, bases, members = children
        if keyword.text == "typename":
            raise fail("a struct or class begins with that word", self._span(keyword), code="E015")
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

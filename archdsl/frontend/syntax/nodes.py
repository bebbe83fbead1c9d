"""The syntax tree: what the text says, before anything is looked up.

Nodes are named tuples: immutable, cheap to make by the hundred thousand, and every one of them
carries its span. A tree can be as deep as the text nests; walk it with a loop, not by recursion.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from archdsl.diagnostics.source import Source, Span

if TYPE_CHECKING:
    from archdsl.frontend.syntax.macros import Macros


class Integer(NamedTuple):
    """``96``, also with C++ suffixes: ``96ul``."""

    value: int
    span: Span


class Float(NamedTuple):
    """``1e-5``, ``0.75f``."""

    value: float
    span: Span


class Boolean(NamedTuple):
    """``true`` or ``false``."""

    value: bool
    span: Span


class CppType(NamedTuple):
    """A built-in C++ type, its words separated by single spaces: ``unsigned char``."""

    name: str
    span: Span


class Name(NamedTuple):
    """A name without arguments; ``text`` is its last part.

    ``scope`` is what it is looked up in, where that is said: ``dlib::`` and ``std::`` are dropped.
    """

    text: str
    span: Span
    scope: Scope | None = None


class Scope(NamedTuple):
    """The part of a name before its last ``::``: ``def<relu>::inner::`` or ``a::b::``."""

    container: Apply | None
    path: tuple[str, ...]


class Apply(NamedTuple):
    """``name<arguments...>``; ``name`` is the head alone, ``span`` all up to the closer."""

    name: Name
    arguments: tuple[Argument, ...]
    span: Span


class Named(NamedTuple):
    """``padding=2`` among arguments."""

    name: Name
    value: Expression
    span: Span


PACK_SIZE = "sizeof..."
"""The function that counts the arguments of a template's last parameter, ``typename... T``."""


class Call(NamedTuple):
    """``make_divisible(x, 8)``: a numeric function.

    ``of_template`` are arguments in angle brackets: ``twice<4>(x)``.
    """

    name: Name
    arguments: tuple[Expression, ...]
    span: Span
    of_template: tuple[Argument, ...] = ()


class Cast(NamedTuple):
    """``static_cast<float>(n)`` or ``float(n)``: a number as another type."""

    type: CppType
    value: Expression
    span: Span


class Conditional(NamedTuple):
    """``c ? a : b``: one of two numbers, by a condition."""

    condition: Expression
    then: Expression
    otherwise: Expression
    span: Span


class Operation(NamedTuple):
    """``a + b * c`` as a flat list; precedence is applied in evaluation.

    One operator stands between each two operands.
    """

    operands: tuple[Expression, ...]
    operators: tuple[str, ...]
    span: Span


class Negation(NamedTuple):
    """``-x`` or ``!x``."""

    operator: str
    operand: Expression
    span: Span


class Group(NamedTuple):
    """An expression in parentheses."""

    inner: Expression
    span: Span


Expression = (
    Integer
    | Float
    | Boolean
    | CppType
    | Name
    | Apply
    | Call
    | Cast
    | Conditional
    | Operation
    | Negation
    | Group
)
Argument = Expression | Named


class TypeFormal(NamedTuple):
    """``typename SUBNET``."""

    name: Name | None
    default: Expression | None
    pack: bool
    span: Span


class ValueFormal(NamedTuple):
    """``int N = 64``; ``type`` is the C++ type as written."""

    type: CppType
    name: Name | None
    default: Expression | None
    pack: bool
    span: Span


class BlockFormal(NamedTuple):
    """``template <int, typename> class BLOCK``: a template taken as a parameter."""

    formals: tuple[Formal, ...]
    name: Name | None
    default: Expression | None
    pack: bool
    span: Span


Formal = TypeFormal | ValueFormal | BlockFormal


class Include(NamedTuple):
    """``#include "blocks/resnet.arch"``; ``target`` is the path between the quotes."""

    target: str
    span: Span


class Template(NamedTuple):
    """``template <...> using name = body;``, or plain ``using`` with no formals."""

    name: Name
    formals: tuple[Formal, ...]
    body: Expression
    span: Span
    doc: tuple[str, ...] = ()
    """The comment above it, line by line."""
    variable: bool = False
    """True for a variable of a C++ program, which has a network's type and is none itself."""


class Constant(NamedTuple):
    """``const int n = 3;``"""

    name: Name
    type: CppType
    value: Expression
    span: Span


class FunctionFormal(NamedTuple):
    """``int n = 2`` among the parameters of a function."""

    name: Name
    type: CppType
    default: Expression | None = None


class Function(NamedTuple):
    """``constexpr int twice(int n) { return 2 * n; }``, or a variable template of numbers.

    ``of_template`` are the numbers that a template of functions has in angle brackets.
    """

    name: Name
    type: CppType
    of_template: tuple[FunctionFormal, ...]
    formals: tuple[FunctionFormal, ...]
    value: Expression
    span: Span


class Parameter(NamedTuple):
    """``param int classes = 1000;``: a constant that ``-D`` can set from outside."""

    name: Name
    type: CppType
    value: Expression
    span: Span


class NetworkExpression(NamedTuple):
    """A network that stands by itself, without a name."""

    body: Expression
    span: Span


class Directive(NamedTuple):
    """``using namespace a::b;``"""

    path: tuple[str, ...]
    span: Span


class Declaration(NamedTuple):
    """``using a::name;``: a name from another scope.

    Without a scope it stands for a definition of a C++ source that is outside the language.
    """

    name: Name
    span: Span


class Space(NamedTuple):
    """``namespace a::b { ... }``; a block in braces, whose names end with it, has no path."""

    path: tuple[str, ...] | None
    items: tuple[Item, ...]
    span: Span


class Alias(NamedTuple):
    """``namespace name = path;``"""

    name: Name
    path: tuple[str, ...]
    span: Span


class Struct(NamedTuple):
    """A struct or class, whose definitions are its members.

    ``formals`` is ``None`` for one without parameters, ``pattern`` the arguments that a
    specialisation is for, ``items`` ``None`` where it is declared only. ``base`` is the layer that
    a layer class derives from, with what its constructor passes on.
    """

    name: Name
    formals: tuple[Formal, ...] | None
    pattern: tuple[Argument, ...] | None
    base: Name | Apply | Call | None
    items: tuple[Item, ...] | None
    span: Span


Item = (
    Include
    | Template
    | Constant
    | Function
    | Parameter
    | NetworkExpression
    | Directive
    | Declaration
    | Space
    | Alias
    | Struct
)


class Document(NamedTuple):
    """A parsed source: its definitions in the order of the text."""

    source: Source
    items: tuple[Item, ...]
    macros: frozenset[str] = frozenset()
    """The macros of a C++ source that have their values from outside."""
    included: Mapping[int, Macros] = MappingProxyType({})
    """The macros that a C++ source has at each of its includes, by the offset of that."""

"""Evaluation of arguments that hold no blocks: numbers, names and pixel types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import Any, cast

from archdsl.diagnostics import ArchError, Diagnostic, fail
from archdsl.frontend.elaborate import arithmetic
from archdsl.frontend.elaborate.arguments import Pending, positional, short, unread
from archdsl.frontend.elaborate.initial_values import unknown
from archdsl.frontend.elaborate.scope import Deferred, Environment, FunctionBinding, Unread
from archdsl.frontend.elaborate.tails import find, values_type
from archdsl.frontend.syntax import nodes
from archdsl.frontend.syntax.operators import Number
from archdsl.ir.block import Label
from archdsl.ir.trampoline import Task
from archdsl.layers.initial import SCHEMES, Scheme
from archdsl.layers.inputs import CPP_CONTAINERS, PIXELS, Pixels, pixel_type

_MAX_CALLS = 10_000
BROKEN = object()
"""The value of a constant whose expression is wrong; its uses report no further errors."""


def number(node: nodes.Expression, environment: Environment) -> Task[Number]:
    """The value of an expression that has to be a number or true or false."""
    if isinstance(node, (nodes.Integer, nodes.Float, nodes.Boolean)):
        return arithmetic.bounded(node.value, node.span)
    if isinstance(node, nodes.Group):
        inner: Number = yield number(node.inner, environment)
        return inner
    if isinstance(node, nodes.Negation):
        value: Number = yield number(node.operand, environment)
        if node.operator == "~":
            return ~int(value)
        return not value if node.operator == "!" else -value
    if isinstance(node, nodes.Conditional):
        holds = yield number(node.condition, environment)
        chosen: Number = yield number(node.then if holds else node.otherwise, environment)
        return chosen
    if isinstance(node, nodes.Operation):
        result: Number = yield arithmetic.operation(
            node, lambda operand: number(operand, environment)
        )
        return result
    if isinstance(node, nodes.Call):
        if node.name.text == nodes.PACK_SIZE:
            return len((yield meaning(cast("nodes.Name", node.arguments[0]), environment)))
        own = find(node.name, environment)
        if isinstance(own, FunctionBinding):
            returned: Number = yield _called(own, node, environment)
            return returned
        if isinstance(own, Unread):
            raise unread(node.name, own)
        arguments = []
        for argument in node.arguments:
            arguments.append((yield number(argument, environment)))
        return arithmetic.call(node, arguments)
    if isinstance(node, nodes.Apply):
        own = find(node.name, environment)
        if isinstance(own, FunctionBinding):
            returned = yield _called(own, node, environment)
            return returned
    if isinstance(node, nodes.Cast):
        kind = value_type(node.type)
        inner = yield number(node.value, environment)
        return inner if kind is object else cast("Number", kind(inner))
    if isinstance(node, nodes.Name):
        value = yield meaning(node, environment, number=True)
        if value is BROKEN:
            raise ArchError(())
        if isinstance(value, Deferred):
            value = yield _deferred(value, node)
        if isinstance(value, (int, float)):
            return arithmetic.bounded(value, node.span)
        if isinstance(value, Unread):
            raise unread(node, value)
    raise fail(
        "a number belongs here",
        node.span if not isinstance(node, nodes.Apply) else node.name.span,
        f"expected a number, found '{short(node.span.text)}'",
        help="the arguments of a layer come before its subnet; one may be missing",
        code="E114",
    )


def _called(
    function: FunctionBinding, node: nodes.Call | nodes.Apply, environment: Environment
) -> Task[Number]:
    """The value of a function of the program itself, whose steps are counted."""
    definition, definitions, position = function
    definitions.root.calls += 1
    if definitions.root.calls > _MAX_CALLS:
        raise fail(
            f"the functions of this file are called more than {_MAX_CALLS:,} times",
            node.name.span,
            help="a function that calls itself has to end",
            code="E123",
        )
    given: tuple[nodes.Argument, ...] = node.arguments
    called: tuple[nodes.Expression, ...] = ()
    if isinstance(node, nodes.Call):
        # Types among them are deduced: only numbers are parameters here.
        given = tuple(a for a in node.of_template if not isinstance(a, nodes.CppType))
        called = node.arguments
    local: dict[str, Any] = {}
    for arguments, formals in ((given, definition.of_template), (called, definition.formals)):
        least = sum(formal.default is None for formal in formals)
        if not least <= len(arguments) <= len(formals):
            wanted = f"{least}" if least == len(formals) else f"{least} to {len(formals)}"
            message = f"{definition.name.text} takes {wanted} arguments, found {len(arguments)}"
            raise fail(message, node.span, code="E123")
        for formal, argument in zip_longest(formals, arguments):
            where, value = environment, argument
            if value is None:
                where, value = Environment(definitions, position, dict(local)), formal.default
            assert value is not None
            local[formal.name.text] = yield _typed(formal.type, positional(value), where)
    inside = Environment(definitions, position, local)
    returned: Number = yield _typed(definition.type, definition.value, inside)
    return returned


def _typed(ctype: nodes.CppType, node: nodes.Expression, environment: Environment) -> Task[Number]:
    """A number as a value of a C++ type."""
    kind = value_type(ctype)
    value: Number = yield number(node, environment)
    return value if kind is object else cast("Number", kind(value))


def meaning(name: nodes.Name, environment: Environment, *, number: bool = False) -> Task[Any]:
    """The value of a name; raises ArchError where it has none, worded for a ``number`` if asked."""
    if name.scope is None:
        return environment.require(name, number=number)
    resolve = environment.definitions.root.resolve
    assert resolve is not None
    return (yield resolve(name, environment))


class _UnknownValueError(ArchError):
    """A constant has no value, for a reason that lies in it or in those that it depends on."""

    def __init__(self, name: nodes.Name, cause: ArchError) -> None:
        first = cause.diagnostics[0]
        where = f" ({first.span.where})" if first.span is not None else ""
        self.reason: str = (
            cause.reason if isinstance(cause, _UnknownValueError) else f"{first.message}{where}"
        )
        message = f"the value of '{name.text}' is not known"
        help = "the sizes of a network are numbers and constants"
        super().__init__(Diagnostic(message, name.span, (self.reason,), help, code="E140"))


def _deferred(constant: Deferred, name: nodes.Name) -> Task[Number]:
    """The value of a constant, found once."""
    if constant.running:
        raise fail(f"'{name.text}' is defined by itself", name.span, code="E103")
    if constant.value is None:
        constant.running = True
        environment = Environment(constant.definitions, constant.position, {})
        try:
            constant.value = yield PLAIN[constant.kind](Pending(constant.node, environment))
        except ArchError as error:
            raise _UnknownValueError(name, error) from None
        finally:
            constant.running = False
    value: Number = constant.value
    return value


def int_value(pending: Pending) -> Task[int]:
    value = yield number(*pending)
    if isinstance(value, float):
        raise fail(
            "a whole number belongs here",
            pending.node.span,
            f"expected an integer, found {value}",
            help="round(x), floor(x) and ceil(x) make whole numbers",
            code="E115",
        )
    return int(value)


def any_value(pending: Pending) -> Task[Number]:
    """A number of the type that its expression has, as C++'s ``auto`` says."""
    value: Number = yield number(*pending)
    return value


def float_value(pending: Pending) -> Task[float]:
    value = yield number(*pending)
    return float(value)


def bool_value(pending: Pending) -> Task[bool]:
    value = yield number(*pending)
    if value not in (0, 1):
        raise fail("true or false belongs here", pending.node.span, f"found {value:g}", code="E116")
    return bool(value)


def label_value(pending: Pending) -> Task[Label]:
    if not isinstance(pending.node, nodes.Name):
        raise fail(
            "a name belongs here",
            pending.node.span,
            f"expected a bare name, found '{short(pending.node.span.text)}'",
            code="E117",
        )
    return Label(pending.node.text)
    yield


def scheme_value(pending: Pending) -> Task[Scheme]:
    word = yield label_value(pending)
    if word not in SCHEMES:
        raise unknown(word, pending.node.span)
    return Scheme(word)


def pixels_value(pending: Pending) -> Task[Pixels]:
    """Channels as a number, or the C++ type that dlib reads images from."""
    node, environment = values_type(*pending)
    first = node
    channels = 0
    sizes: list[int | None] = [None, None]
    while isinstance(node, nodes.Apply) and node.name.text in CPP_CONTAINERS:
        if node.name.text == "array" and len(node.arguments) == 2:
            _, size = node.arguments
            channels = yield int_value(Pending(positional(size), environment))
        if node.name.text == "matrix":  # matrix<T,NR,NC>; 0 leaves a size open
            for axis, argument in enumerate(node.arguments[1:3]):
                sizes[axis] = (yield int_value(Pending(positional(argument), environment))) or None
        node = positional(node.arguments[0]) if node.arguments else node.name
        node, environment = values_type(node, environment)
    element = node.name if isinstance(node, nodes.CppType) else None
    if isinstance(node, nodes.Name):
        known = find(node, environment)
        if known is None and node.text in PIXELS:
            return Pixels(PIXELS[node.text], 256, *sizes)
        element = known if isinstance(known, str) else None
        if isinstance(known, Pixels):
            return known
        if known in PIXELS:
            return Pixels(PIXELS[known], 256, *sizes)
    if element is not None:
        divisor = 256 if element in ("unsigned char", "uint8_t", "uint8") else 1
        return Pixels(channels or 1, divisor, *sizes)
    if isinstance(node, nodes.Name) and find(node, environment) is None:
        meant = pixel_type(node.text)
        if meant is not None or node is not first:
            raise _no_pixels(node, meant)
    count = yield int_value(Pending(node, environment))
    if count < 1:
        raise fail("an input needs at least one channel", node.span, f"found {count}", code="E124")
    return Pixels(count)


def _no_pixels(name: nodes.Name, meant: str | None) -> ArchError:
    about = {
        "unsigned char": "the values 0 to 255 of a grey picture, as MNIST has them",
        "rgb_pixel": "those of a colour picture",
    }
    types = [f"{kind} is for {what}" for kind, what in about.items()]
    return fail(
        f"there is no type of pixels '{name.text}'",
        name.span,
        *types,
        "float is for values that are taken as they are",
        help=f"did you mean {meant}? input<matrix<{meant}>>" if meant else None,
        code="E101",
    )


PLAIN: Mapping[Any, Callable[[Pending], Task[Any]]] = {
    int: int_value,
    object: any_value,
    float: float_value,
    bool: bool_value,
    Label: label_value,
    Scheme: scheme_value,
    Pixels: pixels_value,
}
"""Evaluation by the type that an argument declares, for types that hold no blocks."""


def value_type(ctype: nodes.CppType) -> type[Any]:
    """The Python type of the values of a C++ type: int, float or bool; object for ``auto``."""
    words = ctype.name.split()
    if words == ["auto"]:
        return object
    if "bool" in words:
        return bool
    return float if {"float", "double"} & set(words) else int

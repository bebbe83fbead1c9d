"""The generated file: docstring, imports, a class for each template, the network, main."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from archdsl.analysis.cost import summarise
from archdsl.backends.plan import (
    Call,
    Language,
    Operation,
    Plan,
    Unit,
    UnitClass,
    Variation,
    Variations,
    classes,
    name_classes,
)
from archdsl.backends.plan.identifiers import identifier
from archdsl.backends.source.bundle import Bundle
from archdsl.backends.source.classes import Signature, Writer
from archdsl.backends.source.constructors import opened
from archdsl.backends.source.initialisation import InitialWeights
from archdsl.backends.source.layout import INDENT, block, literal, prose
from archdsl.backends.source.spelling import Spelled, UnspelledError, spelled
from archdsl.backends.source.symbols import Symbols
from archdsl.backends.torch.blocks import is_chain
from archdsl.backends.torch.realise import named
from archdsl.backends.torch.trial_run import trial_input
from archdsl.frontend.header import facts
from archdsl.ir.layer import shown
from archdsl.ir.network import Network
from archdsl.text.words import count_words

_WIDTH = 78
"""Characters in a line of a docstring."""

_IMPORTED = ("nn", "torch", "F", "Tensor", "OrderedDict", "Any", "FROZEN")
"""Names at the top of files that no class may have."""

_PYTHON = Language(opened, spelled, is_chain)


def page(network: Network) -> str:
    """The source of a checked network, formatted.

    The class of the network takes and gives what the compiled module does; its weights have the
    same names in the same order, and are drawn by the same rules. The spec's parameters are its
    arguments as far as they decide numbers. Raises ArchError where a layer has no source text.
    """
    varied, found = _varied(network)
    symbols = Symbols()
    symbols.need("import torch")
    bundle = _bundled(found, symbols)
    own = (target.__name__ for target in _called(found))
    name_classes(found, network.name, {*_IMPORTED, *bundle.names(), *own})
    writer = Writer(symbols, lambda value: _type(network, value, symbols))
    beginning = InitialWeights(varied.own, symbols)
    body: list[str] = []
    told: set[str | None] = set()
    for pattern in found[:-1]:
        if not pattern.inline:
            scope = pattern.units[0].scope
            about = [] if scope.template in told else wrapped(" ".join(scope.doc))
            told.add(scope.template)
            body += ["", "", *writer.lines(pattern, about, {})]
    root = found[-1]
    about = wrapped(" ".join(_told(network, varied)))
    notes = dict(_notes(network, root.units[0]))
    signature = None if root.chain else _signature(network, varied.plan, symbols)
    body += ["", "", *writer.lines(root, about, notes, signature, beginning.constructor())]
    methods, constants = beginning.methods(root.name), beginning.constants()
    body += ["", *block(methods, 1)] if methods else []
    body += ["", "", *block(constants, 0)] if constants else []
    bundled = bundle.lines()
    if bundled:
        title = "# ---- What torch.nn lacks, as archdsl has it; it keeps its own style. ----"
        body += ["", "", title, "# fmt: off", *bundled, "# fmt: on"]
    body += ["", "", *_main(network, root.name)]
    future = ["from __future__ import annotations", ""] if bundle.postponed else []
    head = [*_about(network, symbols), "", *future, *symbols.lines()]
    return "\n".join([*head[:-1], *body]) + "\n"


def _varied(network: Network) -> tuple[Variation, list[UnitClass]]:
    """The plan with as many parameters as its numbers are known expressions of, and its classes."""
    variations = Variations(network)
    without: list[str] = []
    while True:
        varied = variations.variation(without)
        try:
            return varied, classes(network, varied, _PYTHON)
        except UnspelledError as error:
            without.append(error.parameter)


def _told(network: Network, varied: Variation) -> Iterator[str]:
    """The docstring of the network's class, sentence by sentence."""
    yield f"The network; input {_shape(network, network.input)}."
    if varied.plan.criterion is not None:
        yield "criterion is its loss, decision makes labels of its output."
    if varied.fixed:
        yield f"Fixed here: {', '.join(f'{k} = {v}' for k, v in varied.fixed.items())}."


def _bundled(found: Sequence[UnitClass], symbols: Symbols) -> Bundle:
    """The definitions of archdsl's own that the classes call, directly or by an argument."""
    for term in found[-1].abstraction.terms:
        if isinstance(term, Spelled):
            for function in term.functions:
                symbols.of(function)
    for target in _called(found):
        symbols.of(target)
    return Bundle(symbols, symbols.bundled.values())


def _called(found: Sequence[UnitClass]) -> Iterator[Any]:
    """The classes and functions of others that classes of units call."""
    for step in (step for made in found for step in made.steps):
        if step.function and not step.function.startswith((".", "operator.")):
            yield named(step.function)
        waiting = [step.maker]
        while waiting:
            value = waiting.pop()
            if isinstance(value, tuple):
                waiting += value
            elif isinstance(value, Call):
                waiting += (*value.arguments, *(each for _, each in value.options))
                if not isinstance(value.target, (UnitClass, bool)):
                    yield value.target


def _notes(network: Network, root: Unit) -> Iterator[tuple[str, str]]:
    """The shape of what each part of the network gives; of a loop's last iteration as well."""
    for name, called in root.pieces:
        if isinstance(called, Unit) and name is not None:
            shape = _shape(network, called.gives[-1].path)
            yield name, shape
            yield name.rstrip("0123456789"), shape


def _shape(network: Network, path: str) -> str:
    return prose(shown(network.shape(path)))


def _signature(network: Network, planned: Plan, symbols: Symbols) -> Signature:
    """Types of the values that the network takes and returns."""
    names, taken = [], []
    for entry in planned.entries():
        default = f" = {literal(entry.arguments[0])}" if entry.arguments else ""
        kind = _noted("Any", symbols) if entry.arguments else _type(network, entry, symbols)
        names.append(entry.target)
        taken.append(f"{identifier(entry.target)}: {kind}{default}")
    gives = _noted("Tensor" if _tensors(network) else "Any", symbols)
    gives = f"dict[str, {gives}]" if isinstance(planned.result, dict) else gives
    return Signature(names, taken, gives, planned.result)


def _tensors(network: Network) -> bool:
    """True if all outputs are tensors."""
    return all(isinstance(network.shape(path), tuple) for path in network.outputs.values())


def _type(network: Network, value: Operation, symbols: Symbols) -> str:
    """The type of a value: a tensor where its layer gives one."""
    path = value.path
    tensor = path in network.by_path and isinstance(network.shape(path), tuple)
    return _noted("Tensor" if tensor else "Any", symbols)


def _noted(kind: str, symbols: Symbols) -> str:
    """The name of a type, with the import that it needs."""
    symbols.need({"Tensor": "from torch import Tensor", "Any": "from typing import Any"}[kind])
    return kind


def _about(network: Network, symbols: Symbols) -> list[str]:
    """The docstring of the file."""
    summary = summarise(network)
    outputs = ", ".join(
        f"{prose(name)} {prose(shown(shape))}" for name, shape in summary.outputs.items()
    )
    name = prose(network.name)
    totals = (
        f"{summary.parameters:,} parameters and {count_words(summary.macs)} multiply-accumulates "
        f"for an input of {prose(shown(summary.input))}; {outputs}."
    )
    *most, last = "torch", *sorted(symbols.packages() - {"torch"})
    needs = f"{', '.join(most)} and {last}" if most else "torch alone"
    origin = f"Written by archdsl from the spec {name}. Needs {needs}."
    first, *rest = _heading(network) or [f"The network {name}."]
    return [f'"""{first}', *rest, "", *wrapped(totals), origin, '"""']


def _heading(network: Network) -> list[str]:
    """The comment at the top of the spec, less its facts, in lines; none where there is none."""
    block = network.block
    # The text with the network's last layer is the one that was named, not what it includes.
    span = block.steps[-1].span if block is not None and block.steps else None
    return [] if span is None or span.source.is_cpp else wrapped(facts(span.source).comment)


def wrapped(text: str) -> list[str]:
    """Text in lines of a docstring; nothing in it can end that."""
    return textwrap.wrap(prose(text), _WIDTH, break_on_hyphens=False)


def _main(network: Network, name: str) -> list[str]:
    arguments = trial_input(network)
    body = [f"network = {name}().eval()"]
    body += [f"{identifier(key)} = {_random(value)}" for key, value in arguments.items()]
    given = ", ".join(f"{key}={key}" if len(arguments) > 1 else key for key in arguments)
    body += ["with torch.inference_mode():", f"{INDENT}outputs = network({given})"]
    if not _tensors(network):
        body.append("print(outputs)")
    elif len(network.outputs) > 1:
        body.append("print({name: tuple(value.shape) for name, value in outputs.items()})")
    else:
        body.append("print(tuple(outputs.shape))")
    ending = ["", "", 'if __name__ == "__main__":', f"{INDENT}main()"]
    return ["def main() -> None:", *block(body, 1), *ending]


def _random(value: Any) -> str:
    """An expression for random values of a value's size."""
    if isinstance(value, Tensor):
        return f"torch.rand({', '.join(map(str, value.shape))})"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_random, value))}]"
    return literal(value)

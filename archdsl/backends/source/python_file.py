"""The generated file: docstring, imports, a class for each template, the network, main."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from torch import Tensor

from archdsl.analysis.cost import summarise
from archdsl.backends.plan import InnerUnit, Operation, Plan, Unit, Variation, Variations
from archdsl.backends.plan.units import unit_name
from archdsl.backends.source.bundle import Bundle
from archdsl.backends.source.classes import ForwardResults, Writer
from archdsl.backends.source.code_style import INDENT, Doc, DocGroup, joined, lines, literal, prose
from archdsl.backends.source.docstrings import commented, heading, wrapped
from archdsl.backends.source.identifiers import UniqueNames, camel, identifier
from archdsl.backends.source.initialisation import InitialWeights
from archdsl.backends.source.patterns import Pattern, patterns
from archdsl.backends.source.spelling import Spelled, UnspelledError
from archdsl.backends.source.steps import Built
from archdsl.backends.source.symbols import Symbols
from archdsl.backends.torch.realise import named
from archdsl.backends.torch.trial_run import trial_input
from archdsl.ir.layer import shown
from archdsl.ir.lowering import Construct
from archdsl.ir.network import Network


def page(network: Network) -> str:
    """The source of a checked network, formatted.

    The class of the network takes and gives what the compiled module does; its weights have the
    same names in the same order, and are drawn by the same rules. The spec's parameters are its
    arguments as far as they decide numbers. Raises ArchError where a layer has no source text.
    """
    varied, found = _varied(network)
    planned = varied.plan
    symbols = Symbols()
    symbols.need("import torch")
    bundle = _bundled(found, symbols)
    _name(found, network, bundle.names())
    writer = Writer(symbols, lambda value: _type(network, value, symbols))
    beginning = InitialWeights(varied.own, symbols)
    body: list[str] = []
    told: set[str | None] = set()
    for pattern in found[:-1]:
        if not pattern.inline:
            template = pattern.units[0].scope.template
            about = [] if template in told else commented(pattern.units[0])
            told.add(template)
            body += ["", "", *writer.lines(pattern, about, {})]
    root = found[-1]
    about = wrapped(" ".join(_told(network, varied)))
    notes = dict(_notes(network, root.units[0]))
    results = None if root.chain else _results(network, planned, symbols)
    ending = beginning.constructor()
    body += ["", "", *writer.lines(root, about, notes, results, ending)]
    body += beginning.methods(root.name)
    body += beginning.functions()
    bundled = bundle.lines()
    if bundled:
        title = "# ---- What torch.nn lacks, as archdsl has it; it keeps its own style. ----"
        body += ["", "", title, "# fmt: off", *bundled, "# fmt: on"]
    main = _main(network, root.name)
    future = ["from __future__ import annotations", ""] if bundle.postponed else []
    head = [*_about(network, symbols), "", *future, *symbols.lines()]
    return "\n".join([*head[:-1], *body, "", "", *main]) + "\n"


def _varied(network: Network) -> tuple[Variation, list[Pattern]]:
    """The plan with as many parameters as its numbers are known expressions of, and its classes."""
    variations = Variations(network)
    without: list[str] = []
    while True:
        varied = variations.variation(without)
        try:
            return varied, patterns(network, varied)
        except UnspelledError as error:
            without.append(error.parameter)


def _told(network: Network, varied: Variation) -> Iterator[str]:
    """The docstring of the network's class, sentence by sentence."""
    yield f"The network; input {_shape(network, network.input)}."
    if varied.plan.criterion is not None:
        yield "criterion is its loss, decision makes labels of its output."
    if varied.fixed:
        yield f"Fixed here: {', '.join(f'{k} = {v}' for k, v in varied.fixed.items())}."


def _bundled(found: Sequence[Pattern], symbols: Symbols) -> Bundle:
    """The definitions of archdsl's own that the patterns call, directly or by an argument."""
    for term in found[-1].abstraction.terms:
        if isinstance(term, Spelled):
            for function in term.functions:
                symbols.of(function)
    for pattern in found:
        for step in pattern.steps:
            if isinstance(step.head, Built):
                for built in step.head.all():
                    symbols.of(built.made)
            for slot in step.slots:
                for record in _records(slot.value):
                    symbols.of(named(record.target))
            if callable(step.head) and step.head.__module__ != "_operator":
                symbols.of(step.head)
    bundle = Bundle(symbols)
    for thing in symbols.bundled.values():
        bundle.add(thing)
    return bundle


def _records(value: Any) -> Iterator[Construct]:
    """The constructs in a value: plain records, not modules."""
    if isinstance(value, Construct):
        yield value
        value = (value.arguments, value.options)
    if isinstance(value, tuple):
        for each in value:
            yield from _records(each)


def _name(found: Sequence[Pattern], network: Network, taken: set[str]) -> None:
    """Give the classes their names: those of templates, and of variants what sets them apart."""
    names = UniqueNames({"nn", "torch", "F", "Tensor", "OrderedDict", "Any", "FROZEN", *taken})
    for pattern in found:
        for step in pattern.steps:
            if isinstance(step.head, Built):
                names.taken.add(step.head.made.__name__)
            elif callable(step.head):
                names.taken.add(step.head.__name__)
    found[-1].name = names.new(camel(network.name))
    firsts: dict[str, set[str]] = {}
    for pattern in found[:-1]:
        if pattern.inline:
            continue
        base = unit_name(pattern.units[0])
        parts = _words(pattern)
        first = firsts.setdefault(base, parts)
        apart = sorted(parts - first)
        wishes = [base + "".join(map(camel, apart[:1]))]
        if len(apart) > 1:
            wishes.append(base + "".join(map(camel, apart[:2])))
        pattern.name = names.new(*([base] if first is parts else wishes))


def _words(pattern: Pattern) -> set[str]:
    """Words for the name of a class: its attributes, and the templates of its parts."""
    found = set()
    for step in pattern.steps:
        if step.name is not None:
            found.add(step.name.rstrip("0123456789_"))
        if isinstance(step.head, Pattern) and not step.head.inline:
            scope = step.head.units[0].scope
            base = camel(scope.template or scope.title)
            if step.head.name.startswith(base) and step.head.name != base:
                found.add(step.head.name.removeprefix(base))
    return found


def _notes(network: Network, root: Unit) -> Iterator[tuple[str, str]]:
    """The shape of what each part of the network gives; of a loop's last iteration as well."""
    for piece in root.pieces:
        if isinstance(piece, InnerUnit):
            value = list(piece.unit.outputs)[-1]
            yield piece.name, _shape(network, value.path)
            yield piece.name.rstrip("0123456789"), _shape(network, value.path)


def _shape(network: Network, path: str) -> str:
    return prose(shown(network.shape(path)))


def _results(network: Network, planned: Plan, symbols: Symbols) -> ForwardResults:
    entries = list(planned.entries())
    order = {value: i for i, value in enumerate(planned.results)}

    def structure(value: Any) -> Any:
        if isinstance(value, Operation):
            return order[value]
        if isinstance(value, dict):
            return {key: structure(each) for key, each in value.items()}
        return [structure(each) for each in value]

    taken = []
    for entry in entries:
        default = f" = {literal(entry.arguments[0])}" if entry.arguments else ""
        kind = _noted("Any", symbols) if entry.arguments else _type(network, entry, symbols)
        taken.append(f"{identifier(entry.target)}: {kind}{default}")
    shapes = [network.shape(path) for path in network.outputs.values()]
    tensors = all(isinstance(shape, tuple) for shape in shapes)
    given = _noted("Tensor" if tensors else "Any", symbols)
    shape = structure(planned.result)
    gives = f"dict[str, {given}]" if isinstance(shape, dict) else given
    return ForwardResults(tuple(each.target for each in entries), tuple(taken), gives, shape)


def _type(network: Network, value: Operation, symbols: Symbols) -> str:
    """The type of a value: a tensor where its layer gives one."""
    path = value.path
    tensor = path in network.graph and isinstance(network.shape(path), tuple)
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
        f"{summary.parameters:,} parameters and {summary.macs:,} multiply-accumulates for an "
        f"input of {prose(shown(summary.input))}; {outputs}."
    )
    origin = f"Written by archdsl from the spec {name}. Needs {_needs(symbols)}."
    paragraphs = [*(heading(network) or [f"The network {name}."]), "", *wrapped(totals), origin]
    return [f'"""{paragraphs[0]}', *paragraphs[1:], '"""']


def _needs(symbols: Symbols) -> str:
    """The packages that the file imports, torch first."""
    *most, last = "torch", *sorted(symbols.packages() - {"torch"})
    return f"{', '.join(most)} and {last}" if most else "torch alone"


def _main(network: Network, name: str) -> list[str]:
    arguments = trial_input(network)
    body: list[Doc] = [f"network = {name}().eval()"]
    for key, value in arguments.items():
        body.append(joined(f"{identifier(key)} = ", _random(value)))
    given = ", ".join(f"{key}={key}" if len(arguments) > 1 else key for key in arguments)
    body.append("with torch.inference_mode():")
    body.append(f"{INDENT}outputs = network({given})")
    shapes = [network.shape(path) for path in network.outputs.values()]
    if not all(isinstance(shape, tuple) for shape in shapes):
        body.append("print(outputs)")
    elif len(shapes) > 1:
        body.append("print({name: tuple(value.shape) for name, value in outputs.items()})")
    else:
        body.append("print(tuple(outputs.shape))")
    written = [line for doc in body for line in lines(doc, 1)]
    return [
        "def main() -> None:",
        *written,
        "",
        "",
        'if __name__ == "__main__":',
        f"{INDENT}main()",
    ]


def _random(value: Any) -> Doc:
    """An expression for random values of a value's size."""
    if isinstance(value, Tensor):
        return f"torch.rand({', '.join(map(str, value.shape))})"
    if isinstance(value, (list, tuple)):
        return DocGroup("[", tuple(map(_random, value)), "]", listed=True)
    return literal(value)

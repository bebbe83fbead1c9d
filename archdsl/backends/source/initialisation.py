"""How the weights of the network in a generated file start, and which of them stay as they are."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, cast

from torch import fx, nn

from archdsl.backends.source.code_style import INDENT, Group, joined, lines, literal, quoted, tupled
from archdsl.backends.source.symbols import Symbols
from archdsl.backends.torch.emitter import START
from archdsl.backends.torch.freeze import thawed
from archdsl.backends.torch.initial import DRAWN
from archdsl.ir.initial import Constant, Fan, Initial, Normal, Rule, VarianceScaling
from archdsl.ir.network import Network
from archdsl.layers.initial import TORCH

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)

_NN_INIT: Mapping[Rule, str] = {
    Constant(0.0): "zeros_({})",
    VarianceScaling(1 / 3, Fan.INPUTS, uniform=True): "kaiming_uniform_({}, a=5**0.5)",
    VarianceScaling(1 / 3, Fan.OUTPUTS, uniform=True): (
        'kaiming_uniform_({}, a=5**0.5, mode="fan_out")'
    ),
    VarianceScaling(2.0, Fan.BOTH, uniform=True): "xavier_uniform_({})",
    VarianceScaling(2.0, Fan.INPUTS): 'kaiming_normal_({}, nonlinearity="relu")',
    VarianceScaling(2.0, Fan.INPUTS, uniform=True): 'kaiming_uniform_({}, nonlinearity="relu")',
    VarianceScaling(2.0, Fan.OUTPUTS): ('kaiming_normal_({}, mode="fan_out", nonlinearity="relu")'),
    VarianceScaling(1.0, Fan.INPUTS): 'kaiming_normal_({}, nonlinearity="linear")',
    VarianceScaling(1.0, Fan.INPUTS, uniform=True): ('kaiming_uniform_({}, nonlinearity="linear")'),
    VarianceScaling(1.0, Fan.OUTPUTS, uniform=True): (
        'kaiming_uniform_({}, mode="fan_out", nonlinearity="linear")'
    ),
}
"""Functions of torch.nn.init by the rule that they draw a weight by."""


class _Part(NamedTuple):
    """A module with weights: ``rules`` by the tensor, None where its owner fills it."""

    path: str
    module: nn.Module
    rules: Mapping[str, Rule | None]


class Beginning:
    """Reads off a compiled module how it starts."""

    def __init__(self, network: Network, module: fx.GraphModule, symbols: Symbols) -> None:
        self._symbols = symbols
        leaves = {
            str(node.target): module.get_submodule(str(node.target))
            for node in module.graph.nodes
            if node.op == "call_module"
        }
        starts = {str(n.target): n.meta.get(START, TORCH) for n in module.graph.nodes}
        self._kinds: defaultdict[type[nn.Module], list[_Part]] = defaultdict(list)
        for target, leaf in leaves.items():
            for part in _parts(target, leaf, starts[target]):
                self._kinds[type(part.module)].append(part)
        graph = network.graph
        frozen = [p for p in leaves if p in graph and network.instance(p).frozen]
        weighty = {p for p, leaf in leaves.items() if any(True for _ in leaf.parameters())}
        learning = weighty - set(frozen)
        self._frozen = _largest([p for p in frozen if p in weighty], learning)
        norms = {thawed(type(leaves[p])) for p in frozen}
        self._norms = [each for each in _NORMS if each in norms]

    def constructor(self) -> list[str]:
        """The last lines of the network's constructor."""
        usual: defaultdict[tuple[str, ...], list[type[nn.Module]]] = defaultdict(list)
        exceptions: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for kind, parts in self._kinds.items():
            common = {tensor: _common(parts, tensor) for tensor in _TENSORS}
            usual[tuple(_usual(parts, common))].append(kind)
            for part in parts:
                exceptions[tuple(_different(part, common))].append(part.path)
        branches = [f"if {self._condition(usual[body])}:" for body in usual if body]
        bodies = [body for body in usual if body]
        found = ["for part in self.modules():"] if bodies else []
        for i, (branch, body) in enumerate(zip(branches, bodies, strict=True)):
            found.append(INDENT + ("el" if i else "") + branch)
            found += [INDENT * 2 + line for line in body]
        for drawing, paths in exceptions.items():
            if drawing:
                found += lines(joined("for name in ", _tuple(paths), ":"), 0)
                found += [INDENT + line for line in drawing]
        if self._frozen:
            found.append("for name in FROZEN:")
            found.append(f"{INDENT}self.get_submodule(name).requires_grad_(False)")
        if self._norms:
            found.append("self.train()")
        return found

    def methods(self, name: str) -> list[str]:
        """Methods of the network's class."""
        if not self._norms:
            return []
        body = [
            f'def train(self, mode: bool = True) -> "{name}":',
            f'{INDENT}"""Training leaves the statistics of what is frozen as they are."""',
            f"{INDENT}super().train(mode)",
            f"{INDENT}for name in FROZEN:",
            f"{INDENT * 2}for part in self.get_submodule(name).modules():",
            f"{INDENT * 3}if isinstance(part, {self._classes(self._norms)}):",
            f"{INDENT * 4}part.eval()",
            f"{INDENT}return self",
        ]
        return ["", *(INDENT + line for line in body)]

    def functions(self) -> list[str]:
        """What the constructor calls, and the names that it goes by."""
        found: list[str] = []
        if self._frozen:
            found += ["", "", *lines(joined("FROZEN = ", _tuple(self._frozen)), 0)]
        return found

    def _condition(self, kinds: Sequence[type[nn.Module]]) -> str:
        """The test for modules of these classes, and not of classes made from them."""
        derived = any(k not in kinds and issubclass(k, tuple(kinds)) for k in self._kinds)
        classes = self._classes(kinds)
        if not derived:
            return f"isinstance(part, {classes})"
        return f"type(part) {'is' if len(kinds) == 1 else 'in'} {classes}"

    def _classes(self, kinds: Sequence[type[nn.Module]]) -> str:
        names = ", ".join(self._symbols.nn(each.__name__) for each in kinds)
        return names if len(kinds) == 1 else f"({names})"


_TENSORS = ("weight", "bias")


def _parts(target: str, leaf: nn.Module, start: Initial) -> Iterator[_Part]:
    """The modules inside one of the graph whose weights are drawn."""
    for name, part in leaf.named_modules():
        if isinstance(part, DRAWN):
            rules: dict[str, Rule | None] = {"weight": start.weight}
            if part.bias is not None:
                rules["bias"] = None if name else start.bias
            yield _Part(f"{target}.{name}" if name else target, part, rules)


def _common(parts: Sequence[_Part], tensor: str) -> Rule:
    """The rule that most modules of a class have; torch's own needs no line."""
    own = getattr(TORCH, tensor)
    rules = [part.rules[tensor] for part in parts if tensor in part.rules]
    if None in rules:
        return cast(Rule, own)
    return cast(Rule, Counter(rules).most_common(1)[0][0] if rules else own)


def _usual(parts: Sequence[_Part], common: Mapping[str, Rule]) -> list[str]:
    """The lines that draw the tensors of every module of a class."""
    found: list[str] = []
    for tensor, rule in common.items():
        if rule == getattr(TORCH, tensor):
            continue
        drawing = list(_drawing(rule, parts[0].module, tensor, named=False))
        if not all(tensor in part.rules for part in parts):
            found.append(f"if part.{tensor} is not None:")
            drawing = [INDENT + line for line in drawing]
        found += drawing
    return found


def _different(part: _Part, common: Mapping[str, Rule]) -> Iterator[str]:
    """The lines that draw again what of a module starts in another way than the usual one."""
    for tensor, rule in part.rules.items():
        if rule is not None and rule != common[tensor]:
            yield from _drawing(rule, part.module, tensor, named=True)


def _drawing(rule: Rule, part: nn.Module, tensor: str, *, named: bool) -> Iterator[str]:
    """The lines that draw a tensor of ``part``, or of the module that is ``named`` in a loop."""
    form = 'self.get_parameter(f"{{name}}.{}")' if named else "part.{}"
    target = form.format(tensor)
    if isinstance(rule, Normal):
        yield f"nn.init.normal_({target}, std={literal(rule.deviation)})"
    elif rule in _NN_INIT and (tensor == "weight" or isinstance(rule, Constant)):
        yield f"nn.init.{_NN_INIT[rule].format(target)}"
    elif isinstance(rule, Constant):
        yield f"nn.init.constant_({target}, {literal(rule.value)})"
    else:
        if named:
            yield f"weight = {form.format('weight')}"
        counted = _fan(rule.fan, part, "weight" if named else "part.weight", named=named)
        if rule.uniform:
            yield f"bound = ({literal(rule.scale * 3)} / ({counted})) ** 0.5"
            yield f"nn.init.uniform_({target}, -bound, bound)"
        else:
            yield f"std = ({literal(rule.scale)} / ({counted})) ** 0.5"
            yield f"nn.init.normal_({target}, std=std)"


def _fan(fan: Fan, part: nn.Module, weight: str, *, named: bool) -> str:
    """The expression of what a rule divides by; as :func:`archdsl.backends.torch.initial.fan`."""
    inputs, outputs = f"{weight}[0].numel()", f"{weight}[:, 0].numel()"
    if fan is Fan.BOTH:
        return f"{inputs} + {outputs}"
    if fan is Fan.GROUP_OUTPUTS and hasattr(part, "groups"):
        return f"{outputs} // {part.groups if named else 'part.groups'}"
    if fan is Fan.DLIB and isinstance(part, nn.ConvTranspose2d):
        return f"{outputs} + {part.out_channels if named else 'part.out_channels'}"
    if fan is Fan.DLIB:
        return f"{inputs} + len({weight})"
    return inputs if fan is Fan.INPUTS else outputs


def _tuple(texts: list[str]) -> Group:
    return tupled(tuple(map(quoted, texts)))


def _largest(frozen: list[str], learning: set[str]) -> list[str]:
    """The largest parts that hold frozen layers and none that learns."""
    taken = {p[:end] for p in learning for end in _ends(p)}
    found: dict[str, None] = {}
    for path in frozen:
        found[next(path[:end] for end in _ends(path) if path[:end] not in taken)] = None
    return list(found)


def _ends(path: str) -> list[int]:
    return [i for i, c in enumerate(path) if c == "."] + [len(path)]

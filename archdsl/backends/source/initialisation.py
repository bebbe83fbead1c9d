"""Initial distributions of the weights in a generated file, and the list of frozen layers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple

import torch
from torch import nn

from archdsl.backends.plan import Plan
from archdsl.backends.source.layout import INDENT, call, literal, quoted, tupled
from archdsl.backends.source.symbols import Symbols
from archdsl.backends.torch.initial import DRAWN, SkippedInitialisation, owned
from archdsl.backends.torch.realise import module_of
from archdsl.ir.initial import Constant, Fan, Normal, Rule
from archdsl.layers.initial import TORCH

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)

_EACH_FROZEN = "for name in FROZEN:"


class _Start(NamedTuple):
    """Class and initial values that the modules of one loop share."""

    kind: type[nn.Module]
    weight: Rule
    bias: Rule | None


class InitialWeights:
    """Initial values of a plan's weights, as source of the network's constructor."""

    def __init__(self, plan: Plan, symbols: Symbols) -> None:
        self._symbols = symbols
        with torch.device("meta"), SkippedInitialisation():
            leaves = {path: module_of(leaf.construct) for path, leaf in plan.modules.items()}
        self._drawn: defaultdict[_Start, dict[str, nn.Module]] = defaultdict(dict)
        for path, leaf in leaves.items():
            start = plan.modules[path].initial
            for name, part in leaf.named_modules():
                kind = next((each for each in DRAWN if isinstance(part, each)), None)
                if kind is not None:
                    same = _Start(kind, start.weight, None if owned(part) else start.bias)
                    self._drawn[same][f"{path}.{name}" if name else path] = part
        frozen = [path for path, leaf in plan.modules.items() if leaf.frozen]
        weighty = {p for p, leaf in leaves.items() if any(True for _ in leaf.parameters())}
        learning = weighty - set(frozen)
        self._frozen = _largest([p for p in frozen if p in weighty], learning)
        norms = {type(part) for p in frozen for part in leaves[p].modules()}
        self._norms = [each for each in _NORMS if each in norms]

    def constructor(self) -> list[str]:
        """The last statements of the network's constructor."""
        found = self._drawing()
        if self._frozen:
            found += [_EACH_FROZEN, f"{INDENT}self.get_submodule(name).requires_grad_(False)"]
        return [*found, "self.train()"] if self._norms else found

    def methods(self, name: str) -> list[str]:
        """The statements of methods of the network's class."""
        if not self._norms:
            return []
        return [
            f'def train(self, mode: bool = True) -> "{name}":',
            f'{INDENT}"""Training leaves the statistics of what is frozen as they are."""',
            f"{INDENT}super().train(mode)",
            f"{INDENT}{_EACH_FROZEN}",
            f"{INDENT * 2}for part in self.get_submodule(name).modules():",
            f"{INDENT * 3}if isinstance(part, {self._kinds(self._norms)}):",
            f"{INDENT * 4}part.eval()",
            f"{INDENT}return self",
        ]

    def constants(self) -> list[str]:
        """The statements that make the constants which the class reads."""
        return [f"FROZEN = {tupled(map(quoted, self._frozen))}"] if self._frozen else []

    def _drawing(self) -> list[str]:
        """Loops that draw weights and biases; kinds with one rule in the same parts share one."""
        together: defaultdict[tuple[tuple[str, ...], tuple[str, ...]], list[type[nn.Module]]]
        together = defaultdict(list)
        for start, parts in self._drawn.items():
            # Torch starts its modules so by itself, and attention's output with them.
            if start.weight != TORCH.weight or start.bias not in (TORCH.bias, None):
                others = {
                    path
                    for other, apart in self._drawn.items()
                    if other.kind is start.kind and other != start
                    for path in apart
                }
                places = tuple(_largest(parts, others)) if others else ()
                together[places, tuple(_calls(start, parts.values()))].append(start.kind)
        found: list[str] = []
        for (places, calls), kinds in together.items():
            root, indent = "self", ""
            if len(places) == 1:
                root = f"self.get_submodule({quoted(places[0])})"
            elif places:
                found.append(f"for name in {tupled(map(quoted, places))}:")
                root, indent = "self.get_submodule(name)", INDENT
            found.append(f"{indent}for module in {root}.modules():")
            found.append(f"{indent}{INDENT}if isinstance(module, {self._kinds(kinds)}):")
            found += [f"{indent}{INDENT * 2}{statement}" for statement in calls]
        return found

    def _kinds(self, kinds: Sequence[type[nn.Module]]) -> str:
        names = [self._symbols.nn(each.__name__) for each in kinds]
        return names[0] if len(names) == 1 else tupled(names)


_FANS = {
    Fan.INPUTS: "module.weight[0].numel()",
    Fan.OUTPUTS: "module.weight[:, 0].numel()",
    Fan.GROUP_OUTPUTS: "module.weight[:, 0].numel() // module.groups",
    Fan.BOTH: "module.weight[0].numel() + module.weight[:, 0].numel()",
    Fan.DLIB: "module.weight[0].numel() + module.weight.shape[0]",
}
_FANS_OF = {
    (nn.Linear, Fan.GROUP_OUTPUTS): _FANS[Fan.OUTPUTS],
    (nn.ConvTranspose2d, Fan.DLIB): "module.weight[:, 0].numel() + module.out_channels",
}
"""The denominators of :func:`archdsl.backends.torch.initial.fan`, as expressions."""

_MODES = {Fan.INPUTS: (), Fan.OUTPUTS: ('mode="fan_out"',)}
_GAINS = {2.0: 'nonlinearity="relu"', 1.0: 'nonlinearity="linear"'}
"""Arguments of torch's ``kaiming_normal_``, whose variance is gain² / fan; these are gains²."""


def _calls(start: _Start, parts: Collection[nn.Module]) -> list[str]:
    """The statements that draw a module's weights, and its biases where it has them."""
    found = _drawn(start.weight, "module.weight", start.kind)
    if start.bias is not None and any(part.bias is not None for part in parts):
        # For readers where some have none; for type checkers, to whom a bias is optional, always.
        found.append("if module.bias is not None:")
        found += [INDENT + each for each in _drawn(start.bias, "module.bias", start.kind)]
    return found


def _drawn(rule: Rule, tensor: str, kind: type[nn.Module]) -> list[str]:
    """The statements that draw a tensor by a rule."""
    if isinstance(rule, Constant):
        if rule.value == 0:
            return [call("nn.init.zeros_", (tensor,))]
        return [call("nn.init.constant_", (tensor, literal(rule.value)))]
    if isinstance(rule, Normal):
        return [call("nn.init.normal_", (tensor, f"std={literal(rule.deviation)}"))]
    shape = "uniform" if rule.uniform else "normal"
    if tensor == "module.weight" and rule.fan is Fan.BOTH and rule.scale == 2:
        return [call(f"nn.init.xavier_{shape}_", (tensor,))]
    if tensor == "module.weight" and rule.fan in _MODES and rule.scale in _GAINS:
        options = (*_MODES[rule.fan], _GAINS[rule.scale])
        return [call(f"nn.init.kaiming_{shape}_", (tensor, *options))]
    fan = f"fan = {_FANS_OF.get((kind, rule.fan), _FANS[rule.fan])}"
    if not rule.uniform:
        deviation = f"std=({rule.scale:.12g} / fan) ** 0.5"
        return [fan, call("nn.init.normal_", (tensor, deviation))]
    # Uniform values reach to √3 deviations.
    bound = f"bound = ({3 * rule.scale:.12g} / fan) ** 0.5"
    return [fan, bound, call("nn.init.uniform_", (tensor, "-bound", "bound"))]


def _largest(wanted: Collection[str], others: Collection[str]) -> list[str]:
    """The largest parts that hold layers of the wanted and none of the others."""
    taken = {p[:end] for p in others for end in _ends(p)}
    found: dict[str, None] = {}
    for path in wanted:
        found[next(path[:end] for end in _ends(path) if path[:end] not in taken)] = None
    return list(found)


def _ends(path: str) -> list[int]:
    return [i for i, c in enumerate(path) if c == "."] + [len(path)]

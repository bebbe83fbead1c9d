"""Initial distributions of the weights in a generated file, and the list of frozen layers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from torch import fx, nn

from archdsl.backends.source.code_style import (
    INDENT,
    DocGroup,
    joined,
    lines,
    literal,
    quoted,
    tupled,
)
from archdsl.backends.source.symbols import Symbols
from archdsl.backends.torch.emitter import START
from archdsl.backends.torch.freeze import thawed
from archdsl.backends.torch.initial import DRAWN, spread
from archdsl.ir.initial import Constant, Initial, Normal, Rule
from archdsl.ir.network import Network
from archdsl.layers.initial import TORCH

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


class InitialWeights:
    """Initial values of a compiled module's weights, as source of the network's constructor."""

    def __init__(self, network: Network, module: fx.GraphModule, symbols: Symbols) -> None:
        self._symbols = symbols
        self._module = module
        leaves = {
            str(node.target): module.get_submodule(str(node.target))
            for node in module.graph.nodes
            if node.op == "call_module"
        }
        self._parts = [part for leaf in leaves.values() for part in leaf.modules()]
        self._starts: defaultdict[Initial, list[str]] = defaultdict(list)
        for node in module.graph.nodes:
            start = node.meta.get(START)
            if start is None:
                continue
            for name, part in module.get_submodule(str(node.target)).named_modules():
                path = f"{node.target}.{name}" if name else str(node.target)
                # Torch starts its modules so by itself, and attention's output with them.
                if start != TORCH and isinstance(part, DRAWN) and path not in self._starts[start]:
                    self._starts[start].append(path)
        graph = network.graph
        frozen = [p for p in leaves if p in graph and network.instance(p).frozen]
        weighty = {p for p, leaf in leaves.items() if any(True for _ in leaf.parameters())}
        learning = weighty - set(frozen)
        self._frozen = _largest([p for p in frozen if p in weighty], learning)
        norms = {thawed(type(leaves[p])) for p in frozen}
        self._norms = [each for each in _NORMS if each in norms]

    def constructor(self) -> list[str]:
        """The last lines of the network's constructor."""
        found = []
        for start, paths in self._starts.items():
            biased = [path for path in paths if self._module.get_submodule(path).bias is not None]
            found += self._drawn("weight", start.weight, paths)
            found += self._drawn("bias", start.bias, biased)
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
            f"{INDENT * 3}if isinstance(part, {self._kinds(self._norms)}):",
            f"{INDENT * 4}part.eval()",
            f"{INDENT}return self",
        ]
        return ["", *(INDENT + line for line in body)]

    def functions(self) -> list[str]:
        """Source lines of the constants that the constructor reads."""
        found: list[str] = []
        if self._frozen:
            found += ["", "", *lines(joined("FROZEN = ", _tuple(self._frozen)), 0)]
        return found

    def _drawn(self, tensor: str, rule: Rule, paths: Sequence[str]) -> list[str]:
        """Loops that draw a tensor of some modules; those with equal numbers are one loop."""
        calls: defaultdict[str, list[str]] = defaultdict(list)
        for path in paths:
            calls[_call(rule, self._module.get_submodule(path))].append(path)
        found = []
        for call, same in calls.items():
            found += lines(joined("for name in ", _tuple(same), ":"), 0)
            text = f'self.get_parameter(f"{{name}}.{tensor}")'
            found.append(f"{INDENT}nn.init.{call.format(text)}")
        return found

    def _kinds(self, kinds: Sequence[type[nn.Module]]) -> str:
        names = ", ".join(self._symbols.nn(each.__name__) for each in kinds)
        return names if len(kinds) == 1 else f"({names})"


def _call(rule: Rule, part: nn.Module) -> str:
    """The function of nn.init that draws by a rule, open for the tensor."""
    if isinstance(rule, Constant):
        return f"constant_({{}}, {literal(rule.value)})"
    if isinstance(rule, Normal):
        return f"normal_({{}}, std={literal(rule.deviation)})"
    deviation = spread(rule, part)
    if rule.uniform:
        bound = literal(float(f"{3**0.5 * deviation:.6g}"))
        return f"uniform_({{}}, -{bound}, {bound})"
    return f"normal_({{}}, std={literal(float(f'{deviation:.6g}'))})"


def _tuple(texts: list[str]) -> DocGroup:
    return tupled(tuple(map(quoted, texts)))


def _any(kinds: set[type[nn.Module]], wanted: type[nn.Module]) -> bool:
    return any(issubclass(kind, wanted) for kind in kinds)


def _largest(frozen: list[str], learning: set[str]) -> list[str]:
    """The largest parts that hold frozen layers and none that learns."""
    taken = {p[:end] for p in learning for end in _ends(p)}
    found: dict[str, None] = {}
    for path in frozen:
        found[next(path[:end] for end in _ends(path) if path[:end] not in taken)] = None
    return list(found)


def _ends(path: str) -> list[int]:
    return [i for i, c in enumerate(path) if c == "."] + [len(path)]

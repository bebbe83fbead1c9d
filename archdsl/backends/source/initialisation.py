"""How the weights of the network in a generated file start, and which of them stay as they are."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from torch import fx, nn

from archdsl.backends.source.code_style import INDENT, Group, joined, lines, literal, quoted, tupled
from archdsl.backends.source.code_style import Sequence as Pieces
from archdsl.backends.source.symbols import Symbols
from archdsl.backends.torch.emitter import START, Start
from archdsl.backends.torch.freeze import thawed
from archdsl.ir.network import Network

_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


class Beginning:
    """Reads off a compiled module how it starts."""

    def __init__(self, network: Network, module: fx.GraphModule, symbols: Symbols) -> None:
        self._symbols = symbols
        leaves = {
            str(node.target): module.get_submodule(str(node.target))
            for node in module.graph.nodes
            if node.op == "call_module"
        }
        self._parts = [part for leaf in leaves.values() for part in leaf.modules()]
        parts = set(map(type, self._parts))
        self._convolutions = [each for each in _CONVOLUTIONS if _any(parts, each)]
        self._linear = _any(parts, nn.Linear)
        self._own: defaultdict[Start, list[str]] = defaultdict(list)
        for node in module.graph.nodes:
            start = node.meta.get(START, Start())
            if start != Start() and str(node.target) not in self._own[start]:
                self._own[start].append(str(node.target))
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
        if self._convolutions or self._linear:
            found.append("self.apply(initialise)")
        for start, paths in self._own.items():
            found += lines(joined("for name in ", _tuple(paths), ":"), 0)
            for tensor, call in start_calls(start):
                text = f'self.get_parameter(f"{{name}}.{tensor}")'
                found.append(f"{INDENT}nn.init.{call.format(text)}")
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
        """What the constructor calls, and the names that it goes by."""
        found: list[str] = []
        if self._frozen:
            found += ["", "", *lines(joined("FROZEN = ", _tuple(self._frozen)), 0)]
        branches: list[tuple[Sequence[type[nn.Module]], str]] = []
        if self._convolutions:
            draw = 'nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")'
            branches.append((self._convolutions, draw))
        if self._linear:
            branches.append(([nn.Linear], "nn.init.normal_(module.weight, std=0.01)"))
        if not branches:
            return found
        found += ["", "", "def initialise(module: nn.Module) -> None:"]
        found.append(f'{INDENT}"""As He et al. 2015 do in section 2.2; linear layers narrowly."""')
        for kinds, draw in branches:
            found.append(f"{INDENT}if isinstance(module, {self._kinds(kinds)}):")
            found += lines(_call(draw), 2)
            found += self._biases(kinds)
        return found

    def _kinds(self, kinds: Sequence[type[nn.Module]]) -> str:
        names = ", ".join(self._symbols.nn(each.__name__) for each in kinds)
        return names if len(kinds) == 1 else f"({names})"

    def _biases(self, kinds: Sequence[type[nn.Module]]) -> list[str]:
        """Lines that set biases to zero, if modules of these classes have some.

        By torch's types a convolution may always be without.
        """
        if all(part.bias is None for part in self._parts if isinstance(part, tuple(kinds))):
            return []
        zero = "nn.init.zeros_(module.bias)"
        if nn.Linear in kinds and all(
            part.bias is not None for part in self._parts if isinstance(part, nn.Linear)
        ):
            return [f"{INDENT * 2}{zero}"]
        return [f"{INDENT * 2}if module.bias is not None:", f"{INDENT * 3}{zero}"]


def start_calls(start: Start) -> list[tuple[str, str]]:
    """The tensors of a module that start otherwise, and the calls that draw them."""
    found = []
    if start.deviation is not None:
        found.append(("weight", f"normal_({{}}, std={literal(start.deviation)})"))
    if start.prior is not None:
        bias = -math.log((1 - start.prior) / start.prior)
        found.append(("bias", f"constant_({{}}, {literal(bias)})"))
    return found


def _call(text: str) -> Pieces:
    name, _, rest = text.partition("(")
    return joined(name, Group("(", tuple(rest[:-1].split(", ")), ")"))


def _tuple(texts: list[str]) -> Group:
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

"""Small changes to a compiled network, each of which makes it another architecture.

A mutation is applied for as long as a ``with`` block lasts. The network is not run, so it does not
matter that sizes may no longer fit.
"""

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.SiLU, nn.Hardswish, nn.Hardsigmoid, nn.GELU, nn.Sigmoid)


@dataclass(frozen=True)
class Mutation:
    """One change, and what a report about it has to say.

    Attributes:
        name: what is done, and to which layer.
        word: what one sentence of the report has to contain.
        near: the changed layer, or, where it is gone, those around it; the same sentence has to
            name one of them.
        applied: makes the change, and takes it back.
    """

    name: str
    word: str
    near: tuple[str, ...]
    applied: Callable[[], AbstractContextManager[None]]

    def pointed_at(self, differences: Iterable[str]) -> bool:
        """Whether a report says where the change is."""
        names = "|".join(map(re.escape, self.near))
        place = re.compile(rf"(?<![\w.])(?:{names})(?!\w|\.\w)")
        return any(self.word in each and place.search(each) for each in differences)


def mutations(network: fx.GraphModule, size: Sequence[int | None]) -> list[Mutation]:
    """All kinds of mutation which a network has a layer for, each at its beginning, middle and end.

    Args:
        network: on the meta device.
        size: of an input without its batch.
    """
    ShapeProp(network).propagate(torch.empty(1, *size, device="meta"))
    found: list[Mutation] = []
    for kind in KINDS:
        places = [m for node in network.graph.nodes if (m := kind(network, node)) is not None]
        spread = {0, len(places) // 2, len(places) - 1} if places else set()
        found += [places[place] for place in sorted(spread)]
    return found


def _layer(network: fx.GraphModule, node: fx.Node, *classes: type[nn.Module]) -> nn.Module | None:
    if node.op != "call_module":
        return None
    module = network.get_submodule(str(node.target))
    return module if isinstance(module, classes) else None


def _where(node: fx.Node) -> str:
    return str(node.target) if node.op == "call_module" else node.name


def _around(node: fx.Node) -> tuple[str, ...]:
    """A node and its neighbours, and those of a flatten, which has no name in reports."""
    near = (node, *node.all_input_nodes, *node.users)
    further = [each for other in near if "flatten" in str(other.target) for each in _beside(other)]
    return tuple(_where(other) for other in (*near, *further))


def _beside(node: fx.Node) -> tuple[fx.Node, ...]:
    return (*node.all_input_nodes, *node.users)


def _setting(
    attribute: str, change: Callable[[object], object], *classes: type[nn.Module]
) -> Callable[[fx.GraphModule, fx.Node], Mutation | None]:
    """Another value of one of a layer's arguments."""

    def kind(network: fx.GraphModule, node: fx.Node) -> Mutation | None:
        layer = _layer(network, node, *classes)
        if layer is None:
            return None
        before = getattr(layer, attribute)
        after = change(before)
        if after == before:
            return None

        @contextmanager
        def applied() -> Iterator[None]:
            setattr(layer, attribute, after)
            yield
            setattr(layer, attribute, before)

        where = _where(node)
        return Mutation(f"{attribute} of {where}", attribute, (where,), applied)

    return kind


def _more(value: object) -> object:
    return tuple(side + 1 for side in value) if isinstance(value, tuple) else value + 1


def _missing_activation(network: fx.GraphModule, node: fx.Node) -> Mutation | None:
    layer = _layer(network, node, *ACTIVATIONS)
    if layer is None:
        return None
    path, _, name = str(node.target).rpartition(".")
    parent = network.get_submodule(path)

    @contextmanager
    def applied() -> Iterator[None]:
        setattr(parent, name, nn.Identity())
        yield
        setattr(parent, name, layer)

    return Mutation(f"without {_where(node)}", "", _around(node)[1:], applied)


def _swapped_branches(network: fx.GraphModule, node: fx.Node) -> Mutation | None:
    """The first two neighbouring branches of different widths, in the other order."""
    if node.target is not torch.cat:
        return None
    parts, *rest = node.args
    widths = [part.meta["tensor_meta"].shape[1] for part in parts]
    pairs = [i for i in range(len(parts) - 1) if widths[i] != widths[i + 1]]
    if not pairs:
        return None
    i = pairs[0]
    before = node.args
    swapped = [*parts[:i], parts[i + 1], parts[i], *parts[i + 2 :]]

    @contextmanager
    def applied() -> Iterator[None]:
        node.args = (swapped, *rest)
        yield
        node.args = before

    return Mutation(f"branches of {node.name} swapped", "in another order", _around(node), applied)


def _dropped_skip(network: fx.GraphModule, node: fx.Node) -> Mutation | None:
    """One operand of a sum in place of the sum."""
    if (
        getattr(node.target, "__name__", "") not in ("add", "iadd")
        or len(node.all_input_nodes) != 2
    ):
        return None

    @contextmanager
    def applied() -> Iterator[None]:
        target, before = node.target, {user: user.args for user in node.users}
        node.target = operator.add  # iadd would write the sum into its operand all the same
        for user in before:
            user.replace_input_with(node, node.all_input_nodes[0])
        yield
        for user, args in before.items():
            user.args = args
        node.target = target

    return Mutation(f"{node.name} without its skip", "", _around(node), applied)


def _other_bias(network: fx.GraphModule, node: fx.Node) -> Mutation | None:
    """A bias more, or one less."""
    layer = _layer(network, node, nn.Conv2d, nn.Linear)
    if layer is None:
        return None
    before = layer.bias
    after = nn.Parameter(layer.weight.new_empty(len(layer.weight))) if before is None else None

    @contextmanager
    def applied() -> Iterator[None]:
        layer.bias = after
        yield
        layer.bias = before

    where = _where(node)
    return Mutation(f"bias of {where}", "bias", (where,), applied)


def _dropout_moved(network: fx.GraphModule, node: fx.Node) -> Mutation | None:
    """A dropout behind the layer that it stands in front of."""
    return _exchanged(network, node, (nn.Linear, nn.Conv2d), (nn.Dropout,))


def _activation_before_norm(network: fx.GraphModule, node: fx.Node) -> Mutation | None:
    return _exchanged(network, node, ACTIVATIONS, (nn.BatchNorm2d, nn.LayerNorm))


def _exchanged(
    network: fx.GraphModule,
    node: fx.Node,
    classes: tuple[type[nn.Module], ...],
    others: tuple[type[nn.Module], ...],
) -> Mutation | None:
    """Two layers, one right behind the other, in the other order."""
    if _layer(network, node, *classes) is None:
        return None
    before = node.args[0]
    if not isinstance(before, fx.Node) or len(before.users) > 1:
        return None
    if _layer(network, before, *others) is None:
        return None

    @contextmanager
    def applied() -> Iterator[None]:
        node.target, before.target = before.target, node.target
        yield
        node.target, before.target = before.target, node.target

    near = (*_around(node), *_around(before))
    return Mutation(f"{_where(node)} before {_where(before)}", "", near, applied)


def _moved_stride(network: fx.GraphModule, node: fx.Node) -> Mutation | None:
    """The stride of a convolution at the one behind it, as ResNet V1.5 differs from the paper."""
    first = _layer(network, node, nn.Conv2d)
    if first is None or first.stride == (1, 1):
        return None
    following = node
    while len(following.users) == 1:
        following = next(iter(following.users))
        second = _layer(network, following, nn.Conv2d)
        if second is not None:
            break
    else:
        return None
    strides = first.stride, second.stride
    if strides[0] == strides[1]:
        return None

    @contextmanager
    def applied() -> Iterator[None]:
        first.stride, second.stride = strides[::-1]
        yield
        first.stride, second.stride = strides

    return Mutation(f"stride of {_where(node)} moved", "stride", (_where(node),), applied)


def _as_if_unpadded(network: fx.GraphModule, node: fx.Node) -> Mutation | None:
    """A mean that leaves out the padding, where there is one."""
    layer = _layer(network, node, nn.AvgPool2d)
    if layer is None or layer.padding in (0, (0, 0)):
        return None
    return _setting("count_include_pad", operator.not_, nn.AvgPool2d)(network, node)


KINDS = (
    _setting("stride", _more, nn.Conv2d),
    _setting("padding", _more, nn.Conv2d),
    _setting("stride", _more, nn.MaxPool2d, nn.AvgPool2d),
    _setting("padding", _more, nn.MaxPool2d, nn.AvgPool2d),
    _setting("ceil_mode", lambda value: not value, nn.MaxPool2d, nn.AvgPool2d),
    _setting("eps", lambda value: 10 * value, nn.BatchNorm2d, nn.LayerNorm),
    _setting("momentum", lambda value: value / 2, nn.BatchNorm2d),
    _setting("p", lambda value: value / 2, nn.Dropout),
    _setting("dilation", _more, nn.Conv2d),
    _setting("padding_mode", lambda _: "reflect", nn.Conv2d),
    _setting("output_size", lambda _: (2, 2), nn.AdaptiveAvgPool2d),
    _as_if_unpadded,
    _other_bias,
    _dropout_moved,
    _activation_before_norm,
    _moved_stride,
    _setting("num_heads", lambda value: value // 2, nn.MultiheadAttention),
    _missing_activation,
    _swapped_branches,
    _dropped_skip,
)

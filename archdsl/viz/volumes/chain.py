"""The chain of a network: the layers on every path, and branches between them as one element."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from archdsl.diagnostics import fail
from archdsl.ir.edges import Images, Shape, elements, shown
from archdsl.ir.layer import Category
from archdsl.ir.network import LayerInstance, Network
from archdsl.viz.draw.fusion import Fused, fused
from archdsl.viz.volumes.parts import Part, common, parts_around

Skip = Literal["identity", "projection"]
"""Kind of a shortcut: an identity, or a projection with layers of its own."""


@dataclass(frozen=True, eq=False)
class LayerRun:
    """Layers in a row with one feature map behind them; ``sources`` are the ids of runs before."""

    id: str
    layers: tuple[LayerInstance, ...]
    sources: tuple[str, ...]
    shape: Shape
    parts: tuple[Part, ...]
    """The parts of the network that hold them all, the innermost first."""


@dataclass(frozen=True, eq=False)
class Element:
    """One member of the chain: a run of layers, or all runs of a block that branches."""

    layers: tuple[LayerInstance, ...]
    shape: Shape
    parts: tuple[Part, ...]
    """The parts of the network that hold them all, the innermost first."""
    block: bool
    skip: Skip | None = None


@dataclass(frozen=True)
class Jump:
    """A path that leaves the chain and joins it later: from element to element, by number."""

    source: int
    target: int
    skip: Skip


def chain_of(network: Network) -> tuple[list[Element], list[Jump]]:
    """The chain from the input to the first output, and the long paths beside it.

    Side outputs are left out. A path that passes by a layer which enlarges, as U-Net's do, is a
    jump; all other branches are inside an element. Raises ArchError where the output is none of a
    tensor, or a size is not known.
    """
    runs = _before(_runs(network), network)
    path = _main_path(runs, network)
    beside, links = _beside(runs, path)
    rest = {name: run for name, run in runs.items() if name not in beside}
    members = _between_cuts(rest, {(link.source, link.target) for link in links})
    number = {run.id: place for place, member in enumerate(members) for run in member}
    jumps = [Jump(number[link.source], number[link.target], link.skip) for link in links]
    return [_element(member, rest) for member in members], [j for j in jumps if j.source < j.target]


@dataclass(frozen=True)
class _Link:
    source: str
    target: str
    skip: Skip


# ---- runs ----


def _runs(network: Network) -> dict[str, LayerRun]:
    """Every group of layers, split where the feature map changes inside it."""
    runs: dict[str, LayerRun] = {}
    last: dict[str, str] = {}
    around = parts_around(network)
    for head, group in fused(network).items():
        sources = tuple(last[source] for source in group.sources if source in last)
        if len(sources) < len(group.sources):
            continue  # behind something that is no tensor
        if group.head.layer.category is Category.RESHAPE:
            sources = sources[:1]  # of a second input it takes the size only
        parts = common([around[layer.path] for layer in group.layers])
        for part, shape in _parts(network, group):
            runs[part[0].path] = LayerRun(part[0].path, tuple(part), sources, shape, parts)
            sources = (part[0].path,)
            last[head] = part[0].path
    return runs


def _parts(network: Network, group: Fused) -> list[tuple[list[LayerInstance], Shape]]:
    parts: list[tuple[list[LayerInstance], Shape]] = []
    for layer in group.layers:
        edge = network.shape(layer.path)
        shape = edge.shape if isinstance(edge, Images) else edge
        if not isinstance(shape, tuple):
            break
        if None in shape:
            raise fail(
                "volumes need a network whose sizes are known",
                layer.span,
                f"found {shown(shape)}",
                help="give the input's size with --input CxHxW",
            )
        if parts and _same_map(parts[-1][1], shape, layer):
            parts[-1][0].append(layer)
        else:
            parts.append(([layer], shape))
    return parts


def _same_map(before: Shape, after: Shape, layer: LayerInstance) -> bool:
    """True if a layer keeps a feature map, or changes no more than the order of its axes."""
    return before == after or (
        layer.layer.category is Category.RESHAPE and reordered(before, after)
    )


def reordered(before: Shape, after: Shape) -> bool:
    """True if shapes differ in the order of their axes only, or by merged axes."""
    if len(after) < len(before):
        return elements(before) == elements(after)
    return sorted(size or 0 for size in before) == sorted(size or 0 for size in after)


def _before(runs: dict[str, LayerRun], network: Network) -> dict[str, LayerRun]:
    """The runs that lead to the first output."""
    output = next(iter(network.outputs.values()))
    holder = {layer.path: run.id for run in runs.values() for layer in run.layers}
    if output not in holder:
        return _before_detection(runs, network)
    needed = {holder[output]}
    for name in reversed(runs):
        if name in needed:
            needed.update(runs[name].sources)
    return {name: run for name, run in runs.items() if name in needed}


def _before_detection(runs: dict[str, LayerRun], network: Network) -> dict[str, LayerRun]:
    """The runs of a network that ends in a detection read off a single tensor, as YOLO's does."""
    taken = {source for run in runs.values() for source in run.sources}
    ends = [name for name in runs if name not in taken]
    whole = {layer.path for run in runs.values() for layer in run.layers}
    lost = [i for i in network.instances() if i.layer.drawn and i.path not in whole]
    light = all(
        i.layer.edge_macs(network.input_shapes(i), network.shape(i.path)) == 0
        and not i.layer.edge_parameters(network.input_shapes(i))
        for i in lost
    )
    if len(ends) != 1 or not light:
        raise fail(
            f"{network.name} is no chain of feature maps, and cannot be drawn as volumes",
            help="draw it without --style volumes, or draw its backbone's own spec as volumes",
        )
    return runs


# ---- the main path and what is beside it ----


def _main_path(runs: dict[str, LayerRun], network: Network) -> list[str]:
    """The path from the input to the output on which most is computed."""
    best: dict[str, tuple[int, int]] = {}
    before: dict[str, str] = {}
    for name, run in runs.items():
        cost = sum(
            i.layer.edge_macs(network.input_shapes(i), network.shape(i.path)) or 0
            for i in run.layers
        )
        macs, length = 0, 0
        if run.sources:
            before[name] = max(run.sources, key=lambda source: best[source])
            macs, length = best[before[name]]
        best[name] = (macs + cost, length + 1)
    path = [next(reversed(runs))]
    while path[-1] in before:
        path.append(before[path[-1]])
    return path[::-1]


def _beside(runs: Mapping[str, LayerRun], path: list[str]) -> tuple[set[str], list[_Link]]:
    """The runs of paths that pass by an enlargement, and these paths."""
    place = {name: number for number, name in enumerate(path)}
    enlarged = [0]  # enlargements on the path before each place
    for name in path:
        enlarged.append(enlarged[-1] + _enlarges(runs[name], runs))
    # Steps beside the path that hang together share a leader: where they leave and come back.
    leader: dict[str, str] = {}
    for name, run in runs.items():
        if name not in place:
            own = [_lead(leader, source) for source in run.sources if source not in place]
            leader[name] = name
            leader.update(dict.fromkeys(own, name))
    leaves: dict[str, int] = {}
    returns: dict[str, int] = {}
    found: list[_Link] = []
    for name, run in runs.items():
        for source in run.sources:
            if name not in place and source in place:
                first = _lead(leader, name)
                leaves[first] = min(place[source], leaves.get(first, place[source]))
            elif name in place and source not in place:
                first = _lead(leader, source)
                returns[first] = max(place[name], returns.get(first, 0))
            elif name in place and enlarged[place[name]] > enlarged[place[source] + 1]:
                found.append(_Link(source, name, "identity"))
    together: dict[str, list[str]] = {}
    for name in leader:
        together.setdefault(_lead(leader, name), []).append(name)
    beside: set[str] = set()
    for first, end in returns.items():
        start = leaves.get(first, end)
        if start < end and enlarged[end] > enlarged[start + 1]:
            layers = [layer for name in together[first] for layer in runs[name].layers]
            works = any(i.layer.category is Category.CONVOLUTION for i in layers)
            beside.update(together[first])
            found.append(_Link(path[start], path[end], "projection" if works else "identity"))
    return beside, sorted(found, key=lambda link: (place[link.source], place[link.target]))


def _lead(leader: dict[str, str], name: str) -> str:
    while leader[name] != name:
        leader[name] = leader[leader[name]]
        name = leader[name]
    return name


def _enlarges(run: LayerRun, runs: Mapping[str, LayerRun]) -> bool:
    if not run.sources or run.layers[0].layer.category is Category.JOIN:
        return False
    before = runs[run.sources[0]].shape
    return len(run.shape) == len(before) == 3 and (run.shape[1] or 0) > (before[1] or 0)


# ---- cutting ----


def _between_cuts(
    runs: Mapping[str, LayerRun], jumps: set[tuple[str, str]]
) -> list[tuple[LayerRun, ...]]:
    """The runs in groups: each ends with a run that every path goes through."""
    number = {name: place for place, name in enumerate(runs)}
    reach = list(range(len(runs)))
    for name, run in runs.items():
        for source in run.sources:
            if source in number and (source, name) not in jumps:
                reach[number[source]] = max(reach[number[source]], number[name])
    groups: list[tuple[LayerRun, ...]] = []
    waiting: list[LayerRun] = []
    farthest = 0
    for place, run in enumerate(runs.values()):
        waiting.append(run)
        if farthest <= place:
            groups.append(tuple(waiting))
            waiting = []
        farthest = max(farthest, reach[place])
    return groups


def _element(member: tuple[LayerRun, ...], runs: Mapping[str, LayerRun]) -> Element:
    last = member[-1]
    layers = tuple(layer for run in member for layer in run.layers)
    if len(member) == 1:
        return Element(layers, last.shape, last.parts, block=False)
    inside = {run.id for run in member}
    skip: Skip | None = None
    if last.layers[0].layer.category is Category.JOIN and last.layers[0].layer.label() == "+":
        if any(source not in inside for source in last.sources):
            skip = "identity"
        elif any(_reads_outside(source, inside, runs) for source in last.sources):
            skip = "projection"
    # A block goes by its body's name, which a sum behind it may lie outside of.
    parts = common([run.parts for run in member[:-1]])
    if all(part.kind is None for part in parts):
        parts = common([run.parts for run in member])
    return Element(layers, last.shape, parts, True, skip)


def _reads_outside(source: str, inside: set[str], runs: Mapping[str, LayerRun]) -> bool:
    """True if a path into a sum is a single run long."""
    return not any(before in inside for before in runs[source].sources)

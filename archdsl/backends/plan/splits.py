"""Places at which a network is cut into stages of equal work, for pipelines over devices."""

from __future__ import annotations

from itertools import accumulate

from archdsl.analysis.cost import summarise
from archdsl.backends.plan.emitter import plan
from archdsl.backends.plan.operations import Operation, Plan
from archdsl.backends.plan.units import Unit, units
from archdsl.diagnostics import fail
from archdsl.ir.network import Network


def split_points(network: Network, stages: int) -> tuple[str, ...]:
    """The blocks with which the second and each further of so many stages begins.

    Stages have multiply-accumulates as equal as blocks allow, and one value goes from each to the
    next. The names are those of the compiled module's parts, as
    ``torch.distributed.pipelining.pipeline`` takes them. Raises ArchError where a network has too
    few such places.
    """
    unknown = summarise(network).unknown
    if unknown is not None:
        raise fail(f"{network.name} cannot be cut into equal stages", None, unknown)
    planned = plan(network)
    done = _work(network, planned)
    places = _places(network, planned)
    total = done[-1]
    found: list[int] = []
    for stage in range(1, stages):
        later = [at for at in places if not found or at > found[-1]]
        if not later:
            raise fail(
                f"{network.name} cannot be cut into {stages} stages",
                None,
                f"found {len(places)} blocks that take all that comes before as one value",
            )
        found.append(min(later, key=lambda at: abs(done[at] * stages - total * stage)))
    return tuple(places[at] for at in found)


def _work(network: Network, planned: Plan) -> list[int]:
    """The multiply-accumulates of all layers before each operation, and at last of all."""
    left = {row.path: row.macs or 0 for row in summarise(network).rows}
    return list(accumulate((left.pop(each.path, 0) for each in planned.operations), initial=0))


def _places(network: Network, planned: Plan) -> dict[int, str]:
    """Blocks by the number of their first operation, where one value goes in and none goes past."""
    numbers = {operation: at for at, operation in enumerate(planned.operations)}
    last: dict[Operation, int] = {}
    for at, operation in enumerate(planned.operations):
        last |= dict.fromkeys(operation.reads(), at)
    last |= dict.fromkeys(planned.results, len(numbers))
    ends = {numbers[value]: reader for value, reader in last.items()}
    alive: list[int] = []
    found: dict[int, str] = {}
    begins = _begins(units(network, planned)[1:], numbers)
    for at in range(len(numbers)):
        alive = [value for value in alive if ends[value] >= at]
        if at in begins and len(alive) == 1:
            found[at] = begins[at]
        if ends.get(at, at) > at:
            alive.append(at)
    return found


def _begins(parts: list[Unit], numbers: dict[Operation, int]) -> dict[int, str]:
    """The outermost block that begins with each operation."""
    found: dict[int, str] = {}
    for unit in parts:
        reads = [numbers[each] for each in unit.inputs]
        first = min(numbers[each] for each in _operations(unit))
        if reads and len(set(reads)) == 1 and not unit.scope.shared:
            found.setdefault(first, unit.scope.path)
    return found


def _operations(unit: Unit) -> list[Operation]:
    found: list[Operation] = []
    pending = [unit]
    while pending:
        for _, called in pending.pop().pieces:
            if isinstance(called, Unit):
                pending.append(called)
            else:
                found.append(called)
    return found

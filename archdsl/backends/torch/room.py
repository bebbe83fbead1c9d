"""The memory that a network takes on this machine, known and refused before it is taken."""

from __future__ import annotations

from contextlib import suppress

from archdsl.analysis.memory import UnknownMemoryError, inference_bytes, weight_bytes
from archdsl.diagnostics import fail
from archdsl.ir.network import Network
from archdsl.text.machine import free_memory
from archdsl.text.words import memory


def require_room(network: Network, most: int | None = None, *, running: bool = False) -> None:
    """Raise ArchError where a checked network does not fit into memory.

    ``most`` are the bytes that it may take, those that are free unless given. With ``running`` the
    tensors of a run with one image count too.
    """
    allowed = free_memory() if most is None else most
    if allowed is None:
        return
    weights, run = weight_bytes(network), 0
    if running:
        with suppress(UnknownMemoryError):
            run = inference_bytes(network)
    if weights + run > allowed:
        what = f"{memory(weights)} of weights"
        if run:
            what += f" and {memory(run)} of what one run holds"
        given = "--max-memory allows" if most is not None else "this machine has free"
        raise fail(
            f"{network.name} takes more memory than there is",
            None,
            f"it needs {what}; {given} {memory(allowed)}",
            help="archdsl summary tells the sizes of all layers",
            code="E409",
        )

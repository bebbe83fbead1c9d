"""Traces by torch.export's front end, for code that stand-ins of torch.fx cannot go through.

It follows Python's own bytecode on real types: ``isinstance(x, Tensor)``, ``*args`` and loops over
what a network keeps are no hindrance. What it gives is a graph of torch's functions.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
import torch.fx
from torch import Tensor, nn

from archdsl.analysis.equivalence.errors import MatchError
from archdsl.importers.trace.fx_trace import is_whole
from archdsl.importers.trace.sized_trace import SIZES

_SELF = "L['self']."
"""Prefix of the path of a module, as the front end writes it."""


class ExportedTrace(NamedTuple):
    """A graph, the module that its attributes belong to, and what puts its results together."""

    graph: torch.fx.Graph
    root: nn.Module
    restored: Callable[[object], object]


def trace_exported(module: nn.Module, examples: Sequence[Tensor]) -> ExportedTrace:
    """The graph of a module's ``forward`` on examples of its inputs, with sizes in ``meta``.

    Raises:
        MatchError: ``forward`` depends on the values of tensors, or cannot be run on them.
    """
    # Of torch.export's steps the first alone: the next ones take modules and functions apart.
    from torch.export._trace import _export_to_torch_ir
    from torch.utils._pytree import tree_unflatten

    try:
        with _quietly():
            found = _export_to_torch_ir(module, tuple(examples), {})
    except Exception as error:  # whatever the module's own code raises
        first = str(error).strip().partition("\n")[0]
        message = f"{type(module).__name__} cannot be traced by torch.export: {first}"
        raise MatchError(message) from error
    for node in found.graph.nodes:
        example = node.meta.get("example_value")
        if isinstance(example, Tensor):
            node.meta[SIZES] = tuple(map(int, example.shape))
        node.meta["nn_module_stack"] = _stack(node, module)
    codegen: Any = found.graph._codegen
    spec = codegen.pytree_info.out_spec

    def restored(result: Any) -> object:
        return tree_unflatten(result, spec)

    return ExportedTrace(found.graph, found, restored)


def _stack(node: torch.fx.Node, root: nn.Module) -> dict[str, tuple[str, object]]:
    """The modules that were running, but for torch's own, as torch.fx notes them."""
    kept = {}
    for path, kind in node.meta.get("nn_module_stack", {}).values():
        name = path.removeprefix(_SELF)
        with contextlib.suppress(AttributeError):
            if not is_whole(root.get_submodule(name)):
                kept[name] = (name, kind)
    return kept


@contextmanager
def _quietly() -> Iterator[None]:
    """Without what the front end logs and prints of code that it cannot follow."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with torch.no_grad(), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(before)

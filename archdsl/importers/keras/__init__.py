"""Keras models as imported graphs: what ``model.to_json()`` and ``model.save()`` write.

Maps are height×width×channels in Keras; what comes out here is channels×height×width.
"""

from __future__ import annotations

import heapq
import json
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from archdsl.diagnostics import ArchError, fail, nearest
from archdsl.diagnostics.foreign import parsing
from archdsl.diagnostics.source import Source, Span
from archdsl.importers import ImportOptions, Proof
from archdsl.importers.draft import Draft, step
from archdsl.importers.imported_graph import Home, ImportedGraph
from archdsl.importers.keras.config import Entry
from archdsl.importers.keras.file import description
from archdsl.importers.keras.kinds import KINDS
from archdsl.ir.edges import Shape
from archdsl.ir.layer import RuleError
from archdsl.ir.trampoline import Task, run

if TYPE_CHECKING:
    from archdsl.ir.network import Network

_MODELS = ("Sequential", "Functional", "Model")
_MOST_LAYERS = 100_000

Place = tuple[str, int]
"""A layer's name, and which of its applications is meant."""


class _Use(NamedTuple):
    """A layer of a model, and the places that it reads."""

    entry: Entry
    reads: tuple[Place, ...]
    application: int

    @property
    def place(self) -> Place:
        return self.entry.name, self.application


def read(what: str, options: ImportOptions) -> ImportedGraph:
    """The network of a file; ``options.input`` stands in for a size that it leaves open.

    Raises ArchError with the class and name of a layer that the catalogue has none for.
    """
    path = Path(what)
    with parsing(path, "a model of Keras", other="E412"):
        found = description(path)
        return graph_of_source(found.source, path.stem, options.input, found.version)


def proof(network: Network, what: str) -> Proof:
    """Compares the network with what Keras makes of the file, where that is installed."""
    from archdsl.importers.keras.weights import proof

    return proof(network, what)


def graph_of_source(
    source: Source, name: str, size: Shape | None = None, version: int | None = None
) -> ImportedGraph:
    """The network of a text; see :func:`read`.

    ``version`` is that of the Keras which wrote it; by default the text says it.
    """
    try:
        document = json.loads(source.text)
    except json.JSONDecodeError as error:
        span = Span(source, error.pos, error.pos + 1)
        raise fail(f"{source.name} is no JSON: {error.msg}", span) from None
    except RecursionError:
        raise fail(f"{source.name} nests too deeply") from None
    if not isinstance(document, dict) or document.get("class_name") not in _MODELS:
        raise fail(
            f"{source.name} is no model of Keras",
            None,
            "expected what model.to_json() writes: a Sequential or Functional model",
        )
    if version is None:
        told = str(document.get("keras_version", "3")).partition(".")[0]
        version = int(told) if told.isdecimal() else 3
    reading = _KerasReader(Draft(name), version, size)
    ends = run(reading.model(document, None))
    names = ["output"] if len(ends) == 1 else [end[0] for end in ends]
    return reading.draft.graph({name: index for name, (_, index) in zip(names, ends, strict=True)})


class _KerasReader:
    def __init__(self, draft: Draft, version: int, size: Shape | None) -> None:
        self.draft = draft
        self._version = version
        self._size = size
        self._homes: tuple[Home, ...] = ()
        self._inside: tuple[str, ...] = ()
        self._parts: dict[int, str] = {}
        """First place of a layer that is a part of several models."""

    def model(
        self, document: dict[str, Any], given: Sequence[int] | None
    ) -> Task[list[tuple[str, int]]]:
        """The outputs of a model, by name; ``given`` is what it is applied to inside another."""
        config = document.get("config")
        if isinstance(config, list):  # a sequential model of version 1
            config = {"layers": config}
        if not isinstance(config, dict) or not isinstance(config.get("layers"), list):
            raise fail("a model has no list of layers", None, f"found {str(config)[:60]}")
        if len(config["layers"]) > _MOST_LAYERS:
            raise fail(f"a model has more than {_MOST_LAYERS:,} layers")
        sequential = document["class_name"] == "Sequential"
        uses = list(self._row(config) if sequential else self._graph(config))
        ends = [uses[-1].place] if sequential and uses else _places(config.get("output_layers"))
        inputs = dict(zip(_places(config.get("input_layers")), given or (), strict=False))
        found: dict[Place, int] = {}
        for use in _ordered(uses):
            before = [found[place] for place in use.reads]
            if not before and given is not None:
                found[use.place] = inputs.get(use.place, given[0])
                continue
            found[use.place] = yield self._applied(use, before)
        missing = [name for name, number in ends if (name, number) not in found]
        if missing or not ends:
            raise fail("an output of a model is not there", None, f"found {missing or 'none'}")
        return [(name, found[name, number]) for name, number in ends]

    # ---- the two forms of a model ----

    def _row(self, config: dict[str, Any]) -> Iterator[_Use]:
        """The layers of a sequential model, each reading the one before."""
        before: tuple[Place, ...] = ()
        for number, layer in enumerate(config["layers"]):
            entry = self._entry(layer)
            if number == 0 and entry.kind != "InputLayer":
                shape = entry.config.get("batch_input_shape") or config.get("build_input_shape")
                first = Entry("InputLayer", "input", {"batch_shape": shape}, self._version)
                before = ((first.name, 0),)
                yield _Use(first, (), 0)
            yield _Use(entry, before, 0)
            before = ((entry.name, 0),)

    def _graph(self, config: dict[str, Any]) -> Iterator[_Use]:
        for layer in config["layers"]:
            entry = self._entry(layer)
            nodes = layer.get("inbound_nodes") or []
            if not isinstance(nodes, list):
                raise _refused(entry, RuleError("inbound_nodes has to be a list"))
            if not nodes or entry.kind == "InputLayer":
                yield _Use(entry, (), 0)
                continue
            for number, node in enumerate(nodes):
                yield _Use(entry, tuple(_read_places(node)), number)

    def _entry(self, layer: Any) -> Entry:
        if not isinstance(layer, dict) or not isinstance(layer.get("config"), (dict, list)):
            raise fail("a layer has no class_name and config", None, f"found {str(layer)[:60]}")
        config = layer["config"] if isinstance(layer["config"], dict) else {}
        kind = str(layer.get("class_name"))
        name = layer.get("name") or config.get("name") or kind
        if kind in _MODELS:
            config = layer
        shared = layer.get("shared_object_id")
        return Entry(
            kind, str(name), config, self._version, shared if isinstance(shared, int) else None
        )

    # ---- one layer ----

    def _applied(self, use: _Use, inputs: list[int]) -> Task[int]:
        """A layer, or a model inside of a model."""
        entry = use.entry
        self.draft.homes = self._homes
        part = "/".join((*self._inside, entry.name))
        if entry.shared is not None:
            part = self._parts.setdefault(entry.shared, part)
        self.draft.part = part
        if entry.kind in _MODELS:
            outside = self._homes, self._inside
            self._homes += (Home(entry.name, entry.kind),)
            self._inside = tuple(part.split("/"))
            ends = yield self.model(dict(entry.config), inputs)
            self._homes, self._inside = outside
            if len(ends) != 1:
                raise _refused(entry, RuleError("a model inside of another has one output here"))
            return int(ends[0][1])
        with step(partial(_refused, entry)):
            if entry.kind == "InputLayer":
                return self._input(entry)
            made = KINDS.get(entry.kind)
            if made is None:
                raise RuleError(
                    "the catalogue has no layer for this class", help=nearest(entry.kind, KINDS)
                )
            if not inputs:
                raise RuleError("it reads nothing")
            entry.require(data_format="channels_last")
            index = made(self.draft, entry, inputs)
        return index

    def _input(self, entry: Entry) -> int:
        if self.draft.count:
            raise RuleError("a network has one input here")
        shape = entry.config.get("batch_shape") or entry.config.get("batch_input_shape")
        row = isinstance(shape, list) and len(shape) == 2
        if self._size is not None:
            channels = self._size[0] or 1
            return self.draft.row(channels) if row else self.draft.image(channels, *self._size[1:])
        if not isinstance(shape, list) or not all(
            size is None or isinstance(size, int) for size in shape
        ):
            raise RuleError("the shape of the input is missing", help="give it with --input CxHxW")
        if len(shape) == 2 and shape[1] is not None:
            return self.draft.row(shape[1])
        if len(shape) != 4 or shape[3] is None:
            raise RuleError("expected a batch of pictures or of rows of features", f"found {shape}")
        height, width, channels = shape[1:]
        return self.draft.image(channels, height, width)


def _ordered(uses: Sequence[_Use]) -> Iterator[_Use]:
    """Each layer after those that it reads, else in their order.

    Raises ArchError for circles, and for names that no layer has.
    """
    known = {use.place for use in uses}
    if len(known) < len(uses):
        raise fail("two layers of a model have the same name")
    readers: dict[Place, list[int]] = {}
    for number, use in enumerate(uses):
        for place in use.reads:
            if place not in known:
                raise _refused(use.entry, RuleError(f"it reads {place[0]}, which is not there"))
            readers.setdefault(place, []).append(number)
    waiting = [len(use.reads) for use in uses]
    ready = [number for number, count in enumerate(waiting) if not count]  # a heap as it is
    done = 0
    while ready:
        use = uses[heapq.heappop(ready)]
        done += 1
        yield use
        for reader in readers.get(use.place, ()):
            waiting[reader] -= 1
            if not waiting[reader]:
                heapq.heappush(ready, reader)
    if done < len(uses):
        raise fail("the layers of a model read each other in a circle")


# ---- what layers read, in the forms of both versions ----


def _read_places(node: Any) -> Iterator[Place]:
    """The places of one application: ``[["conv1", 0, 0, {}]]``, or tensors among arguments."""
    waiting: deque[Any] = deque([node.get("args", []) if isinstance(node, dict) else node])
    while waiting:
        item = waiting.popleft()
        if isinstance(item, dict):
            config = item.get("config")
            if item.get("class_name") == "__keras_tensor__" and isinstance(config, dict):
                yield from _places(config.get("keras_history"))
        elif isinstance(item, list):
            if item and isinstance(item[0], str):
                yield from _places(item)
            else:
                waiting.extend(item)


def _places(value: Any) -> list[Place]:
    """Places as written: one, or a list of some."""
    if not isinstance(value, list):
        return []
    items = [value] if value and isinstance(value[0], str) else value
    return [
        (item[0], item[1])
        for item in items
        if isinstance(item, list)
        and len(item) >= 2
        and isinstance(item[0], str)
        and isinstance(item[1], int)
    ]


def _refused(entry: Entry, error: RuleError) -> ArchError:
    return fail(
        f"{entry.kind} {entry.name}: {error.message}",
        None,
        *error.notes,
        help=error.help,
        code=error.code,
    )

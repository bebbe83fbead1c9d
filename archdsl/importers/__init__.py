"""From other formats to specs: an importer per origin makes a graph, one writer spells it.

An origin is an entry of ``ORIGINS``. Its module holds ``read(what, options)``, which gives a
:class:`~archdsl.importers.imported_graph.ImportedGraph`, and ``proof(network, what)``, which runs
the origin and compares it with the network that the spec amounts to.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from archdsl.diagnostics import fail
from archdsl.importers.imported_graph import ImportedGraph
from archdsl.ir.edges import Shape

if TYPE_CHECKING:
    from archdsl.ir.network import Network


class Origin(NamedTuple):
    """A source of specs: the module that reads it, and its title in ``--help``."""

    module: str
    title: str


ORIGINS: Mapping[str, Origin] = MappingProxyType(
    {
        "torchvision:": Origin("pytorch.reader", "NAME, a model of torchvision"),
        "timm:": Origin("pytorch.reader", "NAME, a model of timm, where that is installed"),
        ".py:": Origin(
            "pytorch.reader",
            "NAME, a function or class of a Python file that makes a module",
        ),
        ".onnx": Origin("onnx", "a network as ONNX has it"),
        ".cfg": Origin("darknet", "a network of Darknet's"),
        ".json": Origin("keras", "what model.to_json() of Keras writes"),
        ".keras": Origin("keras", "what model.save() of Keras writes, with its weights"),
    }
)
"""Origins by spelling: ``library:`` before a name, ``.suffix`` or ``.suffix:`` behind a file's."""


@dataclass(frozen=True)
class ImportOptions:
    """Options of an import: the size of the input, where the source leaves it open."""

    input: Shape | None = None


class Proof(NamedTuple):
    """The comparison of a spec's network with its origin: the verdict, and lines that report it.

    ``same`` is ``None`` where nothing can run the origin here; the lines say what is missing.
    """

    same: bool | None
    lines: Sequence[str]


class Importer(Protocol):
    """The interface of a module that reads one kind of origin."""

    def read(self, what: str, options: ImportOptions) -> ImportedGraph:
        """The network; raises ArchError for what cannot be read or said in the language."""

    def proof(self, network: Network, what: str) -> Proof:
        """Compares a checked network with the origin that it was read from."""


def reader(origin: Origin) -> Importer:
    """The module of an origin."""
    return cast("Importer", importlib.import_module(f"{__name__}.{origin.module}"))


def shown_form(key: str) -> str:
    """The spelling of an origin on the command line: ``torchvision:NAME``, ``FILE.cfg``."""
    return ("FILE" if key.startswith(".") else "") + key + ("NAME" if key.endswith(":") else "")


def origin_of(what: str) -> Origin:
    """The origin that a text means; raises ArchError where there is none such."""
    for key, origin in ORIGINS.items():
        if not key.startswith("."):
            found = what.startswith(key) and len(what) > len(key)
        elif key.endswith(":"):
            file, _, name = what.rpartition(":")
            found = file.lower().endswith(key[:-1]) and bool(name)
        else:
            found = what.lower().endswith(key)
        if found:
            return origin
    prefix, _, _ = what.partition(":")
    near = difflib.get_close_matches(prefix, [key[:-1] for key in ORIGINS], n=1)
    raise fail(
        f"{what}: nothing that a spec can be imported from",
        None,
        f"expected {', '.join(map(shown_form, ORIGINS))}",
        help=f"did you mean {near[0]}:?" if near and near[0] != prefix else None,
    )

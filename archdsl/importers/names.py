"""The names of other formats as synonyms: rows of the readers' tables, by the layer they make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from archdsl.importers.darknet.cfg_reader import ACTIVATIONS as DARKNET_ACTIVATIONS
from archdsl.importers.darknet.kinds import SECTIONS
from archdsl.importers.keras.kinds import ACTIVATIONS, KINDS
from archdsl.importers.made_layers import made_by
from archdsl.importers.onnx import OPERATOR_ROWS
from archdsl.layers.synonyms import Synonym, row


def foreign_names() -> Iterator[Synonym]:
    """A row for each name that a reader knows and that stands for a layer of the catalogue."""
    operators = {name: entry.handler for name, entry in OPERATOR_ROWS.items()}
    tables: tuple[tuple[str, Mapping[str, object]], ...] = (
        ("Keras", {**KINDS, **ACTIVATIONS}),
        ("ONNX", operators),
        ("Darknet", {**SECTIONS, **DARKNET_ACTIVATIONS}),
    )
    for origin, table in tables:
        for name, maker in table.items():
            made = made_by([maker])
            synonym = row(name, origin, made[0].kind) if made else None
            if synonym is not None:
                yield synonym

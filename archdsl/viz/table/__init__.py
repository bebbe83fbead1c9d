"""Tables of stages and of layers, as papers print them beside their figures.

The former as table 1 of He et al. 2015, the latter as that of Howard et al. 2017.
"""

from __future__ import annotations

from archdsl.viz.table.formats import FORMATS, Format
from archdsl.viz.table.layers import LayerTable, layer_table
from archdsl.viz.table.stages import StageTable, stage_table

__all__ = ["FORMATS", "Format", "LayerTable", "StageTable", "layer_table", "stage_table"]

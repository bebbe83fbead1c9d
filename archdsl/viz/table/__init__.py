"""Tables of stages, as papers print them beside their figures (He et al. 2015, table 1)."""

from __future__ import annotations

from archdsl.viz.table.formats import FORMATS, Format
from archdsl.viz.table.stages import StageTable, stage_table

__all__ = ["FORMATS", "Format", "StageTable", "stage_table"]

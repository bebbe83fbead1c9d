"""Ways to spread a run over devices, and whether their memory suffices."""

from __future__ import annotations

from archdsl.api import Network
from archdsl.diagnostics import ArchError, fail
from archdsl.text.words import memory
from archdsl.training.need import Need, need, sharded_need, stage_needs
from archdsl.training.recipe import Machine, Recipe

Row = tuple[str, str, str, str, str, str, str]


def plan(network: Network, recipe: Recipe, machine: Machine, available: int) -> list[Row]:
    """Rows for people: each way to spread a run over the devices, and whether it fits.

    Of a pipeline it is the stage that needs most; the batch goes through it in a part for each.
    """
    devices = machine.devices
    batch = recipe.batch or 32 * devices
    if batch % (devices * machine.accumulate):
        raise fail(f"a batch of {batch} pictures cannot be divided among {devices} devices")
    images = batch // devices // machine.accumulate
    rows = []
    for checkpointing in (False, True):
        also = ", checkpointing" if checkpointing else ""
        alone = need(network, recipe, images, checkpointing=checkpointing)
        rows.append(_row(f"ddp{also}", alone, available))
        if devices > 1:
            parts = sharded_need(
                network, recipe, images, devices, checkpointing=checkpointing,
                gloo=machine.device == "cpu",
            )  # fmt: skip
            rows.append(_row(f"fsdp, {devices} parts{also}", parts, available))
    if devices > 1:
        rows.append(_pipeline(network, recipe, images, devices, available))
    return rows


def _pipeline(network: Network, recipe: Recipe, images: int, devices: int, available: int) -> Row:
    """The row of the stage that needs most, or why there are no such stages."""
    name = f"pipeline, {devices} stages by MACs"
    try:
        found = stage_needs(network, recipe, images * devices, devices, parts=devices)
    except ArchError as error:
        return (name, "", "", "", "", "", f"no: {error.diagnostics[0].message}")
    return _row(name, max(found, key=lambda each: each.total), available)


def _row(name: str, each: Need, available: int) -> Row:
    return (
        name,
        memory(each.parameters),
        memory(each.gradients),
        memory(each.optimizer),
        memory(each.activations),
        memory(each.total),
        "yes" if each.total <= available else "no",
    )

"""Tables of stages are those of the papers."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.commands import run

import archdsl
from archdsl.viz.table import FORMATS, StageTable, stage_table
from archdsl.viz.table.formats import cell_lines


def table(*names: str) -> StageTable:
    return stage_table([archdsl.load(name).checked for name in names], names)


def column(found: StageTable, number: int = 0) -> dict[str, list[str]]:
    """The cells of a network by size."""
    return {
        size: cell_lines(row[number]) for size, row in zip(found.sizes, found.cells, strict=True)
    }


BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
"""He et al. 2015, table 1: blocks of conv2_x to conv5_x."""


def test_resnets_have_the_rows_of_their_papers_table_1() -> None:
    found = table(*(f"resnet{depth}" for depth in BLOCKS))
    assert found.sizes == ("112×112", "56×56", "28×28", "14×14", "7×7", "1×1")
    for number, (depth, counts) in enumerate(BLOCKS.items()):
        cells = column(found, number)
        assert cells["112×112"] == ["7×7 conv, 64, /2"]
        assert cells["56×56"][0] == "3×3 max pool, /2"
        for size, width, count in zip(found.sizes[1:5], (64, 128, 256, 512), counts, strict=True):
            three = f"3×3 conv, {width}"
            basic = f"[{three} | {three}] ×{count}"
            bottleneck = f"[1×1 conv, {width} | {three} | 1×1 conv, {4 * width}] ×{count}"
            assert cells[size][-1] == (basic if depth < 50 else bottleneck)
        assert cells["1×1"] == ["global avg pool", "fc 1000"]


VGG = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}
"""Simonyan and Zisserman 2014, table 1: convolutions between the poolings (A, B, D, E)."""


def test_vgg_has_the_columns_of_its_papers_table_1() -> None:
    found = table(*VGG)
    for number, counts in enumerate(VGG.values()):
        cells = column(found, number)
        told = [
            sum(int(line.partition(" ×")[2] or 1) for line in cells[size] if "conv" in line)
            for size in found.sizes[:5]
        ]
        assert tuple(told) == counts


def test_mobilenet_repeats_its_separable_convolution_five_times() -> None:
    """Howard et al. 2017, table 1: 5× (conv dw / s1, conv / s1) at 14×14×512."""
    assert "[3×3 depthwise conv, 512 | 1×1 conv, 512] ×5" in column(table("mobilenet_v1"))["14×14"]


def test_maps_that_shrink_and_grow_again_have_rows_of_their_own() -> None:
    found = table("unet")
    assert found.sizes[0] == found.sizes[-1] == "512×512"
    assert found.sizes.count("256×256") == 2 and found.sizes.count("32×32") == 1


def test_columns_of_unlike_networks_keep_their_order() -> None:
    found = table("resnet50", "vgg16", "lenet")
    for number in range(3):
        own = [size for size, cells in column(found, number).items() if cells]
        heights = [int(size.partition("×")[0]) for size in own]
        assert heights == sorted(heights, reverse=True)


def test_the_command(tmp_path: Path) -> None:
    done = run("table", "resnet18", "mobilenet_v1:width=0.5", "mobilenet_v1")
    assert done.exit_code == 0, done.output
    assert "mobilenet_v1:width=0.5" in done.stdout and "11,689,512" in done.stdout
    for suffix in FORMATS:
        target = tmp_path / f"it{suffix}"
        assert run("table", "resnet18", "resnet50", "-o", target).exit_code == 0
        assert "4.09 G" in target.read_text(encoding="utf-8")
    refused = run("table", "resnet18", "-o", tmp_path / "it.xls")
    assert refused.exit_code == 1 and "expected one of .md" in refused.stderr


def test_names_are_no_markup() -> None:
    name = r"<b>\input{x}|$&_"
    found = stage_table([archdsl.load("lenet").checked], [name])
    assert "<b>" not in FORMATS[".html"].write(found)
    assert r"\input" not in FORMATS[".tex"].write(found)


def test_markdown_has_as_many_cells_in_every_row() -> None:
    text = FORMATS[".md"].write(table("googlenet", "resnet50", "unet"))
    cells = {len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines()}
    assert cells == {5}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX on this machine")
def test_latex_compiles(tmp_path: Path) -> None:
    text = FORMATS[".tex"].write(table("resnet18", "resnet50", "googlenet"))
    head = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{textcomp,booktabs}"
    document = rf"{head}\begin{{document}}\tiny {text}\end{{document}}"
    (tmp_path / "it.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "it.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]

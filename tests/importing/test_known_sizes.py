"""Modules that ask for the sizes of their tensors are traced on an input: all are known there."""

from pathlib import Path

import pytest
from support.commands import run

SIZED = Path(__file__).parent / "sized.py"

SAME = {
    "PoolOfAll": "fc<5,avg_pool_everything",
    "Squeezed": "scale",
    "Expanded": "scale",
    "Ungated": "sigmoid",
    "ResizedLike": "resize_like<tag1,con",
    "ResizedTo": "nearest=true",
    "Cropped": "pad",
    "Lazy": "fc<10",
    "MeanOfMeans": "avg_pool_everything",
    "Moved": "pad<0,1,0,1,slice<0,0,1,8,31,31",
    "Split": "chunk",
    "Sections": "slice<",
    "Flattened": "fc<7",
    "Hardswish": "hardswish",
    "Scaled": "layer_scale",
    "EfficientAttention": "channels_last<avg_pool_everything>",
    "Difference": "multiply<-1",
    "Summed": "residual",
    "Attended": "parallel<channel_max,channel_mean>",
    "Largest": "channel_max",
    "SuperResolved": "pixel_shuffle<instance_norm<",
    "Context": "offset<",
    "NewestFirst": "repeat<8,parallel<",
    "Twins": "shared<tower,",
    "Recurrent": "shared<middle,",
    "Arithmetic": "add_constant<-1.0,multiply<2.0",
    "MadeWhileRunning": "max_pool<2,2,2,2,relu<con",
    "DataShuffled": "channel_shuffle<2",
    "OneBias": "bias<per_channel=false,layer_scale<",
    "AnyArguments": "fc<5,avg_pool_everything<relu<con",
    "CellsToChannels": "reorg<",
    "UnitVectors": "l2_norm_scaled<con",
    "OneSize": "fc<5,avg_pool_everything",
    "Checked": "max_pool<2,2,2,2,relu<batch_norm<con",
}


@pytest.mark.parametrize("name", SAME)
def test_the_spec_is_the_module(name: str) -> None:
    """Layer by layer, and with the same weights on random images: the command compares them."""
    done = run("import", f"{SIZED}:{name}", "--input", "3x32x32")
    assert done.exit_code == 0, done.output
    assert "verified against" in done.stderr
    assert SAME[name] in done.stdout, done.stdout


def test_blocks_of_cells_have_torchs_names() -> None:
    done = run("import", f"{SIZED}:CellsToChannels", "--input", "3x32x32", "--no-verify")
    assert "pixel_shuffle<" in done.stdout and "pixel_unshuffle<" in done.stdout


def test_rows_of_features() -> None:
    done = run("import", f"{SIZED}:Rows", "--input", "784")
    assert done.exit_code == 0, done.output
    assert "fc<10,relu<fc<32,input<784,1,1>>>>" in done.stdout
    # 784·32 + 32 and 32·10 + 10
    assert "25,450 parameters" in done.stderr


def test_a_module_that_cannot_be_run_says_so() -> None:
    done = run("import", f"{SIZED}:Lazy", "--input", "3x2x2")
    assert done.exit_code == 1 and "Traceback" not in done.stderr
    assert "Lazy cannot be run on 3×2×2" in done.stderr


def test_a_file_is_run_as_python_runs_it(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "late_part.py").write_text("CHANNELS = 5\n")
    (tmp_path / "helper_beside.py").write_text("CHANNELS = 4\n")
    (tmp_path / "net.py").write_text(
        "import sys, os\nfrom torch import nn\n"
        "sys.path.append(os.path.join(os.path.dirname(__file__), 'parts'))\n"
        "def make():\n"
        "    import helper_beside, late_part\n"
        "    return nn.Conv2d(3, helper_beside.CHANNELS + late_part.CHANNELS, 1)\n"
    )
    done = run("import", f"{tmp_path / 'net.py'}:make", "--input", "3x8x8")
    assert done.exit_code == 0, done.output
    assert "con<9,1,1" in done.stdout


def test_a_file_of_a_package_is_run_as_a_part_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "package_of_nets"
    folder.mkdir()
    (folder / "widths.py").write_text("CHANNELS = 4\n")
    for number, line in enumerate(("from .widths import", "from package_of_nets.widths import")):
        file = folder / f"net{number}.py"
        file.write_text(
            f"{line} CHANNELS\nfrom torch import nn\ndef make():\n"
            "    return nn.Conv2d(3, CHANNELS, 1)\n"
        )
        done = run("import", f"{file}:make", "--input", "3x8x8")
        assert done.exit_code == 0, done.output
        assert "con<4,1,1" in done.stdout

"""The options of output files on the command line."""

from functools import partial
from pathlib import Path

import pytest
from onnx import load_model_from_string
from support import commands

SPEC = "avg_pool_everything<con<2,3,3,1,1,input<1,8,8>>>"

run = partial(commands.run, "compile", "-", stdin=SPEC)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_options_reach_the_outputs() -> None:
    done = run("-o", "a.onnx", "-o", "a.ts", "--opset", "18", "--dynamic-size")
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    model = load_model_from_string(Path("a.onnx").read_bytes())
    assert [each.version for each in model.opset_import] == [18]
    _, channels, *sizes = model.graph.input[0].type.tensor_type.shape.dim
    assert channels.dim_value == 1
    assert all(size.dim_param for size in sizes)


@pytest.mark.parametrize("opset", ["17", "24", "x"])
def test_the_range_of_opsets_is_said(opset: str) -> None:
    done = run("-o", "a.onnx", "--opset", opset)
    assert done.exit_code == 2
    assert "not in the range 18<=x<=23" in done.stderr or "not a valid integer" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "suffixes"),
    [
        (("--opset", "20", "-o", "a.pt2", "-o", "a.json"), ".onnx"),
        (("--opset", "20"), ".onnx"),
        (("--dynamic-size", "-o", "a.ptl"), ".onnx or .pt2 or .ts"),
        (("--dynamic-size",), ".onnx or .pt2 or .ts"),
    ],
)
def test_an_option_that_concerns_no_output_is_wrong_usage(
    arguments: tuple[str, ...], suffixes: str
) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stderr.rstrip().endswith(f"-o with {suffixes}")
    assert not list(Path().iterdir())

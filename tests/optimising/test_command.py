"""``archdsl compile --optimize``: what it keeps, what it tells, what it writes, what it refuses."""

import io
import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from randomised import assert_near, module_types, network_of
from support import commands
from torch import nn

import archdsl
from archdsl.backends.passes import optimise as optimising
from archdsl.backends.passes.optimise import inductor as compiling
from archdsl.backends.passes.optimise import measure as measuring

SPEC = "fc<3,relu<bn_con<con<4,3,3,1,1,dropout<input<2,8,8>>>>>>"


run = partial(commands.run, "compile")


@pytest.fixture(autouse=True)
def _spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net.arch").write_text(SPEC)


def timed(monkeypatch: pytest.MonkeyPatch, faster: bool) -> None:
    """Let a measurement say what the test needs: real ones go by the machine."""
    ratio = 0.5 if faster else 1.25

    def measured(mine: Any, theirs: Any) -> measuring.Speed:
        mine(), theirs()
        return measuring.Speed(0.004 * ratio, 0.004, ratio, ratio)

    monkeypatch.setattr(optimising, "speed", measured)


def test_what_it_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    timed(monkeypatch, faster=True)
    done = run("net.arch", "--optimize")
    assert done.exit_code == 0, done.stderr
    assert "as it lies, without 1 Dropout, 1 BatchNorm2d" in done.stdout
    assert "2.00 times as fast (2 ms, plain 4 ms, ratio 0.50)" in done.stdout


def test_json(monkeypatch: pytest.MonkeyPatch) -> None:
    timed(monkeypatch, faster=True)
    told = json.loads(run("net.arch", "--optimize", "--json").stdout)["optimized"]
    assert told["removed"] == {"Dropout": 1, "BatchNorm2d": 1}
    assert (told["kept"], told["ratio"], told["plain_seconds"]) == (True, 0.5, 0.004)
    assert told["difference"]["relative"] <= 1e-5


def test_files_hold_the_optimised_network(monkeypatch: pytest.MonkeyPatch) -> None:
    timed(monkeypatch, faster=True)
    outputs = ("-o", "net.pt2", "-o", "net.onnx")
    assert run("net.arch", "--optimize", "--seed", "4", *outputs).exit_code == 0
    x = torch.rand(3, 2, 8, 8)
    with torch.no_grad():
        plain = archdsl.compile("net.arch", seed=4).eval()(x)
    program = torch.export.load("net.pt2")
    assert "batch_norm" not in str(program.graph)
    assert_near(program.module()(x), plain)
    import onnx

    assert "BatchNormalization" not in {n.op_type for n in onnx.load("net.onnx").graph.node}


def test_nothing_faster_keeps_the_plain_one(monkeypatch: pytest.MonkeyPatch) -> None:
    timed(monkeypatch, faster=False)
    done = run("net.arch", "--optimize", "-o", "net.pt2")
    assert "nothing is faster here" in done.stdout
    assert "kept plain" in done.stdout
    assert "batch_norm" in str(torch.export.load("net.pt2").graph)
    network, module, _ = network_of("net.arch")
    made = optimising.optimise(network.checked, module)
    assert made.module is made.portable is module


@pytest.mark.parametrize("suffix", ["safetensors", "dat", "dnn", "weights", "json"])
def test_files_of_the_network_as_written_are_refused(suffix: str) -> None:
    done = run("net.arch", "--optimize", "-o", f"net.{suffix}")
    assert done.exit_code == 1
    assert f"error[E400]: cannot write an optimised network into net.{suffix}" in done.stderr
    assert not Path(f"net.{suffix}").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dtype", "bf16"], "--dtype needs --optimize"),
        (["--torch-compile"], "--torch-compile needs --optimize"),
        (["--quantize", "int8"], "need each other"),
        (["--calibrate", "."], "need each other"),
        (["--optimize", "--quantize", "int8", "--calibrate", "."], "leave --optimize away"),
    ],
)
def test_options_that_do_not_go_together(options: list[str], message: str) -> None:
    done = run("net.arch", *options)
    assert done.exit_code == 2
    assert message in done.stderr


def test_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    timed(monkeypatch, faster=True)
    done = run("net.arch", "--optimize", "--dtype", "bf16", "-o", "net.pt2", "--json")
    relative = json.loads(done.stdout)["optimized"]["difference"]["relative"]
    assert 0 < relative < 16 * 2**-8  # a few roundings to the 8 bits of its fraction
    assert torch.export.load("net.pt2").state_dict["conv.weight"].dtype == torch.bfloat16
    result = torch.export.load("net.pt2").module()(torch.rand(2, 2, 8, 8))
    assert result.dtype == torch.float32


def test_bf16_is_for_tensors() -> None:
    network, module, _ = network_of("ssdlite320_mobilenet_v3_large")
    with pytest.raises(archdsl.ArchError, match="takes images, whose values stay as they are"):
        optimising.optimise(network.checked, module, dtype="bf16")


def test_torch_compile_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    done = run("net.arch", "--optimize", "--torch-compile")
    assert done.exit_code == 1
    assert "torch.compile needs a C++ compiler" in done.stderr
    assert "no-such-compiler" in done.stderr


def test_torch_compile_gets_the_folded_network(monkeypatch: pytest.MonkeyPatch) -> None:
    timed(monkeypatch, faster=True)
    seen: list[nn.Module] = []
    monkeypatch.setattr(torch, "compile", lambda module: seen.append(module) or module)
    monkeypatch.setattr(compiling.shutil, "which", lambda name: name)
    assert "torch.compile, as it lies" in run("net.arch", "--optimize", "--torch-compile").stdout
    assert all("BatchNorm2d" not in module_types(module) for module in seen)


def test_from_python() -> None:
    torch.manual_seed(1)
    x = torch.rand(2, 2, 8, 8)
    module = archdsl.compile("net.arch", seed=2, optimize=True)
    with torch.inference_mode():
        assert_near(module(x), archdsl.compile("net.arch", seed=2).eval()(x))
    buffer = io.BytesIO()
    torch.save(module.state_dict(), buffer)
    assert buffer.tell() > 0


def test_measuring_goes_by_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    def work(seconds: float) -> None:
        clock[0] += seconds

    monkeypatch.setattr(measuring.time, "perf_counter", lambda: clock[0])
    found = measuring.speed(lambda: work(0.25), lambda: work(0.5))
    assert found == (0.25, 0.5, 0.5, 0.5)
    apart = measuring.difference({"a": torch.tensor([1.0, -4.5])}, {"a": torch.tensor([1.0, -4.0])})
    assert apart is not None and math.isclose(apart.relative, 0.125) and apart.absolute == 0.5
    assert measuring.difference(torch.zeros(2), torch.zeros(3)) is None

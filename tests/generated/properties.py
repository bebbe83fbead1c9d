"""What holds of every legal network: functions that take its text, and fail where it does not.

What is said of a network is what its module is; it computes the same in every form that it is
written in, or that is refused in words.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import torch
from modules import Compiled, assert_near, by_name, compiled, event, refused, run, tolerance
from running import RUNTIMES
from test_source import made
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import archdsl
from archdsl.api import load_source
from archdsl.backends.formats import FORMATS, encode
from archdsl.backends.formats.options import OPSETS, FormatOptions
from archdsl.backends.passes.optimise import exactly, ways
from archdsl.backends.torch.window_modules import RelativeAttention
from archdsl.diagnostics import ArchError
from archdsl.diagnostics.source import Source
from archdsl.dlib.open_file import open_saved
from archdsl.dlib.to_spec import respelled
from archdsl.importers import ImportOptions
from archdsl.importers import onnx as onnx_reader
from archdsl.importers.outlining.writer import written
from archdsl.importers.pytorch.reader import graph_of_module
from archdsl.importers.verification import verify
from archdsl.layers.sequences import AdaptiveComputationTime


def shapes_by_layer(module: nn.Module, batch: Tensor) -> tuple[dict[str, Any], dict[str, Any]]:
    """The output shape of every module that is called, by name, and those of the outputs."""
    found: dict[str, Any] = {}
    hooks = []
    for name, part in module.named_modules():

        def hook(_: nn.Module, inputs: object, output: Any, name: str = name) -> None:
            first = output[0] if isinstance(output, tuple) else output  # attention has two
            if isinstance(first, Tensor):
                found[name] = tuple(first.shape[1:])

        hooks.append(part.register_forward_hook(hook))
    with torch.no_grad():
        outputs = by_name(module(batch))
    for each in hooks:
        each.remove()
    return found, {name: tuple(value.shape[1:]) for name, value in outputs.items()}


def _without_products(part: nn.Module) -> bool:
    """True for attention whose products torch computes value by value, which nobody counts."""
    return isinstance(part, RelativeAttention) and 1 in (part.head_dim, part.max_seq_len)


def summary(text: str) -> None:
    network, module, batch = compiled(text)
    summary = network.summary()
    assert summary.parameters == sum(value.numel() for value in module.parameters())
    assert summary.buffers == sum(value.numel() for value in module.buffers())
    learning = sum(value.numel() for value in module.parameters() if value.requires_grad)
    assert summary.trainable == learning
    rows = {row.path: row for row in summary.rows}
    for training in (False, True):
        module.train(training)
        found, outputs = shapes_by_layer(module, batch)
        if len(outputs) > 1:  # one alone is the result itself, without its name
            assert outputs.keys() == summary.outputs.keys()
        assert list(outputs.values()) == list(summary.outputs.values())
        tensors = {name for name, row in rows.items() if type(row.shape) is tuple}
        common = found.keys() & tensors
        assert {name: rows[name].shape for name in common} == {n: found[n] for n in common}
    assert all(len(value) == len(batch) for value in by_name(module(batch)).values())
    if any(isinstance(i.layer, AdaptiveComputationTime) for i in network.checked.instances()):
        event("MACs not counted: adaptive computation multiplies by a row, which is a pooling")
        return
    if any(map(_without_products, module.modules())):
        event("MACs not counted: torch's einsum has no products along axes of one value")
        return
    with (
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False) as counter,
        torch.no_grad(),
    ):
        module(batch)
    assert 2 * len(batch) * summary.macs == counter.get_total_flops()


def content(case: Compiled, suffix: str, **options: Any) -> bytes | None:
    """A network as a file; ``None`` where it is refused, in words."""
    try:
        return encode(FORMATS[suffix], case.network.checked, case.module, FormatOptions(**options))
    except ArchError as error:
        refused(error, suffix)
        return None


def source(text: str) -> None:
    case = compiled(text)
    source = content(case, ".py")
    if source is None:
        return
    twin = made(source.decode())
    twin.load_state_dict(case.module.state_dict())
    for training in (False, True):
        results = []
        for module in (case.module, twin):
            module.train(training)
            torch.manual_seed(3)  # of dropout
            with torch.no_grad():
                results.append(by_name(module(case.batch)))
        wanted, found = results
        assert list(wanted) == list(found)
        for name, value in wanted.items():
            assert torch.equal(value.nan_to_num(), found[name].nan_to_num()), name
    for name, value in case.module.state_dict().items():
        assert torch.equal(value.nan_to_num(), twin.state_dict()[name].nan_to_num()), name
    imported_again(case, twin.eval())


def imported_again(case: Compiled, twin: torch.nn.Module) -> None:
    """What is written as source is read again as a network that computes the same."""
    shape = tuple(case.batch.shape[1:])
    within = tolerance(case)
    try:
        text = written(graph_of_module(twin, "net", shape))
    except ArchError as error:
        refused(error, "import of source")
        return
    event("imported from source")
    network = load_source(Source("imported", text), input=shape).check()
    # In an order of their own; what is compared below goes by their names.
    assert sorted(network.summary().outputs.values()) == sorted(
        case.network.summary().outputs.values()
    )
    if within is None:
        return
    found = verify(network.to_torch(seed=9), twin, shape, training=False)
    assert found.matched, (text, found.differences)
    assert found.max_rel_diff is not None and found.max_rel_diff <= within, text


def torchscript(text: str) -> None:
    same_in_its_runtime(compiled(text), ".ts")


def same_in_its_runtime(case: Compiled, suffix: str, **options: Any) -> bytes | None:
    data = content(case, suffix, **options)
    within = tolerance(case)
    if data is None or within is None:
        return data
    found = RUNTIMES[suffix](data)
    for batch in (case.batch, case.batch[:1]):
        ours = [torch.from_numpy(np.array(each)) for each in found(batch)]
        assert_near(ours, run(case.module, batch), within)
    return data


def exported_programs(text: str) -> None:
    same_in_its_runtime(compiled(text), ".pt2")


def onnx_file(text: str) -> None:
    case = compiled(text)
    opset = OPSETS[len(text) % len(OPSETS)]
    data = same_in_its_runtime(case, ".onnx", opset=opset)
    if data is None:
        return
    onnx.checker.check_model(data, full_check=True)
    read_again(case, data)


def read_again(case: Compiled, data: bytes) -> None:
    """What is written as ONNX is read again as a network that computes the same."""
    within = tolerance(case)
    with TemporaryDirectory() as folder:
        file = Path(folder, "net.onnx")
        file.write_bytes(data)
        try:
            text = written(onnx_reader.read(str(file), ImportOptions()))
        except ArchError as error:
            refused(error, "import of ONNX")
            return
        event("imported from ONNX")
        network = load_source(Source("imported", text)).check()
        module = network.to_torch(weights=file).eval()
    if within is not None:
        found = by_name(module(case.batch))
        wanted = by_name(case.module(case.batch))
        assert found.keys() == wanted.keys(), text
        ours = [found[name].detach() for name in wanted]
        assert_near(ours, [value.detach() for value in wanted.values()], within)


def optimised(text: str) -> None:
    case = compiled(text)
    within = tolerance(case)
    exact = exactly(case.module, {"x": case.batch})
    if within is None:
        return
    wanted = run(case.module, case.batch)
    with torch.inference_mode():
        for way in ways(exact, {"x": case.batch}, dtype="float32", inductor=False):
            assert_near(list(by_name(way.module(case.batch)).values()), wanted, within)


def dlib(text: str) -> None:
    case = compiled(text)
    data = content(case, ".dat")
    within = tolerance(case)
    if data is None:
        return
    event("written for dlib")
    with TemporaryDirectory() as folder:
        file = Path(folder, "net.dat")
        file.write_bytes(data)
        again = case.network.to_torch(weights=file).eval()
        loaded = again.state_dict()
        for name, value in case.module.state_dict().items():  # dropouts' factors go in and out
            torch.testing.assert_close(loaded[name], value, rtol=1e-6, atol=0, msg=name)
        if within is not None:
            assert_near(run(again, case.batch), run(case.module, case.batch), within)
        if all(torch.equal(value, loaded[n]) for n, value in case.module.state_dict().items()):
            assert content(case._replace(module=again), ".dat") == data
        try:
            spelled = respelled(open_saved(file))
        except ArchError as error:
            refused(error, "spec of a .dat")
            return
        if "// The file does not say" in spelled:  # of its input, or which softmax it has
            event("spec of a .dat: the file does not say all, and the spec tells so")
            return
        if "net_type = tag" in spelled:  # files have one mark for both, and few nets end in a skip
            event("spec of a .dat: an outermost tag may have been a skip")
            return
        event("spelled from dlib's file")
        shape = tuple(case.batch.shape[1:])
        network = archdsl.load(spelled, input=shape)
        found = network.to_torch(weights=file).eval()
        if within is not None:
            assert_near(run(found, case.batch), run(case.module, case.batch), within)


PROPERTIES = {
    "summary": summary,
    "source": source,
    "torchscript": torchscript,
    "exported programs": exported_programs,
    "onnx": onnx_file,
    "optimised": optimised,
    "dlib": dlib,
}

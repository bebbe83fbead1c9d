"""Blocks of compiled networks are modules: they run, are hooked, wrapped, copied and sharded."""

from __future__ import annotations

import copy
import io
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import (
    apply_activation_checkpointing,
)
from torch.utils._pytree import tree_leaves
from torch.utils.checkpoint import checkpoint
from torchvision.models.feature_extraction import create_feature_extractor

import archdsl
from archdsl.backends.torch.blocks import is_block
from archdsl.backends.torch.trial_run import trial_input
from tests.support import families

ZOO = Path(__file__).parents[1] / "oracle" / "zoo"
NETWORKS: dict[str, dict[str, Any]] = {
    "resnet50": {"input": "3x64x64"},
    "googlenet": {"input": "3x64x64", "aux": True},
    "densenet121": {"input": "3x64x64"},
    "mobilenet_v3_large": {"input": "3x64x64"},
    "unet": {"input": "1x64x64"},
    "vit_b_16": {},
    "dlib_face_recognition": {},
    "shufflenet_v2_x1_0": {"input": "3x64x64"},
    "yolo_v3": {},
    "faster_rcnn_resnet50_fpn": {"input": "3x128x160", "min_size": 128},
    # dlib's own definitions: a classifier of ages, a segmentation network, a detector of vehicles.
    str(ZOO / "age.cpp"): {"input": "3x64x64"},
    str(ZOO / "segmentation.cpp"): {"input": "3x64x64"},
    str(ZOO / "vehicles.cpp"): {"input": "3x128x128"},
}
QUICK = ("resnet50", "googlenet", "dlib_face_recognition", "shufflenet_v2_x1_0")
NAMES = families.family(list(NETWORKS), QUICK)


def blocks(module: nn.Module) -> dict[str, nn.Module]:
    return {name: part for name, part in module.named_modules() if name and is_block(part)}


@pytest.mark.parametrize("name", NAMES)
def test_every_block_runs_once_and_alone(name: str) -> None:
    network = archdsl.load(name, **NETWORKS[name])
    module = network.to_torch(seed=1).eval()
    shapes = {row.path: row.shape for row in network.summary().rows}
    calls: Counter[str] = Counter()
    seen: dict[str, tuple[Any, Any]] = {}

    def noting(path: str) -> Callable[..., None]:
        def hook(_: nn.Module, given: Any, result: Any) -> None:
            calls[path] += 1
            seen[path] = copy.deepcopy((given, result))

        return hook

    parts = blocks(module)
    handles = [part.register_forward_hook(noting(path)) for path, part in parts.items()]
    with torch.no_grad():
        module(**trial_input(network.checked))
    for handle in handles:
        handle.remove()
    assert calls == dict.fromkeys(parts, 1) and parts
    for path, part in parts.items():
        given, result = seen[path]
        inside = {shape for other, shape in shapes.items() if other.startswith(f"{path}.")}
        if isinstance(result, Tensor):
            assert tuple(result.shape[1:]) in inside
        with torch.no_grad():
            alone = part(*given)
        for one, other in zip(tree_leaves(alone), tree_leaves(result), strict=True):
            if isinstance(one, Tensor):
                torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_equal_blocks_are_of_one_class_named_after_their_template() -> None:
    module = archdsl.compile("resnet50", device="meta")
    stage = module.get_submodule("bottleneck_stage3")
    kinds = {name: type(part) for name, part in stage.named_children()}
    assert {kinds[f"block{i}"] for i in range(1, 6)} == {kinds["block1"]}
    bodies = {type(part.get_submodule("body")) for part in stage.children()}
    assert [kind.__name__ for kind in bodies] == ["Bottleneck"]
    assert "(bottleneck_stage3): BottleneckStage(" in str(module)


def test_a_part_may_have_the_name_of_a_container_s_method() -> None:
    module = archdsl.compile(
        "template <typename S> using insert = con<4,3,3,1,1,relu<S>>;\n"
        "template <typename S> using stage = insert<relu<S>>;\n"
        "using net = fc<2,stage<input<2,8,8>>>;"
    )
    assert module(torch.randn(1, 2, 8, 8)).shape == (1, 2)
    assert "stage.insert.conv.weight" in module.state_dict()


def test_what_a_block_takes_and_gives_is_not_written_over() -> None:
    module = archdsl.compile(
        "template <typename S> using half = con<4,3,3,1,1,relu<S>>;\n"
        "using net = relu<half<relu<half<input<2,8,8>>>>>;"
    )
    results: list[tuple[Tensor, Tensor]] = []
    x = torch.randn(2, 2, 8, 8)
    given = x.clone()
    for part in blocks(module).values():
        part.register_forward_hook(lambda _, i, o: results.append((o, o.clone())))
    module(x)
    assert torch.equal(x, given)
    assert len(results) == 2 and all(torch.equal(now, then) for now, then in results)


# ---- memory ----


def kept(module: nn.Module, x: Tensor) -> tuple[int, Tensor]:
    """Bytes of the tensors that the backward pass waits for, and the gradient of the input."""
    storages: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    weights = {each.untyped_storage().data_ptr() for each in module.parameters()}
    x = x.clone().requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = module(x).square().mean()
    total = sum(size for place, size in storages.items() if place not in weights)
    loss.backward()
    assert x.grad is not None
    return total, x.grad


def test_checkpoints_by_block_save_what_torchvisions_do() -> None:
    ours = archdsl.compile("resnet50", input="3x64x64", seed=1)
    plain = copy.deepcopy(ours)
    theirs = torchvision.models.resnet50()
    x = torch.randn(2, 3, 64, 64)
    whole, gradient = kept(plain, x)
    ours_blocks = [
        part for path, part in blocks(ours).items() if path.rpartition(".")[2].startswith("block")
    ]
    assert len(ours_blocks) == 16
    apply_activation_checkpointing(ours, check_fn=lambda part: part in ours_blocks)
    apply_activation_checkpointing(
        theirs, check_fn=lambda part: isinstance(part, torchvision.models.resnet.Bottleneck)
    )
    less, same = kept(ours, x)
    reference, _ = kept(theirs, x)
    assert less < whole / 2
    assert less <= 1.02 * reference
    torch.testing.assert_close(same, gradient, rtol=1e-6, atol=1e-6)


def test_a_block_can_be_computed_anew() -> None:
    module = archdsl.compile("resnet18", input="3x32x32", seed=1)
    block = module.get_submodule("first_stage.block1")
    x = torch.randn(2, 64, 8, 8, requires_grad=True)
    result = checkpoint(block, x, use_reentrant=False)
    torch.testing.assert_close(result, copy.deepcopy(block)(x))


# ---- copies, files, devices ----

ALONE = """
import sys
sys.modules["archdsl"] = None  # as if it were not installed
import torch
module = torch.load(sys.argv[1], weights_only=False)
saved = torch.load(sys.argv[2])
with torch.no_grad():
    result = module(saved["x"])
assert torch.equal(result, saved["y"])
print(type(module.get_submodule("bottleneck_stage1.block1")).__name__)
"""


def test_a_saved_module_needs_torch_alone(tmp_path: Path) -> None:
    module = archdsl.compile("resnet50", input="3x64x64", seed=1).eval()
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.save({"x": x, "y": module(x)}, tmp_path / "values.pt")
    torch.save(module, tmp_path / "module.pt")
    script = [sys.executable, "-c", ALONE, str(tmp_path / "module.pt"), str(tmp_path / "values.pt")]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "Block"


def test_copies_are_of_the_same_class_and_apart() -> None:
    module = archdsl.compile("resnet18", input="3x32x32", seed=1).eval()
    other = copy.deepcopy(module)
    assert type(other) is type(module)
    x = torch.randn(1, 3, 32, 32)
    before = module(x)
    for parameter in other.parameters():
        parameter.data.zero_()
    assert torch.equal(module(x), before)
    assert copy.copy(module).state_dict().keys() == module.state_dict().keys()


def test_the_meta_device_holds_no_values() -> None:
    by_name = archdsl.compile("resnet18", device="meta")
    with torch.device("meta"):
        by_context = archdsl.compile("resnet18")
    for module in (by_name, by_context):
        assert all(tensor.is_meta for tensor in module.state_dict().values())
    real = archdsl.compile("resnet18", seed=1).eval()
    filled = by_name.to_empty(device="cpu").eval()
    filled.load_state_dict(real.state_dict())
    x = torch.randn(1, 3, 64, 64)
    assert torch.equal(filled(x), real(x))


def test_tools_of_torch_see_blocks() -> None:
    """fx, export, compiled and scripted forms, each with what the module gives."""
    module = archdsl.compile("googlenet", input="3x64x64", seed=1).eval()
    x = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = module(x)
        torch.testing.assert_close(torch.fx.symbolic_trace(module)(x), expected)
        torch.testing.assert_close(torch.export.export(module, (x,)).module()(x), expected)
        torch.testing.assert_close(torch.jit.script(module)(x), expected)
        compiled = torch.compile(module, backend="eager", fullgraph=True)
        torch.testing.assert_close(compiled(x), expected)
        taps = create_feature_extractor(module, {"stage3.shrink": "features"})
        assert taps(x)["features"].shape[1] == 480  # table 1, inception (3b)


def test_a_part_is_replaced_by_name() -> None:
    """As adapters do it (peft): the parent's attribute is what runs."""
    module = archdsl.compile("resnet18", input="3x32x32", seed=1).eval()
    x = torch.randn(1, 3, 32, 32)
    module.get_submodule("classifier").fc = nn.Linear(512, 3)
    assert module(x).shape == (1, 3)
    buffer = io.BytesIO()
    torch.save(module, buffer)
    buffer.seek(0)
    assert torch.load(buffer, weights_only=False)(x).shape == (1, 3)

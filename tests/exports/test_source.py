"""Written source needs torch alone, and is the compiled module: its weights, its results."""

import builtins
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from texts import networks
from torch import Tensor, nn

import archdsl
from archdsl.backends.formats import FORMATS, encode
from archdsl.backends.torch import compile_outline
from archdsl.backends.torch.trial_run import trial_input
from archdsl.frontend.bundled import spec_names
from archdsl.importers.verification import canonical, match, reference, transfer_weights
from archdsl.layers.initial import SCHEMES

CLASSIC = (
    "lenet", "alexnet_torchvision", "vgg16", "googlenet", "resnet50", "densenet121",
    "mobilenet_v3_small",
)  # fmt: skip
QUICK = (
    "lenet", "resnet18", "resnet18_transfer", "densenet_bc_100", "ssd300_vgg16",
    "dlib_mmod_face_detection",
)  # fmt: skip
SMALLER = {
    "shufflenet_v2_x1_0": "3x64x64", "googlenet": "3x64x64", "mobilenet_v3_small": "3x64x64",
    "convnext_tiny": "3x64x64", "regnet_y_400mf": "3x64x64", "unet": "1x64x64",
    "lraspp_mobilenet_v3_large": "3x64x64", "vit_b_32": None, "dlib_inception_mnist": None,
}  # fmt: skip
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in SMALLER]


def made(source: str, **settings: Any) -> nn.Module:
    """The network of a file, in a world without archdsl; its class takes ``settings``."""

    def guarded(name: str, *arguments: Any) -> Any:
        assert not name.startswith("archdsl"), "the file depends on archdsl"
        return builtins.__import__(name, *arguments)

    names: dict[str, Any] = {
        "__name__": "written",
        "__builtins__": {**vars(builtins), "__import__": guarded},
    }
    module = ModuleType("written")  # dataclasses look theirs up
    vars(module).update(names)
    names = vars(module)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "written", module)
        exec(compile(source, "written.py", "exec"), names)
    network = source.rpartition("network = ")[2].partition("(")[0]
    found: nn.Module = names[network](**settings)
    return found


def pair(spec: str, **settings: Any) -> tuple[archdsl.Network, nn.Module, nn.Module]:
    """A network, its module with unusual statistics, and the source's module with its weights."""
    network = archdsl.load(spec, **settings)
    module = network.to_torch(seed=5)
    for name, tensor in module.state_dict().items():
        if name.endswith(("running_mean", "running_var")):
            tensor.uniform_(0.5, 1.5)
    twin = made(encode(FORMATS[".py"], network.checked, module).decode())
    twin.load_state_dict(module.state_dict())
    return network, module, twin


def results(module: nn.Module, x: Tensor, training: bool) -> dict[str, Tensor]:
    module.train(training)
    torch.manual_seed(1)  # of dropout
    with torch.no_grad():
        found = module(x)
    named = found if isinstance(found, Mapping) else {"output": found}
    return {**named, **{k: v.clone() for k, v in module.state_dict().items()}}


def assert_same(network: archdsl.Network, module: nn.Module, twin: nn.Module) -> None:
    """Equal results and statistics, in use and in training."""
    x = torch.rand(2, *network.checked.shape(network.checked.input))
    for training in (False, True):
        wanted, found = (results(each, x, training) for each in (module, twin))
        assert list(wanted) == list(found)
        for name, tensor in wanted.items():
            assert torch.equal(tensor, found[name]), name


@pytest.mark.parametrize("spec", ["lenet", "resnet18", "densenet_bc_100", *SLOW])
def test_source_gives_what_the_module_gives(spec: str) -> None:
    assert_same(*pair(spec, input=SMALLER.get(spec, "3x64x64" if spec == "resnet18" else None)))


@pytest.mark.parametrize(
    "spec",
    [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow)
     for n in spec_names()],
)  # fmt: skip
def test_every_network_has_its_state_dict(spec: str) -> None:
    network = archdsl.load(spec)
    module = compile_outline(network.checked)
    source = network.to_python()
    with torch.device("meta"):
        twin = made(source)
    wanted, found = (
        [(k, v.shape) for k, v in each.state_dict().items()] for each in (module, twin)
    )
    assert wanted == found
    learning, ours = (
        [k for k, p in each.named_parameters() if p.requires_grad] for each in (module, twin)
    )
    assert learning == ours


@pytest.mark.parametrize(
    "spec",
    ["resnet18",
     *(pytest.param(n, marks=pytest.mark.slow) for n in CLASSIC if n != "lenet")],
)  # fmt: skip
def test_weights_of_torchvision_move_through_the_module_to_the_source(spec: str) -> None:
    """The published networks of the collection that people hold against torchvision's source."""
    model = reference(f"torchvision:{spec.removesuffix('_torchvision')}")
    _, module, twin = pair(spec)
    transfer_weights(match(canonical(model), canonical(module)), model, module)
    twin.load_state_dict(module.state_dict())
    x = torch.rand(1, 3, 64, 64)
    model.eval(), twin.eval()
    with torch.no_grad():
        assert torch.equal(twin(x), model(x))
        assert twin(x).unique().numel() > 500  # of 1000 classes: they are no constants


@pytest.mark.slow
def test_a_detector_finds_the_same() -> None:
    network, module, twin = pair("ssdlite320_mobilenet_v3_large")
    given = trial_input(network.checked)
    module.eval(), twin.eval()
    with torch.no_grad():
        (wanted,), (found,) = module(**given), twin(**given)
    assert len(wanted["boxes"]) > 0
    for name, tensor in wanted.items():
        assert torch.equal(tensor, found[name]), name


def test_several_outputs_come_by_name() -> None:
    spec = "outputs<wide=fc<9>, narrow=fc<2>, relu<con<4,3,3,1,1,input<1,8,8>>>>"
    assert_same(*pair(spec))


def test_sums_with_what_a_tag_marked() -> None:
    assert_same(*pair("add_prev1<con<6,3,3,1,1,prelu<tag1<con<6,5,5,1,1,input<3,9,9>>>>>>"))


def test_statistics_of_what_is_frozen_stay() -> None:
    """Those of a norm that is one of a layer's three modules too."""
    text = "frozen<compose<bn_fc,batch_norm,con<3,3,3,1,1>>,input<2,6,6>>"
    _, _, twin = pair(text)
    before = {name: tensor.clone() for name, tensor in twin.named_buffers()}
    assert len(before) == 6
    twin.train()(torch.randn(4, 2, 6, 6) * 3 + 1)
    assert all(torch.equal(tensor, before[name]) for name, tensor in twin.named_buffers())


def test_what_is_frozen_stays() -> None:
    network, module, twin = pair("resnet18_transfer", input="3x64x64")
    assert_same(network, module, twin)
    wanted = {k: p.requires_grad for k, p in module.named_parameters()}
    assert {k: p.requires_grad for k, p in twin.named_parameters()} == wanted
    assert set(wanted.values()) == {True, False}


def test_weights_start_as_those_of_the_module() -> None:
    network, module, _ = pair("resnet18")
    fresh = made(network.to_python())
    for (name, ours), theirs in zip(fresh.named_parameters(), module.parameters(), strict=True):
        assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.15, abs=1e-9), name
        assert ours.mean().item() == pytest.approx(theirs.mean().item(), abs=0.01), name


def test_repeated_blocks_are_one_class_and_a_loop() -> None:
    source = archdsl.load("resnet50").to_python()
    assert source.count("\nclass Bottleneck(nn.Sequential):") == 1
    assert 'self.add_module(f"block{i}", Block(channels))' in source
    assert len(archdsl.load("resnet152").to_python().splitlines()) == len(source.splitlines())


def test_a_block_whose_parts_could_be_a_loop_is_of_its_template_s_class() -> None:
    """From 4 to 4 channels they follow a rule, kernels of 1 and 3; from 4 to 8 they do not."""
    text = """template <int N, int K, typename S> using active = relu<con<N,K,K,1,1,S>>;
    template <int N, typename S> using pair = active<N,3,active<N,1,S>>;
    using net = fc<2,pair<8,pair<4,pair<4,input<4,8,8>>>>>;"""
    assert re.findall(r"class (\w+)", archdsl.load(text).to_python()) == ["Active", "Pair", "Net"]


def test_a_class_has_more_in_its_name_than_the_plain_one_where_it_has_more_parts() -> None:
    source = archdsl.load("resnet18").to_python()
    assert re.findall(r"class (ConvBn\w*)", source) == ["ConvBnRelu", "ConvBn"]


def test_weights_are_drawn_in_one_loop_for_equal_layers() -> None:
    # torchvision/models/resnet.py and mobilenetv3.py draw so, by hand.
    drawn = """
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )
"""
    for name in ("resnet50", "mobilenet_v3_large"):
        assert drawn in archdsl.load(name).to_python()


@pytest.mark.parametrize("init", SCHEMES)
def test_weights_are_drawn_by_every_rule_as_the_module_draws_them(init: str) -> None:
    # Each layer has another fan, and the last one starts otherwise than its equals.
    network = archdsl.load(
        f"""template <int N, typename SUBNET> using same = con<N,3,3,1,1,init={init},SUBNET>;
        using net_type = fc<300,init={init},bias_init=torch,cont<40,3,3,2,2,init={init},
        same<80,con<40,3,3,2,2,groups=4,init={init},con<64,3,3,1,1,init=he_fan_in,
        same<80,input<16,9,9>>>>>>>;"""
    )
    module, twin = network.to_torch(seed=1), made(network.to_python())
    for (name, ours), theirs in zip(twin.named_parameters(), module.parameters(), strict=True):
        # An estimated deviation's own is 1/√(2n) of it for normal values, less for uniform ones.
        near = 6 / ours.numel() ** 0.5
        assert ours.std().item() == pytest.approx(theirs.std().item(), rel=near, abs=1e-9), name
        # The largest of uniform values shows the bound, the largest of normal ones is beyond it.
        tops = [(p.abs().max() / p.std()).item() if p.any() else 0.0 for p in (ours, theirs)]
        assert tops[0] == pytest.approx(tops[1], rel=0.35), name


def test_the_same_twice() -> None:
    network = archdsl.load("googlenet")
    assert network.to_python() == archdsl.load("googlenet").to_python()
    assert encode(FORMATS[".py"], network.checked, network.to_torch()).decode() == (
        network.to_python()
    )


HOSTILE = '''// """ + exec("import os") + """ \\N{BULLET} \\x00 \\ \u202e\u2066 \u2028 # fmt: off
// '""" '
// """

// """ \\" trailing "
template <int N, typename SUBNET> using torch = relu<con<N,3,3,1,1,SUBNET>>;
template <int class_, typename SUBNET> using Tensor = relu<con<class_,3,3,1,1,SUBNET>>;
template <typename SUBNET> using main = torch<3,Tensor<4,SUBNET>>;
template <typename SUBNET> using nn = torch<5,main<torch<4,SUBNET>>>;
template <typename SUBNET> using __init__ = residual<nn<torch<6>>, con<5,1,1,1,1,SUBNET>>;
using net_type = outputs<print=fc<2>, exec=fc<3>, __init__<initialise<input<3,8,8>>>>;
'''


def test_nothing_in_a_spec_is_executed() -> None:
    text = HOSTILE.replace("initialise<input", "nn<input")
    network, module, twin = pair(text)
    assert_same(network, module, twin)
    source = network.to_python()
    assert "\u202e" not in source
    assert "\\N" not in source


def test_a_loop_of_iterations_reads_what_lies_outside() -> None:
    spec = """template <typename SUBNET> using unit = add_prev1<relu<con<4,3,3,1,1,SUBNET>>>;
    using net_type = fc<3,unit<unit<unit<unit<tag1<con<4,3,3,1,1,input<3,8,8>>>>>>>>;"""
    assert_same(*pair(spec))


def seconds(layers: list[str]) -> float:
    """What writing a network of these layers takes; the file is read and its network made."""
    network = archdsl.load(f"{'<'.join(layers)}<input<4,4,4>{'>' * len(layers)}")
    module = compile_outline(network.checked)
    start = time.process_time()
    source = encode(FORMATS[".py"], network.checked, module).decode()
    took = time.process_time() - start
    with torch.device("meta"):
        assert len(list(made(source).modules())) == len(layers) + 1
    return took


def irregular(layers: int) -> list[str]:
    """Layers in an order without a period, which no loop can tell."""
    return ["relu" if i * i * i % 97 < 40 else "sigmoid" for i in range(layers)]


def test_large_networks_take_time_in_proportion() -> None:
    assert seconds(irregular(2_000)) < 15 * max(seconds(irregular(400)), 0.05)


@pytest.mark.slow
def test_ten_thousand_layers_are_written() -> None:
    seconds(irregular(10_000))
    seconds(["relu", "sigmoid"] * 5_000)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    for name in (*CLASSIC, *QUICK, "vit_b_16", "unet", "faster_rcnn_resnet50_fpn", "yolo_v3"):
        (folder / f"{name}.py").write_text(archdsl.load(name).to_python())
    (folder / "hostile.py").write_text(
        archdsl.load(HOSTILE.replace("initialise<input", "nn<input")).to_python()
    )
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "--isolated"),
        ("ruff", "format", "--isolated", "--check"),
        ("mypy", "--ignore-missing-imports", "--config-file="),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_files_are_clean(files: Path, command: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command, "."],
        cwd=files,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lenet", "unet"])
def test_a_file_runs_by_itself(files: Path, name: str) -> None:
    code = "import runpy, sys; sys.modules['archdsl'] = None; runpy.run_path(sys.argv[1], "
    done = subprocess.run(
        [sys.executable, "-c", f"{code}run_name='__main__')", f"{name}.py"],
        cwd=files,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shape = {"lenet": "(1, 10)", "unet": "(1, 2, 512, 512)"}[name]
    assert done.stdout.strip() == shape


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(networks(), st.data())
def test_random_networks(text: str, data: st.DataObject) -> None:
    assert_same(*pair(text))

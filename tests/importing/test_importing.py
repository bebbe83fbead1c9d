"""Imported networks are what they were imported from; the matcher and the numbers say so."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.commands import run
from torch import Tensor, fx, nn

import archdsl
import archdsl.backends.torch
from archdsl.api import load_source
from archdsl.backends.torch import compile_outline
from archdsl.backends.torch.trial_run import device_of
from archdsl.diagnostics import ArchError
from archdsl.diagnostics.source import Source
from archdsl.frontend.bundled import spec_names
from archdsl.frontend.format import formatted
from archdsl.importers.imported_graph import ImportedGraph, Operation
from archdsl.importers.outlining.writer import written
from archdsl.importers.pytorch.reader import graph_of_module
from archdsl.importers.verification import canonical, match, reference, verify
from archdsl.ir.edges import Shape
from archdsl.layers.activation import ReLU
from archdsl.layers.inputs import Input, Pixels
from archdsl.layers.joins import Add

ORIGINALS = Path(__file__).parent / "originals.py"
IMAGE = (3, 224, 224)

FAMILIES = ["mobilenet_v3_small", "shufflenet_v2_x0_5", "vit_b_16"]
MORE_FAMILIES = [
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "inception_v3",
    "mobilenet_v3_large",
    "regnet_y_400mf",
    "resnext50_32x4d",
    "squeezenet1_0",
    "vgg11_bn",
    "deeplabv3_mobilenet_v3_large",
]
SPECS = ["unet", "bn_inception", "lenet5", "resnet_cifar"]


@contextmanager
def weightless() -> Iterator[None]:
    """Modules that specs compile to have no memory for their weights."""
    place = archdsl.backends.torch._device
    archdsl.backends.torch._device = lambda _: torch.device("meta")
    try:
        yield
    finally:
        archdsl.backends.torch._device = place


def compiled(text: str) -> fx.GraphModule:
    with weightless():
        return load_source(Source("imported", text)).check().to_torch()


def same(module: nn.Module, size: Shape) -> str:
    """The spec of a module, once its network has been found to be the same."""
    text = written(graph_of_module(module, "net", size))
    other = compiled(text)
    # With known sizes, as the reader has them: to flatten 1×1 maps no order of axes matters.
    examples = [
        [torch.empty(2, *(int(each or 1) for each in size), device=device_of(each_of))]
        for each_of in (module, other)
    ]
    found = match(canonical(module, examples=examples[0]), canonical(other, examples=examples[1]))
    assert found.matched, "\n".join(found.differences)
    count = sum(p.numel() for p in module.parameters())
    assert count == sum(p.numel() for p in other.parameters())
    assert formatted(Source("imported", text)) == text
    return text


def from_torchvision(name: str) -> nn.Module:
    if name.startswith("regnet"):  # computes its widths with tensors
        return reference(f"torchvision:{name}")
    with torch.device("meta"):
        return reference(f"torchvision:{name}")


# ---- libraries ----


@pytest.mark.parametrize("name", FAMILIES)
def test_families_of_torchvision(name: str) -> None:
    same(from_torchvision(name), IMAGE)


@pytest.mark.slow
@pytest.mark.parametrize("name", MORE_FAMILIES)
def test_more_families_of_torchvision(name: str) -> None:
    same(from_torchvision(name), (3, 299, 299) if name == "inception_v3" else IMAGE)


def test_a_deep_network_is_a_page() -> None:
    text = same(from_torchvision("resnet152"), IMAGE)
    assert text.count("\n") <= 40
    # He et al. 2015, table 1: stages of 3, 8, 36 and 3 blocks, of which the first is not repeated.
    for count, channels in ((2, 64), (7, 128), (35, 256), (2, 512)):
        assert f"layer<{count},{channels}," in text


def test_branches_of_an_inception_module_are_its_row_in_the_paper() -> None:
    text = same(from_torchvision("googlenet"), IMAGE)
    # Szegedy et al. 2014, table 1, inception (4b): 160, 112-224, 24-64, 64.
    assert "inception<160,112,224,24,64,64," in text


def test_timm_where_it_is_installed() -> None:
    pytest.importorskip("timm")
    with torch.device("meta"):
        same(reference("timm:resnet18"), IMAGE)


# ---- the command ----


def test_the_command_verifies_what_it_writes(tmp_path: Path) -> None:
    target = tmp_path / "resnet18.arch"
    done = run("import", "torchvision:resnet18", "--input", "3x64x64", "-o", target)
    assert done.exit_code == 0, done.output
    # 11,689,512 parameters: torchvision's documentation of ResNet18_Weights.
    assert "verified against torchvision:resnet18" in done.stdout
    assert "11,689,512 parameters," in done.stdout
    assert run("fmt", "--check", target).exit_code == 0
    assert archdsl.load(target).summary().parameters == 11_689_512
    assert "// reference: torchvision:resnet18\n" in target.read_text()
    assert run("verify", target).exit_code == 0


def test_a_file_of_ones_own_is_imported() -> None:
    done = run("import", f"{ORIGINALS}:Preactivated", "--input", "3x16x16")
    assert done.exit_code == 0, done.output
    assert "verified against" in done.stderr
    assert "repeat<6," in done.stdout  # six equal blocks in its constructor


def test_branches_that_do_not_nest_have_tags_and_outputs_their_names() -> None:
    done = run("import", f"{ORIGINALS}:Tagged", "--input", "3x16x16")
    assert done.exit_code == 0, done.output
    network = load_source(Source("tagged", done.stdout))
    assert "1,590 parameters of 1,662" in done.stderr  # 8·8 + 8 that nothing uses
    # "class" is a word of Python.
    assert set(network.summary().outputs) == {"out", "class_"}


def test_equal_blocks_that_do_not_nest_are_one_template() -> None:
    done = run("import", f"{ORIGINALS}:TwoStreams", "--input", "3x16x16")
    assert done.exit_code == 0, done.output
    assert "verified against" in done.stderr
    # The first block has the tags of what is before it; of the others two take turns.
    assert done.stdout.count("con<4,1,1,") == 3
    assert "repeat<2,crossing_2<crossing>," in done.stdout


def test_a_repeated_block_may_join_tags_that_a_template_in_it_sets() -> None:
    done = run("import", f"{ORIGINALS}:aggregations", "--input", "3x16x16")
    assert done.exit_code == 0, done.output
    # As an argument a block behind tags would be another tag.
    assert "compose<concat5<tag1,tag2,tag3,tag4,tag5>,layers>" in done.stdout


def test_a_state_may_hold_what_is_no_tensor() -> None:
    done = run("import", f"{ORIGINALS}:Noted", "--input", "3x8x8")
    assert done.exit_code == 0, done.output
    assert "verified against" in done.stderr


def test_json_has_the_spec() -> None:
    done = run("import", f"{ORIGINALS}:Preactivated", "--json", "--no-verify")
    document = json.loads(done.stdout)
    assert document["verified"] is None
    assert load_source(Source("spec", document["spec"])).check()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (f"{ORIGINALS}:Deciding", "Deciding cannot be traced"),
        (f"{ORIGINALS}:Recurrent", "like LSTM"),
        (f"{ORIGINALS}:Recurrent", "cell, in the network itself"),
        (f"{ORIGINALS}:Indexing", "like getitem"),
        (f"{ORIGINALS}:TwoInputs", "second input, y"),
        (f"{ORIGINALS}:number", "no torch.nn.Module, but int"),
        (f"{ORIGINALS}:needs", "it needs channels"),
        (f"{ORIGINALS}:breaks", "RuntimeError: no such luck"),
        (f"{ORIGINALS}:leaves", "leaves fails: SystemExit: 3"),
        (f"{ORIGINALS}:Missing", "defines no Missing"),
        ("nowhere.py:Net", "there is no file nowhere.py"),
        ("torchvision:resnet5", "did you mean resnet50"),
        ("torchvison:resnet50", "did you mean torchvision:?"),
        ("resnet50", "expected torchvision:NAME"),
    ],
)
def test_errors_say_what_and_where(what: str, words: str) -> None:
    done = run("import", what, "--input", "3x16x16")
    assert done.exit_code == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_nothing_is_written_where_the_import_fails(tmp_path: Path) -> None:
    run("import", f"{ORIGINALS}:Recurrent", "-o", tmp_path / "x.arch")
    assert list(tmp_path.iterdir()) == []


# ---- specs, written as PyTorch source and imported again ----


def again(name: str) -> str:
    """From a spec to source, to a module, to a spec: all of them are the same network."""
    network = archdsl.load(name)
    size = network.checked.shape(network.checked.input)
    if not isinstance(size, tuple) or None in size:
        pytest.skip("it takes no tensor of a known size")
    names: dict[str, Any] = {"__name__": "source"}
    source = network.to_python()
    exec(compile(source, f"{name}.py", "exec"), names)
    make = names[source.rpartition("network = ")[2].partition("(")[0]]
    with nullcontext() if name in VALUES else torch.device("meta"):
        module = make().eval()
    text = same(module, size)
    found = match(canonical(compile_outline(network.checked)), canonical(module))
    assert found.matched, "\n".join(found.differences)
    return text


# What their inputs take away is no weight, but it needs a value.
VALUES = {"dlib_face_recognition", "dlib_inception_mnist", "lenet"}
# A module's frozen layers are what they compute: torch has no norm that does not learn.
FROZEN = {"resnet18_transfer"}
OTHER_SPECS = sorted(set(spec_names()) - FROZEN - {"swin_t", *SPECS})


@pytest.mark.parametrize("name", SPECS)
def test_a_written_spec_gives_the_same_network_again(name: str) -> None:
    again(name)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["swin_t", *sorted(set(spec_names()) - FROZEN - set(SPECS) - {"swin_t"})[::5]]
)
def test_more_written_specs_give_the_same_networks_again(name: str) -> None:
    again(name)


def test_inputs_that_make_pixels_small_are_dlibs() -> None:
    assert "input<matrix<unsigned char>,28,28>" in again("lenet")


def test_a_mean_colour_is_part_of_the_input() -> None:
    module = archdsl.compile("con<2,3,3,2,2,input_rgb_image_sized<9,8,red=100.5>>")
    assert "input_rgb_image_sized<9,8,red=100.5>" in same(module.eval(), (3, 9, 8))


def test_other_means_are_no_input_of_the_language() -> None:
    class Centred(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", torch.tensor([0.5, 0.5, 0.5]).reshape(3, 1, 1))
            self.conv = nn.Conv2d(3, 2, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv((x - self.mean) / 2)

    with pytest.raises(ArchError, match="no layer of the language is like sub"):
        graph_of_module(Centred().eval(), "net", (3, 8, 8))


# ---- any graph ----


class Drawn(nn.Module):
    """A network that a test draws: each step is an operation and the places that it reads."""

    def __init__(self, steps: list[tuple[str, int, int]]) -> None:
        super().__init__()
        self.steps = steps
        self.convs = nn.ModuleList(nn.Conv2d(3, 3, 3, padding=1) for _ in steps)
        self.halves = nn.ModuleList(nn.Conv2d(6, 3, 1) for _ in steps)
        self.gates = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 3, 1), nn.Sigmoid()) for _ in steps
        )

    def forward(self, x: Tensor) -> Tensor:
        values = [x]
        for place, (kind, first, second) in enumerate(self.steps):
            a, b = values[first % len(values)], values[second % len(values)]
            values.append(
                {
                    "conv": lambda a, _, i: self.convs[i](a),
                    "relu": lambda a, _, __: torch.relu(a),
                    "add": lambda a, b, _: a + b,
                    "mult": lambda a, b, _: a * b,
                    "cat": lambda a, b, i: self.halves[i](torch.cat([a, b], 1)),
                    "gate": lambda a, b, i: a * self.gates[i](b),
                }[kind](a, b, place)
            )
        return values[-1]


KINDS = st.sampled_from(["conv", "relu", "add", "mult", "cat", "gate"])
NEAR = st.integers(-4, -1)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(KINDS, NEAR, NEAR), min_size=1, max_size=14))
def test_any_graph_of_one_input_is_spelled(steps: list[tuple[str, int, int]]) -> None:
    module = Drawn(steps)
    text = written(graph_of_module(module, "drawn", (3, 6, 6)))
    network = load_source(Source("drawn", text)).check()
    found = verify(network.to_torch(), module.eval(), (3, 6, 6))
    assert found.matched, (text, found.differences)
    assert found.max_rel_diff is not None and found.max_rel_diff < 1e-5


# ---- what origins may not do ----


def tiny(name: str, note: str, output: str) -> ImportedGraph:
    operations = (
        Operation(Input(Pixels(3), 8, 8), (), name),
        Operation(ReLU(), (0,), name),
        Operation(Add(), (0, 1), name),
    )
    return ImportedGraph(name, operations, {"output": 2, output: 1}, (note,))


@pytest.mark.parametrize("evil", ["a\nusing x = relu;", "a> , b", "// */", "\x1b[2J", "Ж", ""])
def test_names_of_the_origin_are_no_text_of_the_spec(evil: str) -> None:
    text = written(tiny(evil, evil, evil))
    network = load_source(Source("evil", text)).check()
    assert len(network.summary().outputs) == 2
    assert "\x1b" not in text
    assert "using x" not in text.partition("\n")[2]


def test_a_network_of_no_known_join_is_refused() -> None:
    operations = (
        Operation(Input(Pixels(3), 8, 8), (), "a"),
        Operation(Input(Pixels(3), 8, 8), (), "b"),
        Operation(Add(), (0, 1), "c"),
    )
    with pytest.raises(ArchError, match="several inputs"):
        written(ImportedGraph("two", operations, {"output": 2}))


def test_depth_is_no_matter() -> None:
    class Nested(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            kept = [x]
            for _ in range(150):
                kept.append(torch.relu(kept[-1]))
            x = kept.pop()
            while kept:
                x = torch.sigmoid(x) + kept.pop()
            return x

    same(Nested(), (3, 4, 4))


def test_layers_start_as_those_that_were_imported() -> None:
    """torch.nn's own reset_parameters: uniform within 1/√fan_in, the biases too."""
    net = nn.Sequential(nn.Conv2d(3, 64, 5), nn.ReLU(), nn.Flatten(), nn.Linear(64 * 16, 50))
    text = written(graph_of_module(net, "net", (3, 8, 8)))
    module = load_source(Source("imported", text)).check().to_torch(seed=0)
    layers = [part for part in module.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    for layer, inputs in zip(layers, (75, 1024), strict=True):
        for values in (layer.weight, layer.bias):
            assert 0.9 < values.abs().max().item() * inputs**0.5 <= 1

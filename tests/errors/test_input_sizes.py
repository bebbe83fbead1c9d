"""Channels of the input: what ``--input`` may change, and sizes with the channels last."""

import json

import pytest
import torch
from support.commands import run
from torchvision.models import resnet18

import archdsl


def refusal(text: str, size: str) -> archdsl.Diagnostic:
    with pytest.raises(archdsl.ArchError) as raised:
        archdsl.load(text, input=size).check()
    (found,) = raised.value.diagnostics
    assert found.code == "E404"
    return found


def test_channels_of_a_tensor_are_changed() -> None:
    """Of ResNet-18 the first convolution's weights alone depend on the input's channels."""
    reference = resnet18()
    reference.conv1 = torch.nn.Conv2d(4, 64, 7, 2, 3, bias=False)
    network = archdsl.load("resnet18", input="4x224x224")
    expected = sum(p.numel() for p in reference.parameters())
    assert network.summary().parameters == expected
    module = network.to_torch()
    assert [list(p.shape) for p in module.parameters()] == [
        list(p.shape) for p in reference.parameters()
    ]
    assert module(torch.zeros(1, 4, 224, 224)).shape == (1, 1000)
    assert network.graph.nodes["input"]["instance"].layer.size() == (4, 224, 224)
    assert archdsl.load("resnet18").summary().input == (3, 224, 224)


def test_written_source_has_the_channels_too() -> None:
    space: dict[str, object] = {}
    source = archdsl.load("fc<10,con<6,5,5,1,1,input<1,28,28>>>", input="3x20x20").to_python()
    exec(compile(source, "net.py", "exec"), space)
    classes = [c for c in space.values() if isinstance(c, type) and c.__module__ != "torch.nn"]
    module = next(c for c in reversed(classes) if issubclass(c, torch.nn.Module))()
    assert module(torch.zeros(2, 3, 20, 20)).shape == (2, 10)


def test_the_command_takes_other_channels() -> None:
    document = json.loads(run("summary", "resnet18", "--input", "4x64x64", "--json").stdout)
    assert document["input"] == [4, 64, 64]


def test_where_something_else_depends_on_the_channels_shapes_say_so() -> None:
    with pytest.raises(archdsl.ArchError) as raised:
        archdsl.load("residual<con<3,3,3,1,1>,input<3,8,8>>", input="4x8x8").check()
    assert [d.code for d in raised.value.diagnostics] == ["E301"]


@pytest.mark.parametrize("definition", ["param int channels = 3;", "const int channels = 3;"])
def test_channels_that_are_computed_are_not_changed(definition: str) -> None:
    text = f"{definition}\nfc<10,con<channels*2,3,3,1,1,input<channels,8,8>>>"
    found = refusal(text, "4x8x8")
    assert found.help is not None and "set what they are computed of" in found.help
    assert found.span is not None and found.span.position[0] == 2


@pytest.mark.parametrize(
    ("text", "size", "answer"),
    [
        # AlexNet of the slides, on colour pictures.
        ("con<96,11,11,4,4,input<matrix<unsigned char>>>", "3x227x227", "matrix<rgb_pixel>"),
        ("con<6,5,5,1,1,input<matrix<rgb_pixel>>>", "1x28x28", "matrix<unsigned char>"),
    ],
)
def test_pixel_types_have_their_channels(text: str, size: str, answer: str) -> None:
    assert answer in (refusal(text, size).help or "")


@pytest.mark.parametrize("text", ["resnet50", "con<8,3,3,input<3>>", "con<8,3,3,input_rgb_image>"])
def test_sizes_with_the_channels_last_are_asked_about(text: str) -> None:
    assert refusal(text, "224x224x3").help == ("sizes are channels×height×width: --input 3x224x224")


@pytest.mark.parametrize(
    ("size", "meant"),
    [
        ("224,224,3", "3×224×224"),
        ("32,32,3", "3×32×32"),
        ("480,640,4", "4×480×640"),
        ("28,28,1", "1×28×28"),
        ("224,224", "1×224×224"),
    ],
)
def test_inputs_with_the_channels_last_are_warned_about(size: str, meant: str) -> None:
    (warning,) = archdsl.load(f"con<8,3,3,1,1,input<{size}>>").check().warnings
    assert warning.code == "W013" and meant in warning.message


@pytest.mark.parametrize(
    # A picture; features of one place, and of a row; a small map; a spectrogram of many bands.
    "size",
    ["3,224,224", "1,28,28", "512,1,1", "64,100,1", "256,6,6", "3,16,4", "80,3000,1"],
)
def test_other_inputs_are_not(size: str) -> None:
    assert archdsl.load(f"con<8,3,3,1,1,padding=1,input<{size}>>").check().warnings == ()


def test_a_size_from_outside_is_not_the_texts() -> None:
    assert archdsl.load("con<8,3,3,input<224,224>>", input="224x10x12").check().warnings == ()


def test_rows_of_features_of_several_maps_are_told() -> None:
    text = "fc<10,feature_maps<a,b,tap<b,con<8,3,3,2,2,tap<a,con<4,3,3,2,2,input<3,32,32>>>>>>>"
    (output,) = archdsl.load(text).summary().outputs.values()
    assert str(output) == "10, 10"


def test_settings_of_one_network_are_not_those_of_another() -> None:
    """The parameters of MobileNet's quarter, and of the whole one, are of its paper's tables."""
    table = json.loads(run("compare", "mobilenet_v1:width=0.5", "mobilenet_v1", "--json").stdout)
    half, whole = table["specs"]
    assert (half["settings"], whole["settings"]) == ({"width": 0.5}, {})
    assert whole["params"] > 4_200_000 > 1_400_000 > half["params"]

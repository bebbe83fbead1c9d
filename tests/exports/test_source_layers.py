"""Every layer of the catalogue as source computes what its module computes; any name is legal."""

from __future__ import annotations

import math
import re

import pytest
import torch
from support.catalogue import NAMES, SEVERAL, texts
from test_source import assert_same, pair

from archdsl.frontend.bundled import specs_folder
from archdsl.layers import definitions


@pytest.mark.parametrize("name", NAMES)
def test_source_of_every_layer_gives_what_its_module_gives(name: str) -> None:
    known = texts(name)
    assert known, "the layer takes none of the forms above: add one"
    for text in known:
        network, module, twin = pair(text)
        shape = network.checked.shape(network.checked.input)
        if name == "embeddings":
            x = torch.arange(2 * math.prod(shape)).reshape(2, *shape).float() % 2
            assert torch.equal(module(x), twin(x))
        else:
            assert_same(network, module, twin)


INPUTS = [
    "input<matrix<rgb_pixel>,height=6,width=6>",
    "input_tensor<channels=2,height=6,width=6>",
    "input_rgb_image<height=6,width=6>",
    "input_rgb_image_sized<6>",
    "input_rgb_image_pair<height=6,width=6>",
]


@pytest.mark.parametrize("text", [*SEVERAL, *(f"con<2,3,3,1,1,{text}>" for text in INPUTS)])
def test_source_of_joins_and_inputs_gives_what_the_module_gives(text: str) -> None:
    assert_same(*pair(text))


PYRAMIDS = {"input_rgb_image_pyramid": 3, "input_grayscale_image_pyramid": 1}
"""Channels of the images that they take."""


@pytest.mark.parametrize("name", PYRAMIDS)
def test_source_of_pyramids_gives_what_the_module_gives(name: str) -> None:
    _, module, twin = pair(f"con<2,3,3,1,1,{name}<pyramid_down<2>,height=20,width=20>>")
    x = 255 * torch.rand(2, PYRAMIDS[name], 20, 20)
    assert torch.equal(module.eval()(x), twin.eval()(x))


def test_every_class_of_the_catalogue_is_written_somewhere() -> None:
    """In this file, or in a bundled spec: test_every_network_has_its_state_dict writes them all."""
    bundled = [re.sub("//.*", "", file.read_text()) for file in specs_folder().rglob("*.arch")]
    words = set(
        re.findall(r"\w+", " ".join([*bundled, *SEVERAL, *INPUTS, *PYRAMIDS, *DETECTORS]))
    ) | set(NAMES)
    known = {name: each.cls for name, each in definitions().items() if each.writable}
    assert {known[name] for name in words & known.keys()} == set(known.values())


def test_layers_of_several_modules_in_a_loop_are_not_one_module() -> None:
    norm = "template <typename SUBNET> using unit = softmax_all<bn_fc<SUBNET>>;"
    pool = "template <typename SUBNET> using two = unit<max_pool<2,2,2,2,repeat<3,unit,SUBNET>>>;"
    network, module, twin = pair(f"{norm} {pool} using net_type = two<two<input<3,8,8>>>;")
    assert_same(network, module, twin)
    assert len(list(twin.parameters())) == len(list(module.parameters())) == 16


@pytest.mark.parametrize(
    "text",
    [
        # The same block on maps of two sizes, and on features: values are held of each.
        "template <typename S> using unit = add_prev1<{}<con<3,3,3,1,1,tag1<S>>>>;"
        "using net_type = fc<4,unit<max_pool<2,2,2,2,unit<input<3,8,8>>>>>;",
        "template <typename S> using unit = relu<{}<S>>;"
        "using net_type = repeat<2,unit,fc<4,unit<input<3,6,6>>>>;",
        "template <template <typename> class N, typename S> using unit = relu<N<con<3,3,3,1,1,S>>>;"
        "using net_type = unit<{},unit<bn_con,input<3,8,8>>>;",
    ],
)
@pytest.mark.parametrize("norm", ["bn_fc", "bn_con"])
def test_norms_of_every_value_of_a_map(text: str, norm: str) -> None:
    assert_same(*pair(text.format(norm)))


DETECTORS = [
    "loss_mmod<detector_window<9,6,cat>,detector_window<4,11,dog>,nms=0.3,covered=0.8,"
    "threshold=0.25,avg_pool<3,2,2,3,input<2,14,20>>>",
    "loss_yolo<yolo_anchors<tag1,3,5,6,4>,yolo_anchors<tag2,9,8,5,12>,threshold=0.3,"
    "tag2<max_pool<2,2,2,2,tag1<input<14,6,8>>>>>",
    "loss_yolo<yolo_anchors<tag1,3,5,6,4>,yolo_labels<cat,dog>,threshold=0.3,tag1<input<14,6,8>>>",
]


@pytest.mark.parametrize("text", DETECTORS)
def test_detectors_of_dlib_find_the_same(text: str) -> None:
    network, module, twin = pair(text)
    module.eval(), twin.eval()
    x = torch.rand(2, *network.checked.shape(network.checked.input))
    for wanted, found in zip(module(x), twin(x), strict=True):
        assert len(wanted["boxes"]) > 0
        for name, tensor in wanted.items():
            assert torch.equal(tensor, found[name]), name


@pytest.mark.parametrize(
    "text",
    [
        "dense<compose<layer_norm,relu6>,2,input<3,6,6>>",
        "dense<con<2,3,3,1,1,relu>,3,con<3,1,1,input<3,6,6>>>",
        "template <typename SUBNET> using grown = con<2,3,3,1,1,relu<SUBNET>>;"
        "using net_type = dense<grown,4,con<3,1,1,input<3,6,6>>>;",
        "dense<con<2,3,3,1,1,relu<bn_con>>,3,con<3,1,1,input<3,6,6>>>",
    ],
)
def test_what_a_layer_overwrites_is_not_read_again(text: str) -> None:
    """A dense block joins all that came before once more at every step, so it may be kept."""
    network, module, twin = pair(text)
    x = torch.randn(2, *network.checked.shape(network.checked.input))
    with torch.no_grad():
        assert torch.equal(twin(x), module(x))
    assert_same(network, module, twin)


def test_sums_have_no_more_brackets_than_they_need() -> None:
    network, module, twin = pair("add_prev1<add_prev1<htan<tag1<input<3,4,4>>>>>")
    assert_same(network, module, twin)
    assert "return self.htan(x) + x + x\n" in network.to_python()


def block(name: str, body: str, count: str = "") -> str:
    return f"template <{count}typename SUBNET> using {name} = residual<{body},SUBNET>;"


CON = "con<3,3,3,1,1>"


@pytest.mark.parametrize(
    "text",
    [
        block("none", CON) + "none<none<con<3,1,1,1,1,none<input<3,6,6>>>>>;",
        block("True", CON) + block("False", f"relu<{CON}>") + "True<False<True<input<3,6,6>>>>;",
        block("T", CON) + block("forward", "T<relu>") + block("training", "forward<T<relu>>")
        + "training<relu<forward<T<input<3,6,6>>>>>;",
        block("conv_bn", CON) + block("convBn", f"relu<{CON}>") + block("ConvBn", "con<3,1,1,1,1>")
        + "conv_bn<convBn<ConvBn<input<3,6,6>>>>;",
        block("super", CON) + block("range", CON) + "super<range<repeat<4,super,input<3,6,6>>>>;",
        block("x", "con<self,i,i,1,1>", "int self,int i,") + "x<3,3,x<3,1,x<3,5,input<3,6,6>>>>;",
        "outputs<forward=fc<2>,training=fc<3>,T=fc<4>,input<3,6,6>>",
        block("lambda", CON) + block("lambda_", f"relu<{CON}>")
        + "lambda<lambda_<lambda<input<3,6,6>>>>;",
    ],
)  # fmt: skip
def test_any_name_is_legal(text: str) -> None:
    head, _, network = text.rpartition("SUBNET>;")
    assert_same(*pair(f"{head}SUBNET>; using net_type = {network}" if head else text))

"""Every layer of the catalogue as source computes what its module computes; any name is legal."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from test_source import assert_same, pair

import archdsl
from archdsl.diagnostics import ArchError
from archdsl.layers import Definition, Layer, definitions

FORMS = {
    "maps": "input<6,4,6>",
    "deep maps": "input<8,4,6>",
    "row": "flatten<input<6,2,2>>",
    "sequence": "tokens<input<6,3,4>>",
    "indices": "input<1,6,1>",
    "tokens": "input<1,6,8>",
}
"""What a layer may be applied to."""


def plain(definition: Definition) -> bool:
    """Whether a name is a layer that is applied to one tensor."""
    return definition.writable and issubclass(definition.cls, Layer) and definition.cls.inputs == 1


NAMES = [
    name
    for name, each in definitions().items()
    if plain(each) and name not in ("samples", "select")  # of regions and of pyramids
]


def texts(name: str) -> list[str]:
    """The layer on every form that it takes, with numbers for what it has to be told."""
    required = [a for a in definitions()[name].arguments if a.required]
    found = []
    for form in FORMS.values():
        for values in itertools.product((2, 3, 1), repeat=min(len(required), 3)):
            given = [str(v) for v in (*values, *[1] * (len(required) - len(values)))]
            text = f"{name}<{','.join([*given, form])}>"
            try:
                archdsl.load(text).check()
            except ArchError:
                continue
            found.append(text)
            break
    return found


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


def test_layers_of_several_modules_in_a_loop_are_not_one_module() -> None:
    norm = "template <typename SUBNET> using unit = softmax_all<bn_fc<SUBNET>>;"
    pool = "template <typename SUBNET> using two = unit<max_pool<2,2,2,2,repeat<3,unit,SUBNET>>>;"
    network, module, twin = pair(f"{norm} {pool} using net_type = two<two<input<3,8,8>>>;")
    assert_same(network, module, twin)
    assert len(list(twin.parameters())) == len(list(module.parameters())) == 16


@pytest.mark.parametrize(
    "text",
    [
        "loss_mmod<detector_window<9,6,cat>,detector_window<4,11,dog>,nms=0.3,covered=0.8,"
        "threshold=0.25,avg_pool<3,2,2,3,input<2,14,20>>>",
        "loss_yolo<yolo_anchors<tag1,3,5,6,4>,yolo_anchors<tag2,9,8,5,12>,threshold=0.3,"
        "tag2<max_pool<2,2,2,2,tag1<input<14,6,8>>>>>",
    ],
)
def test_detectors_of_dlib_find_the_same(text: str) -> None:
    network, module, twin = pair(text)
    module.eval(), twin.eval()
    x = torch.rand(2, *network.checked.shape(network.checked.input))
    for wanted, found in zip(module(x), twin(x), strict=True):
        assert len(wanted["boxes"]) > 0
        for name, tensor in wanted.items():
            assert torch.equal(tensor, found[name]), name


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

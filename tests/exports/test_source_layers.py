"""Every layer of the catalogue as source computes what its module computes; any name is legal."""

from __future__ import annotations

import itertools
import math
import re

import pytest
import torch
from test_source import assert_same, pair

import archdsl
from archdsl.diagnostics import ArchError
from archdsl.frontend.bundled import specs_folder
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


MAPS = "input<4,6,6>"
HALF = f"max_pool<2,2,2,2,tag1<{MAPS}>>"
SEVERAL = [
    f"add_prev1<con<4,3,3,1,1,tag1<{MAPS}>>>",
    f"add_prev<tag1,con<6,3,3,2,2,tag1<{MAPS}>>>",  # padded with zeros
    f"mult_prev1<con<4,3,3,1,1,tag1<{MAPS}>>>",
    f"mult_prev<tag1,con<2,3,3,2,2,tag1<{MAPS}>>>",
    f"multm_prev1<transpose<tag1<{MAPS}>>>",
    f"multm_prev<tag1,relu<tag1<{MAPS}>>>",
    f"scale_prev1<skip2<tag1<sig<fc<4,tag2<{MAPS}>>>>>>",
    f"scale_prev<tag1,skip2<tag1<sig<fc<4,tag2<{MAPS}>>>>>>",
    f"scale1<sig<fc<4,tag1<{MAPS}>>>>",
    f"scale_tagged<tag1,sig<fc<4,tag1<{MAPS}>>>>",
    f"scale<compose<sig,con<4,1,1,1,1>,avg_pool_everything>,relu<{MAPS}>>",
    f"resize_like<tag1,{HALF}>",
    f"resize_like<tag1,nearest=true,{HALF}>",
    f"resize_prev_to_tagged1<{HALF}>",
    f"resize_prev_to_tagged<tag1,{HALF}>",
    f"concat_tags<tag1,tag2,tag2<con<3,1,1,1,1,tag1<{MAPS}>>>>",
    *(
        f"concat{n}<{''.join(f'tag{i},' for i in range(1, n + 1))}"
        f"{''.join(f'tag{i}<con<{i},1,1,1,1,' for i in range(n, 0, -1))}{MAPS}{'>>' * n}>"
        for n in (2, 3, 4, 5)
    ),
    *(
        f"inception{n}<{''.join(f'con<{i},1,1,1,1>,' for i in range(1, n + 1))}relu<{MAPS}>>"
        for n in (2, 3, 4, 5)
    ),
    f"parallel<identity,con<2,1,1,1,1>,{MAPS}>",
    f"parallel<{''.join(f'con<{i},1,1,1,1>,' for i in range(1, 9))}{MAPS}>",
    f"residual<con<4,3,3,1,1>,{MAPS}>",
    f"residual<con<5,3,3,2,2,1,1>,con<5,1,1,2,2>,{MAPS}>",
    f"dense<con<2,3,3,1,1>,3,{MAPS}>",
    f"branch<side,fc<3>,con<2,1,1,1,1,{MAPS}>>",
    f"outputs<a=fc<2>,b=fc<3>,c=identity,con<2,1,1,1,1,{MAPS}>>",
    f"when<true,relu,sig,con<2,1,1,1,1,{MAPS}>>",
    f"frozen<con<2,1,1,1,1>,{MAPS}>",
    f"repeat<3,con<4,3,3,1,1>,{MAPS}>",
    f"skip1<relu<tag1<con<2,1,1,1,1,{MAPS}>>>>",
    f"add_skip_layer<tag1,relu<add_tag_layer<1,con<2,1,1,1,1,{MAPS}>>>>",
    f"add_layer<con_<4,3,3,1,1>,{MAPS}>",
    f"at<low,max_pool<2,2,2,2,tap<low,con<2,1,1,1,1,{MAPS}>>>>",
    f"select<1,feature_maps<a,b,max_pool<2,2,2,2,tap<b,relu<tap<a,{MAPS}>>>>>>",
]
"""What takes several tensors, or puts blocks together, at each number of inputs."""

INPUTS = [
    "input<matrix<rgb_pixel>,height=6,width=6>",
    "input_tensor<channels=2,height=6,width=6>",
    "input_rgb_image<height=6,width=6>",
    "input_rgb_image_sized<6>",
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


DETECTORS = [
    "loss_mmod<detector_window<9,6,cat>,detector_window<4,11,dog>,nms=0.3,covered=0.8,"
    "threshold=0.25,avg_pool<3,2,2,3,input<2,14,20>>>",
    "loss_yolo<yolo_anchors<tag1,3,5,6,4>,yolo_anchors<tag2,9,8,5,12>,threshold=0.3,"
    "tag2<max_pool<2,2,2,2,tag1<input<14,6,8>>>>>",
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

"""The formats that archdsl reads: small right files of each, damage that suits it, and its reader.

Files are made when a format is asked for; formats whose packages are missing say so.
"""

from __future__ import annotations

import io
import json
import struct
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import archdsl
from archdsl.frontend.bundled import spec_names, specs_folder
from archdsl.frontend.elaborate import Limits
from archdsl.importers import ImportOptions
from fuzz.mutations import (
    Mutation,
    fields,
    header,
    heap,
    json_values,
    members,
    some_bytes,
    words,
)

_TESTS = Path(__file__).parents[1]
_ORACLE = _TESTS / "oracle" / "data"
_LIMITS = Limits(layers=3000)


class Format(NamedTuple):
    """``corpus`` gives right files, ``read`` what a command does with a path to one of them.

    ``needs`` are the packages that it is read with.
    """

    suffix: str
    corpus: Callable[[], Sequence[bytes]]
    mutations: tuple[Mutation, ...]
    read: Callable[[Path], object]
    needs: tuple[str, ...] = ()


# ---- specs ----

EVERY_CONSTRUCT = """\
// every construct at least once
#include "blocks/vgg.arch"
const int n = 3; constexpr float f = 0.5f;
param int classes = 1000; param bool aux = true;
template <int N, bool B = true, typename SUBNET> using block =
    when<B && n >= 2, relu<bn_con<con<N,3,3,1,1>>>, SUBNET>;
template <template <int, typename> class B, int N, typename SUBNET> using twice = B<N,B<N,SUBNET>>;
template <typename SUBNET> using mytag = add_tag_layer<4008,SUBNET>;
using features = concat2<tag1,mytag,mytag<scale<sig<fc<8,avg_pool_everything>>,
    tag1<residual<con<8,3,3,bias=false>,con<8,1,1>,parallel<con<4,1,1>,max_pool<3,3,1,1>,con<1,1,1>,
    dense<con<2,3,3>,n-1,repeat<2*n/(1+1),twice<block,6>,input<matrix<unsigned char>,8,12>>>>>>>>>;
using net_type = outputs<a=fc<make_divisible(classes*f,8)>,b=fc<-1+2>,
    branch<aux1,loss_multiclass_log<fc<10>>,add_prev1<skip1<dropout<0.5,tag1<features>>>>>>;
"""

ARCH_WORDS = (
    "template", "typename", "class", "using", "param", "const", "int", "bool", "float", "true",
    "SUBNET", "input", "relu", "con", "fc", "tag1", "skip1", "add_prev1", "repeat", "residual",
    "parallel", "outputs",  "branch", "compose", "when", "scale", "dense", "concat2", "add_layer",
    "unsigned char", "std::array", "&&", "==", "<=", "namespace dlib;",
    "add_tag_layer", "matrix", "rgb_pixel", "padding", "groups", "round", "max", "net_type",
    "#include", "loss_mmod", "yolo_v3", "attention", "frozen", "resize_to", "upsample", "cont",
)  # fmt: skip


@cache
def _specs() -> Sequence[bytes]:
    texts = [(specs_folder() / f"{name}.arch").read_bytes() for name in spec_names()]
    return [EVERY_CONSTRUCT.encode(), *(text for text in texts if len(text) < 4000)]


def _check(path: Path) -> object:
    network = archdsl.load(path, limits=_LIMITS).check()
    return network.summary(), network.warnings


_CPP_WORDS = (
    "#define", "#if", "#ifdef", "#else", "#endif", "#include", "namespace", "struct", "template",
    "typename", "constexpr", "static", "return", "for", "while", "if", "int", "long", "unsigned",
    "std::array", "sizeof", "enum", "dlib", "using", "defined", "auto", "\\\n", "##", "0xFF",
)  # fmt: skip


@cache
def _programs() -> Sequence[bytes]:
    return [file.read_bytes() for file in sorted((_TESTS / "dlib_files" / "wild").glob("*.[ch]*"))]


# ---- dlib ----


def _of_oracle(pattern: str) -> Callable[[], Sequence[bytes]]:
    @cache
    def corpus() -> Sequence[bytes]:
        files = (file.read_bytes() for file in sorted(_ORACLE.glob(pattern)))
        return [content for content in files if len(content) < 60_000]

    return corpus


def _open_dlib(path: Path) -> object:
    from archdsl.dlib.nesting import nest
    from archdsl.dlib.open_file import open_saved
    from archdsl.dlib.to_spec import respelled

    saved = open_saved(path)
    network = archdsl.load(respelled(saved)).check()
    return nest(network.checked)


# ---- weights ----

_WEIGHED = "fc<3,relu<bn_con<con<4,3,3,1,1,bias=false,input<2,6,6>>>>>"


@cache
def _weighed() -> Any:
    network = archdsl.load(_WEIGHED).check()
    return network, network.to_torch(seed=0)


def _load_weights(path: Path) -> object:
    network, module = _weighed()
    return network.load_weights(module, path)


@cache
def _torch_files() -> Sequence[bytes]:
    import torch

    state = _weighed()[1].state_dict()
    found = []
    for value, new in (
        (state, True),
        (state, False),
        ({"state_dict": {f"module.{name}": value for name, value in state.items()}}, True),
        ({"model": state, "epoch": 3, "args": {"lr": 0.1}}, True),
    ):
        file = io.BytesIO()
        torch.save(value, file, _use_new_zipfile_serialization=new)
        found.append(file.getvalue())
    return found


@cache
def _safetensors() -> Sequence[bytes]:
    from safetensors.torch import save

    return [save(_weighed()[1].state_dict())]


@cache
def _darknet_weights() -> Sequence[bytes]:
    state = _weighed()[1].state_dict().values()
    count = sum(value.numel() for value in state if value.ndim)
    values = np.random.default_rng(0).random(count, np.float32).tobytes()
    return [
        struct.pack("<iii", major, minor, 0) + struct.pack("<q" if minor > 1 else "<i", 7) + values
        for major, minor in ((0, 2), (0, 1), (2, 0))
    ]


# ---- Darknet ----

_CLASSIFIER = b"""\
[net]
height=32
width=32
channels=3
[convolutional]
batch_normalize=1
filters=8
size=3
stride=1
pad=1
activation=leaky
[maxpool]
size=2
stride=2
[convolutional]
filters=8
size=1
activation=linear
[shortcut]
from=-2
activation=linear
[route]
layers=-1,-3
[upsample]
stride=2
[dropout]
probability=.5
[connected]
output=10
activation=logistic
[softmax]
groups=1
"""
_DETECTOR = b"""\
[net]
height=64
width=64
channels=3
[convolutional]
filters=8
size=3
stride=2
pad=1
activation=mish
[convolutional]
filters=21
size=1
activation=linear
[yolo]
mask=0,1,2
anchors=10,13,16,30,33,23,30,61,62,45,59,119
classes=2
num=6
ignore_thresh=.7
[route]
layers=-3
[convolutional]
filters=21
size=3
stride=2
pad=1
activation=linear
[yolo]
mask=3,4,5
anchors=10,13,16,30,33,23,30,61,62,45,59,119
classes=2
num=6
"""
_REGION = b"""\
[net]
height=32
width=32
channels=3
[convolutional]
filters=8
size=3
stride=2
pad=1
activation=leaky
[reorg]
stride=2
[convolutional]
filters=14
size=1
activation=linear
[region]
anchors=1,1.2,3,4
classes=2
coords=4
num=2
softmax=1
"""
_CFG_WORDS = (
    "[convolutional]", "[yolo]", "[region]", "[detection]", "[route]", "[shortcut]", "[maxpool]",
    "[avgpool]", "[connected]", "[local]", "[crnn]", "[batchnorm]", "[deconvolutional]", "[reorg]",
    "[crop]", "[cost]", "[sam]", "[scale_channels]", "groups", "dilation", "from", "layers", "size",
    "stride", "pad", "padding", "filters", "mask", "anchors", "num", "classes", "side", "coords",
)  # fmt: skip


def _import(path: Path) -> object:
    """As ``archdsl import --no-verify``: the spec, which has to be a right one."""
    from archdsl.importers import origin_of, reader
    from archdsl.importers.outlining.writer import written

    graph = reader(origin_of(str(path))).read(str(path), ImportOptions())
    if len(graph.operations) > 3000:
        return None
    return archdsl.load(written(graph)).check()


# ---- Keras ----


def _layer(kind: str, name: str, reads: Sequence[str] = (), **config: Any) -> dict[str, Any]:
    nodes = [[[source, 0, 0, {}] for source in reads]] if reads else []
    config = {"name": name, "data_format": "channels_last", **config}
    if kind in ("InputLayer", "Dense", "Add", "BatchNormalization", "Activation", "Concatenate"):
        del config["data_format"]
    return {"class_name": kind, "name": name, "config": config, "inbound_nodes": nodes}


@cache
def _keras_texts() -> Sequence[bytes]:
    conv = {"filters": 4, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same"}
    layers = [
        _layer("InputLayer", "in", batch_shape=[None, 16, 16, 3]),
        _layer("Conv2D", "c1", ["in"], **conv, use_bias=True, activation="relu"),
        _layer("BatchNormalization", "b1", ["c1"], axis=-1, momentum=0.99, epsilon=0.001),
        _layer("DepthwiseConv2D", "d1", ["b1"], kernel_size=[3, 3], padding="same"),
        _layer("Add", "a1", ["d1", "c1"]),
        _layer("MaxPooling2D", "p1", ["a1"], pool_size=[2, 2], strides=[2, 2], padding="valid"),
        _layer("ZeroPadding2D", "z1", ["p1"], padding=[[1, 1], [1, 1]]),
        _layer("UpSampling2D", "u1", ["z1"], size=[2, 2], interpolation="nearest"),
        _layer("Conv2DTranspose", "t1", ["u1"], **conv),
        _layer("Concatenate", "k1", ["t1", "u1"], axis=-1),
        _layer("GlobalAveragePooling2D", "g1", ["k1"]),
        _layer("Reshape", "r1", ["g1"], target_shape=[8]),
        _layer("Dropout", "o1", ["r1"], rate=0.5),
        _layer("Dense", "f1", ["o1"], units=10, activation="softmax", use_bias=True),
    ]
    ends = {"input_layers": [["in", 0, 0]], "output_layers": [["f1", 0, 0]]}
    functional = {"name": "net", "layers": layers, **ends}
    plain = [{**each, "inbound_nodes": []} for each in layers if each["name"] not in ("a1", "k1")]
    documents = [
        {"class_name": "Functional", "config": functional, "keras_version": "3.6.0"},
        {"class_name": "Sequential", "config": {"name": "row", "layers": plain}},
    ]
    return [json.dumps(document).encode() for document in documents]


@cache
def _keras_models() -> Any:
    import os

    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(4, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )


def _saved_by_keras(name: str) -> Callable[[], Sequence[bytes]]:
    @cache
    def corpus() -> Sequence[bytes]:
        import tempfile

        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            path = Path(folder, name)
            model = _keras_models()
            model.save(path) if name.endswith(".keras") else model.save_weights(path)
            return [path.read_bytes()]

    return corpus


@cache
def _keras_network() -> Any:
    from archdsl.diagnostics.source import Source
    from archdsl.importers.keras import graph_of_source
    from archdsl.importers.outlining.writer import written

    text = _keras_models().to_json()
    network = archdsl.load(written(graph_of_source(Source("net.json", text), "net"))).check()
    return network, network.to_torch(seed=0), text


def _load_keras(path: Path) -> object:
    network, module, text = _keras_network()
    if path.name.endswith(".h5"):
        path.with_name(path.name.partition(".")[0] + ".json").write_text(text)
    else:
        _import(path)
    return network.load_weights(module, path)


# ---- ONNX ----


@cache
def _onnx_models() -> Sequence[bytes]:
    sys.path.insert(0, str(_TESTS / "importing"))
    import operator_cases

    makers = operator_cases.MAKERS
    found = []
    for name, make in makers.items():
        for number in range(2):
            draw = operator_cases.Draw(f"{name}{number}")
            output = make(draw)
            model = draw.model(*([output] if isinstance(output, str) else output))
            found.append(model.SerializeToString())
    return [content for content in found if len(content) < 20_000]


# ---- pictures ----


@cache
def _pictures() -> Sequence[bytes]:
    from PIL import Image

    random = np.random.default_rng(0)
    colours = Image.fromarray(random.integers(0, 256, (12, 16, 3), np.uint8))
    found = []
    for picture, form in (
        (colours, "JPEG"),
        (colours.convert("CMYK"), "JPEG"),
        (colours.convert("L"), "JPEG"),
        (colours, "PNG"),
        (colours.convert("P"), "PNG"),
        (colours.convert("RGBA"), "PNG"),
        (Image.fromarray(random.integers(0, 65536, (12, 16)).astype(np.uint16)), "PNG"),
        (colours.convert("P"), "GIF"),
        (colours, "WEBP"),
    ):
        file = io.BytesIO()
        picture.save(file, form, **({"exif": _exif()} if form in ("JPEG", "WEBP") else {}))
        found.append(file.getvalue())
    return found


def _exif() -> Any:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def _read_picture(path: Path) -> object:
    from archdsl.inference.pictures import read_picture

    return read_picture(path)


# ---- data sets ----


@cache
def _objects() -> Sequence[bytes]:
    document = {
        "images": [
            {"id": number, "file_name": f"{number}.png", "height": 12, "width": 16}
            for number in range(4)
        ],
        "annotations": [
            {
                "id": number, "image_id": number, "category_id": 1 + number % 2, "iscrowd": 0,
                "bbox": [1, 2, 5, 6], "area": 30, "segmentation": [[1, 2, 6, 2, 6, 8, 1, 8]],
            }
            for number in range(4)
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }  # fmt: skip
    return [json.dumps(document).encode()]


def _read_objects(path: Path) -> object:
    from archdsl.training.data import Wanted, objects

    return objects(path, None, 0.25, 0, Wanted(everything=True))


def _boxes() -> Sequence[bytes]:
    return [
        b"""<?xml version='1.0' encoding='UTF-8'?>
<?xml-stylesheet type='text/xsl' href='image_metadata_stylesheet.xsl'?>
<dataset>
<name>made up</name>
<images>
  <image file='0.png' width='16' height='12'>
    <box top='2' left='1' width='5' height='6'>
      <label>cat</label><part name='eye' x='2' y='3'/>
    </box>
    <box top='-2' left='3' width='5' height='6' ignore='1' occluded='1'/>
  </image>
  <image file='1.png'><box top='1' left='1' width='5' height='6'><label>dog</label></box></image>
  <image file='2.png'/>
</images>
</dataset>
"""
    ]


def _read_proposals(path: Path) -> object:
    from archdsl.inference.proposals import read_proposals

    return read_proposals(path, 2)


def _proposals() -> Sequence[bytes]:
    return [b"[[[1, 2, 3, 4]], [[5, 6, 7, 8], [1.5, 2, 9, 9]]]"]


def _ask_server(path: Path) -> object:
    from fuzz.protocol import answers

    return answers(path.read_bytes())


def _messages() -> Sequence[bytes]:
    from fuzz.protocol import sessions

    return sessions()


_ARCH = (words(*ARCH_WORDS),) * 4 + (heap(*ARCH_WORDS), some_bytes)
_CPP = words(*_CPP_WORDS, *ARCH_WORDS)
_XML = words("<net>", "</layer>", "<tag", "<loss")
_BOXES = words("<image", "<box", "</box>", "<label>", "top=", "ignore=", "<!DOCTYPE", "<!ENTITY")
_ONNX = (fields,) * 8 + (some_bytes,)
_HEADERS = header(json_values), header(words()), some_bytes
_CFG = words(*_CFG_WORDS)

FORMATS: dict[str, Format] = {
    "arch": Format(".arch", _specs, _ARCH, _check),
    "cpp": Format(".cpp", _programs, (_CPP, _CPP, _CPP, some_bytes), _check),
    "dat": Format(".dat", _of_oracle("*.dat"), (some_bytes,), _open_dlib),
    "xml": Format(".xml", _of_oracle("*.xml"), (_XML, some_bytes), _open_dlib),
    "weights": Format(".weights", _darknet_weights, (some_bytes,), _load_weights),
    "cfg": Format(
        ".cfg", lambda: (_CLASSIFIER, _DETECTOR, _REGION), (_CFG, _CFG, some_bytes), _import
    ),
    "keras-json": Format(".json", _keras_texts, (json_values, json_values, some_bytes), _import),
    "keras": Format(
        ".keras", _saved_by_keras("net.keras"),
        (members(json_values), members(some_bytes), some_bytes), _load_keras, ("keras", "h5py"),
    ),
    "h5": Format(
        ".h5", _saved_by_keras("net.weights.h5"), (some_bytes,), _load_keras, ("keras", "h5py")
    ),
    "onnx": Format(".onnx", _onnx_models, _ONNX, _import, ("onnx", "onnxruntime")),
    "pt": Format(
        ".pt", _torch_files, (members(some_bytes), members(some_bytes), some_bytes), _load_weights
    ),
    "safetensors": Format(".safetensors", _safetensors, _HEADERS, _load_weights),
    "picture": Format(".png", _pictures, (some_bytes,), _read_picture),
    "coco": Format(".json", _objects, (json_values, json_values, some_bytes), _read_objects),
    "imglab": Format(".xml", _boxes, (_BOXES, _BOXES, some_bytes), _read_objects),
    "proposals": Format(".json", _proposals, (json_values, some_bytes), _read_proposals),
    "lsp": Format(".rpc", _messages, (some_bytes, words()), _ask_server, ("pygls",)),
}  # fmt: skip

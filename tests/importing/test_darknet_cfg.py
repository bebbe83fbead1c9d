"""Darknet's .cfg: the networks of its papers, written here from their tables, and its rules."""

import contextlib
import math
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from imported_graphs import module_of, network_of

import archdsl
from archdsl.api import load_source
from archdsl.backends.formats import encode, format_of
from archdsl.diagnostics import ArchError
from archdsl.diagnostics.source import Source
from archdsl.importers import darknet
from archdsl.importers.imported_graph import ImportedGraph
from archdsl.importers.outlining.writer import written


def section(kind: str, **settings: object) -> str:
    return "\n".join([f"[{kind}]", *(f"{key}={value}" for key, value in settings.items()), ""])


def net(size: int, channels: int = 3) -> str:
    return section("net", batch=64, height=size, width=size, channels=channels, momentum=0.9)


def conv(filters: int, size: int, stride: int = 1) -> str:
    settings = {"filters": filters, "size": size, "stride": stride, "pad": 1}
    return section("convolutional", batch_normalize=1, **settings, activation="leaky")


def plain(filters: int) -> str:
    return section("convolutional", filters=filters, size=1, stride=1, pad=1, activation="linear")


HALVE = section("maxpool", size=2, stride=2)


def alternating(*filters: int) -> Iterable[str]:
    """3x3 convolutions with 1x1 convolutions between them, as in table 6 of YOLO9000."""
    return (conv(n, 1 if place % 2 else 3) for place, n in enumerate(filters))


DARKNET19 = [
    *alternating(32),
    HALVE,
    *alternating(64),
    HALVE,
    *alternating(128, 64, 128),
    HALVE,
    *alternating(256, 128, 256),
    HALVE,
    *alternating(512, 256, 512, 256, 512),
    HALVE,
    *alternating(1024, 512, 1024, 512, 1024),
]
"""Table 6 of YOLO9000, up to its classifier; the fifth pooling is layer 17."""


def darknet53() -> list[str]:
    """Table 1 of YOLOv3, up to its pooling: 74 layers with the sums."""
    layers = [conv(32, 3)]
    for filters, count in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        layers.append(conv(filters, 3, 2))
        for _ in range(count):
            layers += [conv(filters // 2, 1), conv(filters, 3)]
            layers.append(section("shortcut", **{"from": -3}, activation="linear"))
    return layers


V3 = "10,13, 16,30, 33,23, 30,61, 62,45, 59,119, 116,90, 156,198, 373,326"


def yolo_v3() -> list[str]:
    layers = darknet53()[:75]
    for level, (filters, row) in enumerate(((512, 0), (256, 61), (128, 36))):
        if level:
            layers.append(section("route", layers=-4))
            layers += [conv(filters, 1), section("upsample", stride=2)]
            layers.append(section("route", layers=f"-1, {row}"))
        for _ in range(3):
            layers += [conv(filters, 1), conv(2 * filters, 3)]
        layers.append(plain(3 * (5 + 80)))
        mask = ",".join(str(3 * (2 - level) + place) for place in range(3))
        layers.append(section("yolo", mask=mask, anchors=V3, classes=80, num=9, jitter=0.3))
    return layers


def yolo_v2() -> list[str]:
    anchors = "0.57273,0.677385, 1.87446,2.06253, 3.33843,5.47434, 7.88282,3.52778, 9.77052,9.16828"
    return [
        *DARKNET19,
        conv(1024, 3),
        conv(1024, 3),
        section("route", layers=-9),
        conv(64, 1),
        section("reorg", stride=2),
        section("route", layers="-1,-4"),
        conv(1024, 3),
        plain(5 * (5 + 80)),
        section("region", anchors=anchors, classes=80, num=5, coords=4, softmax=1, thresh=0.6),
    ]


def mish(filters: int, size: int, stride: int = 1) -> str:
    return conv(filters, size, stride).replace("leaky", "mish")


def row(*numbers: int) -> str:
    return section("route", layers=",".join(map(str, numbers)))


def three(filters: int, turns: int = 1) -> list[str]:
    """1x1 and 3x3 convolutions in turn, a 1x1 convolution last."""
    pair = [conv(filters, 1), conv(2 * filters, 3)]
    return [*pair * turns, conv(filters, 1)]


V4 = "12,16, 19,36, 40,28, 36,75, 76,55, 72,146, 142,110, 192,243, 459,401"


def yolo_v4() -> list[str]:
    """Section 3.4 of YOLOv4: CSPDarknet-53, pyramid pooling, paths up and down, three heads."""
    layers, ends = [mish(32, 3)], []
    stages = (1, 64, 64, 32), (2, 128, 64, 64), (8, 256, 128, 128), (8, 512, 256, 256)
    for count, filters, part, middle in (*stages, (4, 1024, 512, 512)):
        layers += [mish(filters, 3, 2), mish(part, 1), row(-2), mish(part, 1)]
        for _ in range(count):
            layers += [mish(middle, 1), mish(part, 3)]
            layers.append(section("shortcut", **{"from": -3}, activation="linear"))
        layers += [mish(part, 1), row(-1, -(3 * count + 4)), mish(filters, 1)]
        ends.append(len(layers) - 1)
    layers += three(512)
    layers += [section("maxpool", stride=1, size=5), row(-2), section("maxpool", stride=1, size=9)]
    layers += [row(-4), section("maxpool", stride=1, size=13), row(-1, -3, -5, -6), *three(512)]
    sides = [len(layers) - 1]
    for filters, end in ((256, ends[-2]), (128, ends[-3])):
        layers += [conv(filters, 1), section("upsample", stride=2), row(end), conv(filters, 1)]
        layers += [row(-1, -3), *three(filters, 2)]
        sides.append(len(layers) - 1)
    for level, (filters, reach) in enumerate(((128, 1.2), (256, 1.1), (512, 1.05))):
        if level:
            layers += [row(-4), conv(filters, 3, 2), row(-1, sides[-1 - level]), *three(filters, 2)]
        mask = ",".join(str(3 * level + place) for place in range(3))
        head = section("yolo", mask=mask, anchors=V4, classes=80, num=9, scale_x_y=reach)
        layers += [conv(2 * filters, 3), plain(3 * (5 + 80)), head]
    return layers


def read(*layers: str) -> ImportedGraph:
    return darknet.graph_of_source(Source("net.cfg", "\n".join(layers)), "net")


def spelled(graph: ImportedGraph) -> archdsl.Network:
    return load_source(Source(graph.name, written(graph))).check()


def rows(network: archdsl.Network) -> list[tuple[object, ...]]:
    """What each layer gives, and what it costs, in the order of the network."""
    found = [row for row in network.summary().rows if row.kind != "identity"]
    return [(row.kind, row.shape, row.parameters, row.macs) for row in found]


@pytest.mark.parametrize(
    ("spec", "cfg"),
    [
        ("yolo_v3", [net(416), *yolo_v3()]),
        ("yolo_v2", [net(416), *yolo_v2()]),
        ("yolo_v4", [net(608), *yolo_v4()]),
    ],
)
def test_detectors_are_those_of_the_collection(spec: str, cfg: list[str]) -> None:
    found, wanted = spelled(read(*cfg)), archdsl.load(spec)
    assert rows(found) == rows(wanted)
    anchors = [[*network.checked.instances()][-1].layer.anchors for network in (found, wanted)]  # type: ignore[attr-defined]
    assert sum(anchors[0], ()) == pytest.approx(sum(anchors[1], ()))


def test_weights_written_for_a_spec_load_into_the_imported_network(tmp_path: Path) -> None:
    """Darknet's files have no names: the order of the layers has to be that of the .cfg."""
    ours = archdsl.load("darknet19").sized((3, 64, 64))
    theirs = spelled(
        read(net(64), *DARKNET19, plain(1000), section("avgpool"), section("cost", type="sse"))
    )
    module = ours.to_torch(seed=1)
    file = tmp_path / "darknet19.weights"
    file.write_bytes(encode(format_of(file), ours.checked, module))
    other = theirs.to_torch()
    theirs.load_weights(other, file)
    data = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(module.eval()(data), other.eval()(data).flatten(1))


def test_darknet53_is_that_of_the_collection() -> None:
    cfg = [net(256), *darknet53(), section("avgpool")]
    found, wanted = rows(spelled(read(*cfg))), rows(archdsl.load("darknet53"))
    assert found == wanted[:-1]  # without the classifier


def test_the_first_yolo_counts_its_grid() -> None:
    cfg = [net(64), conv(16, 3), section("connected", output=7 * 7 * 30, activation="linear")]
    head = section("detection", classes=20, coords=4, side=7, num=2, softmax=0, sqrt=1)
    last = network_of(read(*cfg, head)).instance("layer6").layer
    assert last.boxes == 2  # type: ignore[attr-defined]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(4, 9), st.none() | st.integers(0, 3))
def test_maxpool_is_darknets(size: int, stride: int, side: int, padding: int | None) -> None:
    """maxpool_layer.c: windows start at -padding/2; cells outside of the map never win."""
    both = size - 1 if padding is None else min(padding, size - 1)
    given_padding = {} if padding is None else {"padding": both}
    pool = section("maxpool", size=size, stride=stride, **given_padding)
    data = torch.randn(1, 1, side, side)
    found = module_of(read(net(side, 1), pool))(data)
    count = (side + both - size) // stride + 1
    assert found.shape == (1, 1, count, count)
    for row in range(count):
        for column in range(count):
            best = -math.inf
            for y in range(row * stride - both // 2, row * stride - both // 2 + size):
                for x in range(column * stride - both // 2, column * stride - both // 2 + size):
                    if 0 <= y < side and 0 <= x < side:
                        best = max(best, float(data[0, 0, y, x]))
            assert float(found[0, 0, row, column]) == best


def test_a_shortcut_from_a_larger_map_takes_every_other_cell() -> None:
    """shortcut_cpu (blas.c): every s-th cell, and as many channels as there are."""
    layers = [plain(2), section("maxpool", size=2, stride=2), plain(3)]
    add = section("shortcut", **{"from": -3}, activation="linear")
    graph = read(net(4, 1), *layers, add)
    module = module_of(graph)
    data = torch.randn(1, 1, 4, 4)
    parts = dict(module.named_children())
    with torch.no_grad():
        first = parts["layer1"](data)
        last = parts["layer3"](parts["layer2"](first))
        last[:, :2] += first[:, :, ::2, ::2]
        assert torch.allclose(module(data), last)


def test_a_shortcut_from_a_deeper_map_takes_its_first_channels() -> None:
    """shortcut_multilayer_cpu (blas.c of AlexeyAB's fork): as many values as there are."""
    add = section("shortcut", **{"from": -3}, activation="linear")
    module = module_of(read(net(4, 1), plain(5), section("activation"), plain(3), add))
    data = torch.randn(1, 1, 4, 4)
    parts = dict(module.named_children())
    with torch.no_grad():
        first = parts["layer1"](data)
        assert torch.equal(module(data), parts["layer2"](first) + first[:, :3])


@pytest.mark.parametrize("noadjust", [0, 1])
def test_a_crop_is_the_middle(noadjust: int) -> None:
    """crop_layer.c: (h - out_h)/2 rows are left out, and 2x - 1 is what goes on."""
    crop = section("crop", crop_height=3, crop_width=2, flip=1, noadjust=noadjust)
    data = torch.rand(1, 3, 8, 8)
    middle = data[:, :, 2:5, 3:5]
    found = module_of(read(net(8), crop))(data)
    assert torch.equal(found, middle if noadjust else 2 * middle - 1)


def test_sam_multiplies() -> None:
    sam = section("sam", **{"from": -2})
    layers = [section("activation", activation="relu"), section("activation", activation="tanh")]
    data = torch.randn(1, 3, 4, 4)
    found = module_of(read(net(4), *layers, sam))(data)
    assert torch.equal(found, data.relu() * data.relu().tanh())


def test_a_temperature_divides() -> None:
    data = torch.randn(2, 3, 1, 1)
    found = module_of(read(net(1), section("softmax", temperature=3)))(data)
    assert torch.allclose(found.flatten(1), (data.flatten(1) / 3).softmax(1), atol=1e-6)


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 1), (3, 2)])
def test_local_means_are_of_the_cells_inside(size: int, stride: int) -> None:
    """forward_local_avgpool_layer (maxpool_layer.c): -pad/2 in front, what is valid is counted."""
    data = torch.randn(1, 1, 6, 6)
    found = module_of(read(net(6, 1), section("local_avgpool", size=size, stride=stride)))(data)
    count = (6 + size - 1 - size) // stride + 1
    assert found.shape == (1, 1, count, count)
    for row_, column in ((0, 0), (1, 2), (count - 1, count - 1)):
        y, x = (place * stride - (size - 1) // 2 for place in (row_, column))
        window = data[0, 0, max(y, 0) : y + size, max(x, 0) : x + size]
        assert float(found[0, 0, row_, column]) == pytest.approx(float(window.mean()), abs=1e-6)


def test_the_later_reorg_has_the_channels_of_a_cell_together() -> None:
    """reorg_cpu (blas.c of AlexeyAB's fork), by its loops."""
    data = torch.randn(1, 3, 4, 6)
    given_size = section("net", height=4, width=6, channels=3)
    found = module_of(read(given_size, section("reorg3d", stride=2)))(data)
    for k in range(12):
        offset, channel = divmod(k, 3)
        assert torch.equal(found[0, k], data[0, channel, offset // 2 :: 2, offset % 2 :: 2])


@pytest.mark.parametrize(("count", "squared"), [(1, True), (2, False), (2, True)])
def test_later_heads_say_how_boxes_are_read(count: int, squared: bool) -> None:
    layers: list[str] = []
    for reach in (2.0, 1.05)[:count]:
        keys = {**TWO, "scale_x_y": reach, "new_coords": int(squared), "iou_loss": "ciou"}
        layers += [row(0), HALVE] if layers else [HALVE]
        layers += [plain(14), section("yolo", **keys)]
    network = spelled(read(net(32), *layers))
    last = [*network.checked.instances()][-1].layer
    assert (last.kind, last.squared) == ("reaching_detections", squared)  # type: ignore[attr-defined]
    assert last.reach == (2.0, 1.05)[:count]  # type: ignore[attr-defined]
    assert last.anchors == ((1, 2), (3, 4)) * count  # type: ignore[attr-defined]


def test_groups_of_a_route_are_channels() -> None:
    part = section("route", layers=-1, groups=2, group_id=1)
    module = module_of(read(net(4, 4), section("activation", activation="mish"), part))
    data = torch.randn(1, 4, 4, 4)
    assert torch.equal(module(data), torch.nn.functional.mish(data)[:, 2:])


@pytest.mark.parametrize(
    ("cfg", "line", "message"),
    [
        ([section("convolutional", filters=3)], 1, "no network of Darknet's"),
        ([net(8), section("local", filters=3)], 8, "there is no layer for [local]"),
        ([net(8), section("softmax", groups=3)], 9, "groups=3"),
        ([net(8), section("route", layers=3)], 9, "names a layer that is not there: 3"),
        ([net(8), section("shortcut", **{"from": -2})], 9, "names a layer that is not there: -2"),
        ([net(8), section("convolutional", filters="many")], 9, "filters has to be a whole"),
        ([net(8), section("convolutional", filters=-3)], 8, "filters of con is out of its range"),
        (
            [net(8), section("convolutional", size=40, activation="relu")],
            8,
            "larger than its input",
        ),
        ([net(8), section("convolutional", activation="relie")], 9, "activation relie"),
        ([net(8), section("convolutional", paddings=3, activation="relu")], 9, "paddings"),
        ([net(8), section("region", num=1, classes=2, softmax=1)], 8, "do not fit"),
        ([net(8), "filters"], 8, "a line is a [section] or key=value"),
        (["height=8"], 1, "before the first section"),
        ([section("net", height=8)], 1, "[net] has no width"),
        ([], None, "no network of Darknet's"),
    ],
)
def test_errors_name_the_line(cfg: list[str], line: int | None, message: str) -> None:
    with pytest.raises(ArchError) as caught:
        read(*cfg)
    assert message in str(caught.value)
    (span,) = caught.value.spans
    assert (span.position[0] if span else None) == line


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="[]=#;,.-0123456789\nabcdeflnoprtuwxyz ", max_size=120), st.booleans())
def test_junk_is_an_error_and_no_crash(text: str, begun: bool) -> None:
    with contextlib.suppress(ArchError):
        darknet.graph_of_source(Source("x.cfg", (net(8) if begun else "") + text), "x")


@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("dilation", [1, 2, 3])
def test_a_dilation_keeps_the_size(size: int, dilation: int) -> None:
    """im2col of AlexeyAB's fork: pad × dilation cells of zeros; 1×1 filters have no dilation."""
    keys = {"filters": 2, "size": size, "pad": 1, "dilation": dilation, "activation": "linear"}
    module = module_of(read(net(9, 1), section("convolutional", **keys)))
    data = torch.randn(1, 1, 9, 9)
    state = module.state_dict()
    weight = next(value for name, value in state.items() if name.endswith("weight"))
    bias = next(value for name, value in state.items() if name.endswith("bias"))
    step = dilation if size > 1 else 1
    with torch.no_grad():
        found = module(data)
    assert found.shape == (1, 2, 9, 9)
    for y, x in ((0, 0), (4, 4), (8, 3)):
        expected = bias.clone()
        for i in range(size):
            for j in range(size):
                row, column = y + (i - size // 2) * step, x + (j - size // 2) * step
                if 0 <= row < 9 and 0 <= column < 9:
                    expected += weight[:, 0, i, j] * data[0, 0, row, column]
        assert torch.allclose(found[0, :, y, x], expected, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_a_pool_larger_than_its_map(stride: int) -> None:
    data = torch.randn(1, 3, 1, 1)
    assert torch.equal(
        module_of(read(net(1), section("maxpool", size=2, stride=stride)))(data), data
    )


@pytest.mark.parametrize("spatial", [0, 1])
def test_softmax_is_over_all_values_or_over_channels(spatial: int) -> None:
    """softmax_layer.c: over the whole sample, unless spatial says that it is at each place."""
    data = torch.randn(2, 3, 4, 4)
    found = module_of(read(net(4), section("softmax", spatial=spatial)))(data)
    expected = data.exp() / data.exp().sum(1 if spatial else (1, 2, 3), keepdim=True)
    assert torch.allclose(found, expected, atol=1e-6)


def test_an_activation_is_linear_by_default_and_the_first_of_two_settings_counts() -> None:
    data = torch.randn(1, 3, 4, 4)
    twice = "[activation]\nactivation=relu\nactivation=tanh\n"
    assert torch.equal(module_of(read(net(4), section("activation"), twice))(data), data.relu())


def test_a_detector_with_one_head_is_spelled() -> None:
    head = section("yolo", anchors="10,14, 23,27", mask="0,1", classes=2, num=2)
    network = spelled(read(net(32), plain(14), head))
    assert [*network.checked.instances()][-1].layer.anchors == ((10, 14), (23, 27))  # type: ignore[attr-defined]


def test_a_detector_takes_pictures_of_three_channels() -> None:
    with pytest.raises(ArchError, match="a detector takes pictures of three channels") as caught:
        read(net(32, channels=1), plain(14), section("yolo", **TWO))
    assert "found 1" in str(caught.value)


TWO = {"anchors": "1,2,3,4", "num": 2, "classes": 2}


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            [section("yolo", anchors="nan,1", mask=0, classes=2, num=1)],
            "anchors has to be a number",
        ),
        (
            [section("region", anchors="1,inf", classes=2, num=1, softmax=1)],
            "anchors has to be a number",
        ),
        ([section("convolutional", size=3, dilation=2)], "what it computes differ"),
        ([section("convolutional", size=4, pad=1, dilation=2)], "what it computes differ"),
        ([section("convolutional", flipped=1)], "flipped=1"),
        ([section("convolutional", dontload=1)], "dontload=1"),
        ([section("convolutional", cbn=1)], "cbn=1"),
        ([plain(14), section("yolo", **TWO), HALVE], "[maxpool] reads a detector's head"),
        ([plain(14), section("yolo", **TWO), section("route", layers=-1)], "detector's head: -1"),
        (
            [
                plain(14),
                section("yolo", **TWO),
                section("route", layers=0),
                plain(14),
                section("yolo", **TWO),
            ],
            "two heads on maps of the same size",
        ),
        (
            [
                plain(14),
                section("yolo", **TWO),
                section("route", layers=0),
                HALVE,
                plain(7),
                section("yolo", **TWO, mask=0),
            ],
            "different numbers of anchors",
        ),
        ([section("convolutional", size=3, stride=1, antialiasing=1)], "antialiasing=1"),
        ([section("maxpool", size=2, maxpool_depth=1)], "maxpool_depth=1"),
        ([section("contrastive")], "there is no layer for [contrastive]"),
        (
            [
                plain(14),
                section("yolo", **TWO),
                section("route", layers=0),
                HALVE,
                plain(14),
                section("yolo", **TWO, new_coords=1),
            ],
            "different forms of boxes",
        ),
        ([section("softmax", groups=2)], "groups=2"),
        ([section("route", layers=-1, group=2)], "names a layer"),
    ],
)
def test_what_cannot_be_said_is_refused_in_words(layers: list[str], message: str) -> None:
    with pytest.raises(ArchError) as caught:
        read(net(8), *layers)
    assert message in str(caught.value)

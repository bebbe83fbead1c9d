"""Darknet's .weights, against files that the tests write from the description of the format."""

import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import archdsl
from archdsl.backends.formats import encode, format_of

Values = NDArray[np.float32]

BLOCKS = """\
template <int N, typename SUBNET>
using conv = leaky_relu<0.1,batch_norm<con<N,3,3,1,1,bias=false,SUBNET>>>;
"""
# In Darknet's .cfg: [convolutional] with and without batch_normalize, a route to the first, and
# [connected] with and without it.
SMALL = BLOCKS + (
    "using net_type = fc<5,bn_fc<fc<6,bias=false,concat2<tag2,tag3,tag3<con<2,1,1,skip1<"
    "tag2<conv<4,tag1<conv<3,input<2,4,4>>>>>>>>>>>>;"
)


def numbers(*shape: int, seed: int) -> Values:
    return np.random.default_rng(seed).random(shape, dtype=np.float32) + 0.5


def header(major: int, minor: int, revision: int = 0, seen: int = 0) -> bytes:
    """The count of images seen has 64 bits from version 0.2 on, 32 before and in odd versions."""
    new = major * 10 + minor >= 2 and major < 1000 and minor < 1000
    return struct.pack("<iii", major, minor, revision) + struct.pack("<q" if new else "<i", seen)


def file_of(start: bytes, values: Iterable[Values]) -> bytes:
    return start + b"".join(value.astype("<f4").tobytes() for value in values)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def written(network: archdsl.Network, module: torch.fx.GraphModule) -> bytes:
    return encode(format_of(Path("x.weights")), network.checked, module)


def small_values() -> dict[str, Values]:
    """The tensors of SMALL under the module's names, in the order of Darknet's file."""
    shapes = {
        "conv1.bn.bias": (3,),
        "conv1.bn.weight": (3,),
        "conv1.bn.running_mean": (3,),
        "conv1.bn.running_var": (3,),
        "conv1.conv.weight": (3, 2, 3, 3),
        "conv2.bn.bias": (4,),
        "conv2.bn.weight": (4,),
        "conv2.bn.running_mean": (4,),
        "conv2.bn.running_var": (4,),
        "conv2.conv.weight": (4, 3, 3, 3),
        "conv3.bias": (2,),
        "conv3.weight": (2, 3, 1, 1),
        "bn.bias": (6,),
        "fc1.weight": (6, 96),
        "bn.weight": (6,),
        "bn.running_mean": (6,),
        "bn.running_var": (6,),
        "fc2.bias": (5,),
        "fc2.weight": (5, 6),
    }
    return {name: numbers(*shape, seed=i) for i, (name, shape) in enumerate(shapes.items())}


@pytest.mark.parametrize("version", [(0, 1), (0, 2), (2, 0)])
def test_a_file_goes_to_the_named_tensors(version: tuple[int, int], tmp_path: Path) -> None:
    values = small_values()
    path = write(tmp_path / "w.weights", file_of(header(*version, seen=77), values.values()))
    module = archdsl.compile(SMALL, weights=path)
    state = module.state_dict()
    learned = {name for name in state if not name.endswith("num_batches_tracked")}
    assert learned == values.keys()
    for name, value in values.items():
        assert np.array_equal(state[name].numpy(), value), name
    assert not module.training


def test_we_write_the_same_bytes(tmp_path: Path) -> None:
    content = file_of(header(0, 2), small_values().values())
    network = archdsl.load(SMALL)
    module = archdsl.compile(SMALL, weights=write(tmp_path / "w.weights", content))
    assert written(network, module) == content


@pytest.mark.parametrize("version", [(1001, 0), (0, 1001)])
def test_old_versions_have_connected_layers_transposed(
    version: tuple[int, int], tmp_path: Path
) -> None:
    values = small_values()
    stored = [v.T if name.startswith("fc") and v.ndim == 2 else v for name, v in values.items()]
    path = write(tmp_path / "w.weights", file_of(header(*version), stored))
    state = archdsl.compile(SMALL, weights=path).state_dict()
    for name, value in values.items():
        assert np.array_equal(state[name].numpy(), value), name


def test_the_grid_of_the_first_yolo_is_reordered(tmp_path: Path) -> None:
    """Darknet's row: classes of every cell, confidences of every box, then all boxes' numbers.

    Each output of the last layer is a bias that says what it is; the grid has them by cell.
    """
    side, boxes, classes = 2, 3, 4
    rows = [100 * cell + c for cell in range(side**2) for c in range(classes)]
    rows += [1000 + 100 * cell + b for cell in range(side**2) for b in range(boxes)]
    rows += [
        2000 + 100 * cell + 10 * b + k
        for cell in range(side**2)
        for b in range(boxes)
        for k in range(4)
    ]
    spec = f"yolo_grid<2,3,4,fc<{len(rows)},input<1,1,2>>>"
    weight = numbers(len(rows), 2, seed=1)
    content = file_of(header(0, 2), [np.array(rows, dtype=np.float32), weight])
    module = archdsl.compile(spec, weights=write(tmp_path / "w.weights", content))
    found = module(torch.zeros(1, 1, 1, 2))[0]
    assert found.shape == (side, side, 5 * boxes + classes)
    for row in range(side):
        for column in range(side):
            cell = row * side + column
            expected: list[int] = []
            for b in range(boxes):
                expected += [2000 + 100 * cell + 10 * b + k for k in range(4)]
                expected.append(1000 + 100 * cell + b)
            expected += [100 * cell + c for c in range(classes)]
            assert found[row, column].tolist() == expected
    # The matrix moves with the biases: a row has the same product wherever it stands.
    ones = module(torch.ones(1, 1, 1, 2)).flatten() - module(torch.zeros(1, 1, 1, 2)).flatten()
    by_bias = dict(zip(rows, weight.sum(1), strict=True))
    wanted = [by_bias[int(bias)] for bias in found.flatten().tolist()]
    torch.testing.assert_close(ones, torch.tensor(wanted), atol=1e-3, rtol=0)
    assert written(archdsl.load(spec), module) == content


def test_darknets_arithmetic_is_ours(tmp_path: Path) -> None:
    """A 1×1 convolution as Darknet computes it: normalised, scaled, shifted, then leaky."""
    beta, gamma, mean, variance, weight = (numbers(1, seed=i) - 0.9 * (i == 0) for i in range(5))
    content = file_of(header(0, 2), [beta, gamma, mean, variance, weight])
    spec = '#include "blocks/darknet.arch"\nusing net_type = conv<1,1,input<1,1,1>>;'
    module = archdsl.compile(spec, weights=write(tmp_path / "w.weights", content))
    for x in (-2.0, 3.0):
        normed = (x * weight[0] - mean[0]) / np.sqrt(variance[0] + 0.00001)
        y = gamma[0] * normed + beta[0]
        expected = y if y > 0 else 0.1 * y
        found = module(torch.full((1, 1, 1, 1), x)).item()
        assert found == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "size", "head"),
    [
        # The sizes of the files that Darknet's author publishes.
        ("yolo_v2", 203_934_260, 16),
        ("yolo_v3", 248_007_048, 20),
        ("yolo_v4", 257_717_640, 20),
    ],
)
def test_the_size_of_published_files(name: str, size: int, head: int) -> None:
    summary = archdsl.load(name).summary()
    rows = [row for row in summary.rows if row.kind == "batch_norm"]
    statistics = sum(2 * (row.shape[0] or 0) for row in rows)
    assert head + 4 * (summary.parameters + statistics) == size


@pytest.mark.parametrize("more", [-4, -1, 1, 4])
def test_a_wrong_length_is_refused_and_changes_nothing(more: int, tmp_path: Path) -> None:
    content = file_of(header(0, 2), small_values().values())
    content = content[:more] if more < 0 else content + b"\0" * more
    path = write(tmp_path / "w.weights", content)
    count = sum(value.size for value in small_values().values())
    found = f"{count + more / 4:,}".removesuffix(".0")
    with pytest.raises(archdsl.ArchError, match=rf"expected {count:,} values.*found {found}\n"):
        archdsl.compile(SMALL, weights=path)

    network = archdsl.load(SMALL)
    module = network.to_torch(seed=1)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(archdsl.ArchError):
        network.load_weights(module, path)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


@pytest.mark.parametrize("content", [b"", b"\0" * 7, b"\0" * 16, header(0, 2)])
def test_files_without_values(content: bytes, tmp_path: Path) -> None:
    path = write(tmp_path / "w.weights", content)
    with pytest.raises(archdsl.ArchError, match=r"w\.weights does not hold the weights.*\n.*found"):
        archdsl.compile(SMALL, weights=path)
    with pytest.raises(archdsl.ArchError, match="cannot read"):
        archdsl.compile(SMALL, weights=tmp_path / "nowhere.weights")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("prelu<con<2,1,1,input<1,2,2>>>", "no place for prelu"),
        ("batch_norm<input<1,2,2>>", "no place for batch_norm"),
        ("batch_norm<con<2,1,1,input<1,2,2>>>", "no bias before a batch norm"),
        ("con<2,1,1,bias=false,input<1,2,2>>", "a bias, or a batch norm behind it"),
        ("cont<2,1,1,input<1,2,2>>", "no place for cont"),
        (
            "concat2<tag1,tag2,tag2<batch_norm<tag1<con<2,1,1,bias=false,input<1,2,2>>>>>>",
            "a bias, or a batch norm behind it",
        ),
    ],
)
def test_what_darknet_cannot_hold(spec: str, message: str, tmp_path: Path) -> None:
    network = archdsl.load(spec)
    with pytest.raises(archdsl.ArchError, match=message) as caught:
        written(network, network.to_torch())
    assert caught.value.spans[0] is not None
    with pytest.raises(archdsl.ArchError, match=message):
        archdsl.compile(spec, weights=write(tmp_path / "w.weights", header(0, 2)))


def test_a_frozen_batch_norm_is_written_too() -> None:
    frozen = BLOCKS + "using net_type = frozen<conv<2>, input<1,4,4>>;"
    network, plain = archdsl.load(frozen), archdsl.load(frozen.replace("frozen<", "compose<"))
    assert written(network, network.to_torch(seed=1)) == written(plain, plain.to_torch(seed=1))

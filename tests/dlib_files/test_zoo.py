"""The networks of dlib's model zoo: their files are loaded, and give dlib's numbers.

The definitions and the files, with made-up weights, are in ``oracle/zoo``.
"""

import lzma
from pathlib import Path

import numpy as np
import pytest
import torch
from zoo import ALL, ZOO, Published

import archdsl
from archdsl.backends.formats import encode, format_of
from archdsl.dlib import reader, writer
from archdsl.dlib.to_spec import respelled

QUICK = ("gender", "vehicles", "yolo")
CASES = [
    pytest.param(each, id=each.name, marks=() if each.name in QUICK else pytest.mark.slow)
    for each in ALL
]


@pytest.fixture
def weights(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The file of the network that a test is about."""
    name = request.getfixturevalue("case").name
    path = tmp_path / f"{name}.dat"
    path.write_bytes(lzma.decompress((ZOO / f"{name}.dat.xz").read_bytes()))
    return path


def asked(case: Published) -> dict[str, np.ndarray]:
    with np.load(ZOO / f"{case.name}.npz") as arrays:
        return dict(arrays)


def assert_finds(found: dict[str, torch.Tensor], boxes: np.ndarray) -> None:
    """dlib's boxes end with their last pixel, ours where it ends."""
    expected = boxes.reshape(-1, 6).tolist()
    assert len(expected) > 2
    columns = (found[name].tolist() for name in ("scores", "boxes", "labels"))
    ours = sorted(zip(*columns, strict=True))
    theirs = sorted((row[4], [*row[:2], row[2] + 1, row[3] + 1], int(row[5])) for row in expected)
    assert [label for _, _, label in ours] == [label for _, _, label in theirs]
    for (score, box, _), (confidence, wanted, _) in zip(ours, theirs, strict=True):
        assert score == pytest.approx(confidence, abs=1e-4 * theirs[-1][0])
        assert box == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize("case", CASES)
def test_a_network_of_the_zoo_gives_dlibs_numbers(case: Published, weights: Path) -> None:
    size = (3, case.rows, case.columns)
    given = asked(case)
    module = archdsl.compile(ZOO / f"{case.name}.cpp", input=size, weights=weights)
    pixels = torch.from_numpy(given["given"].reshape(1, *size))
    pyramid = case.name in ("vehicles", "dog_hipsterizer")  # it takes a list of 0..1
    with torch.inference_mode():
        found = module([pixels[0] / 255] if pyramid else pixels)
    if "boxes" in given:
        assert_finds(found[0], given["boxes"])
        return
    expected = given["output"].reshape(found.shape)
    assert expected.std() > 0.01
    # Forty layers of made-up weights make much of a float's last digit.
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found.numpy() / scale, expected / scale, rtol=0, atol=5e-4)
    assert np.abs(found.numpy() - expected).mean() < 1e-5 * scale


@pytest.mark.parametrize("case", CASES)
def test_a_file_of_the_zoo_has_the_parameters_of_its_network(
    case: Published, weights: Path
) -> None:
    """Counted of the network by its shapes, and of the file by its tensors."""
    network = archdsl.load(ZOO / f"{case.name}.cpp", input=(3, case.rows, case.columns))
    saved = reader.read(weights)
    assert network.settled(weights).summary().parameters == sum(
        record.learned() for record in saved.records()
    )


@pytest.mark.parametrize("case", [param for param in CASES if param.values[0].name in QUICK])
def test_a_spec_made_of_the_file_is_the_same_network(case: Published, weights: Path) -> None:
    text = respelled(reader.read(weights)).replace("bn_con<", "affine<")
    size = (3, case.rows, case.columns)
    mine, theirs = (
        archdsl.load(each, input=size).settled(weights) for each in (text, ZOO / f"{case.name}.cpp")
    )
    files = [
        encode(format_of(Path("x.dat")), each.checked, each.to_torch(weights=weights))
        for each in (mine, theirs)
    ]
    assert files[0] == files[1]
    assert writer.encode(reader.parse(files[0], "x.dat")) == files[0]

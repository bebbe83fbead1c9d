"""Classifiers in integers: near the float network, a quarter of its size, and torch runs them."""

import json
import shutil
import sys
from functools import partial
from pathlib import Path

import pytest
from support import commands
from torch.nn import functional

import archdsl
from archdsl.inference.pictures import read_picture
from archdsl.inference.predictor import classifier

PHOTOGRAPHS = "astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"

SMALL = """
template <int N, typename SUBNET> using block =
    relu<add_prev1<bn_con<con<N,3,3,1,1,relu<bn_con<con<N,3,3,1,1,tag1<SUBNET>>>>>>>>;
template <int N, typename SUBNET> using down = relu<bn_con<con<N,3,3,2,2,SUBNET>>>;
using net_type = fc<10,avg_pool_everything<block<256,down<256,block<128,down<128,down<32,
    input<3,64,64>>>>>>>>;
"""


run = partial(commands.run, "compile")


@pytest.fixture
def photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of photographs in the current folder, one of them in a folder of its own."""
    skimage = pytest.importorskip("skimage")
    folder = tmp_path / "photographs"
    (folder / "more").mkdir(parents=True)
    for index, name in enumerate(PHOTOGRAPHS):
        shutil.copy(
            Path(skimage.__file__).parent / "data" / name, folder / "more" if not index else folder
        )
    (folder / "notes.txt").write_text("no picture")
    monkeypatch.chdir(tmp_path)
    Path("small.arch").write_text(SMALL)
    return folder


def test_small_and_near(photographs: Path) -> None:
    pytest.importorskip("torchao")
    import torch.ao.quantization.fx._decomposed

    options = "--seed", "3", "--quantize", "int8", "--calibrate", photographs, "-o", "small.pt2"
    done = run("small.arch", *options, "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)["quantized"]
    network = archdsl.load("small.arch")
    # Floats have 4 bytes: the file as floats holds no less than these.
    assert Path("small.pt2").stat().st_size < 0.3 * 4 * network.summary().parameters
    assert told["images"] == len(PHOTOGRAPHS)
    assert told["bytes"] < 0.26 * told["float_bytes"]
    module = network.to_torch(seed=3)
    model = classifier(network, module)
    assert model is not None
    program = torch.export.load("small.pt2").module()
    same, far = 0, 0.0
    for path in sorted(photographs.rglob("*.*g")):
        x = model.seen(read_picture(path))
        with torch.no_grad():
            ours, theirs = program(x), module(x)
        assert functional.cosine_similarity(ours, theirs).item() > 0.99
        same += int(ours.argmax() == theirs.argmax())
        far = max(far, ((ours - theirs).abs().max() / theirs.abs().max()).item())
    assert told["same_class"] == same
    assert told["relative_difference"] == pytest.approx(far, rel=1e-3)
    assert program(torch.rand(5, 3, 64, 64)).shape == (5, 10)


@pytest.mark.parametrize(
    ("file", "folder", "more", "message"),
    [
        ("small.arch", "nowhere", (), "--calibrate nowhere: there is no such folder"),
        ("small.arch", "empty", (), "--calibrate empty: there are no pictures in it"),
        ("unet", "photographs", ("--input", "1x64x64"), "takes classifiers, and unet is none"),
        ("small.arch", "photographs", ("-o", "a.onnx"), "a quantised network into a.onnx"),
        ("small.arch", "photographs", ("-o", "a.json"), "a quantised network into a.json"),
        ("small.arch", "damaged", (), "b.png is not a picture that can be read"),
    ],
)
def test_refusals(
    photographs: Path, file: str, folder: str, more: tuple[str, ...], message: str
) -> None:
    pytest.importorskip("torchao")
    Path("empty").mkdir()
    Path("damaged").mkdir()
    Path("damaged/b.png").write_bytes(b"\x89PNG nothing")
    done = run(file, "--quantize", "int8", "--calibrate", folder, *more)
    assert done.exit_code == 1
    assert message in done.stderr
    assert done.stderr.startswith("error")


def test_without_torchao(photographs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("torchao.quantization.pt2e")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torchao.quantization.pt2e.quantize_pt2e", None)
    done = run("small.arch", "--quantize", "int8", "--calibrate", photographs)
    assert done.exit_code == 1
    assert "pip install 'archdsl[quantize]'" in done.stderr

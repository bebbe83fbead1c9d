"""Weights from files and from references; what does not fit or cannot be trusted is refused."""

import pickle
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
import torchvision
from safetensors.torch import save_file

import archdsl
from archdsl.backends.torch import compile_network

SMALL = "fc<3,relu<con<4,3,3,1,1,input<1,8,8>>>>"


@pytest.fixture
def image() -> torch.Tensor:
    return torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("kind", ["safetensors", "pt", "checkpoint"])
def test_a_file_with_the_modules_own_names(kind: str, tmp_path: Path, image: torch.Tensor) -> None:
    source = archdsl.compile(SMALL, seed=1).eval()
    path = tmp_path / ("w.safetensors" if kind == "safetensors" else "w.pt")
    if kind == "safetensors":
        save_file(source.state_dict(), path)
    else:
        state = source.state_dict()
        torch.save({"state_dict": state} if kind == "checkpoint" else state, path)
    loaded = archdsl.compile(SMALL, weights=path, seed=2)
    assert not loaded.training
    assert torch.equal(loaded(image), source(image))
    assert not torch.equal(archdsl.compile(SMALL, seed=2).eval()(image), source(image))


def test_a_file_with_the_references_names(tmp_path: Path) -> None:
    """resnet18.arch names torchvision:resnet18, so torchvision's checkpoints fit."""
    model = torchvision.models.resnet18(weights=None).eval()
    torch.save(model.state_dict(), tmp_path / "resnet18.pth")
    module = archdsl.compile("resnet18", weights=tmp_path / "resnet18.pth")
    data = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(module(data), model(data))


def test_weights_of_a_file_are_not_drawn_before(tmp_path: Path) -> None:
    """Nothing takes random numbers: they go on where they were."""
    source = archdsl.compile(SMALL, seed=1)
    save_file(source.state_dict(), tmp_path / "w.safetensors")
    before = torch.get_rng_state()
    loaded = archdsl.compile(SMALL, weights=tmp_path / "w.safetensors")
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(v, source.state_dict()[k]) for k, v in loaded.state_dict().items())


def test_what_nothing_gives_a_value_is_drawn() -> None:
    network = archdsl.load(SMALL)

    def fill(module: torch.nn.Module) -> set[str]:
        for value in module.parameters():
            value.data.fill_(3.0)
        return {"conv.weight", "fc.bias"}

    module = compile_network(network.checked, seed=4, fill=fill)
    assert bool((module.get_parameter("conv.weight") == 3).all())
    assert bool((module.get_parameter("fc.bias") == 3).all())
    assert not module.get_parameter("conv.bias").any()
    bound = (6 / (256 + 3)) ** 0.5  # dlib's, of inputs and outputs
    drawn = module.get_parameter("fc.weight").abs().max().item()
    assert 0.95 * bound < drawn <= bound


def test_shapes_that_differ_are_named(tmp_path: Path) -> None:
    save_file(archdsl.compile(SMALL).state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(
        archdsl.ArchError, match=r"fc\.weight: expected \[5, 256\], found \[3, 256\]"
    ):
        archdsl.compile(SMALL.replace("fc<3", "fc<5"), weights=tmp_path / "w.safetensors")


def test_missing_and_unknown_names_are_named(tmp_path: Path) -> None:
    state = archdsl.compile(SMALL).state_dict()
    state["other.weight"] = state.pop("conv.bias")
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(archdsl.ArchError, match=r"missing: conv\.bias\s+not in the network: other"):
        archdsl.compile(SMALL, weights=tmp_path / "w.safetensors")


class Hostile:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, ("/should/never/run",)


@pytest.mark.parametrize(
    "content",
    [b"", b"not weights at all", pickle.dumps({"fc.weight": Hostile()}), b"\xff" * 4096],
    ids=["empty", "text", "pickle", "noise"],
)
@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_files_that_are_no_weights(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    with pytest.raises(archdsl.ArchError, match="is not a .* that can be read"):
        archdsl.compile(SMALL, weights=path)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(archdsl.ArchError, match="cannot read"):
        archdsl.compile(SMALL, weights=tmp_path / "nowhere.pt")


def test_pretrained_weights_without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object, **__: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", offline)
    with pytest.raises(archdsl.ArchError, match=r"no route to host.*--weights FILE"):
        archdsl.compile("resnet18", weights="torchvision:resnet18")


def test_pretrained_weights_of_another_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def random_weights(*_: object, **__: object) -> dict[str, torch.Tensor]:
        return torchvision.models.resnet34(weights=None).state_dict()

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", random_weights)
    with pytest.raises(archdsl.ArchError, match="not the network of torchvision:resnet34"):
        archdsl.compile("resnet18", weights="torchvision:resnet34")
    module = archdsl.compile("resnet34", weights="torchvision:resnet34")
    assert not module.training

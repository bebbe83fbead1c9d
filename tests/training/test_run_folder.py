"""A run's folder stands for its network, with its weights, wherever a file or weights are asked."""

import json
from pathlib import Path

import pytest
import torch
from support.commands import run

import archdsl
from archdsl.training.recipe import Recipe
from archdsl.training.run_folder import RunWriter

CLASSES = ("cat", "dog", "fox")
ROW = {"epoch": 1.0, "rate": 0.1, "train_loss": 1.0, "val_loss": 1.0, "accuracy": 1.0}


def written(folder: Path, spec: str, *, broken: bool = False, **settings: object) -> Path:
    """The folder of a run after its first epoch; broken weights are no numbers."""
    network = archdsl.load(spec, **settings)
    writer = RunWriter(folder, CLASSES)
    writer.begin(network, Recipe(), {})
    state = network.to_torch(seed=7).state_dict()
    if broken:
        state = {name: torch.full_like(tensor, torch.nan) for name, tensor in state.items()}
    writer.keep([ROW], state, best=True)
    return folder


@pytest.fixture(scope="module")
def squeezed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    return written(folder, "squeezenet1_1", classes=3, input="3x64x64")


def test_verify_takes_a_run(squeezed: Path) -> None:
    """torchvision's model is made with the run's three classes."""
    told = run("verify", squeezed, "--eval", "--json", catch=False)
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert found["matched"] and found["params_equal"] and found["max_abs_diff"] == 0
    assert found["weights"] == str(squeezed / "best.safetensors")


def test_verify_compares_the_weights_of_the_run(tmp_path: Path) -> None:
    """Random ones would be numbers."""
    folder = written(tmp_path / "run", "squeezenet1_1", broken=True, classes=3, input="3x64x64")
    told = run("verify", folder, "--eval")
    assert told.exit_code == 1 and "what is no number" in told.output
    given = run("verify", "squeezenet1_1", "-D", "classes=3", "--weights", folder, "--eval")
    assert given.exit_code == 1 and "what is no number" in given.output


@pytest.mark.parametrize("command", ["check", "summary", "draw", "compare", "compile", "diff"])
def test_commands_take_a_run(
    command: str, squeezed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = [squeezed, squeezed] if command == "diff" else [squeezed]
    told = run(*command.split(), *files, catch=False)
    assert told.exit_code == 0, told.output
    if command in ("check", "summary"):
        # SqueezeNet's Fire modules and first convolution have 722,496 parameters, a class 513.
        assert f"{722_496 + 3 * 513:,}" in told.output and "3×64×64" in told.output


def test_weights_may_be_a_run(squeezed: Path) -> None:
    module = archdsl.compile("squeezenet1_1", classes=3, weights=squeezed)
    loaded = archdsl.compile(squeezed)
    for name, tensor in loaded.state_dict().items():
        assert torch.equal(module.state_dict()[name], tensor)
    name, drawn = next(archdsl.compile("squeezenet1_1", classes=3, seed=0).named_parameters())
    assert not torch.equal(drawn, loaded.get_parameter(name))


def test_a_run_before_its_first_epoch_has_no_weights(tmp_path: Path) -> None:
    RunWriter(tmp_path, CLASSES).begin(archdsl.load("squeezenet1_1", classes=3), Recipe(), {})
    with pytest.raises(archdsl.ArchError, match="its first epoch is not over"):
        archdsl.compile("squeezenet1_1", classes=3, weights=tmp_path)


def test_training_goes_on_from_the_weights_of_a_run(digits: Path, tmp_path: Path) -> None:
    """A second run of an almost vanishing rate ends where the first one did."""
    from safetensors.torch import load_file

    spec = tmp_path / "own.arch"
    spec.write_text("using net_type = fc<10,input<1,28,28>>;")
    arguments = ("--data", digits, "--epochs", 1)
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    assert run("train", spec, *arguments, "-o", first, catch=False).exit_code == 0
    slow = ("--rate", "1e-12")
    assert run("train", first, *arguments, "-o", second, *slow, catch=False).exit_code == 0
    given = run("train", spec, *arguments, "-o", third, *slow, "--weights", first, catch=False)
    assert given.exit_code == 0, given.output
    states = [load_file(folder / "last.safetensors") for folder in (first, second, third)]
    for name, tensor in states[0].items():
        assert torch.allclose(states[1][name], tensor, atol=1e-6)
        assert torch.allclose(states[2][name], tensor, atol=1e-6)


def test_a_run_keeps_what_a_file_of_dlibs_decided(digits: Path, tmp_path: Path) -> None:
    """An affine layer with a factor for each value goes on in training, and in the run's folder."""
    spec, weights = tmp_path / "net.arch", tmp_path / "start.dat"
    text = "using net_type = loss_multiclass_log<fc<10,affine<{}con<2,3,3,2,2,input<1,28,28>>>>>;"
    spec.write_text(text.format(""))
    own = tmp_path / "own.arch"
    own.write_text(text.format("per_value=true,"))
    assert run("compile", own, "-o", weights, catch=False).exit_code == 0
    out, further = tmp_path / "run", tmp_path / "further"
    arguments = ("--data", digits, "--epochs", 1)
    told = run("train", spec, *arguments, "--weights", weights, "-o", out, catch=False)
    assert told.exit_code == 0, told.output
    weights.unlink()
    # 13×13 values of 2 channels: a 3×3 window at a stride of 2 in 28×28.
    for folder in (out, further):
        module = archdsl.compile(folder) if folder.exists() else None
        if module is None:
            assert run("train", out, *arguments, "-o", folder, catch=False).exit_code == 0
            module = archdsl.compile(folder)
        assert module.get_parameter("affine.weight").shape == (2, 13, 13)
        assert archdsl.load(folder, input=(1, 28, 28)).check().summary().input == (1, 28, 28)


def test_inspect_lists_a_run(squeezed: Path, tmp_path: Path) -> None:
    """torchvision's squeezenet1_1 has a first convolution of 64 filters 3×3 with bias."""
    told = run("inspect", squeezed, "--json", catch=False)
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    first = next(layer for layer in found["layers"] if layer["shapes"])
    assert first["shapes"] == {"weight": [64, 3, 3, 3], "bias": [64]}
    state = archdsl.compile(squeezed).state_dict()
    listed = {
        f"{layer['layer']}.{name}": shape
        for layer in found["layers"]
        for name, shape in layer["shapes"].items()
    }
    assert listed == {name: list(tensor.shape) for name, tensor in state.items()}
    assert found["params"] == sum(tensor.numel() for tensor in state.values())
    assert found["labels"] == list(CLASSES) and found["settings"]["classes"] == 3
    told = run("inspect", squeezed, catch=False)
    assert "64×3×3×3" in told.output and "classes     3: cat, dog, fox" in told.output
    text = run("inspect", squeezed, "--to-arch", catch=False).stdout
    assert text == archdsl.load("squeezenet1_1").source.text


def test_inspect_of_a_run_without_weights_and_of_a_damaged_one(tmp_path: Path) -> None:
    network = archdsl.load("lenet")
    RunWriter(tmp_path / "new", CLASSES).begin(network, Recipe(), {})
    told = run("inspect", tmp_path / "new", catch=False)
    assert told.exit_code == 0 and "first epoch" in told.output
    folder = written(tmp_path / "run", "lenet")
    weights = folder / "best.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    told = run("inspect", folder)
    assert told.exit_code == 1 and "safetensors" in told.output and "E411" in told.output

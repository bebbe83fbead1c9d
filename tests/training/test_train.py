"""A network learns from a folder of pictures by command, and its folder serves other commands."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import Result
from support.commands import run

import archdsl

MEASURES = ("epoch", "rate", "train_loss", "val_loss", "accuracy")


def measures(folder: Path) -> list[list[float]]:
    """The measures of each epoch that do not depend on the machine's speed."""
    rows = list(csv.DictReader((folder / "metrics.csv").open()))
    return [[float(row[name]) for name in MEASURES] for row in rows]


@pytest.fixture(scope="module")
def watched(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """A run of two epochs, and what it told and showed as in a terminal of 200 columns."""
    from archdsl.training import run as training

    folder, train = tmp_path_factory.mktemp("runs") / "run", training.train
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "train", lambda *a, **more: train(*a, **{**more, "bar": True}))
        patch.setenv("COLUMNS", "200")
        told = run("train", "lenet", "--data", digits, "-o", folder, "--epochs", 2, catch=False)
    assert told.exit_code == 0, told.output
    return folder, told


@pytest.fixture(scope="module")
def trained(watched: tuple[Path, Result]) -> Path:
    """The folder of a run of two epochs."""
    return watched[0]


def test_a_bar_tells_loss_rate_and_speed(watched: tuple[Path, Result]) -> None:
    """On standard error, as what is told may go to a file."""
    told = watched[1]
    bar = told.stderr.splitlines()[-1]
    # 160 pictures in batches of 32; a rate of 0.1 for 256 (Goyal et al. 2017, section 2.1), which
    # has fallen to a tenth twice.
    assert "5/5" in bar and "rate: 0.000125" in bar and "loss: " in bar and "images/s: " in bar
    assert "5/5" not in told.stdout and "epoch 2/2: " in told.stdout


def test_the_folder_of_a_run(trained: Path) -> None:
    assert len(measures(trained)) == 2
    record = json.loads((trained / "run.json").read_text())
    assert record["network"]["classes"] == [str(digit) for digit in range(10)]
    assert record["versions"]["torch"] and record["recipe"]["seed"] == 0
    assert (trained / "curves.svg").read_text().count("<polyline") == 3
    table = list(csv.reader((trained / "confusion.csv").open()))
    assert sum(int(cell) for row in table[1:] for cell in row[1:]) == 40  # a fifth of 200
    assert len(list((trained / "pictures").glob("*.png"))) == 8
    assert list((trained / "tensorboard").glob("events*"))


def test_the_folder_stands_for_the_network(trained: Path, digits: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    module = archdsl.compile(trained)
    best = load_file(trained / "best.safetensors")
    assert all((module.state_dict()[name] == tensor).all() for name, tensor in best.items())
    assert not module.training
    picture = next((digits / "3").glob("*.png"))
    told = run("detect", trained, picture, "--json", catch=False)
    assert told.exit_code == 0 and "random weights" not in told.output
    (image,) = json.loads(told.stdout)["images"]
    assert {each["name"] for each in image["classes"]} <= {str(digit) for digit in range(10)}
    assert run("check", trained / "lenet.arch").exit_code == 0
    told = run("compile", trained, "-o", tmp_path / "again.safetensors")
    assert told.exit_code == 0, told.output
    again = load_file(tmp_path / "again.safetensors")
    assert all((again[name] == tensor).all() for name, tensor in best.items())


def test_the_folder_keeps_parameters_and_included_files(digits: Path, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "head.arch").write_text(
        "template <int N, typename SUBNET> using head = fc<N,relu<fc<8,SUBNET>>>;"
    )
    spec = tmp_path / "own.arch"
    spec.write_text(
        '#include "parts/head.arch"\nparam int classes = 3;\n'
        "using net_type = head<classes, input<1,8,8>>;"
    )
    out = tmp_path / "run"
    told = run(
        "train", spec, "-D", "classes=10", "--data", digits, "-o", out, "--epochs", 1,
        "--ema", "0.9", "--warmup", "0.5", "--clip", "1", "--label-smoothing", "0.1",
        "--augment", "strong", "--accumulate", 2, "--schedule", "cosine", catch=False,
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    (tmp_path / "parts" / "head.arch").unlink()
    assert archdsl.load(out).summary().outputs["output"] == (10,)


def test_a_run_resumes_as_if_nothing_had_happened(
    trained: Path, digits: Path, tmp_path: Path
) -> None:
    """A run that is stopped after its first epoch has the curve of the other."""
    out = tmp_path / "run"
    arguments = ("train", "lenet", "--data", digits, "-o", out, "--epochs", 2)
    from archdsl.training.learner import Keeper

    keep = Keeper.on_train_epoch_end
    with pytest.MonkeyPatch.context() as patch:

        def stop(self: Keeper, trainer: object, learner: object) -> None:
            keep(self, trainer, learner)  # type: ignore[arg-type]
            raise MemoryError

        patch.setattr(Keeper, "on_train_epoch_end", stop)
        assert run(*arguments).exit_code == 1
    (first,) = measures(out)
    assert first == pytest.approx(measures(trained)[0], rel=1e-6)  # sums in another order
    refused = run(*arguments)
    assert refused.exit_code == 1 and "holds a run already" in refused.output
    other = run(*arguments, "--resume", "--rate", "0.5")
    assert other.exit_code == 1 and "another recipe" in other.output
    assert run(*arguments, "--resume", catch=False).exit_code == 0
    assert measures(out) == measures(trained)
    written = (out / "best.safetensors").stat().st_mtime_ns
    told = run(*arguments, "--resume", catch=False)
    assert "finished" in told.output and told.exit_code == 0
    assert (out / "best.safetensors").stat().st_mtime_ns == written


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "archdsl", *map(str, arguments)]


QUIET = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.mark.slow
def test_lenet_learns_digits_through_a_kill(all_digits: Path, tmp_path: Path) -> None:
    """About a minute alone: twelve epochs, killed in one of them, and resumed."""
    out = tmp_path / "run"
    arguments = command("train", "lenet", "--data", all_digits, "-o", out, "--epochs", 12)
    process = subprocess.Popen(arguments, env=QUIET, stdout=subprocess.DEVNULL)
    while not (out / "checkpoint.ckpt").is_file():
        assert process.poll() is None
        time.sleep(0.1)
    time.sleep(1)  # into the next epoch
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(measures(out)) < 12
    subprocess.run([*arguments, "--resume"], env=QUIET, check=True)
    other = tmp_path / "other"
    subprocess.run([*arguments[:-3], str(other), *arguments[-2:]], env=QUIET, check=True)
    assert measures(out) == measures(other)
    assert max(row[-1] for row in measures(out)) >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_two_processes_learn_as_one(
    strategy: str, trained: Path, digits: Path, tmp_path: Path
) -> None:
    """About half a minute each: two processes of gloo have the losses of one."""
    out = tmp_path / "run"
    # Standalone: torchrun finds a port that is free, whatever else runs on the machine.
    launch = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
    ]
    subprocess.run(
        [*launch, *command(
            "train", "lenet", "--data", digits, "-o", out, "--epochs", 2, "--strategy", strategy
        )[1:]],
        env=QUIET, check=True,
    )  # fmt: skip
    for one, two in zip(measures(trained), measures(out), strict=True):
        assert two == pytest.approx(one, rel=1e-3)

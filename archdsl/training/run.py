"""A training run from its options to its folder."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as engine
import torch
from lightning.pytorch.callbacks import RichProgressBar
from lightning.pytorch.callbacks.progress.rich_progress import RichProgressBarTheme
from lightning.pytorch.strategies import ModelParallelStrategy
from torch.utils.data import DataLoader

from archdsl.api import Network
from archdsl.backends.torch.blocks import notes
from archdsl.diagnostics import ArchError, fail, listing
from archdsl.diagnostics.foreign import parsing
from archdsl.frontend.run_folder import BEST, RECORD
from archdsl.inference.predictor import predictor
from archdsl.text.output import make_folder, write
from archdsl.text.paths import is_folder
from archdsl.training import data, recipe, schedule
from archdsl.training.learner import Keeper, Learner
from archdsl.training.norms import average_as_dlib
from archdsl.training.recipe import Machine, Recipe
from archdsl.training.run_folder import RunWriter, read_record
from archdsl.training.tasks import Classification, Detection, Segmentation, Task, task_of
from archdsl.training.torchvision_sets import torchvision_set

_SHOWN = 8
"""Number of pictures with predictions that a run ends with."""


@dataclass(frozen=True)
class Data:
    """The places of pictures."""

    path: str
    """A folder, a file of objects (COCO's JSON, imglab's XML), or ``torchvision:NAME``."""
    images: str | None = None
    """The folder of the pictures of such a file, where it is not the file's own; of a data set of
    torchvision its place, by default ``data``."""

    def read(self, task: Task, share: float, seed: int) -> data.Pictures:
        """The samples and classes; raises ArchError where there are none."""
        path = Path(self.path)
        known = self.path.startswith("torchvision:")
        objects = path.suffix.lower() in (".json", ".xml")
        if objects != isinstance(task, Detection) or (
            known and not isinstance(task, Classification)
        ):
            raise fail(f"the network learns from {task.learns_from}", None, f"found {self.path}")
        if known:
            name = self.path.partition(":")[2]
            return torchvision_set(name, Path(self.images or "data"))
        if isinstance(task, Detection):
            images = None if self.images is None else Path(self.images)
            return data.objects(path, images, share, seed, task.wanted)
        if not is_folder(path):
            raise fail(f"there is no folder {path}", None, f"expected {task.learns_from}")
        read = data.label_maps if isinstance(task, Segmentation) else data.class_folders
        return read(path, share, seed)


def train(
    network: Network,
    pictures: Data,
    out: Path,
    wanted: Recipe,
    machine: Machine,
    *,
    weights: str | Path | None = None,
    new_head: bool = False,
    resume: bool = False,
    tell: Callable[[str], None] = print,
    bar: bool = False,
) -> Path:
    """Train a network on pictures; gives the folder of the run, which holds all that it came to.

    A network that was read from a run's folder starts from that run's weights where there are no
    others. ``resume`` goes on with the run in the folder ``out``, after its last whole epoch, as if
    it had not been interrupted. Raises ArchError for whatever does not fit: pictures, classes,
    batch, memory.
    """
    _hush()
    weights = weights or network.trained_weights
    network = network.settled(weights)
    module = network.to_torch(seed=wanted.seed, weights=weights, new_head=new_head).train()
    model = predictor(network, module)
    task = task_of(network, model)
    module.train()
    average_as_dlib(network, module)
    plan = task.completed(wanted)
    found = pictures.read(task, plan.split, plan.seed)
    task.require(found)
    assert plan.batch is not None
    if len(found.train) < plan.batch:
        raise fail(
            f"there are fewer pictures than a batch has: {len(found.train)}, and {plan.batch}",
            help=f"--batch {len(found.train)}",
        )
    learner = Learner(module, task, plan, machine, len(found.train) // plan.batch)
    writer = RunWriter(out, found.classes)
    first = int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0"))) == 0
    if first:
        _begin(writer, network, plan, pictures, weights, resume=resume)
    going_on = resume and writer.checkpoint.is_file()
    if going_on:
        with parsing(writer.checkpoint, "the state of a training run"):
            saved = torch.load(writer.checkpoint, map_location="cpu", weights_only=True)
            losses = [float(row["train_loss"]) for row in saved["history"]]
        if schedule.finished(plan, losses):
            tell(f"{out} is finished: {len(losses)} epochs")
            return out
    elif first:
        new = notes(module).get("new", ())
        tell(f"{len(found.train)} pictures to learn from, {len(found.held_out)} held out")
        if weights is not None and new:
            tell(f"new: {listing(new, 8)}")
    trainer = _trainer(machine, writer, task, plan, tell, bar)
    loaders = _loaders(trainer, task, plan, machine, found)
    try:
        trainer.fit(
            learner,
            *loaders,
            ckpt_path=str(writer.checkpoint) if going_on else None,
            weights_only=True if going_on else None,
        )
    except (torch.OutOfMemoryError, RuntimeError) as error:
        if isinstance(error, torch.OutOfMemoryError) or "not enough memory" in str(error):
            size = plan.batch or 0
            raise fail(
                f"a batch of {size} pictures does not fit into the memory",
                None,
                f"in {machine.accumulate} parts, on {trainer.world_size} devices",
                help=f"--accumulate {2 * machine.accumulate} computes it in smaller parts, which "
                "batch norms alone can tell; --plan says what fits",
            ) from None
        raise
    if trainer.interrupted:
        raise KeyboardInterrupt
    if trainer.is_global_zero:
        for name in learner.skipped:
            tell(f"left out: {name}")
        _show(network, writer, found, tell)
    return out


def _begin(
    writer: RunWriter,
    network: Network,
    plan: Recipe,
    pictures: Data,
    weights: str | Path | None,
    *,
    resume: bool,
) -> None:
    there = (writer.path / RECORD).is_file()
    if there and not resume:
        raise fail(
            f"{writer.path} holds a run already",
            help="--resume goes on with it; -o with another folder begins anew",
        )
    if there:
        with parsing(writer.path / RECORD, "the record of a training run"):
            before = Recipe(**read_record(writer.path)["recipe"])
        changed = recipe.differences(before, plan)
        if changed:
            raise fail(
                f"the run in {writer.path} has another recipe",
                None,
                *changed,
                help="a run is resumed with the options that it began with",
            )
        return
    writer.begin(network, plan, {**asdict(pictures), "weights": weights and str(weights)})


def _trainer(
    machine: Machine,
    writer: RunWriter,
    task: Task,
    plan: Recipe,
    tell: Callable[[str], None],
    bar: bool,
) -> engine.Trainer:
    local = os.environ.get("LOCAL_WORLD_SIZE")
    devices = machine.devices if local is None else int(local)
    nodes = int(os.environ.get("GROUP_WORLD_SIZE", "1")) if local is not None else 1
    several = devices * nodes > 1
    strategy: Any = "auto"
    if machine.strategy == "fsdp":
        if plan.ema:
            raise fail("averaged weights (--ema) are not sharded: use --strategy ddp")
        strategy = ModelParallelStrategy(devices * nodes, 1, save_distributed_checkpoint=False)
    elif several:
        strategy = "ddp"
    loggers: Any = False
    try:
        import tensorboard  # noqa: F401
        from lightning.pytorch.loggers import TensorBoardLogger

        loggers = TensorBoardLogger(writer.path, name=None, version="tensorboard")
    except ImportError:
        pass
    bars = [_Bar()] if bar else []
    assert plan.epochs is not None
    on_cuda = machine.device == "cuda" or (machine.device == "auto" and torch.cuda.is_available())
    return engine.Trainer(
        accelerator="cuda" if on_cuda else "cpu",
        devices=devices,
        num_nodes=nodes,
        strategy=strategy,
        max_epochs=plan.epochs,
        precision="bf16-mixed" if plan.precision == "bf16" else "32-true",
        accumulate_grad_batches=machine.accumulate,
        callbacks=[Keeper(writer, task.score, tell), *bars],
        logger=loggers,
        log_every_n_steps=10**9,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        sync_batchnorm=on_cuda and several and machine.strategy == "ddp",
        enable_progress_bar=bar,
        enable_model_summary=False,
        default_root_dir=writer.path,
    )


class _Bar(RichProgressBar):
    """The engine's bar on standard error, as what is printed may go to a file."""

    def __init__(self) -> None:
        theme = RichProgressBarTheme(metrics_format=".4g")
        super().__init__(theme=theme, console_kwargs={"stderr": True})

    def get_metrics(self, *given: Any) -> dict[str, Any]:
        shown: dict[str, Any] = super().get_metrics(*given)
        shown.pop("v_num", None)  # a part of the logger's folder
        return shown


def _loaders(
    trainer: engine.Trainer, task: Task, plan: Recipe, machine: Machine, found: data.Pictures
) -> tuple[DataLoader[Any], DataLoader[Any]]:
    world, rank = trainer.world_size, trainer.global_rank
    each = recipe.parts(plan, machine, world)
    made = []
    for samples, augment, order in (
        (found.train, plan.augment, data.Order),
        (found.held_out, "none", data.Turns),
    ):
        split = data.Split(samples, task.reader(augment), plan.seed, plan.skip_broken)
        learning = order is data.Order
        made.append(
            DataLoader(
                split,
                each,
                sampler=order(split, world, rank, learning, plan.seed, drop_last=learning),
                num_workers=machine.workers,
                collate_fn=_Collate(task),
                drop_last=learning,
            )
        )
    return made[0], made[1]


class _Collate:
    """Makes a batch of items; ``None`` for images where one of them is missing."""

    def __init__(self, task: Task) -> None:
        self.collated = task.collated

    def __call__(self, items: Sequence[data.Item]) -> tuple[Any, Any, tuple[str, ...]]:
        broken = tuple(name for item in items for name in item.broken)
        if any(item.value is None for item in items):
            return None, None, broken
        return *self.collated([item.value for item in items]), broken


def _show(
    network: Network, writer: RunWriter, found: data.Pictures, tell: Callable[[str], None]
) -> None:
    """Write some held out pictures with what the best weights find in them."""
    module = network.to_torch(weights=writer.path / BEST)
    model = predictor(network, module)
    folder = writer.path / "pictures"
    make_folder(folder)
    names = writer.classes if model.classes == len(writer.classes) else ("", *writer.classes)
    for index, sample in enumerate(
        found.held_out[:: max(1, len(found.held_out) // _SHOWN)][:_SHOWN]
    ):
        try:
            picture, _ = data.picture_of(sample.picture)
        except ArchError:
            continue  # it is among those that were left out
        write(folder / f"{index + 1}.png", model.predict(picture, names).png())
    tell(f"wrote {writer.path}")


def _hush() -> None:
    """Keep the engine's advertisements and hints from standard error."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")

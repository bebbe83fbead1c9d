"""The bridge to Lightning: a module that learns by a recipe, and what is kept after each epoch."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import lightning.pytorch as engine
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.strategies import ModelParallelStrategy
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from archdsl.diagnostics import fail
from archdsl.training import schedule
from archdsl.training.blocks import recomputed, shard
from archdsl.training.recipe import Machine, Recipe
from archdsl.training.run_folder import RunWriter
from archdsl.training.tasks import Task

Row = Mapping[str, float]
"""The measures of an epoch."""


class Learner(engine.LightningModule):
    """A network that learns by a recipe."""

    def __init__(
        self, net: nn.Module, task: Task, recipe: Recipe, machine: Machine, steps: int
    ) -> None:
        """``steps`` is the number of steps of the optimiser in an epoch."""
        super().__init__()
        self.steps = steps
        self.net, self.task, self.recipe, self.machine = net, task, recipe, machine
        self.metric = task.metric
        self.ema: AveragedModel | None = None
        if recipe.ema:
            average = get_ema_multi_avg_fn(recipe.ema)  # type: ignore[no-untyped-call]
            self.ema = AveragedModel(net, multi_avg_fn=average, use_buffers=True)
            self.ema.requires_grad_(False)
        if machine.checkpointing:
            recomputed(net)
        if machine.compile:
            net.compile()
        self.history: list[Row] = []
        self.skipped: dict[str, None] = {}

    @property
    def used(self) -> nn.Module:
        """The network with the weights that are measured and kept: the averaged ones, if any."""
        return self.net if self.ema is None else self.ema.module

    @property
    def losses(self) -> list[float]:
        """The loss in training of each epoch."""
        return [row["train_loss"] for row in self.history]

    @property
    def _rate(self) -> float:
        """The learning rate of the step at hand."""
        rate: float = self.optimizers().param_groups[0]["lr"]  # type: ignore[union-attr]
        return rate

    def configure_model(self) -> None:
        if isinstance(self.trainer.strategy, ModelParallelStrategy):
            assert self.device_mesh is not None
            shard(self.net, self.device_mesh["data_parallel"])

    def configure_optimizers(self) -> Any:
        optimizer = schedule.optimizer(self.net, self.recipe)
        rate = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: schedule.factor(self.recipe, step / self.steps, self.losses)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": rate, "interval": "step"}}

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        if self.recipe.clip:
            nn.utils.clip_grad_norm_(self.net.parameters(), self.recipe.clip)

    def on_train_epoch_start(self) -> None:
        # Dropout and mixup draw from here on the same numbers after an interruption, too.
        torch.manual_seed(
            (self.recipe.seed * 1_000_003 + self.current_epoch) * 1009 + self.global_rank
        )
        self._sum = torch.zeros(2, dtype=torch.float64)
        self._started = time.perf_counter()

    def training_step(self, batch: Any, index: int) -> Tensor:
        images, targets, broken = batch
        self._note(broken, images is None)
        loss = self.task.loss(self.net, images, targets, self.recipe)
        value = loss.detach()
        if not value.isfinite():
            raise fail(
                f"the loss is {value.item()} in epoch {self.current_epoch + 1}, step {index + 1}",
                None,
                f"the learning rate is {self._rate:g}",
                help="a smaller --rate, --warmup 1 or --clip 1 keeps steps small",
            )
        count = len(images)
        self._sum += torch.tensor([value.item() * count, count], dtype=torch.float64)
        seconds = time.perf_counter() - self._started
        speed = self._sum[1].item() * self.trainer.world_size / seconds
        shown: dict[str, Tensor | float] = {"loss": value, "rate": self._rate, "images/s": speed}
        self.log_dict(shown, prog_bar=True, logger=False)
        return loss

    def on_train_batch_end(self, *_: Any) -> None:
        if self.ema is not None and self.global_step > self.ema.n_averaged.item():
            self.ema.update_parameters(self.net)

    def on_validation_epoch_start(self) -> None:
        self.used.eval()
        self._held = torch.zeros(2, dtype=torch.float64)

    def validation_step(self, batch: Any, index: int) -> None:
        images, targets, broken = batch
        self._note(broken, images is None)
        loss = self.task.measure(self.used, images, targets)
        if loss is not None:
            count = len(images)
            self._held += torch.tensor([loss.item() * count, count], dtype=torch.float64)

    def on_train_epoch_end(self) -> None:
        """Makes the epoch's row; the keeper comes afterwards."""
        loss, images = self._gathered(self._sum)
        row = {
            "epoch": float(self.current_epoch + 1),
            "rate": self._rate,
            "train_loss": loss / images,
        }
        loss, count = self._gathered(self._held)
        if count:
            row["val_loss"] = loss / count
        row |= self.task.measures()
        row["images_per_second"] = images / (time.perf_counter() - self._started)
        self.history.append(row)
        self.log_dict({k: v for k, v in row.items() if k != "epoch"}, sync_dist=False)
        if schedule.finished(self.recipe, self.losses):
            self.trainer.should_stop = True

    def _gathered(self, sums: Tensor) -> list[float]:
        """Sums over all processes."""
        total = self.trainer.strategy.reduce(sums.float().to(self.device), reduce_op="sum")
        values: list[float] = (total if self.trainer.world_size > 1 else sums).tolist()
        return values

    def _note(self, broken: Sequence[str], stop: bool) -> None:
        if stop:
            if self.recipe.skip_broken:
                raise fail("none of the pictures can be read", None, broken[-1])
            raise fail(broken[-1], help="--skip-broken leaves it out")
        self.skipped.update(dict.fromkeys(broken))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["history"] = [dict(row) for row in self.history]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.history = list(checkpoint["history"])


class Keeper(Checkpoint):
    """Writes what a run has come to after each epoch; the checkpoint, whole or not at all, last."""

    def __init__(self, writer: RunWriter, score: str, tell: Callable[[str], None]) -> None:
        self.writer, self.score, self.tell = writer, score, tell

    def on_train_epoch_end(
        self, trainer: engine.Trainer, pl_module: engine.LightningModule
    ) -> None:
        assert isinstance(pl_module, Learner)
        checkpoint = self.writer.checkpoint
        temporary = checkpoint.with_suffix(".part")
        trainer.save_checkpoint(temporary)  # by all processes
        if trainer.is_global_zero:
            # Sharded parameters are whole in the checkpoint alone.
            saved = torch.load(temporary, map_location="cpu", weights_only=True)["state_dict"]
            prefix = "net." if pl_module.ema is None else "ema.module."
            state = {k.removeprefix(prefix): v for k, v in saved.items() if k.startswith(prefix)}
            rows = pl_module.history
            scores = [row[self.score] for row in rows]
            best = scores[-1] >= max(scores)
            self.writer.keep(rows, state, best=best)
            if best:
                self.writer.texts(pl_module.task.files(self.writer.classes))
            os.replace(temporary, checkpoint)
            row = rows[-1]
            shown = (k for k in ("train_loss", "val_loss", self.score) if k in row)
            words = ", ".join(f"{k.replace('_', ' ')} {row[k]:.4f}" for k in shown)
            self.tell(
                f"epoch {len(rows)}/{pl_module.recipe.epochs}: {words}, rate {row['rate']:.2g}"
            )
        pl_module.task.metric.reset()
        trainer.strategy.barrier()

"""The options of a training run: how a network learns, and on which machine."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

from archdsl.diagnostics import fail


def option(text: str, default: Any, **more: Any) -> Any:
    """A field of a recipe with its text for the command line.

    ``choices`` are the values that a word may have, ``least`` and ``below`` bound a number.
    """
    return field(default=default, metadata={"text": text, **more})


@dataclass(frozen=True)
class Recipe:
    """How a network learns. ``None`` stands for what the task's reference in torchvision does.

    A run's curve depends on nothing else: not on the number of processes nor on interruptions.
    """

    epochs: int | None = option("Passes over the pictures.", None, type=int, least=1)
    batch: int | None = option("Pictures in a step, of all processes.", None, type=int, least=1)
    rate: float | None = option("Learning rate after warm-up.", None, type=float, above=0)
    optimizer: str = option(
        "How weights follow gradients.", "sgd", choices=("sgd", "adam", "adamw")
    )
    momentum: float = option("Momentum of SGD.", 0.9, least=0, below=1)
    weight_decay: float = option("Of weights; norms and biases have none.", 1e-4, least=0)
    schedule: str | None = option(
        "How the rate falls: in three steps, by a cosine, by the power 0.9 of what is left, or, as "
        "dlib's trainer does, whenever progress stops.",
        None,
        choices=("step", "cosine", "poly", "plateau", "constant"),
    )
    warmup: float = option("Epochs in which the rate rises from 0.", 0.0, least=0)
    shrink: float = option("Factor of the rate at a step or a plateau.", 0.1, above=0, below=1)
    patience: int = option("Epochs without progress that are a plateau.", 5, least=1)
    smallest_rate: float = option("Rate below which a plateau ends the run.", 1e-5, above=0)
    label_smoothing: float = option("Share of a label given to all classes.", 0.0, least=0, below=1)
    augment: str = option(
        "How pictures vary: standard crops and flips, strong adds RandAugment and mixup (for boxes "
        "colours and crops), alexnet has the paper's crops and flips, and colours.",
        "none",
        choices=("none", "standard", "strong", "alexnet"),
    )
    ema: float = option(
        "Decay of averaged weights, such as 0.999; 0 for none.", 0.0, least=0, below=1
    )
    clip: float = option("Greatest norm of the gradients; 0 for any.", 0.0, least=0)
    precision: str = option("bf16 is mixed precision.", "32", choices=("32", "bf16"))
    split: float = option("Share that is held out, without a folder val.", 0.2, above=0, below=1)
    seed: int = option("Of initial weights, split, order and augmentation.", 0, least=0)
    skip_broken: bool = option("Leave out pictures that cannot be read.", False)

    def completed(self, epochs: int, batch: int, rate: float, images: int, schedule: str) -> Recipe:
        """The recipe with a task's values for those left open.

        ``rate`` is that of a batch of so many ``images``, and is scaled (Goyal et al. 2017, 2.1).
        """
        size = self.batch or batch
        return replace(
            self,
            epochs=self.epochs or epochs,
            batch=size,
            rate=self.rate or rate * size / images,
            schedule=self.schedule or schedule,
        )


@dataclass(frozen=True)
class Machine:
    """Where a run takes place; this changes its speed and memory, not its curve."""

    device: str = option("cpu or cuda; by itself cuda where there is some.", "auto")
    devices: int = option("Processes on this machine; torchrun sets it itself.", 1, least=1)
    strategy: str = option(
        "Copies of the network on each device, or its parts.", "ddp", choices=("ddp", "fsdp")
    )
    accumulate: int = option("Parts in which a batch is computed, to save memory.", 1, least=1)
    checkpointing: bool = option("Compute a block's inner values anew, to save memory.", False)
    compile: bool = option("Let torch.compile make it faster.", False)
    workers: int = option("Processes that read pictures.", 0, least=0)


def differences(one: Recipe, other: Recipe) -> list[str]:
    """The options in which two recipes differ, with both values."""
    pairs = ((f.name, getattr(one, f.name), getattr(other, f.name)) for f in fields(Recipe))
    return [f"{name}: {a} and {b}" for name, a, b in pairs if a != b]


def parts(recipe: Recipe, machine: Machine, processes: int) -> int:
    """Pictures that a process computes at once; raises ArchError where the batch is no multiple."""
    assert recipe.batch is not None
    count = processes * machine.accumulate
    if recipe.batch % count:
        raise fail(
            f"a batch of {recipe.batch} pictures cannot be divided into {count} equal parts",
            None,
            f"{processes} processes compute {machine.accumulate} parts each",
            help=f"--batch {-(-recipe.batch // count) * count}",
        )
    return recipe.batch // count

"""Measured time of one module against another, and the largest difference of their outputs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

Run = Callable[[], Any]

_SECONDS = 1.5
_FEWEST, _MOST = 3, 31


class Speed(NamedTuple):
    """Seconds of two functions that compute the same, measured in turns.

    Seconds are medians; ``ratio`` is the median over the pairs of the first one's time by the
    second one's, ``best`` that of their shortest times, which other work on the machine disturbs
    least.
    """

    seconds: float
    reference_seconds: float
    ratio: float
    best: float


class OutputDifference(NamedTuple):
    """Largest difference of two results: absolute, and as a share of the output's largest value."""

    absolute: float
    relative: float


def speed(run: Run, reference: Run) -> Speed:
    """Time two functions in turns, for a second or two; one of each is run before that.

    Which of the two goes first alternates, since the second finds warmer caches.
    """
    spent = _seconds(run) + _seconds(reference)
    pairs = min(_MOST, max(_FEWEST, int(_SECONDS / max(spent, 1e-9))))
    mine: list[float] = []
    theirs: list[float] = []
    for index in range(pairs):
        for work, times in ((run, mine), (reference, theirs))[:: -1 if index % 2 else 1]:
            times.append(_seconds(work))
    ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
    return Speed(statistics.median(mine), statistics.median(theirs), ratio, min(mine) / min(theirs))


def _seconds(run: Run) -> float:
    start = time.perf_counter()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def difference(result: Any, reference: Any) -> OutputDifference | None:
    """Largest difference of two results; ``None`` where their tensors differ in shape."""
    ours, theirs = list(_tensors(result)), list(_tensors(reference))
    if [part.shape for part in ours] != [part.shape for part in theirs]:
        return None
    pairs = [(a.double(), b.double()) for a, b in zip(ours, theirs, strict=True) if b.numel()]
    largest = [(a - b).abs().max().item() for a, b in pairs]
    scales = [b.abs().max().item() for _, b in pairs]
    relative = [d / s if s else d for d, s in zip(largest, scales, strict=True)]
    return OutputDifference(max(largest, default=0.0), max(relative, default=0.0))


def _tensors(result: Any) -> Iterator[Tensor]:
    """All tensors of a result, in its own lists and dicts, which are few."""
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, Mapping):
        for part in result.values():
            yield from _tensors(part)
    else:
        for part in result:
            yield from _tensors(part)

"""What the benchmarks share: timing in pairs, and one line per result."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

Clock = Callable[[], float]


def seconds(work: Callable[[], object], clock: Clock = time.perf_counter) -> float:
    """How long one call takes; by ``time.process_time`` what it computes, whatever else runs."""
    start = clock()
    work()
    return clock() - start


def paired(
    ours: Callable[[], object],
    reference: Callable[[], object],
    pairs: int,
    clock: Clock = time.perf_counter,
) -> float:
    """The median of the ratios of pairs, measured in turns so that both see the same machine.

    Which of the two goes first alternates, since the second finds warmer caches.
    """
    ours()
    reference()
    ratios = []
    for index in range(pairs):
        if index % 2:
            mine, theirs = seconds(ours, clock), seconds(reference, clock)
        else:
            theirs, mine = seconds(reference, clock), seconds(ours, clock)
        ratios.append(mine / theirs)
    return statistics.median(ratios)


def report(name: str, value: float, bound: float, *, at_least: bool = False) -> None:
    """Print a result beside the bound that it is to keep."""
    kept = value >= bound if at_least else value <= bound
    sign = ">=" if at_least else "<="
    shown = f"{value:,.0f}" if value >= 100 else f"{value:.3f}"
    limit = f"{bound:,.0f}" if at_least else f"{bound:g}"
    print(f"{name:<58} {shown:>10}   {sign} {limit:<8} {'ok' if kept else 'MISSED'}", flush=True)

"""Making many objects that stay: what Python's garbage collector costs there."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the cyclic garbage collector from running while a stage builds its result.

    A tree or graph of a hundred thousand layers is millions of objects, none of them garbage; the
    collector would look at them again and again while they are made, which takes as long as making
    them. Whatever the stage drops is freed by reference counts as ever. Also a decorator.

    Stages may run in several threads at once: only those that found the collector running start it
    again, and one of them is always among those that paused it.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()

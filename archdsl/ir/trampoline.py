"""A trampoline: runs generators that wait for each other without using Python's stack.

A generator yields another one to have its result. The pending ones are held in a list, so that
neither the nesting of a text nor that of templates is limited by recursion.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar, cast

T = TypeVar("T")
Task = Generator[Any, Any, T]
"""A computation of a ``T`` that may yield other tasks and is sent their results."""


def run(task: Task[T]) -> T:
    """The result of a task; exceptions pass through the waiting tasks as through calls."""
    pending: list[Task[Any]] = [task]
    result: Any = None
    error: Exception | None = None
    while pending:
        current = pending[-1]
        try:
            if error is None:
                awaited = current.send(result)
            else:
                raised, error = error, None
                awaited = current.throw(raised)
        except StopIteration as stop:
            pending.pop()
            result = stop.value
        except Exception as raised:  # handed to the task that waits, as a call would
            pending.pop()
            error = raised
        else:
            pending.append(awaited)
            result = None
    if error is not None:
        raise error
    return cast(T, result)

"""Tests run in as many processes as there are cores, so each of them computes in one thread.

What hypothesis draws is the same in every run, so that a run tells of the change and not of the
day; ``--hypothesis-profile=exploring`` draws anew, and tells the seed of what it finds.
"""

import gc
import os
from pathlib import Path

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, database=None)
settings.register_profile("exploring", print_blob=True)
settings.load_profile("repeatable")

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

_MUCH = 2**29
_STATISTICS = Path("/proc/self/statm")
_kept = 2**30


def _bytes() -> int:
    """The memory of this process; 0 where the system does not tell."""
    if not _STATISTICS.exists():
        return 0
    return int(_STATISTICS.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def pytest_runtest_logfinish() -> None:
    """Collect what is left of large networks.

    Modules are cycles, and Python's collector goes by the number of objects, not by their size:
    gigabytes wait for it, in every process.
    """
    global _kept
    used = _bytes()
    if used > _kept + _MUCH:
        gc.collect()
        _kept = _bytes()
    else:
        _kept = min(_kept, used)

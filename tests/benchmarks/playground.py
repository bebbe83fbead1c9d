"""How long the playground takes, in Chromium: until its first figure, and from a key to a figure.

Run: python tests/benchmarks/playground.py [SITE]

SITE is a folder that ``archdsl playground`` wrote; by default a new one is made, for which npm has
to bring the packages. The browser starts without a cache each time. The bounds are seconds of a
machine with two cores that does nothing else.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import report
from support.browser import opened, served

from archdsl.playground.site import write_site

DRAWN = "return document.documentElement.dataset.drawn"
KEYS = 9


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else write_site(Path(name) / "site").folder
        with served(folder) as root:
            address = f"{root}#spec=resnet50"
            report("seconds to the first figure, resnet50", first(address), 10)
            report("seconds from a key to the figure, resnet50", keystroke(address), 0.5)


def first(address: str) -> float:
    """Median of three loads, each of a new browser."""
    found = []
    for _ in range(3):
        with opened() as driver:
            start = time.monotonic()
            driver.get(address)
            _drawn(driver, None)
            found.append(time.monotonic() - start)
    return statistics.median(found)


def keystroke(address: str) -> float:
    """Median of keys that each add a space to the end of the text."""
    found = []
    with opened() as driver:
        driver.get(address)
        _drawn(driver, None)
        text = driver.find_element("css selector", ".cm-content")
        text.send_keys("\ue009\ue010\ue000")  # control and end, let go
        for _ in range(KEYS):
            before = driver.execute_script(DRAWN)
            start = time.monotonic()
            text.send_keys(" ")
            _drawn(driver, before)
            found.append(time.monotonic() - start)
    return statistics.median(found)


def _drawn(driver: Any, before: str | None) -> None:
    """Wait until a figure stands for another text than ``before``."""
    end = time.monotonic() + 120
    while driver.execute_script(DRAWN) == before:
        if time.monotonic() > end:
            raise SystemExit("no figure in two minutes")
        time.sleep(0.005)


if __name__ == "__main__":
    main()

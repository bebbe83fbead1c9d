"""Start-up as a ratio to the imports it cannot avoid; layers per second from text to checked graph.

Run: python tests/benchmarks/front_end.py
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from measure import paired, report, seconds

import archdsl

ROOT = Path(__file__).resolve().parents[2]


def start_up() -> None:
    def process(*arguments: str) -> None:
        subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, capture_output=True)

    ratio = paired(
        lambda: process("-m", "archdsl", "check", "specs/resnet152.arch"),
        lambda: process("-c", "import networkx, lark"),
        pairs=15,
    )
    report("check resnet152 / import networkx, lark", ratio, 2.5)


def repeated(layers: int) -> str:
    """A spec of about so many layers, in blocks of four."""
    return (
        "template <typename SUBNET> using two = relu<con<8,3,3,1,1,relu<con<8,3,3,1,1,SUBNET>>>>; "
        f"using net_type = repeat<{layers // 4},two,input<8,16,16>>;"
    )


def nested(layers: int) -> str:
    """A spec of so many layers, all written out."""
    return "relu<con<8,3,3,1,1," * (layers // 2) + "input<8,16,16>" + ">" * layers


def rates() -> None:
    """The best of several runs: what the machine does besides only ever makes a run slower."""
    cases = {f"{n:,} layers by repeat": repeated(n) for n in (1_000, 10_000, 100_000)}
    cases["10,000 layers nested"] = nested(10_000)
    archdsl.load(repeated(100)).check()
    for name, text in cases.items():
        runs = 3 if "100,000" in name else 7
        best = min(seconds(lambda text=text: archdsl.load(text).check()) for _ in range(runs))
        layers = len(archdsl.load(text).graph)
        report(f"layers per second, {name}", layers / best, 20_000, at_least=True)


if __name__ == "__main__":
    start_up()
    rates()

"""Start-up beside its imports; layers per second from text to checked regions; repeated layers.

Run: python tests/benchmarks/front_end.py
"""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from functools import partial
from pathlib import Path

from measure import paired, report, seconds

import archdsl
from archdsl.frontend.elaborate import Limits

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
        layers = archdsl.load(text).checked.layers
        report(f"layers per second, {name}", layers / best, 20_000, at_least=True)


BLOCKS = (
    "template <typename S> using cbr = relu<bn_con<con<8,3,3,1,1,S>>>;"
    "template <typename S> using body = con<8,3,3,1,1,relu<con<8,3,3,1,1,S>>>;"
    "template <typename S> using res = relu<residual<body,S>>;"
    "template <typename S> using dlib_res = relu<add_prev1<con<8,3,3,1,1,tag1<S>>>>;"
)


def distinct_work() -> None:
    """A million layers by repeat beside a thousand, in time and in memory."""

    def check(block: str, layers: int, each: int) -> None:
        text = f"{BLOCKS} using net_type = repeat<{layers // each},{block},input<8,16,16>>;"
        network = archdsl.load(text, limits=Limits(layers=2 * layers))
        _ = str(network.check().summary()), network.advice

    def peak(block: str, layers: int, each: int) -> int:
        tracemalloc.start()
        check(block, layers, each)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    for block, each in {"relu": 1, "cbr": 3, "res": 5, "dlib_res": 3}.items():
        few, many = (block, 1_000, each), (block, 1_000_000, each)
        ratio = paired(partial(check, *many), partial(check, *few), pairs=25)
        report(f"time of 1,000,000 / 1,000 layers, {block}", ratio, 1.5)
        report(f"memory of 1,000,000 / 1,000 layers, {block}", peak(*many) / peak(*few), 1.5)


if __name__ == "__main__":
    start_up()
    rates()
    distinct_work()

"""Reads damaged files by hand: ``python tests/fuzz/run.py FORMAT --cases 10000 --seed 0``.

Prints how many cases there were and how long one took, each kind of fault with its count and its
first case, and leaves that case's file in ``--keep``. The exit status is 1 where there was a fault.
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))


def main() -> None:
    from fuzz.cases import CaseMaker
    from fuzz.formats import FORMATS
    from fuzz.oracle import Fault, judged

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("format", choices=FORMATS)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="number of the first case")
    parser.add_argument("--minutes", type=float, default=3, help="stop after so many of CPU time")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir(), "fuzz"))
    parser.add_argument("--guarded", action="store_true", help="tell what the guards caught")
    arguments = parser.parse_args()
    arguments.keep.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    guarded: Counter[str] = Counter()
    first: dict[str, int] = {}
    slowest = (0.0, 0)
    done = 0
    with tempfile.TemporaryDirectory() as folder:
        make = CaseMaker(arguments.format, Path(folder))
        start = time.process_time()
        for seed in range(arguments.seed, arguments.seed + arguments.cases):
            if time.process_time() - start > 60 * arguments.minutes:
                break
            path = make.file(seed)
            # A case that hangs in C is told by where it hangs.
            faulthandler.dump_traceback_later(60, exit=True)
            before = time.process_time()
            found = judged(lambda path=path: make.format.read(path))
            slowest = max(slowest, (time.process_time() - before, seed))
            done += 1
            if done % 2000 == 0:
                print(f"... {done:,} cases, {counts.total():,} faults", flush=True)
            if not isinstance(found, Fault):
                if found.guarded is not None:
                    guarded[found.guarded] += 1
                    first.setdefault(found.guarded, seed)
                continue
            counts[found.kind] += 1
            if counts[found.kind] == 1:
                kept = arguments.keep / f"{arguments.format}-{seed}{make.format.suffix}"
                kept.write_bytes(path.read_bytes())
                print(f"==== {found.kind}: seed {seed}, {kept}\n{found.story}", flush=True)
        faulthandler.cancel_dump_traceback_later()
        spent = time.process_time() - start
    for kind, count in guarded.most_common():
        if arguments.guarded:
            print(f"{count:7} guarded: {kind}, seed {first[kind]}")
    for kind, count in counts.most_common():
        print(f"{count:7} {kind}")
    print(
        f"{arguments.format}: {done:,} cases from seed {arguments.seed}, "
        f"{counts.total():,} faults; "
        f"{1000 * spent / max(1, done):.1f} ms a case, the slowest {slowest[0]:.2f} s "
        f"(seed {slowest[1]})"
    )
    sys.exit(bool(counts))


if __name__ == "__main__":
    main()

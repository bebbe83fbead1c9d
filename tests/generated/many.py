"""Many random networks by hand: ``python tests/generated/many.py 2000 --first 0``.

Prints how often each property held, was not compared or was refused, by reason, and the networks of
which one does not hold, one of each kind of failure.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections import Counter, defaultdict
from pathlib import Path
from random import Random

sys.path[:0] = [str(Path(__file__).parents[n]) for n in (0, 1)]
sys.path[:0] = [str(Path(__file__).parents[1] / folder) for folder in ("exports", "formatting")]


def main() -> None:
    import torch
    from modules import REASONS
    from properties import PROPERTIES
    from support.random_networks import network_of

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first network")
    parser.add_argument("--only", nargs="*", choices=PROPERTIES, default=list(PROPERTIES))
    parser.add_argument("--every", type=int, default=1, help="take every so many of the seeds")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    held: Counter[str] = Counter()
    failures: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for seed in range(arguments.first, arguments.first + arguments.count, arguments.every):
        layers = Random(seed).randint(1, 8)
        text = network_of(seed, layers)
        for name in arguments.only:
            try:
                PROPERTIES[name](text)
                held[name] += 1
            except Exception as error:
                last = traceback.extract_tb(error.__traceback__)[-1]
                kind = f"{name}: {type(error).__name__} at {last.filename}:{last.lineno}"
                failures[kind].append((seed, text, traceback.format_exc()))
                if len(failures[kind]) == 1:
                    print(f"==== {kind}, network_of({seed}, {layers})\n{text}", flush=True)
                    print("".join(traceback.format_exc())[-1500:], flush=True)
        if seed % 50 == 0:
            print("...", seed, dict(held), flush=True)
    print("held:", dict(held))
    for reason, count in REASONS.most_common():
        print(f"{count:6} {reason}")
    for kind, found in sorted(failures.items(), key=lambda each: -len(each[1])):
        print(f"FAILED {len(found):4} {kind}: seeds {[seed for seed, *_ in found][:8]}")
        print("       ", min((text for _, text, _ in found), key=len))
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()

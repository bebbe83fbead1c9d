"""The command line: ``python tests/mutation --help``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:1] = [str(ROOT), str(ROOT / "tests")]

import mutation  # noqa: E402
from mutation.asking import NOT_EXCHANGED, InPlace, Verdict, anew, forked, in_place  # noqa: E402
from mutation.places import Change, Equivalents, chosen, named, room  # noqa: E402
from mutation.reached import Reached, record  # noqa: E402


class Results:
    """Verdicts in a file, a line each: what is stopped goes on where it was."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.known: dict[str, Verdict] = {}
        if file.exists():
            for line in file.read_text(encoding="utf-8").splitlines():
                change, *verdict = json.loads(line)
                self.known[change] = Verdict(*verdict)

    def add(self, change: Change, verdict: Verdict) -> None:
        self.known[str(change)] = verdict
        line = json.dumps([str(change), *verdict]) + "\n"
        with self.file.open("a", encoding="utf-8") as file:
            file.write(line)

    def found(self, change: Change) -> str | None:
        verdict = self.known.get(str(change))
        return verdict.found if verdict else None


def judge(changes: list[Change], reached: Reached, results: Results, budget: float) -> None:
    """Ask in place what can be asked so, and the rest anew."""
    asked = {change: reached.by(change) for change in changes}
    for change in changes:
        if not asked[change]:
            results.add(change, Verdict("unreached"))
    all_of_them = [(change, tests) for change, tests in asked.items() if tests]

    def answer(change: Change | None, verdict: Verdict) -> None:
        assert change
        results.add(change, Verdict("open") if verdict.by == NOT_EXCHANGED else verdict)

    apart(lambda: in_place(InPlace(all_of_them, reached.seconds, budget, answer)))
    told = Results(results.file)
    rest = [change for change in changes if told.found(change) == "open"]
    judge_anew(rest, reached, results, budget)


def judge_anew(changes: list[Change], reached: Reached, results: Results, budget: float) -> None:
    """Import everything for each change, so that what is made by importing is changed too."""
    for change in changes:
        tests = reached.by(change)
        if tests:
            work = partial(anew, change, tests)
            results.add(change, forked(work, reached.seconds, budget))


def control(results: Results, reached: Reached, budget: float) -> None:
    """Ask the tests that noticed something, without a change; print those that fail."""
    tests = sorted({verdict.by for verdict in results.known.values() if "::" in verdict.by})
    waiting = iter(tests)

    def answer(_: Change | None, verdict: Verdict) -> None:
        test = next(waiting)
        if verdict.found == "killed":
            print(f"fails unchanged: {test}", flush=True)

    asked: list[tuple[Change | None, list[str]]] = [(None, [test]) for test in tests]
    in_place(InPlace(asked, reached.seconds, budget, answer))
    print(f"{len(tests)} tests asked without a change")


def apart(work: Callable[[], None]) -> None:
    """``work`` in a process of its own, so that nothing it imports is imported here."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def score(changes: list[Change], results: Results, listed: bool) -> None:
    """Print the verdicts by room, and what survived."""
    equivalents = Equivalents()
    rooms: dict[str, Counter[str]] = defaultdict(Counter)
    for change in changes:
        found = "equivalent" if change in equivalents else results.found(change) or "open"
        rooms[room(change.path)][found] += 1
        if listed and found in ("survived", "unreached"):
            print(f"{found:10} {change}")
    rooms["all"] = sum(rooms.values(), Counter())
    print("room          judged  killed  equivalent  score")
    for name, found in sorted(rooms.items(), key=lambda each: (each[0] == "all", each[0])):
        judged = found.total() - found["open"]
        counted = judged - found["equivalent"]
        part = f"{100 * found['killed'] / counted:5.1f}%" if counted else ""
        print(f"{name:12} {judged:7} {found['killed']:7} {found['equivalent']:11} {part}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/mutation", description=mutation.__doc__)
    parser.add_argument("--record", type=Path, help="write which tests call which function")
    parser.add_argument("--tests", nargs="*", default=["tests"], help="what --record runs")
    parser.add_argument("--reached", type=Path, nargs="+", help="what --record has written")
    parser.add_argument("--results", type=Path, help="where verdicts are kept")
    parser.add_argument("--places", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[], help="beginnings of paths")
    parser.add_argument("--named", action="store_true", help="what named.toml names alone")
    parser.add_argument("--budget", type=float, default=60, help="seconds of CPU for a place")
    parser.add_argument("--part", default="0/1", help="of several processes: the second of three")
    parser.add_argument("--again", action="store_true", help="ask again whatever survived")
    parser.add_argument(
        "--anew", action="store_true", help="ask again, and import everything with the change"
    )
    parser.add_argument(
        "--control", action="store_true", help="ask the tests that noticed, without a change"
    )
    arguments = parser.parse_args()
    os.chdir(ROOT)
    os.environ["OMP_NUM_THREADS"] = "1"
    if arguments.record:
        record(arguments.record.resolve(), arguments.tests)
        return
    if not arguments.results:
        parser.error("--record FILE comes first, then --reached FILE --results OTHER")
    results = Results(arguments.results.resolve())
    changes = chosen(arguments.places, arguments.seed, arguments.only)
    if arguments.named:
        changes = named()
    if arguments.reached:
        prepare()
        reached = Reached([file.resolve() for file in arguments.reached])
        number, parts = map(int, arguments.part.split("/"))
        mine = [change for change in changes[number::parts] if change not in Equivalents()]
        if arguments.control:
            control(results, reached, arguments.budget)
        else:
            again = arguments.again or arguments.anew
            wanted = ("survived", "unreached") if again else (None, "open", "unreached")
            mine = [change for change in mine if results.found(change) in wanted]
            asking = judge_anew if arguments.anew else judge
            asking(mine, reached, results, arguments.budget)
    score(changes, Results(results.file), listed=True)


def prepare() -> None:
    """Import what takes long and is not changed; on a busy machine nothing has a deadline."""
    import hypothesis
    import networkx  # noqa: F401
    import onnx  # noqa: F401
    import torchvision  # noqa: F401

    hypothesis.settings.register_profile(
        "unhurried", derandomize=True, database=None, deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )  # fmt: skip


if __name__ == "__main__":
    main()

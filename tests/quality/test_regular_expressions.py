"""No regular expression takes longer than its text: each is run on texts made to slow it down.

A text repeats what a part of the expression may repeat, behind what stands before that part, with
an end that does not match: expressions that try again and again then show it.
"""

from __future__ import annotations

import ast
import importlib
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
CALLS = {"compile", "match", "fullmatch", "search", "sub", "split", "findall", "finditer"}
ANCHORED = {"match", "fullmatch"}
LENGTH = 100_000
SECONDS = 0.5
ENDS = ("\x00",)


class Expression(NamedTuple):
    """A regular expression, its place, and whether it is looked for anywhere in a text."""

    place: str
    pattern: str
    searched: bool
    flags: int = re.MULTILINE


def expressions() -> Iterator[Expression]:
    """Every regular expression of the code and the grammars."""
    for file in sorted((ROOT / "archdsl").rglob("*.py")):
        text = file.read_text("utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                call, name = node.value, node.targets[0].id
            else:
                call, name = node, None
            if (
                not isinstance(call, ast.Call)
                or not isinstance(call.func, ast.Attribute)
                or not isinstance(call.func.value, ast.Name)
                or call.func.value.id != "re"
                or call.func.attr not in CALLS - ({"compile"} if name is None else set())
                or not isinstance(call.args[0], (ast.Constant, ast.JoinedStr))
            ):
                continue
            if isinstance(call.args[0], ast.JoinedStr):  # known when the module is imported
                home = ".".join(file.relative_to(ROOT).with_suffix("").parts)
                made = getattr(importlib.import_module(home), str(name), None)
                pattern = getattr(made, "pattern", None)
                if pattern is None:
                    continue  # made anew for each text
            else:
                pattern = str(call.args[0].value)
            used = {call.func.attr}
            if name is not None:
                used = set(re.findall(rf"\b{name}\.(\w+)\(", text))
            place = f"{file.relative_to(ROOT)}:{call.lineno}"
            yield Expression(place, pattern, not used <= ANCHORED, flags_of(call))
    for file in sorted((ROOT / "grammars").glob("*.lark")):
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            found = re.fullmatch(r"[A-Z_]+(?:\.\d+)?: /(.+)/", line)
            if found is not None:
                place = f"{file.relative_to(ROOT)}:{number}"
                yield Expression(place, found[1].replace(r"\/", "/"), False)


def flags_of(call: ast.Call) -> int:
    """The flags that a call gives, and that of lines, with which nothing is faster."""
    nodes = (node for part in (*call.args[1:], *call.keywords) for node in ast.walk(part))
    named = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    return sum(
        re.RegexFlag[name] for name in {"MULTILINE", *named & re.RegexFlag.__members__.keys()}
    )


FOUND = list(expressions())


def sample(tree: Any, *, least: bool = False) -> str:
    """A text that a part of an expression matches."""
    parser = re._parser  # type: ignore[attr-defined]
    parts = []
    for kind, value in tree:
        name = str(kind)
        if name == "LITERAL":
            parts.append(chr(value))
        elif name == "NOT_LITERAL":
            parts.append("a" if value != ord("a") else "b")
        elif name == "ANY":
            parts.append("a")
        elif name == "IN":
            parts.append(one_of(value))
        elif name == "BRANCH":
            parts.append(sample(value[1][0]))
        elif name == "SUBPATTERN":
            parts.append(sample(value[3]))
        elif name == "ATOMIC_GROUP":
            parts.append(sample(value))
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            parts.append(sample(value[2]) * max(value[0], 0 if least else 1))
    assert parser is not None
    return "".join(parts)


def one_of(items: Any) -> str:
    """A character of a class."""
    for candidate in "aA_0 \t\n<>(),.;:'\"/*#x\x00é-+=":
        if in_class(items, candidate):
            return candidate
    return "~"


def in_class(items: Any, character: str) -> bool:
    negated = found = False
    for kind, value in items:
        name = str(kind)
        if name == "NEGATE":
            negated = True
        elif name == "LITERAL":
            found |= ord(character) == value
        elif name == "RANGE":
            found |= value[0] <= ord(character) <= value[1]
        elif name == "CATEGORY":
            word = str(value).removeprefix("CATEGORY_")
            plain = {"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}[word.removeprefix("NOT_")]
            found |= bool(re.match(plain, character)) != word.startswith("NOT_")
    return found != negated


def slowing(pattern: str, flags: int) -> Iterator[str]:
    """Texts of ``LENGTH`` characters that repeat what parts of an expression may repeat."""
    tree = re._parser.parse(pattern, flags)  # type: ignore[attr-defined]
    pumps: set[tuple[str, str]] = set()

    def walk(part: Any, before: str) -> None:
        for kind, value in part:
            name = str(kind)
            if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
                if value[1] > 20:
                    pumps.add((before, sample(value[2])))
                    pumps.add(("", before + sample(value[2])))
                walk(value[2], before)
            elif name == "SUBPATTERN":
                walk(value[3], before)
            elif name == "ATOMIC_GROUP":
                walk(value, before)
            elif name == "BRANCH":
                for branch in value[1]:
                    walk(branch, before)
            before += sample([(kind, value)])

    walk(tree, "")
    for before, pump in pumps:
        if pump:
            for end in ENDS:
                yield before + pump * (LENGTH // len(pump)) + end


@pytest.mark.parametrize("found", FOUND, ids=[each.place for each in FOUND])
def test_an_expression_takes_no_longer_than_its_text(found: Expression) -> None:
    assert slowest(found.pattern, found.flags, searched=found.searched) < SECONDS, found.place


def slowest(pattern: str, flags: int = re.MULTILINE, *, searched: bool = True) -> float:
    """Seconds of CPU that the slowest text takes, as far as they are waited for."""
    compiled = re.compile(pattern, flags)
    longest = 0.0

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGPROF, stop)
    try:
        for text in slowing(pattern, flags):
            start = time.process_time()
            signal.setitimer(signal.ITIMER_PROF, 2 * SECONDS)
            (compiled.search if searched else compiled.fullmatch)(text)
            longest = max(longest, time.process_time() - start)
            if longest > SECONDS:
                break
    except TimeoutError:
        return 2 * SECONDS
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return longest


def test_slow_expressions_are_found() -> None:
    assert len(FOUND) > 80
    for pattern in (r"(a+)+$", r"(\s+x='[^']*'?)*>", r"(\w|\d)*;", r"\s*a*\s*a*\s*b"):
        assert slowest(pattern) >= SECONDS
    assert slowest(r"\b(\w++)*+;") < SECONDS

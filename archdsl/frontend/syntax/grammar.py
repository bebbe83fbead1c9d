"""The loop that runs the grammar's LALR(1) tables over tokens.

Lark makes the tables of ``grammars/*.lark``; they are kept beside them as data (see
``tests/editors/grammar_tables.py``), since to make them takes longer than to read a text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NamedTuple

from archdsl.frontend.bundled import grammar_tables
from archdsl.frontend.syntax.builder import Builder
from archdsl.frontend.syntax.tokens import END, OTHER, UNFINISHED, Token, comments

_DONE: dict[str, Any] = {}
"""The state behind the end of the text."""


class UnexpectedError(Exception):
    """A token that cannot stand where it does; ``accepts`` are the kinds that can."""

    def __init__(self, index: int, accepts: frozenset[str]) -> None:
        super().__init__(index, accepts)
        self.index = index
        """Of the token, among those that were read."""
        self.accepts = accepts


class _Reduction(NamedTuple):
    """The end of a rule: so many values become one, that ``build`` makes of them.

    Without ``build`` the one value stays as it is.
    """

    size: int
    rule: str
    build: Any


class Grammar:
    """The tokens and rules of the language; ``builder`` makes a tree of what they find."""

    def __init__(self, builder: Builder, *, scopes: bool) -> None:
        self.builder = builder
        tables = json.loads(grammar_tables(scopes=scopes))
        # A state is the dictionary of what each symbol leads to: another state, or a reduction.
        states: list[dict[str, Any]] = [{} for _ in tables["states"]]
        reductions = [_reduction(builder, *rule) for rule in tables["rules"]]
        for state, row in zip(states, tables["states"], strict=True):
            for symbol, target in row.items():
                state[symbol] = states[target] if target >= 0 else reductions[~target]
        states[tables["end"]]["$END"] = _DONE
        # A number that is none is one token, or its digits would be tried one after the other.
        self._pattern = re.compile(rf"{tables['pattern']}|(?P<{OTHER}>\d[\w.]*|[\s\S])")
        self._start = states[tables["start"]]
        self._made = {
            name: getattr(builder, name) for name in tables["terminals"] if hasattr(builder, name)
        }

    def tokens(self, text: str) -> list[Token]:
        """The tokens of any text, its end the last one."""
        # Every name of a long text passes here: the tuple is made without the call of its class.
        make, found, before = tuple.__new__, list[Token](), 0
        add = found.append
        for match in self._pattern.finditer(text):
            kind = match.lastgroup
            if kind != "SPACE" and kind != "COMMENT":
                add(make(Token, (kind, match[0], match.start(), before)))
                before = match.end()
        for last in comments(text, before, len(text)):
            if not last.finished:
                found.append(Token(UNFINISHED, last.text[:2], last.start, before))
                before = len(text)
        found.append(Token(END, "", len(text), before))
        return found

    def parse(self, tokens: Iterable[Token]) -> Any:
        """The syntax tree of tokens, whose last one is an end. Raises UnexpectedError."""
        made = self._made
        state = self._start
        states, values = [state], list[Any]()
        for index, token in enumerate(tokens):
            kind = token[0]
            action = state.get(kind)
            while action.__class__ is _Reduction:
                size, rule, build = action
                if size == 1:
                    states.pop()
                    if build is not None:
                        values[-1] = build(values[-1:])
                else:
                    children = values[-size:] if size else []
                    if size:
                        del states[-size:], values[-size:]
                    values.append(build(children))
                state = states[-1][rule]
                states.append(state)
                action = state.get(kind)
            if action is None:
                raise UnexpectedError(index, _accepted(states))
            states.append(action)
            state = action
            values.append(made[kind](token) if kind in made else token)
        return values[-2]


@cache
def grammar(*, scopes: bool) -> Grammar:
    """The grammar of the language, with the scopes of C++ programs or without."""
    return Grammar(Builder(), scopes=scopes)


def tokens_of(text: str) -> list[Token]:
    """The tokens of any text, its end the last one."""
    return grammar(scopes=True).tokens(text)


def _reduction(
    builder: Builder, symbol: str, name: str, size: int, kept: list[Any], left_out: int
) -> _Reduction:
    """The end of a rule: the children that it keeps go to the builder's method of its name.

    A name with an underscore before it stands for a list, a question mark for a rule that one kept
    child takes the place of.
    """
    passed_on = name.startswith("?")
    name = name.removeprefix("?")
    if passed_on and size == len(kept) == 1:
        return _Reduction(size, symbol, None)
    always = passed_on and len(kept) == 1 and not left_out and kept[0][1:] == [False, 0]
    make: Callable[[list[Any]], Any] = (
        list if always or name.startswith("_") else getattr(builder, name)
    )
    if kept == [[place, False, 0] for place in range(size)] and not left_out and not passed_on:
        return _Reduction(size, symbol, make)

    def build(children: list[Any]) -> Any:
        chosen: list[Any] = []
        for place, inlined, before in kept:
            if before:
                chosen += [None] * before
            if not inlined:
                chosen.append(children[place])
            elif chosen:
                chosen += children[place]
            else:
                chosen = children[place]  # a long list is not copied for each of its items
        if left_out:
            chosen += [None] * left_out
        return chosen[0] if passed_on and len(chosen) == 1 else make(chosen)

    return _Reduction(size, symbol, build)


def _accepted(states: list[dict[str, Any]]) -> frozenset[str]:
    """The kinds of tokens that can come next: a table lists some that fail after reductions."""
    return frozenset(kind for kind in states[-1] if kind.isupper() and _accepts(states, kind))


def _accepts(states: list[dict[str, Any]], kind: str) -> bool:
    # Reductions take from the end of the stack and put on one state each.
    kept, added = len(states), list[dict[str, Any]]()
    while True:
        top = added[-1] if added else states[kept - 1]
        action = top.get(kind)
        if action.__class__ is not _Reduction:
            return action is not None
        size = action.size
        from_added = min(size, len(added))
        del added[len(added) - from_added :]
        kept -= size - from_added
        added.append((added[-1] if added else states[kept - 1])[action.rule])

"""The grammar as Lark compiles it, and the loop that runs its LALR(1) tables over tokens.

Lark reads the grammar and makes the tables. Its own loop keeps count of what nobody here asks for,
which takes longer than all the rest of reading a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

from lark import Lark
from lark.common import LexerConf
from lark.lexer import Lexer, TerminalDef
from lark.parsers.lalr_analysis import Shift

from archdsl.frontend.bundled import grammar_text
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


class _NoLexer(Lexer):
    """Stands where Lark wants a lexer: tokens come from elsewhere."""

    def __init__(self, conf: LexerConf) -> None:
        """It is of use for its configuration alone."""

    def lex(self, *_: Any) -> Iterator[Any]:
        """Nothing, and never asked."""
        return iter(())


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
        lark = Lark(grammar_text(scopes=scopes), parser="lalr", lexer=_NoLexer, transformer=builder)
        parser = lark.parser.parser.parser
        table, callbacks = parser.parse_table, parser.callbacks
        # A state is the dictionary of what each symbol leads to: another state, or a reduction.
        states: dict[int, dict[str, Any]] = {number: {} for number in table.states}
        reductions: dict[Any, _Reduction] = {}
        for number, actions in table.states.items():
            for symbol, (action, target) in actions.items():
                if action is Shift:
                    states[number][symbol] = states[target]
                    continue
                if target not in reductions:
                    build = None if _passes_on(target) else callbacks[target]
                    size = len(target.expansion)
                    reductions[target] = _Reduction(size, target.origin.name, build)
                states[number][symbol] = reductions[target]
        states[table.end_states["start"]]["$END"] = _DONE
        self._pattern = _pattern(list(lark.terminals))
        self._start = states[table.start_states["start"]]
        self._made = {
            t.name: getattr(builder, t.name) for t in lark.terminals if hasattr(builder, t.name)
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


def _pattern(terminals: list[TerminalDef]) -> re.Pattern[str]:
    # Lark's own order of trying them.
    ranked = sorted(
        terminals, key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name)
    )
    known = "|".join(f"(?P<{t.name}>{t.pattern.to_regexp()})" for t in ranked)
    # A number that is none is one token, or its digits would be tried one after the other.
    return re.compile(rf"{known}|(?P<{OTHER}>\d[\w.]*|[\s\S])")


def _passes_on(rule: Any) -> bool:
    """True if a rule's value is that of its only symbol, which Lark writes with a ``?``."""
    single = len(rule.expansion) == 1 and not getattr(rule.expansion[0], "filter_out", False)
    return bool(single and rule.options.expand1 and rule.alias is None)


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

"""The LALR(1) tables of the language's grammar, as Lark makes them.

They are kept as data beside the grammar, so that a command reads a file where it would compile the
grammar: that takes longer than the rest of reading a text.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lark import Lark
from lark.common import LexerConf
from lark.lexer import Lexer, TerminalDef
from lark.parsers.lalr_analysis import Shift

GRAMMARS = Path(__file__).resolve().parents[2] / "grammars"
SOURCES = {"arch": ["arch.lark"], "scopes": ["arch.lark", "scopes.lark"]}


class _NoLexer(Lexer):
    """Stands where Lark wants a lexer: tokens come from elsewhere."""

    def __init__(self, conf: LexerConf) -> None:
        """It is of use for its configuration alone."""

    def lex(self, *_: Any) -> Any:
        """Nothing, and never asked."""
        return iter(())


def tables(name: str) -> str:
    """The document of the tables of a grammar; ``archdsl.frontend.syntax.tables`` reads it."""
    text = "\n".join((GRAMMARS / file).read_text(encoding="utf-8") for file in SOURCES[name])
    lark = Lark(text, parser="lalr", lexer=_NoLexer)
    table = lark.parser.parser.parser.parse_table
    # Lark numbers states as sets have them, differently in each run: these are numbered by the
    # way to them, symbols by the alphabet.
    order = [table.start_states["start"]]
    for number in order:
        for symbol in sorted(table.states[number]):
            action, target = table.states[number][symbol]
            if action is Shift and target not in order:
                order.append(target)
    reached = {t: _rule(t) for s in table.states.values() for a, t in s.values() if a is not Shift}
    rules = sorted(reached.values(), key=str)
    states = [
        {
            symbol: order.index(target) if action is Shift else -1 - rules.index(reached[target])
            for symbol, (action, target) in sorted(table.states[number].items())
        }
        for number in order
    ]
    document = {
        "pattern": _pattern(list(lark.terminals)),
        "terminals": sorted(terminal.name for terminal in lark.terminals),
        "start": 0,
        "end": order.index(table.end_states["start"]),
    }
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in document.items()]
    for key, rows in (("rules", rules), ("states", states)):
        lines.append(f'"{key}": [\n' + ",\n".join(map(json.dumps, rows)) + "\n]")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _rule(rule: Any) -> list[Any]:
    """The symbol that a rule makes, its callback, its length and the children that it keeps.

    A child has its place, true if it is a list whose own children are meant, and the number of
    optional ones left out before it; the last number is that of those left out at the end. A
    callback with a ``?`` before its name is not asked where one child is kept.
    """
    left_out = [0]
    for empty in rule.options.empty_indices or [False] * len(rule.expansion):
        if empty:
            left_out[-1] += 1
        else:
            left_out.append(0)
    kept, waiting = [], 0
    for place, symbol in enumerate(rule.expansion):
        waiting += left_out[place]
        if rule.options.keep_all_tokens or not (symbol.is_term and symbol.filter_out):
            inlined = not symbol.is_term and symbol.name.startswith("_")
            kept.append([place, inlined, waiting])
            waiting = 0
    name = str(rule.alias or rule.options.template_source or rule.origin.name)
    single = "?" if rule.options.expand1 and not rule.alias else ""
    last = waiting + left_out[len(rule.expansion)]
    return [rule.origin.name, single + name, len(rule.expansion), kept, last]


def _pattern(terminals: list[TerminalDef]) -> str:
    # Lark's own order of trying them.
    ranked = sorted(
        terminals, key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name)
    )
    return "|".join(f"(?P<{t.name}>{t.pattern.to_regexp()})" for t in ranked)

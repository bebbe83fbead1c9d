"""Text to syntax tree, or to what is wrong with the text.

Nodes are built by callbacks while the parser reduces, so there is no second walk, and nothing
recurses on the depth of the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from archdsl.diagnostics import ArchError, Diagnostic, coded
from archdsl.diagnostics.source import Source
from archdsl.frontend.syntax import nodes
from archdsl.frontend.syntax.foreign import side_by_side
from archdsl.frontend.syntax.grammar import UnexpectedError, grammar
from archdsl.frontend.syntax.mistakes import explain
from archdsl.frontend.syntax.tokens import Token
from archdsl.ir.gc_pause import collector_paused
from archdsl.ir.layer import lookup
from archdsl.text.pasted import complaint

if TYPE_CHECKING:
    from archdsl.frontend.syntax.macros import Macros
    from archdsl.frontend.syntax.preprocess import Preprocessed

_MAX_ERRORS = 20
# The tables are made once; their callbacks are told which source spans belong to, one at a time.
_LOCK = Lock()


@coded("E000")
@collector_paused()
def parse(
    source: Source, settings: Mapping[str, Any] | None = None, macros: Macros | None = None
) -> nodes.Document:
    """The syntax tree of a text; of a C++ source, that of its definitions.

    ``settings`` are the values given with ``-D``: in a C++ source they are macros. ``macros`` are
    those that a program has which includes the source.

    Raises :class:`ArchError` with a diagnostic for every syntax error that does not follow from
    an earlier one: after an error, reading goes on behind the next ``;``. What a text lost on its
    way here is told first, by itself.
    """
    try:
        return _document(source, settings, macros)
    except ArchError:
        damage = None if source.is_cpp else complaint(source)
        if damage is None:
            raise
        raise ArchError(damage) from None


def _document(
    source: Source, settings: Mapping[str, Any] | None, macros: Macros | None
) -> nodes.Document:
    if source.is_cpp:
        # Files of the language itself never need this.
        from archdsl.frontend.syntax.preprocess import preprocessed

        given = {name: written(value) for name, value in (settings or {}).items()}
        text = preprocessed(source, given, macros)
        tokens = _definitions(source, text)
        document = nodes.Document(source, (), text.used, text.included)
    else:
        try:  # with the small tables: few specs have scopes
            tokens = grammar(scopes=False).tokens(source.text)
            items = _reduce(tokens, source, scopes=False)
            beside = side_by_side(items)
            if beside is not None:
                raise ArchError(beside)
            return nodes.Document(source, items)
        except UnexpectedError:
            tokens = grammar(scopes=True).tokens(source.text)
            document = nodes.Document(source, ())
    items, errors = _read(tokens, source)
    if errors:
        raise ArchError(errors)
    return document._replace(items=items)


def written(value: Any) -> str:
    """A value given with ``-D`` as a text would have it: Python's own are in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(tokens: list[Token], source: Source) -> tuple[tuple[nodes.Item, ...], list[Diagnostic]]:
    """The items of a text, and what is wrong with it."""
    errors: list[Diagnostic] = []
    while True:
        try:
            return _reduce(tokens, source), errors
        except UnexpectedError as error:
            at = error.index
            errors.append(explain(tokens[at], error.accepts, source, tokens[:at]))
            rest = range(at, len(tokens))
            resume = next((i + 1 for i in rest if tokens[i].kind == "SEMICOLON"), None)
            if resume is None or len(errors) == _MAX_ERRORS:
                return (), errors
            tokens = tokens[resume:]


def _reduce(tokens: list[Token], source: Source, *, scopes: bool = True) -> tuple[nodes.Item, ...]:
    with _LOCK:
        table = grammar(scopes=scopes)
        table.builder.source = source
        return cast("tuple[nodes.Item, ...]", table.parse(tokens))


def _definitions(source: Source, text: Preprocessed) -> list[Token]:
    """The tokens of the definitions of a C++ source.

    Raises ArchError where one of them speaks of layers and is not written in the language.
    """
    from archdsl.frontend.syntax.cpp import definitions_of

    def reads(tokens: list[Token]) -> bool:
        try:
            _reduce(tokens, source)
        except (UnexpectedError, ArchError):
            return False
        return True

    tokens = text.placed(grammar(scopes=True).tokens(text.text))
    found = definitions_of(source, tokens, reads, lambda name: lookup(name) is not None)
    errors: list[Diagnostic] = []
    for broken in found.broken[:_MAX_ERRORS]:
        # Read by itself: an error in it then never hides behind one in another definition.
        errors += _read(broken, source)[1]
    if errors:
        raise ArchError(errors)
    return found.tokens

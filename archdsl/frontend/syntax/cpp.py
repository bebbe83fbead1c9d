"""C++ sources: the definitions that networks are made of, and nothing else.

They are picked out of the program's tokens, so that the grammar of .arch files reads them and
every position stays true. Found are ``using``, ``template ... using``, ``typedef``, constants,
namespaces, structs and classes, and blocks in braces that hold some of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from archdsl.diagnostics import fail
from archdsl.diagnostics.source import Source, Span
from archdsl.frontend.syntax.declarations import rewritten
from archdsl.frontend.syntax.tokens import END, Token
from archdsl.frontend.syntax.tree import Statement, Tree

_GLOBAL = {"MEMBER": "NAME", "MEMBER_HEAD": "HEAD"}

_POINTERS = frozenset({"unique_ptr", "shared_ptr", "vector", "optional"})
"""Templates of a variable that holds networks."""
_AFTER_NAME = frozenset({"SEMICOLON", "EQUAL", "LPAR", "_OPEN", "COMMA", "RPAR"})
"""The kinds of tokens that may follow the name of a variable or parameter."""

Check = Callable[[list[Token]], bool]


class Found(NamedTuple):
    """Definitions of a C++ text.

    ``tokens`` are those of its definitions. ``broken`` are definitions that speak of layers and are
    not written in the language.
    """

    tokens: list[Token]
    broken: list[list[Token]]


def definitions_of(
    source: Source, tokens: list[Token], reads: Check, is_layer: Callable[[str], bool]
) -> Found:
    """The definitions of a C++ source, whose tokens are those of its preprocessed text.

    ``reads`` says whether a definition is written in the language, ``is_layer`` whether a name is
    a layer's. Raises ArchError where a brace never ends.
    """
    tokens = rewritten(_as_in_cpp(tokens))
    tree = Tree(tokens, cpp=True)
    picker = _Picker(tree, reads, is_layer)
    # What is inside of braces comes before what the braces belong to.
    for statement in sorted(tree.statements, key=lambda s: (s.end, -s.first)):
        picker.pick(statement)
    if picker.unclosed is not None:
        brace = tokens[picker.unclosed]
        raise fail("this '{' is never closed", Span(source, brace.start, brace.end), code="E015")
    kept: list[Token] = []
    for index, (token, keep) in enumerate(zip(tokens, picker.kept, strict=True)):
        if keep:
            kept += [picker.words[index], token] if index in picker.words else [token]
            kept += [picker.endings[index]] if index in picker.endings else []
    return Found([*kept, tokens[-1]], picker.broken)


def _as_in_cpp(tokens: list[Token]) -> list[Token]:
    """Names are found without a ``::`` in front, and ``param`` is one of them."""
    found: list[Token] = []
    for token in tokens:
        if token.kind in _GLOBAL and (not found or found[-1].kind != "CLOSE"):
            name = token.text.removeprefix("::").lstrip()
            start = token.end - len(name)
            token = Token(_GLOBAL[token.kind], name, start, token.before)
        elif token.kind == "PARAM":
            token = token._replace(kind="NAME")
        found.append(token)
    return found


class _Picker:
    """Marks the tokens to keep, statement by statement."""

    def __init__(self, tree: Tree, reads: Check, is_layer: Callable[[str], bool]) -> None:
        self.kept = bytearray(len(tree.tokens))
        self.broken: list[list[Token]] = []
        self.words: dict[int, Token] = {}
        """Tokens to put in before others."""
        self.endings: dict[int, Token] = {}
        """Tokens to put in behind others."""
        self.unclosed: int | None = None
        """The outermost brace that holds something and does not end."""
        self._tree = tree
        self._tokens = tree.tokens
        self._reads = reads
        self._is_layer = is_layer
        self._templates: set[str] = set()
        self._holding: set[Statement] = set()  # those in whose braces something is kept
        self._derived: dict[Statement, tuple[int, int]] = {}  # classes and their constructors
        self._mixed: set[Statement] = set()  # classes with statements that define nothing

    def pick(self, statement: Statement) -> None:
        """Decide about a statement; those in its braces have been decided about."""
        first = statement.first
        kind = self._tokens[first].kind
        if statement in self._holding and statement.blocks[-1][1] == len(self._tokens):
            self.unclosed = statement.blocks[-1][0]
            self._keep(statement, first, first + 1)
        elif kind == "INCLUDE":
            self._keep(statement, first, first + 1)
        elif statement.key is not None:
            self._class(statement)
        elif kind == "NAMESPACE" and statement.blocks:
            self._namespace(statement)
        elif self._is_forward(statement):
            if self._reading(self._tokens[first : statement.end]):
                self._keep(statement, first, statement.end)
        elif self._variable(statement, kind):
            self._blocks(statement)
        elif not self._definition(statement, kind) and not self._constructor(statement):
            self._parameters(statement)
            label = self._kind(first + 1) == "COLON"
            if kind != "SEMICOLON" and not label and statement.outer is not None:
                self._mixed.add(statement.outer)
            self._blocks(statement)

    # ---- what is kept ----

    def _keep(self, statement: Statement, start: int, end: int) -> None:
        self.kept[start:end] = b"\1" * (end - start)
        if statement.outer is not None:
            self._holding.add(statement.outer)

    def _drop(self, start: int, end: int) -> None:
        self.kept[start:end] = bytes(end - start)

    def _blocks(self, statement: Statement) -> None:
        """Keep the braces that hold something; the rest defines nothing."""
        if statement not in self._holding:
            return
        for start, end in statement.blocks:
            if self.kept.find(1, start, end) >= 0:
                self._keep(statement, start, start + 1)
                self._keep(statement, end, end + 1)

    def _reading(self, *parts: list[Token]) -> bool:
        tokens = [token for part in parts for token in part]
        return self._reads([*tokens, self._ending(tokens)])

    def _ending(self, tokens: list[Token]) -> Token:
        end = tokens[-1].end if tokens else 0
        return Token(END, "", end, end)

    # ---- definitions ----

    def _definition(self, statement: Statement, kind: str) -> bool:
        """Keep a definition that has no braces, if it is one; whether it is."""
        stop = statement.end if statement.body is None else statement.body
        name = self._name(statement, kind)
        if name is None:
            return False
        tokens = self._tokens[statement.first : stop]
        aliases = self._kind(name + 1) == "EQUAL"
        if self._reading(tokens):
            self._keep(statement, statement.first, stop)
            if aliases:
                self._templates.add(self._tokens[name].text)
        elif self._names_layer(tokens):
            self.broken.append([*tokens, self._ending(tokens)])
        elif aliases and kind != "NAMESPACE" and tokens[-1].kind == "SEMICOLON":
            # Known by name alone: a declaration without a scope.
            using = next((i for i in range(statement.first, name) if self._is_using(i)), None)
            if using is None:
                using = statement.first
                self._tokens[using] = self._tokens[using]._replace(kind="USING")
            for index in (using, name, stop - 1):
                self._keep(statement, index, index + 1)
        self._blocks(statement)
        return True

    def _variable(self, statement: Statement, kind: str) -> bool:
        """Note ``network<...> name`` with whatever follows, to be read as a typedef."""
        at = statement.first
        while self._kind(at) == "_CONST":
            at += 1
        return kind in ("HEAD", "NAME", "_CONST") and self._declared(statement, at)

    def _parameters(self, statement: Statement) -> None:
        """Note the parameters of a function that are networks."""
        at, stop = statement.first, statement.end if statement.body is None else statement.body
        first = False  # nothing of the parameter has been read but const
        while at < stop:
            kind = self._kind(at)
            if first and kind in ("HEAD", "NAME"):
                self._declared(statement, at)
                at = self._behind_type(at)
                first = False
            else:
                first = kind in ("LPAR", "COMMA") or (first and kind == "_CONST")
                at += 1

    def _declared(self, statement: Statement, at: int) -> bool:
        """Keep ``network<...> name``, if it stands at a place; whether it does."""
        behind = name = self._behind_type(at)
        while name < statement.end and self._tokens[name].text in ("&", "&&", "*", "const"):
            name += 1
        if self._kind(name) != "NAME" or self._kind(name + 1) not in _AFTER_NAME:
            return False
        if self._tokens[at].text.rstrip(" <").rpartition("::")[2] in _POINTERS:
            at, behind = at + 1, behind - 1
        tokens = self._tokens[at:behind]
        if not tokens or not (self._names_layer(tokens) or self._is_member(at)):
            return False
        word = Token("TYPEDEF", "", tokens[0].start, tokens[0].before)
        end = self._tokens[name].end
        semicolon = Token("SEMICOLON", ";", end, end)
        if not self._reading([word, *tokens, self._tokens[name], semicolon]):
            return False
        self.words[at] = word
        self.endings[name] = semicolon
        self._keep(statement, at, behind)
        self._keep(statement, name, name + 1)
        return True

    def _behind_type(self, at: int) -> int:
        """The token behind a type, with its arguments and the members that are named in it."""
        while True:
            closer = self._tree.opened[at].closer if at in self._tree.opened else at
            at = (at if closer is None else closer) + 1
            if self._kind(at) not in ("MEMBER", "MEMBER_HEAD"):
                return at

    def _is_member(self, first: int) -> bool:
        """True for a type that is named inside another one."""
        if first not in self._tree.opened:
            return self._kind(first) == "NAME" and self._is_qualified(first)
        closer = self._tree.opened[first].closer
        return closer is not None and self._kind(closer + 1) in ("MEMBER", "MEMBER_HEAD")

    def _is_forward(self, statement: Statement) -> bool:
        """True for ``template <...> struct name;``: its parameters may have defaults."""
        header = statement.header
        if header is None or header.closer is None or statement.blocks:
            return False
        ended = self._tokens[statement.end - 1].kind == "SEMICOLON"
        return ended and self._kind(header.closer + 1) in ("STRUCT", "TYPENAME")

    def _is_using(self, index: int) -> bool:
        return self._tokens[index].kind == "USING"

    def _kind(self, index: int) -> str:
        return self._tokens[index].kind if index < len(self._tokens) else END

    def _name(self, statement: Statement, kind: str) -> int | None:
        """The token that may be the name that a statement defines, or names again."""
        at = statement.first
        if kind == "TEMPLATE":
            header = statement.header
            closer = None if header is None else header.closer
            at = statement.cut or (at if closer is None else closer + 1)
            if self._kind(at) == "_CONST":
                kind = "_CONST"
        if self._is_using(at):
            behind = self._kind(at + 1)
            if behind == "NAMESPACE" and kind == "USING":
                return at + 2
            named = behind == "NAME" and (
                self._kind(at + 2) == "EQUAL" or (kind == "USING" and self._is_qualified(at + 1))
            )
            return at + 1 if named else None
        if kind == "TYPEDEF" or (kind == "NAMESPACE" and self._kind(at + 2) == "EQUAL"):
            return at + 1
        if kind not in ("_CONST", "CTYPE"):
            return None
        while self._kind(at) in ("_CONST", "CTYPE"):
            at += 1
        constant = any(
            self._tokens[i].text in ("const", "constexpr") for i in range(statement.first, at)
        )
        typed = any(self._kind(i) == "CTYPE" for i in range(statement.first, at))
        valued = self._kind(at) == "NAME" and self._kind(at + 1) in ("EQUAL", "_OPEN")
        called = self._kind(at) == "NAME" and self._kind(at + 1) == "LPAR"
        if constant and typed and called and not statement.blocks:
            # A function, as it has been rewritten, or the declaration of something else.
            return at if self._reading(self._tokens[statement.first : statement.end]) else None
        return at if constant and typed and valued else None

    def _is_qualified(self, index: int) -> bool:
        return "::" in self._tokens[index].text

    def _names_layer(self, tokens: list[Token]) -> bool:
        equal = next((i for i, token in enumerate(tokens) if token.kind == "EQUAL"), 0)
        heads = [
            token.text[:-1].rstrip()
            for at, token in enumerate(tokens[equal:], equal)
            if token.kind == "HEAD" and not _is_access(tokens, at)
        ]
        if any(token.text == "decltype" for token in tokens):
            return False
        for name in heads:
            last = name.rpartition("::")[2].strip()
            known = last in self._templates or self._is_layer(last)
            if known and not name.startswith("std::"):
                return True
        return False

    # ---- namespaces, structs and classes ----

    def _namespace(self, statement: Statement) -> None:
        start, end = statement.blocks[0]
        if statement in self._holding:
            self._keep(statement, statement.first, start + 1)
            self._keep(statement, end, end + 1)

    def _constructor(self, statement: Statement) -> bool:
        """Note ``name() : base(...) {}`` in a class; ``name() = default;`` says nothing."""
        outer, at = statement.outer, statement.first
        if outer is None or outer.key is None or outer in self._derived:
            return False
        if self._tokens[at].text == "explicit":
            at += 1
        kinds = [self._kind(i) for i in range(at, min(at + 4, statement.end))]
        own = self._tokens[at].text == self._tokens[self._class_name(outer)].text.rstrip(" <")
        if not own or kinds[:3] != ["NAME", "LPAR", "RPAR"]:
            return False
        if kinds[3:] == ["EQUAL"]:
            return True
        if kinds[3:] != ["COLON"] or not statement.blocks:
            return False
        start, end = statement.blocks[0]
        struct = _tokens("STRUCT:struct NAME:x _OPEN:{")
        text = self._tokens[at : end + 1]
        if end != start + 1 or not self._reading(struct, text, _tokens("_SHUT:} SEMICOLON:;")):
            return False
        self._derived[outer] = at, end + 1
        return True

    def _class_name(self, statement: Statement) -> int:
        """The last name before the braces or the bases of a class."""
        assert statement.key is not None
        stop = statement.base or statement.body or statement.end
        names = [
            i
            for i in range(statement.key + 1, stop)
            if self._tree.inside[i] is None
            and self._kind(i) in ("NAME", "HEAD")
            and self._tokens[i].text != "final"
        ]
        return names[-1] if names else statement.key

    def _class(self, statement: Statement) -> None:
        """Keep a class, with its bases or its constructor where it has nothing else."""
        start, end = statement.blocks[0]
        name = self._class_name(statement)
        stop = name + 1
        if name in self._tree.opened:
            stop = (self._tree.opened[name].closer or name) + 1
        assert statement.key is not None
        header = [*range(statement.first, statement.key + 1), *range(name, stop)]
        tokens = [self._tokens[i] for i in header]
        closed = end < len(self._tokens)
        whole = closed and self._tokens[statement.end - 1].kind == "SEMICOLON"
        if not whole or not self._reading(tokens, _tokens("_OPEN:{ _SHUT:} SEMICOLON:;")):
            self._drop(statement.first, statement.end)
            return
        if statement.outer is not None:
            self._holding.add(statement.outer)
        for index in (*header, start, end, statement.end - 1):
            self.kept[index] = 1
        bases = range(statement.base or start, start)
        struct = _tokens("STRUCT:struct NAME:x"), _tokens("_OPEN:{ _SHUT:} SEMICOLON:;")
        plain = bool(bases) and statement not in self._mixed
        if plain and self._reading(struct[0], self._tokens[bases[0] : start], struct[1]):
            self._keep(statement, bases[0], start)
            if statement in self._derived:
                self._keep(statement, *self._derived[statement])


def _is_access(tokens: list[Token], at: int) -> bool:
    """True for a member of an object, ``x.at<float>`` or ``x->at<float>``, which is no layer."""
    before = "".join(token.text for token in tokens[max(0, at - 3) : at])
    return before.removesuffix("template").endswith((".", "->"))


def _tokens(kinds: str) -> list[Token]:
    """Tokens that stand nowhere, written ``KIND:text KIND:text``."""
    pairs = (word.split(":") for word in kinds.split())
    return [Token(kind, text, 0, 0) for kind, text in pairs]

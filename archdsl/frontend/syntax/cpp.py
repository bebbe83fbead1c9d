"""C++ sources: the definitions that networks are made of, and nothing else.

The text keeps its length and its lines: what is no definition is blanked, so the grammar of .arch
files reads the rest, and every position stays true. Found are ``using``, ``template ... using``,
``typedef``, constants, namespaces, structs and classes, and blocks in braces that
hold some of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from archdsl.diagnostics import fail
from archdsl.diagnostics.source import Source, Span
from archdsl.frontend.syntax.cpp_tokens import Event, Tokens, blank

_CONSTANT = re.compile(
    r"""(?:(?:static|const|constexpr|inline)\s+)* (?:std::)?
    (?:unsigned|signed|long|short|int|float|double|bool|size_t)\b
    (?:\s+(?:unsigned|signed|long|short|int|double)\b)* (?:\s+const\b)?
    \s+ (?P<name>[A-Za-z_]\w*) \s* (?=[={])""",
    re.VERBOSE,
)
_SPECIFIERS = ("static", "const", "constexpr", "inline")
_ACCESS = ("public", "private", "protected")
_ALWAYS = ("using", "template", "typedef", "namespace")
"""They begin a definition wherever they stand: a macro before them may lack its semicolon."""
_HEAD = re.compile(r"([A-Za-z_:][\w:]*)\s*<")

Check = Callable[[str], bool]


@dataclass
class Found:
    """What a C++ text defines.

    ``text`` is the source's, all but its definitions blanked. ``broken`` are definitions that
    speak of layers and are not written in the language: where they begin, and their text.
    """

    text: str
    broken: list[tuple[int, str]]


@dataclass
class _Frame:
    """An open brace: what it belongs to, and where its part of the output begins."""

    kind: str
    start: int
    index: int
    parens: int
    name: str = ""
    header: str = ""
    base: tuple[int, int] | None = None
    constructor: tuple[int, str] | None = None
    plain: bool = True
    """Whether a class has no statements but definitions and one constructor."""


@dataclass
class _Scanner:
    source: Source
    reads: Check
    is_layer: Check
    tokens: Tokens = field(init=False)
    kept: list[tuple[int, str]] = field(default_factory=list)
    broken: list[tuple[int, str]] = field(default_factory=list)
    frames: list[_Frame] = field(default_factory=list)
    templates: set[str] = field(default_factory=set)
    parens: int = 0
    fresh: bool = True
    """Whether the next token begins a statement."""

    def __post_init__(self) -> None:
        self.tokens = Tokens(self.source)

    def scan(self) -> None:
        while (event := self.tokens.next()) is not None:
            kind, text = event.kind, event.text
            if kind == "include":
                self._keep(event.start, self.tokens.slice(event.start, event.end))
            elif kind == "mark":
                self._mark(event)
            elif kind == "word" and not self.parens:
                handler = self._handlers.get(text) if self.fresh or text in _ALWAYS else None
                if handler is not None:
                    handler(self, event)
                elif self.fresh and not self._constructor(event):
                    self._statement()
            else:
                self._statement()
        if self.frames:
            for frame in self.frames:
                if len(self.kept) > frame.index:
                    at = Span(self.source, frame.start, frame.start + 1)
                    raise fail("this '{' is never closed", at, code="E015")

    # ---- marks ----

    def _mark(self, event: Event) -> None:
        text = event.text
        if text == "{":
            self._open("block", event)
        elif text == "}":
            self._close(event)
        elif text == ";":
            self.fresh = self.fresh or not self.parens
        elif text == "(":
            self.parens += 1
            self._statement()
        elif text == ")":
            self.parens = max(0, self.parens - 1)
        elif text != ":" or not self.fresh:
            self._statement()

    def _statement(self) -> None:
        """A token of a statement that defines nothing."""
        if self.fresh and self.frames:
            self.frames[-1].plain = False
        self.fresh = False

    def _open(self, kind: str, event: Event, header: list[tuple[int, str]] | None = None) -> _Frame:
        frame = _Frame(kind, event.start, len(self.kept), self.parens)
        self.frames.append(frame)
        self.parens, self.fresh = 0, True
        if header is not None:
            frame.header = " ".join(text for _, text in header)
            self.kept += header
        self.kept.append((event.start, "{"))
        return frame

    def _close(self, event: Event) -> None:
        if not self.frames:
            self.parens, self.fresh = 0, True
            return
        frame = self.frames.pop()
        self.parens, self.fresh = frame.parens, frame.parens == 0
        if frame.kind == "class":
            self._close_class(frame, event)
        elif self.kept[-1] == (frame.start, "{"):
            del self.kept[frame.index :]  # nothing is defined inside
        else:
            self.kept.append((event.start, "}"))

    # ---- definitions ----

    def _keep(self, start: int, text: str) -> None:
        self.kept.append((start, text))

    def _define(self, start: int, name: Event, *, body: bool = True) -> None:
        """Keep a definition up to its semicolon, if it is one of the language."""
        end = self._to_semicolon()
        text = self.tokens.slice(start, end)
        self.fresh = True
        if self.reads(text):
            self._keep(start, text)
            self.templates.add(name.text)
        elif self._names_layer(text):
            self.broken.append((start, text))
        elif body:
            # Known by name alone: a declaration without a scope. It needs less room.
            self.kept += [(start, "using"), (name.start, name.text), (end - 1, ";")]

    def _to_semicolon(self) -> int:
        """The end of a definition: behind its semicolon, or where something else begins."""
        parens = 0
        end = self.tokens.at
        while (event := self.tokens.next()) is not None:
            text = event.text if event.kind == "mark" else ""
            if text in ("(", "[") or (text == "{" and parens):
                parens += 1
            elif text in (")", "]") or (text == "}" and parens):
                parens = max(0, parens - 1)
            elif text == ";" and not parens:
                return event.end
            elif (text in ("{", "}")) or event.kind == "include":
                self.tokens.back(event)
                return end
            end = event.end
        return end

    def _names_layer(self, text: str) -> bool:
        if "decltype" in text:
            return False
        for found in _HEAD.finditer(text.partition("=")[2] or text):
            name = found.group(1)
            last = name.rpartition("::")[2]
            if not name.startswith("std::") and (last in self.templates or self.is_layer(last)):
                return True
        return False

    def _using(self, event: Event) -> None:
        name = self.tokens.next()
        if name is not None and name.text == "namespace":
            self._range(event.start)
            return
        then = self.tokens.next()
        if name is None or then is None or name.kind != "word":
            self.tokens.back(then or name)
            self.fresh = False
        elif then.text == "=":
            self._define(event.start, name)
        elif then.text == "::":
            self._range(event.start)
        else:
            self.tokens.back(then)
            self.fresh = False

    def _range(self, start: int) -> None:
        end = self._to_semicolon()
        text = self.tokens.slice(start, end)
        if self.reads(text):
            self._keep(start, text)
        self.fresh = True

    def _typedef(self, event: Event) -> None:
        end = self._to_semicolon()
        text = self.tokens.slice(event.start, end)
        self.fresh = True
        if self.reads(text):
            self._keep(event.start, text)
        elif self._names_layer(text):
            self.broken.append((event.start, text))

    def _constant(self, event: Event) -> None:
        found = _CONSTANT.match(self.source.text, event.start)
        if found is None or "const" not in self.source.text[event.start : found.start("name")]:
            self._statement()
            return
        name = Event("word", found["name"], found.start("name"), found.end("name"))
        self.tokens.at = found.end("name")
        if self.source.text[found.end()] == "{":
            self._braced_constant(event)
        else:
            self._define(event.start, name)

    def _braced_constant(self, event: Event) -> None:
        while (inner := self.tokens.next()) is not None and inner.text not in ("}", ";"):
            pass
        end = self._to_semicolon()
        text = self.tokens.slice(event.start, end)
        if self.reads(text):
            self._keep(event.start, text)
        self.fresh = True

    def _template(self, event: Event) -> None:
        if self._angles() is None:
            self._statement()
            return
        then = self.tokens.next()
        if then is not None and then.text == "using":
            name, equal = self.tokens.next(), self.tokens.next()
            if name is not None and equal is not None and equal.text == "=":
                self._define(event.start, name)
                return
            self.tokens.back(equal)
        elif then is not None and then.text in ("struct", "class"):
            self._class(then, event)
            return
        else:
            self.tokens.back(then)
        self._statement()

    def _angles(self) -> int | None:
        """Read ``<...>``; the offset behind it, or ``None`` where there is none.

        Where a closer is missing it ends before the ``using``, so that the parser says so.
        """
        depth = parens = 0
        while (event := self.tokens.next()) is not None:
            text = event.text if event.kind in ("mark", "word") else ""
            if text in ("(", "["):
                parens += 1
            elif text in (")", "]"):
                parens -= 1
            elif text == "<" and not parens:
                depth += 1
            elif text == ">" and not parens:
                depth -= 1
                if not depth:
                    return event.end
            elif text in (";", "{", "}", "using") or event.kind == "include" or not depth:
                self.tokens.back(event)
                return event.start if text == "using" and depth else None
        return None

    # ---- namespaces, structs and classes ----

    def _namespace(self, event: Event) -> None:
        end = event.end
        while (then := self.tokens.next()) is not None and (
            then.kind == "word" or then.text == "::"
        ):
            end = then.end
        if then is not None and then.text == "{":
            text = self.tokens.slice(event.start, end).replace("inline", " " * 6)
            self._open("namespace", then, [(event.start, text)])
        elif then is not None and then.text == "=":
            self._range(event.start)
        else:
            self.tokens.back(then)
            self._statement()

    def _class(self, event: Event, template: Event | None = None) -> None:
        name: Event | None = None
        end = event.end
        while (then := self.tokens.next()) is not None:
            if then.kind == "word":
                if then.text != "final":
                    name, end = then, then.end
            elif then.text == "<" and name is not None:
                self.tokens.back(then)
                end = self._angles() or end
                if self.source.text[end - 1] != ">":
                    break
            elif then.text != "::":
                break
        if name is None or then is None or then.text not in ("{", ":", ";"):
            self.tokens.back(then)
            self._statement()
            return
        header = [(event.start, event.text), (name.start, self.tokens.slice(name.start, end))]
        if template is not None:
            header.insert(0, (template.start, self.tokens.slice(template.start, event.start)))
        if then.text == ";":
            self._forward(header, then, template)
            return
        base = None
        if then.text == ":":
            colon = then
            while (then := self.tokens.next()) is not None and then.text not in ("{", ";", "}"):
                pass
            if then is None or then.text != "{":
                self.tokens.back(then)
                self._statement()
                return
            base = (colon.start, then.start)
            header.append((colon.start, ""))  # the place of the bases, filled at the end
        frame = self._open("class", then, header)
        frame.name, frame.base = name.text, base

    def _forward(self, header: list[tuple[int, str]], end: Event, template: Event | None) -> None:
        """``template <...> struct name;``: its parameters may have defaults."""
        self.fresh = True
        if template is not None and self.reads(" ".join(text for _, text in header) + ";"):
            self.kept += [*header, (end.start, ";")]

    def _constructor(self, event: Event) -> bool:
        """Read ``explicit name() : base(...) {}`` or ``name() = default;`` in a class."""
        frame = self.frames[-1] if self.frames else None
        if frame is None or frame.kind != "class" or frame.constructor is not None:
            return False
        start = event
        if event.text == "explicit":
            following = self.tokens.next()
            if following is None:
                return False
            start = following
        if start.text != frame.name or not self._expect("(", ")"):
            self.tokens.back(start if start is not event else None)
            return False
        then = self.tokens.next()
        if then is not None and then.text == "=":
            self._to_semicolon()
            return True
        if then is None or then.text != ":":
            self.tokens.back(then)
            return False
        depth = 0
        while (inner := self.tokens.next()) is not None:
            depth += (inner.text == "(") - (inner.text == ")")
            if inner.text in ("{", "}", ";") or (inner.text == "," and not depth):
                break
        if inner is None or inner.text != "{" or not self._expect("}"):
            self.tokens.back(inner)
            return False
        text = self.tokens.slice(start.start, self.tokens.at)
        if not self.reads(f"struct x {{ {text} }};"):
            return False
        frame.constructor = (start.start, text)
        self.kept.append(frame.constructor)
        self.fresh = True
        return True

    def _expect(self, *marks: str) -> bool:
        for mark in marks:
            event = self.tokens.next()
            if event is None or event.text != mark:
                self.tokens.back(event)
                return False
        return True

    def _close_class(self, frame: _Frame, event: Event) -> None:
        """Write the bases and the constructor of a class that has nothing else, then its end."""
        self.fresh = False  # declarators may follow
        if not self.reads(frame.header + "{};"):
            del self.kept[frame.index :]
            return
        derived = False
        if frame.base is not None and frame.plain:
            start, end = frame.base
            bases = self.tokens.slice(start, end)
            if derived := self.reads(f"struct x {bases} {{}};"):
                place = self.kept.index((start, ""), frame.index, frame.index + 4)
                self.kept[place] = (start, bases)
        if frame.constructor is not None and not derived:
            start, text = frame.constructor
            del self.kept[self.kept.index((start, text), frame.index)]
        self.kept.append((event.start, "}"))
        then = self.tokens.next()
        while then is not None and then.text not in (";", "{", "}"):
            then = self.tokens.next()
        if then is not None and then.text == ";":
            self.kept.append((then.start, ";"))
            self.fresh = True
        else:
            # Without its semicolon it cannot be read; that is the C++ compiler's to say.
            del self.kept[frame.index :]
            self.tokens.back(then)

    def _label(self, event: Event) -> None:
        then = self.tokens.next()
        if then is None or then.text != ":":
            self.tokens.back(then)
            self._statement()

    def _other(self, event: Event) -> None:
        """An enum or a friend: the class that it names is not defined there."""
        then = self.tokens.next()
        if then is None or then.text not in ("class", "struct"):
            self.tokens.back(then)
        self._statement()

    _handlers: ClassVar[dict[str, Callable[[_Scanner, Event], None]]] = {
        "using": _using,
        "template": _template,
        "typedef": _typedef,
        "namespace": _namespace,
        "struct": _class,
        "class": _class,
        "enum": _other,
        "friend": _other,
        **dict.fromkeys(_ACCESS, _label),
        **dict.fromkeys(
            (*_SPECIFIERS, "long", "int", "unsigned", "short", "double", "float", "bool"), _constant
        ),
    }


def definitions_of(source: Source, reads: Check, is_layer: Check) -> Found:
    """The definitions of a C++ source.

    ``reads`` says whether a definition is written in the language, ``is_layer`` whether a name is
    a layer's. Raises ArchError where a comment, a string or a brace never ends.
    """
    scanner = _Scanner(source, reads, is_layer)
    scanner.scan()
    parts: list[str] = []
    at = 0
    for start, text in scanner.kept:
        if not text:
            continue
        parts += blank(source.text[at:start]), text
        at = start + len(text)
    parts.append(blank(source.text[at:]))
    return Found("".join(parts), scanner.broken)

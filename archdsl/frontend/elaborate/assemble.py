"""Definitions in order: includes are followed, constants and ``-D`` parameters evaluated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from archdsl.diagnostics import ArchError, Diagnostic, fail, listing, nearest
from archdsl.diagnostics.source import Source, Span
from archdsl.frontend.bundled import specs_folder
from archdsl.frontend.elaborate.arguments import Pending
from archdsl.frontend.elaborate.scope import (
    Deferred,
    Definitions,
    Environment,
    Formal,
    FunctionBinding,
    StructBinding,
    StructBody,
    TemplateBinding,
    Unread,
)
from archdsl.frontend.elaborate.tails import alias_of, find, tail_of
from archdsl.frontend.elaborate.values import BROKEN, PLAIN, value_type
from archdsl.frontend.files import beside, read_source
from archdsl.frontend.syntax import nodes
from archdsl.frontend.syntax.parser import parse, written
from archdsl.ir.trampoline import Task, run
from archdsl.text.paths import is_file, resolved

if TYPE_CHECKING:
    from archdsl.frontend.syntax.macros import Macros

_MAX_INCLUDES = 500


class Candidate(NamedTuple):
    """A complete network of a text: a definition, or an expression without a name."""

    name: str | None
    body: nodes.Expression
    environment: Environment
    own: bool
    """True if it stands in the text itself, not in a file that the text includes."""
    variable: bool = False
    """True for a variable of a C++ program, taken where no definition is a network."""

    @property
    def short(self) -> str | None:
        """The name without its namespaces."""
        return self.name.rpartition("::")[2] if self.name is not None else None


@dataclass
class Assembly:
    """The definitions of a text and its includes, put together while they are read."""

    settings: Mapping[str, Any]
    definitions: Definitions = field(default_factory=Definitions)
    candidates: list[Candidate] = field(default_factory=list)
    suspects: list[Candidate] = field(default_factory=list)
    """Definitions that would be networks if their inner end were an input."""
    parameters: dict[str, Any] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)
    """The parameters that are set to something else than their defaults."""
    errors: list[Diagnostic] = field(default_factory=list)


class _OpenItems(NamedTuple):
    """Items of a text that are being read: the next one, and the scope that names go into."""

    items: tuple[nodes.Item, ...]
    at: int
    scope: Definitions
    document: nodes.Document


ReadDocument = Callable[[Path, Path, "Macros | None"], nodes.Document]
"""Reads an included file, given the folder that its own includes may not leave.

The macros are those that a C++ program has where it includes the file.
"""


def read_document(
    path: Path,
    root: Path,
    macros: Macros | None,
    *,
    settings: Mapping[str, Any] | None = None,
) -> nodes.Document:
    """The file as it is on disk; raises ArchError where it cannot be read or parsed."""
    return parse(read_source(path, root=root), settings, macros)


def assemble(
    document: nodes.Document,
    settings: Mapping[str, Any],
    resolve: Callable[[nodes.Name, Environment], Task[Any]],
    read: ReadDocument | None = None,
    opaque: Mapping[str, Any] = MappingProxyType({}),
) -> Assembly:
    """Collect the definitions of a document; ``settings`` are the values given with ``-D``.

    ``resolve`` evaluates names that have a scope, ``read`` gives the documents of includes,
    ``opaque`` are the layers that layer classes of the program count as. Raises
    ArchError for everything that is wrong with includes, constants and settings.
    """
    assembly = Assembly(settings)
    assembly.definitions.resolve = resolve
    assembly.definitions.opaque = opaque
    read = read or partial(read_document, settings=settings)
    done: set[Path] = set()
    macros = document.macros
    # Includes and scopes are a tree; its walk keeps what is open on a list of its own.
    pending = [_OpenItems(document.items, 0, assembly.definitions, document)]
    while pending:
        current = pending.pop()
        if current.at == len(current.items):
            continue
        pending.append(current._replace(at=current.at + 1))
        item = current.items[current.at]
        try:
            if isinstance(item, nodes.Include):
                chain = list(dict.fromkeys(reading.document.source for reading in pending))
                around = current.document.included.get(item.span.start)
                included = _include(item, around, chain, done, assembly.definitions.missing, read)
                if included is not None:
                    macros |= included.macros
                    pending.append(_OpenItems(included.items, 0, current.scope, included))
            else:
                inner = _add(item, current.scope, assembly, own=current.document is document)
                if inner is not None:
                    pending.append(_OpenItems(*inner, current.document))
        except ArchError as error:
            assembly.errors.extend(error.diagnostics)
            if isinstance(item, (nodes.Constant, nodes.Parameter)):
                current.scope.add(item.name.text, BROKEN)
    unknown = [name for name in settings if name not in {*assembly.parameters, *macros}]
    for name in unknown:
        known = listing(assembly.parameters) or "none"
        help = nearest(name, assembly.parameters)
        message = f"-D {name}: the spec has no parameter '{name}'"
        assembly.errors.append(
            Diagnostic(message, None, (f"its parameters are: {known}",), help=help, code="E401")
        )
    if assembly.errors:
        raise ArchError(assembly.errors)
    return assembly


Inner = tuple[tuple[nodes.Item, ...], int, Definitions]
"""Items inside an item, the first of them, and their scope."""


def _add(item: nodes.Item, scope: Definitions, assembly: Assembly, *, own: bool) -> Inner | None:
    """Add what an item defines to its scope; what it has inside remains to be read."""
    environment = Environment(scope, scope.position, {})
    if isinstance(item, nodes.Template):
        _add_template(item, environment, assembly, own)
    elif isinstance(item, nodes.NetworkExpression):
        if own:
            assembly.candidates.append(Candidate(None, item.body, environment, own))
    elif isinstance(item, nodes.Parameter):
        _add_parameter(item, environment, assembly)
    elif isinstance(item, nodes.Constant):
        kind = value_type(item.type)
        if item.span.source.is_cpp or scope.outer is not None:
            # It may depend on what only the program or the struct's arguments know.
            scope.add(item.name.text, Deferred(item.value, kind, scope, scope.position))
        else:
            scope.add(item.name.text, run(PLAIN[kind](Pending(item.value, environment))))
    elif isinstance(item, nodes.Function):
        # It may call itself.
        scope.add(item.name.text, FunctionBinding(item, scope, scope.position + 1))
    elif isinstance(item, nodes.Space):
        inner = Definitions(scope) if item.path is None else scope.space(item.path)
        return item.items, 0, inner
    elif isinstance(item, nodes.Struct):
        return _add_struct(item, scope)
    elif isinstance(item, nodes.Declaration):
        found = Unread(item.name) if item.name.scope is None else find(item.name, environment)
        if found is not None:
            scope.add(item.name.text, found)
    elif isinstance(item, (nodes.Directive, nodes.Alias)):
        place = scope.inner(item.path[0], scope.position)
        if place is not None:
            space = place[0].space(item.path[1:])
            if isinstance(item, nodes.Alias):
                scope.spaces[item.name.text] = space
            else:
                scope.used.append(space)
    return None


def _add_template(
    item: nodes.Template, environment: Environment, assembly: Assembly, own: bool
) -> None:
    scope = environment.definitions
    tail, subnet = tail_of(item, environment)
    alias = alias_of(item.body, environment)
    binding = TemplateBinding(item, scope, scope.position, tail, subnet, alias)
    if not item.variable:
        scope.add(item.name.text, binding)
    elif tail != "complete":
        return
    if tail in ("complete", "unknown") and not item.formals and scope.known:
        name = "::".join((*scope.path(), item.name.text))
        inside = Environment(scope, scope.position, {})
        of = assembly.candidates if tail == "complete" else assembly.suspects
        of.append(Candidate(name, item.body, inside, own, item.variable))


def _add_parameter(item: nodes.Parameter, environment: Environment, assembly: Assembly) -> None:
    kind = value_type(item.type)
    name = item.name.text
    if name in assembly.parameters:
        raise fail(f"the parameter '{name}' is declared twice", item.name.span, code="E131")
    assembly.parameters[name] = None
    value = default = run(PLAIN[kind](Pending(item.value, environment)))
    if name in assembly.settings:
        value = _setting(name, assembly.settings[name], kind)
        if value != default:
            assembly.changed.add(name)
    assembly.parameters[name] = value
    environment.definitions.add(name, value)


def _add_struct(item: nodes.Struct, scope: Definitions) -> Inner | None:
    """Add a struct, or a specialisation or the definition of one that was declared before."""
    name = item.name.text
    before = scope.own(name, scope.position)
    binding = before if isinstance(before, StructBinding) else None
    if item.pattern is not None and binding is None:
        if item.span.source.is_cpp:
            return None  # of a template of another library
        raise fail(
            f"'{name}' is specialised before it is defined",
            item.name.span,
            help="the template itself comes first",
            code="E138",
        )
    known = scope.known and not item.formals and item.pattern is None
    members = Definitions(scope, name, outer=scope.position + 1, known=known)
    for index, formal in enumerate(item.formals or ()):
        if formal.name is not None:
            place = _place(formal.name.text, item.pattern) if item.pattern is not None else index
            members.bind(formal.name.text, Formal(place, formal))
    if isinstance(item.base, nodes.Name):
        base = find(item.base, Environment(scope, scope.position, {}))
        if isinstance(base, StructBinding):
            members.bases.append(base.bodies[0].members)
    body = StructBody(item, members)
    if binding is not None and item.pattern is not None:
        binding.bodies.append(body)
    elif binding is not None and binding.bodies[0].definition.items is None:
        if item.items is not None:
            binding.bodies[0] = _defined(body, binding.bodies[0])
    else:
        scope.add(name, StructBinding(scope, scope.position, [body]))
    return (item.items, 0, members) if item.items else None


def _place(formal: str, pattern: tuple[nodes.Argument, ...]) -> int:
    """Index of the template argument that a parameter of a specialisation stands for."""
    places = (i for i, p in enumerate(pattern) if isinstance(p, nodes.Name) and p.text == formal)
    return next(places, len(pattern))


def _defined(body: StructBody, declared: StructBody) -> StructBody:
    """The definition of a struct, with the defaults that its declaration gives."""
    formals = body.definition.formals
    earlier = declared.definition.formals
    if formals is None or earlier is None or len(formals) != len(earlier):
        return body
    merged = tuple(
        f if f.default is not None else f._replace(default=e.default)
        for f, e in zip(formals, earlier, strict=True)
    )
    return StructBody(body.definition._replace(formals=merged), body.members)


def _setting(name: str, given: Any, kind: type[Any]) -> Any:
    """The value of ``-D name=given``, which comes as text from a command line."""
    words = {"true": True, "false": False, "1": True, "0": False}
    text = written(given)
    try:
        if kind is bool:
            return words[text.lower()]
        if kind is int and not re.fullmatch(r"[+-]?[0-9]{1,20}", text):
            raise ValueError  # Python would take 1_000 as well, and digits of other scripts
        if kind is float and not (text.isascii() and "_" not in text):
            raise ValueError
        return kind(text)
    except (KeyError, ValueError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
        raise fail(f"-D {name}={given}: expected {wanted}, found '{given}'", code="E402") from None


def _include(
    item: nodes.Include,
    macros: Macros | None,
    open_sources: list[Source],
    done: set[Path],
    missing: list[str],
    read: ReadDocument,
) -> nodes.Document | None:
    """The document of an include, ``None`` where it has been read before.

    A C++ source includes much that is no network; what is not beside it is noted as missing.
    """
    source = item.span.source
    chain = [s.path for s in open_sources if s.path is not None]
    if source.is_cpp:
        place = beside(item.target, source)
        if place is None:
            missing.append(item.target)
            return None
        path, root = place
        if path in chain:  # its guard skips it then
            return None
    else:
        path, root = find_include(item, source)
    if path in chain:
        cycle = " -> ".join(p.name for p in [*chain[chain.index(path) :], path])
        raise fail(
            "a cycle of includes", item.span, f"this file includes itself: {cycle}", code="E134"
        )
    if path in done:
        return None
    if len(done) >= _MAX_INCLUDES:
        raise fail(f"more than {_MAX_INCLUDES} files are included", item.span, code="E135")
    done.add(path)
    try:
        return read(path, root, macros)
    except ArchError as error:
        if error.diagnostics[0].span is None:  # the file itself could not be read
            raise fail(error.diagnostics[0].message, item.span, code="E136") from None
        raise


def find_include(item: nodes.Include, source: Source) -> tuple[Path, Path]:
    """The file that an include means and the folder it may not leave; raises ArchError if none."""
    target = Path(item.target)
    bundled = specs_folder().resolve()
    places: list[tuple[Path, Path]] = []
    if source.path is not None and source.root is not None:
        places.append((source.path.parent, source.root))
    places.append((bundled, bundled))
    outside = target.is_absolute()
    for folder, root in places:
        path = resolved(folder / target)
        if not path.is_relative_to(root) or target.is_absolute():
            outside = True
        elif is_file(path):
            return path, root
    if outside:
        raise fail(
            "an include may not leave the folder of its spec",
            _quoted(item),
            f"found {item.target}, which lies outside",
            code="E133",
        )
    near = nearest(item.target, _bundled_blocks(bundled))
    raise fail(
        f"there is no file '{item.target}' to include", _quoted(item), help=near, code="E132"
    )


def _bundled_blocks(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.arch"))]


def _quoted(item: nodes.Include) -> Span:
    start = item.span.start + item.span.text.index('"')
    return Span(item.span.source, start, start + len(item.target) + 2)

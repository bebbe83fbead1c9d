"""Definitions in order: includes are followed, constants and ``-D`` parameters evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from archdsl.bundled import specs_folder
from archdsl.diagnostics import ArchError, Diagnostic, fail, listing, nearest
from archdsl.elaborate.arguments import Pending
from archdsl.elaborate.scope import Definitions, Environment, TemplateBinding, tail_of
from archdsl.elaborate.trampoline import run
from archdsl.elaborate.values import BROKEN, PLAIN, value_type
from archdsl.reading import read_source
from archdsl.source import Source, Span
from archdsl.syntax import nodes
from archdsl.syntax.parser import parse

_MAX_INCLUDES = 500


class Candidate(NamedTuple):
    """A complete network of a text: a definition, or an expression without a name."""

    name: str | None
    body: nodes.Expression
    environment: Environment
    template: TemplateBinding | None


@dataclass
class Assembly:
    """What the definitions of a text and its includes amount to."""

    definitions: Definitions = field(default_factory=Definitions)
    candidates: list[Candidate] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    errors: list[Diagnostic] = field(default_factory=list)

    def environment(self) -> Environment:
        """What is visible behind the last definition so far."""
        return Environment(self.definitions, self.definitions.position, {})


def assemble(document: nodes.Document, settings: Mapping[str, Any]) -> Assembly:
    """Collect the definitions of a document; ``settings`` are the values given with ``-D``.

    Raises ArchError for everything that is wrong with includes, constants and settings.
    """
    assembly = Assembly()
    done: set[Path] = set()
    # Include files are a tree; its walk keeps the open files on a list of its own.
    pending: list[tuple[nodes.Document, int]] = [(document, 0)]
    while pending:
        current, index = pending.pop()
        if index == len(current.items):
            continue
        pending.append((current, index + 1))
        item = current.items[index]
        try:
            if isinstance(item, nodes.Include):
                included = _include(item, [d.source for d, _ in pending], done)
                if included is not None:
                    pending.append((included, 0))
            else:
                _add(item, assembly, settings, own=current is document)
        except ArchError as error:
            assembly.errors.extend(error.diagnostics)
            if isinstance(item, (nodes.Constant, nodes.Parameter)):
                assembly.definitions.add(item.name.text, BROKEN)
    unknown = [name for name in settings if name not in assembly.parameters]
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


def _add(
    item: nodes.Item,
    assembly: Assembly,
    settings: Mapping[str, Any],
    *,
    own: bool,
) -> None:
    environment = assembly.environment()
    definitions = assembly.definitions
    if isinstance(item, nodes.Template):
        tail, subnet = tail_of(item, environment)
        binding = TemplateBinding(item, definitions, definitions.position, tail, subnet)
        definitions.add(item.name.text, binding)
        if tail == "complete" and not item.formals and own:
            candidate = Candidate(item.name.text, item.body, assembly.environment(), binding)
            assembly.candidates.append(candidate)
    elif isinstance(item, nodes.NetworkExpression):
        if own:
            assembly.candidates.append(Candidate(None, item.body, environment, None))
    elif isinstance(item, (nodes.Constant, nodes.Parameter)):
        kind = value_type(item.type)
        name = item.name.text
        if isinstance(item, nodes.Parameter):
            if name in assembly.parameters:
                raise fail(f"the parameter '{name}' is declared twice", item.name.span, code="E131")
            assembly.parameters[name] = None
            if name in settings:
                value = assembly.parameters[name] = _setting(name, settings[name], kind)
                definitions.add(name, value)
                return
        value = run(PLAIN[kind](Pending(item.value, environment)))
        if isinstance(item, nodes.Parameter):
            assembly.parameters[name] = value
        definitions.add(name, value)


def _setting(name: str, given: Any, kind: type[int] | type[float] | type[bool]) -> Any:
    """The value of ``-D name=given``, which comes as text from a command line."""
    words = {"true": True, "false": False, "1": True, "0": False}
    text = str(given).lower() if isinstance(given, bool) else str(given)
    try:
        if kind is bool:
            return words[text.lower()]
        return kind(text)
    except (KeyError, ValueError):
        wanted = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
        raise fail(f"-D {name}={given}: expected {wanted}, found '{given}'", code="E402") from None


def _include(
    item: nodes.Include, open_sources: list[Source], done: set[Path]
) -> nodes.Document | None:
    """The document of an include, ``None`` where it has been read before."""
    source = item.span.source
    path, root = _find(item, source)
    chain = [s.path for s in open_sources if s.path is not None]
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
        return parse(read_source(path, root=root))
    except ArchError as error:
        if error.diagnostics[0].span is None:  # the file itself could not be read
            raise fail(error.diagnostics[0].message, item.span, code="E136") from None
        raise


def _find(item: nodes.Include, source: Source) -> tuple[Path, Path]:
    """The file that an include means and the folder it may not leave."""
    target = Path(item.target)
    bundled = specs_folder().resolve()
    places: list[tuple[Path, Path]] = []
    if source.path is not None and source.root is not None:
        places.append((source.path.parent, source.root))
    places.append((bundled, bundled))
    outside = target.is_absolute()
    for folder, root in places:
        path = (folder / target).resolve()
        if not path.is_relative_to(root) or target.is_absolute():
            outside = True
        elif path.is_file():
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

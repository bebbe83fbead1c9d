"""The spec of a file: the layers with their arguments, and tags for the wrappers.

Serialized files have wrappers without numbers. What they must be follows from what they are for:

- a wrapper right on top of another one is a skip, since a second tag would name the same place;
- what a skip leaves must be tagged, so its target is the tag that no skip left yet;
- a layer that joins means the one tag that nothing uses yet; a concatenation of as many tags as
  there are means them all, the latest first, if they are the branches of dlib's inception;
- a wrapper on top of all is a skip where a tag is left that nothing reads;
- loss_yolo reads the tags that nothing else reads, that of the largest anchors first.

That every tag is read is a guess: a comment in the spec names what else the file may mean. Where
more than one reading is left the file does not carry enough, and an error says where.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from archdsl.diagnostics import ArchError, coded, fail
from archdsl.diagnostics.printable import printable
from archdsl.dlib.kinds import Join, LossKind, Record
from archdsl.dlib.kinds.definition import NAMED_TAGS, tag_name
from archdsl.dlib.tree import Chain, InputTag, LayerNode, Node, Repeated, Saved, Wrapper
from archdsl.ir.layer import definitions
from archdsl.ir.trampoline import Task, run
from archdsl.text.words import counted

_WIDTH = 100
_CHANNELS_OF_FILTERS = {"con": 1, "cont": 0}
"""Axis of the filters that counts the input's channels."""
_KEEPING_CHANNELS = ("relu", "sig", "htan", "max_pool", "avg_pool", "bn_con", "affine", "multiply")


@coded("E412")
def respelled(saved: Saved) -> str:
    """The text of a spec for a file. Raises ArchError where the file does not carry enough."""
    if not saved.places_known:
        raise fail(
            f"{saved.source} does not say where its tags and skips are",
            None,
            "dlib wrote files like this until 2017",
            help="its layers are listed without --to-arch",
        )
    return _Spelling(saved).text()


@dataclass(eq=False)
class _Tag:
    """A tag: its number, the layer that it is on, and what has become of it."""

    id: int
    after: str
    base: _Tag | None = None
    """The tag from which the network goes on behind it, once a skip left it."""
    target: bool = False
    """True if a skip refers to the tag."""
    ordinal: int = 0
    """Its place among the tags and skips of the file."""
    certain: bool = False
    """True if the file says its number."""

    def __str__(self) -> str:
        return f"{tag_name(self.id)} behind {self.after}"


@dataclass
class _Scope:
    """The tags of one chain that are still to be used, and the layers as text, innermost first."""

    layers: list[str] = field(default_factory=list)
    open: list[_Tag] = field(default_factory=list)
    last: bool = False
    """True at the outermost element of the network."""

    def read(self, numbers: Sequence[int]) -> None:
        """Note that a layer read tags, which need no reader any more."""
        self.open = [tag for tag in self.open if tag.id not in numbers]

    def left(self, number: int) -> None:
        """Note that a skip leads to a tag."""
        for tag in self.open:
            tag.target |= tag.id == number


class _Spelling:
    def __init__(self, saved: Saved, numbers: Mapping[int, int] | None = None) -> None:
        """``numbers`` of tags by their places among the tags and skips of the file."""
        self._saved = saved
        self._given = numbers or {}
        self._ordinal = 0
        self._guesses: list[str] = []
        self._unread: list[_Tag] = []
        self._templates: list[str] = []
        self._notes: list[str] = [
            f"// The network in {printable(Path(saved.source).name)}, a file of dlib's."
        ]
        self._numbers: set[int] = set()

    def text(self) -> str:
        layers = run(self._chain(self._saved.chain, top=True))
        loss = self._saved.loss
        if loss is not None and isinstance(loss.kind, LossKind):
            numbers = self._read_by(loss.kind, loss)
            if numbers and not self._given:
                return _Spelling(self._saved, numbers).text()
            layers += self._loss(loss.kind, loss)
        entry = self._entry()
        self._guesses += [
            f"{tag} is read by nothing: it may be a skip, or there for the program's own use"
            for tag in self._unread
        ]
        if self._guesses:
            self._notes += [
                "// dlib's files neither number tags nor tell them from skips, and a tag that a "
                "layer reads may be",
                "// read again further out. What was guessed:",
                *(f"// - {guess}" for guess in self._guesses),
            ]
        body = self._wrapped("using net_type = ", layers, entry)
        tags = [
            f"template <typename SUBNET> using {tag_name(n)} = add_tag_layer<{n},SUBNET>;"
            for n in sorted(self._numbers)
            if n > NAMED_TAGS
        ]
        sections = [self._notes, tags, self._templates, [body]]
        return "\n\n".join("\n".join(dict.fromkeys(lines)) for lines in sections if lines) + "\n"

    def _loss(self, kind: LossKind, loss: Record) -> list[str]:
        name = kind.spelled(loss.values)
        if name not in definitions():
            self._notes.append(f"// Its loss is {kind.name}, which a spec cannot have.")
            return []
        for label, written in kind.renamed(loss.values).items():
            self._notes.append(f"// The label {printable(label)!r} is written {written}.")
        arguments = kind.spelling(loss.values)
        if kind.reads_tags and not kind.tags_read(loss.values):
            self._guesses.append(
                f"{name} reads the tags that nothing else reads: {_listed(self._unread)}"
            )
            arguments = [tag_name(tag.id) for tag in self._unread] + arguments
            self._unread = []
        return [*(f"{each}," for each in reversed(arguments)), f"{name}<"]

    def _read_by(self, kind: LossKind, loss: Record) -> dict[int, int]:
        """The numbers that a loss's options give tags which nothing else reads."""
        wanted = kind.tags_read(loss.values)
        if not wanted:
            return {}
        if len(wanted) != len(self._unread):
            raise fail(
                f"{self._saved.source} does not say which tags {kind.name} reads",
                None,
                f"its options have anchors at {len(wanted)} tags",
                f"the tags that nothing else reads: {_listed(self._unread)}",
            )
        found = dict(zip((tag.ordinal for tag in self._unread), wanted, strict=True))
        if self._given or all(tag.certain for tag in self._unread):
            if len(wanted) > 1 and not all(tag.certain for tag in self._unread):
                order = _listed(self._unread)
                self._guesses.append(
                    f"{kind.name} has its largest anchors at the innermost of {order}"
                )
            self._unread = []
        return found

    def _entry(self) -> str:
        record = self._saved.chain.input
        assert record is not None
        name = record.kind.spelled(record.values)
        if name:
            arguments = record.kind.spelling(record.values)
            if record.kind.name.endswith("_pyramid"):
                name, arguments = record.kind.name, ["pyramid_down<6>"]
                self._notes.append(
                    "// The rate of its image pyramid is not in the file; dlib's examples have 6."
                )
            return f"{name}<{','.join(arguments)}>" if arguments else name
        known = self._channels()
        channels = known or 1
        guess = "" if known else " The number of channels is a guess."
        self._notes.append(
            "// The file does not say what its input consists of: "
            f"here it has {counted(channels, 'channel')} of the usual type.{guess}"
        )
        if record.kind.name == "input<array<matrix>>" or channels not in (1, 3):
            return f"input<std::array<matrix<float>,{channels}>>"
        return f"input<matrix<{'unsigned char' if channels == 1 else 'rgb_pixel'}>>"

    def _channels(self) -> int | None:
        """The channels that the first convolution takes, if nothing before it changes them."""
        for record in self._saved.records():
            side = _CHANNELS_OF_FILTERS.get(record.kind.name)
            filters = record.values.get("filters")
            if side is not None and filters is not None and any(filters):
                return int(filters[side])
            if record.kind.name not in _KEEPING_CHANNELS:
                break
        return None

    # ---- layers ----

    def _chain(self, chain: Chain, *, top: bool = False) -> Task[list[str]]:
        scope = _Scope()
        before: Node | None = None
        for node in chain.nodes:
            scope.last = top and node is chain.nodes[-1]
            if isinstance(node, Repeated):
                inner = yield self._chain(node.blocks[0])
                name = f"block{len(self._templates) + 1}"
                start = f"template <typename SUBNET> using {name} = "
                self._templates.append(self._wrapped(start, inner, "SUBNET"))
                scope.layers.append(f"repeat<{len(node.blocks)},{name},")
            elif isinstance(node, LayerNode):
                scope.layers.append(self._layer(node.record, before, scope))
            else:
                scope.layers.append(self._wrapper(node, before, scope))
            before = node
        self._unread += [tag for tag in scope.open if not tag.target]
        return scope.layers

    def _layer(self, record: Record, before: Node | None, scope: _Scope) -> str:
        name = record.kind.spelled(record.values)
        if not name or (name not in definitions()):
            raise fail(
                f"archdsl has no layer like {record.kind.name}",
                None,
                f"{self._saved.source} has one behind {_words(scope)}",
            )
        if record.kind.name == "softmax" and "mode" not in record.values:
            self._notes.append("// The file does not say whether softmax is dlib's softmaxm.")
        arguments = record.kind.spelling(record.values)
        if isinstance(record.kind, Join):
            given = record.values.get("tags")
            tags = given or self._meant(record.kind, record, before, scope)
            scope.read(tags)
            arguments = [tag_name(number) for number in tags] + arguments
            self._numbers.update(tags)
        return f"{name}<" + "".join(f"{each}," for each in arguments)

    def _wrapper(self, node: Wrapper | InputTag, before: Node | None, scope: _Scope) -> str:
        self._ordinal += 1
        known = node.tag
        certain = known is not None
        skip = isinstance(node, Wrapper) and node.skip
        if known is None and self._ordinal in self._given:
            known = self._given[self._ordinal]
        elif known is None and self._ends_in_skip(node, before, scope):
            skip, known = True, self._skipped_at_last(scope).id
        elif known is None and isinstance(before, (Wrapper, InputTag)):
            if scope.layers[-1].startswith(("skip", "add_skip")):
                raise self._unclear("a tag or skip on top of a skip", scope)
            skip = True
            known = self._skipped(scope).id
        if known is None:
            known = 1 + max((tag.id for tag in scope.open), default=0)
            while known in self._given.values():
                known += 1
        self._numbers.add(known)
        if skip:
            scope.left(known)
            return f"skip{known}<" if known <= NAMED_TAGS else f"add_skip_layer<{tag_name(known)},"
        scope.open.append(_Tag(known, _words(scope), ordinal=self._ordinal, certain=certain))
        return f"{tag_name(known)}<"

    # ---- which tag is meant ----

    def _ends_in_skip(self, node: Node, before: Node | None, scope: _Scope) -> bool:
        """True for a wrapper on top of all, on a layer, while a tag waits for a reader."""
        loss = self._saved.loss
        reads = loss is not None and isinstance(loss.kind, LossKind) and loss.kind.reads_tags
        on_layer = not isinstance(before, (Wrapper, InputTag))
        unread = any(not tag.target for tag in scope.open)
        return scope.last and isinstance(node, Wrapper) and on_layer and unread and not reads

    def _skipped_at_last(self, scope: _Scope) -> _Tag:
        """The target of a skip on top of all: the one tag that nothing reads."""
        unread = [tag for tag in scope.open if not tag.target]
        if len(unread) != 1:
            raise self._unclear("a skip on top of all", scope)
        self._guesses.append(
            f"the outermost wrapper is a skip to {unread[0]}, which nothing else reads; "
            "it may be a tag of its own"
        )
        return unread[0]

    def _skipped(self, scope: _Scope) -> _Tag:
        """The target of a skip that leaves the latest tag."""
        left = scope.open[-1]
        candidates = [t for t in scope.open[:-1] if t.base is None]
        if len(candidates) != 1:
            raise self._unclear("a skip", scope)
        left.base = candidates[0]
        return candidates[0]

    def _meant(
        self, kind: Join, record: Record, before: Node | None, scope: _Scope
    ) -> tuple[int, ...]:
        """The tags that a layer joins, which are used up by that."""
        count = kind.tag_count(record.values)
        candidates = [tag for tag in scope.open if not tag.target]
        branches = isinstance(before, (Wrapper, InputTag)) and all(
            tag.base is not None for tag in candidates[:-1]
        )
        if len(candidates) != count or (count > 1 and not branches):
            raise self._unclear(kind.name, scope)
        others = [tag for tag in scope.open if tag not in candidates]
        if others:
            self._guesses.append(
                f"{kind.name} behind {_words(scope)} reads {_listed(candidates)}; "
                f"it may read {_listed(others)}"
            )
        bases = {id(tag.base) for tag in candidates}
        scope.open = [tag for tag in scope.open if id(tag) not in bases]
        return tuple(tag.id for tag in reversed(candidates))

    def _unclear(self, what: str, scope: _Scope) -> ArchError:
        return fail(
            f"{self._saved.source} does not say which tag is meant",
            None,
            f"by {what} behind {_words(scope)}",
            f"the tags that nothing uses yet: {_listed(scope.open)}",
            help="XML, which dlib's net_to_xml() writes, has the numbers of tags",
        )

    # ---- text ----

    def _wrapped(self, start: str, layers: list[str], entry: str) -> str:
        """A definition, the outermost layer first, in lines of a readable length."""
        opened = sum(layer.count("<") - layer.count(">") for layer in layers)
        lines = [start]
        for word in [*reversed(layers), entry + ">" * opened + ";"]:
            if len(lines[-1]) + len(word) > _WIDTH and lines[-1].strip():
                lines.append("    ")
            lines[-1] += word
        return "\n".join(lines)


def _listed(tags: Sequence[_Tag]) -> str:
    return "; ".join(map(str, tags)) or "none"


def _words(scope: _Scope) -> str:
    """The latest layer, counted from the input."""
    if not scope.layers:
        return "the input"
    latest = scope.layers[-1].rstrip("<,")
    return f"layer {len(scope.layers)}, {latest}{'>' * ('<' in latest)}"

"""A spec out of a file: the layers with their arguments, tags where the wrappers were.

Serialized files have wrappers without numbers. What they must be follows from what they are for:

- a wrapper right on top of another one is a skip, since a second tag would name the same place;
- what a skip leaves must be tagged, so its target is the tag that no skip left yet;
- a layer that joins means the one tag that nothing uses yet; a concatenation of as many tags as
  there are means them all, the latest first, if they are the branches of dlib's inception.

Where more than one reading is left the file does not carry enough, and an error says where.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from archdsl.diagnostics import ArchError, fail
from archdsl.dlib.kinds import Join, Record
from archdsl.dlib.tree import Chain, Computed, InputTag, Node, Repeated, Saved, Wrapper
from archdsl.elaborate.trampoline import Task, run
from archdsl.layers.definition import definitions
from archdsl.text.words import counted, printable

_WIDTH = 100
_NAMED_TAGS = 10
_CHANNELS_OF_FILTERS = {"con": 1, "cont": 0}
"""Which size of the filters is that of the input's channels."""
_KEEPING_CHANNELS = ("relu", "sig", "htan", "max_pool", "avg_pool", "bn_con", "affine", "multiply")


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
    """Whether a skip goes there."""


@dataclass
class _Scope:
    """The tags of one chain that are still to be used, and the layers as text, innermost first."""

    layers: list[str] = field(default_factory=list)
    open: list[_Tag] = field(default_factory=list)
    base: _Tag | None = None
    """The tag that the current branch started from."""


class _Spelling:
    def __init__(self, saved: Saved) -> None:
        self._saved = saved
        self._templates: list[str] = []
        self._notes: list[str] = [
            f"// The network in {printable(Path(saved.source).name)}, a file of dlib's."
        ]
        self._numbers: set[int] = set()

    def text(self) -> str:
        layers = run(self._chain(self._saved.chain))
        entry = self._entry()
        loss = self._saved.loss
        if loss is not None:
            name = loss.kind.spelled(loss.values)
            if name in definitions():
                layers.append(name + "<")
            else:
                self._notes.append(f"// Its loss is {loss.kind.name}, which a spec cannot have.")
        body = self._wrapped("using net_type = ", layers, entry)
        tags = [
            f"template <typename SUBNET> using {_tag(n)} = add_tag_layer<{n},SUBNET>;"
            for n in sorted(self._numbers)
            if n > _NAMED_TAGS
        ]
        sections = [self._notes, tags, self._templates, [body]]
        return "\n\n".join("\n".join(dict.fromkeys(lines)) for lines in sections if lines) + "\n"

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

    def _chain(self, chain: Chain) -> Task[list[str]]:
        scope = _Scope()
        before: Node | None = None
        for node in chain.nodes:
            if isinstance(node, Repeated):
                inner = yield self._chain(node.blocks[0])
                name = f"block{len(self._templates) + 1}"
                start = f"template <typename SUBNET> using {name} = "
                self._templates.append(self._wrapped(start, inner, "SUBNET"))
                scope.layers.append(f"repeat<{len(node.blocks)},{name},")
            elif isinstance(node, Computed):
                scope.layers.append(self._layer(node.record, before, scope))
            else:
                scope.layers.append(self._wrapper(node, before, scope))
            before = node
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
            arguments = [_tag(number) for number in tags] + arguments
            self._numbers.update(tags)
        return f"{name}<" + "".join(f"{each}," for each in arguments)

    def _wrapper(self, node: Wrapper | InputTag, before: Node | None, scope: _Scope) -> str:
        known = node.tag
        skip = isinstance(node, Wrapper) and node.skip
        if known is None and isinstance(before, (Wrapper, InputTag)):
            if scope.layers[-1].startswith(("skip", "add_skip")):
                raise self._unclear("a tag or skip on top of a skip", scope)
            skip = True
            known = self._skipped(scope).id
        if known is None:
            known = 1 + max((tag.id for tag in scope.open), default=0)
        self._numbers.add(known)
        if skip:
            return f"skip{known}<" if known <= _NAMED_TAGS else f"add_skip_layer<{_tag(known)},"
        scope.open.append(_Tag(known, _words(scope)))
        return f"{_tag(known)}<"

    # ---- which tag is meant ----

    def _skipped(self, scope: _Scope) -> _Tag:
        """The target of a skip that leaves the latest tag."""
        left = scope.open[-1]
        candidates = [t for t in scope.open[:-1] if t.base is None]
        if len(candidates) != 1:
            raise self._unclear("a skip", scope)
        left.base = candidates[0]
        candidates[0].target = True
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
        bases = {id(tag.base) for tag in candidates}
        scope.open = [tag for tag in scope.open if tag not in candidates and id(tag) not in bases]
        return tuple(tag.id for tag in reversed(candidates))

    def _unclear(self, what: str, scope: _Scope) -> ArchError:
        places = "; ".join(f"behind {tag.after}" for tag in scope.open) or "none"
        return fail(
            f"{self._saved.source} does not say which tag is meant",
            None,
            f"by {what} behind {_words(scope)}",
            f"the tags that nothing uses yet: {places}",
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


def _tag(number: int) -> str:
    return f"tag{number}" if number <= _NAMED_TAGS else f"t{number}"


def _words(scope: _Scope) -> str:
    """The latest layer, counted from the input."""
    if not scope.layers:
        return "the input"
    return f"layer {len(scope.layers)}, {scope.layers[-1].rstrip('<,')}"

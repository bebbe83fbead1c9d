"""Combinators: repetition, tags and skips as in dlib, blocks in sequence and side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archdsl.ir.block import Block, Builder, Combinator, Connection, Label, Port, Tag
from archdsl.ir.layer import Layer, RuleError, alias, arg, define
from archdsl.layers.joins import (
    Add,
    AddPadded,
    BroadcastSum,
    Concat,
    Gate,
    MatrixProduct,
    Mult,
    ResizeToMatch,
)

# ---- sequence ----


@define("compose", "add_layer", "add_loss_layer", source="function composition")
@dataclass(frozen=True)
class Compose(Combinator):
    """One block out of several: ``compose<a,b,c>`` is ``a<b<c<SUBNET>>>``."""

    parts: tuple[Block, ...] = arg("blocks, the outermost first")

    def layers(self) -> int:
        return sum(part.layers for part in self.parts)

    def connect(self, build: Builder, port: Port) -> Connection:
        for part in reversed(self.parts):
            port = yield build.apply(part, port)
        return port


@define("repeat", source="dlib repeat")
@dataclass(frozen=True)
class Repeat(Combinator):
    """A block applied several times in a row.

    With a name in front of the block, ``repeat<3, i, block<64, 0.1*i>, SUBNET>``, each turn has its
    number in place of the name: 0 in the first that data reaches, 2 in the last.
    """

    turns = Compose

    count: int = arg("how often", minimum=0)
    block: Block = arg("what is repeated")

    def layers(self) -> int:
        return self.count * self.block.layers

    def connect(self, build: Builder, port: Port) -> Connection:
        return (yield build.repeat(self.block, self.count, port))


@define("when", source="conditional expansion")
@dataclass(frozen=True)
class When(Combinator):
    """A block that is there only if a condition holds; else another one, or nothing."""

    condition: bool = arg("decides")
    then: Block = arg("the block if true")
    otherwise: Block | None = arg("the block if false", None, shown="nothing")

    def _chosen(self) -> Block | None:
        return self.then if self.condition else self.otherwise

    def layers(self) -> int:
        chosen = self._chosen()
        return chosen.layers if chosen else 0

    def connect(self, build: Builder, port: Port) -> Connection:
        chosen = self._chosen()
        if chosen is not None:
            port = yield build.apply(chosen, port)
        return port


@define("frozen", source="transfer learning; torch.nn.Module.requires_grad_")
@dataclass(frozen=True)
class Frozen(Combinator):
    """A block that does not learn: its parameters and its batch norm statistics stay as they are.

    Names and shapes are those of the block itself, so weights for the one fit the other.
    """

    body: Block = arg("the block")

    def layers(self) -> int:
        return self.body.layers

    def connect(self, build: Builder, port: Port) -> Connection:
        return (yield build.apply(self.body, port, frozen=True))


@define("shared", source="torch.nn.Module called twice; Bromley et al. 1993 (siamese networks)")
@dataclass(frozen=True)
class Shared(Combinator):
    """A block whose weights are those of every ``shared`` block of that name beside it.

    Its parameters are there once, and learn from all its uses; each use computes anew. The uses
    stand in one template, in its branches too where a branch is nothing else, and are the same
    block on inputs of the same channels.
    """

    scopeless = True

    name: Label = arg("the name of the block, and of its weights")
    body: Block = arg("the block")

    def layers(self) -> int:
        return self.body.layers

    def connect(self, build: Builder, port: Port) -> Connection:
        return (yield build.apply(self.body, port, self.name, shared=True))


# ---- branches ----


@define("residual", source="He et al. 2015, figure 2")
@dataclass(frozen=True)
class Residual(Combinator):
    """The sum of a block and its input, or of a block and a shortcut; shapes must agree."""

    body: Block = arg("the block")
    shortcut: Block | None = arg("what the input passes on the other side", None, shown="identity")

    def connect(self, build: Builder, port: Port) -> Connection:
        body = yield build.apply(self.body, port, "body")
        shortcut = port
        if self.shortcut is not None:
            shortcut = yield build.apply(self.shortcut, port, "shortcut")
        return build.join(Add(), body, shortcut)._replace(tags=port.tags)


@define(
    "parallel", "inception2", "inception3", "inception4", "inception5", source="dlib inceptionN"
)
@dataclass(frozen=True)
class Parallel(Combinator):
    """Blocks side by side on one input, their outputs concatenated along the channels."""

    branches: tuple[Block, ...] = arg("the blocks, in the order of the concatenation")

    def connect(self, build: Builder, port: Port) -> Connection:
        ends = []
        for number, branch in enumerate(self.branches, 1):
            ends.append((yield build.apply(branch, port, f"branch{number}")))
        if len(ends) == 1:
            return ends[0]
        return build.join(Concat(), *ends)._replace(tags=port.tags)


@define("dense", source="Huang et al. 2016, equation 2")
@dataclass(frozen=True)
class Dense(Combinator):
    """A block repeated; each repetition sees the input and all outputs before, concatenated."""

    layer: Block = arg("the repeated block")
    count: int = arg("how often", minimum=1)

    def layers(self) -> int:
        return self.count * (self.layer.layers + 1)

    def connect(self, build: Builder, port: Port) -> Connection:
        features = [port]
        for _ in range(self.count):
            seen = build.join(Concat(), *features) if len(features) > 1 else port
            features.append((yield build.apply(self.layer, seen)))
        return build.join(Concat(), *features)._replace(tags=port.tags)


@define("branch", source="Szegedy et al. 2014, section 5 (auxiliary classifiers)")
@dataclass(frozen=True)
class Branch(Combinator):
    """A side output: the network goes on as if the head were not there."""

    name: Label = arg("the name of the output")
    head: Block = arg("the block between here and the output")

    def connect(self, build: Builder, port: Port) -> Connection:
        end = yield build.apply(self.head, port, self.name)
        build.output(self.name, end)
        return port


@define("outputs", source="networks with several heads")
@dataclass(frozen=True)
class Outputs(Combinator):
    """Several named heads at the end: ``outputs<boxes=head4, classes=head21, SUBNET>``."""

    heads: tuple[tuple[str, Block], ...] = arg("name=block, any number")

    def connect(self, build: Builder, port: Port) -> Connection:
        for name, head in self.heads:
            end = yield build.apply(head, port, name)
            build.output(name, end)
        return Port(None, port.tags)


# ---- tags ----


@define("add_tag_layer", source="dlib add_tag_layer")
@dataclass(frozen=True)
class AddTag(Combinator):
    """Names this place, so that later layers can come back to it."""

    id: int = arg("the number of the tag", minimum=0)

    def layers(self) -> int:
        return 0

    def connect(self, build: Builder, port: Port) -> Connection:
        if port.node is None:
            raise RuleError("there is nothing to tag here", code="E205")
        return port.marked(self.id, port.node)
        yield


def find(tag: Tag, port: Port) -> Port:
    """The place of the nearest layer with a tag on the way to the input."""
    node = port.tags.get(tag.id)
    if node is None:
        numbers = sorted(mark for mark in port.tags if isinstance(mark, int))
        there = ", ".join(f"tag{known}" for known in numbers) or "none"
        raise RuleError(
            f"there is no {tag} between here and the input",
            f"tags that are visible here: {there}",
            help=f"put {tag}<...> around the layer that is meant",
            code="E201",
        )
    return Port(node, port.tags)


@dataclass(frozen=True)
class _Tagged(Combinator):
    """The base of what refers to a tag."""

    tag: Tag = arg("the tag that is meant")

    def layers(self) -> int:
        return 1


@define("add_skip_layer", source="dlib add_skip_layer")
@dataclass(frozen=True)
class AddSkip(_Tagged):
    """Goes on from a tagged place, leaving out the layers between."""

    def layers(self) -> int:
        return 0

    def connect(self, build: Builder, port: Port) -> Connection:
        return find(self.tag, port)
        yield


@dataclass(frozen=True)
class _JoinTagged(_Tagged):
    """Joins the current output with a tagged one by a layer of two inputs."""

    def layer(self) -> Layer:
        raise NotImplementedError

    def connect(self, build: Builder, port: Port) -> Connection:
        return build.join(self.layer(), port, find(self.tag, port))
        yield


@define("add_prev", source="dlib add_prev_")
@dataclass(frozen=True)
class AddPrev(_JoinTagged):
    """Adds a tagged output; where sizes differ the smaller one is padded with zeros, as in dlib."""

    def layer(self) -> Layer:
        return AddPadded()


@define("mult_prev", source="dlib mult_prev_")
@dataclass(frozen=True)
class MultPrev(_JoinTagged):
    """Multiplies with a tagged output, value by value."""

    def layer(self) -> Layer:
        return Mult()


@define("multm_prev", source="dlib multm_prev_")
@dataclass(frozen=True)
class MultmPrev(_JoinTagged):
    """The matrix product with a tagged output in every channel; rows and columns are a matrix."""

    def layer(self) -> Layer:
        return MatrixProduct()


@define("scale_prev", source="dlib scale_prev_")
@dataclass(frozen=True)
class ScalePrev(_JoinTagged):
    """The current feature map, each channel times the tagged layer's number for it.

    The tagged layer may also give one number for each place, or for each value.
    """

    def layer(self) -> Layer:
        return Gate()


@define("offset_prev", source="torch.add; Cao et al. 2019 (GCNet), section 3.3")
@dataclass(frozen=True)
class OffsetPrev(_JoinTagged):
    """The current feature map, each channel or each place plus the tagged layer's number for it."""

    def layer(self) -> Layer:
        return BroadcastSum()


@define("resize_like", source="torch.nn.functional.interpolate(x, size=tagged.shape[-2:])")
@dataclass(frozen=True)
class ResizeLike(_JoinTagged):
    """The current feature map, resized to the height and width of a tagged one."""

    nearest: bool = arg(
        "take the nearest cell, in place of a bilinear mean of four", False, positional=False
    )
    align_corners: bool = arg(
        "the corner cells of input and output coincide; bilinear only", False, positional=False
    )

    def layer(self) -> Layer:
        return ResizeToMatch(self.nearest, self.align_corners)


def _as_dlib_resizes(name: str, **preset: Any) -> None:
    alias(
        name,
        ResizeLike,
        "The current feature map, resized bilinearly to the size of a tagged one, corners aligned.",
        "dlib resize_prev_to_tagged_",
        nearest=False,
        align_corners=True,
        **preset,
    )


_as_dlib_resizes("resize_prev_to_tagged")


@define("scale", source="Hu et al. 2018, figure 1; Woo et al. 2018, equation 2; dlib scale_")
@dataclass(frozen=True)
class Scale(Combinator):
    """Squeeze and excitation: the input times what a gate makes of it, one number per channel.

    The gate may also give one number for each place (spatial attention), or for each value.
    With a tag in place of the gate it is dlib's ``scale``: the tagged feature map times the
    current output.
    """

    gate: Block = arg("the gate, or a tag")

    def connect(self, build: Builder, port: Port) -> Connection:
        tagged = self.gate.single
        if isinstance(tagged, AddTag):
            return (yield from ScaleTagged(Tag(tagged.id)).connect(build, port))
        gate = yield build.apply(self.gate, port, "gate")
        return build.join(Gate(), port, gate)


@define("offset", source="Cao et al. 2019 (GCNet), section 3.3")
@dataclass(frozen=True)
class Offset(Combinator):
    """The input plus what a block makes of it: one number per channel, per place, or per value."""

    body: Block = arg("the block that gives the numbers")

    def connect(self, build: Builder, port: Port) -> Connection:
        numbers = yield build.apply(self.body, port, "offset")
        return build.join(BroadcastSum(), port, numbers)


@define("scale_tagged", source="dlib scale_")
@dataclass(frozen=True)
class ScaleTagged(_Tagged):
    """A tagged feature map, each channel times the current output's number for it."""

    def connect(self, build: Builder, port: Port) -> Connection:
        return build.join(Gate(), find(self.tag, port), port)._replace(tags=port.tags)
        yield


@define("concat_tags", "concat_", "concat2", "concat3", "concat4", "concat5", source="dlib concat_")
@dataclass(frozen=True)
class ConcatTags(Combinator):
    """Tagged outputs one behind the other along the channels."""

    tags: tuple[Tag, ...] = arg("the tags, in the order of the concatenation")

    def layers(self) -> int:
        return 1

    def connect(self, build: Builder, port: Port) -> Connection:
        ends = [find(tag, port) for tag in self.tags]
        return build.join(Concat(), *ends)
        yield


for _number in range(1, 11):
    alias(f"tag{_number}", AddTag, f"Tag number {_number}.", "dlib tag1..10", id=_number)
    for _name, _cls in (
        ("skip", AddSkip),
        ("add_prev", AddPrev),
        ("mult_prev", MultPrev),
        ("multm_prev", MultmPrev),
        ("scale", ScaleTagged),
        ("scale_prev", ScalePrev),
    ):
        _doc = (_cls.__doc__ or "").strip()
        alias(f"{_name}{_number}", _cls, _doc, f"dlib {_name}1..10", tag=Tag(_number))
    _as_dlib_resizes(f"resize_prev_to_tagged{_number}", tag=Tag(_number))


# The tags of dlib's own inception blocks: itag0 is their input, the others their branches.
_INCEPTION = 1000
for _number in range(6):
    alias(
        f"itag{_number}",
        AddTag,
        f"The tag of an inception block's {'input' if _number == 0 else f'branch {_number}'}.",
        "dlib itag0..5",
        id=_INCEPTION + _number,
    )
alias("iskip", AddSkip, "Goes on from itag0.", "dlib iskip", tag=Tag(_INCEPTION))

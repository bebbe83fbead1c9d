"""Layers of transformers: a feature map as a sequence of tokens, and attention between these.

A sequence is tokens×channels. Layers along the last axis (``linear``, ``layer_norm_last``) take it
as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.ir.layer import (
    Category,
    Dim,
    Layer,
    RuleError,
    Shape,
    Window,
    arg,
    define,
    image,
    shown,
)
from archdsl.ir.lowering import Construct, Emitter, Value, made
from archdsl.ir.storage import KEEPS_NOTHING, PART, SUM, VALUE, VIEW, Storage
from archdsl.ir.window import whole


def _sequence(shape: Shape, kind: str) -> tuple[Dim, int]:
    """The tokens and channels of a sequence; raises RuleError for anything else."""
    if len(shape) != 2 or shape[1] is None:
        raise RuleError(
            f"{kind} needs a sequence of tokens",
            f"expected tokens×channels, found {shown(shape)}",
            help="tokens makes a sequence of a feature map",
            code="E309",
        )
    return shape[0], shape[1]


def require_divisible(heads: int, channels: int, shape: Shape) -> None:
    """Raise RuleError where so many heads cannot share the channels of a shape."""
    if channels % heads:
        raise RuleError(
            f"{heads} heads do not divide {channels} channels",
            f"expected a multiple of {heads} channels, found {shown(shape)}",
            code="E310",
        )


@define(
    "tokens",
    category=Category.RESHAPE,
    source="Dosovitskiy et al. 2020, section 3.1; torch.flatten(x, 2) and torch.permute",
)
@dataclass(frozen=True)
class Tokens(Layer):
    """Every cell of a feature map as a token, row by row: channels×height×width to tokens×channels.

    A sequence has no rows and columns, and what comes behind mixes the tokens; so the receptive
    field is that of all of them from here on.
    """

    storage = VIEW
    homogeneous = True

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        channels, height, width = image(inputs[0], self.kind)
        known = height is not None and width is not None
        return height * width if known else None, channels  # type: ignore[operator]

    def window(self, inputs: tuple[Shape, ...]) -> Window | None:
        _, height, width = inputs[0]
        return Window(whole(height), whole(width))

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        rows = emit.call("torch.flatten", *operands, 2)
        return emit.call("torch.permute", rows, (0, 2, 1))


@define(
    "class_token",
    category=Category.ATTENTION,
    source="Dosovitskiy et al. 2020, equation 1; torchvision VisionTransformer.class_token",
)
@dataclass(frozen=True)
class ClassToken(Layer):
    """A learned token in front of the others, the same for every image; it starts as zeros."""

    storage = KEEPS_NOTHING

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        tokens, channels = _sequence(inputs[0], self.kind)
        return None if tokens is None else tokens + 1, channels

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        return _sequence(inputs[0], self.kind)[1]

    def label(self) -> str:
        return "class token"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("sequence_modules.ClassToken", _sequence(inputs[0], self.kind)[1])


@define(
    "position_embedding",
    category=Category.ATTENTION,
    stem="position",
    source="Dosovitskiy et al. 2020, equation 1; torchvision Encoder.pos_embedding",
)
@dataclass(frozen=True)
class PositionEmbedding(Layer):
    """A learned vector for every place of the sequence, added to the token there.

    They start as normal values. The number of tokens, hence the image's size, is fixed by it.
    """

    storage = SUM

    deviation: float = arg(
        "standard deviation of the initial values", 0.02, minimum=0, positional=False
    )

    def _size(self, inputs: tuple[Shape, ...]) -> tuple[int, int]:
        tokens, channels = _sequence(inputs[0], self.kind)
        if tokens is None:
            raise RuleError(
                f"{self.kind} needs a known number of tokens",
                f"found {shown(inputs[0])}",
                help="write input<C,H,W>, or give the size with --input CxHxW",
                code="E305",
            )
        return tokens, channels

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return self._size(inputs)

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        tokens, channels = self._size(inputs)
        return tokens * channels

    def label(self) -> str:
        return "position embedding"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        return made("sequence_modules.PositionEmbedding", *self._size(inputs), self.deviation)


@define(
    "attention",
    category=Category.ATTENTION,
    source="Vaswani et al. 2017, section 3.2.2; torch.nn.MultiheadAttention",
)
@dataclass(frozen=True)
class Attention(Layer):
    """Multi-head self-attention: each token becomes a weighted sum of what it asks of all tokens.

    Four linear layers of C×C make queries, keys, values and the output. With T tokens their MACs
    are 4·T·C², as those of any linear layer; the products of queries with keys, and of weights with
    values, count as well, T²·C each whatever the number of heads. Softmax and scaling count
    nothing. torchvision's published operations follow the same convention.
    """

    # Queries, keys and values, and what the output is made of.
    storage = Storage(keeps_output=False, extra=4 * VALUE)

    heads: int = arg("parts that the channels are split into; divides them", minimum=1)
    dropout: float = arg(
        "probability that a weight of the sums is dropped in training", 0.0, minimum=0, maximum=1
    )

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        require_divisible(self.heads, _sequence(inputs[0], self.kind)[1], inputs[0])
        return inputs[0]

    def parameters(self, inputs: tuple[Shape, ...]) -> int:
        _, channels = _sequence(inputs[0], self.kind)
        return 4 * channels * (channels + 1)

    def macs(self, inputs: tuple[Shape, ...], output: Shape) -> int | None:
        tokens, channels = _sequence(inputs[0], self.kind)
        if tokens is None:
            return None
        return 4 * tokens * channels**2 + 2 * tokens**2 * channels

    def label(self) -> str:
        return f"attention, {self.heads} head{'s' * (self.heads > 1)}"

    def module(self, inputs: tuple[Shape, ...]) -> Construct:
        _, channels = _sequence(inputs[0], self.kind)
        return made(
            "torch.nn.MultiheadAttention", channels, self.heads, self.dropout, batch_first=True
        )

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        (tokens,) = operands
        # Without the weights torch takes a faster way; it returns None in their place.
        both = emit.module(self.module(inputs), tokens, tokens, tokens, need_weights=False)
        return emit.call("operator.getitem", both, 0)


@define(
    "token",
    category=Category.RESHAPE,
    source="Dosovitskiy et al. 2020, equation 4; x[:, index]",
)
@dataclass(frozen=True)
class Token(Layer):
    """One token of a sequence, by its place from 0; the class token is the first."""

    storage = PART
    homogeneous = True

    index: int = arg("the token's place", 0, minimum=0)

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        tokens, channels = _sequence(inputs[0], self.kind)
        if tokens is not None and self.index >= tokens:
            raise RuleError(
                f"there is no token {self.index}",
                f"expected more than {self.index} tokens, found {shown(inputs[0])}",
                help="the first token is 0",
                code="E311",
            )
        return (channels,)

    def label(self) -> str:
        return f"token {self.index}"

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        return emit.call("operator.getitem", *operands, (slice(None), self.index))


@define(
    "token_mean",
    category=Category.POOLING,
    stem="mean",
    source="Tolstikhin et al. 2021 (MLP-Mixer), section 2; torch.mean(x, 1)",
)
@dataclass(frozen=True)
class TokenMean(Layer):
    """The mean of all tokens of a sequence, channel by channel."""

    homogeneous = True

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        return (_sequence(inputs[0], self.kind)[1],)

    def label(self) -> str:
        return "mean of tokens"

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        return emit.call("torch.mean", *operands, 1)

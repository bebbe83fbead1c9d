"""Losses of dlib except its detectors', and the decisions that they take from a network's output.

A loss passes the output on. The compiled module has the attributes ``criterion``, which turns
(output, target) into a number as dlib's compute_loss_value_and_gradient does, and ``decision``,
which turns an output into a dict of tensors by name, as dlib's to_label does. All are from dlib's
dnn/loss.h. Where dlib's labels carry weights, ``criterion`` takes them as a third argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from archdsl.ir.edges import EdgeType
from archdsl.ir.layer import Category, Layer, RuleError, Shape, arg, define, shown
from archdsl.ir.lowering import Construct, Emitter, Value, made
from archdsl.ir.storage import VIEW


@dataclass(frozen=True)
class Loss(Layer):
    """The base of all losses: the network's output passes.

    What a loss asks of the sizes of the output stands in its class, as dlib asserts it in
    ``to_label`` and ``compute_loss_value_and_gradient``. dlib takes features for a map of one cell.
    """

    samples: ClassVar[int] = 1
    """Number of samples of the batch that belong together, dlib's sample_expansion_factor."""
    one_cell: ClassVar[bool] = False
    """True if the output has to be a row of features: nr() == 1 and nc() == 1 in dlib."""
    outputs: ClassVar[int | None] = None
    """The number of channels, or of features, that it takes, if that is no argument of it."""
    most_channels: ClassVar[int | None] = None
    """The largest number of channels that its labels can tell apart."""
    of_maps: ClassVar[str] = ""
    """The loss of the same kind for maps, where this one takes features."""
    of_several: ClassVar[str] = ""
    """The loss of the same kind for several outputs, where this one takes one."""

    def asserted(self, samples: int | None, inputs: tuple[EdgeType, ...]) -> None:
        if samples in (None, self.samples):
            return
        pairs = "pairs of images"
        takes, found = (pairs, "single ones") if self.samples == 2 else ("single items", pairs)
        raise RuleError(
            f"{self.kind} takes {takes}",
            f"expected {takes}, found {found}",
            help="input_rgb_image_pair makes two samples of each item, as loss_barlow_twins takes "
            "them",
            code="E323",
        )

    def wanted(self) -> int | None:
        """The number of channels, or of features, that it takes; ``None`` for any."""
        return self.outputs

    def shape(self, inputs: tuple[Shape, ...]) -> Shape:
        found = inputs[0]
        if self.one_cell and any(side not in (1, None) for side in found[1:]):
            self._refuse_map(found)
        channels, wanted, most = found[0], self.wanted(), self.most_channels
        if channels is not None and wanted is not None and channels != wanted:
            self._refuse_channels(found, wanted)
        if channels is not None and most is not None and channels > most:
            raise RuleError(
                f"{self.kind} has labels for {most:,} classes",
                f"expected at most {most:,} channels, found {shown(found)}",
                code="E323",
            )
        return found

    def _refuse_map(self, found: Shape) -> None:
        wanted = self.wanted() or found[0] or "C"
        other = f"; {self.of_maps} takes maps" if self.of_maps else ""
        raise RuleError(
            f"{self.kind} takes features, not a map",
            f"expected {wanted}×1×1, found {shown(found)}",
            help=f"fc<{wanted}> makes features of a map, avg_pool_everything one of each "
            f"channel{other}",
            code="E323",
        )

    def _refuse_channels(self, found: Shape, wanted: int) -> None:
        layer, what = ("fc<{}>", "output") if self.one_cell else ("con<{},1,1,1,1>", "channel")
        number = "one" if wanted == 1 else f"{wanted:,}"
        plural = "" if wanted == 1 else "s"
        other = f"; {self.of_several} takes several" if self.of_several else ""
        raise RuleError(
            f"{self.kind} takes {number} {what}{plural}",
            f"expected {wanted:,} {what}{plural}, found {shown(found)}",
            help=f"{layer.format(wanted)} right below it makes {number}{other}",
            code="E323",
        )

    storage = VIEW

    def criterion(self) -> Construct:
        """The torch module that turns (output, target) into a number."""
        raise NotImplementedError

    def decision(self) -> Construct:
        """The torch module that turns an output into a decision, a dict of tensors by name."""
        raise NotImplementedError

    def lower(self, emit: Emitter, operands: tuple[Value, ...], inputs: tuple[Shape, ...]) -> Value:
        emit.criterion(self.criterion())
        emit.decision(self.decision())
        return operands[0]


# ---- classes ----


@define(
    "loss_multiclass_log",
    category=Category.LOSS,
    stem="loss",
    source="dlib loss_multiclass_log_; torch.nn.CrossEntropyLoss",
)
@dataclass(frozen=True)
class LossMulticlassLog(Loss):
    """One class out of many: cross entropy of the softmax of the outputs (logits).

    Decides for the class of the largest output: its label, its score, and all probabilities.
    """

    one_cell = True
    of_maps = "loss_multiclass_log_per_pixel"
    takes_logits = True

    def criterion(self) -> Construct:
        return made("torch.nn.CrossEntropyLoss")

    def decision(self) -> Construct:
        return made("losses.LikeliestClass")


@define(
    "loss_multiclass_log_weighted",
    category=Category.LOSS,
    stem="loss",
    source="dlib loss_multiclass_log_weighted_",
)
@dataclass(frozen=True)
class LossMulticlassLogWeighted(LossMulticlassLog):
    """loss_multiclass_log with a weight for every sample: criterion(output, target, weights)."""

    of_maps = "loss_multiclass_log_per_pixel_weighted"

    def criterion(self) -> Construct:
        return made("losses.WeightedMulticlassLog")


@define(
    "loss_multiclass_log_per_pixel",
    category=Category.LOSS,
    stem="loss",
    source="dlib loss_multiclass_log_per_pixel_",
)
@dataclass(frozen=True)
class LossMulticlassLogPerPixel(LossMulticlassLog):
    """loss_multiclass_log at every pixel, averaged over all; targets of 65535 are ignored.

    Decides for a map of labels, with the score of each.
    """

    one_cell = False
    most_channels = 2**16 - 2  # 65535 is the label of what is ignored

    def criterion(self) -> Construct:
        return made("losses.PixelMulticlassLog")

    def decision(self) -> Construct:
        return made("losses.LikeliestClass", probabilities=False)


@define(
    "loss_multiclass_log_per_pixel_weighted",
    category=Category.LOSS,
    stem="loss",
    source="dlib loss_multiclass_log_per_pixel_weighted_",
)
@dataclass(frozen=True)
class LossMulticlassLogPerPixelWeighted(LossMulticlassLogPerPixel):
    """loss_multiclass_log_per_pixel with a weight for every pixel: a third argument."""

    def criterion(self) -> Construct:
        return made("losses.WeightedMulticlassLog")


@define(
    "loss_multimulticlass_log",
    category=Category.LOSS,
    stem="loss",
    source="dlib loss_multimulticlass_log_",
)
@dataclass(frozen=True)
class LossMultimulticlassLog(Loss):
    """Several questions of one class out of many each: the sum of their cross entropies.

    Targets are N×questions. Decides for ``labels`` and ``scores`` of every question. In dlib the
    questions and their labels come with the weights.
    """

    one_cell = True
    takes_logits = True

    classes: tuple[int, ...] = arg(
        "how many classes each question has, in the order of dlib's names", (), minimum=2,
        shown="one question of all outputs",
    )  # fmt: skip

    def wanted(self) -> int | None:
        return sum(self.classes) or None

    def criterion(self) -> Construct:
        return made("losses.SeveralMulticlassLog", self.classes)

    def decision(self) -> Construct:
        return made("losses.SeveralClasses", self.classes)


# ---- yes or no ----


@define("loss_binary_log", category=Category.LOSS, stem="loss", source="dlib loss_binary_log_")
@dataclass(frozen=True)
class LossBinaryLog(Loss):
    """Yes (above 0) or no (below 0): cross entropy of the sigmoid of the output (a logit).

    The size of a target is its weight. Decides for +1 or -1, with the probability of +1.
    """

    outputs: ClassVar[int | None] = 1
    one_cell = True
    of_maps = "loss_binary_log_per_pixel"
    of_several = "loss_multibinary_log"
    takes_logits = True

    def criterion(self) -> Construct:
        return made("losses.BinaryLog")

    def decision(self) -> Construct:
        return made("losses.YesOrNo")


@define(
    "loss_binary_log_per_pixel",
    category=Category.LOSS,
    stem="loss",
    source="dlib loss_binary_log_per_pixel_",
)
@dataclass(frozen=True)
class LossBinaryLogPerPixel(LossBinaryLog):
    """loss_binary_log at every pixel, averaged over all; targets of 0 are ignored."""

    one_cell = False
    of_several = "loss_multiclass_log_per_pixel"


@define(
    "loss_multibinary_log",
    category=Category.LOSS,
    stem="loss",
    source="dlib loss_multibinary_log_; Lin et al. 2017, Focal Loss for Dense Object Detection",
)
@dataclass(frozen=True)
class LossMultibinaryLog(LossBinaryLog):
    """loss_binary_log for every output, summed over the outputs of a sample."""

    outputs = None

    gamma: float = arg("the exponent of the focal loss", 0.0, minimum=0, positional=False)

    def criterion(self) -> Construct:
        return made("losses.MultibinaryLog", self.gamma)


@define("loss_binary_hinge", category=Category.LOSS, stem="loss", source="dlib loss_binary_hinge_")
@dataclass(frozen=True)
class LossBinaryHinge(Loss):
    """Yes (+1) or no (-1): the hinge max(0, 1 - target × output), averaged.

    Decides for +1 or -1; the output itself is the score.
    """

    outputs: ClassVar[int | None] = 1
    one_cell = True

    def criterion(self) -> Construct:
        return made("losses.BinaryHinge")

    def decision(self) -> Construct:
        return made("losses.Sign")


# ---- numbers ----


@dataclass(frozen=True)
class _Values(Loss):
    """The base of losses whose outputs are what is wanted."""

    def decision(self) -> Construct:
        return made("losses.AsItIs", "values")


@define(
    "loss_mean_squared",
    category=Category.LOSS,
    stem="loss",
    source="dlib loss_mean_squared_",
)
@dataclass(frozen=True)
class LossMeanSquared(_Values):
    """Mean squared difference of outputs and targets."""

    outputs: ClassVar[int | None] = 1
    one_cell = True
    of_maps = "loss_mean_squared_per_pixel"
    of_several = "loss_mean_squared_multioutput"

    def criterion(self) -> Construct:
        return made("losses.MeanSquared")


@define(
    "loss_mean_squared_multioutput",
    category=Category.LOSS,
    stem="loss",
    source="dlib loss_mean_squared_multioutput_",
)
@dataclass(frozen=True)
class LossMeanSquaredMultioutput(_Values):
    """Squared difference of outputs and targets, summed over the outputs of a sample."""

    one_cell = True
    of_maps = "loss_mean_squared_per_channel_and_pixel"

    def criterion(self) -> Construct:
        return made("losses.SummedSquares")


@define(
    "loss_mean_squared_per_pixel",
    category=Category.LOSS,
    stem="loss",
    source="dlib loss_mean_squared_per_pixel_",
)
@dataclass(frozen=True)
class LossMeanSquaredPerPixel(LossMeanSquared):
    """loss_mean_squared at every pixel, averaged over all."""

    one_cell = False
    of_several = "loss_mean_squared_per_channel_and_pixel"


@define(
    "loss_mean_squared_per_channel_and_pixel",
    category=Category.LOSS,
    stem="loss",
    source="dlib loss_mean_squared_per_channel_and_pixel_",
)
@dataclass(frozen=True)
class LossMeanSquaredPerChannelAndPixel(LossMeanSquared):
    """loss_mean_squared at every pixel of every channel, averaged over all."""

    one_cell = False

    channels: int = arg("channels of the output", minimum=1)

    def wanted(self) -> int | None:
        return self.channels


@define(
    "loss_epsilon_insensitive",
    category=Category.LOSS,
    stem="loss",
    source="dlib loss_epsilon_insensitive_",
)
@dataclass(frozen=True)
class LossEpsilonInsensitive(_Values):
    """Difference of outputs and targets as far as it exceeds epsilon, averaged."""

    outputs: ClassVar[int | None] = 1
    one_cell = True

    epsilon: float = arg("the difference that costs nothing", 1.0, minimum=0, positional=False)

    def criterion(self) -> Construct:
        return made("losses.EpsilonInsensitive", self.epsilon)


@define("loss_dot", category=Category.LOSS, stem="loss", source="dlib loss_dot_")
@dataclass(frozen=True)
class LossDot(_Values):
    """The negative dot product of outputs and targets, averaged over samples."""

    def criterion(self) -> Construct:
        return made("losses.NegativeDot")


@define("loss_ranking", category=Category.LOSS, stem="loss", source="dlib loss_ranking_")
@dataclass(frozen=True)
class LossRanking(Loss):
    """Scores by which relevant samples (target above 0) come before others (below 0).

    The hinge over all pairs of one of each. Decides for the score itself.
    """

    outputs: ClassVar[int | None] = 1
    one_cell = True

    def criterion(self) -> Construct:
        return made("losses.Ranking")

    def decision(self) -> Construct:
        return made("losses.AsItIs", "scores")


# ---- embeddings ----


@dataclass(frozen=True)
class _Embedding(Loss):
    """The base of losses whose outputs are places in a space."""

    def decision(self) -> Construct:
        return made("losses.AsItIs", "embeddings")


@define("loss_metric", category=Category.LOSS, stem="loss", source="dlib loss_metric_")
@dataclass(frozen=True)
class LossMetric(_Embedding):
    """Outputs of one class are to be nearer to each other than the threshold, others farther away.

    The hinge, by the margin, over all pairs of one class, and as many of the nearest others.
    Decides for the embedding; what is nearer than the threshold is the same.
    """

    one_cell = True

    margin: float = arg("distance that is to be kept from the threshold", 0.04, positional=False)
    threshold: float = arg("distance below which two are the same", 0.6, positional=False)

    def criterion(self) -> Construct:
        return made("losses.Metric", self.margin, self.threshold)


@define(
    "loss_barlow_twins",
    category=Category.LOSS,
    stem="loss",
    source="dlib loss_barlow_twins_; Zbontar et al. 2021, Barlow Twins, equation 1",
)
@dataclass(frozen=True)
class LossBarlowTwins(_Embedding):
    """Two views of each sample, the second ones behind the first: their features are to correlate.

    Features of the same kind should correlate by 1, others by 0; criterion(output) has no target.
    """

    samples = 2
    one_cell = True

    weight: float = arg("the weight of the others (dlib's lambda)", 0.0051, positional=False)

    def criterion(self) -> Construct:
        return made("losses.BarlowTwins", self.weight)

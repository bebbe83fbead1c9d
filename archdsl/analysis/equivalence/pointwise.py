"""A 1×1 convolution of a 1×1 map is a fully connected layer.

Some networks have their classifier as a convolution between global pooling and flattening, others
as a linear layer behind both. It is one computation, ``scores = W means + b``, on the same numbers;
only the weight's shape, ``(n, c, 1, 1)`` or ``(n, c)``, is spelled differently. The canonical graph
has the linear layer. A convolution which is not flattened directly, as in squeeze and excitation,
stays one.
"""

from __future__ import annotations

from archdsl.analysis.equivalence.labels import Label

_GLOBAL_POOLS = frozenset({"adaptive_avg_pool2d", "adaptive_max_pool2d"})
_ONE = (1, 1)


def makes_a_point(label: Label) -> bool:
    """True if an operation's output maps are 1×1 whatever its input is."""
    return label.operation in _GLOBAL_POOLS and label.value("output_size") == _ONE


def as_linear(label: Label) -> Label | None:
    """The linear layer that a convolution of a 1×1 map is; None for every other operation."""
    if (
        label.operation != "conv2d"
        or label.value("kernel_size") != _ONE
        or label.value("padding") != (0, 0)
        or label.value("groups") != 1
    ):
        return None
    return Label.of(
        "linear",
        {
            "bias": label.value("bias") is True,
            "in_features": _number(label, "in_channels"),
            "out_features": _number(label, "out_channels"),
        },
    )


def same_but_for_ones(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """True if two shapes of a weight are equal but for sizes of one."""
    return [size for size in first if size != 1] == [size for size in second if size != 1]


def _number(label: Label, field: str) -> int:
    value = label.value(field)
    assert isinstance(value, int)
    return value

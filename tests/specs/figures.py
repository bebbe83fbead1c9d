"""Figures that several tests work out by hand, and where a summary has them."""

from archdsl.analysis.cost import Summary


def conv(filters: int, kernel: int, channels: int) -> int:
    """Parameters of a biased convolution."""
    return filters * (kernel * kernel * channels + 1)


def fc(outputs: int, inputs: int) -> int:
    """Parameters of a biased fully connected layer."""
    return outputs * (inputs + 1)


def shapes(summary: Summary, *kinds: str) -> list[tuple[int | None, ...]]:
    """The output shapes of the layers of some kinds, in order."""
    return [row.shape for row in summary.rows if row.kind in kinds]

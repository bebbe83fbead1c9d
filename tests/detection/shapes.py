"""Drawn shapes on noise, and a detector small enough to learn them within a minute."""

import torch
from torch import Tensor

SIZE = 96
NAMES = ("background", "circle", "square", "triangle")

SPEC = f"""// Faster R-CNN for drawn shapes.
// classes: {", ".join(NAMES)}

template <int N, int STRIDE, typename SUBNET>
using unit = relu<batch_norm<con<N,3,3,STRIDE,STRIDE,padding=1,bias=false,SUBNET>>>;

using net_type = detect<{len(NAMES)}, relu<fc<64, roi_align<pyramid, 5, samples<32,
                 rpn<relu<con<32,3,3,1,1>>, anchors<16,32>, before_nms=100, after_nms=30,
                     train_before_nms=100, train_after_nms=50, batch=32,
                 tap<pyramid, fpn<con<32,1,1,1,1>, con<32,3,3,1,1>, c3,c4,
                 tap<c4, unit<64,2,
                 tap<c3, unit<48,1,unit<48,2,
                 unit<24,2, unit<16,2, input_images<{SIZE},{SIZE}>>>>>>>>>>>>>>>>;
"""

PARTS = SPEC.replace("using net_type = ", "using found = ") + (
    "using net_type = keypoints<con<2,1,1,1,1,roi_align<pyramid,8>>,"
    "masks<con<4,1,1,1,1,roi_align<pyramid,8>>, found>>;"
)
"""The same with a mask and two keypoints for every object."""


def drawn(generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """A picture with one shape of a bright colour, and where it is."""

    def number(low: int, high: int) -> int:
        return int(torch.randint(low, high, (1,), generator=generator))

    picture = 0.3 * torch.rand(3, SIZE, SIZE, generator=generator)
    label, radius = number(1, len(NAMES)), number(12, 24)
    x, y = number(radius, SIZE - radius), number(radius, SIZE - radius)
    down, across = torch.meshgrid(torch.arange(SIZE) - y, torch.arange(SIZE) - x, indexing="ij")
    inside = (
        across**2 + down**2 <= radius**2,
        (across.abs() <= radius) & (down.abs() <= radius),
        (down.abs() <= radius) & (2 * across.abs() <= down + radius),
    )[label - 1]
    picture[:, inside] = 0.4 + 0.6 * torch.rand(3, 1, generator=generator)
    rows, columns = inside.nonzero(as_tuple=True)
    edges = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    return picture, {"boxes": torch.tensor([edges]).float(), "labels": torch.tensor([label])}

"""Modules that the tests import by the name of this file."""

import torch
from torch import Tensor, nn


class Tagged(nn.Module):
    """Branches that do not nest, two outputs, and a part that no output needs."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 8, 3, padding=1)
        self.third = nn.Conv2d(8, 8, 3, padding=1)
        self.fourth = nn.Conv2d(8, 8, 1)
        self.unused = nn.Conv2d(8, 8, 1)
        self.head, self.side = nn.Linear(8, 10), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        a = self.first(x)
        b = self.second(a)
        c = self.third(a + b)
        d = self.fourth(b) * torch.sigmoid(c)
        self.unused(d)
        e = c + d + a
        return {"out": self.head(e.mean((2, 3))), "class": self.side(b.mean((2, 3)))}


class Preactivated(nn.Module):
    """Two stages of residual blocks, written without a class for a block."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.convs = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1, bias=False) for _ in range(6))
        self.norms = nn.ModuleList(nn.BatchNorm2d(8) for _ in range(6))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = x + conv(torch.relu(norm(x)))
        return x


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTM(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.cell(x)[0]


class Deciding(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class TwoInputs(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


class Indexing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias[:1]


def number() -> int:
    return 3


def needs(channels: int) -> nn.Module:
    return nn.Conv2d(3, channels, 1)


def breaks() -> nn.Module:
    raise RuntimeError("no such luck")


def leaves() -> nn.Module:
    raise SystemExit(3)


class Noted(nn.Sequential):
    """A module whose state holds what is no tensor."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 4, 1), nn.ReLU())

    def get_extra_state(self) -> str:
        return "version 2"

    def set_extra_state(self, state: str) -> None:
        assert state == "version 2"


class Crossing(nn.Module):
    """Two maps that each become one of both: no block of one input has it."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(4, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 4, 1)

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return torch.relu(self.first(a)) + b, self.second(b) * a


class TwoStreams(nn.Module):
    """Six equal blocks between which two maps go on."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.blocks = nn.ModuleList(Crossing() for _ in range(6))

    def forward(self, x: Tensor) -> Tensor:
        a = self.stem(x)
        b = torch.sigmoid(a)
        for block in self.blocks:
            a, b = block(a, b)
        return torch.cat([a, b], 1)


class Gated(nn.Module):
    """A convolution of one pixel whose channels have gates."""

    def __init__(self, before: int, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, channels, 1)
        self.gate = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.conv(x))
        return x * torch.sigmoid(self.gate(x.mean((2, 3), keepdim=True)))


class Aggregated(nn.Module):
    """What goes in and what every convolution in a row gives, joined (HGNet's block)."""

    def __init__(self, before: int, width: int, after: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(channels, width, 3, padding=1), nn.ReLU())
            for channels in [before, *[width] * 3]
        )
        self.aggregation = Gated(before + 4 * width, after)

    def forward(self, x: Tensor) -> Tensor:
        found = [x]
        for layer in self.layers:
            found.append(layer(found[-1]))
        return self.aggregation(torch.cat(found, 1))


def aggregations() -> nn.Sequential:
    """Equal blocks whose tags stand inside of them."""
    return nn.Sequential(nn.Conv2d(3, 9, 1), *(Aggregated(9, 5, 9) for _ in range(3)))

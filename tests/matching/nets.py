"""Networks written for the tests, in spellings of their own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class FlatResNet18(nn.Module):
    """ResNet-18 as in He et al. (2015), table 1, without blocks: lists of layers, functional ReLU.

    Input (n, 3, h, w), output (n, 1000).
    """

    def __init__(self) -> None:
        super().__init__()
        widths = [64, 64, 128, 128, 256, 256, 512, 512]
        before = [64, *widths[:-1]]
        self.entry = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.entry_norm = nn.BatchNorm2d(64)
        self.firsts = nn.ModuleList()
        self.seconds = nn.ModuleList()
        self.norms = nn.ModuleList()
        self.shortcuts = nn.ModuleDict()
        for i, (a, b) in enumerate(zip(before, widths, strict=True)):
            stride = 1 if a == b else 2
            self.firsts.append(nn.Conv2d(a, b, 3, stride, 1, bias=False))
            self.seconds.append(nn.Conv2d(b, b, 3, padding="same", bias=False))
            self.norms.extend([nn.BatchNorm2d(b), nn.BatchNorm2d(b)])
            if a != b:
                shortcut = nn.Sequential(nn.Conv2d(a, b, 1, 2, bias=False), nn.BatchNorm2d(b))
                self.shortcuts[str(i)] = shortcut
        self.scores = nn.Linear(512, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.entry_norm(self.entry(x)))
        x = F.max_pool2d(x, kernel_size=3, stride=2, padding=1)
        for i in range(8):
            y = self.norms[2 * i](self.firsts[i](x)).relu()
            y = self.norms[2 * i + 1](self.seconds[i](y))
            kept = self.shortcuts[str(i)](x) if str(i) in self.shortcuts else x
            x = torch.relu(torch.add(kept, y))  # torchvision adds in the other order
        x = x.mean([2, 3])
        return self.scores(x)


class Small(nn.Module):
    """A residual block, a concatenation and a head; (n, 3, h, w) to (n, 5)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 1, 1)
        self.norm = nn.BatchNorm2d(8)
        self.act = nn.ReLU()
        self.body = nn.Conv2d(8, 8, 3, 1, 1)
        self.left = nn.Conv2d(8, 4, 1)
        self.right = nn.Conv2d(8, 6, 1)
        self.pool = nn.MaxPool2d(3, 2)
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(0.3)
        self.fc = nn.Linear(10, 5)

    def join(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y

    def branches(self, x: Tensor) -> list[Tensor]:
        return [self.left(x), self.right(x)]

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.norm(self.stem(x)))
        x = self.join(self.body(x), x)
        x = self.pool(torch.cat(self.branches(x), 1))
        return self.fc(self.drop(torch.flatten(self.gap(x), 1)))


class WithoutSkip(Small):
    def join(self, x: Tensor, y: Tensor) -> Tensor:
        return x


class SwappedBranches(Small):
    def branches(self, x: Tensor) -> list[Tensor]:
        return super().branches(x)[::-1]


class OtherSpelling(Small):
    """The same function as ``Small``, spelled with functions wherever there is one."""

    def join(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.add(y, x)

    def forward(self, x: Tensor) -> Tensor:
        conv, norm = self.stem, self.norm
        x = F.conv2d(x, conv.weight, conv.bias, padding=1)
        x = F.batch_norm(
            x,
            norm.running_mean,
            norm.running_var,
            norm.weight,
            norm.bias,
            training=self.training,
        )
        x = F.relu(x, inplace=True)
        x = self.join(self.body(x), x)
        x = F.max_pool2d(torch.cat(tuple(self.branches(x)), dim=1), 3, stride=2)
        x = F.dropout(F.adaptive_avg_pool2d(x, 1), p=0.3, training=self.training)
        return F.linear(x.view(x.size(0), -1), self.fc.weight, self.fc.bias)


class Tail(nn.Module):
    """A convolution, then ``tail``; (n, 3, h, w) to whatever ``tail`` makes of it."""

    def __init__(self, tail: Callable[[Tensor], object]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.tail = tail

    def forward(self, x: Tensor) -> object:
        return self.tail(self.conv(x))

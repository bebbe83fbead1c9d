"""Modules that tests import by the name of this file; they ask for the sizes of their tensors."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Base(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.down = nn.Conv2d(8, 8, 3, stride=2, padding=1)
        self.head = nn.Linear(8, 5)


class PoolOfAll(Base):
    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.first(x))
        x = F.avg_pool2d(x, x.size()[2:])
        return self.head(x.view(x.size(0), -1))


class Squeezed(Base):
    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Sequential(nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 8), nn.Sigmoid())

    def numbers(self, x: Tensor) -> Tensor:
        b, c, _, _ = x.size()
        return self.gate(F.adaptive_avg_pool2d(x, 1).view(b, c)).view(b, c, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return x * self.numbers(x)


class Expanded(Squeezed):
    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return x * self.numbers(x).expand_as(x)


class Ungated(Base):
    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        b, c, h, w = x.shape
        y = torch.sigmoid(F.adaptive_avg_pool2d(x, 1).view(b, c))
        return x * y[:, :, None, None].expand(b, c, h, w)


class ResizedLike(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        z = F.interpolate(self.down(y), size=y.shape[2:], mode="bilinear", align_corners=False)
        if y.shape[1] == z.shape[1]:
            y = y + z
        return y


class ResizedTo(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        height, width = y.size()[2:]
        return torch.cat([y, F.interpolate(self.down(y), size=(height, width))], 1)


class Cropped(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        z = F.interpolate(self.down(y), scale_factor=2)[:, :, :, 1:]
        missing = y.size(3) - z.size(3)
        return torch.cat([F.pad(z, [missing // 2, missing - missing // 2, 0, 0]), y], 1)


class Lazy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.LazyConv2d(8, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class MeanOfMeans(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.down(self.first(x)).mean(3).mean(2))


class Split(Base):
    def forward(self, x: Tensor) -> Tensor:
        parts = torch.split(self.first(x), 2, 1)
        return torch.cat([parts[0], parts[1] + parts[2], parts[3]], 1)


class Sections(Base):
    def forward(self, x: Tensor) -> Tensor:
        few, many = self.first(x).split([3, 5], dim=1)
        return torch.cat([many[:, 1:4] * few, many], 1)


class Flattened(Base):
    def __init__(self) -> None:
        super().__init__()
        self.wide = nn.Linear(8 * 16 * 16, 7)

    def forward(self, x: Tensor) -> Tensor:
        return self.wide(self.down(self.first(x)).view(-1, 8 * 16 * 16))


class Hardswish(Base):
    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        return y * F.hardtanh(y + 3, 0, 6) / 6


class Scaled(Base):
    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 8, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return x + self.gamma * F.relu(x)


class EfficientAttention(Base):
    """Wang et al. 2020, ECA-Net, figure 3."""

    def __init__(self) -> None:
        super().__init__()
        self.across = nn.Conv1d(1, 1, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        y = F.adaptive_avg_pool2d(x, 1)
        y = self.across(y.squeeze(-1).transpose(-1, -2)).transpose(-1, -2).unsqueeze(-1)
        return x * torch.sigmoid(y)


class Difference(Base):
    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return F.avg_pool2d(x, 3, 1, 1) - x


class Summed(Base):
    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        return sum([x, torch.relu(x)]) / 1


class Moved(Base):
    """Negative padding crops: the map moves by one cell."""

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(F.pad(self.first(x), (-1, 1, -1, 1)), 1, 2)


class Rows(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(784, 32), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(F.relu(self.first(x)))


class Attended(Base):
    """Channel and spatial attention as CBAM's code has it."""

    def __init__(self) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Flatten(), nn.Linear(8, 2), nn.ReLU(), nn.Linear(2, 8))
        self.spatial = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        size = (x.size(2), x.size(3))
        pooled = self.mlp(F.avg_pool2d(x, size, stride=size)) + self.mlp2(x)
        x = x * torch.sigmoid(pooled).unsqueeze(2).unsqueeze(3).expand_as(x)
        most, mean = torch.max(x, 1)[0].unsqueeze(1), torch.mean(x, 1).unsqueeze(1)
        return x * torch.sigmoid(self.spatial(torch.cat((most, mean), dim=1)))

    def mlp2(self, x: Tensor) -> Tensor:
        return torch.amax(x, dim=(2, 3))


class Largest(Base):
    def forward(self, x: Tensor) -> Tensor:
        values, _ = torch.max(self.first(x), dim=1, keepdim=True)
        return values


class SuperResolved(Base):
    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, (1, 1, 1, 1), mode="reflect")
        return F.pixel_shuffle(F.instance_norm(self.first(x)), 2)


class Context(Base):
    def __init__(self) -> None:
        super().__init__()
        self.alpha, self.beta = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.ones(8, 1, 1))
        self.slope = nn.PReLU(8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.slope(self.first(x))
        x = x + self.down(x).mean((2, 3), keepdim=True)
        return F.log_softmax(self.alpha * F.dropout2d(x, 0.2, self.training) + self.beta, 1)


class Tower(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 4, 3, 2), nn.BatchNorm2d(4)
        self.fc = nn.Linear(4 * 15 * 15, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(F.relu(self.norm(self.conv(x))).flatten(1))


class Twins(nn.Module):
    """One tower for two channels of the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.tower, self.head = Tower(), nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.tower(x[:, :1]) - self.tower(x[:, 1:2]))


class Recurrent(Base):
    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for _ in range(3):
            x = x + F.relu(self.middle(x))
        return self.down(self.middle(x))

    def __init__(self) -> None:
        super().__init__()
        self.middle = nn.Conv2d(8, 8, 3, padding=1)


class NewestFirst(Base):
    """A dense block in which each layer's maps stand before those that it has seen."""

    def __init__(self) -> None:
        super().__init__()
        layers = (nn.Sequential(nn.BatchNorm2d(n), nn.Conv2d(n, 4, 3, padding=1))
                  for n in range(8, 40, 4))  # fmt: skip
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for layer in self.layers:
            x = torch.cat([layer(x), x], 1)
        return x


class Arithmetic(Base):
    def forward(self, x: Tensor) -> Tensor:
        x = self.first(2 * x - 1)
        return self.down((1 - torch.tanh(x) ** 2) / 2 + (-x).pow(2))


class MadeWhileRunning(Base):
    def forward(self, x: Tensor) -> Tensor:
        return nn.MaxPool2d(2)(nn.ReLU(inplace=True)(self.first(x)))


class DataShuffled(Base):
    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        count, channels, height, width = x.data.size()
        x = x.view(count, 2, int(channels / 2), height, width).transpose(1, 2).contiguous()
        return self.down(x.view(count, -1, height, width))


class OneBias(Base):
    def __init__(self) -> None:
        super().__init__()
        self.factor, self.bias = nn.Parameter(torch.ones(1)), nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.factor * F.relu(self.first(x)) + self.bias)


class AnyArguments(Base):
    def forward(self, *pictures: Tensor, **others: Tensor) -> Tensor:
        x = F.relu(self.first(pictures[0] if not others else others["x"]))
        return self.head(x.mean((2, 3)))


class Checked(Base):
    """Its inner module asks for types of tensors, which stand-ins of a trace have not."""

    class Inner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(8)

        def forward(self, x: Tensor) -> Tensor:
            if not isinstance(x, Tensor):
                message = "expected a tensor"
                raise TypeError(message)
            return F.max_pool2d(F.relu(self.norm(x), inplace=True), 2)

    def __init__(self) -> None:
        super().__init__()
        self.inner = self.Inner()

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = self.inner(self.first(x))
        return {"map": x, "half": self.down(x)}


class CellsToChannels(Base):
    """Blocks of cells go to the channels, by the first cells first and then channel by channel."""

    def __init__(self) -> None:
        super().__init__()
        self.mixed = nn.Conv2d(32, 8, 1)

    def blocks(self, x: Tensor, *order: int) -> Tensor:
        n, c, h, w = x.size()
        x = x.view(n, c, h // 2, 2, w // 2, 2).permute(*order).contiguous()
        return self.mixed(x.view(n, c * 4, h // 2, w // 2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        x = self.blocks(x, 0, 3, 5, 1, 2, 4) + self.blocks(x, 0, 1, 3, 5, 2, 4)
        n, c, h, w = x.size()
        return x.view(n, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, -1, 2 * h, 2 * w)


class OneSize(Base):
    def forward(self, x: Tensor) -> Tensor:
        x = self.down(self.first(x))
        return self.head(F.avg_pool2d(x, x.size(2)).flatten(1))


class UnitVectors(Base):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((8,), 20.0))

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.weight.view(1, -1, 1, 1) * F.normalize(self.first(x)))

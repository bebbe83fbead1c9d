"""A second backend: it carries a plan out with numpy, without torch."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from archdsl.backends.plan import Kind, Operation, Plan, replaced
from archdsl.ir.lowering import Construct

Array = NDArray[np.float32]
Weights = Mapping[str, Array]


def run(plan: Plan, weights: Weights, **given: Array) -> Any:
    """What a network in eval mode returns for its arguments, with weights by state_dict name."""
    values: dict[Operation, Any] = {}
    for operation in plan.operations:
        arguments = replaced(operation.arguments, values.__getitem__)
        if operation.kind is Kind.ENTRY:
            values[operation] = given[operation.target]
        elif operation.kind is Kind.MODULE:
            own = _own(weights, operation.target)
            values[operation] = _module(plan.modules[operation.target].construct, own, *arguments)
        else:
            values[operation] = FUNCTIONS[operation.target](*arguments)
    return replaced(plan.result, values.__getitem__)


def _own(weights: Weights, path: str) -> dict[str, Array]:
    start = f"{path}."
    return {k.removeprefix(start): v for k, v in weights.items() if k.startswith(start)}


def _module(construct: Construct, own: Weights, x: Array) -> Array:
    return MODULES[construct.name](x, own, *construct.arguments, **dict(construct.options))


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def _windows(x: Array, kernel: Any, stride: Any, padding: Any, fill: float) -> Array:
    """N×C×H×W as N×C×rows×columns×kernel_h×kernel_w."""
    (up, left), (down, across) = _pair(padding), _pair(stride)
    padded = np.pad(x, ((0, 0), (0, 0), (up, up), (left, left)), constant_values=fill)
    return sliding_window_view(padded, _pair(kernel), axis=(2, 3))[:, :, ::down, ::across]


def conv(
    x: Array,
    own: Weights,
    channels: int,
    filters: int,
    kernel: Any,
    *,
    stride: Any = 1,
    padding: Any = 0,
    dilation: int = 1,
    groups: int = 1,
    bias: bool = True,
) -> Array:
    """torch.nn.Conv2d without dilation."""
    assert dilation == 1
    windows = _windows(x, kernel, stride, padding, 0.0)
    parts = np.split(windows, groups, axis=1), np.split(own["weight"], groups)
    each = [np.einsum("nchwij,kcij->nkhw", a, b) for a, b in zip(*parts, strict=True)]
    result = np.concatenate(each, axis=1)
    return result + own["bias"][:, None, None] if bias else result


def norm(x: Array, own: Weights, channels: int, eps: float = 1e-5, momentum: float = 0.1) -> Array:
    """torch.nn.BatchNorm2d in eval mode."""
    scale = own["weight"] / np.sqrt(own["running_var"] + eps)
    return (x - own["running_mean"][:, None, None]) * scale[:, None, None] + own["bias"][
        :, None, None
    ]


def max_pool(
    x: Array,
    _: Weights,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
) -> Array:
    """torch.nn.MaxPool2d; rounding up adds a last window where one is begun."""
    strides = _pair(stride or kernel_size)
    if ceil_mode:
        more = [
            (0, -(size + 2 * pad - k) % step)
            for size, pad, k, step in zip(
                x.shape[2:], _pair(padding), _pair(kernel_size), strides, strict=True
            )
        ]
        x = np.pad(x, ((0, 0), (0, 0), *more), constant_values=-np.inf)
    return _windows(x, kernel_size, strides, padding, -np.inf).max(axis=(4, 5))


def linear(x: Array, own: Weights, inputs: int, outputs: int, bias: bool = True) -> Array:
    """torch.nn.Linear."""
    result = x @ own["weight"].T
    return result + own["bias"] if bias else result


def chain(x: Array, own: Weights, *parts: Construct) -> Array:
    """torch.nn.Sequential."""
    for number, part in enumerate(parts):
        x = _module(part, _own(own, str(number)), x)
    return x


MODULES: Mapping[str, Callable[..., Any]] = {
    "Conv2d": conv,
    "BatchNorm2d": norm,
    "MaxPool2d": max_pool,
    "Linear": linear,
    "Sequential": chain,
    "ReLU": lambda x, _, inplace=False: np.maximum(x, 0),
    "Flatten": lambda x, _, *start: x.reshape(len(x), -1),
    "AdaptiveAvgPool2d": lambda x, _, size: x.mean(axis=(2, 3), keepdims=True),
    "Dropout": lambda x, _, p=0.5, **more: x,
}

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "operator.add": np.add,
    "operator.iadd": np.add,
    "operator.mul": np.multiply,
    "operator.getitem": operator.getitem,
    "torch.cat": lambda parts, axis: np.concatenate(parts, axis),
    "torch.flatten": lambda x, start: x.reshape(*x.shape[:start], -1),
    "reshape": lambda x, *shape: x.reshape(shape),
}

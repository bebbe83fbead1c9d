"""Networks to export, and the runtimes that read what was written."""

import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch.jit.mobile import _load_for_lite_interpreter

import archdsl


def compiled(network: archdsl.Network) -> torch.fx.GraphModule:
    """A network's module in training mode, whose outputs depend on its inputs.

    Batch norms have the statistics of random images, and fully connected layers larger weights than
    they start with.
    """
    module = network.to_torch(seed=3)
    random = torch.Generator().manual_seed(3)
    for part in module.modules():
        if isinstance(part, torch.nn.Linear):
            torch.nn.init.normal_(part.weight, 0, 2 * part.in_features**-0.5, generator=random)
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = 1.0
    with torch.no_grad(), torch.random.fork_rng([]):
        torch.manual_seed(3)  # of dropout
        module(samples(4, *network.checked.shape(network.checked.input)))
    return module


def samples(count: int, *shape: int) -> torch.Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(count))


def results(module: Callable[..., Any], x: torch.Tensor) -> list[np.ndarray]:
    """The outputs of a module or of a program, in their order."""
    with torch.inference_mode():
        result = module(x)
    parts = result.values() if isinstance(result, dict) else [result]
    return [part.numpy() for part in parts]


def assert_telling(wanted: list[np.ndarray]) -> None:
    """Whether outputs depend on their inputs, so that it means something to be equal to them."""
    for part in wanted:
        assert np.abs(part[0] - part[1]).max() > 1e-3 * np.abs(part).max()


def assert_close(
    found: list[np.ndarray], wanted: list[np.ndarray], tolerance: float = 1e-4
) -> None:
    assert len(found) == len(wanted)
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max()


Run = Callable[[torch.Tensor], list[np.ndarray]]


def onnx(content: bytes) -> Run:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x.numpy()})


def exported(content: bytes) -> Run:
    program = torch.export.load(io.BytesIO(content)).module()
    return lambda x: results(program, x)


def torchscript(content: bytes) -> Run:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.jit.load(io.BytesIO(content))

    def run(x: torch.Tensor) -> list[np.ndarray]:
        with torch.jit.optimized_execution(False):  # which would take longer than the run
            return results(program, x)

    return run


def lite(content: bytes) -> Run:
    program = _load_for_lite_interpreter(io.BytesIO(content))
    return lambda x: results(program, x)


RUNTIMES: dict[str, Callable[[bytes], Run]] = {
    ".onnx": onnx,
    ".pt2": exported,
    ".ts": torchscript,
    ".ptl": lite,
}
"""What reads a file of each format, and gives a function that runs it."""

"""Whether two networks are the same, in structure and in what they compute."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from archdsl.analysis.equivalence.errors import MatchError
from archdsl.analysis.equivalence.match import Match, match
from archdsl.importers.trace.canonical import canonical, named_outputs
from archdsl.importers.trace.detectors import is_detector
from archdsl.importers.trace.values import leaves
from archdsl.importers.verification.examples import example
from archdsl.importers.verification.transplant import tensors, transplant


@dataclass(frozen=True)
class Verification:
    """The outcome of ``verify``.

    Attributes:
        matched: whether the networks are the same architecture.
        layers: number of matched layers.
        params_equal: whether the whole networks have the same number of parameters.
        reference_params: number of parameters of the reference.
        compiled_params: number of parameters of the compiled network.
        max_abs_diff: largest difference of any compared value; None without a match.
        max_rel_diff: the same, relative to the largest magnitude of the reference's tensor the
            value is from; None without a match.
        differences: the first layers at which they part, in sentences; empty for a match.
    """

    matched: bool
    layers: int
    params_equal: bool
    reference_params: int
    compiled_params: int
    max_abs_diff: float | None
    max_rel_diff: float | None
    differences: tuple[str, ...]


def verify(
    compiled: nn.Module,
    reference_module: nn.Module,
    input_shape: Sequence[int],
    *,
    batch: int = 2,
    seed: int = 0,
    training: bool = False,
    device: torch.device | str = "cpu",
    allow_extra_outputs: bool = False,
) -> Verification:
    """Matches two networks, gives them the same weights and runs them on the same random input.

    Both networks stay as they are: copies are run, and nothing is dropped out. In the copy of the
    reference, parameters and batch norm statistics which say nothing (all zeros, all ones) get
    random values, so that layers which are interchanged are seen. In training mode batch norm uses
    the statistics of the batch, and the running statistics after the run are compared as well.

    Args:
        compiled: the compiled network.
        reference_module: what it should be.
        input_shape: of one example, such as ``(3, 224, 224)``.
        batch: number of examples.
        seed: of the random values.
        training: compare the networks as they are trained.
        device: where to run them.
        allow_extra_outputs: as for ``match``.

    Raises:
        MatchError: torch.fx cannot trace a network, or it cannot be run on such an input.
    """
    found = match(
        canonical(reference_module, training=training),
        canonical(compiled, training=training),
        allow_extra_outputs=allow_extra_outputs,
    )
    absolute: float | None = None
    relative: float | None = None
    if found.matched:
        absolute, relative = _difference(
            found, compiled, reference_module, (batch, *input_shape), seed, training, device
        )
    mine, theirs = _parameters(reference_module), _parameters(compiled)
    return Verification(
        found.matched,
        found.layers,
        mine == theirs,
        mine,
        theirs,
        absolute,
        relative,
        found.differences,
    )


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _difference(
    found: Match,
    compiled: nn.Module,
    reference: nn.Module,
    shape: tuple[int, ...],
    seed: int,
    training: bool,
    device: torch.device | str,
) -> tuple[float, float]:
    """Largest absolute and relative difference between two matched networks."""
    mine = copy.deepcopy(reference).to(device).train(training)
    theirs = copy.deepcopy(compiled).to(device).train(training)
    for network in (mine, theirs):
        _without_dropped_paths(network)
    devices = [torch.device(device)] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices), torch.no_grad(), _NothingDropped():
        torch.manual_seed(seed)
        data = example(mine, shape[1:], shape[0], training=training, device=device)
        randomise(mine, data)
        transplant(found, mine, theirs)
        results = []
        for network, name in ((mine, "reference"), (theirs, "compiled network")):
            torch.manual_seed(seed)  # for whatever is random besides dropout modules
            results.append(dict(named_outputs(_run(network, data, name))))
    names = [(name, name) for name in results[0]] if is_detector(mine) else found.outputs
    _require_something(results, names)
    compared = [(results[0][a], results[1][b]) for a, b in names]
    if training:
        owned, others = tensors(mine), tensors(theirs)
        statistics = dict(mine.named_buffers(remove_duplicate=False))
        compared += [(owned[a], others[b]) for a, b in found.tensors if a in statistics]
    absolute = relative = 0.0
    for ours, other in compared:
        assert isinstance(ours, torch.Tensor) and isinstance(other, torch.Tensor)
        if ours.shape != other.shape:
            message = (
                f"the reference gives a tensor of shape {tuple(ours.shape)}, "
                f"the compiled network one of shape {tuple(other.shape)}"
            )
            raise MatchError(message)
        if ours.numel() == 0:
            continue
        apart = (ours.double() - other.double()).abs().max().item()
        scale = ours.double().abs().max().item()
        absolute = max(absolute, apart)
        relative = max(relative, apart / scale if scale else apart)
    return absolute, relative


def _require_something(
    results: Sequence[Mapping[str, object]], names: Sequence[tuple[str, str]]
) -> None:
    """Refuse to call detectors equal that find nothing, or different things, in an image."""
    if any(theirs not in results[1] for _, theirs in names) or not any(
        isinstance(value, torch.Tensor) and value.numel() for value in results[0].values()
    ):
        message = "the networks return different things, or find nothing that could be compared"
        raise MatchError(message)


def _run(network: nn.Module, data: tuple[object, ...], name: str) -> object:
    try:
        return network(*data)
    except (RuntimeError, ValueError) as error:
        shapes = [tuple(x.shape) for x in leaves(data) if isinstance(x, torch.Tensor)]
        message = f"the {name} cannot be run on an input of shape {shapes[0]}: {error}"
        raise MatchError(message) from error


class _NothingDropped(TorchFunctionMode):
    """While active, dropout gives back its input, whether a module or a function spells it."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in _DROPOUTS:
            return args[0] if args else kwargs["input"]
        return func(*args, **kwargs)


_DROPOUTS = frozenset(
    {F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout}
)

_DROPPING = {"StochasticDepth": "p", "DropPath": "drop_prob"}
"""Modules outside PyTorch which drop at random, and their attribute for how often."""


def _without_dropped_paths(network: nn.Module) -> None:
    for module in network.modules():
        if attribute := _DROPPING.get(type(module).__name__):
            setattr(module, attribute, 0.0)


_SANE = (0.5, 10.0)
"""Standard deviations between which a layer's output is left alone."""
_BOLD = 2.0
"""The standard deviation that the outputs of a detector's layers are given."""


def randomise(network: nn.Module, data: tuple[object, ...]) -> None:
    """Random values for what is constant, then scales such that no layer drowns the others.

    Freshly initialised networks shrink or grow their activations from layer to layer. Deep in such
    a network the input is lost among the biases, and an error above would not be seen. The scaling
    follows Mishkin and Matas, "All you need is a good init" (2016): each layer, in the order of
    execution, is divided by the standard deviation of its output.
    """
    for parameter in network.parameters():
        if _constant(parameter):
            zero = not bool(parameter.flatten()[0])
            values = torch.randn_like(parameter) * 0.1 if zero else _around_one(parameter)
            parameter.copy_(values)
    normed = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._NormBase)]
    untrained = [m for m in normed if m.running_var is not None and _constant(m.running_var)]
    _randomise_statistics(untrained)

    # A detector has to be bold to find anything: scores far from the mean exceed its thresholds.
    wanted = _BOLD if is_detector(network) else 1.0
    scaled: set[nn.Module] = set()

    def scale(layer: nn.Module, _: object, output: torch.Tensor) -> torch.Tensor | None:
        deviation = output.std().item() if output.numel() > 1 else 1.0
        if layer in scaled or not deviation or wanted * _SANE[0] < deviation < _SANE[1]:
            return None
        scaled.add(layer)
        for parameter in layer.parameters():
            parameter.mul_(wanted / deviation)
        return output * (wanted / deviation)

    layers = [m for m in network.modules() if isinstance(m, (nn.Linear, nn.modules.conv._ConvNd))]
    hooks = [layer.register_forward_hook(scale) for layer in layers]
    _run(network, data, "reference")
    for hook in hooks:
        hook.remove()
    _randomise_statistics(untrained)  # a run in training mode has moved them


def _randomise_statistics(layers: Sequence[nn.modules.batchnorm._NormBase]) -> None:
    for layer in layers:
        if layer.running_mean is not None and layer.running_var is not None:
            layer.running_mean.copy_(torch.randn_like(layer.running_mean) * 0.1)
            layer.running_var.copy_(_around_one(layer.running_var))


def _constant(tensor: torch.Tensor) -> bool:
    return (
        tensor.is_floating_point()
        and tensor.numel() > 0
        and bool((tensor == tensor.flatten()[0]).all())
    )


def _around_one(tensor: torch.Tensor) -> torch.Tensor:
    return torch.rand_like(tensor) + 0.5

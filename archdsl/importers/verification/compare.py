"""Comparison of two networks: structure, parameters, and outputs on equal weights."""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from archdsl.analysis.equivalence.differences import shortened
from archdsl.analysis.equivalence.errors import MatchError
from archdsl.analysis.equivalence.graph import CanonicalGraph
from archdsl.analysis.equivalence.match import Match, match
from archdsl.backends.torch.trial_run import device_of
from archdsl.importers.trace.canonical import canonical, named_outputs
from archdsl.importers.trace.detectors import is_detector
from archdsl.importers.trace.values import leaves
from archdsl.importers.verification.examples import example
from archdsl.importers.verification.initial_values import constant, initial_value_differences
from archdsl.importers.verification.weight_transfer import (
    tensors,
    transfer_back,
    transfer_weights,
)


@dataclass(frozen=True)
class Verification:
    """The outcome of ``verify``.

    Attributes:
        matched: whether the networks are the same architecture, in each mode they were compared in.
        layers: number of matched layers; in both modes, the larger one.
        params_equal: whether the whole networks have the same number of parameters.
        reference_params: number of parameters of the reference.
        compiled_params: number of parameters of the compiled network.
        max_abs_diff: largest difference of any compared value; None without a match.
        max_rel_diff: the same, relative to the largest magnitude of the reference's tensor the
            value is from; None without a match.
        differences: the first layers at which they part, in sentences; empty for a match.
        rest_equal: whether the networks have the same number of parameters but for those that only
            outputs in ``not_compared`` need.
        not_compared: names of the outputs that were compared in no mode.
        only_in: names of the outputs that were compared in one of two modes, with its name.
    """

    matched: bool
    layers: int
    params_equal: bool
    reference_params: int
    compiled_params: int
    max_abs_diff: float | None
    max_rel_diff: float | None
    differences: tuple[str, ...]
    rest_equal: bool = True
    not_compared: tuple[str, ...] = ()
    only_in: tuple[tuple[str, str], ...] = ()

    def equal_within(self, tolerance: float) -> bool:
        """True if all that was compared is equal, values up to a relative difference."""
        close = self.max_rel_diff is not None and self.max_rel_diff <= tolerance
        return not self.differences and self.rest_equal and close


@dataclass(frozen=True)
class _Mode:
    """Result of comparing two networks in training or in eval mode."""

    training: bool
    found: Match
    differences: tuple[str, ...]
    apart: tuple[float, float] | None
    rest: tuple[int, int]

    @property
    def name(self) -> str:
        return "training" if self.training else "eval"


def verify(
    compiled: nn.Module,
    reference_module: nn.Module,
    input_shape: Sequence[int],
    *,
    batch: int = 2,
    seed: int = 0,
    training: bool | None = None,
    device: torch.device | str = "cpu",
    partial: bool = False,
    trained: bool = False,
) -> Verification:
    """Matches two networks, gives them the same weights and runs them on the same random input.

    Both networks stay as they are: copies are run, and nothing is dropped out. In the copy of the
    reference, parameters and batch norm statistics which say nothing (all zeros, all ones) get
    random values, so that layers which are interchanged are seen. In training mode batch norm uses
    the statistics of the batch, and the running statistics before and after the run are compared
    as well.

    Args:
        compiled: the compiled network.
        reference_module: what it should be.
        input_shape: of one example, such as ``(3, 224, 224)``.
        batch: number of examples.
        seed: of the random values.
        training: compare the networks as they are trained, or as they are used; None for both.
        device: where to run them.
        partial: match networks of which either has outputs that the other has in no mode.
        trained: give both the weights that the compiled network has, instead of random ones.

    Raises:
        MatchError: torch.fx cannot trace a network, or it cannot be run on such an input.
    """
    modes = []
    for mode in (False, True) if training is None else (training,):
        graphs = [
            canonical(m, training=mode, examples=_blank(m, (batch, *input_shape)))
            for m in (reference_module, compiled)
        ]
        found = match(*graphs, partial=True)
        differences = found.differences
        apart: tuple[float, float] | None = None
        if found.matched:
            unlike = initial_value_differences(found, reference_module, compiled, training=mode)
            differences = shortened([*unlike])
            shape = (batch, *input_shape)
            apart = _difference(
                found, compiled, reference_module, shape, seed, mode, device, trained
            )
        only = found.reference_only, found.compiled_only
        rest = [
            _parameters(module) - _only_for(graph, module, names)
            for graph, module, names in zip(graphs, (reference_module, compiled), only, strict=True)
        ]
        modes.append(_Mode(mode, found, differences, apart, (rest[0], rest[1])))
    return _verification(modes, _parameters(reference_module), _parameters(compiled), partial)


def _blank(module: nn.Module, shape: tuple[int, ...]) -> list[torch.Tensor]:
    """The inputs of a run that is about sizes alone; none for a detector, which takes images."""
    return [] if is_detector(module) else [torch.zeros(shape, device=device_of(module))]


def _verification(
    modes: Sequence[_Mode], reference_params: int, compiled_params: int, partial: bool
) -> Verification:
    """The verdict of the comparisons in all modes."""
    found = [mode.found for mode in modes]
    left_out = Counter(name for each in found for name in each.compiled_only)
    # Names of a reference's outputs may be others in another mode: each must have a counterpart.
    missing = list(dict.fromkeys(name for each in found for name in each.reference_only))
    extra = [name for name, count in left_out.items() if count == len(modes)]
    differences = [
        sentence if index == 0 else f"In training mode: {sentence}"
        for index, mode in enumerate(modes)
        for sentence in mode.differences
        if index == 0 or sentence not in modes[0].differences
    ]
    apart = [mode.apart for mode in modes if mode.apart is not None]
    whole = len(apart) == len(modes)
    equal = reference_params == compiled_params
    return Verification(
        not differences and whole and (partial or not (missing or extra)),
        max(each.layers for each in found),
        equal,
        reference_params,
        compiled_params,
        max(absolute for absolute, _ in apart) if whole else None,
        max(relative for _, relative in apart) if whole else None,
        tuple(differences),
        equal or any(mode.rest[0] == mode.rest[1] for mode in modes),
        (*extra, *missing),
        tuple(
            (name, mode.name)
            for name in left_out
            if name not in extra
            for mode in modes
            if name not in mode.found.compiled_only
        ),
    )


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _only_for(graph: CanonicalGraph, module: nn.Module, names: Collection[str]) -> int:
    """Number of parameters that nothing but some outputs needs."""
    others = graph.restricted([each for each in graph.outputs if each[0] not in names])
    held = [{name for node in part.nodes for _, name in node.tensors} for part in (graph, others)]
    parameters = dict(module.named_parameters())
    return sum(parameters[name].numel() for name in held[0] - held[1] if name in parameters)


def _difference(
    found: Match,
    compiled: nn.Module,
    reference: nn.Module,
    shape: tuple[int, ...],
    seed: int,
    training: bool,
    device: torch.device | str,
    trained: bool,
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
        if trained:
            transfer_back(found, mine, theirs)
        else:
            randomise(mine, data)
            transfer_weights(found, mine, theirs)
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
        apart = torch.where(ours == other, 0.0, (ours.double() - other.double()).abs()).max().item()
        if not math.isfinite(apart):
            message = "the networks return infinite values, or what is no number"
            raise MatchError(message)
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
        if constant(parameter):
            zero = not bool(parameter.flatten()[0])
            values = torch.randn_like(parameter) * 0.1 if zero else _around_one(parameter)
            parameter.copy_(values)
    normed = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._NormBase)]
    untrained = [m for m in normed if m.running_var is not None and constant(m.running_var)]
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


def _around_one(tensor: torch.Tensor) -> torch.Tensor:
    return torch.rand_like(tensor) + 0.5

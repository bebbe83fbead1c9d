"""Shape inference: the type of every value, or an error where shapes do not fit."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TypeGuard

from archdsl.analysis.shared_weights import misfits
from archdsl.diagnostics import ArchError, Diagnostic, Frame, coded, fail
from archdsl.diagnostics.source import Span
from archdsl.ir.edges import EdgeType, Images, RuleError, Shape, shown
from archdsl.ir.gc_pause import collector_paused
from archdsl.ir.input_layer import InputLayer
from archdsl.ir.network import Network
from archdsl.ir.region import Call, LayerStep, Region
from archdsl.ir.trampoline import Task, run
from archdsl.ir.typed_region import Run, TypedRegion
from archdsl.layers.inputs import channels_last
from archdsl.text.words import counted

_NUMBER_OF_CHANNELS = re.compile(r"\s*<\s*\d+\s*[,>]")
_MAX_ERRORS = 50
_SHOWN_SHAPES = 4

_Types = tuple[EdgeType | None, ...]
"""Types of values; ``None`` for those behind an error."""


@coded("E300")
@collector_paused()
def check(network: Network, input_shape: Shape | None = None) -> Network:
    """The network with the types of all its values, and with warnings.

    ``input_shape`` is (channels, height, width) and stands in for, or replaces, what the spec
    says; its channels too, where the input takes any and the text has them as a number. Each
    region is judged once for each types of its inputs: a warning about it is given once. Raises
    ArchError with a diagnostic for every layer whose inputs do not fit; layers behind such a one
    are not judged.
    """
    if input_shape is not None:
        network = _with_channels(network, input_shape)
    inference = _Inference(input_shape, network.entry.samples)
    typed = run(inference.region(network.root, ()))
    if inference.errors:
        raise ArchError(d for alike in inference.errors.values() for d in alike)
    checked = replace(
        network, typed=typed, warnings=tuple(inference.warnings), input_shape=input_shape
    )
    if unfit := list(misfits(checked)):
        raise ArchError(unfit)
    return checked


class _Inference:
    """The types of regions, each worked out once for each types of its inputs."""

    def __init__(self, input_shape: Shape | None, samples: int | None) -> None:
        self.errors: dict[tuple[Span, str], list[Diagnostic]] = {}
        self.warnings: list[Diagnostic] = []
        self._input_shape = input_shape
        self._samples = samples
        self._frames: list[Frame] = []
        self._known: dict[tuple[Region, _Types], TypedRegion] = {}
        # Layers with equal arguments are mostly one object. The network keeps the layers, so that
        # an id means the same throughout.
        self._judged: dict[tuple[int, _Types], tuple[EdgeType, str | None]] = {}

    def region(self, region: Region, inputs: _Types) -> Task[TypedRegion]:
        """A region with its types. Where one is not known there is an error."""
        made: list[EdgeType | None] = []
        runs: list[tuple[Run, ...]] = []
        for step in region.steps:
            given = tuple([inputs[~value] if value < 0 else made[value] for value in step.inputs])
            if isinstance(step, LayerStep):
                made.append(self._layer(step, given))
                runs.append(())
            else:
                ran = yield self._call(step, given)
                runs.append(ran)
                made.extend(map(ran[-1].region.type, step.given))
        found = TypedRegion(region, inputs, made, runs)  # type: ignore[arg-type]
        self._known[region, inputs] = found
        return found

    def _call(self, call: Call, inputs: _Types) -> Task[tuple[Run, ...]]:
        """The runs of a call; those that are given the same types are counted."""
        region = call.region
        framed = region.template is not None and call.span is not None
        if framed:
            assert call.span is not None
            self._frames.append(Frame(call.title, call.span))
        runs: list[Run] = []
        done = 0
        while done < call.times:
            typed = self._known.get((region, inputs))
            if typed is None:
                typed = yield self.region(region, inputs)
            following = tuple(map(typed.type, region.carried))
            times = call.times - done if following == inputs else 1
            runs.append(Run(typed, times))
            inputs = following
            done += times
        if framed:
            self._frames.pop()
        return tuple(runs)

    def _layer(self, step: LayerStep, inputs: _Types) -> EdgeType | None:
        """The type of a layer's output, ``None`` for one that does not fit or is behind such."""
        if not _all_known(inputs):
            return None
        layer = step.layer
        key = id(layer), inputs
        judged = self._judged.get(key)
        if judged is None:
            try:
                judged = self._judged[key] = self._rule(step, inputs)
            except RuleError as error:
                alike = self.errors.setdefault((step.span, error.message), [])
                if not alike and len(self.errors) <= _MAX_ERRORS:
                    alike.append(self._refusal(step, error, inputs))
                return None
        output, warned = judged
        if warned is not None:
            self.warnings.append(self._warning(step, warned, inputs))
        return output

    def _rule(self, step: LayerStep, inputs: tuple[EdgeType, ...]) -> tuple[EdgeType, str | None]:
        """Output type and warning of a layer; raises RuleError where its inputs do not fit."""
        if step.span.source.is_cpp:
            step.layer.asserted(self._samples, inputs)
        output = step.layer.edge_shape(inputs)
        if inputs:
            return output, step.layer.edge_warning(inputs)
        if self._input_shape is None:
            if isinstance(step.layer, InputLayer):
                step.layer.undeclared()
            return output, step.layer.edge_warning(())
        assert isinstance(step.layer, InputLayer)
        return step.layer.resized(output, self._input_shape), None

    def _refusal(
        self, step: LayerStep, error: RuleError, inputs: tuple[EdgeType, ...]
    ) -> Diagnostic:
        return Diagnostic(
            error.message,
            step.span,
            error.notes,
            error.help,
            tuple(reversed(self._frames)),
            code=error.code,
            label=_met(inputs),
        )

    def _warning(self, step: LayerStep, warned: str, inputs: tuple[EdgeType, ...]) -> Diagnostic:
        return Diagnostic(
            warned,
            step.span,
            frames=tuple(reversed(self._frames)),
            severity="warning",
            code=step.layer.warning_code,
            label=_met(inputs),
        )


def _all_known(inputs: _Types) -> TypeGuard[tuple[EdgeType, ...]]:
    return None not in inputs


def _with_channels(network: Network, wanted: Shape) -> Network:
    """The network for an input of the channels wanted; raises ArchError where they are fixed."""
    declared = network.entry.edge_shape(())
    assert isinstance(declared, (tuple, Images))  # an input's
    shape = declared.taken if isinstance(declared, Images) else declared
    step, layer, channels = network.entry_step, network.entry, wanted[0]
    assert channels is not None
    turned = channels_last(wanted)
    if turned is not None and shape[0] not in (None, channels):
        help = f"sizes are channels×height×width: --input {shown(turned).replace('×', 'x')}"
        raise _disagrees(step, shape, wanted, help)
    if shape[0] in (None, channels):
        return network
    other = layer.with_channels(channels)
    if other is None:
        kind = layer.other_kind(channels)
        raise _disagrees(step, shape, wanted, f"{kind} takes them" if kind else None)
    if not _NUMBER_OF_CHANNELS.match(step.span.source.text, step.span.end):
        help = "the text computes them, and may do so elsewhere: set what they are computed of"
        raise _disagrees(step, shape, wanted, help)
    return network.entered_by(other)


def _disagrees(step: LayerStep, declared: Shape, wanted: Shape, help: str | None) -> ArchError:
    return fail(
        "--input disagrees with the spec",
        step.span,
        f"the spec's input has {counted(declared[0] or 0, 'channel')}, "
        f"--input {shown(wanted)} has {wanted[0]}",
        help=help,
        code="E404",
    )


def _met(inputs: tuple[EdgeType, ...]) -> str | None:
    """The input shapes in words, ``64×8×8 meets 64×4×4``; ``None`` if not all are tensors."""
    tensors = [shown(edge) for edge in inputs if isinstance(edge, (tuple, Images))]
    if not tensors or len(tensors) < len(inputs) or len(tensors) > _SHOWN_SHAPES:
        return None
    return " meets ".join(tensors) if len(tensors) > 1 else f"takes {tensors[0]}"

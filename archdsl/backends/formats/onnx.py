"""ONNX: the network for inference, weights inside, any number of samples at once."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import nn
from torch.export import ExportedProgram

from archdsl.backends.formats.options import OPSETS, FormatOptions
from archdsl.backends.torch.export import exported
from archdsl.backends.torch.quiet import quiet
from archdsl.diagnostics import fail, listing
from archdsl.ir.network import Network

_STACK_TRACE = "pkg.torch.onnx.stack_trace"
"""The key under which torch notes the Python code that a node comes from."""

_OPERATOR = re.compile(r"OpOverload\(op='([\w.]+)'")
"""A name of an operator of torch in the words of its exporter."""

_INPUT = "x"
"""The name of the input."""

_LARGEST = 2**31 - 1
"""A protocol buffer holds no more bytes than these."""


def encode(network: Network, module: nn.Module, options: FormatOptions) -> bytes:
    """The network in eval mode as an ONNX model, checked by ONNX's own checker.

    Its input is ``x``, N×C×H×W with an open N, and open H and W with ``dynamic_size``; its outputs
    have the names of the network's. Raises ArchError where the onnx packages are missing, for
    networks that do not take a tensor, and for operator sets that torch does not write.
    """
    if options.opset not in OPSETS:
        raise fail(
            f"cannot write ONNX's operator set {options.opset}",
            None,
            f"expected one of {OPSETS[0]} to {OPSETS[-1]}",
        )
    try:
        import onnx
        import onnxscript  # noqa: F401 - what torch.onnx writes with
    except ImportError:
        raise fail(
            "ONNX files need the packages onnx and onnxscript",
            help="pip install 'archdsl[onnx]'",
        ) from None
    _require_other_names(network)
    if options.dynamic_size:
        _require_no_adaptive_pooling(network, module)
    program = exported(network, module, "ONNX", dynamic_size=options.dynamic_size)
    model = _translated(network, program, options.opset)
    from archdsl.backends.formats.onnx_pools import write_dropped_windows

    _require_opset(model, options.opset)
    if model.ByteSize() > _LARGEST:
        raise fail(
            f"the ONNX file of {network.name} would be larger than 2 GiB",
            None,
            f"{model.ByteSize():,} bytes, which is more than one protocol buffer holds",
        )
    for node in model.graph.node:
        # Places in torch's generated code, which are others every time.
        kept = [each for each in node.metadata_props if each.key != _STACK_TRACE]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    write_dropped_windows(model)
    model.graph.name = network.name
    for key, text in options.notes.items():
        model.metadata_props.add(key=key, value=text)
    model.producer_name, model.producer_version = "archdsl", ""
    content: bytes = model.SerializeToString(deterministic=True)
    # Not the model: the checker would serialise it once more.
    onnx.checker.check_model(content, full_check=True)
    return content


def _translated(network: Network, program: ExportedProgram, opset: int) -> Any:
    """The program as an ONNX model; ArchError where torch's exporter has no place for a part."""
    from archdsl.backends.formats.onnx_translations import TRANSLATIONS

    with quiet():
        try:
            made: Any = torch.onnx.export(
                program,
                (),
                output_names=list(network.outputs),
                opset_version=opset,
                verbose=False,
                external_data=False,
                custom_translation_table=dict(TRANSLATIONS),
            )
        except torch.onnx.errors.OnnxExporterError as error:
            operators = sorted(set(_OPERATOR.findall(str(error))))
            raise fail(
                f"torch's exporter cannot write {network.name} as ONNX",
                None,
                f"it has nothing for {listing(operators)}" if operators else "",
                help="write a .pt2 or .ts file",
            ) from error
    model = made.model_proto
    (entry,) = model.graph.input
    for node in model.graph.node:  # torch gives an input that is an output another name
        node.input[:] = [_INPUT if name == entry.name else name for name in node.input]
    entry.name = _INPUT
    return model


def _require_other_names(network: Network) -> None:
    """Raise ArchError for an output that has the input's name: ONNX has one for every value."""
    if _INPUT in network.outputs:
        instance = network.instance(network.outputs[_INPUT])
        raise fail(
            f"in ONNX no output can be called {_INPUT}",
            instance.span,
            "this is the name of the input there, and every value has one of its own",
            help="give the output another name",
            frames=instance.scope.frames(),
        )


def _require_no_adaptive_pooling(network: Network, module: nn.Module) -> None:
    """ONNX has no adaptive pooling: torch writes windows that are right for the example's size.

    It says nothing of that, and the model gives wrong numbers for other sizes. One window, the
    whole map, is right for all.
    """
    for path, part in module.named_modules():
        if not isinstance(part, (nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)):
            continue
        if part.output_size not in (1, (1, 1)):
            instance = network.instance(path)
            raise fail(
                f"ONNX cannot leave the size of the input of {network.name} open",
                instance.span,
                f"it has no pooling whose windows adapt to the map, as those of "
                f"{instance.layer.kind} do",
                help="give --input instead of --dynamic-size, or write a .pt2 or .ts file",
                frames=instance.scope.frames(),
            )


def _require_opset(model: Any, wanted: int) -> None:
    """torch only logs it where it could not convert to an operator set."""
    (found,) = [each.version for each in model.opset_import if each.domain == ""]
    if found != wanted:
        raise fail(
            f"the network cannot be written in ONNX's operator set {wanted}",
            None,
            f"torch's exporter wrote operator set {found}",
            help=f"give --opset {found}",
        )

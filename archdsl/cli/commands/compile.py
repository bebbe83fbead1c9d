"""``archdsl compile``: build the module, run it once, write it out."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archdsl.backends.formats import FORMATS, Format, encode, format_of
from archdsl.backends.formats.options import DEFAULT, OPSETS, FormatOptions
from archdsl.backends.refusals import refusals
from archdsl.cli.deployment import Deployment, deployment_options
from archdsl.cli.options import (
    MemorySize,
    OutputFile,
    Request,
    file_argument,
    json_option,
    network_options,
    print_json,
)
from archdsl.cli.output import print_table, tell
from archdsl.cli.progress import working
from archdsl.diagnostics import listing
from archdsl.ir.layer import shown
from archdsl.text.output import write
from archdsl.text.words import count_words, memory

if TYPE_CHECKING:
    from torch import nn

    from archdsl.api import Network


@click.command()
@file_argument
@click.option(
    "-o",
    "--output",
    "outputs",
    type=OutputFile(path_type=Path),
    multiple=True,
    help="Write to a file, by suffix: "
    + ", ".join(f"{suffix} {form.title}" for suffix, form in FORMATS.items())
    + ". May be repeated.",
)
@click.option(
    "--opset",
    type=click.IntRange(OPSETS[0], OPSETS[-1]),
    help=f"ONNX's operator set.  [default: {DEFAULT.opset}]",
)
@click.option(
    "--dynamic-size", is_flag=True, help="Leave the input's height and width open in the outputs."
)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N.")
@click.option(
    "--weights",
    metavar="W",
    help="A safetensors, state_dict, Darknet, dlib or ONNX file, FILE.py:NAME for a "
    "module with its weights that a Python file makes, which is run, or torchvision:NAME for "
    "pretrained weights.",
)
@click.option(
    "--new-head", is_flag=True, help="Take of the weights what fits, such as all but the head."
)
@click.option(
    "--max-memory",
    type=MemorySize(),
    help="Refuse what takes more, such as 4G.  [default: what is free]",
)
@click.option("--seed", type=int, help="Make the initial weights reproducible.")
@click.option("--trainable", is_flag=True, help="List the layers that learn.")
@deployment_options
@network_options
@json_option
def command(
    file: str,
    outputs: tuple[Path, ...],
    opset: int | None,
    dynamic_size: bool,
    device: str,
    weights: str | None,
    new_head: bool,
    max_memory: int | None,
    seed: int | None,
    trainable: bool,
    deployment: Deployment,
    request: Request,
    as_json: bool,
) -> None:
    """Build the PyTorch module, run one forward pass on the device, print the totals."""
    # Complain before the work is done.
    forms = [(path, format_of(path)) for path in outputs]
    options = _options(forms, opset=opset, dynamic_size=dynamic_size or None)
    deployment.require_fitting(forms)
    network = request.load(file)
    weights = weights or _text(network.trained_weights)
    network = network.settled(weights)  # which may give layers more weights than the type says
    if forms:
        from archdsl.inference.notes import notes_of

        options = replace(options, notes=notes_of(network).entries())
    if device == "cpu":
        from archdsl.backends.torch.room import require_room

        require_room(network.checked, max_memory, running=True)
    building = working(f"building {network.name}" if weights is None else f"loading {weights}")
    with building, refusals(f"building {network.name} with PyTorch"):
        module = network.to_torch(
            device=device, seed=seed, weights=weights, new_head=new_head, max_memory=max_memory
        )
    with working(f"running {network.name}"), refusals(f"running {network.name} with PyTorch"):
        results, seconds = _forward(module, network, device)
    deployed = deployment.apply(network, module)
    written: list[tuple[str, int]] = []
    for path, form in forms:
        with working(f"writing {path}"):
            # Nothing keeps the content: the next one may be as large.
            size = write(path, encode(form, network.checked, deployed.module, options))
        written.append((str(path), size))
    summary = network.summary()
    from archdsl.backends.torch.blocks import notes
    from archdsl.backends.torch.trial_run import result_shapes, told

    if as_json:
        ran = {
            "device": device,
            "forward_seconds": seconds,
            "forward_shapes": result_shapes(results),
        }
        files = [{"path": path, "bytes": size} for path, size in written]
        print_json({**summary.totals(), **ran, **deployed.document, "written": files})
        return
    tell(f"compiled {network.name} for {device}")
    _line("input", shown(summary.input))
    for name, shape in summary.outputs.items():
        _line(name, shown(shape))
    _line("parameters", f"{summary.parameters:,}")
    if summary.trainable != summary.parameters:
        _line("trainable", f"{summary.trainable:,}")
    if new := notes(module).get("new"):
        _line("new", listing(new, 8))
    _line("MACs", count_words(summary.macs))
    gave = ", ".join(told(result) for result in results.values())
    _line("forward pass", f"{gave} in {seconds * 1000:,.0f} ms")
    for title, text in deployed.lines:
        _line(title, text)
    if trainable:
        learning = [row for row in summary.rows if row.trainable]
        print_table(
            [("learns", "left"), ("parameters", "right")],
            [(row.path, f"{row.trainable:,}") for row in learning],
        )
    for name, size in written:
        tell(f"wrote {name} ({memory(size)})")


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)


def _options(forms: list[tuple[Path, Format]], **asked: Any) -> FormatOptions:
    """Options of the output files; a usage error for one that concerns none of them."""
    given = {name: value for name, value in asked.items() if value is not None}
    for name in given:
        if not any(name in form.options for _, form in forms):
            suffixes = [suffix for suffix, form in FORMATS.items() if name in form.options]
            raise click.UsageError(
                f"--{name.replace('_', '-')} needs an output that it concerns: -o with "
                f"{' or '.join(suffixes)}"
            )
    return FormatOptions(**given)


def _line(name: str, value: str) -> None:
    tell(f"  {name:<13} {value}")


def _forward(module: nn.Module, network: Network, device: str) -> tuple[dict[str, Any], float]:
    """Run the module once in eval mode: its outputs by name, and the seconds it took."""
    import torch

    from archdsl.backends.torch.trial_run import trial_input, undisturbed

    place = torch.device(device)
    arguments = trial_input(network.checked, place)
    with undisturbed(module, training=False), torch.inference_mode():
        start = time.perf_counter()
        result: Any = module(**arguments)
        if place.type == "cuda":
            torch.cuda.synchronize(place)
        seconds = time.perf_counter() - start
    outputs = network.checked.outputs
    return result if len(outputs) > 1 else {next(iter(outputs)): result}, seconds

"""``archdsl inspect``: the layers of a trained network, or what its file says of it; its spec."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from archdsl.api import Network, load_run
from archdsl.cli.options import json_option, print_json
from archdsl.cli.output import print_table, say
from archdsl.diagnostics import listing
from archdsl.diagnostics.foreign import parsing
from archdsl.diagnostics.printable import printable
from archdsl.frontend.run_folder import read_run_folder

if TYPE_CHECKING:
    from archdsl.dlib.kinds import Record
    from archdsl.dlib.tree import Saved
    from archdsl.inference.notes import Notes
    from archdsl.ir.network import LayerInstance


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--to-arch", is_flag=True, help="Print a spec that the file's weights fit.")
@json_option
def command(file: Path, to_arch: bool, as_json: bool) -> None:
    """List the layers of a trained network with their tensors, or say what its file is.

    FILE is of dlib's (.dat, .dnn or .xml), the folder of a run of archdsl train, or a file that
    archdsl compile wrote (.onnx, .pt2, .ptl, .safetensors or .ts).
    """
    from archdsl.inference.noted_files import SUFFIXES, read_notes

    run = read_run_folder(file)
    if run is not None:
        network = load_run(run)
        told = Told(
            lambda: network.source.text, lambda: _run_document(network), lambda: _print_run(network)
        )
    elif file.suffix.lower() in SUFFIXES:
        notes = read_notes(file)
        told = Told(
            lambda: notes.spec, lambda: dataclasses.asdict(notes), lambda: _print_notes(notes)
        )
    else:
        from archdsl.dlib.open_file import open_saved
        from archdsl.dlib.to_spec import respelled

        saved = open_saved(file)
        told = Told(lambda: respelled(saved), lambda: _document(saved), lambda: _print(saved))
    if to_arch and as_json:
        print_json({"spec": told.spec()})
    elif to_arch:
        click.echo(told.spec(), nl=False)
    elif as_json:
        print_json(told.document())
    else:
        told.show()


class Told(NamedTuple):
    """The answers about a trained network: its spec, its document for JSON, and for people."""

    spec: Callable[[], str]
    document: Callable[[], dict[str, Any]]
    show: Callable[[], None]


# ---- the folder of a run ----


def _run_document(network: Network) -> dict[str, Any]:
    run, shapes = network.run, _tensors(network)
    assert run is not None
    layers = [
        {"layer": instance.path, "kind": instance.layer.kind, "shapes": found}
        for instance, found in _of_layers(network, shapes)
    ]
    summary = network.summary()
    return {
        "file": str(run.path),
        "spec": run.spec,
        "settings": dict(run.settings),
        "weights": run.weights and str(run.weights),
        "layers": layers,
        "params": summary.parameters,
        "buffers": summary.buffers,
        "labels": list(run.classes),
    }


def _print_run(network: Network) -> None:
    from archdsl.ir.layer import shown

    run, summary = network.run, network.summary()
    assert run is not None
    settings = [f"{name}={value}" for name, value in run.settings.items()]
    say(f"spec        {' '.join([str(run.file), *settings])}")
    say(f"weights     {run.weights or 'none yet: its first epoch is not over'}")
    rows = [
        (
            instance.path,
            instance.layer.kind,
            ", ".join(f"{name} {shown(tuple(shape))}" for name, shape in found.items()),
        )
        for instance, found in _of_layers(network, _tensors(network))
    ]
    print_table([("layer", "left"), ("", "left"), ("tensors", "left")], rows)
    click.echo(f"parameters  {summary.parameters:,}")
    say(f"classes     {len(run.classes):,}: {listing(run.classes, 8)}")


def _tensors(network: Network) -> dict[str, list[int]]:
    """The shapes of the tensors in a run's weights by name; of no tensor anything else is read."""
    weights = network.trained_weights
    if weights is None:
        return {}
    from safetensors import safe_open

    with parsing(weights, "a file of safetensors"), safe_open(weights, "np") as file:
        return {name: list(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


def _of_layers(
    network: Network, shapes: Mapping[str, list[int]]
) -> Iterator[tuple[LayerInstance, dict[str, list[int]]]]:
    """The layers in order with their own tensors; parts of a layer keep their names."""
    ends = [instance.path for instance in network.checked.instances()]
    paths = frozenset(ends)
    found: dict[str, dict[str, list[int]]] = {path: {} for path in ends}
    for name, shape in shapes.items():
        cut = len(name)
        while (cut := name.rfind(".", 0, cut)) > 0:
            if name[:cut] in paths:
                found[name[:cut]][name[cut + 1 :]] = shape
                break
    for instance in network.checked.instances():
        yield instance, found[instance.path]


# ---- a file with notes ----


def _print_notes(notes: Notes) -> None:
    from archdsl.ir.layer import shown

    settings = [f"{name}={value}" for name, value in notes.settings.items()]
    say(f"network     {' '.join([notes.name, *settings])}")
    if notes.description:
        say(f"            {notes.description}")
    say(f"input       {shown(notes.input)}")
    if notes.pixels is not None:
        say(f"            {_values(notes.pixels)}")
    for name, of in notes.outputs.items():
        say(f"{name:<11} {shown(tuple(of)) if isinstance(of, list) else of}")
    if notes.classes:
        say(f"classes     {len(notes.classes):,}: {listing(notes.classes, 8)}")
    say(f"spec        {notes.file}: archdsl inspect --to-arch prints it")


def _values(pixels: Mapping[str, Any]) -> str:
    """The values of the input for a picture."""
    words = f"{pixels['colours']}, 0 to {pixels['scale']:g}"
    if any(pixels["mean"]):
        words += f", less {', '.join(f'{value:g}' for value in pixels['mean'])}"
    if any(value != 1 for value in pixels["deviation"]):
        words += f", divided by {', '.join(f'{value:g}' for value in pixels['deviation'])}"
    return words


# ---- a file of dlib's ----


def _rows(saved: Saved) -> list[tuple[str, Record | None]]:
    """Rows of the table, from the input outwards; tags and skips have no record."""
    from archdsl.dlib.tree import InputTag, LayerNode, Wrapper

    rows: list[tuple[str, Record | None]] = []
    for node in saved.nodes():
        if isinstance(node, LayerNode):
            rows.append((node.record.kind.name, node.record))
        elif isinstance(node, InputTag):
            rows.append((f"tag{node.tag or ''}", None))
        elif isinstance(node, Wrapper):
            word = "tag or skip" if node.skip is None else ("skip" if node.skip else "tag")
            rows.append((f"{word}{node.tag or ''}", None))
    return rows


def _document(saved: Saved) -> dict[str, Any]:
    return {
        "file": saved.source,
        "loss": _described(saved.loss),
        "input": _described(saved.chain.input),
        "layers": [{"layer": name, **(_described(record) or {})} for name, record in _rows(saved)],
        "params": sum(record.learned() for record in saved.records()),
        "buffers": sum(record.stored() for record in saved.records()),
        "labels": list(saved.labels),
        "bytes_behind": saved.behind,
    }


def _described(record: Record | None) -> dict[str, Any] | None:
    if record is None:
        return None
    return {
        "kind": record.kind.name,
        "version": record.version,
        "values": {name: _plain(value) for name, value in _told(record).items()},
        "shapes": {name: list(shape) for name, shape in record.shapes().items()},
        "params": record.learned(),
        "buffers": record.stored(),
    }


def _told(record: Record) -> dict[str, Any]:
    """The values that are no tensors and no leftovers."""
    from archdsl.dlib.stream import ALIAS, TENSOR

    fields = [f for f in record.kind.fields if f.type not in (ALIAS, TENSOR) and not f.transient]
    told = {field.name: record.values[field.name] for field in fields}
    return told | ({"tags": record.values["tags"]} if "tags" in record.values else {})


def _plain(value: Any) -> Any:
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) else value  # type: ignore[arg-type]


def _print(saved: Saved) -> None:
    from archdsl.ir.layer import shown

    columns = [("layer", "left"), ("", "left"), ("tensors", "left"), ("parameters", "right")]
    table = []
    for name, record in _rows(saved):
        if record is None:
            table.append((name, "", "", ""))
            continue
        tensors = ", ".join(f"{key} {shown(size)}" for key, size in record.shapes().items())
        learned = f"{record.learned():,}" if record.learned() else ""
        table.append((name, " ".join(record.kind.spelling(record.values)), tensors, learned))
    for title, record in (("loss", saved.loss), ("input", saved.chain.input)):
        if record is not None:
            click.echo(f"{title:<11} {record.version}")
            for key, value in _flat(_told(record)):
                click.echo(f"{'':<11} {key} {_short(value)}")
    print_table(columns, table)
    versions = sorted({record.version for record in saved.records()})
    click.echo(f"versions    {', '.join(versions)}")
    click.echo(f"parameters  {sum(r.learned() for r in saved.records()):,}")
    if saved.labels:
        click.echo(f"labels      {len(saved.labels):,} behind the network")
    elif saved.behind:
        click.echo(f"behind it   {saved.behind:,} bytes more")
    if not saved.places_known:
        click.echo("The file does not say where its tags and skips are.")


def _flat(values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Values by name, those of options one by one."""
    for name, value in values.items():
        if dataclasses.is_dataclass(value):
            yield from (
                (field.name, getattr(value, field.name)) for field in dataclasses.fields(value)
            )
        else:
            yield name, value


def _short(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_short, value))
    text = f"{value:.7g}" if isinstance(value, float) else str(value)
    return printable(text)

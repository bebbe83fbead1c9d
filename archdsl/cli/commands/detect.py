"""``archdsl detect``: objects or classes in photographs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from archdsl.cli.options import (
    OutputFile,
    Request,
    file_argument,
    json_option,
    network_options,
    print_json,
)
from archdsl.cli.output import say, tell
from archdsl.cli.progress import working
from archdsl.diagnostics import fail
from archdsl.diagnostics.printable import printable
from archdsl.layers.dlib_options import option_words
from archdsl.text.output import write
from archdsl.text.paths import is_folder

_THRESHOLD = 0.5
"""The least score of an object, unless something else is said."""


@click.command()
@file_argument
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path())
@click.option(
    "-o",
    "--output",
    type=OutputFile(),
    metavar="OUT",
    help="A .png file; for several images a folder, or a pattern such as found/{}.png. "
    "By default <image>_detected.png in the current folder.",
)
@click.option(
    "--weights",
    metavar="W",
    help="A safetensors or state_dict file, or torchvision:NAME for pretrained weights.",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    help="Leave out detections of a lower score; by default 0.5, and for dlib's detectors, whose "
    "scores are no probabilities, their own threshold.",
)
@click.option(
    "--names",
    metavar="coco|voc|imagenet|FILE",
    help="What the classes are called, in a file one on every line; by default what the spec says.",
)
@click.option(
    "--proposals",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Boxes x1, y1, x2, y2 for networks that are given some: lists in JSON, or .npy.",
)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda or cuda:N.")
@network_options
@json_option
def command(
    file: str,
    images: tuple[str, ...],
    output: str | None,
    weights: str | None,
    threshold: float | None,
    names: str | None,
    proposals: Path | None,
    device: str,
    request: Request,
    as_json: bool,
) -> None:
    """Find objects in photographs (JPEG, PNG, GIF, WebP) with a detector, and draw them.

    Networks that give every pixel scores of classes colour the picture instead, those that give
    them to the whole picture write the likeliest classes below it. For both it is resized to the
    shorter side of their input, and its values are normalised with ImageNet's mean and deviation
    where the spec has a plain input, as torchvision does.

    --json prints what was found; pictures are then written only with -o. Boxes are x1, y1, x2, y2
    in pixels, masks COCO's uncompressed run lengths.
    """
    targets = _targets(images, output) if output is not None or not as_json else None
    network = request.load(file)
    with working("looking at photographs"):
        from archdsl.inference.pictures import read_picture, require_pictures

        require_pictures(images)
    if weights is None and network.trained_weights is not None:
        weights = str(network.trained_weights)
    network = network.settled(weights)
    with working(f"building {network.name}" if weights is None else f"loading {weights}"):
        module = network.to_torch(device=device, weights=weights)
    from archdsl.inference.class_names import chosen_names, known_names
    from archdsl.inference.predictor import predictor

    model = predictor(network, module)
    regions = _regions(proposals, len(images), network.name, model.takes_proposals)
    if weights is None:
        click.echo("warning: random weights, as there are no --weights: they find noise", err=True)
    if names is not None:
        known = chosen_names(names, model.classes)
    else:
        known = known_names(network, model.classes, model.own_names)
    if threshold is None:
        threshold = model.options.get("threshold", _THRESHOLD)
    if not as_json:
        for name, value in model.options.items():
            tell(printable(f"{network.name}: {option_words(name, value)}"))
    documents: list[dict[str, Any]] = []
    with working("finding objects", len(images)) as advance:
        for index, image in enumerate(images):
            picture = read_picture(image)
            found = model.predict(picture, known, threshold=threshold, proposals=regions[index])
            height, width = picture.shape[1:]
            document: dict[str, Any] = {"file": image, "width": width, "height": height}
            if targets is not None:
                write(targets[index], found.png())
                document["picture"] = str(targets[index])
            if as_json:
                documents.append(document | found.document())
            elif targets is not None:
                say(f"{image}: {found}")
                tell(f"wrote {targets[index]}")
            advance()
    if as_json:
        whole: dict[str, Any] = {"network": network.name, "threshold": threshold}
        whole |= {"options": dict(model.options)} if model.options else {}
        whole["images"] = documents
        print_json(whole, compact=True)  # masks are thousands of numbers


def _targets(images: Sequence[str], output: str | None) -> list[Path]:
    """Path of each picture's result; raises ArchError where it cannot be written."""
    stems = [Path(image).stem for image in images]
    if output is None:
        paths = [Path(f"{stem}_detected.png") for stem in stems]
    elif is_folder(output) or output.endswith("/"):
        paths = [Path(output) / f"{stem}_detected.png" for stem in stems]
    elif "{}" in output:
        paths = [Path(output.replace("{}", stem)) for stem in stems]
    elif len(images) == 1:
        paths = [Path(output)]
    else:
        raise fail(
            f"{len(images)} pictures cannot all be written to {output}",
            None,
            "expected a folder that is there, or a pattern",
            help=f"-o '{Path(output).with_suffix('')}_{{}}.png' puts an image's name for {{}}",
        )
    for path in paths:
        if path.suffix.lower() != ".png":
            raise fail(f"cannot write {path}: pictures are written as .png")
        if is_folder(path) or not is_folder(path.parent):
            reason = "it is a folder" if is_folder(path) else f"there is no folder {path.parent}"
            raise fail(f"cannot write {path}: {reason}")
    twice = [str(path) for path, count in Counter(paths).items() if count > 1]
    if twice:
        raise fail(f"several pictures would be written to {twice[0]}", help="give them by folder")
    return paths


def _regions(path: Path | None, images: int, name: str, taken: bool) -> Sequence[Any]:
    """The proposals for each image, ``None`` for networks that make their own."""
    if path is None and taken:
        raise fail(
            f"{name} is given regions in which to look",
            None,
            "expected a file of boxes, such as selective search proposes",
            help="--proposals FILE",
        )
    if path is not None and not taken:
        raise fail(f"{name} takes no proposals: it makes its own")
    if path is None:
        return [None] * images
    from archdsl.inference.proposals import read_proposals

    return read_proposals(path, images)

"""dlib's detectors learn by command, from COCO's file and from imglab's boxes."""

import json
from pathlib import Path

import pytest
import torch
from shapes import NAMES, SIZE, drawn
from support.commands import run
from torchvision.utils import save_image

import archdsl
from archdsl.training.data import Wanted, objects

NORMED = """// dlib's detectors of drawn shapes, small.
template <int N, int K, int S, typename SUBNET>
using unit = relu<bn_con<con<N,K,K,S,S,padding=K/2,bias=false,SUBNET>>>;
"""
MMOD = f"""{NORMED}
using net_type = loss_mmod<
    {", ".join(f"detector_window<26,26,{name}>" for name in NAMES[1:])},
    con<3,5,5,1,1, unit<32,5,1, unit<32,5,1, unit<32,5,2, unit<24,5,2, unit<16,5,2,
    input_rgb_image_pyramid<pyramid_down<6>>>>>>>>>;
"""
YOLO = f"""{NORMED}
using net_type = loss_yolo<yolo_anchors<tag1, 28,28, 44,44>,
    tag1<sig<con<16,1,1,1,1, unit<64,3,1, unit<64,3,2, unit<48,3,1, unit<48,3,2, unit<24,3,2,
    unit<16,3,2, input_rgb_image_sized<{SIZE}>>>>>>>>>>>;
"""
RECIPE = (
    "--batch", 8, "--optimizer", "adamw", "--rate", "0.003", "--schedule", "cosine",
    "--warmup", 1, "--augment", "standard",
)  # fmt: skip


def shapes(folder: Path, count: int) -> tuple[Path, Path]:
    """Drawn shapes as COCO's file and as imglab's."""
    folder.mkdir(exist_ok=True)
    generator = torch.Generator().manual_seed(1)
    images, annotations, lines = [], [], ["<dataset><images>"]
    for index in range(count):
        picture, target = drawn(generator)
        save_image(picture, folder / f"{index}.png")
        left, top, right, bottom = map(int, target["boxes"][0].tolist())
        label, width, height = target["labels"].item(), right - left, bottom - top
        images.append({"id": index, "file_name": f"{index}.png"})
        annotations.append(
            {"id": index, "image_id": index, "category_id": label,
             "bbox": [left, top, width, height]}
        )  # fmt: skip
        lines.append(
            f"<image file='{index}.png'><box top='{top}' left='{left}' width='{width}' "
            f"height='{height}'><label>{NAMES[int(label)]}</label></box></image>"
        )
    categories = [{"id": i, "name": name} for i, name in enumerate(NAMES) if i]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "coco.json").write_text(json.dumps(document))
    (folder / "boxes.xml").write_text("\n".join([*lines, "</images></dataset>"]))
    return folder / "coco.json", folder / "boxes.xml"


def test_both_files_say_the_same(tmp_path: Path) -> None:
    coco, boxes = shapes(tmp_path / "few", 12)
    found = [objects(path, None, 0.25, 0, Wanted()) for path in (coco, boxes)]
    assert found[0].classes == found[1].classes == NAMES[1:]
    for one, other in zip(found[0].train, found[1].train, strict=True):
        assert one.picture == other.picture
        assert [m[:2] for m in one.known] == [m[:2] for m in other.known]


@pytest.mark.parametrize(("spec", "names"), [(MMOD, NAMES[1:]), (YOLO, NAMES[1:])])
def test_a_detector_of_dlib_s_begins_to_learn(
    spec: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    coco, boxes = shapes(tmp_path / "few", 12)
    for number, file in enumerate((coco, boxes)):
        (tmp_path / "net.arch").write_text(spec)
        out = tmp_path / f"run{number}"
        told = run(
            "train", tmp_path / "net.arch", "--data", file, "-o", out, "--epochs", 5,
            *RECIPE, catch=False,
        )  # fmt: skip
        assert told.exit_code == 0, told.output
        losses = [float(r.split(",")[2]) for r in (out / "metrics.csv").read_text().split()[1:]]
        assert len(losses) == 5 and losses[-1] < losses[0]
        assert archdsl.compile(out).loss.label_names() == names
        assert run("detect", out, file.with_name("0.png"), "--json").exit_code == 0


def test_names_are_those_of_the_network(tmp_path: Path) -> None:
    coco, _ = shapes(tmp_path / "few", 12)
    (tmp_path / "net.arch").write_text(MMOD.replace("square", "hexagon"))
    told = run("train", tmp_path / "net.arch", "--data", coco, "-o", tmp_path / "run")
    assert told.exit_code == 1
    assert "the network does not tell square" in told.output and "hexagon" in told.output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spec", "epochs"), [(YOLO, 30), (MMOD, 12)], ids=["loss_yolo", "loss_mmod"]
)
def test_a_detector_of_dlib_s_finds_shapes(spec: str, epochs: int, tmp_path: Path) -> None:
    """About two minutes each."""
    _, boxes = shapes(tmp_path / "shapes", 400)
    (tmp_path / "net.arch").write_text(spec)
    told = run(
        "train", tmp_path / "net.arch", "--data", boxes, "-o", tmp_path / "run",
        "--epochs", epochs, *RECIPE, catch=False,
    )  # fmt: skip
    assert told.exit_code == 0, told.output
    best = dict(r.split(",") for r in (tmp_path / "run" / "map.csv").read_text().split()[1:])
    assert float(best["map50"]) >= 0.9


BOX = "<box top='1' left='1' width='5' height='6'><label>cat</label></box>"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no element found"),
        ("<dataset><images><image file='a.png'>", ":1: no XML of imglab's boxes"),
        ("<net></net>", "expected dataset, images and image"),
        (f"<dataset>\n<images>\n<image>{BOX}</image></images></dataset>", ":3: no XML"),
        (
            "<dataset><images><image file='a.png'><box top='1' left='x' width='2' height='2'/>"
            "</image></images></dataset>",
            "the left 'x': expected whole pixels",
        ),
        (
            "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]>"
            "<dataset><images><image file='&b;'/></images></dataset>",
            "it declares entities",
        ),
        ("\ud83d".encode("utf-8", "surrogatepass"), "not well-formed"),
        (f"<dataset><images><image file='a.png'>{BOX}</image></images></dataset>", "no pictures"),
    ],
)
def test_boxes_that_are_none(content: str | bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "net.arch").write_text(YOLO)
    raw = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "boxes.xml").write_bytes(raw)
    told = run(
        "train", tmp_path / "net.arch", "--data", tmp_path / "boxes.xml", "-o", tmp_path / "run"
    )
    assert told.exit_code == 1 and words in told.output, told.output
    assert "E411" in told.output


def test_ignored_boxes_and_empty_pictures_are_for_dlib_s(tmp_path: Path) -> None:
    lines = [f"<image file='{n}.png'>{BOX}</image>" for n in range(3)]
    lines.append(f"<image file='3.png'>{BOX.replace('<box', '<box ignore=' + repr('1'))}</image>")
    lines.append("<image file='4.png'/>")
    path = tmp_path / "boxes.xml"
    path.write_text(f"<dataset><images>{''.join(lines)}</images></dataset>")
    few = objects(path, None, 0.25, 0, Wanted())
    every = objects(path, None, 0.25, 0, Wanted(everything=True))
    assert len(few.train) + len(few.held_out) == 3
    assert len(every.train) + len(every.held_out) == 5
    marks = [m for s in (*every.train, *every.held_out) for m in s.known]
    assert sorted(m.ignored for m in marks) == [False, False, False, True]

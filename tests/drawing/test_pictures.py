"""Reading photographs, and drawing on them what a detector found."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy
import pytest
import torch
from PIL import ExifTags, Image, ImageOps
from skimage import data
from torch import Tensor

import archdsl
from archdsl.inference.class_names import class_names
from archdsl.inference.pictures import annotated, read_picture

NAMES = ("background", "cat", "dog")


def opened(png: bytes) -> Tensor:
    picture = Image.open(io.BytesIO(png))
    assert (picture.format, picture.mode) == ("PNG", "RGB")
    return torch.from_numpy(numpy.array(picture))


def detections(*boxes: tuple[float, ...], **more: Tensor) -> dict[str, Tensor]:
    """Cats, each a little less sure than the one before."""
    count = len(boxes)
    return {
        "boxes": torch.tensor(boxes).reshape(count, 4),
        "labels": torch.ones(count, dtype=torch.int64),
        "scores": 0.9 - 0.1 * torch.arange(count),
        **more,
    }


# ---- reading ----


def test_a_photograph(tmp_path: Path) -> None:
    pixels = data.astronaut()
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    Image.fromarray(pixels).save(tmp_path / "picture.jpg", quality=95)
    expected = torch.from_numpy(pixels).permute(2, 0, 1) / 255
    exact = read_picture(tmp_path / "picture.png")
    assert exact.dtype == torch.float32
    assert exact.is_contiguous()
    assert torch.equal(exact, expected)
    assert (read_picture(tmp_path / "picture.jpg") - expected).abs().mean() < 0.02


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_mode_becomes_rgb(mode: str, tmp_path: Path) -> None:
    grey = Image.new("L", (5, 3), 255)
    grey.putpixel((1, 2), 0)
    if mode == "I;16":
        picture = Image.new(mode, (5, 3), 65535)
        picture.putpixel((1, 2), 0)
    else:
        picture = grey.convert(mode)
    picture.save(tmp_path / "picture.png")
    found = read_picture(tmp_path / "picture.png")
    assert found.shape == (3, 3, 5)
    assert (found == 0).nonzero().tolist() == [[channel, 2, 1] for channel in range(3)]
    assert found.sum() == 3 * 14


def test_cmyk_and_transparency(tmp_path: Path) -> None:
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "red.jpg")
    red = read_picture(tmp_path / "red.jpg")[:, 4, 4]
    assert red.tolist() == pytest.approx([1, 0, 0], abs=0.02)
    Image.new("RGBA", (8, 8), (0, 0, 0, 51)).save(tmp_path / "faint.png")
    assert read_picture(tmp_path / "faint.png")[:, 4, 4].tolist() == pytest.approx([0.8] * 3)


@pytest.mark.parametrize("orientation", range(10))
def test_a_picture_stands_as_its_camera_noted(orientation: int, tmp_path: Path) -> None:
    picture = Image.fromarray(data.astronaut()[:30, :40])
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    picture.save(tmp_path / "picture.png", exif=exif)
    expected = numpy.array(ImageOps.exif_transpose(Image.open(tmp_path / "picture.png")))
    found = read_picture(tmp_path / "picture.png")
    assert torch.equal(found, torch.from_numpy(expected).permute(2, 0, 1) / 255)


def png_of_size(width: int, height: int) -> bytes:
    """A PNG file that promises many pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    return start + chunk(b"IDAT", zlib.compress(bytes(10**6))) + chunk(b"IEND", b"")


def whole_png() -> bytes:
    file = io.BytesIO()
    Image.fromarray(data.astronaut()).save(file, "PNG")
    return file.getvalue()


def tiff() -> bytes:
    file = io.BytesIO()
    Image.new("L", (4, 4)).save(file, "TIFF")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (png_of_size(100_000, 100_000), "too large to be read"),
        (png_of_size(10_000, 10_000), "expected 44 million pixels at most"),
        (b"", "not a picture that can be read"),
        (b"input<3,224,224>", "not a picture that can be read"),
        (tiff(), "expected JPEG, PNG, GIF or WEBP"),
        (whole_png()[:50_000], "image file is truncated"),
        (png_of_size(8, 8)[:40], "not a picture that can be read"),
        (png_of_size(1000, 1000), "image file is truncated"),
    ],
    ids=["bomb", "large", "empty", "text", "tiff", "cut", "header", "short"],
)
def test_what_is_no_picture_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(content)
    with pytest.raises(archdsl.ArchError, match=words) as caught:
        read_picture(tmp_path / "picture.png")
    assert "picture.png" in str(caught.value)


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG"])
def test_of_moving_pictures_the_first_counts(form: str, tmp_path: Path) -> None:
    red, blue = (Image.new("RGB", (6, 4), colour) for colour in ("red", "blue"))
    lossless = {"lossless": True} if form == "WEBP" else {}
    red.save(tmp_path / "moving", form, save_all=True, append_images=[blue], **lossless)
    with Image.open(tmp_path / "moving") as opened:
        assert opened.n_frames == 2  # type: ignore[attr-defined]
    found = read_picture(tmp_path / "moving")
    assert found.shape == (3, 4, 6)
    assert found[:, 2, 3].tolist() == [1.0, 0.0, 0.0]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "CMYK"])
def test_the_largest_picture_takes_a_gigabyte(mode: str, tmp_path: Path) -> None:
    """By the peak of the process, which the kernel counts; what torch and Pillow take is apart."""
    form = "JPEG" if mode == "CMYK" else "PNG"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new(mode, (6600, 6700)).save(tmp_path / "large", form, exif=exif)
    script = f"""
import resource
from archdsl.inference.pictures import read_picture
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
read_picture({str(tmp_path / "small")!r})
before = peak()
assert read_picture({str(tmp_path / "large")!r}).shape == (3, 6600, 6700)
print(peak() - before)
"""
    Image.new("RGB", (8, 8)).save(tmp_path / "small", "PNG")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 2**30


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(archdsl.ArchError, match="cannot read .*No such file"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(archdsl.ArchError, match="cannot read .*directory"):
        read_picture(tmp_path)


# ---- drawing ----


def test_nothing_found_leaves_the_picture_as_it_is() -> None:
    pixels = torch.from_numpy(data.astronaut())
    picture = pixels.permute(2, 0, 1) / 255
    assert torch.equal(opened(annotated(picture, detections(), NAMES, threshold=0.5)), pixels)
    unsure = detections((10, 10, 99, 99))
    assert torch.equal(opened(annotated(picture, unsure, NAMES, threshold=0.95)), pixels)


def test_boxes_are_where_they_were_found() -> None:
    """Orange is Okabe and Ito's first colour; inside the lines the picture is untouched."""
    found = detections((100, 200, 300, 400), (float("nan"), 0, 9, 9), (-50, 450, 9000, 480))
    image = opened(annotated(torch.zeros(3, 600, 500), found, NAMES, threshold=0.5))
    assert image.shape == (600, 500, 3)
    for y, x in ((200, 280), (400, 200), (300, 100), (300, 300)):
        assert image[y, x].tolist() == [0xE6, 0x9F, 0x00]
    assert image[210:390, 110:290].max() == 0
    assert image[:170].max() == 0
    # What reaches over the edge ends there; what is no number is not drawn.
    assert image[465, 0].tolist() == image[465, 499].tolist() == [0x56, 0xB4, 0xE9]


def test_small_pictures_are_enlarged_for_their_labels() -> None:
    image = opened(
        annotated(torch.zeros(3, 30, 40), detections((10, 10, 30, 20)), NAMES, threshold=0)
    )
    assert image.shape == (300, 400, 3)
    assert image[150, 100].tolist() == [0xE6, 0x9F, 0x00]
    assert image[110:190, 110:290].max() == 0


@pytest.mark.parametrize("size", [(1, 1), (3, 2000), (2000, 3), (64, 64), (1500, 2500)])
def test_labels_stay_on_the_picture(size: tuple[int, int]) -> None:
    """Boxes at all corners; every label is drawn, black or white on its colour, and not cut."""
    height, width = size
    corners = [
        (0, 0, 1, 1), (width - 1, 0, width, 1), (0, height - 1, 1, height),
        (width - 1, height - 1, width, height),
    ]  # fmt: skip
    found = detections(*[tuple(map(float, box)) for box in corners])
    image = opened(annotated(torch.full((3, *size), 0.5), found, NAMES, threshold=0))
    assert max(image.shape) >= 400
    if min(size) >= 64:
        for colour in ((0xE6, 0x9F, 0), (0x56, 0xB4, 0xE9), (0, 0x9E, 0x73), (0xF0, 0xE4, 0x42)):
            assert (image == torch.tensor(colour)).all(2).sum() > 300


def test_a_mask_is_seen_through() -> None:
    mask = torch.zeros(1, 1, 500, 400)
    mask[0, 0, 100:200, 100:200] = 0.6
    mask[0, 0, 200:300, 100:200] = 0.4
    found = detections((0, 50, 399, 499), masks=mask)
    image = opened(annotated(torch.full((3, 500, 400), 0.4), found, NAMES, threshold=0))
    colour = torch.tensor([0xE6, 0x9F, 0x00])
    assert ((image[150, 150] - (0.5 * colour + 0.5 * 102)).abs() <= 1).all()
    assert image[250, 150].tolist() == [102] * 3


def test_a_person_has_bones_between_the_joints_that_are_seen() -> None:
    joints = torch.zeros(1, 17, 3)
    joints[0, 5] = torch.tensor([100.0, 200, 1])  # shoulder
    joints[0, 7] = torch.tensor([300.0, 200, 1])  # elbow
    joints[0, 9] = torch.tensor([300.0, 400, 0])  # wrist, not seen
    found = detections((0, 450, 399, 499), keypoints=joints)
    image = opened(annotated(torch.zeros(3, 500, 400), found, NAMES, threshold=0))
    for place in ((200, 100), (200, 200), (200, 300)):
        assert image[place].tolist() == [0xE6, 0x9F, 0x00]
    assert image[210:430].max() == 0


# ---- names ----


def test_class_names_are_those_of_the_data_sets() -> None:
    """COCO numbers 80 classes up to 90; Pascal VOC has 20."""
    coco, yolo = class_names("coco91"), class_names("coco80")
    assert (len(coco), len(yolo)) == (91, 80)
    assert (coco[0], coco[1], coco[90]) == ("__background__", "person", "toothbrush")
    assert (yolo[0], yolo[79], yolo[16]) == ("person", "toothbrush", "dog")
    assert sum(name == "N/A" for name in coco) == 10
    voc = class_names("voc21")
    assert (voc[0], voc[1], voc[20]) == ("__background__", "aeroplane", "tvmonitor")
    assert class_names("voc20") == voc[1:]


def test_unknown_data_sets_are_refused() -> None:
    with pytest.raises(archdsl.ArchError, match="did you mean 'coco80'"):
        class_names("coco8")

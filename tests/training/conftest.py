"""Pictures to learn from: scikit-learn's digits, and drawn shapes."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1] / "detection")]


def write_digits(folder: Path, count: int | None = None) -> Path:
    """The first digits as pictures of 28×28 pixels, a folder for each class."""
    known = load_digits()
    for index, (values, label) in enumerate(zip(known.images, known.target, strict=True)):
        if index == count:
            break
        place = folder / str(label)
        place.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray((values / 16 * 255).astype(numpy.uint8))
        picture.resize((28, 28), Image.Resampling.BILINEAR).save(place / f"{index}.png")
    return folder


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of 200 digits."""
    return write_digits(tmp_path_factory.mktemp("digits"), 200)


@pytest.fixture(scope="session")
def all_digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of all 1797 digits."""
    return write_digits(tmp_path_factory.mktemp("all_digits"))


@pytest.fixture(scope="session")
def shapes_coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A COCO file of drawn shapes, with a picture of each beside it."""
    from shapes import NAMES, SIZE, drawn
    from torchvision.utils import save_image

    folder = tmp_path_factory.mktemp("shapes")
    generator = torch.Generator().manual_seed(1)
    images, annotations = [], []
    for index in range(200):
        picture, target = drawn(generator)
        save_image(picture, folder / f"{index}.png")
        images.append({"id": index, "file_name": f"{index}.png", "width": SIZE, "height": SIZE})
        left, top, right, bottom = target["boxes"][0].tolist()
        box = [left, top, right - left, bottom - top]
        label = 10 * target["labels"].item()  # COCO's numbers have gaps
        annotations.append(
            {"id": index + 1, "image_id": index, "bbox": box, "category_id": label,
             "area": box[2] * box[3], "iscrowd": 0}
        )  # fmt: skip
    categories = [{"id": 10 * i, "name": name} for i, name in enumerate(NAMES) if i]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "coco.json").write_text(json.dumps(document))
    return folder / "coco.json"


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Small networks are slower on several threads, above all beside other tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

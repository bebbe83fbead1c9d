"""Asks dlib for the faces in some photographs, and prints them as JSON.

python tests/oracle/losses/faces.py > tests/oracle/losses/faces.json

Needs dlib's Python module, and mmod_human_face_detector.dat of face_recognition_models.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def weights() -> Path | None:
    """dlib's detector of faces; ``None`` where it is not installed."""
    found = importlib.util.find_spec("face_recognition_models")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "models" / "mmod_human_face_detector.dat"


def pictures() -> dict[str, Picture]:
    """Photographs of different sizes, with no face, one and several."""
    from PIL import Image
    from skimage import data

    whole = data.astronaut()
    face = whole[30:230, 120:320]
    large = np.asarray(Image.fromarray(whole).resize((800, 700), Image.Resampling.BILINEAR))
    return {
        "astronaut": whole,
        "cut": np.ascontiguousarray(whole[40:300, 100:400]),
        "stretched": large,
        "six": np.tile(face, (2, 3, 1)),
        "coffee": data.coffee(),
    }


def main() -> None:
    import dlib

    detector = dlib.cnn_face_detection_model_v1(str(weights()))
    found: dict[str, Any] = {}
    for name, picture in pictures().items():
        found[name] = [
            [d.rect.left(), d.rect.top(), d.rect.right(), d.rect.bottom(), d.confidence]
            for d in detector(picture, 0)
        ]
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()

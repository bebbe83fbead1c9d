"""The tests here share the random specs of those on formatting."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "formatting"))

"""Tests of exports share their own runtimes, and the random specs of those on formatting."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "formatting"))

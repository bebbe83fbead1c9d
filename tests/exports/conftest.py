"""Tests of exports share the runtimes of ``running.py``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

"""Lets the tests of this directory import ``cases`` and ``make``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

"""Cases by their numbers: the same number is the same damaged file on every machine."""

from __future__ import annotations

import contextlib
from pathlib import Path
from random import Random

from archdsl.diagnostics import ArchError
from fuzz.formats import FORMATS


class CaseMaker:
    """Writes the files of one format's cases, one after the other in one place."""

    def __init__(self, name: str, folder: Path) -> None:
        self.format = FORMATS[name]
        self._name = name
        self._path = folder / f"net{self.format.suffix}"
        self._corpus = self.format.corpus()
        for content in self._corpus[:3]:  # what is imported and cached now costs no case
            self._path.write_bytes(content)
            with contextlib.suppress(ArchError):
                self.format.read(self._path)

    def file(self, seed: int) -> Path:
        """The file of a case; every thousandth is undamaged."""
        random = Random(f"{self._name} {seed}")
        content, other = random.choice(self._corpus), random.choice(self._corpus)
        if seed % 1000:
            content = random.choice(self.format.mutations)(random, content, other)
        self._path.write_bytes(content)
        return self._path

"""A context that silences the warnings of torch's exporters and quantisers."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence warnings, log lines and progress bars in a ``with`` block."""
    before = logging.root.manager.disable
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(max(before, logging.ERROR))
        try:
            yield
        finally:
            logging.disable(before)

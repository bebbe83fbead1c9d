"""Zip archives of tensors, looked at before anything is unpacked."""

from __future__ import annotations

from collections.abc import Iterable
from zipfile import ZipInfo

from archdsl.diagnostics import fail
from archdsl.diagnostics.foreign import DAMAGED

_MOST_UNPACKED = 20
"""Largest ratio of unpacked to packed values; neither torch nor Keras packs them."""


def require_packed_little(members: Iterable[ZipInfo], shown: str) -> None:
    """Raise ArchError for a member that unpacks to far more bytes than it takes in the archive."""
    for member in members:
        if member.file_size > member.compress_size * _MOST_UNPACKED + 2**16:
            raise fail(
                f"{shown} cannot be read safely",
                None,
                f"{member.filename[:60]} unpacks to {member.file_size:,} bytes",
                code=DAMAGED,
            )

"""Reading of files whole, of a size that is known before memory is taken."""

from __future__ import annotations

from pathlib import Path

from archdsl.diagnostics import fail
from archdsl.text.machine import free_memory
from archdsl.text.words import memory

_PIECE = 2**20


def read_whole(path: Path, times: float = 2) -> bytes:
    """The content of a file.

    ``times`` is what reading takes in all, in bytes for each byte of the file. Raises ArchError
    where that is more than the machine has free, and where the file cannot be read.
    """
    free = free_memory()
    pieces: list[bytes] = []
    try:
        with path.open("rb") as file:
            size, read = path.stat().st_size, 0
            while free is None or times * max(size, read) <= free:
                # A file that is no stream comes in one piece, which is not copied.
                piece = file.read(max(_PIECE, size - read))
                if not piece:
                    return b"".join(pieces)
                pieces.append(piece)
                read += len(piece)
    except FileNotFoundError as error:
        raise fail(f"cannot read {path}: {error.strerror}", code="E406") from None
    except OSError as error:
        raise fail(f"cannot read {path}: {error.strerror or error}", code="E407") from None
    raise fail(
        f"{path} is larger than what can be read here",
        None,
        f"it has {memory(max(size, read))}, and reading takes {times:g} times as much; "
        f"this machine has free {memory(free)}",
        code="E409",
    )

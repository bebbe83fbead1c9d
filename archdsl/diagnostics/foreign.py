"""Errors of readers of other formats: whatever a damaged file makes a parser raise, in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from archdsl.diagnostics.model import ArchError, coded, fail

DAMAGED = "E411"
"""Code of a file of another format that is damaged, or of a format that it does not say."""
_LONGEST_REASON = 200


@contextmanager
def parsing(path: Path | str, what: str, *, other: str = DAMAGED) -> Iterator[None]:
    """Context manager of a step that parses a file: all that it raises is an error with the file.

    ``path`` may be words for a part of a file. ``what`` is the format in words, "an ONNX model";
    ``other`` the code of errors that are raised inside without one. Libraries raise errors of any
    kind for bytes that no writer writes; they are the cause of the ArchError, which
    ``archdsl --debug`` shows.
    """
    try:
        with coded(other):
            if isinstance(path, Path) and path.is_char_device():
                raise fail(f"cannot read {path}: it is a device", code="E407")
            yield
    except ArchError:
        raise
    except FileNotFoundError as error:
        raise fail(f"cannot read {path}: {error.strerror or error}", code="E406") from None
    except OSError as error:
        if error.errno is None:  # a library's own, about the content
            raise _damaged(path, what, error) from error
        raise fail(f"cannot read {path}: {error.strerror or error}", code="E407") from None
    except Exception as error:
        raise _damaged(path, what, error) from error


def _damaged(path: Path | str, what: str, error: Exception) -> ArchError:
    if isinstance(error, RecursionError):
        reason = "it nests too deeply"
    elif isinstance(error, MemoryError):
        reason = "it asks for more memory than there is"
    else:
        reason = (str(error).strip().splitlines() or [""])[0][:_LONGEST_REASON]
        # A key by itself says nothing.
        reason = f"{type(error).__name__}: {reason}" if isinstance(error, LookupError) else reason
    return fail(
        f"{path} is not {what} that can be read",
        None,
        reason or type(error).__name__,
        help="the file may be cut off, damaged, or of another format",
        code=DAMAGED,
    )

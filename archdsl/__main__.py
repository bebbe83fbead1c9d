"""The ``archdsl`` command, also as ``python -m archdsl``."""

from __future__ import annotations

import signal


def run() -> None:
    """Run the command; Ctrl-C ends it with status 130, also while its modules are imported."""
    # Python's own handler would raise an exception in the middle of an import.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    from archdsl.cli import main

    signal.signal(signal.SIGINT, before)
    main()


if __name__ == "__main__":
    run()

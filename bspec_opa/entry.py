"""Where the program starts. An interrupt while it is being loaded, or a second one, is no failure of the program."""

from __future__ import annotations

import sys

INTERRUPTED = 130
"""128 + SIGINT, as shells say it."""


def run() -> None:
    """The console script and ``python -m bspec_opa``."""
    try:
        from bspec_opa.cli.main import run as start

        start()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(INTERRUPTED)

"""Reading an intent, and nothing else: `validate` pays for no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.intent.load import load_intent

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.intent.load import LoadedIntent


def open_intent(file: Path) -> LoadedIntent:
    """Read and check an intent.

    Raises:
        InvalidInputError: every problem of the file.
    """
    return load_intent(read_bounded(file, MAX_DOCUMENT_BYTES), str(file))

"""A key's identity for people and as ``bspec.key/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.trust.keys import PublicKey


def key_text(public: PublicKey, file: Path) -> str:
    """Id, algorithm and file."""
    return f"keyid     {public.keyid}\nalgorithm {public.algorithm}\nfile      {printable(str(file))}\n"


def key_json(public: PublicKey, file: Path) -> JsonObject:
    """The same for machines."""
    return {
        "schema": "bspec.key/v1",
        "exit_code": 0,
        "keyid": public.keyid,
        "algorithm": public.algorithm,
        "file": str(file),
    }

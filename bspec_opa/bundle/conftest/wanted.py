"""Which policies of conftest's form are wanted, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

V0, V1 = "v0", "v1"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Policies and their circumstances.

    Attributes:
        policies: the directory, or one file.
        namespaces: which packages; ``*`` stands for any characters. None means all.
        data: files or directories of JSON and YAML, as for conftest's ``--data``.
        rego_version: the syntax, v0 or v1.
        written: whether their input is the intent as it was written, instead of what ``normalize`` prints.
        capabilities: an OPA capabilities file instead of OPA's own without what reaches a network or the process.
    """

    policies: Path
    namespaces: tuple[str, ...] = ()
    data: tuple[Path, ...] = ()
    rego_version: str = V1
    capabilities: Path | None = None
    written: bool = False

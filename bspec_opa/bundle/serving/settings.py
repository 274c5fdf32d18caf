"""What a server serves, and to whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bspec_opa.bundle.serving.edition import accept_all
from bspec_opa.bundle.serving.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bspec_opa.bundle.serving.edition import Check
    from bspec_opa.bundle.serving.memory import Memory
    from bspec_opa.bundle.serving.tls import TlsFiles


@dataclass(frozen=True, slots=True)
class Settings:
    """What is served, and to whom.

    Attributes:
        named: files by name.
        directory: where more bundles are, each named by its path; None for nowhere.
        tls: certificate and authorities; None for plain HTTP.
        token_file: tokens of those who are let in; None for everybody.
        interval_s: seconds between two looks at the files.
        limits: what clients may take.
        check: what a bundle has to be besides whole.
        memory: what was served before, where signatures are verified; None where they aren't.
    """

    named: Mapping[str, Path]
    directory: Path | None = None
    tls: TlsFiles | None = None
    token_file: Path | None = None
    interval_s: float = 1.0
    limits: Limits = field(default_factory=Limits)
    check: Check = accept_all
    memory: Memory | None = None

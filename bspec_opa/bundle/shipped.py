"""The bundles that come with bspec-opa."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from bspec_opa.bundle.read import Bundle, read_bundle
from bspec_opa.bundle.reasons import NO_BUNDLE
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_BUNDLE_BYTES, MAX_DOCUMENT_BYTES
from bspec_opa.foundation.suggest import did_you_mean

SUFFIX = ".tar.gz"
FIXTURES = "bspec/testing/testing.rego"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,60}\Z")


def folders() -> tuple[Path, ...]:
    """Where shipped bundles may be: inside an installed package, else in the checkout."""
    package = Path(__file__).parents[1]
    return package / "_bundles", package.parent / "bundles"


def shipped_bundle(name: str = "default") -> Path:
    """The file of a shipped bundle.

    Raises:
        UsageError: no bundle of that name is shipped.
    """
    for folder in folders() if _NAME.match(name) else ():
        path = folder / f"{name}{SUFFIX}"
        if path.is_file():
            return path
    known = {p.name.removesuffix(SUFFIX) for folder in folders() for p in folder.glob(f"*{SUFFIX}")}
    hint = f"{did_you_mean(name, known)}; a file is told by a dot or a slash: ./{name[:60]}"
    raise NO_BUNDLE.error(f'no bundle "{name[:60]}" is shipped', hint=hint)


def fixtures() -> dict[str, bytes]:
    """The fixtures that tests of rules use, by their path in a policies folder; no bundle holds them.

    Raises:
        UsageError: the installation lacks them.
    """
    package = Path(__file__).parents[1]
    for path in (package / "_testing" / "testing.rego", package.parent / "policies" / FIXTURES):
        if path.is_file():
            return {FIXTURES: read_bounded(path, MAX_DOCUMENT_BYTES)}
    raise NO_BUNDLE.error("the fixtures for tests are not installed", hint="install bspec-opa again")


@lru_cache(1)
def shipped_rules() -> frozenset[str]:
    """The ids of the rules of the shipped library: each has a page in the documentation.

    Raises:
        UsageError: the installation lacks the bundle.
    """
    return frozenset(r.id for r in load_bundle(shipped_bundle()).index.rules)


def load_bundle(path: Path) -> Bundle:
    """Read a bundle's file.

    Raises:
        InvalidInputError: the file can't be read or is too large.
        TrustError: see :func:`~bspec_opa.bundle.read.read_bundle`.
    """
    return read_bundle(read_bounded(path, MAX_BUNDLE_BYTES), str(path))

"""What was pushed and pulled, for people and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.bundle.registry.reference import Reference
    from bspec_opa.bundle.registry.transfer import Stored
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.report.writing.style import Style


def pushed_text(stored: Stored, reference: Reference, style: Style) -> str:
    """Where it is now."""
    return f"{style.mark('PUSHED', 'bold', 'green')}  {printable(str(reference))}\n" + _identity(stored)


def pushed_json(stored: Stored, reference: Reference) -> JsonObject:
    """``bspec.bundle-pushed/v1``."""
    return {"schema": "bspec.bundle-pushed/v1", "exit_code": 0, **_members(stored, reference)}


def pulled_text(stored: Stored, reference: Reference, target: Path, style: Style) -> str:
    """What came from where."""
    head = f"{style.mark('PULLED', 'bold', 'green')}  {printable(str(target))}  from {printable(str(reference))}\n"
    return head + _identity(stored)


def pulled_json(stored: Stored, reference: Reference, target: Path) -> JsonObject:
    """``bspec.bundle-pulled/v1``."""
    members = _members(stored, reference)
    return {"schema": "bspec.bundle-pulled/v1", "exit_code": 0, "file": str(target), **members}


def _identity(stored: Stored) -> str:
    bundle = stored.bundle
    return (
        f"  manifest  {stored.manifest}\n"
        f"  digest    {bundle.digest}\n"
        f"  revision  {bundle.revision}\n"
        f"  layer     {len(stored.archive)} bytes, {len(bundle.index.rules)} rules\n"
    )


def _members(stored: Stored, reference: Reference) -> JsonObject:
    return {
        "place": reference.place,
        "tag": reference.tag,
        "manifest": stored.manifest,
        "digest": stored.bundle.digest,
        "revision": stored.bundle.revision,
        "bytes": len(stored.archive),
        "rules": len(stored.bundle.index.rules),
    }

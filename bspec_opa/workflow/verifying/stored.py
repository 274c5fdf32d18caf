"""The documents that a line is proven by: all that are missing are named at once, before anything is rebuilt.

They lie in files, also where the ledger is in a database or a Git ref: a host that has only the ledger in common with
others lacks what they kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.binding.read import binding_from_json
from bspec_opa.foundation.digest import Digest
from bspec_opa.foundation.errors import Location
from bspec_opa.ledger.reasons import OBJECT_MISSING
from bspec_opa.trust.authority import INTENT_SUBJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.workflow.verifying.past import Past


def require_stored(past: Past) -> None:
    """Demand that everything is there that it takes to prove a line.

    Raises:
        TrustError: something is not stored here; all of it is named.
    """
    missing = [f"{what} {digest}" for what, digest in _needed(past) if not past.objects.has(digest)]
    if missing:
        here = past.objects.directory
        message = f"can't be proven, for this is not stored here: {'; '.join(missing)}"
        hint = f"copy .bspec/objects from where it was promoted, or ledger/objects of an evidence pack, into {here}"
        raise OBJECT_MISSING.error(message, hint=hint, at=Location(past.at))


def _needed(past: Past) -> Iterator[tuple[str, Digest]]:
    """What each document is, and its digest."""
    said = past.predicate
    yield "the intent", Digest(str(past.record.statement.digest_of(INTENT_SUBJECT)))
    yield "the input of its decision", Digest(said["input_digest"])
    for bundle in said["bundles"]:
        yield "the bundle", Digest(bundle["digest"])
    for entry in binding_from_json(said["binding"]).entries:
        yield f"the catalog entry of {entry.id}", entry.digest

"""Names the altered entry of a ledger where nothing was noted at writing that tells it: by its own signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import BspecError, Location, TrustError
from bspec_opa.ledger.log import UNTOLD
from bspec_opa.ledger.reasons import ALTERED
from bspec_opa.trust.dsse import parse_envelope, verify_signature

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bspec_opa.ledger.entry import Entry
    from bspec_opa.trust.keys import PublicKey
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.ledger.place import Named


def named_by_signature(error: TrustError, named: Named, roots: Sequence[TrustRoot]) -> TrustError:
    """The error, with the first entry whose record nobody whom a trust root knows has signed as it stands there.

    A Git ref keeps no leaf hashes, and a ledger in files may have lost them. Every record bears a signature of its own,
    which whoever alters it can't renew. What is not in a record, such as the time at which it was sequenced, shows in
    the signed root alone.

    Args:
        error: why the ledger doesn't verify.
        named: the ledger.
        roots: every version of the trust root: keys that were replaced since are those of older ones.
    """
    problem = error.problems[0]
    if error.code != ALTERED.code or not problem.message.endswith(UNTOLD):
        return error
    keys = {k: key.public for root in roots for k, key in root.keys.items()}
    try:
        unsigned = next((e for e in named.ledger.scan() if not _is_signed(e, keys)), None)
    except BspecError:
        return error
    at = problem.location or Location(named.place)
    if unsigned is None:
        told = (
            "every record is signed by a key that a trust root has known, so it is a number, a time, the order, or a "
            "record that was replaced by another"
        )
        return TrustError([ALTERED.problem(f"{problem.message}: {told}", hint=problem.hint, at=at)])
    message = f"changed since it was signed: entry {unsigned.seq} ({unsigned.kind}), whose own signature is not right"
    return TrustError([ALTERED.problem(message, hint=problem.hint, at=at)])


def _is_signed(entry: Entry, keys: Mapping[str, PublicKey]) -> bool:
    name = f"entry {entry.seq}"
    try:
        envelope = parse_envelope(entry.record_bytes(), name)
        for signature in envelope.signatures:
            verify_signature(envelope, signature, keys[signature.keyid], name)
    except (BspecError, KeyError):
        return False
    return True

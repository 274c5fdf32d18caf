"""Writing a trust root: from ``trust.yaml``, which people read and edit, to the payload that the root keys sign.

A complete example; paths are relative to the file, and a key can also be given as its PEM text::

    schema: bspec.trust/v1
    domain: acme                      # keeps records of one project out of another
    valid: P365D
    root:                             # who may change this file: 2 of these keys
      threshold: 2
      keys: [keys/root-1.pub, keys/root-2.pub]
    ledger: {origin: acme.example/bspec, keys: [keys/ledger.pub]}
    gates:                            # agents and environments: all, unless listed
      - {id: gate-ci, keys: [keys/gate.pub]}
    principals:
      - id: alice
        group: team:support           # default: a team of one
        keys: [keys/alice.pub]
        roles:
          - {role: author, agents: [billing-support]}
      - id: dana
        group: team:platform
        keys: [keys/dana.pub, keys/root-1.pub]  # a root key here says who holds it
        roles:
          - {role: environment-admin, environments: [staging]}
          - {role: environment-admin, environments: [production]}
    agents:
      - {id: billing-support, owners: [team:support]}
    environments:
      - {id: staging}
      - {id: production, from: staging, assurance: measured, mandatory_rules: [promotion.all.submitted]}
    policies:                         # for all environments, unless listed
      - {bundles: [{shipped: default}]}
      - {environments: [production], bundles: [{path: bundles/acme.tar.gz}]}
    revoked:
      - {key: keys/old-laptop.pub, reason: lost on a train}

What a key is for follows from where it stands, so each has one purpose. Beside ``bundles``, or in their place, a
policy may name publishers, whose ES256 or RS256 key signs bundles that nobody needs to list::

    publishers:
      - {name: security, key: keys/publisher.pub.pem, key_id: acme-2026, minimum_sequence: 12, max_age: P90D}

What is revoked so never counted. With a ``mode`` and the last good tree head of the ledger it counts up to there::

      - {key: keys/eve.pub, reason: left, mode: retired, last_good: {tree_size: 41, root_hash: "sha256:…"}}

Agents that run already may be adopted for a time (docs/adopting.md), with people who approve that, 2 unless said::

    environments:
      - {id: production, from: staging, adoption: {until: "2026-12-31T00:00:00Z", role: adopter, agents: [helpdesk]}}

Where a fresh statement of the ledger's head is demanded (docs/currency.md)::

    head:                             # holds for at most max_lifetime_s [3600]; clocks may differ by skew_s [300]
      keys: [keys/head.pub]
      environments: [production]      # all, unless listed

Witnesses that must have cosigned the ledger's head (docs/witness.md)::

    witnesses:                        # 2 of these, at most a day ago; clocks may differ by skew_s [300]
      threshold: 2
      max_age_s: 86400
      members:
        - {name: w1.example/witness, key: keys/w1.pub}
        - {name: w2.example/witness, key: keys/w2.pub}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.closed_schema import violations
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import Problem, error_of
from bspec_opa.foundation.suggest import did_you_mean
from bspec_opa.foundation.times import format_time
from bspec_opa.trust.author_draft import BundleReference, Draft
from bspec_opa.trust.author_schema import TRUST_FILE_SCHEMA, members_beside
from bspec_opa.trust.dsse import TRUST_ROOT_PAYLOAD_TYPE, sign_envelope
from bspec_opa.trust.reasons import BAD_TRUST_FILE, BROKEN_CHAIN
from bspec_opa.trust.root_rules import root_faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.document.document import Document
    from bspec_opa.trust.dsse import Envelope
    from bspec_opa.trust.root import AcceptedBundle, TrustRoot
    from bspec_opa.trust.signers import Signer

__all__ = ["BundleReference", "build_root", "renew", "revoke", "sign_root"]


def build_root(
    document: Document,
    *,
    read_public_key: Callable[[str], bytes],
    resolve_bundle: Callable[[BundleReference], AcceptedBundle],
    issued: int,
    previous: TrustRoot | None = None,
) -> JsonObject:
    """The payload that ``trust.yaml`` describes: version 1, or the one after ``previous``.

    Args:
        document: the loaded file.
        read_public_key: the bytes behind a path of the file.
        resolve_bundle: name, revision and digest of a bundle that the file names.
        issued: Unix seconds.
        previous: the present root, when it is to be followed.

    Raises:
        InvalidInputError: all problems of the file, each with its line.
    """
    faults = violations(TRUST_FILE_SCHEMA, document.value)
    if faults:
        raise error_of(_shape_problem(document, v.pointer, v.message) for v in faults)
    draft = Draft(document, read_public_key, resolve_bundle)
    payload = draft.payload(issued, previous)
    if not draft.problems:
        draft.check(payload, previous)
    if draft.problems:
        raise error_of(draft.problems)
    return payload


def renew(root: TrustRoot, *, issued: int, validity_s: int | None = None) -> JsonObject:
    """The next version with new times and nothing else changed.

    Args:
        root: the present version.
        issued: Unix seconds, not before the present version's.
        validity_s: how long the new version holds; as long as the present one by default.

    Raises:
        TrustError: ``issued`` lies before the present version's.
    """
    if issued < root.issued_unix:
        message = f"a version issued before version {root.version} can't follow it"
        raise BROKEN_CHAIN.error(message, hint="check this machine's clock")
    payload = cast("JsonObject", parse_json(root.payload, "trust root", text=False))
    validity = root.expires_unix - root.issued_unix if validity_s is None else validity_s
    times: JsonObject = {"issued": format_time(issued), "expires": format_time(issued + validity)}
    return payload | {"version": root.version + 1, "previous_digest": root.digest} | times


def revoke(root: TrustRoot, kind: str, identifier: str, reason: str, *, issued: int) -> JsonObject:
    """The next version with a ``key`` (64 digits) or ``record`` (digest) revoked besides; valid as long as before.

    Raises:
        TrustError: ``issued`` lies before the present version's.
        InvalidInputError: the result would be no valid root, such as one whose threshold can't be met any more.
    """
    payload = renew(root, issued=issued, validity_s=max(root.expires_unix - issued, 1))
    item: JsonObject = {"kind": kind, "id": identifier, "reason": reason}
    payload["revoked"] = [*cast("list[JsonValue]", payload["revoked"]), item]
    faults = root_faults(payload)
    if faults:
        raise error_of(BAD_TRUST_FILE.problem(f"can't revoke {identifier[:20]}: {f.message}") for f in faults)
    return payload


def sign_root(payload: JsonObject, signers: Iterable[Signer]) -> Envelope:
    """A version of the root, signed; more holders add theirs with ``dsse.add_signatures``."""
    return sign_envelope(canonical_bytes(payload), TRUST_ROOT_PAYLOAD_TYPE, signers)


def _shape_problem(document: Document, pointer: str, message: str) -> Problem:
    unknown = message.startswith("unknown member")
    hint = did_you_mean(pointer.rpartition("/")[2], members_beside(pointer)) if unknown else ""
    where = pointer.strip("/").replace("/", ".")
    text = message if unknown or not where else f"{where} {message}"
    return BAD_TRUST_FILE.problem(text, hint=hint, at=document.locate(pointer, key=unknown))

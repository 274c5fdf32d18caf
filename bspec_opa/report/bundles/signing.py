"""Signatures of bundles for people and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.times import format_time, shown_age
from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.bundle.compare import Comparison, Difference
    from bspec_opa.bundle.read import Bundle
    from bspec_opa.bundle.signing.token import Signature
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.bundles.signing import SignedBundle
    from bspec_opa.workflow.checkout.deciding import Policy

_MARKS = {"added": "+", "removed": "-", "changed": "~"}


def _said(signature: Signature) -> JsonObject:
    issued = signature.issued_unix
    return {
        "key_id": signature.key_id,
        "algorithm": signature.algorithm,
        "scope": signature.scope,
        "sequence": signature.sequence or 0,
        "issued": "" if issued is None else format_time(issued),
    }


def unverified_json(signature: Signature | None) -> list[JsonValue]:
    """What a bundle's signature says of itself; none of it was verified."""
    return [{**_said(signature), "verified": False}] if signature else []


def unverified_text(signature: Signature | None) -> str:
    """The same in one line, which can't be mistaken for a verified one."""
    if signature is None:
        return "  signature none\n"
    return f"  signature NOT VERIFIED; it claims {_claims(signature)}\n"


def _claims(signature: Signature) -> str:
    sequence = f"sequence {signature.sequence}" if signature.sequence else "no sequence"
    key = f"key {printable(signature.key_id)}" if signature.key_id else "no key's id"
    scope = f", scope {printable(signature.scope)}" if signature.scope else ""
    issued = "" if signature.issued_unix is None else f", signed {format_time(signature.issued_unix)}"
    return f"{sequence}, {key} ({signature.algorithm}){scope}{issued}"


def signed_text(policy: Policy, target: Path, style: Style, *, attached: bool) -> str:
    """What was signed, or what got somebody else's signature."""
    signature = cast("Signature", policy.bundle.signature)
    word = "ATTACHED" if attached else "SIGNED"
    lines = [
        f"{style.mark(word, 'bold', 'green')}  {printable(str(target))}",
        f"  {_claims(signature)}",
        f"  digest    {policy.bundle.digest}",
        f"  revision  {policy.bundle.revision}",
    ]
    if attached:
        lines.append("  note      the signature fits the files; whose it is was not looked at: bspec-opa bundle verify")
    return "\n".join(lines) + "\n"


def signed_json(policy: Policy, target: Path, *, attached: bool) -> JsonObject:
    """``bspec.bundle-signed/v1``."""
    return {
        "schema": "bspec.bundle-signed/v1",
        "exit_code": 0,
        "file": str(target),
        "name": policy.ref.name,
        "revision": policy.ref.revision,
        "digest": policy.ref.digest,
        "rules": len(policy.bundle.index.rules),
        "signature": [{**_said(cast("Signature", policy.bundle.signature)), "verified": not attached}],
    }


def verified_text(signed: SignedBundle, style: Style) -> str:
    """A verified bundle: what it is and whose signature it carries."""
    signature, publisher = signed.verified.signature, signed.verified.publisher
    kind = f"{len(signed.bundle.index.rules)} rules" if signed.bundle else "another OPA's bundle: it can't decide here"
    lines = [
        f"{style.mark('VERIFIED', 'bold', 'green')}  {printable(str(signed.file))}  {kind}",
        f"  revision  {printable(signed.revision) or 'none'}",
        f"  digest    {signed.digest}",
        f"  sequence  {signature.sequence or 'none'}; scope {printable(signature.scope) or 'none'}",
        f"  signed    {_age(signed)}",
        f"  key       {printable(publisher.name)}, {publisher.key.algorithm} {publisher.key.fingerprint}",
        f"  files     {signed.files}, none changed, missing or added",
    ]
    if signed.rebuilt:
        lines.append(f"  rebuilt   byte for byte: {', '.join(signed.rebuilt)}")
    return "\n".join(lines) + "\n"


def _age(signed: SignedBundle) -> str:
    issued = signed.verified.signature.issued_unix
    if issued is None:
        return "at a time that the signature does not say"
    return f"{format_time(issued)}, {shown_age(signed.at - issued)} ago"


def verified_json(signed: SignedBundle) -> JsonObject:
    """``bspec.bundle-verified/v1``."""
    signature, publisher = signed.verified.signature, signed.verified.publisher
    issued = signature.issued_unix
    return {
        "schema": "bspec.bundle-verified/v1",
        "exit_code": 0,
        "file": str(signed.file),
        "kind": "bspec" if signed.bundle else "opa",
        "revision": signed.revision,
        "digest": signed.digest,
        "key": publisher.name,
        "fingerprint": publisher.key.fingerprint,
        **_said(signature),
        "age_s": -1 if issued is None else signed.at - issued,
        "files": signed.files,
        "rebuilt": [*signed.rebuilt],
    }


def diff_text(found: Comparison, style: Style) -> str:
    """What changed from the older to the newer one, one line each."""
    word = "SAME" if found.same else "CHANGED"
    lines = [f"{style.mark(word, 'bold')}  {_side(found.older)} → {_side(found.newer)}"]
    lines += [f"  {_MARKS[d.change]} rule     {d.name}{_what(found, d)}" for d in found.rules]
    lines += [f"  {_MARKS[d.change]} library  {d.name}" for d in found.libraries]
    lines += [f"  {_MARKS[d.change]} data     {printable(d.name)}" for d in found.data]
    if found.older.opa_version != found.newer.opa_version:
        lines.append(f"  ~ compiled by OPA {found.older.opa_version} → {found.newer.opa_version}")
    return "\n".join(lines) + "\n"


def _side(bundle: Bundle) -> str:
    sequence = bundle.signature.sequence if bundle.signature else None
    return f"{printable(bundle.name)} {bundle.revision[:19]}…{f' (sequence {sequence})' if sequence else ''}"


def _what(found: Comparison, difference: Difference) -> str:
    if difference.change != "changed":
        return ""
    parts = [*(["code"] if _code(found, difference) else []), *difference.metadata]
    return f"  {', '.join(parts)}"


def _code(found: Comparison, difference: Difference) -> bool:
    """Whether a rule's file changed beyond what its METADATA's members say."""
    old, new = found.older.index.rule(difference.name), found.newer.index.rule(difference.name)
    return old is not None and new is not None and old.digest != new.digest


def diff_json(found: Comparison) -> JsonObject:
    """``bspec.bundle-diff/v1``."""
    return {
        "schema": "bspec.bundle-diff/v1",
        "exit_code": 0,
        "older": _side_json(found.older),
        "newer": _side_json(found.newer),
        "same": found.same,
        "rules": [
            {"change": d.change, "id": d.name, "code": _code(found, d), "metadata": [*d.metadata]} for d in found.rules
        ],
        "libraries": [{"change": d.change, "name": d.name} for d in found.libraries],
        "data": [{"change": d.change, "name": d.name} for d in found.data],
    }


def _side_json(bundle: Bundle) -> JsonObject:
    return {
        "name": bundle.name,
        "revision": bundle.revision,
        "digest": bundle.digest,
        "opa_version": bundle.opa_version,
        "sequence": (bundle.signature.sequence or 0) if bundle.signature else 0,
    }

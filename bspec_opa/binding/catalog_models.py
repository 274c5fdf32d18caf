"""The model classes of a catalog and their identities."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from bspec_opa.binding.entries import ACTIVE, ModelIdentity
from bspec_opa.binding.findings import objects
from bspec_opa.binding.identity import why_no_identity
from bspec_opa.binding.reasons import BAD_CATALOG, DUPLICATE_ENTRY, KIND_MISMATCH, NO_IDENTITY
from bspec_opa.foundation.digest import Digest
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.times import parse_time

if TYPE_CHECKING:
    from bspec_opa.binding.findings import Findings
    from bspec_opa.foundation.canonical import JsonObject

_COMMIT = re.compile(r"[^@\s]+@[0-9a-f]{40}\Z")
_CONTENT = re.compile(r"[^@\s]+@(sha256:[0-9a-f]{64})\Z")
_SHOWN = 60


def model_identities(findings: Findings, models: list[JsonObject]) -> list[ModelIdentity]:
    """All identities of all classes; shapes are right, what else is wrong is noted."""
    findings.refuse_twins("/models", [str(m["class"]) for m in models], "model class")
    placed = [
        (_identity(findings, str(m["class"]), value, f"/models/{i}/identities/{j}"), f"/models/{i}/identities/{j}")
        for i, m in enumerate(models)
        for j, value in enumerate(objects(m, "identities"))
    ]
    aliases = {(identity.provider, alias) for identity, _ in placed for alias in identity.aliases}
    seen: set[tuple[str, ...]] = set()
    for identity, at in placed:
        if (identity.provider, identity.id) in aliases:
            shown = identity.id[:_SHOWN]
            findings.add(NO_IDENTITY, f"{at}/id", f"{shown!r} is an alias of {identity.provider}", "name the snapshot")
        key = (identity.class_, identity.provider, identity.id, identity.region or "")
        if key in seen:
            findings.add(DUPLICATE_ENTRY, at, f"identity {identity.id[:_SHOWN]!r} is listed twice", "keep one")
        seen.add(key)
    return [identity for identity, _ in placed]


def _identity(findings: Findings, class_: str, value: JsonObject, at: str) -> ModelIdentity:
    known = cast("dict[str, str]", value)
    why = why_no_identity(known["id"])
    if why is not None:
        findings.add(NO_IDENTITY, f"{at}/id", f"id {known['id'][:_SHOWN]!r} {why}", "name a snapshot, commit or digest")
    else:
        _check_kind(findings, known, at)
    return ModelIdentity(
        class_=class_,
        provider=known["provider"],
        id=known["id"],
        kind=known["kind"],
        preview=value["preview"] is True,
        immutability=known["immutability"],
        digest=_content_digest(known),
        region=known.get("region"),
        bom=_digest(known.get("bom")),
        signature=_digest(known.get("signature")),
        status=known.get("status", ACTIVE),
        aliases=tuple(cast("list[str]", value.get("aliases", []))),
        retires_unix=_retirement(findings, known, at),
    )


def _check_kind(findings: Findings, known: dict[str, str], at: str) -> None:
    kind, identity, digest = known["kind"], known["id"], known.get("digest")
    if kind == "hf-commit" and not _COMMIT.match(identity):
        findings.add(KIND_MISMATCH, f"{at}/id", "an hf-commit id ends in @ and 40 hexadecimal digits")
    if kind == "oci-digest":
        match = _CONTENT.match(identity)
        if match is None or digest not in (None, match[1]):
            findings.add(
                KIND_MISMATCH, f"{at}/id", "an oci-digest id ends in @sha256: and its own 64 hexadecimal digits"
            )
    if kind == "oms-root" and digest is None:
        findings.add(KIND_MISMATCH, at, "an oms-root needs the digest of the signed root")
    if kind == "vendor-snapshot" and known["immutability"] == "content":
        findings.add(
            KIND_MISMATCH,
            f"{at}/immutability",
            "a vendor-snapshot can't be checked by content",
            "write provider-asserted",
        )


def _content_digest(known: dict[str, str]) -> Digest | None:
    match = _CONTENT.match(known["id"]) if known["kind"] == "oci-digest" else None
    return _digest(known.get("digest", match[1] if match else None))


def _digest(text: str | None) -> Digest | None:
    return None if text is None else Digest(text)


def _retirement(findings: Findings, known: dict[str, str], at: str) -> int | None:
    if "retires_at" not in known:
        return None
    try:
        return parse_time(known["retires_at"])
    except BspecError as e:
        findings.add(BAD_CATALOG, f"{at}/retires_at", e.problems[0].message, e.problems[0].hint)
        return None

"""Reads a bundle, believing nothing that can be computed again: digests, revision, manifest, index.

Runs before every decision, so it parses no Rego and validates no schema: a few milliseconds.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from bspec_opa.bundle.archive import decompress, read_tar
from bspec_opa.bundle.contract.decision import DECISION_CONTRACT
from bspec_opa.bundle.index import Index, index_from_json
from bspec_opa.bundle.layout import (
    BUILD_DATA,
    GENERATED,
    INDEX,
    MANIFEST,
    ORGANISATION_DATA,
    RULES,
    SCHEMAS,
    SIGNATURES,
    WASM,
    data_digest_of,
    manifest,
    revision_of,
    rules_digest_of,
)
from bspec_opa.bundle.reasons import CONTENTS, MISMATCH, NO_RULES, NOT_ACCEPTED
from bspec_opa.bundle.signing.foreign import refuse_delta, require_whole
from bspec_opa.bundle.signing.token import read_signature
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import BspecError, Location, TrustError, error_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from bspec_opa.bundle.signing.token import Signature
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.digest import Digest

_REGO = re.compile(r"bspec/(?:[a-z0-9][a-z0-9_-]*/)*[a-z][a-z0-9_]*\.rego\Z")
_REQUIRED = frozenset({MANIFEST, INDEX, WASM, ORGANISATION_DATA, BUILD_DATA, *SCHEMAS, *GENERATED})
_HEAD = frozenset({"contract", "opa_version", "rules_digest", "data_digest", "rules"})


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose parts agree with each other. Whether anybody accepts it is the trust root's to say.

    Attributes:
        name: what the caller calls it, for messages.
        revision: what engines report and decisions echo.
        digest: sha256 of the uncompressed archive; compression may differ.
        data: the whole ``data`` document for an engine: ``{"bspec": {"org", "build"}}``.
        wasm: the compiled policy.
        files: every file, by name.
        opa_version: the OPA that compiled it.
        signature: what its signature says, which nobody has verified; None where it has none.
    """

    name: str
    revision: Digest
    digest: Digest
    rules_digest: Digest
    data_digest: Digest
    data: JsonObject
    index: Index
    wasm: bytes
    files: Mapping[str, bytes]
    opa_version: str
    signature: Signature | None = None

    @property
    def organisation(self) -> JsonObject:
        """The organisation's data, ``data.bspec.org``."""
        return cast("dict[str, JsonObject]", self.data["bspec"])["org"]


def read_bundle(data: bytes, name: str) -> Bundle:
    """A bundle from the bytes of its file.

    Raises:
        TrustError: the archive has another form, a file is missing or unexpected, or the bundle says something
            about itself that isn't so; its signature has another form than OPA's; it is a delta bundle.
        InvalidInputError: it has no rules (attack A41).
    """
    try:
        return _read(data, name)
    except BspecError as e:
        raise error_of(p.reason.problem(p.message, hint=p.hint, at=Location(name)) for p in e.problems) from e


def _read(data: bytes, name: str) -> Bundle:
    tar = decompress(data)
    files = _members(tar)
    _check_names(files)
    head, index = _index(files[INDEX])
    _check_rules(files, index)
    organisation, build = _object(files, ORGANISATION_DATA), _object(files, BUILD_DATA)
    rules_digest = rules_digest_of(files)
    data_digest = data_digest_of(organisation)
    revision = revision_of(rules_digest, data_digest, str(head["opa_version"]))
    _same("rules digest", head["rules_digest"], rules_digest)
    _same("data digest", head["data_digest"], data_digest)
    _same("build data", build, {"revision": revision, "data_digest": data_digest})
    _same("manifest", _object(files, MANIFEST), manifest(revision))
    return Bundle(
        name=name,
        revision=revision,
        digest=digest_of(tar),
        rules_digest=rules_digest,
        data_digest=data_digest,
        data={"bspec": {"org": organisation, "build": build}},
        index=index,
        wasm=files[WASM],
        files=files,
        opa_version=str(head["opa_version"]),
        signature=read_signature(files[SIGNATURES]) if SIGNATURES in files else None,
    )


def _members(tar: bytes) -> dict[str, bytes]:
    """The files; a delta bundle is told from an archive that is merely odd."""
    try:
        return read_tar(tar)
    except TrustError:
        refuse_delta(tar)
        raise


def _check_names(files: Mapping[str, bytes]) -> None:
    require_whole(files)
    if not any(n.startswith(RULES) for n in files):
        raise NO_RULES.error("the bundle has no rules", hint="a bundle without rules would allow everything")
    for name in sorted(_REQUIRED - set(files)):
        raise CONTENTS.error(f"the bundle lacks {name}")
    for name in files:
        if name not in {*_REQUIRED, SIGNATURES} and (not _REGO.match(name) or name.endswith("_test.rego")):
            raise CONTENTS.error(f"{name} does not belong into a bundle")


def _index(data: bytes) -> tuple[JsonObject, Index]:
    head = _canonical(data, INDEX)
    if head.keys() != _HEAD or head["contract"] != DECISION_CONTRACT:
        raise CONTENTS.error(f"{INDEX} is of another version", hint="use the bspec-opa that the bundle was made for")
    try:
        return head, index_from_json(head["rules"])
    except ValueError as e:
        raise CONTENTS.error(f"{INDEX}: {e}") from e


def _check_rules(files: Mapping[str, bytes], index: Index) -> None:
    """Index and rule files name each other, and nothing else."""
    listed = {r.path: r.digest for r in index.rules}
    there = {n: digest_of(d) for n, d in files.items() if n.startswith(RULES)}
    for name in sorted(listed.keys() ^ there.keys()):
        raise MISMATCH.error(f"{name} is in the index or among the files, but not in both")
    for name, digest in listed.items():
        _same(f"digest of {name}", digest, there[name])


def _object(files: Mapping[str, bytes], name: str) -> JsonObject:
    return _canonical(files[name], name)


def _canonical(data: bytes, name: str) -> JsonObject:
    """A JSON object in the canonical form that we write; so duplicate keys and floats can't be in it."""
    try:
        value: JsonValue = json.loads(data)
        if isinstance(value, dict) and canonical_bytes(value) == data:
            return value
    except (ValueError, RecursionError, BspecError):
        pass
    raise CONTENTS.error(f"{name} is not canonical JSON")


def _same(what: str, said: JsonValue, found: JsonValue) -> None:
    if said != found:
        raise MISMATCH.error(f"the {what} is not what the files give")


def require_accepted(bundle: Bundle, accepted: Collection[Digest]) -> None:
    """Check that a bundle is one of those that somebody pinned (attacks A28, A31).

    Raises:
        TrustError: it isn't, whatever it says about itself.
    """
    if bundle.digest not in accepted:
        message = f"{bundle.digest} (revision {bundle.revision}) is not accepted"
        raise NOT_ACCEPTED.error(message, hint="use an accepted bundle", at=Location(bundle.name))

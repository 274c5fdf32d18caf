"""In-toto Statement v1 (https://github.com/in-toto/attestation), and the list of record types.

A predicate type counts only if it is exactly one of the list: no prefix, no other version, no near spelling.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.closed_schema import HEX64, array, obj, string, violations
from bspec_opa.foundation.digest import PREFIX, Digest, hex_of
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.trust.reasons import BAD_STATEMENT, WRONG_SUBJECTS, WRONG_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bspec_opa.foundation.canonical import JsonObject, JsonValue

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"

RECORD_TYPES: Mapping[str, str] = MappingProxyType(
    {
        name: f"urn:bspec-opa:{name}:v1"
        for name in (
            *("submit", "evidence", "approval", "waiver", "request", "review"),
            *("promotion", "rollback", "denial"),
            *("revocation", "retirement"),
        )
    }
)
"""Record name to predicate type."""

RECORD_OF_TYPE: Mapping[str, str] = MappingProxyType({uri: name for name, uri in RECORD_TYPES.items()})
"""Predicate type to record name."""

MAX_SUBJECTS = 1000
_SUBJECTS = array(
    obj(name=string(pattern="^[A-Za-z0-9][A-Za-z0-9._:/-]*$", maximum=400), digest=obj(sha256=HEX64)),
    minimum=1,
    maximum=MAX_SUBJECTS,
)
_MEMBERS = frozenset(("_type", "subject", "predicateType", "predicate"))
_HINT = "sign the record again with this tool"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a statement is about: a name and the digest of its bytes. Both are matched."""

    name: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Statement:
    """An in-toto statement.

    Attributes:
        subjects: in the order as signed; names are distinct.
        predicate_type: a URI, see :data:`RECORD_TYPES`.
        predicate: what is said about the subjects.
    """

    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: JsonObject

    def payload(self) -> bytes:
        """The bytes to sign: the RFC 8785 form."""
        subjects: list[JsonValue] = [{"name": s.name, "digest": {"sha256": hex_of(s.digest)}} for s in self.subjects]
        return canonical_bytes(
            {
                "_type": STATEMENT_TYPE,
                "subject": subjects,
                "predicateType": self.predicate_type,
                "predicate": self.predicate,
            }
        )

    def digest_of(self, name: str) -> Digest | None:
        """The digest of the subject with this name, if there is one."""
        return next((s.digest for s in self.subjects if s.name == name), None)


def record_statement(record: str, subjects: Iterable[Subject], predicate: JsonObject) -> Statement:
    """A statement of one of our record types."""
    return Statement(tuple(subjects), RECORD_TYPES[record], predicate)


def record_of(statement: Statement, name: str = "statement") -> str:
    """The record's name, such as ``approval``.

    Raises:
        TrustError: the predicate type is none of ours (attacks A03, A05).
    """
    record = RECORD_OF_TYPE.get(statement.predicate_type)
    if record is None:
        message = f"unknown predicate type {statement.predicate_type[:80]!r}"
        raise WRONG_TYPE.error(message, hint="use a record of this version", at=Location(name))
    return record


def parse_statement(payload: bytes, name: str = "payload") -> Statement:
    """A statement from the exact signed bytes.

    Raises:
        TrustError: not the RFC 8785 form of a Statement v1, unknown or missing members (attack A34), no subject,
            or two with the same name.
    """
    at = Location(name)
    try:
        value = parse_json(payload, name, text=False)
    except BspecError as e:
        raise BAD_STATEMENT.error(f"payload is no statement: {e.problems[0].message}", hint=_HINT, at=at) from e
    if not isinstance(value, dict) or value.keys() != _MEMBERS:
        raise BAD_STATEMENT.error("payload hasn't exactly the members of a statement", hint=_HINT, at=at)
    if value["_type"] != STATEMENT_TYPE:
        raise BAD_STATEMENT.error("payload is no Statement v1", hint=_HINT, at=at)
    predicate_type, predicate = value["predicateType"], value["predicate"]
    if not isinstance(predicate_type, str) or not isinstance(predicate, dict):
        raise BAD_STATEMENT.error("predicateType or predicate is of another kind", hint=_HINT, at=at)
    statement = Statement(_subjects(value["subject"], at), predicate_type, predicate)
    if statement.payload() != payload:
        raise BAD_STATEMENT.error("payload is not in its RFC 8785 form", hint=_HINT, at=at)
    return statement


def _subjects(value: JsonValue, at: Location) -> tuple[Subject, ...]:
    faults = violations(_SUBJECTS, value, limit=1)
    if faults:
        raise BAD_STATEMENT.error(f"subject{faults[0].pointer} {faults[0].message}", hint=_HINT, at=at)
    items: list[dict[str, dict[str, str]]] = value  # type: ignore[assignment]  # by the schema
    subjects = tuple(Subject(str(i["name"]), Digest(PREFIX + i["digest"]["sha256"])) for i in items)
    if len({s.name for s in subjects}) < len(subjects):
        raise BAD_STATEMENT.error("two subjects have one name", hint=_HINT, at=at)
    return subjects


def require_subjects(statement: Statement, expected: Iterable[Subject], name: str) -> None:
    """Demand exactly these subjects, by name and digest.

    Raises:
        TrustError: one is missing, extra or has another digest (attack A06).
    """
    wanted, found = set(expected), set(statement.subjects)
    if wanted != found:
        names = ", ".join(sorted({s.name for s in wanted ^ found}))
        hint = "sign a record for the present intent and binding"
        raise WRONG_SUBJECTS.error(f"is about something else: {names}", hint=hint, at=Location(name))

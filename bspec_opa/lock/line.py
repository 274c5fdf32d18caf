"""One lock line: the signed statement that an agent entered an environment, and what it binds. Pure.

Parsing says that a line has the one form and is in agreement with itself. Whether the gate signed it, and whether the
gate was right, is for ``trust`` and for a replay to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.foundation.digest import Digest, digest_json, digest_of
from bspec_opa.foundation.errors import Location
from bspec_opa.lock.reasons import BAD_LINE, WRONG_ARTIFACTS
from bspec_opa.trust.authority import ARTIFACT_PREFIX, BINDING_SUBJECT, INTENT_SUBJECT
from bspec_opa.trust.dsse import IN_TOTO_PAYLOAD_TYPE, parse_envelope, require_payload_type
from bspec_opa.trust.predicates import WITH_BINDING, check_predicate
from bspec_opa.trust.statement import Statement, Subject, parse_statement, record_of, record_statement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.binding.model import Binding
    from bspec_opa.foundation.canonical import JsonObject

PROMOTION = "promotion"
ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class LockLine:
    """A line that has the right form; nothing is said about its signature.

    Attributes:
        data: the line without LF.
        digest: SHA-256 of ``data``: what ``previous``, ``base``, ``source`` and ``target_line`` name.
        record_id: SHA-256 of the signed payload.
        statement: what the envelope holds.
    """

    data: bytes
    digest: Digest
    record_id: Digest
    statement: Statement

    @property
    def record(self) -> bytes:
        """The line with its LF: the record as the ledger has it."""
        return self.data + b"\n"

    @property
    def predicate(self) -> JsonObject:
        """Everything that the line says."""
        return self.statement.predicate

    @property
    def kind(self) -> str:
        """``promotion`` or ``rollback``."""
        return self._text("kind")

    @property
    def agent(self) -> str:
        """Who was promoted."""
        return self._text("agent")

    @property
    def environment(self) -> str:
        """Where to."""
        return self._text("environment")

    @property
    def seq(self) -> int:
        """How many lines are before it in its file."""
        return cast("int", self.predicate["seq"])

    @property
    def previous(self) -> Digest:
        """The line before it in the file; zeros for the first."""
        return Digest(self._text("previous"))

    @property
    def base(self) -> str:
        """The line that was current in this environment, or ``genesis``."""
        return self._text("base")

    @property
    def source(self) -> str:
        """The line that was current in the source environment, or ``none``."""
        return self._text("source")

    @property
    def target_line(self) -> str:
        """The line that a rollback redeploys; empty for a promotion."""
        return str(self.predicate.get("target_line", ""))

    @property
    def emergency(self) -> bool:
        """Whether it is a rollback by the quorum for emergencies."""
        return self.predicate.get("emergency") is True

    @property
    def intent_digest(self) -> Digest:
        """The approved intent."""
        return self._subject(INTENT_SUBJECT)

    @property
    def binding_digest(self) -> Digest:
        """What it is bound to."""
        return self._subject(BINDING_SUBJECT)

    @property
    def surface_digest(self) -> Digest:
        """The intent's surface."""
        return Digest(self._text("surface_digest"))

    @property
    def binding(self) -> JsonObject:
        """The whole binding."""
        return cast("JsonObject", self.predicate["binding"])

    @property
    def now(self) -> str:
        """The moment of the decision."""
        return self._text("now")

    @property
    def artifacts(self) -> frozenset[Subject]:
        """The bound artifacts that have a digest of their own."""
        return frozenset(s for s in self.statement.subjects if s.name.startswith(ARTIFACT_PREFIX))

    def ids(self, member: str) -> tuple[Digest, ...]:
        """Record ids of ``submits``, ``evidence``, ``waivers`` or ``approvals``."""
        items = cast("list[Any]", self.predicate[member])
        return tuple(Digest(i["id"] if isinstance(i, dict) else i) for i in items)

    def _text(self, member: str) -> str:
        return cast("str", self.predicate[member])

    def _subject(self, name: str) -> Digest:
        return cast("Digest", self.statement.digest_of(name))


def line_subjects(intent_digest: Digest, binding: JsonObject, artifacts: Iterable[Subject]) -> tuple[Subject, ...]:
    """The subjects of a line: intent, binding, and the artifacts sorted by name."""
    own = (Subject(INTENT_SUBJECT, intent_digest), Subject(BINDING_SUBJECT, digest_json(binding)))
    return (*own, *sorted(artifacts, key=lambda s: s.name))


def artifact_subjects(binding: Binding) -> tuple[Subject, ...]:
    """A binding's artifacts, as a line names them: ``artifact:<kind>:<id>``."""
    return tuple(Subject(f"{ARTIFACT_PREFIX}{a.kind}:{a.id}", a.digest) for a in binding.artifacts())


def build_line_statement(
    predicate: JsonObject, *, intent_digest: Digest, artifacts: Iterable[Subject], name: str = "line"
) -> Statement:
    """The statement to sign for a promotion or rollback.

    Args:
        predicate: all members of the record type, ``kind`` and the whole ``binding`` among them.
        intent_digest: the approved intent.
        artifacts: see :func:`artifact_subjects`.
        name: what errors call it.

    Raises:
        TrustError: the predicate is not exactly of its type.
    """
    kind = str(predicate.get("kind", ""))
    check_predicate(kind, predicate, name)
    binding = cast("JsonObject", predicate["binding"])
    return record_statement(kind, line_subjects(intent_digest, binding, artifacts), predicate)


def parse_line(record: bytes, name: str) -> LockLine:
    """A line from exactly its bytes, LF included.

    Raises:
        TrustError: no envelope of one signature, another record type, a predicate that isn't exactly of that type,
            or subjects that are not intent, binding and artifacts.
    """
    at = Location(name)
    envelope = parse_envelope(record, name)
    require_payload_type(envelope, IN_TOTO_PAYLOAD_TYPE, name)
    if len(envelope.signatures) != 1:
        raise BAD_LINE.error(f"has {len(envelope.signatures)} signatures, not one", at=at)
    statement = parse_statement(envelope.payload, name)
    kind = record_of(statement, name)
    if kind not in WITH_BINDING:
        raise BAD_LINE.error(f"is of the type {kind}, no promotion or rollback", at=at)
    check_predicate(kind, statement.predicate, name)
    line = LockLine(record[:-1], digest_of(record[:-1]), envelope.digest, statement)
    _require_subjects(line, at)
    return line


def _require_subjects(line: LockLine, at: Location) -> None:
    names = {s.name for s in line.statement.subjects}
    own = {n for n in names if not n.startswith(ARTIFACT_PREFIX)}
    if own != {INTENT_SUBJECT, BINDING_SUBJECT}:
        raise BAD_LINE.error("must be about an intent, a binding and its artifacts", at=at)
    if digest_json(line.binding) != line.binding_digest:
        raise BAD_LINE.error("carries another binding than the one it is about", at=at)


def require_artifacts(line: LockLine, binding: Binding, name: str) -> None:
    """Demand that a line names exactly the artifacts of its binding.

    Args:
        line: the line.
        binding: its binding, read from ``line.binding``.
        name: what errors call it.

    Raises:
        TrustError: one is missing, added or different.
    """
    different = line.artifacts ^ frozenset(artifact_subjects(binding))
    if different:
        names = ", ".join(sorted({s.name.removeprefix(ARTIFACT_PREFIX) for s in different}))
        raise WRONG_ARTIFACTS.error(f"names other artifacts than its binding has: {names}", at=Location(name))

"""What runs somewhere, as whoever deploys reports it, held against the line that is current there (attack A44)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from bspec_opa.foundation.closed_schema import DIGEST, IDENTIFIER, TEXT, array, enum, obj, optional
from bspec_opa.foundation.document.load import load_document
from bspec_opa.foundation.errors import error_of
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.foundation.shape import shape_problems
from bspec_opa.workflow.reasons import BAD_DEPLOYED, DEPLOYED_DIFFERS, DEPLOYED_SUPERSEDED
from bspec_opa.workflow.verify import withdrawal_problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.document.document import Document
    from bspec_opa.foundation.errors import Problem
    from bspec_opa.lock.line import LockLine
    from bspec_opa.workflow.verify import Verification, VerifiedLine

NAME = "bspec.deployed/v1"
DEPLOYED_SCHEMA = obj(
    schema=enum(NAME),
    agent=IDENTIFIER,
    environment=IDENTIFIER,
    line=DIGEST,
    models=array(
        obj(class_=IDENTIFIER, provider=IDENTIFIER, identity=TEXT, region=optional(TEXT), digest=optional(DIGEST))
    ),
    tools=array(
        obj(
            id=IDENTIFIER,
            release=TEXT,
            artifact=optional(obj(purl=TEXT, digest=optional(DIGEST))),
            contract_digest=DIGEST,
        )
    ),
    components=array(obj(id=IDENTIFIER, digest=DIGEST)),
)
"""What runs somewhere. Nothing may be left out: what a deployment can't say, nobody has compared."""


class _Kind(NamedTuple):
    """One list of the document: what its items are called, and by what."""

    noun: str
    member: str
    key: str
    fields: tuple[str, ...]


_KINDS = (
    _Kind("model", "models", "class", ("provider", "identity", "region", "digest")),
    _Kind("tool", "tools", "id", ("release", "artifact", "contract_digest")),
    _Kind("component", "components", "id", ("digest",)),
)


def expected_of(line: LockLine) -> JsonObject:
    """The document that a deployment of exactly this line writes."""
    return {
        "schema": NAME,
        "agent": line.agent,
        "environment": line.environment,
        "line": line.digest,
        **_bound(line.binding),
    }


def _bound(binding: JsonObject) -> JsonObject:
    """What a binding binds, as a deployment says it."""
    given = cast("dict[str, Any]", binding)
    return {
        "models": [{n: m[n] for n in ("class", "provider", "identity", "region", "digest")} for m in given["models"]],
        "tools": [
            {
                "id": t["id"],
                "release": t["release"],
                "artifact": t["artifact"],
                "contract_digest": t["contract"]["digest"],
            }
            for t in given["tools"]
        ],
        "components": [{"id": c["id"], "digest": c["digest"]} for c in given["components"]],
    }


def read_deployed(path: Path) -> Document:
    """A deployed file.

    Raises:
        InvalidInputError: every problem of its form.
    """
    document = load_document(read_bounded(path, MAX_DOCUMENT_BYTES), str(path))
    problems = shape_problems(DEPLOYED_SCHEMA, document, BAD_DEPLOYED)
    if problems:
        raise error_of(problems)
    return document


def compare_deployed(verification: Verification, document: Document, environment: str = "") -> None:
    """Demand that what is deployed is exactly what the environment's current line binds (attack A44).

    Args:
        verification: the lock.
        document: what somebody says runs.
        environment: where it runs: what was approved for staging is not approved elsewhere. Any if empty.

    Raises:
        TrustError: every difference, each with its place and what to do about it.
    """
    found = list(_Comparison(verification, document, environment).problems())
    if found:
        raise error_of(found)


class _Comparison:
    """A verified lock and what somebody says runs."""

    def __init__(self, verification: Verification, document: Document, environment: str) -> None:
        self._verification = verification
        self._document = document
        self._environment = environment
        self._deployed = cast("dict[str, Any]", document.value)

    def problems(self) -> Iterator[Problem]:
        """Every difference; of another agent or environment there is nothing more to compare."""
        agent, environment = self._deployed["agent"], self._deployed["environment"]
        lines = self._verification.lines
        if agent != self._verification.agent:
            message = f"agent is {agent}, the lock is of {self._verification.agent}"
            yield self._differs("/agent", message, "verify the lock of the agent that runs")
            return
        if self._environment not in {"", environment}:
            message = f"environment is {environment}, and it is deployed to {self._environment}"
            yield self._differs("/environment", message, f"deploy what was promoted to {self._environment}")
            return
        current = next((v for v in lines if v.current and v.environment == environment), None)
        if current is None:
            known = ", ".join(sorted({v.environment for v in lines if v.current}))
            message = f"the lock has no current line for {environment}"
            yield self._differs("/environment", message, f"promote to it, or name one of: {known or 'none'}")
            return
        withdrawn = withdrawal_problem(current, self._document.locate("/line"))
        if withdrawn is not None:
            yield withdrawn
            return
        yield from self._line(current)
        bound = cast("dict[str, Any]", _bound(current.binding))
        for kind in _KINDS:
            yield from self._repeated(kind)
            yield from self._compared(kind, bound[kind.member])

    def _differs(self, pointer: str, message: str, hint: str) -> Problem:
        return DEPLOYED_DIFFERS.problem(message, hint=hint, at=self._document.locate(pointer))

    def _line(self, current: VerifiedLine) -> Iterator[Problem]:
        """Whether it was deployed from the line that is current: what was, is no longer approved."""
        line = self._deployed["line"]
        if line == current.digest:
            return
        named = next((v for v in self._verification.lines if v.digest == line), None)
        hint = f"deploy line {current.number}, {current.digest}"
        if named is None:
            yield self._differs("/line", f"the lock has no line {line}", hint)
        elif named.environment != current.environment:
            message = f"line {named.number} promotes to {named.environment}, not to {current.environment}"
            yield self._differs("/line", message, hint)
        else:
            message = (
                f"line {named.number} of {named.at} was superseded by line {current.number} of {current.at} "
                f"in {current.environment}"
            )
            yield DEPLOYED_SUPERSEDED.problem(message, hint=hint, at=self._document.locate("/line"))

    def _repeated(self, kind: _Kind) -> Iterator[Problem]:
        """What is there twice: only one of both is bound, and it can't be known which one answers."""
        items = self._deployed[kind.member]
        for name, number in sorted(Counter(item[kind.key] for item in items).items()):
            if number > 1:
                last = max(i for i, item in enumerate(items) if item[kind.key] == name)
                message = f"{kind.noun} {name} is deployed {number} times"
                yield self._differs(f"/{kind.member}/{last}", message, "deploy it once")

    def _compared(self, kind: _Kind, bound: Sequence[dict[str, Any]]) -> Iterator[Problem]:
        wanted = {b[kind.key]: b for b in bound}
        places = {item[kind.key]: i for i, item in enumerate(self._deployed[kind.member])}
        for name in sorted(wanted.keys() | places.keys()):
            what = f"{kind.noun} {name}"
            if name not in places:
                hint = f"deploy {_shown([wanted[name][f] for f in kind.fields])}"
                yield self._differs(f"/{kind.member}", f"{what} is bound and not deployed", hint)
            elif name not in wanted:
                pointer = f"/{kind.member}/{places[name]}"
                yield self._differs(pointer, f"{what} is deployed and not bound", "remove it, or have it promoted")
            else:
                yield from self._fields(kind, what, places[name], wanted[name])

    def _fields(self, kind: _Kind, what: str, index: int, bound: dict[str, Any]) -> Iterator[Problem]:
        running = self._deployed[kind.member][index]
        for name in kind.fields:
            if running[name] != bound[name]:
                message = f"{what} is {_shown(running[name])}, bound is {_shown(bound[name])} ({name})"
                yield self._differs(f"/{kind.member}/{index}/{name}", message, f"deploy {_shown(bound[name])}")


def _shown(value: object) -> str:
    """A value as people write it; a part that is not there is ``none``."""
    if isinstance(value, dict):
        return _shown([*value.values()])
    if isinstance(value, list):
        return " ".join(_shown(v) for v in value if v != []) or "none"
    return str(value)

"""What runs somewhere, as somebody reports it, held against what is bound (attack A44)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from bspec_opa.foundation.closed_schema import DIGEST, IDENTIFIER, TEXT, array, enum, obj, optional
from bspec_opa.foundation.digest import ZERO_DIGEST
from bspec_opa.foundation.document.load import load_document
from bspec_opa.foundation.errors import error_of
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.foundation.shape import shape_problems
from bspec_opa.workflow.reasons import BAD_DEPLOYED, DEPLOYED_DIFFERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.document.document import Document
    from bspec_opa.foundation.errors import Problem
    from bspec_opa.workflow.facts.situation import Situation

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


def bound_of(binding: JsonObject) -> JsonObject:
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
    return parse_deployed(read_bounded(path, MAX_DOCUMENT_BYTES), str(path))


def parse_deployed(data: bytes, name: str) -> Document:
    """A deployed document's bytes.

    Raises:
        InvalidInputError: every problem of its form.
    """
    document = load_document(data, name)
    problems = shape_problems(DEPLOYED_SCHEMA, document, BAD_DEPLOYED)
    if problems:
        raise error_of(problems)
    return document


def require_as_bound(document: Document, situation: Situation) -> None:
    """Demand that what runs of an agent that is adopted is exactly what would be bound.

    Raises:
        TrustError: every difference, each with its place and what to do about it.
    """
    found, binding = cast("dict[str, Any]", document.value), situation.binding
    wanted = {
        "agent": situation.given.loaded.intent.metadata.id,
        "environment": situation.given.environment.id,
        "line": ZERO_DIGEST,
    }
    problems = [
        DEPLOYED_DIFFERS.problem(f"{n} is {found[n]}, not {w}", hint=f"write {w}", at=document.locate(f"/{n}"))
        for n, w in wanted.items()
        if found[n] != w
    ]
    if binding is not None:
        problems += BoundComparison(document, _ADOPTING).differences(binding.to_json())
    if problems:
        raise error_of(problems)


class _Remedies(NamedTuple):
    """What to do about a difference; ``{}`` is what is bound."""

    repeated: str
    missing: str
    extra: str
    other: str


_DEPLOYING = _Remedies("deploy it once", "deploy {}", "remove it, or have it promoted", "deploy {}")
# What runs stays as it is; it is the intent that has to say so.
_ADOPTING = _Remedies(
    "write it down once",
    "write it down if it runs; if not, take it out of the intent and resolve again",
    "declare it in the intent and resolve again; if it doesn't run, take it out here",
    "have bound what runs: correct intent, catalog or component, and resolve again",
)


class BoundComparison:
    """What somebody says runs, and what is bound."""

    def __init__(self, document: Document, remedies: _Remedies = _DEPLOYING) -> None:
        """Take a document whose form was checked, and what is to be done about a difference."""
        self._document, self._remedies = document, remedies
        self._deployed = cast("dict[str, Any]", document.value)

    def differences(self, binding: JsonObject) -> Iterator[Problem]:
        """Every model, tool or component that is missing, extra, twice or another one."""
        bound = cast("dict[str, Any]", bound_of(binding))
        for kind in _KINDS:
            yield from self._repeated(kind)
            yield from self._compared(kind, bound[kind.member])

    def _differs(self, pointer: str, message: str, hint: str) -> Problem:
        return DEPLOYED_DIFFERS.problem(message, hint=hint, at=self._document.locate(pointer))

    def _repeated(self, kind: _Kind) -> Iterator[Problem]:
        """What is there twice: only one of both is bound, and it can't be known which one answers."""
        items = self._deployed[kind.member]
        for name, number in sorted(Counter(item[kind.key] for item in items).items()):
            if number > 1:
                last = max(i for i, item in enumerate(items) if item[kind.key] == name)
                message = f"{kind.noun} {name} is deployed {number} times"
                yield self._differs(f"/{kind.member}/{last}", message, self._remedies.repeated)

    def _compared(self, kind: _Kind, bound: Sequence[dict[str, Any]]) -> Iterator[Problem]:
        wanted = {b[kind.key]: b for b in bound}
        places = {item[kind.key]: i for i, item in enumerate(self._deployed[kind.member])}
        for name in sorted(wanted.keys() | places.keys()):
            what = f"{kind.noun} {name}"
            if name not in places:
                hint = self._remedies.missing.format(_shown([wanted[name][f] for f in kind.fields]))
                yield self._differs(f"/{kind.member}", f"{what} is bound and not deployed", hint)
            elif name not in wanted:
                pointer = f"/{kind.member}/{places[name]}"
                yield self._differs(pointer, f"{what} is deployed and not bound", self._remedies.extra)
            else:
                yield from self._fields(kind, what, places[name], wanted[name])

    def _fields(self, kind: _Kind, what: str, index: int, bound: dict[str, Any]) -> Iterator[Problem]:
        running = self._deployed[kind.member][index]
        for name in kind.fields:
            if running[name] != bound[name]:
                message = f"{what} is {_shown(running[name])}, bound is {_shown(bound[name])} ({name})"
                hint = self._remedies.other.format(_shown(bound[name]))
                yield self._differs(f"/{kind.member}/{index}/{name}", message, hint)


def _shown(value: object) -> str:
    """A value as people write it; a part that is not there is ``none``."""
    if isinstance(value, dict):
        return _shown([*value.values()])
    if isinstance(value, list):
        return " ".join(_shown(v) for v in value if v != []) or "none"
    return str(value)

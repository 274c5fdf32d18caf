"""Bindings from JSON: shape first, then whether the parts agree with each other."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

from bspec_opa.binding.catalog_schema import IDENTITY, IMMUTABILITIES, MODEL_KINDS, OPERATION, REGION, VERSION
from bspec_opa.binding.identity import why_no_identity, why_no_release
from bspec_opa.binding.importers.interface import PRIVILEGES, Contract, Hints
from bspec_opa.binding.importers.registry import importer_of
from bspec_opa.binding.model import (
    BINDING_SCHEMA_NAME,
    Artifact,
    Binding,
    BoundComponent,
    BoundModel,
    BoundTool,
    Operation,
    UsedEntry,
)
from bspec_opa.binding.reasons import BAD_BINDING, CONTRACT_DIGEST
from bspec_opa.foundation.closed_schema import DIGEST, IDENTIFIER, array, boolean, enum, obj, optional, string
from bspec_opa.foundation.digest import Digest
from bspec_opa.foundation.document.load import load_json
from bspec_opa.foundation.errors import BspecError, error_of
from bspec_opa.foundation.limits import MAX_IMPORT_BYTES
from bspec_opa.foundation.shape import readable, value_problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.document.document import Document
    from bspec_opa.foundation.errors import Problem, Reason

_HINT = "make it again with bspec-opa resolve"
_HINTS = obj(readOnlyHint=boolean(), destructiveHint=boolean(), idempotentHint=boolean(), openWorldHint=boolean())
_TOOL = obj(
    id=IDENTIFIER,
    publisher=IDENTIFIER,
    trusted=boolean(),
    release=VERSION,
    range=string(minimum=1, maximum=200),
    artifact=optional(obj(purl=IDENTITY, digest=optional(DIGEST))),
    contract=obj(kind=string(minimum=1, maximum=200), digest=DIGEST),
    operations=array(obj(name=OPERATION, privilege_floor=enum(*PRIVILEGES), hints=_HINTS), minimum=1),
)
_MODEL = obj(
    class_=IDENTIFIER,
    provider=IDENTIFIER,
    identity=IDENTITY,
    kind=enum(*MODEL_KINDS),
    preview=boolean(),
    immutability=enum(*IMMUTABILITIES),
    digest=optional(DIGEST),
    region=optional(REGION),
    bom=optional(DIGEST),
    signature=optional(DIGEST),
)
BINDING_SCHEMA = obj(
    schema=enum(BINDING_SCHEMA_NAME),
    models=array(_MODEL, maximum=1000),
    tools=array(_TOOL, maximum=1000),
    components=array(obj(id=IDENTIFIER, digest=DIGEST), maximum=1000),
    entries=array(obj(kind=enum("tool", "model"), id=IDENTIFIER, digest=DIGEST), maximum=2000),
)
"""A binding without ``tools[].contract.document``, whose schemas are the publisher's and open."""


def load_binding(data: bytes, name: str) -> Binding:
    """A binding file.

    Raises:
        InvalidInputError: all problems, each with its place.
    """
    document = load_json(data, name, text=False, limit=MAX_IMPORT_BYTES)
    return _read(document.value, document)


def binding_from_json(value: JsonValue) -> Binding:
    """A binding inside a record or a lock line; its places are JSON Pointers.

    Raises:
        InvalidInputError: all problems.
    """
    return _read(value, None)


def _read(value: JsonValue, document: Document | None) -> Binding:
    problems = value_problems(BINDING_SCHEMA, _without_documents(value), BAD_BINDING, document)
    if not problems:
        problems = _Checker(document).problems(cast("JsonObject", value))
    if problems:
        raise error_of(problems)
    binding = _build(cast("JsonObject", value))
    if binding.to_json() != value:
        raise BAD_BINDING.error("its lists are not in order", hint=_HINT)
    return binding


def _without_documents(value: JsonValue) -> JsonValue:
    """A copy as far as the contracts, without their documents."""
    if not isinstance(value, dict) or not isinstance(value.get("tools"), list):
        return value
    tools = cast("list[JsonValue]", value["tools"])
    return {**value, "tools": [_without_document(t) for t in tools]}


def _without_document(tool: JsonValue) -> JsonValue:
    if not isinstance(tool, dict) or not isinstance(tool.get("contract"), dict):
        return tool
    contract = cast("JsonObject", tool["contract"])
    return {**tool, "contract": {k: v for k, v in contract.items() if k != "document"}}


class _Checker:
    """Compares the parts of a binding whose shape is right."""

    def __init__(self, document: Document | None) -> None:
        self._document = document

    def problems(self, value: JsonObject) -> list[Problem]:
        """Everything that contradicts something else."""
        return [*self._twins(value), *self._identities(value), *self._tools(value), *self._entries(value)]

    def _problem(self, reason: Reason, pointer: str, message: str) -> Problem:
        at = self._document.locate(pointer) if self._document else None
        return reason.problem(f"{readable(pointer)}: {message}", hint=_HINT, at=at)

    def _twins(self, value: JsonObject) -> Iterator[Problem]:
        for member, key in (("models", "class"), ("tools", "id"), ("components", "id")):
            for name, count in Counter(str(o[key]) for o in _objects(value, member)).items():
                if count > 1:
                    yield self._problem(BAD_BINDING, f"/{member}", f'"{name}" is bound {count} times')

    def _identities(self, value: JsonObject) -> Iterator[Problem]:
        for index, model in enumerate(_objects(value, "models")):
            why = why_no_identity(str(model["identity"]))
            if why is not None:
                yield self._problem(BAD_BINDING, f"/models/{index}/identity", why)
        for index, tool in enumerate(_objects(value, "tools")):
            why = why_no_release(str(tool["release"]))
            if why is not None:
                yield self._problem(BAD_BINDING, f"/tools/{index}/release", why)

    def _tools(self, value: JsonObject) -> Iterator[Problem]:
        for index, tool in enumerate(_objects(value, "tools")):
            stated, at = cast("JsonObject", tool["contract"]), f"/tools/{index}/contract"
            contract = _contract(stated)
            if contract is None:
                yield self._problem(BAD_BINDING, at, "is none that an importer makes")
            elif contract.digest != stated["digest"]:
                yield self._problem(CONTRACT_DIGEST, f"{at}/digest", "is not the digest of the contract's document")
            else:
                yield from self._operations(contract, _objects(tool, "operations"), f"/tools/{index}/operations")

    def _operations(self, contract: Contract, operations: list[JsonObject], at: str) -> Iterator[Problem]:
        known = contract.hints
        names = [str(o["name"]) for o in operations]
        if len(set(names)) < len(names):
            yield self._problem(BAD_BINDING, at, "an operation is listed twice")
        for index, operation in enumerate(operations):
            hints = known.get(str(operation["name"]))
            if hints is None or hints.to_json() != operation["hints"]:
                yield self._problem(BAD_BINDING, f"{at}/{index}", "is not what the contract says")

    def _entries(self, value: JsonObject) -> Iterator[Problem]:
        stated = [(str(e["kind"]), str(e["id"])) for e in _objects(value, "entries")]
        tools = [("tool", str(t["id"])) for t in _objects(value, "tools")]
        models = [("model", str(m["class"])) for m in _objects(value, "models")]
        if sorted(stated) != sorted([*tools, *models]):
            yield self._problem(BAD_BINDING, "/entries", "are not exactly those of the tools and models")


def _contract(stated: JsonObject) -> Contract | None:
    """What the importer makes of the document again, if that is the same document."""
    importer = importer_of(str(stated["kind"]))
    if importer is None or "document" not in stated:
        return None
    try:
        contract = importer.contract(stated["document"])
    except BspecError:
        return None
    same = (contract.kind, contract.document) == (stated["kind"], stated["document"])
    return contract if same else None


def _objects(value: JsonObject, member: str) -> list[JsonObject]:
    return cast("list[JsonObject]", value[member])


def _build(value: JsonObject) -> Binding:
    return Binding(
        models=tuple(sorted((_model(m) for m in _objects(value, "models")), key=lambda m: m.class_)),
        tools=tuple(sorted((_tool(t) for t in _objects(value, "tools")), key=lambda t: t.id)),
        components=tuple(
            sorted(
                (BoundComponent(str(c["id"]), Digest(str(c["digest"]))) for c in _objects(value, "components")),
                key=lambda c: c.id,
            )
        ),
        entries=tuple(
            sorted(
                (UsedEntry(str(e["kind"]), str(e["id"]), Digest(str(e["digest"]))) for e in _objects(value, "entries")),
                key=lambda e: (e.kind, e.id),
            )
        ),
    )


def _model(value: JsonObject) -> BoundModel:
    return BoundModel(
        class_=str(value["class"]),
        provider=str(value["provider"]),
        identity=str(value["identity"]),
        kind=str(value["kind"]),
        preview=value["preview"] is True,
        immutability=str(value["immutability"]),
        digest=_digest(value["digest"]),
        region=_one(value["region"]),
        bom=_digest(value["bom"]),
        signature=_digest(value["signature"]),
    )


def _tool(value: JsonObject) -> BoundTool:
    contract = cast("JsonObject", value["contract"])
    artifacts = _objects(value, "artifact")
    operations = (
        Operation(str(o["name"]), str(o["privilege_floor"]), Hints.of(cast("JsonObject", o["hints"])))
        for o in _objects(value, "operations")
    )
    return BoundTool(
        id=str(value["id"]),
        publisher=str(value["publisher"]),
        trusted=value["trusted"] is True,
        release=str(value["release"]),
        range=str(value["range"]),
        artifact=Artifact(str(artifacts[0]["purl"]), _digest(artifacts[0]["digest"])) if artifacts else None,
        contract=Contract(str(contract["kind"]), cast("JsonObject", contract["document"])),
        operations=tuple(sorted(operations, key=lambda o: o.name)),
    )


def _one(value: JsonValue) -> str | None:
    return cast("list[str]", value)[0] if value else None


def _digest(value: JsonValue) -> Digest | None:
    found = _one(value)
    return None if found is None else Digest(found)

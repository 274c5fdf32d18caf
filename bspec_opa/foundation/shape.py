"""What keeps a document from fitting a closed schema, each with its place and, for a misspelt member, a near name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import NO_OBJECT, OTHER_FORM, violations
from bspec_opa.foundation.suggest import did_you_mean

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.closed_schema import Violation
    from bspec_opa.foundation.document.document import Document
    from bspec_opa.foundation.errors import Problem, Reason

_UNKNOWN = "unknown member "
_TOLD = (OTHER_FORM, NO_OBJECT)


def shape_problems(schema: JsonObject, document: Document, reason: Reason) -> list[Problem]:
    """Every violation of a closed schema (without ``$ref``) by a document, located in it."""
    return value_problems(schema, document.value, reason, document)


def value_problems(schema: JsonObject, value: JsonValue, reason: Reason, document: Document | None) -> list[Problem]:
    """The same for a value, which has the document's places if there is one."""
    found = violations(schema, value)
    other = [v for v in found if v.pointer == "/schema"]  # of another kind: what else it is or lacks says nothing
    return [_problem(schema, reason, v, document) for v in other or found]


def _problem(schema: JsonObject, reason: Reason, violation: Violation, document: Document | None) -> Problem:
    unknown = violation.message.startswith(_UNKNOWN)
    told = violation.pointer == "/schema" or violation.message.startswith(_TOLD)
    hint = _near_member(schema, violation.pointer) if unknown else reason.remedy if told else ""
    message = f"{readable(violation.pointer)}: {violation.message}" if violation.pointer else violation.message
    if not violation.pointer and violation.message == NO_OBJECT:
        message = f"{reason.summary}: it {violation.message}"
    at = document.locate(violation.pointer, key=unknown) if document else None
    return reason.problem(message, hint=hint, at=at)


def readable(pointer: str) -> str:
    """A JSON Pointer as people write places: ``tools[0].releases``."""
    text = ""
    for token in pointer.split("/")[1:]:
        name = _unescape(token)
        text += f"[{name}]" if name.isdecimal() else f".{name}" if text else name
    return text


def _near_member(schema: JsonObject, pointer: str) -> str:
    *parents, last = pointer.split("/")[1:]
    found = schema
    for token in parents:
        inner = found["items"] if found["type"] == "array" else _properties(found)[_unescape(token)]
        assert isinstance(inner, dict)  # noqa: S101 - our own schemas
        found = inner
    return did_you_mean(_unescape(last), _properties(found))


def _properties(schema: JsonObject) -> JsonObject:
    found = schema["properties"]
    assert isinstance(found, dict)  # noqa: S101 - our own schemas
    return found


def _unescape(token: str) -> str:
    return token.replace("~1", "/").replace("~0", "~")

"""Bytes to an intent that holds together, with the digests that everything else refers to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from bspec_opa.foundation.digest import Digest, digest_json
from bspec_opa.foundation.document.load import load_document
from bspec_opa.foundation.errors import BspecError, error_of
from bspec_opa.intent.consistency import inconsistencies
from bspec_opa.intent.model import Intent
from bspec_opa.intent.reasons import UNSUPPORTED_SCHEMA
from bspec_opa.intent.schema import schema_digest
from bspec_opa.intent.surface import surface_of

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.document.document import Document
    from bspec_opa.foundation.errors import Problem

FEWEST_MEMBERS = 3
"""Of an intent's ten, a document without ``schema`` has at least so many, or it is something else."""


@dataclass(frozen=True, slots=True)
class LoadedIntent:
    """An intent that passed every structural check.

    Attributes:
        document: what was read, with the place of every value.
        intent: the model.
        digest: of the RFC 8785 form of the document as authored, ``x-…`` members included.
        surface: the capability surface.
        surface_digest: of its RFC 8785 form.
        schema_digest: of the published JSON Schema it was checked under (6.3).
    """

    document: Document
    intent: Intent
    digest: Digest
    surface: JsonObject
    surface_digest: Digest
    schema_digest: Digest

    @property
    def authored(self) -> JsonObject:
        """The document as authored."""
        assert isinstance(self.document.value, dict)  # noqa: S101 - or there were no intent
        return self.document.value


def load_intent(data: bytes, name: str) -> LoadedIntent:
    """An intent from the bytes of a file.

    Args:
        data: YAML subset or JSON.
        name: what messages call the file.

    Raises:
        InvalidInputError: with all problems of the file, in the order of the source.
    """
    document = load_document(data, name)
    intent = _read(document)
    if found := inconsistencies(intent, document):
        raise error_of(found)
    surface = surface_of(intent)
    return LoadedIntent(document, intent, digest_json(document.value), surface, digest_json(surface), schema_digest())


def check_document(data: bytes, name: str) -> list[Problem]:
    """The problems of a file, in the order of the source; empty if it is a valid intent."""
    try:
        load_intent(data, name)
    except BspecError as e:
        return list(e.problems)
    return []


def read_model(value: JsonValue) -> Intent:
    """The model of a document's value; exactly what the published JSON Schema accepts.

    Raises:
        ValidationError: it is refused.
    """
    return Intent.model_validate(value)


def _read(document: Document) -> Intent:
    try:
        return read_model(document.value)
    except ValidationError as e:
        from bspec_opa.intent.explain import explain

        if _is_something_else(document.value):
            message = 'this is no intent: it has no "schema", and next to nothing that an intent has'
            raise UNSUPPORTED_SCHEMA.error(
                message, hint="name another file, or begin it with schema: behavior.intent/v1", at=document.locate("")
            ) from e

        raise error_of(explain(e.errors(include_url=False), document)) from e


def _is_something_else(value: JsonValue) -> bool:
    """Whether naming every member that is missing or unknown would tell nobody anything."""
    if not isinstance(value, dict) or "schema" in value:
        return False
    return len(Intent.model_fields.keys() & value.keys()) < FEWEST_MEMBERS

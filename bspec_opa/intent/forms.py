"""The forms of single values: patterns, lengths and bounds, as pydantic types. No lookaround: RE2 reads them too."""

# No `from __future__ import annotations`: these are values that pydantic reads.

from typing import Annotated, Final, TypeVar

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError, PydanticKnownError

from bspec_opa.foundation.limits import MAX_EVIDENCE_CASES, MAX_NAME, UNLIMITED
from bspec_opa.intent import vocabulary as v

IDENTIFIER_FORM = r"^[a-z0-9][a-z0-9._-]*$"
PRINCIPAL_FORM = r"^[a-z0-9][a-z0-9._:-]*$"
LABEL_FORM = r"^[A-Za-z0-9][A-Za-z0-9._/-]*$"
ACTION_FORM = r"^[a-z0-9][a-z0-9-]*:[a-z0-9][a-z0-9._-]*$"
OPERATION_FORM = r"^(\*|[A-Za-z0-9_./$][!-)+-~]*( [!-)+-~]+)*)$"
NAME_OR_ANY_FORM = r"^([a-z0-9][a-z0-9._-]*|\*)$"
HOST_FORM = r"^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[0-9]{1,5})?$"
SEMVER_FORM = (
    r"^(0|[1-9][0-9]{0,14})\.(0|[1-9][0-9]{0,14})\.(0|[1-9][0-9]{0,14})"
    r"(-(0|[1-9][0-9]{0,14}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9][0-9]{0,14}|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?"
    r"(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$"
)
DURATION_FORM = r"^P([0-9]{1,5}D|T[0-9]{1,6}H)$"
TIME_FORM = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
NULL: Final = "null_value"
MAX_TEXT: Final = 4096
MAX_APPROVALS: Final = 100

T = TypeVar("T")


def _given(value: object) -> object:
    if value is None:
        raise PydanticCustomError(NULL, "must have a value")
    return value


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticKnownError("int_type")
    return value


# A member that may be left out, but not be null.
Maybe = Annotated[T | None, BeforeValidator(_given)]
# A JSON list: the loader knows no other sequence.
Many = Annotated[tuple[T, ...], Field(strict=False)]
AtLeastOne = Annotated[tuple[T, ...], Field(strict=False, min_length=1)]

Identifier = Annotated[str, Field(pattern=IDENTIFIER_FORM, max_length=MAX_NAME)]
Principal = Annotated[str, Field(pattern=PRINCIPAL_FORM, max_length=MAX_NAME)]
Label = Annotated[str, Field(pattern=LABEL_FORM, max_length=MAX_NAME)]
Action = Annotated[str, Field(pattern=ACTION_FORM, max_length=MAX_NAME)]
Operation = Annotated[str, Field(pattern=OPERATION_FORM, max_length=MAX_NAME)]
NameOrAny = Annotated[str, Field(pattern=NAME_OR_ANY_FORM, max_length=MAX_NAME)]
Host = Annotated[str, Field(pattern=HOST_FORM, max_length=MAX_NAME)]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Version = Annotated[str, Field(pattern=SEMVER_FORM, max_length=MAX_NAME)]
Range = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Duration = Annotated[str, Field(pattern=DURATION_FORM)]
Time = Annotated[str, Field(pattern=TIME_FORM)]
Days = Annotated[int, Field(ge=0, le=UNLIMITED)]
Limit = Annotated[int, Field(ge=1, le=UNLIMITED)]
Cases = Annotated[int, Field(ge=1, le=MAX_EVIDENCE_CASES)]
People = Annotated[int, Field(ge=1, le=MAX_APPROVALS)]
# A pass rate of 0 and an attack success rate of 10000 would demand nothing.
BasisPoints = Annotated[int, Field(ge=1, le=10_000)]
RateBasisPoints = Annotated[int, Field(ge=0, le=9_999)]
# To pydantic, false is a literal 0.
Confidence = Annotated[v.Confidence, BeforeValidator(_no_boolean)]

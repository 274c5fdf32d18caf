"""What pydantic found wrong, in people's words and at its place in the file; loaded only when something is."""

from __future__ import annotations

import re
import types
from typing import TYPE_CHECKING, Any, TypeGuard, Union, get_args, get_origin

from bspec_opa.foundation.closed_schema import escape
from bspec_opa.foundation.document.text import shown
from bspec_opa.foundation.suggest import did_you_mean, nearest
from bspec_opa.intent import forms
from bspec_opa.intent.model import Intent, Part
from bspec_opa.intent.reasons import (
    BAD_FORM,
    MISSING_FIELD,
    OUT_OF_BOUNDS,
    UNKNOWN_FIELD,
    UNKNOWN_VALUE,
    UNSUPPORTED_SCHEMA,
    WRONG_TYPE,
)
from bspec_opa.intent.vocabulary import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pydantic_core import ErrorDetails

    from bspec_opa.foundation.document.document import Document
    from bspec_opa.foundation.errors import Location, Problem

Loc = tuple[int | str, ...]

_KEY = "[key]"
_KINDS = {
    "string_type": "text",
    "int_type": "an integer",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
}
_WORDS = {
    forms.IDENTIFIER_FORM: "lower-case letters, digits, dot, dash and underscore, beginning with a letter or digit",
    forms.PRINCIPAL_FORM: "lower-case letters, digits and . _ : -, such as team:support",
    forms.LABEL_FORM: "letters, digits and . _ / -, beginning with a letter or digit",
    forms.ACTION_FORM: "a verb and a resource in lower case, such as read:invoice",
    forms.OPERATION_FORM: 'the name of one operation, or "*" for every one; no other wildcard',
    forms.NAME_OR_ANY_FORM: 'lower-case letters, digits, dot, dash and underscore, or "*" for every one',
    forms.HOST_FORM: "a host in lower case, with a port if need be, such as billing.internal or *.example.com:8443",
    forms.SEMVER_FORM: "a semantic version, such as 1.0.0",
    forms.DURATION_FORM: "days as P7D or hours as PT12H",
    forms.TIME_FORM: "a time in UTC such as 2026-12-20T00:00:00Z",
}


def explain(errors: Sequence[ErrorDetails], document: Document) -> list[Problem]:
    """The problems behind a model's refusal, in the order of the source."""
    schema = [e for e in errors if e["loc"] == ("schema",) and e["type"] == "literal_error"]
    relevant = [e for e in schema or errors if not _consequence(e)]  # another schema has other fields
    misspelt = {(*e["loc"][:-1], _meant(e["loc"])) for e in relevant if e["type"] == "extra_forbidden"}
    found = [_problem(e, document) for e in relevant if e["type"] != "missing" or e["loc"] not in misspelt]
    return sorted(found, key=in_source)


def _consequence(error: ErrorDetails) -> bool:
    """Whether a list seems short only because items of it were refused."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def _meant(loc: Loc) -> str | None:
    """The field that an unknown name stands for, so that it isn't reported as missing, too."""
    return nearest(str(loc[-1]), _fields(loc[:-1]))


def in_source(problem: Problem) -> tuple[int, int]:
    """Sorts problems as they stand in the file."""
    place = problem.location
    return (0, 0) if place is None else (place.line or 0, place.column or 0)


def _problem(error: ErrorDetails, document: Document) -> Problem:
    kind, loc = error["type"], error["loc"]
    if kind == "literal_error" and loc == ("schema",):
        hint = f'write "{SCHEMA}"'
        return UNSUPPORTED_SCHEMA.problem(f"schema {_found(error)} is not supported", hint=hint, at=_at(loc, document))
    return _TRANSLATIONS.get(kind, _other)(error, loc, document)


def _unknown_field(_: ErrorDetails, loc: Loc, document: Document) -> Problem:
    place, name = (path_of(loc[:-1]), str(loc[-1]))
    message = f"unknown field {shown(name)}" + (f" in {place}" if place else "")
    return UNKNOWN_FIELD.problem(message, hint=did_you_mean(name, _fields(loc[:-1])), at=_at(loc, document, key=True))


def _missing(_: ErrorDetails, loc: Loc, document: Document) -> Problem:
    parent = loc[:-1]
    place = path_of(parent)
    message = f'{place} lacks "{loc[-1]}"' if place else f'"{loc[-1]}" is missing'
    return MISSING_FIELD.problem(message, hint="add it", at=_at(parent, document, key=True))


def _wrong_type(error: ErrorDetails, loc: Loc, document: Document) -> Problem:
    message = f"{path_of(loc) or 'an intent'} must be {_KINDS[error['type']]}, not {_kind(error['input'])}"
    quote = error["type"] == "string_type" and isinstance(error["input"], bool | int)
    return WRONG_TYPE.problem(message, hint="quote it if it is text" if quote else "", at=_at(loc, document))


def _null(_: ErrorDetails, loc: Loc, document: Document) -> Problem:
    return WRONG_TYPE.problem(f"{path_of(loc)} is null", hint="write a value or leave it out", at=_at(loc, document))


def _word(error: ErrorDetails, loc: Loc, document: Document) -> Problem:
    known = re.findall(r"'([^']*)'", error["ctx"]["expected"])
    if known and not isinstance(error["input"], str):
        message = f"{path_of(loc)} must be text, not {_kind(error['input'])}"
        return WRONG_TYPE.problem(message, hint="one of " + ", ".join(known), at=_at(loc, document))
    near = nearest(str(error["input"]), known)
    hint = f'did you mean "{near}"? ' if near else ""
    hint += "known: " + (", ".join(known) or error["ctx"]["expected"])
    return UNKNOWN_VALUE.problem(f"{path_of(loc)} can't be {_found(error)}", hint=hint, at=_at(loc, document))


def _form(error: ErrorDetails, loc: Loc, document: Document) -> Problem:
    where = f"the name {_found(error)} in {path_of(loc[:-2])}" if _is_key(loc) else path_of(loc)
    if error["type"] == "string_pattern_mismatch":
        has = "" if _is_key(loc) else f": {_found(error)}"
        message, hint = f"{where} has another form{has}", f"write {_WORDS[error['ctx']['pattern']]}"
    elif error["type"] == "string_too_short":
        message, hint = f"{where} is empty", "write something"
    else:
        message, hint = f"{where} is longer than {error['ctx']['max_length']} characters", "shorten it"
    return BAD_FORM.problem(message, hint=hint, at=_at(loc, document))


def _bounds(error: ErrorDetails, loc: Loc, document: Document) -> Problem:
    context = error["ctx"]
    if error["type"] == "too_short":
        message = f"{path_of(loc)} needs at least {context['min_length']} item"
    elif error["type"] == "greater_than_equal":
        message = f"{path_of(loc)} must be at least {context['ge']}, not {_found(error)}"
    else:
        message = f"{path_of(loc)} must be at most {context['le']}, not {_found(error)}"
    return OUT_OF_BOUNDS.problem(message, at=_at(loc, document))


def _other(error: ErrorDetails, loc: Loc, document: Document) -> Problem:
    return WRONG_TYPE.problem(f"{path_of(loc)}: {error['msg']}", at=_at(loc, document))


_TRANSLATIONS: dict[str, Callable[[ErrorDetails, Loc, Document], Problem]] = {
    "extra_forbidden": _unknown_field,
    "missing": _missing,
    "literal_error": _word,
    forms.NULL: _null,
    **dict.fromkeys(_KINDS, _wrong_type),
    **dict.fromkeys(("string_pattern_mismatch", "string_too_short", "string_too_long"), _form),
    **dict.fromkeys(("too_short", "greater_than_equal", "less_than_equal"), _bounds),
}


def _is_key(loc: Loc) -> bool:
    return bool(loc) and loc[-1] == _KEY


def _at(loc: Loc, document: Document, *, key: bool = False) -> Location:
    if _is_key(loc):
        loc, key = loc[:-1], True
    return document.locate("".join(f"/{escape(str(token))}" for token in loc), key=key)


def path_of(loc: Iterable[int | str]) -> str:
    """A place in people's notation: ``tools[0].operations``."""
    text = ""
    for token in loc:
        text += f"[{token}]" if isinstance(token, int) else f".{shown(token)[1:-1]}" if text else shown(token)[1:-1]
    return text


def _found(error: ErrorDetails) -> str:
    """What stands there, shortened and harmless on a terminal."""
    value = error["input"]
    if isinstance(value, str):
        return shown(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else _kind(value)


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"the integer {value}"
    return "text" if isinstance(value, str) else "a list" if isinstance(value, list) else "an object"


def _fields(loc: Loc) -> list[str]:
    """The members that the object at a place may have."""
    place: Any = Intent
    for token in loc:
        if _is_part(place):
            place = next(f.annotation for n, f in place.model_fields.items() if (f.alias or n) == token)
        else:
            place = get_args(place)[0 if get_origin(place) is tuple else 1]
        place = _bare(place)
    return [field.alias or name for name, field in place.model_fields.items()]


def _is_part(annotation: object) -> TypeGuard[type[Part]]:
    return isinstance(annotation, type) and issubclass(annotation, Part)


def _bare(annotation: Any) -> Any:
    """A type without "or None"."""
    if get_origin(annotation) in {Union, types.UnionType}:
        return get_args(annotation)[0]
    return annotation

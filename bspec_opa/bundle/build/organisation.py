"""An organisation's data: its schema, and what it must agree with.

OPA checks the paths that rules take through the data, never the data itself; so this happens here, before a bundle is
built and again when other data is put beside the same rules.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.bundle.contract.definitions import TIERS, WRITING_ACTIONS
from bspec_opa.bundle.contract.organisation import organisation_schema
from bspec_opa.bundle.index import CHECK, EVERYWHERE, Index, environment_ids, expected_rules
from bspec_opa.bundle.layout import ORGANISATION_DATA
from bspec_opa.bundle.reasons import CONTROL, ORGANISATION
from bspec_opa.bundle.rego.sources import is_rule
from bspec_opa.foundation.closed_schema import escape
from bspec_opa.foundation.document.load import load_json
from bspec_opa.foundation.errors import BspecError, Location, error_of
from bspec_opa.foundation.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.bundle.rego.sources import Sources
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.document.document import Document
    from bspec_opa.foundation.errors import Problem

_NOT_ENVIRONMENTS = frozenset({EVERYWHERE, "none"})


def load_organisation(data: bytes, name: str, index: Index) -> JsonObject:
    """An organisation's data, checked against its schema and against the rules.

    Raises:
        InvalidInputError: every problem, with its line; or a selector that names nothing, or no rule left.
    """
    document = load_json(data, name)
    problems = list(_schema_problems(document)) or list(_semantic_problems(document, index))
    if problems:
        raise error_of(problems)
    organisation = cast("JsonObject", document.value)
    for tier in TIERS:
        for environment in environment_ids(organisation):
            for action in WRITING_ACTIONS:
                expected_rules(index, organisation, environment, action, tier)
        expected_rules(index, organisation, "", CHECK, tier)
    return organisation


def load_composed(sources: Sources, index: Index) -> JsonObject:
    """The organisation's data of a policies folder, or, for a pack without data, its base's.

    The base's data was right without the pack; so what is wrong with it now is told at the rule that brought it up.

    Raises:
        InvalidInputError: there is none; or as :func:`load_organisation`.
    """
    data = sources.files.get(ORGANISATION_DATA)
    if data is None:
        raise ORGANISATION.error("there is no organisation's data", at=Location(ORGANISATION_DATA))
    try:
        return load_organisation(data, ORGANISATION_DATA, index)
    except BspecError as e:
        if ORGANISATION_DATA not in sources.borrowed:
            raise
        raise error_of(replace(p, location=_cause(p, sources)) for p in e.problems) from e


def _cause(problem: Problem, sources: Sources) -> Location:
    """The first rule of a pack that the problem names a folder of."""
    own = [n for n in sources.own if is_rule(n)]
    named = (n for n in own if any(f'"{folder}"' in problem.message for folder in n.split("/")))
    return Location(next(named, own[0]))


def validator(schema: JsonObject) -> Any:
    """A jsonschema validator that can look nothing up: a remote ``$ref`` is an error, not a request (attack A67)."""
    from jsonschema import Draft202012Validator
    from referencing import Registry

    return Draft202012Validator(schema, registry=Registry())


def _schema_problems(document: Document) -> Iterator[Problem]:
    found = validator(organisation_schema()).iter_errors(document.value)
    for error in sorted(found, key=lambda e: [str(p) for p in e.absolute_path]):
        pointer = "".join(f"/{escape(str(part))}" for part in error.absolute_path)
        message = f"{pointer or '/'}: {error.message[:300]}"
        yield ORGANISATION.problem(message, at=document.locate(pointer), rule="data/schema")


def _semantic_problems(document: Document, index: Index) -> Iterator[Problem]:
    data = cast("dict[str, list[dict[str, Any]]]", document.value)
    known = environment_ids(cast("JsonObject", document.value))
    for number, name in enumerate(known):
        at = document.locate(f"/environments/{number}/id")
        if name in _NOT_ENVIRONMENTS:
            yield ORGANISATION.problem(f'"{name}" is no environment', at=at)
        if name in known[:number]:
            yield ORGANISATION.problem(f'the environment "{name}" is there twice', at=at)
    for name in sorted(set(index.environments) - set(known)):
        message = f'there are rules for the environment "{name}", which the data does not know'
        yield ORGANISATION.problem(message, hint=did_you_mean(name, known), at=document.locate("/environments"))
    yield from _control_problems(document, data["controls"], index)
    tiers = [p["tier"] for p in cast("dict[str, list[dict[str, str]]]", data["select"])["tiers"]]
    for number, tier in enumerate(tiers):
        if tier in tiers[:number]:
            at = document.locate(f"/select/tiers/{number}/tier")
            yield ORGANISATION.problem(f"there are two packs for tier {tier}", at=at)
    for key in ("floors", "elevated", "emergency"):
        for number, item in enumerate(data[key]):
            yield from _environment_problems(document, f"/{key}/{number}", item, known)


def _environment_problems(
    document: Document, pointer: str, item: dict[str, Any], known: list[str]
) -> Iterator[Problem]:
    name = item["environment"]
    if name not in known:
        message = f'the environment "{name}" is not among environments'
        yield ORGANISATION.problem(
            message, hint=did_you_mean(name, known), at=document.locate(f"{pointer}/environment")
        )
    if "rules" in item and item["rules"]["environment"] != name:
        message = f'the rules of a floor for "{name}" name another environment'
        yield ORGANISATION.problem(message, at=document.locate(f"{pointer}/rules/environment"))


def _control_problems(document: Document, controls: list[dict[str, Any]], index: Index) -> Iterator[Problem]:
    known, seen = index.selectors(), set[tuple[str, str]]()
    for number, control in enumerate(controls):
        pointer = f"/controls/{number}"
        key = (control["framework"], control["id"])
        if key in seen:
            yield CONTROL.problem(f"the control {':'.join(key)} is there twice", at=document.locate(pointer))
        seen.add(key)
        for place, selector in enumerate(control["rules"]):
            if selector not in known:
                at = document.locate(f"{pointer}/rules/{place}")
                message = f'{":".join(key)}: the selector "{selector}" names no rule'
                yield CONTROL.problem(message, hint=did_you_mean(selector, known), at=at)

"""The build's own checks, each applied to every file that it can be applied to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bspec_opa.bundle.build.index_build import index_of, package_problems, repeated_codes
from bspec_opa.bundle.build.organisation import load_composed, load_organisation
from bspec_opa.bundle.idle import idle_rules
from bspec_opa.bundle.layout import ORGANISATION_DATA
from bspec_opa.bundle.reasons import SELECTION
from bspec_opa.bundle.rego.lint.everything import findings
from bspec_opa.bundle.rego.metadata import metadata_problems
from bspec_opa.bundle.rego.sources import is_rule
from bspec_opa.foundation.errors import BspecError, Location

if TYPE_CHECKING:
    from bspec_opa.authoring.lint.reading import Reading
    from bspec_opa.bundle.index import Index
    from bspec_opa.foundation.errors import Problem


@dataclass(frozen=True, slots=True)
class Own:
    """What the checks say.

    Attributes:
        problems: everything that is wrong.
        index: the rules whose place and METADATA are right; the gate is generated from these.
        whole: whether these are all rules.
    """

    problems: tuple[Problem, ...]
    index: Index
    whole: bool


def own_checks(reading: Reading, data: tuple[bytes, str] | None) -> Own:
    """Every check of a build that needs no OPA but for the syntax tree.

    Args:
        reading: the parsed files.
        data: an organisation's data and what it is called; the folder's own if None.
    """
    formal = {m.name: (*package_problems(m), *metadata_problems(m)) for m in reading.modules}
    right = [m for m in reading.modules if not formal[m.name]]
    problems = [p for found in formal.values() for p in found]
    problems += repeated_codes(right, reading.sources)
    problems += findings(reading.modules, reading.unread)
    index = index_of(right, reading.sources)
    whole = len(index.rules) == sum(map(is_rule, reading.sources.rego))
    problems += _data_problems(reading, data, index, whole=whole)
    return Own(tuple(problems), index, whole)


def _data_problems(reading: Reading, data: tuple[bytes, str] | None, index: Index, *, whole: bool) -> list[Problem]:
    own = reading.sources.files.get(ORGANISATION_DATA)
    given = data or ((own, ORGANISATION_DATA) if own is not None else None)
    if given is None:
        return []
    try:
        if data is None:
            load_composed(reading.sources, index)
        else:
            load_organisation(*data, index)
    except BspecError as e:
        # A selector may name a rule that could not be read.
        told = [p for p in e.problems if (whole and index.rules) or p.reason != SELECTION]
        return [replace(p, location=p.location or Location(given[1])) for p in told]
    return []


def idle_problems(reading: Reading, own: Own) -> list[Problem]:
    """The author's rules that the author's own data leaves out at every tier; nothing where the data is refused."""
    given = reading.sources.own.get(ORGANISATION_DATA)
    if given is None or not own.whole or own.problems or not own.index.rules:
        return []
    idle = set(idle_rules(own.index, load_organisation(given, ORGANISATION_DATA, own.index)))
    hint = "let select include it, or take the rule out"
    return [
        SELECTION.problem(f"{r.id} never runs", hint=hint, at=Location(ORGANISATION_DATA), rule="data/idle-rule")
        for r in own.index.rules
        if r.id in idle and r.path in reading.sources.own
    ]

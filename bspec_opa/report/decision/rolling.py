"""How a rollback is called, in words, in flags and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from bspec_opa.foundation.closed_schema import DIGEST, boolean, integer, obj, optional
from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.excerpt import excerpt, recorded_excerpt
from bspec_opa.workflow.facts.rolling import Wanted

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.workflow.facts.evaluation import Evaluation

ROLLBACK = optional(obj(target_line=DIGEST, age_seconds=integer(), emergency=boolean()))
"""The member ``rollback`` of an evaluation: none for a promotion."""
_DIGITS = 12
_DAY_S = 86_400


def subject_of(evaluation: Evaluation) -> str:
    """What was decided on, on one line."""
    back = _of(evaluation)
    if not back:
        adoption = "adoption of " if evaluation.adopters else ""
        return f"{adoption}{evaluation.agent} {evaluation.version} → {evaluation.environment}"
    word = "EMERGENCY rollback" if back["emergency"] else "rollback"
    return f"{word} of {evaluation.agent} in {evaluation.environment} to {evaluation.version}"


def done(evaluation: Evaluation) -> tuple[str, str, str]:
    """What was done with it, the word's colour, and to what."""
    back = _of(evaluation)
    if not back:
        promoted = f"{evaluation.agent} {evaluation.version} → {evaluation.environment}"
        return "ADOPTED" if evaluation.adopters else "PROMOTED", "green", promoted
    subject = f"{evaluation.agent} in {evaluation.environment} to {evaluation.version}"
    return ("ROLLED BACK IN AN EMERGENCY", "red", subject) if back["emergency"] else ("ROLLED BACK", "yellow", subject)


def target_text(evaluation: Evaluation) -> list[str]:
    """Which line is gone back to, and how old it is."""
    back = _of(evaluation)
    return [f"  back to   {back['target_line']}  ({age_text(back['age_seconds'])})"] if back else []


def age_text(seconds: int) -> str:
    """How long ago what is redeployed was promoted."""
    if seconds < _DAY_S:
        return f"promoted {count(seconds // 3_600, 'hour')} ago"
    return f"promoted {count(seconds // _DAY_S, 'day')} ago"


def place_lines(evaluation: Evaluation, pointer: str, remedy: str, indent: str) -> list[str]:
    """Where a finding is: in the intent's file, or in what the line records that is gone back to."""
    back, document = _of(evaluation), evaluation.document
    if back:
        return recorded_excerpt(document.value, pointer, short(back["target_line"]), remedy, indent)
    return excerpt(document, pointer, remedy, indent)


def wanted_of(request: JsonObject) -> Wanted | None:
    """The line that an input is about going back to, if it is of a rollback."""
    back = _in(request)
    return Wanted(back["target_line"], back["emergency"]) if back else None


def flags_of(wanted: Wanted | None) -> str:
    """The flags that say so to another command."""
    return f" --rollback-to {short(wanted.line)}{emergency_flag(wanted)}" if wanted else ""


def emergency_flag(wanted: Wanted) -> str:
    """The flag of an emergency."""
    return " --emergency" if wanted.emergency else ""


def short(line: str) -> str:
    """Enough of a line's digest to name it."""
    return line.removeprefix("sha256:")[:_DIGITS]


def rollback_json(evaluation: Evaluation) -> list[JsonObject]:
    """As the schema has it."""
    back = _of(evaluation)
    return [{m: back[m] for m in ("target_line", "age_seconds", "emergency")}] if back else []


def _of(evaluation: Evaluation) -> dict[str, Any]:
    return _in(evaluation.request)


def _in(request: JsonObject) -> dict[str, Any]:
    found = cast("list[dict[str, Any]]", request["rollback"])
    return found[0] if found else {}

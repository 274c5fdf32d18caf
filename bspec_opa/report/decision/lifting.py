"""What would turn a decision into an allow: each step as a sentence and as a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.times import format_time
from bspec_opa.gate.decision import Needs
from bspec_opa.report.decision.next_steps import steps_in
from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.report.decision.next_steps import Steps
    from bspec_opa.workflow.explain.explanation import Explanation
    from bspec_opa.workflow.explain.lifting import Lift
    from bspec_opa.workflow.explain.supposed import Step

_PLACEHOLDER = "behavior.intent"


def lift_json(explanation: Explanation) -> JsonObject:
    """The member ``to_allow``."""
    lift = explanation.lift
    blocked: list[JsonValue] = [*lift.hopeless]
    first: list[JsonValue] = [*first_of(explanation)]
    steps: list[JsonValue] = [
        {
            "kind": step.kind,
            "role": step.role,
            "question": step.question,
            "method": step.method,
            "count": step.count,
            "probes": [{"scope_out_id": entry, "count": number} for entry, number in step.probes],
            "says": says,
            "command": command,
        }
        for step, says, command in told(explanation)
    ]
    return {
        "possible": not lift.hopeless,
        "proven": lift.proven,
        "why": lift.why,
        "blocked_by": blocked,
        "decisions": lift.decisions,
        "first": first,
        "steps": steps,
    }


def told(explanation: Explanation) -> Iterator[tuple[Step, str, str]]:
    """Each step with its sentence and its command; a wait has no command."""
    meant = explanation.meant
    steps = steps_in(meant.project, meant.intent or _PLACEHOLDER, meant.environment).about(meant.request)
    now = cast("int", meant.request["now_unix"])
    for step in explanation.lift.steps:
        yield step, _says(step, now), _command(step, steps)


def first_of(explanation: Explanation) -> list[str]:
    """What has to be there before any record can be signed: a trust root, and its pin."""
    meant = explanation.meant
    if not explanation.lift.steps or (meant.prepared and meant.pinned):
        return []
    intent = meant.intent or _PLACEHOLDER
    steps = steps_in(meant.project, intent, meant.environment, prepared=meant.prepared, pinned=meant.pinned)
    commands = steps.of(meant.decision)
    return commands[:1] if meant.prepared else commands


def lift_lines(explanation: Explanation) -> Iterator[str]:
    """The last part of an explanation for people."""
    lift, meant = explanation.lift, explanation.meant
    if lift.hopeless:
        yield "to an allow  no approval, evidence or other record helps while these deny:"
        yield from (f"    {rule}" for rule in lift.hopeless)
        return
    if not lift.steps:
        return
    as_of = f", as of {format_time(cast('int', meant.request['now_unix']))}" if meant.origin != "now" else ""
    yield from fold("to an allow  ", f"{_worth(lift)}{as_of}", 13)
    before = list(first_of(explanation))
    if before:
        yield "  before anything can be signed:"
        yield from (f"     {command}" for command in before)
    for number, (_, says, command) in enumerate(told(explanation), 1):
        yield from fold(f"{number:3}. ", says, 5)
        if command:
            yield f"     {command}"


def _worth(lift: Lift) -> str:
    number = count(len(lift.steps), "step")
    if lift.proven:
        times = count(lift.decisions, "time")
        return f"{number}, and none can be left out (decided again {times} on supposed facts)"
    return f"about {number}; an estimate: {lift.why}"


_ALWAYS = {
    "resolve": "resolve models, tools and components to identities",
    "submit": "submit: an author signs exactly this",
    "request": "request: a promoter asks for exactly this",
    "review": "review of the emergency, by somebody who neither requested nor approved it",
}


def _says(step: Step, now: int) -> str:
    if step.kind in _ALWAYS:
        return _ALWAYS[step.kind]
    match step.kind:
        case "soak":
            return f"wait until {format_time(now + step.count)}; what expires before then has to be renewed"
        case "approval":
            return _approvals(step)
        case _:
            return _evidence(step)


def _approvals(step: Step) -> str:
    who = f"as {step.role}" if step.role else "in any role"
    if step.count == 1:
        return f"approval {who}, by somebody without another duty here"
    return f"{count(step.count, 'approval')} {who}, by {step.count} different people without another duty here"


def _evidence(step: Step) -> str:
    run = f"evidence on {step.question}, {step.method}: {count(step.count, 'more case', 'more cases')}, all passed"
    probes = ", ".join(f"{count(number, 'probe')} of {entry}" for entry, number in step.probes)
    return f"{run}; among them {probes}" if probes else run


def _command(step: Step, steps: Steps) -> str:
    if step.kind == "soak":
        return ""
    return steps.command(Needs(step.kind, step.role, step.question, step.method, step.count))

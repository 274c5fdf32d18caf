"""Controls and what meets them: for people, as Markdown for an audit's file, and as ``bspec.controls/v1``."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from bspec_opa.report.writing.counting import by, count
from bspec_opa.report.writing.folding import aside, fold, short
from bspec_opa.report.writing.printable import printable
from bspec_opa.workflow.facts.controls import (
    FILE,
    INTENT,
    LINE,
    MET,
    NO_RULE,
    NOT_EVALUATED,
    NOT_MET,
    NOT_RUN,
    PENDING,
    REFUSAL,
    STATES,
    WAIVED,
    WARNED,
    Control,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.facts.controls import Decided, Judged

_WORDS = {
    MET: "met",
    WAIVED: "met by a waiver",
    WARNED: "passed with a warning",
    PENDING: "pending",
    NOT_MET: "NOT MET",
    NOT_EVALUATED: "not evaluated",
    NO_RULE: "no rule",
}
CHECKED = {
    FILE: "that the file has the form of a decision, and nothing it says",
    INTENT: "decided now, on the records that verify",
    LINE: "its signature, its place in the ledger, and its decision, replayed from its records",
    REFUSAL: "the gate's signature, its place in the ledger, and that its recorded input, decided again with its "
    "recorded bundle, is refused by the same rules",
}
"""What is known of a decision."""
UNCHECKED = {
    FILE: "whether anybody took this decision; report on the intent, the lock or the project's directory instead",
    INTENT: "whether it is ever promoted; promote it, then report on its lock",
    LINE: "what the agent does at run time",
    REFUSAL: "whether the recorded input followed from the records: the ledger keeps what a rebuild needs only of "
    "promotions, because a denial deploys nothing; explain entry:N shows that input",
}
"""What is not, why, and what to do about it."""
_COLOURS = {MET: ("green",), WAIVED: ("yellow",), WARNED: ("yellow",), NOT_MET: ("bold", "red")}
_STATE = 23
_COLUMN = 4 + 8 + _STATE
_BOUNDARY = (
    "A control is met where every rule of it ran and passed and what it asks to see is there. That says that the "
    "change was declared, reviewed, approved and bound. It says nothing about what the agent does at run time."
)


def controls_text(judged: Sequence[Judged], notes: Iterable[str], style: Style) -> str:
    """One block a decision, one line a control, and below it what it rests on or what it lacks."""
    parts = [_block(j, style) for j in judged]
    return "\n".join([*parts, *("\n".join(fold("note    ", printable(n), 8)) + "\n" for n in notes)])


def _block(judged: Judged, style: Style) -> str:
    decided = judged.decided
    title = f"{printable(decided.agent)} → {printable(decided.environment)}"
    head = aside(f"{style.mark('CONTROLS', 'bold')}  {title}", f"{printable(decided.subject)}, {decided.verdict}")
    lines = [*head, f"  {_counts(judged.controls)}"]
    lines += [line for label, text in _proof_lines(decided) for line in fold(f"  {label:<13}", text, 15)]
    for framework, controls in groupby(judged.controls, key=lambda c: c.framework):
        lines += ["", f"  {printable(framework)}"]
        for control in controls:
            lines += _control_lines(control, style)
    return "\n".join(lines) + "\n"


def _control_lines(control: Control, style: Style) -> list[str]:
    state = style.mark(f"{_WORDS[control.state]:<{_STATE}}", *_COLOURS.get(control.state, ()))
    lines = fold(f"    {printable(control.id):<8}{state}", printable(control.title), _COLUMN)
    said = [f"{status}: {rule}" for rule, status in control.rules if status != "pass"]
    return lines + [line for text in (*said, *control.lacking) for line in fold(" " * _COLUMN, text, _COLUMN)]


def _counts(controls: Iterable[Control]) -> str:
    seen = Counter(c.state for c in controls)
    return ", ".join(f"{seen[s]} {_WORDS[s]}" for s in STATES if seen[s])


def _proof_lines(decided: Decided) -> list[tuple[str, str]]:
    proof = decided.proof
    people = ", ".join(by(a.principal, a.role) for a in proof.approvals) or "none"
    place = f"entry {decided.entry}, line {decided.line}" if decided.entry >= 0 else "none: nothing was promoted"
    return [
        ("approvals", printable(people)),
        ("evidence", count(len(proof.evaluations), "evaluation run")),
        *(("waiver", waiver) for waiver in proof.waivers),
        ("binding", proof.binding or "none"),
        ("ledger", place),
        ("checked", CHECKED[decided.basis]),
        ("not checked", UNCHECKED[decided.basis]),
    ]


def controls_markdown(judged: Sequence[Judged], notes: Iterable[str]) -> str:
    """A matrix for an audit's file: each control, its state, its rules and what proves it."""
    parts = ["# Controls\n", f"{_BOUNDARY}\n", *(_section(j) for j in judged)]
    said = [f"- {_cell(n)}" for n in notes]
    return "\n".join([*parts, *(["## Not checked\n", *said, ""] if said else [])])


def _section(judged: Judged) -> str:
    decided = judged.decided
    rows = [
        f"| {_cell(c.framework)} {_cell(c.id)} | {_cell(c.title)} | {_WORDS[c.state]} | {_rules_cell(c)} | "
        f"{_proof_cell(c, decided)} |"
        for c in judged.controls
    ]
    return "\n".join(
        [
            f"## {_cell(decided.agent)} in {_cell(decided.environment)}\n",
            *_facts(decided),
            f"\n{_counts(judged.controls)}.\n",
            "| control | title | state | rules | evidence |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            "",
        ]
    )


def _facts(decided: Decided) -> list[str]:
    """What everything below rests on, whole, so that it can be looked up."""
    proof = decided.proof
    when = f", decided at {decided.at}" if decided.at else ""
    advisory = "; advice only, no trust pin" if decided.advisory else ""
    return [
        f"- decision: {decided.verdict}{when}; from {_cell(decided.subject)}{advisory}",
        f"- checked: {CHECKED[decided.basis]}",
        f"- not checked: {UNCHECKED[decided.basis]}",
        f"- policies: {_cell(decided.bundle.name)}, revision `{_cell(decided.bundle.revision)}`",
        f"- intent: `{proof.intent}`",
        f"- binding: {f'`{proof.binding}`' if proof.binding else 'none'}",
        f"- ledger: {f'entry {decided.entry}, line `{decided.line}`' if decided.entry >= 0 else 'no entry'}",
        *(f"- approval: {_cell(by(a.principal, a.role))}, `{a.id}`" for a in proof.approvals),
        *(f"- evaluation run: `{run}`" for run in proof.evaluations),
        *(f"- waiver: `{waiver}`" for waiver in proof.waivers),
    ]


def _rules_cell(control: Control) -> str:
    return "<br>".join(f"`{rule}` {status.replace('-', ' ')}" for rule, status in control.rules) or "none"


def _proof_cell(control: Control, decided: Decided) -> str:
    proof = decided.proof
    shown = {
        "approvals": [f"approval `{short(a.id)}`" for a in proof.approvals],
        "evaluations": [f"run `{short(run)}`" for run in proof.evaluations],
        "binding": [f"binding `{short(proof.binding)}`"] if proof.binding else [],
        "ledger": [f"ledger entry {decided.entry}"] if decided.entry >= 0 else [],
    }
    there = [text for name in control.proofs for text in shown[name]]
    if any(status != NOT_RUN for _, status in control.rules):
        there.insert(0, "the rules' answers")
    return "<br>".join([*there, *(f"lacking: {text}" for text in control.lacking)]) or "none"


def _cell(text: str) -> str:
    """Text of others inside Markdown: it opens no cell, link, tag or code of its own (attack A73)."""
    escaped = "".join(f"\\{c}" if c in r"\`*_{}[]()#|!~" else c for c in printable(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def controls_json(judged: Sequence[Judged], notes: Iterable[str], framework: str) -> JsonObject:
    """``bspec.controls/v1``."""
    said: list[JsonValue] = [*notes]
    return {
        "schema": "bspec.controls/v1",
        "exit_code": 0,
        "framework": framework,
        "decisions": [_decision(j) for j in judged],
        "notes": said,
    }


def _decision(judged: Judged) -> JsonObject:
    decided = judged.decided
    bundle = decided.bundle
    return {
        "subject": decided.subject,
        "agent": decided.agent,
        "environment": decided.environment,
        "verdict": decided.verdict,
        "at": decided.at,
        "entry": decided.entry,
        "line": decided.line,
        "verified": decided.verified,
        "advisory": decided.advisory,
        "bundle": {"name": bundle.name, "revision": bundle.revision, "digest": bundle.digest},
        "proof": decided.proof.to_json(),
        "controls": [_control(c) for c in judged.controls],
    }


def _control(control: Control) -> JsonObject:
    return {
        "framework": control.framework,
        "id": control.id,
        "title": control.title,
        "state": control.state,
        "rules": [{"id": rule, "status": status} for rule, status in control.rules],
        "lacking": [*control.lacking],
        "evidence": [*control.proofs],
    }

"""An explanation for people, and as ``bspec.explanation/v1``."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.times import format_time
from bspec_opa.gate.request import input_digest
from bspec_opa.report.decision.evaluation_json import VERDICTS as WORDS
from bspec_opa.report.decision.evaluation_json import bundle_json
from bspec_opa.report.decision.lifting import lift_json, lift_lines
from bspec_opa.report.decision.text import VERDICTS, squeeze
from bspec_opa.report.writing.excerpt import excerpt_of
from bspec_opa.report.writing.folding import WIDTH, fold, short
from bspec_opa.report.writing.printable import printable
from bspec_opa.report.writing.style import PLAIN, Style

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bspec_opa.bundle.index import RuleEntry
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.workflow.explain.explanation import ExplainedRule, Explanation, Read, Why
    from bspec_opa.workflow.explain.rego_text import Block
    from bspec_opa.workflow.explain.trace import Seen

KEPT = 2_000
"""Characters of a value that JSON keeps; people see as many as fit on a line."""
_PAD = " " * 12
_COLOURS = {"denied": "red", "pending": "yellow", "warned": "blue", "waived": "dim"}
_MOST_READS = 16
_LEAST = 24


def explanation_json(explanation: Explanation) -> JsonObject:
    """The whole explanation for machines."""
    meant = explanation.meant
    agent, version = meant.agent
    notes: list[JsonValue] = [*meant.notes]
    return {
        "schema": "bspec.explanation/v1",
        "exit_code": 0,
        "decision": meant.name,
        "origin": meant.origin,
        "entry": meant.entry,
        "verdict": WORDS[int(meant.decision.exit_code)],
        "agent": agent,
        "version": version,
        "environment": meant.environment,
        "intent": meant.intent,
        "input_digest": input_digest(meant.request),
        "bundle": bundle_json(meant.policy.ref),
        "opa": {"version": explanation.opa_version, "note": explanation.opa_note},
        "contact": explanation.contact,
        "rules": [_rule_json(r) for r in explanation.rules],
        "to_allow": lift_json(explanation),
        "notes": notes,
    }


def _rule_json(rule: ExplainedRule) -> JsonObject:
    entry = rule.entry
    controls: list[JsonValue] = [*entry.controls]
    return {
        "id": entry.id,
        "code": entry.code,
        "title": entry.title,
        "description": _one_line(entry.description),
        "status": rule.outcome.status,
        "severity": entry.severity,
        "remediation": entry.remediation,
        "controls": controls,
        "docs": docs_of(rule),
        "owner": entry.owner,
        "waivable": entry.waivable,
        "waivers": [*rule.outcome.waivers],
        "effective": format_time(entry.effective_unix) if entry.effective_unix else "",
        "source": _source_json(entry, rule.blocks),
        "reads": [{"reference": r.reference, "value": cut(r.value, KEPT)} for r in rule.reads],
        "findings": [_finding_json(entry, w) for w in rule.findings],
    }


def _finding_json(entry: RuleEntry, why: Why) -> JsonObject:
    evaluated: list[JsonValue] = [*why.evaluated]
    spot = why.spot
    return {
        "status": why.status,
        "message": why.finding.message,
        "path": why.finding.path,
        "file": spot.file if spot else "",
        "line": spot.line if spot else 0,
        "column": spot.column if spot else 0,
        "value": "" if spot else cut(why.value, KEPT),
        "source": _source_json(entry, why.blocks),
        "evaluated": evaluated,
        "saw": [{"line": s.line, "expression": s.text, "value": cut(s.value, KEPT)} for s in why.seen],
    }


def _source_json(entry: RuleEntry, blocks: Sequence[Block]) -> list[JsonValue]:
    return [{"file": entry.path, "start": b.start, "lines": [*b.lines]} for b in blocks]


def docs_of(rule: ExplainedRule) -> str:
    """The page of a shipped rule in the documentation; a team's own rule has none that we know of."""
    return f"docs/rules/{rule.entry.id}.md" if rule.shipped else ""


def cut(value: JsonValue, most: int) -> str:
    """A value as JSON on one line, of which the end is left out where it is long."""
    text = canonical_bytes(value).decode("utf-8", "replace")
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _label(word: str) -> str:
    return f"{word:<{len(_PAD) - 2}}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def render_explanation(explanation: Explanation, *, style: Style = PLAIN) -> str:
    """The whole text, ending with a line break."""
    lines = [_headline(explanation, style), *fold("  ", _circumstances(explanation), 2), ""]
    if not explanation.rules:
        lines += ["  no rule denies, is pending or warns; name one to see what it looked at", ""]
    for rule in explanation.rules:
        lines += [*_rule(rule, explanation, style), ""]
    lines += lift_lines(explanation)
    lines.append("")
    for note in explanation.meant.notes:
        lines += fold(f"  {_label('note')}", printable(note), len(_PAD))
    return "\n".join(squeeze(map(_shown, lines))) + "\n"


def _shown(line: str) -> str:
    return line.rstrip()


def _headline(explanation: Explanation, style: Style) -> str:
    meant = explanation.meant
    word, colour = VERDICTS[meant.decision.exit_code]
    agent, version = meant.agent
    subject = f"{agent} {version} → {meant.environment}" if meant.environment != "none" else f"{agent} {version}"
    return f"{style.mark(word, 'bold', colour)}  {printable(subject)}"


def _circumstances(explanation: Explanation) -> str:
    meant = explanation.meant
    took = {
        "now": "decided now",
        "recorded": f"recorded as ledger entry {meant.entry}, decided again with its own bundle: the same",
        "input": f"the input of {printable(meant.name)}, decided now",
    }
    bundle = f"bundle {printable(meant.policy.ref.name)} {short(meant.policy.ref.digest)}"
    return "; ".join(t for t in (took[meant.origin], bundle, _source_of_values(explanation)) if t)


def _source_of_values(explanation: Explanation) -> str:
    note = printable(explanation.opa_note)
    if not any(r.findings for r in explanation.rules):
        return ""
    if explanation.opa_version:
        return f"values by OPA {explanation.opa_version}" + (f", but not all: {note}" if note else "")
    return f"without an OPA only source and input are shown: {note}"


def _rule(rule: ExplainedRule, explanation: Explanation, style: Style) -> Iterator[str]:
    entry = rule.entry
    yield f"{style.mark(entry.id, 'bold')}  {entry.code}, {entry.severity}"
    about = printable(f"{_one_line(entry.title)}: {_one_line(entry.description)}")
    yield from fold("  ", about, 2)
    yield ""
    told: set[Block] = set()
    for why in rule.findings:
        yield from _why(why, rule, style)
        for block in why.blocks:
            yield from _again(entry, block, why.seen) if block in told else _source(entry, block, why)
            told.add(block)
        yield ""
    if not rule.findings:
        yield f"  {style.mark(_label('passed'), 'green')}nothing was found; this is what it looks for:"
        for block in rule.blocks:
            yield from _source(entry, block, None)
        yield ""
    yield from _reads(rule.reads)
    yield from _about(rule, explanation)


def _why(why: Why, rule: ExplainedRule, style: Style) -> Iterator[str]:
    remedy = printable(rule.entry.remediation)
    label = style.mark(_label(why.status), _COLOURS[why.status])
    yield from fold(f"  {label}", printable(why.finding.message), len(_PAD))
    if why.spot is not None and why.finding.path:
        yield from excerpt_of(why.spot, remedy, _PAD)
    elif why.finding.path:
        yield from _valued(_PAD, why.finding.path, why.value)
        yield from fold(_PAD, remedy, len(_PAD))
    else:
        yield from fold(_PAD, remedy, len(_PAD))


def _again(entry: RuleEntry, block: Block, seen: Sequence[Seen]) -> Iterator[str]:
    """What a block that was shown before saw this time."""
    yield from fold(_PAD, f"{entry.path}:{block.start} again" + (", where it saw" if seen else ""), len(_PAD))
    width = len(str(block.start + len(block.lines)))
    for part in seen:
        yield from _valued(f"{_PAD} {part.line:>{width}} | ", part.text, part.value)


def _valued(head: str, name: str, value: JsonValue) -> Iterator[str]:
    """An expression and what it is, cut where it runs over the edge; JSON has more of it."""
    name = printable(name)
    room = WIDTH - len(head) - len(name) - 3
    if room >= min(_LEAST, len(cut(value, _LEAST))):
        yield f"{head}{name} = {_cut(value, room)}"
        return
    yield from fold(head, f"{name} =", len(head))
    yield f"{' ' * len(head)}{_cut(value, max(_LEAST, WIDTH - len(head)))}"


def _cut(value: JsonValue, most: int) -> str:
    text = printable(cut(value, most))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _source(entry: RuleEntry, block: Block, why: Why | None) -> Iterator[str]:
    """The block with its line numbers; below each condition that held, what it saw."""
    evaluated, seen = (why.evaluated, why.seen) if why else ((), ())
    width = len(str(block.start + len(block.lines)))
    yield f"{_PAD}{entry.path}:{block.start}"
    margin = f"{_PAD} {' ' * width} | "
    for number, line in enumerate(block.lines, block.start):
        mark = ">" if number in evaluated else " "
        first, *more = _code(line, WIDTH - len(margin))
        yield f"{_PAD}{mark}{number:>{width}} | {first}"
        yield from (margin + part for part in more)
        for part in seen:
            if part.line == number:
                yield from _valued(f"{margin}        ", part.text, part.value)


def _code(line: str, room: int) -> list[str]:
    """A line of source; what does not fit goes on below it, further in."""
    text = printable(line.replace("\t", "    "))
    inner = len(text) - len(text.lstrip())
    return fold(" " * inner, text.strip(), inner + 8, width=room)


def _reads(reads: Sequence[Read]) -> Iterator[str]:
    for number, read in enumerate(reads[:_MOST_READS]):
        label = "reads" if number == 0 else ""
        yield from _valued(f"  {_label(label)}", read.reference, read.value)
    if len(reads) > _MOST_READS:
        yield f"{_PAD}… and {len(reads) - _MOST_READS} more (--format json lists them)"


def _about(rule: ExplainedRule, explanation: Explanation) -> Iterator[str]:
    entry = rule.entry
    now = cast("int", explanation.meant.request["now_unix"])
    effective = "always in force"
    if entry.effective_unix:
        when = "in force since" if entry.effective_unix <= now else "its denials are warnings until"
        effective = f"{when} {format_time(entry.effective_unix)}"
    waivable = "can be waived" if entry.waivable else "can't be waived"
    about = {
        "controls": ", ".join(entry.controls),
        "owner": f"{entry.owner}; contact {explanation.contact}",
        "rule": f"{waivable}; {effective}",
        **({"waiver": ", ".join(rule.outcome.waivers)} if rule.outcome.waivers else {}),
        "see": docs_of(rule) or f"{entry.path} of {entry.owner}",
    }
    for label, text in about.items():
        yield from fold(f"  {_label(label)}", printable(text), len(_PAD))

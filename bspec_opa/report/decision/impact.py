"""What a candidate bundle would change, for people and as ``bspec.impact/v1``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import BspecError, ExitCode, worst
from bspec_opa.foundation.times import format_time
from bspec_opa.report.decision.evaluation_json import bundle_json
from bspec_opa.report.decision.text import squeeze
from bspec_opa.report.writing.counting import count
from bspec_opa.report.writing.folding import fold, short
from bspec_opa.report.writing.printable import printable
from bspec_opa.report.writing.problems import problem_list
from bspec_opa.report.writing.style import PLAIN, Style
from bspec_opa.workflow.impact.compared import CHANGED, FIRING, SILENT, VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.workflow.impact.compared import Compared, RuleChange, Said, Side
    from bspec_opa.workflow.impact.impact import Prepared

_COLOURS = {"allowed": "green", "warned": "blue", "pending": "yellow", "denied": "red"}
_KINDS = {FIRING: "newly", SILENT: "no longer", CHANGED: "changed"}
_PAD = " " * 13
_MOST_RULES = 6
_ERROR = f"{'error':<11}"


@dataclass
class Impact:
    """What came of all comparisons.

    Attributes:
        prepared: bundles and inputs.
        fail_on_new_denials: whether one makes the exit code 4.
        compared: in the order of agents and environments.
        errors: inputs that could not be compared.
    """

    prepared: Prepared
    fail_on_new_denials: bool = False
    compared: list[Compared] = field(default_factory=list)
    errors: list[tuple[str, BspecError]] = field(default_factory=list)

    def add(self, name: str, found: Compared | BspecError) -> None:
        """One more input."""
        if isinstance(found, BspecError):
            self.errors.append((name, found))
        else:
            self.compared.append(found)

    @property
    def changed(self) -> list[Compared]:
        """The inputs of which anything differs."""
        return [c for c in self.compared if c.is_changed]

    @property
    def new_denials(self) -> list[Compared]:
        """The inputs that are denied only under the candidate."""
        return [c for c in self.compared if c.new_denial]

    @property
    def exit_code(self) -> ExitCode:
        """The worst of what could not be compared and of what would newly be denied."""
        codes = [e.exit_code for _, e in self.errors]
        codes += [ExitCode.DENIED] if self.fail_on_new_denials and self.new_denials else []
        return worst(codes)

    def verdicts(self) -> list[tuple[str, str, int]]:
        """How many inputs go from which verdict to which."""
        counts = Counter((c.before.verdict, c.after.verdict) for c in self.compared)
        ordered = sorted(counts, key=lambda k: (VERDICTS.index(k[0]), VERDICTS.index(k[1])))
        return [(before, after, counts[before, after]) for before, after in ordered]

    def by_rule(self) -> list[tuple[str, Counter[str]]]:
        """How many inputs each rule says something else of, by the kind of the change."""
        counts: dict[str, Counter[str]] = {}
        for change in (c for one in self.compared for c in one.changes):
            counts.setdefault(change.rule, Counter())[change.kind] += 1
        return sorted(counts.items())


def impact_json(impact: Impact) -> JsonObject:
    """Everything, unchanged inputs included."""
    prepared, sources = impact.prepared, impact.prepared.sources
    notes: list[JsonValue] = [*prepared.notes]
    return {
        "schema": "bspec.impact/v1",
        "exit_code": int(impact.exit_code),
        "against": bundle_json(prepared.against),
        "candidate": bundle_json(prepared.candidate),
        "rules": {
            "added": [*sources.added],
            "removed": [*sources.removed],
            "changed": [*sources.changed],
            "data_changed": sources.data_changed,
        },
        "counts": {
            "compared": len(impact.compared),
            "changed": len(impact.changed),
            "new_denials": len(impact.new_denials),
            "errors": len(impact.errors),
            "older": prepared.chosen.older,
        },
        "verdicts": [{"before": b, "after": a, "inputs": n} for b, a, n in impact.verdicts()],
        "by_rule": [
            {"id": r, "newly_firing": n[FIRING], "no_longer_firing": n[SILENT], "changed": n[CHANGED]}
            for r, n in impact.by_rule()
        ],
        "inputs": [_input_json(c) for c in impact.compared],
        "errors": [{"input": name, "problems": problem_list(e.problems)} for name, e in impact.errors],
        "notes": notes,
    }


def _input_json(one: Compared) -> JsonObject:
    return {
        "input": one.name,
        "agent": one.agent,
        "version": one.version,
        "environment": one.environment,
        "at": format_time(one.at),
        "before": _side_json(one.before),
        "after": _side_json(one.after),
        "new_denial": one.new_denial,
        "voided_waivers": [{"id": i, "rule": r} for i, r in one.voided],
        "changes": [_change_json(c) for c in one.changes],
    }


def _side_json(side: Side) -> JsonObject:
    floor: list[JsonValue] = [*side.floor]
    return {"verdict": side.verdict, "floor": floor}


def _change_json(change: RuleChange) -> JsonObject:
    return {
        "rule": change.rule,
        "severity": change.severity,
        "kind": change.kind,
        "before": change.before,
        "after": change.after,
        "appeared": _said_json(change.appeared),
        "disappeared": _said_json(change.disappeared),
    }


def _said_json(said: Iterable[Said]) -> list[JsonValue]:
    return [{"level": level, "message": message, "path": path} for level, message, path in said]


def render_impact(impact: Impact, *, style: Style = PLAIN) -> str:
    """The counts first, then each changed input by agent and environment, then what could not be compared."""
    lines = [_headline(impact, style), *_bundles(impact.prepared), *_counts(impact), *_rules(impact), ""]
    for (agent, environment), several in groupby(impact.changed, key=lambda c: (c.agent, c.environment)):
        lines.append(style.mark(printable(f"{agent} → {environment}"), "bold"))
        for one in several:
            lines += [*_input(one, style), ""]
    lines += [*_errors(impact, style), ""]
    lines += [line for n in impact.prepared.notes for line in fold("  note       ", printable(n), 13)]
    return "\n".join(squeeze(lines)) + "\n"


def _headline(impact: Impact, style: Style) -> str:
    number, changed = len(impact.new_denials), len(impact.changed)
    if number:
        word, colour = count(number, "NEW DENIAL", "NEW DENIALS"), "red"
    elif impact.errors:
        word, colour = "INCOMPLETE", "red"
    elif changed:
        word, colour = f"{changed} CHANGED", "yellow"
    else:
        word, colour = "NO CHANGE", "green"
    told = f"{count(len(impact.compared), 'input')} compared, {changed} changed"
    failed = f", {len(impact.errors)} could not be compared" if impact.errors else ""
    older = impact.prepared.chosen.older
    aside = f", {older} older set aside (--all)" if older else ""
    return f"{style.mark(word, 'bold', colour)}  {told}{failed}{aside}"


def _bundles(prepared: Prepared) -> Iterator[str]:
    for label, ref in (("against", prepared.against), ("candidate", prepared.candidate)):
        yield f"  {label:<11}{printable(ref.name)} {short(ref.digest)}"
    sources = prepared.sources
    parts = [(sources.added, "new"), (sources.removed, "removed"), (sources.changed, "with another source")]
    told = [f"{count(len(rules), 'rule')} {what}: {_some(rules)}" for rules, what in parts if rules]
    told += ["the organisation's data differs"] if sources.data_changed else []
    for number, text in enumerate(told or ["rules and data are the same"]):
        yield from fold(f"  {'differ' if number == 0 else '':<11}", text, 13)


def _some(rules: Sequence[str]) -> str:
    more = f", … ({len(rules)} in all)" if len(rules) > _MOST_RULES else ""
    return ", ".join(rules[:_MOST_RULES]) + more


def _counts(impact: Impact) -> Iterator[str]:
    for number, (before, after, inputs) in enumerate(impact.verdicts()):
        arrow = f"stay {before}" if before == after else f"{before} → {after}"
        yield f"  {'verdicts' if number == 0 else '':<11}{inputs:>5}  {arrow}"


def _input(one: Compared, style: Style) -> Iterator[str]:
    same = one.before.verdict == one.after.verdict
    after = style.mark(one.after.verdict, _COLOURS[one.after.verdict])
    moved = f"still {after}" if same else f"{one.before.verdict} → {after}"
    yield from fold(f"  {moved}   ", f"{printable(one.version)}, {printable(one.name)} of {format_time(one.at)}", 4)
    for change in one.changes:
        states = "" if change.before == change.after else f"  ({change.before} → {change.after})"
        yield f"    {_KINDS[change.kind]:<11}{change.rule}{states}"
        for mark, said in (("+", change.appeared), ("-", change.disappeared)):
            for _, message, _ in said:
                yield from fold(f"{_PAD}  {mark} ", printable(message), len(_PAD) + 4)
    for code in sorted(set(one.after.floor) - set(one.before.floor)):
        yield f"    {'floor':<11}{code}"
    for waiver, rule in one.voided:
        yield from fold(
            f"    {'void':<11}", f"the waiver {printable(waiver)} was given for another source of {rule}", 15
        )


def _rules(impact: Impact) -> Iterator[str]:
    rows = impact.by_rule()
    width = max((len(rule) for rule, _ in rows), default=0)
    for number, (rule, counts) in enumerate(rows):
        told = ", ".join(f"{counts[k]} {word}" for k, word in _KINDS.items() if counts[k])
        yield f"  {'rules' if number == 0 else '':<11}{rule:<{width}}  {told}"


def _errors(impact: Impact, style: Style) -> Iterator[str]:
    for name, error in impact.errors:
        yield f"  {style.mark(_ERROR, 'red')}{printable(name)}"
        for problem in error.problems:
            yield from fold(_PAD, printable(f"{problem} [{problem.reason.code}]"), len(_PAD))

"""Reads an engine's answer and believes none of it that it can recompute. Pure; fails closed.

An answer becomes a :class:`Decision` only if it is exactly a decision: known contract, our nonce, the expected
revision and data digest, exactly the rules that must run, known words, and no status that contradicts its own
findings. Truthiness is never consulted (attacks A21-A24, A27, A41).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bspec_opa.bundle.contract.decision import DECISION_CONTRACT, answer_schema
from bspec_opa.bundle.contract.definitions import SEVERITIES
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.closed_checker import checker
from bspec_opa.gate.decision import Decision, Finding, Needs, RuleOutcome
from bspec_opa.gate.reasons import CONTRADICTION, RULE_SET, STALE_REVISION, UNUSABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.foundation.canonical import JsonObject, JsonValue

_MEMBERS = frozenset({"contract", "nonce", "revision", "data_digest", "global", "promotion"})
_SILENT: dict[str, JsonObject] = {
    s: {"status": "pass", "severity": s, "deny": [], "pending": [], "warn": [], "waived": [], "waivers": []}
    for s in SEVERITIES
}
_wrong_in = checker(answer_schema())
Waives = tuple[str, str, str, str]
"""What a verified waiver names: its record id, the rule, the finding's JSON Pointer and message."""


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """What the bundle's index says of a rule: its severity, whether it may be waived, what it may be pending on."""

    severity: str
    waivable: bool
    pending: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an answer must show before it is read.

    Attributes:
        nonce: the input's nonce.
        revision: the accepted bundle's revision.
        data_digest: the accepted bundle's data digest.
        global_rules: exactly the global rules that must run.
        promotion_rules: exactly the promotion rules that must run.
        rules: the index's facts for each of them.
        waivers: what the waivers that were verified and sent name: record id, rule, JSON Pointer, message.
    """

    nonce: str
    revision: str
    data_digest: str
    global_rules: frozenset[str]
    promotion_rules: frozenset[str]
    rules: Mapping[str, RuleFacts]
    waivers: frozenset[Waives] = field(default_factory=frozenset)


def judge(answer: JsonValue, expected: Expectation) -> Decision:
    """The decision that an answer is.

    Raises:
        TrustError: another revision or other data decided (exit 7).
        EngineError: the answer is anything but exactly a decision (exit 8).
    """
    decision = _envelope(answer, expected)
    outcomes: list[RuleOutcome] = []
    for part, ids in (("global", expected.global_rules), ("promotion", expected.promotion_rules)):
        rules = _rule_set(decision[part], part, ids)
        outcomes.extend(_outcome(i, rules[i], expected) for i in sorted(ids))
    if not outcomes:
        raise RULE_SET.error("no rule ran at all", hint="use a bundle that holds rules")
    return Decision(tuple(outcomes))


def _envelope(answer: JsonValue, expected: Expectation) -> JsonObject:
    if not isinstance(answer, dict) or answer.keys() != _MEMBERS:
        raise UNUSABLE.error("the answer is not a decision object", hint="check the decision path and the bundle")
    if answer["contract"] != DECISION_CONTRACT:
        raise UNUSABLE.error(f"the decision's contract is not {DECISION_CONTRACT}", hint="use a matching bundle")
    if answer["nonce"] != expected.nonce:
        raise UNUSABLE.error("the decision answers another question: the nonce differs")
    for name, wanted in (("revision", expected.revision), ("data_digest", expected.data_digest)):
        if answer[name] != wanted:
            raise STALE_REVISION.error(
                f"the decision was taken with another bundle {name.replace('_', ' ')} than the accepted one",
                hint="load the accepted bundle into the engine",
            )
    return answer


def _rule_set(rules: JsonValue, part: str, ids: frozenset[str]) -> JsonObject:
    if not isinstance(rules, dict):
        raise UNUSABLE.error(f"the decision's {part} part is not an object")
    if rules.keys() != ids:
        missing, extra = sorted(ids - rules.keys()), sorted(rules.keys() - ids)
        parts = [f"missing {', '.join(missing)}"] if missing else []
        parts += [f"unexpected {', '.join(extra)}"[:400]] if extra else []
        raise RULE_SET.error(f"the {part} rules that ran are not those that must run: {'; '.join(parts)}")
    return rules


def _outcome(rule_id: str, answer: JsonValue, expected: Expectation) -> RuleOutcome:
    facts = expected.rules[rule_id]
    silent = _SILENT.get(facts.severity)
    if silent is not None and answer == silent:  # as most are: there is nothing left to check
        return RuleOutcome(rule_id, "pass", facts.severity)
    wrong = _wrong_in(answer)
    if wrong or not isinstance(answer, dict):
        where = f"{rule_id}{wrong[0].pointer} {wrong[0].message}" if wrong else rule_id
        raise UNUSABLE.error(f"malformed answer: {where}")
    outcome = RuleOutcome(
        id=rule_id,
        status=str(answer["status"]),
        severity=str(answer["severity"]),
        denied=_findings(answer["deny"], rule_id),
        pending=_findings(answer["pending"], rule_id),
        warned=_findings(answer["warn"], rule_id),
        waived=_findings(answer["waived"], rule_id),
        waivers=tuple(sorted(str(w) for w in _items(answer["waivers"]))),
    )
    _consistent(outcome, facts, expected.waivers)
    return outcome


def _items(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _findings(value: JsonValue, rule_id: str) -> tuple[Finding, ...]:
    """Findings, sorted: sets come back from WebAssembly unsorted. A set has no equal members."""
    items = _items(value)
    if len(items) < 2:  # noqa: PLR2004 - nothing to sort
        return tuple(map(_finding, items))
    texts = [canonical_bytes(item) for item in items]
    if len(set(texts)) != len(texts):
        raise CONTRADICTION.error(f"{rule_id} lists the same finding twice")
    return tuple(_finding(item) for _, item in sorted(zip(texts, items, strict=True), key=lambda p: p[0]))


def _finding(item: JsonValue) -> Finding:
    assert isinstance(item, dict)  # noqa: S101 - the closed schema was checked before
    needs = item.get("needs")
    found = Needs(**needs) if isinstance(needs, dict) else None  # type: ignore[arg-type]
    return Finding(str(item["msg"]), str(item["path"]), found)


def _consistent(outcome: RuleOutcome, facts: RuleFacts, waivers: frozenset[Waives]) -> None:
    """Recompute what can be recomputed; a contradiction denies."""
    wanted = _status(outcome)
    if outcome.status != wanted:
        raise CONTRADICTION.error(f"{outcome.id} says {outcome.status} where its findings say {wanted}")
    if outcome.severity != facts.severity:
        raise CONTRADICTION.error(f"{outcome.id} has severity {outcome.severity}, not {facts.severity}")
    explained = tuple(f for f in outcome.denied if f.needs is not None and f.needs.kind == facts.pending)
    if outcome.pending != explained:
        raise CONTRADICTION.error(f"{outcome.id} lists as pending what its denials do not explain")
    if any(f.needs is not None and f.needs.kind != facts.pending for f in outcome.denied):
        raise CONTRADICTION.error(f"{outcome.id} needs what its METADATA does not announce")
    if (outcome.waived or outcome.waivers) and not (facts.waivable and _covered(outcome, waivers)):
        raise CONTRADICTION.error(f"{outcome.id} waives what no verified waiver covers")


def _covered(outcome: RuleOutcome, waivers: frozenset[Waives]) -> bool:
    """Whether every waived finding is named by a waiver that is said to lift it, and each of these names one."""
    lifted = {(f.path, f.message) for f in outcome.waived}
    named = {(i, p, m) for i, rule, p, m in waivers if rule == outcome.id and i in outcome.waivers and (p, m) in lifted}
    return {(p, m) for _, p, m in named} == lifted and {i for i, _, _ in named} == set(outcome.waivers)


def _status(outcome: RuleOutcome) -> str:
    if outcome.denied:
        return "deny"
    if outcome.warned:
        return "warn"
    return "waived" if outcome.waived else "pass"

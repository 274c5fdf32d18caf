"""An intent as policies see it: the ``intent`` and ``requirements`` parts of the OPA input. Pure.

Defaults are filled, limits that nobody set have their neutral value, and everything that a rule may complain about
carries ``path``, the JSON Pointer into the document as authored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import escape
from bspec_opa.foundation.times import parse_duration, parse_time
from bspec_opa.intent.governance import seconds
from bspec_opa.intent.ranges import parse_range
from bspec_opa.intent.surface import reversibility_of
from bspec_opa.intent.vocabulary import ANY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.intent.load import LoadedIntent
    from bspec_opa.intent.model import (
        ApprovalRule,
        Constraints,
        EvidenceRule,
        Freeze,
        Intent,
        Metadata,
        ModelClass,
        Promotion,
        ScopeItem,
        Tool,
    )

NO_PASS_RATE = 0
NO_ATTACK_RATE = 10_000


def declares(intent: Intent, tool: str, operation: str) -> bool:
    """Whether an intent declares an operation of a tool; ``"*"`` declares every one."""
    return any(t.id == tool and (operation in t.operations or ANY in t.operations) for t in intent.tools)


def intent_input(loaded: LoadedIntent, now: int) -> JsonObject:
    """The ``intent`` part of the OPA input.

    Args:
        loaded: the intent.
        now: the moment of the decision, in Unix seconds; only freezes depend on it.
    """
    intent = loaded.intent
    return {
        "digest": loaded.digest,
        "schema": intent.schema_,
        "metadata": _metadata(intent.metadata),
        "purpose": intent.purpose,
        "risk": {"tier": intent.risk.tier, "exposure": intent.risk.exposure, "regimes": [*intent.risk.regimes]},
        "scope": {"in": _scope(intent.scope.in_, "/scope/in"), "out": _scope(intent.scope.out, "/scope/out")},
        "tools": [_tool(tool, f"/tools/{i}") for i, tool in enumerate(intent.tools)],
        "models": {
            "routing": intent.models.routing,
            "classes": [_model_class(c, f"/models/classes/{i}") for i, c in enumerate(intent.models.classes)],
        },
        "components": [
            {"id": c.id, "kind": c.kind, "path": f"/components/{i}"} for i, c in enumerate(intent.components)
        ],
        "constraints": _constraints(intent.constraints),
        "promotion": [_promotion(name, rules, now) for name, rules in sorted(intent.promotion.items())],
    }


def risk_input(loaded: LoadedIntent) -> JsonObject:
    """What of an intent's risk the next change is still judged by, as ``requirements`` have it."""
    return {"tier": loaded.intent.risk.tier, "exposure": loaded.intent.risk.exposure}


def promotion_input(loaded: LoadedIntent, environment: str, now: int) -> JsonObject | None:
    """What an intent demands for one environment, as ``requirements`` have it; None if it has no rules for it."""
    rules = loaded.intent.promotion.get(environment)
    return None if rules is None else _promotion(environment, rules, now)


def _metadata(metadata: Metadata) -> JsonObject:
    labels: list[JsonValue] = [{"key": key, "value": value} for key, value in sorted(metadata.labels.items())]
    return {"id": metadata.id, "version": metadata.version, "owner": metadata.owner, "labels": labels}


def _scope(items: Iterable[ScopeItem], at: str) -> list[JsonValue]:
    return [
        {"id": item.id, "path": f"{at}/{i}", "statement": item.statement, "actions": [*item.actions]}
        for i, item in enumerate(items)
    ]


def _tool(tool: Tool, at: str) -> JsonObject:
    return {
        "id": tool.id,
        "path": at,
        "class": tool.class_,
        "range": {"text": tool.version, "bounded": parse_range(tool.version).bounded},
        "privilege": tool.privilege,
        "operations": [*tool.operations],
        "wildcard": ANY in tool.operations,
        "data": tool.data,
        "reversibility": reversibility_of(tool),
        "confirmation": tool.confirmation,
        "world": tool.world,
        "serves": [*tool.serves],
    }


def _model_class(entry: ModelClass, at: str) -> JsonObject:
    providers: list[JsonValue] = [*entry.providers]
    return {"id": entry.id, "path": at, "role": entry.role, "providers": providers, "regions": [*entry.regions]}


def _constraints(constraints: Constraints) -> JsonObject:
    data, logging, limits = constraints.data, constraints.logging, constraints.limits
    return {
        "data": {"max": data.max, "categories": [*data.categories], "residency": [*data.residency]},
        "memory": constraints.memory.policy,
        "logging": {
            "level": logging.level,
            "retention_days": logging.retention_days,
            "redact": [*logging.redact],
        },
        "limits": {
            "request_seconds": limits.request_seconds,
            "task_seconds": limits.task_seconds,
            "max_steps": limits.max_steps,
        },
        "network": {"egress": constraints.network.egress, "hosts": [*constraints.network.hosts]},
        "output": {"forbid": [*constraints.output.forbid]},
        "delegation": [*constraints.delegation],
        "self_modification": constraints.self_modification,
    }


def _promotion(environment: str, rules: Promotion, now: int) -> JsonObject:
    at = f"/promotion/{escape(environment)}"
    return {
        "environment": environment,
        "path": at,
        "approvals": _approvals(rules.approvals, f"{at}/approvals"),
        "on_expansion": _approvals(rules.on_expansion, f"{at}/on_expansion"),
        "separation": [*rules.separation],
        "approval_ttl_seconds": seconds(rules.approval_ttl),
        "evidence": [_evidence(rule, f"{at}/evidence/{i}") for i, rule in enumerate(rules.evidence)],
        "soak_seconds": 0 if rules.soak is None else parse_duration(rules.soak.duration),
        "frozen": any(_freezes(freeze, now) for freeze in rules.freeze),
        "rollback": _rollback(rules, f"{at}/rollback"),
    }


def _rollback(rules: Promotion, at: str) -> list[JsonValue]:
    """What a rollback needs; none where it needs what a promotion needs, from a lock line of any age."""
    if rules.rollback is None:
        return []
    approvals = _approvals(rules.rollback.approvals, f"{at}/approvals")
    return [{"approvals": approvals, "max_lock_age_seconds": seconds(rules.rollback.max_lock_age), "path": at}]


def _approvals(rules: Iterable[ApprovalRule], at: str) -> list[JsonValue]:
    return [{"role": rule.role, "count": rule.count, "path": f"{at}/{i}"} for i, rule in enumerate(rules)]


def _evidence(rule: EvidenceRule, at: str) -> JsonObject:
    return {
        "question": rule.question,
        "method": rule.method,
        "min_cases": rule.min_cases,
        "min_pass_bp": NO_PASS_RATE if rule.min_pass_bp is None else rule.min_pass_bp,
        "max_asr_bp": NO_ATTACK_RATE if rule.max_asr_bp is None else rule.max_asr_bp,
        "confidence_bp": rule.confidence_bp,
        "independent": rule.independent,
        "max_age_seconds": seconds(rule.max_age),
        "path": at,
    }


def _freezes(freeze: Freeze, now: int) -> bool:
    return parse_time(freeze.from_) <= now < parse_time(freeze.to)

"""What no schema says: checks over more than one field of an intent. Pure; located problems, in source order."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bspec_opa.foundation.closed_schema import escape
from bspec_opa.foundation.document.text import shown
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.times import parse_duration, parse_time
from bspec_opa.intent import vocabulary as v
from bspec_opa.intent.ranges import parse_range
from bspec_opa.intent.reasons import (
    ANY_NOT_ALONE,
    BLANK_TEXT,
    DANGLING_SERVES,
    DUPLICATE_ID,
    DUPLICATE_VALUE,
    EVIDENCE_QUESTION,
    EVIDENCE_THRESHOLD,
    FREEZE,
    NETWORK,
    OVERLAY_WIDENS,
    RESERVED_ENVIRONMENT,
    ROUTING,
    UNSATISFIABLE,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bspec_opa.foundation.document.document import Document
    from bspec_opa.foundation.errors import Problem, Reason
    from bspec_opa.intent.model import EvidenceRule, Freeze, Intent, Network, NetworkOverlay, Part, Promotion

_RESERVED = ("none", "all")
_PERFECT = 10_000
_ROUTINGS = {
    "single-model": "single-model takes exactly one model class, with role primary",
    "fallback": "fallback takes one primary model class, the others with role fallback",
    "heterogeneous": "heterogeneous takes at least one model class with role primary",
}


class _Check:
    """Collects the problems of one document; places are JSON Pointers."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.found: list[Problem] = []

    def add(self, reason: Reason, at: str, message: str, hint: str = "", *, key: bool = False) -> None:
        self.found.append(reason.problem(message, hint=hint, at=self._document.locate(at, key=key)))


def inconsistencies(intent: Intent, document: Document) -> list[Problem]:
    """The problems of an intent that fits the model, in the order of the source."""
    check = _Check(document)
    _texts(check, intent)
    _ids(check, intent)
    _sets(check, intent, "")
    _tools(check, intent)
    _routing(check, intent)
    network = intent.constraints.network
    _network(check, network.egress, network.hosts, "/constraints/network")
    for environment, rules in intent.promotion.items():
        at = f"/promotion/{escape(environment)}"
        _promotion(check, environment, rules, at)
        if rules.constraints is not None and rules.constraints.network is not None:
            _network(check, *_narrowed(network, rules.constraints.network), f"{at}/constraints/network")
    if not check.found:
        _overlays(check, intent)
    return sorted(check.found, key=_place)


def _place(problem: Problem) -> tuple[int, int]:
    at = problem.location
    return (0, 0) if at is None else (at.line or 0, at.column or 0)


def _texts(check: _Check, intent: Intent) -> None:
    statements = [("/purpose", intent.purpose)]
    for side, items in (("in", intent.scope.in_), ("out", intent.scope.out)):
        statements += [(f"/scope/{side}/{i}/statement", item.statement) for i, item in enumerate(items)]
    for at, text in statements:
        if not text.strip():
            check.add(BLANK_TEXT, at, "the text is blank", "say what is meant")


def _ids(check: _Check, intent: Intent) -> None:
    scope = [(f"/scope/in/{i}/id", item.id) for i, item in enumerate(intent.scope.in_)]
    scope += [(f"/scope/out/{i}/id", item.id) for i, item in enumerate(intent.scope.out)]
    _unique(check, "scope", scope)
    _unique(check, "tools", [(f"/tools/{i}/id", t.id) for i, t in enumerate(intent.tools)])
    _unique(check, "models.classes", [(f"/models/classes/{i}/id", c.id) for i, c in enumerate(intent.models.classes)])
    _unique(check, "components", [(f"/components/{i}/id", c.id) for i, c in enumerate(intent.components)])


def _unique(check: _Check, where: str, ids: Iterable[tuple[str, str]]) -> None:
    seen = set()
    for at, name in ids:
        if name in seen:
            check.add(DUPLICATE_ID, at, f"{where} has {shown(name)} twice", "keep one or rename it")
        seen.add(name)


def _sets(check: _Check, part: Part, at: str) -> None:
    """Every list of words in the whole document is a set, and ``"*"`` stands in it alone."""
    for name, member in _members(type(part)):
        value = getattr(part, name)
        if value is None or isinstance(value, (str, int)):
            continue
        here = f"{at}/{member}"
        if isinstance(value, tuple):
            _list(check, value, here)
        elif isinstance(value, dict):
            for key, item in value.items():
                if not isinstance(item, str):
                    _sets(check, item, f"{here}/{escape(key)}")
        else:
            _sets(check, value, here)


@cache
def _members(part: type[Part]) -> tuple[tuple[str, str], ...]:
    """The attributes of a part, and what they are called in a document."""
    return tuple((name, field.alias or name) for name, field in part.model_fields.items())


def _list(check: _Check, values: tuple[str | Part, ...], at: str) -> None:
    for index, value in enumerate(values):
        if not isinstance(value, str):
            _sets(check, value, f"{at}/{index}")
        elif value in values[:index]:
            check.add(DUPLICATE_VALUE, f"{at}/{index}", f"{shown(value)} is already in the list", "keep one")
        elif value == v.ANY and len(values) > 1:
            check.add(ANY_NOT_ALONE, f"{at}/{index}", '"*" means every one', 'write ["*"] or the names alone')


def _tools(check: _Check, intent: Intent) -> None:
    scope = [item.id for item in intent.scope.in_]
    for index, tool in enumerate(intent.tools):
        at = f"/tools/{index}"
        try:
            parse_range(tool.version)
        except BspecError as e:
            for problem in e.problems:
                check.add(problem.reason, f"{at}/version", problem.message, problem.hint)
        for place, name in enumerate(tool.serves):
            if name not in scope:
                message = f"scope.in has no entry {shown(name)}"
                check.add(DANGLING_SERVES, f"{at}/serves/{place}", message, _known(name, scope))


def _known(name: str, names: Sequence[str]) -> str:
    from bspec_opa.foundation.suggest import did_you_mean

    return did_you_mean(name, names)


def _routing(check: _Check, intent: Intent) -> None:
    roles = [c.role for c in intent.models.classes]
    fits = {
        "single-model": roles == ["primary"],
        "fallback": roles.count("primary") == 1 and set(roles) == {"primary", "fallback"},
        "heterogeneous": "primary" in roles,
    }
    if not fits[intent.models.routing]:
        check.add(ROUTING, "/models/routing", _ROUTINGS[intent.models.routing])


def _network(check: _Check, egress: v.Egress, hosts: Sequence[str], at: str) -> None:
    if hosts and egress != "allowlist":
        check.add(NETWORK, f"{at}/hosts", f"egress {egress} takes no hosts", "set egress: allowlist", key=True)
    if egress == "allowlist" and not hosts:
        check.add(NETWORK, f"{at}/egress", "egress allowlist needs hosts", "list them, or set egress: none")


def _narrowed(general: Network, overlay: NetworkOverlay) -> tuple[v.Egress, Sequence[str]]:
    """Egress and hosts of an environment; hosts that only the general constraints name fall away with egress."""
    egress = overlay.egress or general.egress
    inherited = general.hosts if egress == "allowlist" else ()
    return egress, inherited if overlay.hosts is None else overlay.hosts


def _promotion(check: _Check, environment: str, rules: Promotion, at: str) -> None:
    if environment in _RESERVED or environment.startswith(v.EXTENSION):
        check.add(RESERVED_ENVIRONMENT, at, f"{shown(environment)} can't be an environment", "rename it", key=True)
    _roles(check, rules, at)
    for index, rule in enumerate(rules.evidence):
        _evidence(check, rule, f"{at}/evidence/{index}")
    asked = {rule.question for rule in rules.evidence}
    missing = [q for q in v.QUESTIONS if q not in asked]
    if missing:
        message = f"{shown(environment)} demands no evidence for {', '.join(missing)}"
        check.add(EVIDENCE_QUESTION, f"{at}/evidence", message, "evidence is never optional", key=True)
    _lasting(check, rules.approval_ttl, f"{at}/approval_ttl")
    if rules.rollback is not None:
        _lasting(check, rules.rollback.max_lock_age, f"{at}/rollback/max_lock_age")
    for index, freeze in enumerate(rules.freeze):
        _freeze(check, freeze, f"{at}/freeze/{index}")


def _roles(check: _Check, rules: Promotion, at: str) -> None:
    lists = {"approvals": rules.approvals, "on_expansion": rules.on_expansion}
    if rules.rollback is not None:
        lists["rollback/approvals"] = rules.rollback.approvals
    for name, approvals in lists.items():
        places = [(f"{at}/{name}/{i}/role", a.role) for i, a in enumerate(approvals)]
        _unique(check, name.replace("/", "."), places)


def _evidence(check: _Check, rule: EvidenceRule, at: str) -> None:
    if (rule.min_pass_bp is None) == (rule.max_asr_bp is None):
        how = "no threshold" if rule.min_pass_bp is None else "two thresholds"
        check.add(EVIDENCE_THRESHOLD, at, f"the requirement has {how}", "write either min_pass_bp or max_asr_bp")
    elif rule.confidence_bp and (rule.min_pass_bp == _PERFECT or rule.max_asr_bp == 0):
        name = "min_pass_bp" if rule.min_pass_bp is not None else "max_asr_bp"
        message = f"{name} is perfect, and no number of cases proves that with confidence {rule.confidence_bp}"
        check.add(UNSATISFIABLE, f"{at}/{name}", message, "lower the threshold or set confidence_bp: 0")
    _lasting(check, rule.max_age, f"{at}/max_age")


def _lasting(check: _Check, duration: str | None, at: str) -> None:
    if duration is not None and parse_duration(duration) == 0:
        check.add(UNSATISFIABLE, at, f"nothing is younger than {duration}", "write a longer duration")


def _freeze(check: _Check, freeze: Freeze, at: str) -> None:
    times = []
    for name, text in (("from", freeze.from_), ("to", freeze.to)):
        try:
            times.append(parse_time(text))
        except BspecError as e:
            check.add(FREEZE, f"{at}/{name}", e.problems[0].message, e.problems[0].hint)
    if len(times) == 2 and times[0] >= times[1]:  # noqa: PLR2004 - from and to
        check.add(FREEZE, f"{at}/to", "the freeze ends before it begins", "let from be earlier than to")


def _overlays(check: _Check, intent: Intent) -> None:
    if all(rules.constraints is None for rules in intent.promotion.values()):
        return
    from bspec_opa.intent.order import widened_by_overlays

    for environment, tokens, what in widened_by_overlays(intent):
        at = "".join(f"/{escape(token)}" for token in tokens)
        message = f"{shown(environment)} allows more than the general constraints: {what}"
        check.add(OVERLAY_WIDENS, at, message, "an overlay may only narrow")

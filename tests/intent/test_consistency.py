from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from intents import Json, edited, example, full, intents, reasons

from bspec_opa.intent.load import check_document

if TYPE_CHECKING:
    from collections.abc import Callable


def staging(document: Json) -> Any:
    return document["promotion"]["staging"]


def production(document: Json) -> Any:
    return document["promotion"]["production"]


def tool(document: Json) -> Any:
    return document["tools"][0]


def evidence(document: Json) -> Any:
    return staging(document)["evidence"][0]


def routed(routing: str, *roles: str) -> Callable[[Json], object]:
    classes = [{"id": f"model-{i}", "role": role} for i, role in enumerate(roles)]
    return lambda d: d["models"].update(routing=routing, classes=classes)


def network(**members: object) -> Callable[[Json], object]:
    return lambda d: d["constraints"].update(network=members)


def overlay(**members: object) -> Callable[[Json], object]:
    return lambda d: staging(d).update(constraints=members)


PROBLEMS: dict[str, tuple[Any, str, str]] = {
    "a blank purpose": (lambda d: d.update(purpose="  "), "intent.blank-text", "the text is blank"),
    "a blank statement": (
        lambda d: d["scope"]["out"][0].update(statement="\n "),
        "intent.blank-text",
        "the text is blank",
    ),
    "one id in and out of scope": (
        lambda d: d["scope"]["out"][0].update(id="explain-invoices"),
        "intent.duplicate-id",
        'scope has "explain-invoices" twice',
    ),
    "a tool twice": (lambda d: d["tools"].append(tool(d)), "intent.duplicate-id", 'tools has "billing_read_api" twice'),
    "a component twice": (
        lambda d: d["components"].append({"id": "system-prompt", "kind": "skill"}),
        "intent.duplicate-id",
        'components has "system-prompt" twice',
    ),
    "a model class twice": (
        lambda d: d["models"].update(
            routing="heterogeneous", classes=[{"id": "m", "role": "primary"}, {"id": "m", "role": "subtask"}]
        ),
        "intent.duplicate-id",
        'models.classes has "m" twice',
    ),
    "a role twice": (
        lambda d: staging(d)["approvals"].append({"role": "environment-admin", "count": 2}),
        "intent.duplicate-id",
        'approvals has "environment-admin" twice',
    ),
    "a role twice on expansion": (
        lambda d: production(d)["on_expansion"].append({"role": "risk-owner", "count": 2}),
        "intent.duplicate-id",
        'on_expansion has "risk-owner" twice',
    ),
    "a role twice for a rollback": (
        lambda d: staging(d).update(rollback={"approvals": [{"role": "a", "count": 1}, {"role": "a", "count": 2}]}),
        "intent.duplicate-id",
        'rollback.approvals has "a" twice',
    ),
    "an action twice": (
        lambda d: d["scope"]["in"][0]["actions"].append("read:invoice"),
        "intent.duplicate-value",
        '"read:invoice" is already in the list',
    ),
    "an operation twice": (
        lambda d: tool(d).update(operations=["a", "b", "a"]),
        "intent.duplicate-value",
        '"a" is already in the list',
    ),
    "a host twice": (
        network(egress="allowlist", hosts=["a", "a"]),
        "intent.duplicate-value",
        '"a" is already in the list',
    ),
    "a separation twice": (
        lambda d: staging(d).update(separation=["author", "author"]),
        "intent.duplicate-value",
        '"author" is already in the list',
    ),
    "a value twice in an overlay": (
        overlay(data={"categories": ["pii", "pii"]}),
        "intent.duplicate-value",
        '"pii" is already in the list',
    ),
    "every operation and others": (
        lambda d: tool(d).update(operations=["a", "*"]),
        "intent.any-not-alone",
        '"*" means every one',
    ),
    "every provider and others": (
        lambda d: d["models"]["classes"][0].update(providers=["*", "acme"]),
        "intent.any-not-alone",
        '"*" means every one',
    ),
    "every region and others": (
        lambda d: d["constraints"]["data"].update(residency=["*", "eu"]),
        "intent.any-not-alone",
        '"*" means every one',
    ),
    "a dangling scope id": (
        lambda d: tool(d).update(serves=["explain-invoice"]),
        "intent.dangling-serves",
        'scope.in has no entry "explain-invoice"',
    ),
    "a tool for what is out of scope": (
        lambda d: tool(d).update(serves=["refunds"]),
        "intent.dangling-serves",
        'scope.in has no entry "refunds"',
    ),
    "two models for single-model": (
        routed("single-model", "primary", "fallback"),
        "intent.routing",
        "single-model takes exactly one model class, with role primary",
    ),
    "single-model without a primary": (
        routed("single-model", "subtask"),
        "intent.routing",
        "single-model takes exactly one model class, with role primary",
    ),
    "fallback without one": (
        routed("fallback", "primary"),
        "intent.routing",
        "fallback takes one primary model class, the others with role fallback",
    ),
    "fallback with a subtask": (
        routed("fallback", "primary", "fallback", "subtask"),
        "intent.routing",
        "fallback takes one primary model class, the others with role fallback",
    ),
    "fallback with two primaries": (
        routed("fallback", "primary", "primary", "fallback"),
        "intent.routing",
        "fallback takes one primary model class, the others with role fallback",
    ),
    "heterogeneous without a primary": (
        routed("heterogeneous", "subtask", "subtask"),
        "intent.routing",
        "heterogeneous takes at least one model class with role primary",
    ),
    "hosts without egress": (network(egress="none", hosts=["a"]), "intent.network", "egress none takes no hosts"),
    "hosts beside every host": (network(egress="open", hosts=["a"]), "intent.network", "egress open takes no hosts"),
    "an empty allowlist": (network(egress="allowlist"), "intent.network", "egress allowlist needs hosts"),
    "an overlay's empty allowlist": (overlay(network={"hosts": []}), "intent.network", "egress allowlist needs hosts"),
    "an overlay's hosts without egress": (
        overlay(network={"egress": "none", "hosts": ["billing.internal"]}),
        "intent.network",
        "egress none takes no hosts",
    ),
    "a range of another dialect": (
        lambda d: tool(d).update(version="^2.0"),
        "intent.range-syntax",
        '"^2.0" is not a version range',
    ),
    "an empty range": (
        lambda d: tool(d).update(version=">=3,<2"),
        "intent.range-empty",
        'no release satisfies ">=3,<2"',
    ),
    "environment none": (
        lambda d: d["promotion"].update(none=d["promotion"].pop("staging")),
        "intent.reserved-environment",
        '"none" can\'t be an environment',
    ),
    "environment all": (
        lambda d: d["promotion"].update(all=d["promotion"].pop("staging")),
        "intent.reserved-environment",
        '"all" can\'t be an environment',
    ),
    "an environment like an extension": (
        lambda d: d["promotion"].update({"x-canary": d["promotion"].pop("staging")}),
        "intent.reserved-environment",
        '"x-canary" can\'t be an environment',
    ),
    "no threshold": (
        lambda d: evidence(d).pop("min_pass_bp"),
        "intent.evidence-threshold",
        "the requirement has no threshold",
    ),
    "two thresholds": (
        lambda d: evidence(d).update(max_asr_bp=100),
        "intent.evidence-threshold",
        "the requirement has two thresholds",
    ),
    "a perfect pass rate with confidence": (
        lambda d: evidence(d).update(min_pass_bp=10000, confidence_bp=9500),
        "intent.unsatisfiable",
        "min_pass_bp is perfect, and no number of cases proves that with confidence 9500",
    ),
    "no attack at all with confidence": (
        lambda d: production(d)["evidence"][0].update(max_asr_bp=0, confidence_bp=9000),
        "intent.unsatisfiable",
        "max_asr_bp is perfect, and no number of cases proves that with confidence 9000",
    ),
    "evidence of no age": (
        lambda d: evidence(d).update(max_age="P0D"),
        "intent.unsatisfiable",
        "nothing is younger than P0D",
    ),
    "an approval that never holds": (
        lambda d: staging(d).update(approval_ttl="PT0H"),
        "intent.unsatisfiable",
        "nothing is younger than PT0H",
    ),
    "a rollback to lock lines of no age": (
        lambda d: staging(d).update(rollback={"approvals": [{"role": "a", "count": 1}], "max_lock_age": "P0D"}),
        "intent.unsatisfiable",
        "nothing is younger than P0D",
    ),
    "a question that nobody asks": (
        lambda d: staging(d)["evidence"].pop(1),
        "intent.evidence-question",
        '"staging" demands no evidence for privilege',
    ),
    "two questions that nobody asks": (
        lambda d: staging(d).update(evidence=staging(d)["evidence"][1:2]),
        "intent.evidence-question",
        '"staging" demands no evidence for boundary, constraint',
    ),
    "a freeze that ends before it begins": (
        lambda d: production(d)["freeze"][0].update(to="2026-12-19T23:59:59Z"),
        "intent.freeze",
        "the freeze ends before it begins",
    ),
    "a freeze of no length": (
        lambda d: production(d)["freeze"][0].update(to="2026-12-20T00:00:00Z"),
        "intent.freeze",
        "the freeze ends before it begins",
    ),
    "a freeze from no existing day": (
        lambda d: production(d)["freeze"][0].update({"from": "2026-02-30T00:00:00Z"}),
        "intent.freeze",
        "2026-02-30T00:00:00Z does not exist",
    ),
    "an overlay with more data": (
        overlay(data={"max": "restricted"}),
        "intent.overlay-widens",
        '"staging" allows more than the general constraints: data maximum goes from confidential to restricted',
    ),
    "an overlay with another host": (
        overlay(network={"hosts": ["billing.internal", "b.example"]}),
        "intent.overlay-widens",
        '"staging" allows more than the general constraints: network host b.example added',
    ),
    "an overlay with shorter retention": (
        overlay(logging={"retention_days": 364}),
        "intent.overlay-widens",
        '"staging" allows more than the general constraints: log retention goes from 365 to 364 days',
    ),
    "an overlay that redacts less": (
        overlay(logging={"redact": []}),
        "intent.overlay-widens",
        '"staging" allows more than the general constraints: log redaction pii removed',
    ),
    "an overlay that modifies itself": (
        overlay(self_modification=True),
        "intent.overlay-widens",
        '"staging" allows more than the general constraints: self-modification allowed',
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_exactly_this_problem(name: str) -> None:
    edit, code, message = PROBLEMS[name]
    assert reasons(edited(edit)) == [(code, message)]


PLACES = {
    "a tool twice": "/tools/1/id",
    "an operation twice": "/tools/0/operations/2",
    "a dangling scope id": "/tools/0/serves/0",
    "an empty range": "/tools/0/version",
    "no threshold": "/promotion/staging/evidence/0",
    "a freeze of no length": "/promotion/production/freeze/0/to",
    "an overlay with more data": "/promotion/staging/constraints/data/max",
    "an overlay with another host": "/promotion/staging/constraints/network/hosts",
    "a blank statement": "/scope/out/0/statement",
    "two models for single-model": "/models/routing",
}
KEYS = {
    "environment none": "/promotion/none",
    "a question that nobody asks": "/promotion/staging/evidence",
    "hosts without egress": "/constraints/network/hosts",
}


@pytest.mark.parametrize("name", [*PLACES, *KEYS])
def test_problems_are_located(name: str) -> None:
    from bspec_opa.foundation.document.load import load_document

    data = json.dumps(edited(PROBLEMS[name][0]), indent=1).encode()
    place = load_document(data, "f").locate(PLACES.get(name) or KEYS[name], key=name in KEYS)
    assert [p.location for p in check_document(data, "f")] == [place]


def test_every_problem_of_a_file_is_listed_in_order() -> None:
    def many(document: Json) -> None:
        tool(document).update(version="*", serves=["x"])
        evidence(document).update(max_asr_bp=1)
        document.update(purpose=" ")

    found = [code for code, _ in reasons(edited(many))]
    assert found == ["intent.blank-text", "intent.range-syntax", "intent.dangling-serves", "intent.evidence-threshold"]


ALLOWED: dict[str, Any] = {
    "an overlay that says nothing": overlay(),
    "an overlay that repeats": overlay(data={"max": "confidential"}, self_modification=False),
    "an overlay without the network": overlay(network={"egress": "none"}),
    "a perfect pass rate as measured": lambda d: evidence(d).update(min_pass_bp=10000),
    "a nearly perfect one with confidence": lambda d: evidence(d).update(min_pass_bp=9999, confidence_bp=9900),
    "no soak": lambda d: production(d).update(soak={"duration": "P0D"}),
    "every operation": lambda d: tool(d).update(operations=["*"]),
    "labels that look alike": lambda d: d["metadata"].update(labels={"a": "x", "b": "x"}),
    "several models": routed("heterogeneous", "primary", "primary", "subtask", "fallback"),
    "a chain": routed("fallback", "primary", "fallback", "fallback"),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_allowed(name: str) -> None:
    assert reasons(edited(ALLOWED[name])) == []


def test_overlays_may_name_everything() -> None:
    assert reasons(full()) == []


def test_an_overlay_may_open_nothing_that_is_closed_in_general() -> None:
    def change(document: Json) -> None:
        document["constraints"]["network"] = {"egress": "none"}
        overlay(network={"egress": "allowlist", "hosts": ["a.example"]})(document)

    assert {code for code, _ in reasons(edited(change))} == {"intent.overlay-widens"}


def test_an_overlay_may_list_hosts_where_all_are_open() -> None:
    def change(document: Json) -> None:
        document["constraints"]["network"] = {"egress": "open"}
        overlay(network={"egress": "allowlist", "hosts": ["a.example"]})(document)

    assert reasons(edited(change)) == []


@given(intents())
@settings(max_examples=50)
def test_drawn_intents_are_consistent(document: Json) -> None:
    assert reasons(document) == []


def test_the_example_is_consistent() -> None:
    assert reasons(example()) == []

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from intents import Json, edited, example, full, intents, loaded

from bspec_opa.bundle.contract.definitions import input_schema
from bspec_opa.foundation.closed_schema import violations
from bspec_opa.foundation.limits import UNLIMITED
from bspec_opa.foundation.times import parse_time
from bspec_opa.intent.projection import declares, intent_input, promotion_input

NOW = parse_time("2026-06-01T00:00:00Z")
SCHEMA: Any = input_schema()


def projected(document: Json, now: int = NOW) -> Any:
    return intent_input(loaded(document), now)


def part(name: str) -> Any:
    return SCHEMA["properties"][name] | {"$defs": SCHEMA["$defs"]}


@given(intents())
@settings(max_examples=30)
def test_every_intent_fits_the_input_schema(document: Json) -> None:
    assert violations(part("intent"), projected(document)) == []


def test_the_full_intent_fits_the_input_schema() -> None:
    assert violations(part("intent"), projected(full())) == []


def pointers(node: Any) -> list[tuple[str, Any]]:
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    found = [(node["path"], node)] if isinstance(node, dict) and "path" in node else []
    return found + [pair for item in inner for pair in pointers(item)]


def test_every_path_leads_to_what_it_stands_at() -> None:
    document = full()
    found = pointers(projected(document))
    assert len(found) == 3 + 2 + 2 + 2 - 1 + 2 + 3 + 1 + 3 + 3 + 2
    for path, projection in found:
        node: Any = document
        for token in path.split("/")[1:]:
            node = node[int(token)] if isinstance(node, list) else node[token]
        same = {"id", "role", "question", "statement", "count"} & node.keys()
        assert {name: node[name] for name in same} == {name: projection[name] for name in same}


def test_a_tool_with_its_defaults() -> None:
    document = edited(lambda d: [d["tools"][0].pop(name) for name in ("data", "world")])
    document["tools"][0] |= {"operations": ["*"], "version": ">=2,<3"}
    assert projected(document)["tools"] == [
        {
            "id": "billing_read_api",
            "path": "/tools/0",
            "class": "finance",
            "range": {"text": ">=2,<3", "bounded": True},
            "privilege": "read",
            "operations": ["*"],
            "wildcard": True,
            "data": "restricted",
            "reversibility": "read-only",
            "confirmation": "never",
            "world": "open",
            "serves": ["explain-invoices"],
        }
    ]


def test_the_head_of_an_intent() -> None:
    document = full()
    found = projected(document)
    assert (found["digest"], found["schema"]) == (loaded(document).digest, "behavior.intent/v1")
    assert found["metadata"] == {
        "id": "billing-support",
        "version": "1.0.0",
        "owner": "team:support",
        "labels": [
            {"key": "Team/cost-centre", "value": "4711"},
            {"key": "x-label", "value": "a label like every other"},
        ],
    }
    assert found["risk"] == {"tier": "high", "exposure": "customer", "regimes": ["gdpr", "eu-ai-act"]}
    assert found["constraints"] == {
        "data": {"max": "confidential", "categories": ["pii"], "residency": ["eu"]},
        "memory": "session",
        "logging": {"level": "full", "retention_days": 365, "redact": ["pii"]},
        "limits": {"request_seconds": 30, "task_seconds": 300, "max_steps": 20},
        "network": {"egress": "allowlist", "hosts": ["billing.internal"]},
        "output": {"forbid": ["legal-advice"]},
        "delegation": ["translator"],
        "self_modification": False,
    }


def test_environments_are_sorted() -> None:
    assert [p["environment"] for p in projected(example())["promotion"]] == ["production", "staging"]


def test_neutral_values_for_what_nobody_demands() -> None:
    document = edited(lambda d: d["constraints"].pop("limits"))
    found = projected(document)
    staging = found["promotion"][1]
    assert staging == {
        "environment": "staging",
        "path": "/promotion/staging",
        "approvals": [{"role": "environment-admin", "count": 1, "path": "/promotion/staging/approvals/0"}],
        "on_expansion": [],
        "separation": ["author"],
        "approval_ttl_seconds": UNLIMITED,
        "evidence": [
            {
                "question": question,
                "method": "functional",
                "min_cases": cases,
                "min_pass_bp": rate,
                "max_asr_bp": 10_000,
                "confidence_bp": 0,
                "independent": False,
                "max_age_seconds": UNLIMITED,
                "path": f"/promotion/staging/evidence/{index}",
            }
            for index, (question, cases, rate) in enumerate(
                [("boundary", 50, 9800), ("privilege", 50, 10_000), ("constraint", 30, 10_000)]
            )
        ],
        "soak_seconds": 0,
        "frozen": False,
        "rollback": [],
    }
    assert set(found["constraints"]["limits"].values()) == {UNLIMITED}


def test_one_environment_is_the_same_as_in_the_whole() -> None:
    document = full()
    for whole in projected(document)["promotion"]:
        alone = promotion_input(loaded(document), whole["environment"], NOW)
        assert alone == whole
        assert violations(SCHEMA["$defs"]["promotion"] | {"$defs": SCHEMA["$defs"]}, alone) == []


def test_production_in_seconds() -> None:
    found: Any = promotion_input(loaded(example()), "production", NOW)
    assert (found["approval_ttl_seconds"], found["soak_seconds"]) == (7 * 86_400, 3 * 86_400)
    boundary = found["evidence"][0]
    assert (boundary["min_pass_bp"], boundary["max_asr_bp"], boundary["max_age_seconds"]) == (0, 100, 30 * 86_400)


def test_no_rules_for_an_environment() -> None:
    assert promotion_input(loaded(example()), "canary", NOW) is None


@pytest.mark.parametrize(
    ("moment", "frozen"),
    [
        ("2026-12-19T23:59:59Z", False),
        ("2026-12-20T00:00:00Z", True),
        ("2027-01-02T23:59:59Z", True),
        ("2027-01-03T00:00:00Z", False),
    ],
)
def test_frozen_from_its_first_second_to_the_one_before_its_end(moment: str, frozen: bool) -> None:
    found: Any = promotion_input(loaded(example()), "production", parse_time(moment))
    assert found["frozen"] is frozen


def test_overlays_are_not_part_of_it() -> None:
    def change(document: Json) -> None:
        document["promotion"]["staging"]["constraints"] = {"data": {"max": "public"}}

    assert projected(edited(change)) | {"digest": ""} == projected(example()) | {"digest": ""}


@pytest.mark.parametrize(
    ("tool", "operation", "declared"),
    [
        ("billing_read_api", "get_invoice", True),
        ("billing_read_api", "create_refund", False),
        ("billing_write_api", "create_refund", True),
        ("billing_write_api", "*", True),
        ("other", "get_invoice", False),
        ("billing_read_api", "*", False),
    ],
)
def test_declared_operations(tool: str, operation: str, declared: bool) -> None:
    assert declares(loaded(full()).intent, tool, operation) is declared

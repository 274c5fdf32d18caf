"""Intents for tests: a valid one, a full one with every member, and drawn ones."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from bspec_opa.foundation.document.load import load_document
from bspec_opa.intent import vocabulary as v
from bspec_opa.intent.load import LoadedIntent, check_document, load_intent

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]


TEXT = """\
# A comment, which changes nothing.
schema: behavior.intent/v1
metadata: {id: billing-support, version: 1.0.0, owner: team:support}
purpose: Answer customers' questions about their own invoices.
risk: {tier: high, exposure: customer}
scope:
  in:
    - id: explain-invoices
      statement: Retrieve invoices and explain line items
      actions: [read:invoice, explain:line-item]
  out:
    - id: refunds
      statement: Issue or promise refunds
      actions: [write:refund]
tools:
  - id: billing_read_api
    class: finance
    version: ">=2.0"
    privilege: read
    operations: [list_invoices, get_invoice]
    data: confidential
    world: closed
    serves: [explain-invoices]
models:
  routing: single-model
  classes:
    - {id: support-optimized-model-v1, role: primary, providers: [acme], regions: [eu]}
components:
  - {id: system-prompt, kind: prompt}
constraints:
  data: {max: confidential, categories: [pii], residency: [eu]}
  memory: {policy: session}
  logging: {level: full, retention_days: 365, redact: [pii]}
  limits: {request_seconds: 30, task_seconds: 300, max_steps: 20}
  network: {egress: allowlist, hosts: [billing.internal]}
  self_modification: false
promotion:
  staging:
    approvals: [{role: environment-admin, count: 1}]
    separation: [author]
    evidence:
      - {question: boundary, method: functional, min_cases: 50, min_pass_bp: 9800}
      - {question: privilege, method: functional, min_cases: 50, min_pass_bp: 10000}
      - {question: constraint, method: functional, min_cases: 30, min_pass_bp: 10000}
  production:
    approvals:
      - {role: environment-admin, count: 1}
      - {role: security, count: 1}
    on_expansion: [{role: risk-owner, count: 1}]
    separation: [author, promoter, evaluator]
    approval_ttl: P7D
    evidence:
      - {question: boundary, method: red-team, min_cases: 200, max_asr_bp: 100, independent: true, max_age: P30D}
      - {question: privilege, method: functional, min_cases: 100, min_pass_bp: 10000, max_age: P30D}
      - {question: constraint, method: adversarial, min_cases: 100, min_pass_bp: 10000, max_age: P30D}
    soak: {duration: P3D}
    freeze: [{from: "2026-12-20T00:00:00Z", to: "2027-01-03T00:00:00Z"}]
"""
"""The billing agent of the paper (9.5.1), as people write it."""


def example() -> Json:
    """The billing agent as a document."""
    document = load_document(TEXT.encode(), "behavior.intent").value
    assert isinstance(document, dict)
    return document


def full() -> Json:
    """An intent that uses every member, with two entries where there may be two."""
    document = example()
    document["metadata"]["labels"] = {"Team/cost-centre": "4711", "x-label": "a label like every other"}
    document["risk"]["regimes"] = ["gdpr", "eu-ai-act"]
    document["tools"].append(
        {
            "id": "billing_write_api",
            "class": "finance",
            "version": ">=1.2,<2",
            "privilege": "write",
            "operations": ["*"],
            "data": "internal",
            "reversibility": "reversible",
            "confirmation": "on-write",
            "world": "open",
            "serves": [],
        }
    )
    document["models"] = {
        "routing": "fallback",
        "classes": [*document["models"]["classes"], {"id": "backup-model", "role": "fallback"}],
    }
    document["components"].append({"id": "filter", "kind": "guardrail"})
    document["constraints"] |= {"output": {"forbid": ["legal-advice"]}, "delegation": ["translator"]}
    document["promotion"]["production"] |= {
        "constraints": {
            "data": {"max": "internal", "categories": [], "residency": ["eu"]},
            "memory": {"policy": "none"},
            "logging": {"level": "full", "retention_days": 400, "redact": ["pii", "secrets"]},
            "limits": {"request_seconds": 10, "task_seconds": 100, "max_steps": 5},
            "network": {"egress": "allowlist", "hosts": ["billing.internal"]},
            "output": {"forbid": ["legal-advice", "tax-advice"]},
            "delegation": [],
            "self_modification": False,
        },
        "rollback": {"approvals": [{"role": "environment-admin", "count": 1}], "max_lock_age": "P90D"},
    }
    document["promotion"]["production"]["evidence"][0]["confidence_bp"] = 9500
    document["x-anything"] = {"goes": None}
    return document


def edited(change: Callable[[Json], object], base: Json | None = None) -> Json:
    """A copy of a document after an edit in place."""
    document = copy.deepcopy(example() if base is None else base)
    change(document)
    return document


def loaded(document: Json, name: str = "behavior.intent") -> LoadedIntent:
    """A document, through the loader."""
    return load_intent(json.dumps(document).encode(), name)


def reasons(document: Json) -> list[tuple[str, str]]:
    """Reason code and message of every problem of a document."""
    return [(p.reason.code, p.message) for p in check_document(json.dumps(document).encode(), "behavior.intent")]


def _subset(*names: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), unique=True)


def _some(*names: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), unique=True, min_size=1)


def _any_or(*names: str) -> st.SearchStrategy[list[str]]:
    return st.just(["*"]) | _some(*names)


def _by_id(entries: dict[str, st.SearchStrategy[Json]], minimum: int = 0) -> st.SearchStrategy[list[Json]]:
    chosen = st.lists(st.sampled_from(sorted(entries)), unique=True, min_size=minimum)
    return chosen.flatmap(lambda names: st.tuples(*(entries[n] for n in names)).map(list))


def _scope_item(name: str) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {
            "id": st.just(name),
            "statement": st.sampled_from(["one thing", "another thing"]),
            "actions": _some("read:a", "read:b", "write:a"),
        }
    )


def _tool(name: str) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {
            "id": st.just(name),
            "class": st.sampled_from(["finance", "search"]),
            "version": st.sampled_from([">=1", ">=1,<3", ">=2.0,<3", "==2.0.0", "==2024-11-05", ">=1.0.0"]),
            "privilege": st.sampled_from(v.PRIVILEGES),
            "operations": _any_or("op_a", "op_b"),
            "serves": _subset("in-a"),
        },
        optional={
            "data": st.sampled_from(v.SENSITIVITIES),
            "reversibility": st.sampled_from(v.REVERSIBILITIES),
            "confirmation": st.sampled_from(v.CONFIRMATIONS),
            "world": st.sampled_from(v.WORLDS),
        },
    )


def _model(name: str) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {"id": st.just(name), "role": st.sampled_from(["primary", "subtask", "fallback"])},
        optional={"providers": _any_or("acme", "globex"), "regions": _any_or("eu", "us")},
    )


def _component(name: str) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({"id": st.just(name), "kind": st.sampled_from(["prompt", "skill", "guardrail"])})


_NETWORKS = st.sampled_from([{"egress": "none"}, {"egress": "open"}]) | _some("a.example", "b.example").map(
    lambda hosts: {"egress": "allowlist", "hosts": hosts}
)
_LIMITS = st.fixed_dictionaries(
    {}, optional={name: st.integers(1, 3) for name in ("request_seconds", "task_seconds", "max_steps")}
)
CONSTRAINTS = st.fixed_dictionaries(
    {
        "data": st.fixed_dictionaries(
            {
                "max": st.sampled_from(v.SENSITIVITIES),
                "categories": _subset("pii", "health"),
                "residency": _any_or("eu", "us"),
            }
        ),
        "memory": st.fixed_dictionaries({"policy": st.sampled_from(v.MEMORIES)}),
        "logging": st.fixed_dictionaries(
            {
                "level": st.sampled_from(v.LOG_LEVELS),
                "retention_days": st.integers(0, 2),
                "redact": _subset("pii", "secrets"),
            }
        ),
        "network": _NETWORKS,
    },
    optional={
        "limits": _LIMITS,
        "output": st.fixed_dictionaries({}, optional={"forbid": _subset("advice", "code")}),
        "delegation": _subset("agent-a", "agent-b"),
        "self_modification": st.booleans(),
    },
)


OVERLAYS = st.fixed_dictionaries(
    {},
    optional={
        "data": st.just({"max": "public", "categories": []}),
        "memory": st.just({"policy": "none"}),
        "limits": st.just({"max_steps": 1}),
        "logging": st.just({"level": "full"}),
        "network": st.just({"egress": "none"}),
        "self_modification": st.just(False),
    },
)


@st.composite
def intents(draw: st.DrawFn) -> Json:
    """A valid intent; the vocabulary is small, so that two of them often overlap."""
    document = example()
    document["purpose"] = draw(st.sampled_from(["one purpose", "another purpose"]))
    inside = _scope_item("in-a"), _by_id({"in-b": _scope_item("in-b")})
    document["scope"] = {
        "in": [draw(inside[0]), *draw(inside[1])],
        "out": draw(_by_id({name: _scope_item(name) for name in ("out-a", "out-b")})),
    }
    document["tools"] = draw(_by_id({name: _tool(name) for name in ("tool-a", "tool-b")}))
    document["components"] = draw(_by_id({name: _component(name) for name in ("prompt-a", "prompt-b")}))
    classes = draw(_by_id({name: _model(name) for name in ("model-a", "model-b")}, minimum=1))
    classes[0]["role"] = "primary"
    document["models"] = {"routing": draw(st.sampled_from(_routings(classes))), "classes": classes}
    document["constraints"] = draw(CONSTRAINTS)
    for environment in draw(_subset("staging", "production")):
        document["promotion"][environment]["constraints"] = draw(OVERLAYS)
    return document


def _routings(classes: list[Json]) -> list[str]:
    roles = [entry["role"] for entry in classes]
    fitting = ["heterogeneous"]
    if roles == ["primary"]:
        fitting.append("single-model")
    if roles == ["primary", "fallback"]:
        fitting.append("fallback")
    return fitting


_SMALL_STEPS: dict[str, st.SearchStrategy[Any]] = {
    "tools": _by_id({name: _tool(name) for name in ("tool-a", "tool-b")}),
    "components": _by_id({name: _component(name) for name in ("prompt-a", "prompt-b")}),
    "purpose": st.sampled_from(["one purpose", "another purpose"]),
    "scope/out": _by_id({name: _scope_item(name) for name in ("out-a", "out-b")}),
    "constraints/data/max": st.sampled_from(v.SENSITIVITIES),
    "constraints/data/categories": _subset("pii", "health"),
    "constraints/data/residency": _any_or("eu", "us"),
    "constraints/memory/policy": st.sampled_from(v.MEMORIES),
    "constraints/logging/level": st.sampled_from(v.LOG_LEVELS),
    "constraints/logging/redact": _subset("pii", "secrets"),
    "constraints/network": _NETWORKS,
    "constraints/limits": _LIMITS,
    "constraints/delegation": _subset("agent-a", "agent-b"),
    "constraints/output": st.fixed_dictionaries({}, optional={"forbid": _subset("advice", "code")}),
    "constraints/self_modification": st.booleans(),
    "promotion/staging/constraints": OVERLAYS,
    "promotion/production/constraints": OVERLAYS,
}


@st.composite
def neighbours(draw: st.DrawFn, document: Json) -> Json:
    """A document that differs from another one in one or two coordinates, if at all."""
    result = copy.deepcopy(document)
    for path in draw(st.lists(st.sampled_from(sorted(_SMALL_STEPS)), min_size=1, max_size=2)):
        *way, last = path.split("/")
        node = result
        for token in way:
            node = node[token]
        node[last] = draw(_SMALL_STEPS[path])
    return result


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    """Every place in a document with its value."""
    found = [(path, node)]
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else []
    for key, value in items:
        found += places(value, (*path, key))
    return found


def put(document: Json, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    result = copy.deepcopy(document)
    node: Any = result
    for token in path[:-1]:
        node = node[token]
    node[path[-1]] = value
    return result


# Values of all kinds, near the edges of what some field takes.
TEXTS = st.sampled_from(
    [
        "",
        "a",
        "A",
        "a\n",
        "\n",
        "P7D",
        "P7D\n",
        "PT1H",
        "P\u0661D",
        "P1234567D",
        "1.0.0",
        "1.0.0\n",
        "01.0.0",
        "1.0.0-rc.1+b",
        "read:x",
        "read:x\n",
        "read:",
        "*",
        "**",
        "*.example.com",
        "a.example:8443",
        "-a.example",
        "GET /invoices/{id}",
        "GET ",
        "2026-12-20T00:00:00Z",
        "2026-12-20T00:00:00Z\n",
        "team:support",
        "none",
        "read",
        "x-y",
        "é",
        "名前",
        "a" * 200,
        "a" * 201,
        "é" * 4096,
        "é" * 4097,
        "behavior.intent/v1",
        "behavior.intent/v2",
    ]
)
NUMBERS = st.sampled_from([-1, 0, 1, 100, 101, 9000, 9999, 10_000, 10_001, 100_000, 100_001, 10**15 - 1])
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)

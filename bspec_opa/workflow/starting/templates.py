"""The files that ``init`` writes, by risk tier (paper 6.5). Pure text; a test validates every one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from bspec_opa.workflow.starting.catalog_template import word

TIERS = ("low", "medium", "high")
EXPOSURE = {"low": "internal", "medium": "partner", "high": "customer"}


@dataclass(frozen=True, slots=True)
class _Tier:
    approvals: tuple[str, ...]
    cases: int
    boundary: str


_PRODUCTION = {
    "low": _Tier(("environment-admin",), 20, "method: functional, min_cases: 20, min_pass_bp: 9500"),
    "medium": _Tier(("environment-admin", "security"), 50, "method: functional, min_cases: 50, min_pass_bp: 9800"),
    "high": _Tier(
        ("environment-admin", "security"), 100, "method: red-team, min_cases: 200, max_asr_bp: 100, independent: true"
    ),
}


def intent_template(agent: str, tier: str, prompt: str = "system-prompt") -> str:
    """A valid ``behavior.intent`` for an agent that reads tickets and does nothing else; ``prompt`` is a component."""
    production = _PRODUCTION[tier]
    approvals = "".join(f"\n      - {{role: {r}, count: 1}}" for r in production.approvals)
    return f"""\
# What {agent} may do, and what it takes to promote it. Check it: bspec-opa validate behavior.intent
schema: behavior.intent/v1
metadata: {{id: {agent}, version: 1.0.0, owner: team:owners}}
purpose: Answer questions about support tickets.
risk: {{tier: {tier}, exposure: {EXPOSURE[tier]}}}
scope:
  in:
    - id: answer-questions
      statement: Look tickets up and summarise them
      actions: [read:ticket]
  out:
    - id: change-tickets
      statement: Change, close or delete a ticket
      actions: [write:ticket]
tools:
  - id: ticket_api
    class: ticketing
    version: ">=1.0,<2"
    privilege: read
    operations: [get_ticket, list_tickets]
    data: internal
    world: closed
    serves: [answer-questions]
models:
  routing: single-model
  classes:
    - {{id: support-model, role: primary, providers: [acme], regions: [eu]}}
components:
  - {{id: {prompt}, kind: prompt}}
constraints:
  data: {{max: internal, categories: [], residency: [eu]}}
  memory: {{policy: session}}
  logging: {{level: full, retention_days: 365, redact: [pii]}}
  limits: {{request_seconds: 30, task_seconds: 300, max_steps: 20}}
  network: {{egress: allowlist, hosts: [tickets.internal]}}
  self_modification: false
promotion:
  staging:
    approvals: [{{role: environment-admin, count: 1}}]
    separation: [author]
    evidence:
      - {{question: boundary, method: functional, min_cases: 20, min_pass_bp: 9500}}
      - {{question: privilege, method: functional, min_cases: 20, min_pass_bp: 10000}}
      - {{question: constraint, method: functional, min_cases: 20, min_pass_bp: 9500}}
  production:
    approvals:{approvals}
    on_expansion: [{{role: risk-owner, count: 1}}]
    separation: [author, promoter, evaluator]
    approval_ttl: P7D
    evidence:
      - {{question: boundary, {production.boundary}, max_age: P30D}}
      - {{question: privilege, method: functional, min_cases: {production.cases}, min_pass_bp: 10000, max_age: P30D}}
      - {{question: constraint, method: functional, min_cases: {production.cases}, min_pass_bp: 9500, max_age: P30D}}
"""


def component_path(component: str) -> str:
    """Where the scaffold keeps a component."""
    return f"components/{component}.md"


def component_template(component: str, purpose: str) -> str:
    """A component's first text."""
    return f"# {component}\n\n{purpose}\n"


CONFIG = """\
# Conveniences only: nothing in here decides. Every key: docs/reference.md
[signing]
author = "keys/author.pem"
evaluator = "keys/evaluator.pem"
promoter = "keys/promoter.pem"
reviewer = "keys/reviewer.pem"
revoker = "keys/promoter.pem"
retirer = "keys/promoter.pem"
gate = "keys/gate.pem"
ledger = "keys/ledger.pem"
"""

GITATTRIBUTES = """\
# A merge must never mix lines of the lock or the ledger.
behavior.lock -merge diff=behavior-lock
.bspec/ledger/** -merge
"""

GITIGNORE = """\
# Private keys never belong into a repository.
keys/*.pem
!keys/*.pub.pem
# What makes the ledger quick is made anew where it is missing.
.bspec/ledger/nodes
.bspec/ledger/index.sqlite*
"""

CI = """\
# Advice on every pull request (no secret, no pin); the promotion runs on the main branch only.
name: behavior
on: [pull_request]
permissions: {contents: read}
jobs:
  evaluate:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with: {persist-credentials: false}
      - uses: actions/setup-python@v5
        with: {python-version: "3.12"}
      # Write the address of the repository or index that your organisation installs it from, pinned by hash or commit.
      - run: python -m pip install "bspec-opa @ $GATE_SOURCE"
        env: {GATE_SOURCE: "${{ vars.GATE_SOURCE }}"}
      # -I: the checkout's own files are never imported as modules.
      - run: python -I -m bspec_opa validate behavior.intent
      # 5 is "pending": something is still to be signed, which a pull request can't change.
      # --engine embedded: a URL in the pull request is never asked.
      - run: python -I -m bspec_opa evaluate behavior.intent --env staging --engine embedded || test $? = 5
"""

MACHINES = ("root", "gate", "ledger")


class Approver(NamedTuple):
    """Somebody who approves; the key is called like the person."""

    id: str
    role: str


def trust_template(agent: str, owner: str, approving: tuple[Approver, ...]) -> str:
    """A readable ``trust.yaml`` with a key for each person."""
    approvers = "".join(
        f"  - id: {a.id}\n    group: team:{a.role}\n    keys: [keys/{a.id}.pub.pem]\n    roles: [{{role: {a.role}}}]\n"
        for a in approving
    )
    return f"""\
# Who may sign what, which environments there are, and which policies decide. Signed by bspec-opa trust init; the pin
# that it prints goes to everybody who promotes or verifies, by another way than this repository.
schema: bspec.trust/v1
domain: {word(agent)}
valid: P365D
root: {{threshold: 1, keys: [keys/root.pub.pem]}}
ledger: {{origin: {agent}.example/bspec, keys: [keys/ledger.pub.pem]}}
gates:
  - {{id: gate, keys: [keys/gate.pub.pem]}}
principals:
  - id: author
    group: {word(owner)}
    keys: [keys/author.pub.pem]
    roles: [{{role: author, agents: [{word(agent)}]}}]
  - id: evaluator
    group: team:quality
    keys: [keys/evaluator.pub.pem]
    roles: [{{role: evaluator}}]
  - id: promoter
    group: team:release
    keys: [keys/promoter.pub.pem]
    roles: [{{role: promoter}}, {{role: revoker}}, {{role: retirer}}]
  # Looks at emergencies afterwards, and may let a finding pass for a while; never what they had a part in.
  - id: reviewer
    group: team:review
    keys: [keys/reviewer.pub.pem]
    roles: [{{role: reviewer}}, {{role: waiver-approver}}]
{approvers}agents:
  - {{id: {word(agent)}, owners: ["{owner}"]}}
environments:
  - {{id: staging}}
  - {{id: production, from: staging}}
policies:
  - bundles: [{{shipped: default}}]
"""


def result_template(question: str, method: str, out_ids: tuple[str, ...]) -> str:
    """An evaluation result to be filled by a harness; as it is, it is refused, because no case was run."""
    probed = out_ids if question == "boundary" else ()
    probes = ", ".join(f'{{"scope_out_id": "{i}", "cases": 0, "passed": 0}}' for i in probed)
    zero = "sha256:" + "0" * 64
    return f"""\
{{
  "schema": "bspec.evaluation-result/v1",
  "question": "{question}",
  "method": "{method}",
  "counts": {{"n": 0, "pass": 0, "fail": 0, "error": 0, "skip": 0}},
  "probes": [{probes}],
  "observed_tools": [],
  "dataset": {{"name": "name-it", "digest": "{zero}"}},
  "harness": {{"name": "name-it", "version": "1", "digest": "{zero}"}},
  "raw_log": {{"digest": "{zero}"}},
  "started": "YYYY-MM-DDTHH:MM:SSZ",
  "finished": "YYYY-MM-DDTHH:MM:SSZ"
}}
"""

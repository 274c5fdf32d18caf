"""Three engines, one answer: requests of every kind through ``rest`` (strict), ``managed`` and ``embedded``.

Half of the requests are well-formed by the shipped input schema, half are spoilt. What the product's own check
refuses no engine may decide on; what it lets through every engine decides, rule by rule the same.
``make soak`` runs 20,000 of them.
"""

from __future__ import annotations

import copy
import json
import os
import secrets
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from engine.parity.mutation import LONE_SURROGATES, Words, change, generated, spoil
from engine.parity.mutation import SCHEMA as INPUT
from engine.parity.outcomes import PARTS, SILENT, UNSENDABLE, Tally, disagreements, is_accepted, outcome
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from project import NOW, Shelf
from sidecars import opa_server

from bspec_opa.bundle.build.building import repack
from bspec_opa.bundle.read import Bundle, read_bundle
from bspec_opa.engine.embedded import EmbeddedEngine
from bspec_opa.engine.interface import Answer
from bspec_opa.engine.managed import ManagedEngine
from bspec_opa.engine.rest import RestEngine
from bspec_opa.engine.wasm_program import Limits
from bspec_opa.workflow.probe import probe_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.engine.interface import Engine

ROOT = Path(__file__).parents[2]
CASES_IN_CI = 300
CASES_IN_SOAK = 20_000
SHARDS = 8
ROUNDS = 20
"""What Hypothesis makes may be the same twice, and doesn't count then: it is asked again for what is missing."""
DEADLINE_S = 60.0
STAGES = (
    ("resolved", "staging"),
    ("signed", "staging"),
    ("staged", "production"),
    ("ready", "production"),
    ("live", "production"),
)
TARGET: dict[str, Any] = {
    "target_line": "sha256:target",
    **dict.fromkeys(("same_intent", "same_surface", "same_binding"), True),
    "age_seconds": 60,
    "emergency": False,
}
DIRECTED: dict[str, dict[str, Any]] = {
    "global.baseline.scope_disjoint": {"intent/scope/out/0/actions": ["read:invoice"]},
    "global.data.categories_redacted": {"intent/constraints/logging/redact": []},
    "global.data.delegates_current": {
        "delegates": [{"agent": "archive", "path": "/constraints/delegation/0", "current": False}]
    },
    "global.data.limits_set": {"intent/constraints/limits/max_steps": 999999999999999},
    "global.data.regime_log_retention": {
        "intent/risk/regimes": ["eu-ai-act"],
        "intent/constraints/logging/retention_days": 30,
    },
    "global.data.shared_memory": {
        "intent/constraints/memory": "shared",
        "intent/constraints/data/max": "restricted",
    },
    "global.models.no_preview": {"binding/0/models/0/preview": True},
    "global.models.region_within_residency": {"intent/models/classes/0/regions": ["us-east-1"]},
    "global.supply.artifact_digested": {"binding/0/tools/0/artifact/0/digest": []},
    "global.supply.bill_of_materials": {"binding/0/models/0/bom": []},
    "global.supply.contract_described": {"binding/0/tools/0/contract/described": False},
    "global.supply.contract_text": {
        "binding/0/tools/0/contract/suspicions": [{"operation": "get_invoice", "what": "instruction"}]
    },
    "global.supply.in_range": {"binding/0/tools/0/in_range": False},
    "global.supply.moving_identity": {
        "binding/0/models/0/provider": "openai",
        "binding/0/models/0/identity": "gpt-realtime-mini",
    },
    "global.supply.weights_signed": {"binding/0/models/0/signature": []},
    "global.tools.execute_confirmed": {"intent/tools/0/privilege": "execute", "intent/tools/0/confirmation": "never"},
    "global.tools.forbidden_class": {"intent/tools/0/class": "finance", "intent/tools/0/privilege": "execute"},
    "global.tools.irreversible_named": {
        "intent/tools/0/reversibility": "irreversible",
        "intent/tools/0/wildcard": True,
    },
    "global.tools.no_admin": {"intent/tools/0/privilege": "admin"},
    "global.tools.open_world_data": {"intent/tools/0/world": "open"},
    "global.tools.untrusted_combination": {"intent/tools/0/world": "open", "intent/tools/0/privilege": "write"},
    "promotion.all.approvals_stand": {"approvals/0/binds/view": False},
    "promotion.all.elevated_approvals": {"intent/tools/0/privilege": "write"},
    "promotion.all.emergency_quorum": {"action": "rollback", "rollback": [{**TARGET, "emergency": True}]},
    "promotion.all.rollback_age": {"action": "rollback", "rollback": [{**TARGET, "age_seconds": 999999999999}]},
    "promotion.all.rollback_target": {"action": "rollback", "rollback": [{**TARGET, "same_binding": False}]},
    "promotion.all.no_reject": {"approvals/0/decision": "reject"},
    "promotion.all.rules_not_weakened": {
        "change/items": [{"verdict": "governance", "path": "/promotion", "what": "security: 0 instead of 1"}]
    },
    "promotion.all.signatures_verify": {
        "rejected": [{"type": "approval", "id": "sha256:x", "reason": "trust.bad-signature"}]
    },
    "promotion.all.signer_entitled": {
        "rejected": [{"type": "approval", "id": "sha256:x", "reason": "trust.unknown-key"}]
    },
    "promotion.all.separation": {"authors": ["person:dana"], "submits/0/principal": "person:dana"},
}
"""Rules that few changes at random would set off, and what does: places and values."""


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Bundle]:
    """The shipped rules for an organisation with something in every list, so that every rule has work."""
    data: Any = json.loads((ROOT / "bundles" / "elevated.data.json").read_bytes())
    shipped = read_bundle((ROOT / "bundles" / "default.tar.gz").read_bytes(), "default")
    data["publishers"] = ["billing-team", "team:support"]
    data["forbidden"] = [{"class": "finance", "privilege": "execute", "reason": "nobody runs payments"}]
    data["emergency"] = [e for e in data["emergency"] if e["environment"] != "production"]
    archive = repack(shipped, json.dumps(data).encode(), "parity")
    path = tmp_path_factory.mktemp("bundle") / "parity.tar.gz"
    path.write_bytes(archive)
    return path, read_bundle(archive, "parity")


@pytest.fixture(scope="session")
def engines(opa_path: Path, bundle: tuple[Path, Bundle]) -> Iterator[dict[str, Engine]]:
    path, read = bundle
    named: Any = {"revision": read.revision, "bundle_digest": read.digest}
    with ExitStack() as stack:
        _, url = stack.enter_context(opa_server(opa_path, path))
        limits = Limits(deadline_s=DEADLINE_S)
        managed = ManagedEngine(opa_path, path.read_bytes(), environ=os.environ, deadline_s=DEADLINE_S, **named)
        yield {
            "rest": stack.enter_context(RestEngine(url, revision=read.revision, deadline_s=DEADLINE_S)),
            "managed": stack.enter_context(managed),
            "embedded": stack.enter_context(EmbeddedEngine(read.wasm, read.data, limits=limits, **named)),
        }


@pytest.fixture(scope="session")
def originals(opa_path: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What the workflow really asks on the way of one agent, and the fixtures of the rules' own tests."""
    shelf = Shelf(tmp_path_factory.mktemp("shelf"))
    found = [copy.deepcopy(probe_request(e, NOW)) for e in ("staging", "production")]
    for stage, environment in STAGES:
        project = shelf.project(stage, tmp_path_factory.mktemp(stage))
        found.append(json.loads(json.dumps(project.evaluate(environment).request)))
    for name in ("rolled_back", "allowed", "full"):
        command = [str(opa_path), "eval", "--data=policies", "--format=raw", f"data.bspec.testing.{name}"]
        done = subprocess.run(command, env={}, cwd=ROOT, check=True, capture_output=True)
        found.append(json.loads(done.stdout))
    return found


@pytest.fixture(scope="session")
def directed(originals: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The production fixture that nothing is said about, with what one rule each looks for."""
    allowed = originals[-2]
    assert allowed["requirements"]["declared"][0]["environment"] == allowed["environment"] == "production"
    found: list[dict[str, Any]] = []
    for places_of in DIRECTED.values():
        request = copy.deepcopy(allowed)
        for place, value in places_of.items():
            *above, last = [int(p) if p.isdigit() else p for p in place.split("/")]
            holder: Any = request
            for part in above:
                holder = holder[part]
            holder[last] = copy.deepcopy(value)
        found.append(request)
    return found


def organisation(bundle: Bundle) -> Any:
    data: Any = bundle.data
    return data["bspec"]["org"]


@dataclass(frozen=True)
class Parity:
    """What both runs need: the engines, the policies, and the requests to start from."""

    engines: dict[str, Engine]
    bundle: Bundle
    seeds: list[dict[str, Any]]
    words: Words

    @property
    def environments(self) -> set[str]:
        return {e["id"] for e in organisation(self.bundle)["environments"]}

    def idle(self, *tallies: Tally) -> dict[str, list[str]]:
        """Rules that did only one of two things."""
        rules = {r.id for r in self.bundle.index.rules}
        silent, fired = set[str]().union(*(t.silent for t in tallies)), set[str]().union(*(t.fired for t in tallies))
        return {"never passed": sorted(rules - silent), "never fired": sorted(rules - fired)}


@pytest.fixture(scope="session")
def parity(
    engines: dict[str, Engine],
    bundle: tuple[Path, Bundle],
    originals: list[dict[str, Any]],
    directed: list[dict[str, Any]],
) -> Parity:
    words = Words()
    words.learn([*originals, bundle[1].data])
    words.texts["environment"] = [e["id"] for e in organisation(bundle[1])["environments"]]
    return Parity(engines, bundle[1], [*originals, *directed], words)


SEEDS = st.binary(min_size=8, max_size=8)
"""Of one change each. A change makes dozens of choices; so Hypothesis chooses fast, and shrinks by leaving changes out."""


def random_of(number: bytes) -> Random:
    return Random(number)  # noqa: S311 - no secret


@st.composite
def requests(draw: st.DrawFn, originals: list[dict[str, Any]], words: Words) -> dict[str, Any]:
    """A real request or one made from the schema, with some changes; half of them spoilt."""
    whole = random_of(draw(SEEDS))
    if draw(st.integers(0, 19)):
        request: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(originals)))
    else:
        request = generated(INPUT, "", words, whole) | {"environment": words.text("environment", whole)}
    for number in draw(st.lists(SEEDS, min_size=1, max_size=9)):
        change(request, words, random_of(number))
    for number in draw(st.just([]) | st.lists(SEEDS, min_size=1, max_size=3)):
        spoil(request, words, random_of(number))
    return request


def check_one(engines: dict[str, Engine], environments: set[str], request: Any, tally: Tally) -> None:
    """Ask everybody; count it; fail if they differ, or if the guard is not what the input check is."""
    accepted = is_accepted(request)
    outcomes = {name: outcome(engine, request) for name, engine in engines.items()}
    assert disagreements(outcomes) == [], request
    decided = outcomes["embedded"]
    tally.count(request, decided, accepted=accepted)
    if not accepted:
        assert decided in (SILENT, UNSENDABLE), request
    elif decided == UNSENDABLE:
        assert any(json.dumps(s)[1:-1] in json.dumps(request) for s in LONE_SURROGATES), request
    elif request["action"] != "check" and request["environment"] not in environments:  # a check needs none
        assert decided == SILENT, request
    else:
        assert decided["nonce"] == request["nonce"]


def drive(parity: Parity, cases: int, number: int) -> Tally:
    """So many different requests through every engine; what was really asked."""
    tally = Tally()
    strategy = requests(parity.seeds, parity.words)
    for attempt in range(ROUNDS):
        run = settings(
            max_examples=max(cases - tally.cases, cases // 20),
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )

        @seed(number + attempt)
        @run
        @given(request=strategy)
        def ask(request: dict[str, Any]) -> None:
            check_one(parity.engines, parity.environments, request, tally)

        ask()
        if tally.cases >= cases:
            break
    assert tally.cases >= cases
    return tally


def test_engines_agree(parity: Parity) -> None:
    directed = Tally()
    for request in parity.seeds:
        check_one(parity.engines, parity.environments, request, directed)
    tally = drive(parity, CASES_IN_CI, 1)
    found = parity.idle(directed, tally)
    assert found == {"never passed": [], "never fired": []}, "add to DIRECTED what sets the rule off"


@pytest.mark.soak
@pytest.mark.parametrize("shard", range(SHARDS))
def test_engines_agree_for_long(shard: int, parity: Parity) -> None:
    number = int(os.environ.get("PARITY_SEED") or secrets.randbelow(2**32))
    tally = drive(parity, CASES_IN_SOAK // SHARDS, number)
    sys.stdout.write(f"parity, part {shard + 1} of {SHARDS}, PARITY_SEED={number}: {tally}\n")
    assert parity.idle(tally) == {"never passed": [], "never fired": []}


@pytest.mark.parametrize("rule", DIRECTED)
def test_what_is_directed_at_a_rule_sets_it_off(
    rule: str, engines: dict[str, Engine], directed: list[dict[str, Any]]
) -> None:
    decision = outcome(engines["embedded"], directed[list(DIRECTED).index(rule)])
    assert decision[rule.partition(".")[0]][rule]["status"] != "pass"


class Says:
    """An engine that has made up its mind."""

    def __init__(self, decision: Any) -> None:
        self._decision = decision

    def decide(self, request: Any) -> Answer:
        return Answer(copy.deepcopy(self._decision), ())


def test_one_finding_less_is_a_disagreement(engines: dict[str, Engine], originals: list[dict[str, Any]]) -> None:
    """The comparison itself: every finding that one engine could lose is missed, and order alone is not."""
    request = originals[1]
    decision: Any = engines["embedded"].decide(request).decision
    findings = [(part, rule) for part in PARTS for rule, said in decision[part].items() if said["deny"]]
    assert len(findings) > 1
    for part, rule in findings:
        poorer, turned = copy.deepcopy(decision), copy.deepcopy(decision)
        poorer[part][rule]["deny"].pop()
        turned[part][rule]["deny"].reverse()
        said = {n: outcome(Says(d), request) for n, d in {"all": decision, "poorer": poorer, "turned": turned}.items()}
        assert [d.partition(":")[0] for d in disagreements(said)] == [f"{part} {rule}"]
        assert disagreements({"all": said["all"], "turned": said["turned"]}) == []
    assert disagreements({"one": said["all"], "other": SILENT}) != []


def test_a_decision_on_what_the_check_refuses_is_found(
    engines: dict[str, Engine], originals: list[dict[str, Any]]
) -> None:
    request = copy.deepcopy(originals[-2])
    lax: dict[str, Engine] = {n: Says(engines["embedded"].decide(request).decision) for n in engines}
    del request["waivers"]
    with pytest.raises(AssertionError):
        check_one(lax, {"staging", "production"}, request, Tally())

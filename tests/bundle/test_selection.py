"""What the gate runs in Rego and what Python expects of it are the same, for any selectors, packs and tiers."""

from __future__ import annotations

import json
import random
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from bspec_opa.bundle.build.organisation import load_organisation
from bspec_opa.bundle.contract.definitions import ACTIONS, TIERS, WRITING_ACTIONS
from bspec_opa.bundle.index import Index, RuleEntry
from bspec_opa.bundle.selection import chosen_rules, judged_tier
from bspec_opa.bundle.shipped import load_bundle, shipped_bundle
from bspec_opa.foundation.digest import ZERO_DIGEST
from bspec_opa.foundation.errors import InvalidInputError

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples" / "organisations").glob("*.data.json"))


def entry(rule_id: str, collections: tuple[str, ...] = ("c",), controls: tuple[str, ...] = ()) -> RuleEntry:
    kind, group, _ = rule_id.split(".")
    return RuleEntry(
        id=rule_id, owner="o", kind=kind, group=group, title="t", description="d", code="C-1", severity="high", remediation="r",
        controls=controls, collections=collections, waivable=True, pending="", actions=ACTIONS if kind == "global" else WRITING_ACTIONS, effective_unix=0, digest=ZERO_DIGEST,
        has_deny=True, has_warn=False,
    )  # fmt: skip


GUARD = entry("global.risk.tier", ("baseline", "tier_guard"))
INDEX = Index(
    (
        entry("global.data.x", ("data",), ("ISO27001:8.11", "SOC2:CC6.1", "no framework")),
        GUARD,
        entry("global.tools.y", ("tools", "core"), ("SOC2:CC6.1",)),
    )
)
X, Y = "global.data.x", "global.tools.y"


def pack(tier: str, include: list[str], exclude: list[str]) -> dict[str, Any]:
    return {"tier": tier, "include": include, "exclude": exclude}


def organisation(include: list[str], exclude: list[str], *tiers: dict[str, Any]) -> dict[str, Any]:
    return {"select": {"include": include, "exclude": exclude, "tiers": list(tiers)}}


@pytest.mark.parametrize(
    ("selection", "want"),
    [
        (organisation(["framework:SOC2"], []), ({X, Y}, {X, Y}, {X, Y})),
        (organisation(["framework:ISO27001"], []), ({X}, {X}, {X})),
        (organisation(["*"], ["framework:SOC2"]), ({GUARD.id}, {GUARD.id}, {GUARD.id})),
        (organisation(["*"], [], pack("low", [], ["@data"])), ({GUARD.id, Y}, {X, GUARD.id, Y}, {X, GUARD.id, Y})),
        (organisation(["@baseline"], [], pack("high", ["*"], [X])), ({GUARD.id}, {GUARD.id}, {GUARD.id, Y})),
        (organisation(["@baseline"], [Y], pack("high", [Y], [])), ({GUARD.id}, {GUARD.id}, {GUARD.id})),
    ],
)
def test_chosen(selection: dict[str, Any], want: tuple[set[str], ...]) -> None:
    assert tuple({r.id for r in chosen_rules(INDEX, selection, tier)} for tier in TIERS) == want


@pytest.mark.parametrize(
    ("index", "selection", "code"),
    [
        (INDEX, organisation(["framework:SOC"], []), "bundle.bad-selection"),
        (INDEX, organisation(["framework:"], []), "bundle.bad-selection"),
        (INDEX, organisation(["*"], [], pack("high", ["@none"], [])), "bundle.bad-selection"),
        (INDEX, organisation(["*"], ["*"]), "bundle.bad-selection"),
        (INDEX, organisation(["*"], [], pack("low", [], ["*"])), "bundle.bad-selection"),
        (INDEX, organisation(["*"], [], pack("low", [], ["@tier_guard"])), "bundle.tier-guard"),
        (INDEX, organisation(["@tools"], [], pack("low", [], [])), "bundle.tier-guard"),
        (Index((entry(X), entry(Y))), organisation(["*"], [], pack("high", [], [])), "bundle.tier-guard"),
        (INDEX, {}, "bundle.bad-selection"),
        (INDEX, {"select": {"include": ["*"]}}, "bundle.bad-selection"),
        (INDEX, {"select": ["*"]}, "bundle.bad-selection"),
        (INDEX, {"select": {"include": ["*"], "exclude": [], "tiers": [{"tier": "low"}]}}, "bundle.bad-selection"),
    ],
)
def test_refused(index: Index, selection: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInputError) as error:
        chosen_rules(index, selection, "low")
    assert error.value.code == code


def test_data_from_before_there_were_packs() -> None:
    assert len(chosen_rules(INDEX, {"select": {"include": ["*"], "exclude": []}}, "low")) == len(INDEX.rules)


@pytest.mark.parametrize(
    ("own", "previous", "want"),
    [("low", [], "low"), ("low", ["high"], "high"), ("high", ["low"], "high"), ("medium", ["low"], "medium")],
)
def test_lowering_the_tier_drops_no_rule_at_once(own: str, previous: list[str], want: str) -> None:
    risk = [{"tier": t, "exposure": "public"} for t in previous]
    assert judged_tier({"intent": {"risk": {"tier": own}}, "requirements": {"previous_risk": risk}}) == want  # type: ignore[dict-item]


def drawn(random_: random.Random) -> tuple[Index, dict[str, Any], dict[str, Any]]:
    """Some rules, a selection over them with now and then a misspelt word, and a request's risk."""
    words = ["tools", "data", "core"]
    names = random_.sample([X, Y, "global.models.z", "promotion.all.p"], random_.randint(1, 4))
    rules = [
        entry(n, tuple(random_.sample(words, random_.randint(1, 2))), tuple(random_.sample(["A:1", "B:2", "plain"], 2)))
        for n in names
    ] + ([GUARD] if random_.random() < 0.8 else [])
    index = Index(tuple(sorted(rules, key=lambda r: r.id)))
    known = sorted(index.selectors()) + ["@tools", "framework:A"] + (["@nothing"] if random_.random() < 0.1 else [])

    def some(low: int) -> list[str]:
        return random_.choices(known, k=random_.randint(low, 2))

    tiers = [pack(t, some(0), some(0)) for t in random_.sample(TIERS, random_.choice([0, 0, 1, 2, 3]))]
    selection = organisation(["*"] if random_.random() < 0.5 else some(1), some(0), *tiers)
    risk = [{"tier": random_.choice(TIERS), "exposure": "public"}] if random_.random() < 0.5 else []
    request = {"intent": {"risk": {"tier": random_.choice(TIERS)}}, "requirements": {"previous_risk": risk}}
    return index, selection, request


def outcome(index: Index, selection: dict[str, Any], request: dict[str, Any]) -> list[str]:
    try:
        return sorted(r.id for r in chosen_rules(index, selection, judged_tier(request)))
    except InvalidInputError:
        return []


ASKED = """\
package asked

import data.bspec.lib.select

answers := [answer |
	some c in input
	answer := ids_of(c.rules) with input as c.request with data.bspec.org.select as c.select
]

ids_of(rules) := select.chosen(rules) if {
	count(select.unmatched(rules)) == 0
	select.guarded(rules)
} else := set()
"""


def test_rego_and_python_choose_the_same(opa_path: Path, tmp_path: Path) -> None:
    random_ = random.Random(20261128)  # noqa: S311 - cases of a test
    cases = [drawn(random_) for _ in range(600)]
    want = [outcome(*c) for c in cases]
    asked = [
        {"rules": {r.id: r.facts() for r in index.rules}, "select": selection["select"], "request": request}
        for index, selection, request in cases
    ]
    (tmp_path / "input.json").write_text(json.dumps(asked), encoding="utf-8")
    (tmp_path / "asked.rego").write_text(ASKED, encoding="utf-8")
    library = [str(ROOT / "policies" / "bspec" / "lib" / n / f"{n}.rego") for n in ("select", "risk", "order")]
    given = [a for f in (*library, str(tmp_path / "asked.rego")) for a in ("-d", f)]
    done = subprocess.run(
        [str(opa_path), "eval", "-f", "json", "-i", str(tmp_path / "input.json"), *given, "data.asked.answers"],
        capture_output=True,
        check=True,
    )
    got = [sorted(a) for a in json.loads(done.stdout)["result"][0]["expressions"][0]["value"]]
    assert got == want
    assert 100 < sum(map(bool, want)) < 500  # both outcomes are met often


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name.partition(".")[0])
def test_the_example_organisations_fit_the_shipped_rules(path: Path) -> None:
    index = load_bundle(shipped_bundle("default")).index
    data = load_organisation(path.read_bytes(), path.name, index)
    (framework,) = {c["framework"] for c in cast("list[dict[str, str]]", data["controls"])}
    assert framework in {f for r in index.rules for f in r.frameworks}
    sizes = [len(chosen_rules(index, data, tier)) for tier in TIERS]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1] == len(index.rules)


def test_there_is_a_pack_for_each_framework() -> None:
    assert [p.name for p in EXAMPLES] == [f"{n}.data.json" for n in ("eu-ai-act", "iso27001", "owasp-agentic", "soc2")]


def test_the_shipped_guard() -> None:
    index = load_bundle(shipped_bundle("default")).index
    guards = [r for r in index.rules if "tier_guard" in r.collections]
    assert [(r.id, r.waivable) for r in guards] == [("global.baseline.exposure_tier", False)]


def test_a_framework_is_what_stands_before_the_colon() -> None:
    assert replace(GUARD, controls=("SOC2:CC8.1", "ISO27001:8.32", "SOC2:CC7.2", "plain")).frameworks == (
        "ISO27001",
        "SOC2",
    )

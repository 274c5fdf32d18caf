from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intents import Json, edited, example, full, intents, loaded, neighbours

from bspec_opa.foundation.limits import UNLIMITED
from bspec_opa.intent import vocabulary as v
from bspec_opa.intent.items import ChangeItem, pointer_to
from bspec_opa.intent.load import read_model
from bspec_opa.intent.order import compare
from bspec_opa.intent.ranges import parse_range
from bspec_opa.intent.surface import merged, surface_of

Surface = dict[str, Any]


def surface(document: Json) -> Surface:
    return surface_of(read_model(document))


SURFACES = intents().map(surface)


@st.composite
def walks(draw: st.DrawFn, length: int) -> list[Surface]:
    """Surfaces of which each differs a little from the one before, so that they can often be compared."""
    documents = [draw(intents())]
    while len(documents) < length:
        documents.append(draw(neighbours(documents[-1])))
    return [surface(document) for document in documents]


def differences(old: Json, new: Json) -> list[tuple[str, str, str]]:
    found = compare(loaded(old).surface, loaded(new).surface, authored=new)
    return [(i.verdict, i.path, i.what) for i in found]


def verdicts(items: tuple[ChangeItem, ...]) -> set[str]:
    return {item.verdict for item in items}


# An oracle: a surface as the set of all single things that it lets happen, in the small world of the drawn intents.

ACTIONS = ("read:a", "read:b", "write:a")
GRID = [f"{a}.{b}.{c}" for a in range(4) for b in range(2) for c in range(2)] + ["2024-11-05"]
STATEMENTS = ("one thing", "another thing")
UNIVERSE = {"redact": ("pii", "secrets"), "forbid": ("advice", "code")}


def possible(whole: Surface) -> set[tuple[Any, ...]]:
    found: set[tuple[Any, ...]] = {("purpose", whole["purpose"])}
    found |= scope(whole["scope"])
    for tool in whole["tools"]:
        found |= {("tool", tool["id"], *rest) for rest in of_tool(tool)}
    found |= up_to("routing", v.ROUTINGS, whole["models"]["routing"])
    for model in whole["models"]["classes"]:
        at = ("model", model["id"])
        found |= {(*at, model["role"])} | {(*at, *x) for f in ("providers", "regions") for x in granted(f, model[f])}
    for name in ("prompt-a", "prompt-b"):
        kinds = [c["kind"] for c in whole["components"] if c["id"] == name]
        found |= {("component", name, kind) for kind in kinds}
        if not set(kinds) & {"prompt", "guardrail"}:
            found.add(("unrestrained by", name))
    for environment in ("", "staging", "production"):
        overlay = whole["promotion"].get(environment, {"constraints": {}})["constraints"]
        constraints: Surface = merged(whole["constraints"], overlay)
        found |= {(environment, *rest) for rest in of_constraints(constraints)}
    return found


def scope(found: Surface) -> set[tuple[Any, ...]]:
    inside = {("in", item["id"], action) for item in found["in"] for action in item["actions"]}
    inside |= {("in", item["id"], item["statement"]) for item in found["in"]}
    out = {item["id"]: item for item in found["out"]}
    for name in ("out-a", "out-b"):
        forbidden, said = (out[name]["actions"], out[name]["statement"]) if name in out else ([], None)
        inside |= {("out", name, action) for action in ACTIONS if action not in forbidden}
        inside |= {("out", name, text) for text in STATEMENTS if said in {None, text}}
    return inside


def of_tool(tool: Surface) -> set[tuple[Any, ...]]:
    accepted = parse_range(tool["version"])
    found = {("class", tool["class"])} | {("release", r) for r in GRID if accepted.contains(r)}
    ladders = {
        "privilege": v.PRIVILEGES,
        "data": v.SENSITIVITIES,
        "reversibility": v.REVERSIBILITIES,
        "confirmation": v.CONFIRMATIONS,
        "world": v.WORLDS,
    }
    for field, ladder in ladders.items():
        found |= up_to(field, ladder, tool[field])
    return found | granted("operations", tool["operations"]) | granted("serves", tool["serves"])


def of_constraints(found: Surface) -> set[tuple[Any, ...]]:
    everything = up_to("data", v.SENSITIVITIES, found["data"]["max"])
    everything |= up_to("memory", v.MEMORIES, found["memory"]["policy"])
    everything |= up_to("log level", v.LOG_LEVELS, found["logging"]["level"])
    everything |= up_to("egress", v.EGRESSES, found["network"]["egress"])
    hosts = ["*"] if found["network"]["egress"] == "open" else found["network"]["hosts"]
    everything |= granted("hosts", hosts) | granted("delegation", found["delegation"])
    everything |= granted("categories", found["data"]["categories"]) | granted("residency", found["data"]["residency"])
    hidden, forbidden = set(found["logging"]["redact"]), set(found["output"]["forbid"])
    everything |= {("shown", x) for x in UNIVERSE["redact"] if x not in hidden}
    everything |= {("said", x) for x in UNIVERSE["forbid"] if x not in forbidden}
    for field, limit in found["limits"].items():
        everything |= {(field, n) for n in (1, 2, 3, UNLIMITED) if n <= limit}
    return everything | {("self-modification",)} if found["self_modification"] else everything


def up_to(label: str, ladder: tuple[str, ...], word: str) -> set[tuple[Any, ...]]:
    return {(label, lower) for lower in ladder[: ladder.index(word) + 1]}


def granted(label: str, names: list[str]) -> set[tuple[Any, ...]]:
    every = ("in-a", "op_a", "op_b", "acme", "globex", "eu", "us", "a.example", "b.example", "pii", "health")
    everything = (*every, "agent-a", "agent-b", "whatever comes")
    return {(label, name) for name in (everything if names == ["*"] else names)}


def agree_with_the_oracle(old: Surface, new: Surface) -> None:
    before, after = possible(old), possible(new)
    found = verdicts(compare(old, new))
    assert ("expansion" in found) == bool(after - before)
    if before > after:
        assert "reduction" in found
    if before == after:
        assert not found & {"expansion", "reduction"} or governs(old) != governs(new)


def governs(found: Surface) -> object:
    return found["constraints"]["logging"]["retention_days"]


@given(SURFACES, SURFACES)
@settings(max_examples=60)
def test_an_expansion_is_exactly_that_something_new_becomes_possible(old: Surface, new: Surface) -> None:
    agree_with_the_oracle(old, new)


@given(walks(2))
@settings(max_examples=150)
def test_so_it_is_for_small_changes(walk: list[Surface]) -> None:
    agree_with_the_oracle(*walk)


@given(SURFACES)
@settings(max_examples=30)
def test_reflexive(found: Surface) -> None:
    assert compare(found, found) == ()


@given(walks(3))
@settings(max_examples=150)
def test_transitive(walk: list[Surface]) -> None:
    a, b, c = walk
    if "expansion" not in verdicts(compare(a, b)) | verdicts(compare(b, c)):
        assert "expansion" not in verdicts(compare(a, c))


@given(walks(2))
@settings(max_examples=100)
def test_reductions_back_are_expansions(walk: list[Surface]) -> None:
    there, back = verdicts(compare(*walk)), verdicts(compare(*reversed(walk)))
    if "reduction" in there and "expansion" not in there:
        assert back & {"expansion", "governance"}
    if not (there | back) & {"expansion", "governance", "reduction"}:
        assert possible(walk[0]) == possible(walk[1])


@given(walks(2))
@settings(max_examples=60)
def test_the_same_releases_in_other_words_change_no_verdict(walk: list[Surface]) -> None:
    a, b = walk
    words = {">=1": ">=1.0", ">=1,<3": "<3,>=1", ">=1.0.0": ">=1"}
    tools = [tool | {"version": words.get(tool["version"], tool["version"])} for tool in b["tools"]]
    c = b | {"tools": tools}
    assert verdicts(compare(b, c)) <= {"cosmetic"}
    grave = [[i for i in compare(a, x) if i.verdict != "cosmetic"] for x in (b, c)]
    assert [(i.verdict, i.path) for i in grave[0]] == [(i.verdict, i.path) for i in grave[1]]


@given(SURFACES, SURFACES)
@settings(max_examples=30)
def test_items_are_sorted_the_gravest_first_and_none_is_there_twice(old: Surface, new: Surface) -> None:
    items = compare(old, new)
    keys = [(-v.VERDICTS.index(i.verdict), i.path, i.what) for i in items]
    assert keys == sorted(set(keys))


@given(intents(), intents())
@settings(max_examples=30)
def test_every_path_stands_in_the_new_document(old: Json, new: Json) -> None:
    for item in compare(surface(old), surface(new), authored=new):
        node: Any = new
        for token in item.path.split("/")[1:]:
            node = node[int(token)] if isinstance(node, list) else node[token]


# Single coordinates: the edit is an expansion (or what it says), the way back a reduction.

BOTH_WAYS: dict[str, tuple[Any, str, str, str]] = {
    "an action": (
        lambda d: d["scope"]["in"][0]["actions"].append("write:refund"),
        "/scope/in/0/actions/2",
        "scope action write:refund added",
        "scope action write:refund removed",
    ),
    "an out entry": (
        lambda d: d["scope"]["out"].clear(),
        "/scope/out",
        "out-of-scope entry refunds removed",
        "out-of-scope entry refunds: action write:refund added",
    ),
    "a tool": (
        lambda d: d["tools"].append(d["tools"][0] | {"id": "other", "privilege": "write"}),
        "/tools/1",
        (
            "tool other added at privilege write, data confidential, world closed, confirmation never, "
            "reversibility irreversible, range >=2.0"
        ),
        "tool other removed",
    ),
    "a range": (
        lambda d: d["tools"][0].update(version=">=1"),
        "/tools/0/version",
        'tool billing_read_api: version range ">=2.0" becomes ">=1", which accepts more releases',
        'tool billing_read_api: version range ">=1" becomes ">=2.0", which accepts fewer releases',
    ),
    "an operation": (
        lambda d: d["tools"][0]["operations"].append("refund"),
        "/tools/0/operations/2",
        "tool billing_read_api: operation refund added",
        "tool billing_read_api: operation refund removed",
    ),
    "data of a tool": (
        lambda d: d["tools"][0].update(data="restricted"),
        "/tools/0/data",
        "tool billing_read_api: data goes from confidential to restricted",
        "tool billing_read_api: data goes from restricted to confidential",
    ),
    "a reversibility": (
        lambda d: d["tools"][0].update(reversibility="reversible"),
        "/tools/0/reversibility",
        "tool billing_read_api: reversibility goes from read-only to reversible",
        "tool billing_read_api: reversibility goes from reversible to read-only",
    ),
    "the world": (
        lambda d: d["tools"][0].update(world="open"),
        "/tools/0/world",
        "tool billing_read_api: world goes from closed to open",
        "tool billing_read_api: world goes from open to closed",
    ),
    "the world by leaving it out": (
        lambda d: d["tools"][0].pop("world"),
        "/tools/0",
        "tool billing_read_api: world goes from closed to open",
        "tool billing_read_api: world goes from open to closed",
    ),
    "a provider": (
        lambda d: d["models"]["classes"][0]["providers"].append("globex"),
        "/models/classes/0/providers/1",
        "model class support-optimized-model-v1: provider globex added",
        "model class support-optimized-model-v1: provider globex removed",
    ),
    "a region": (
        lambda d: d["models"]["classes"][0]["regions"].append("us"),
        "/models/classes/0/regions/1",
        "model class support-optimized-model-v1: region us added",
        "model class support-optimized-model-v1: region us removed",
    ),
    "data": (
        lambda d: d["constraints"]["data"].update(max="restricted"),
        "/constraints/data/max",
        "data maximum goes from confidential to restricted",
        "data maximum goes from restricted to confidential",
    ),
    "a category": (
        lambda d: d["constraints"]["data"]["categories"].append("health"),
        "/constraints/data/categories/1",
        "data category health added",
        "data category health removed",
    ),
    "residency": (
        lambda d: d["constraints"]["data"]["residency"].append("us"),
        "/constraints/data/residency/1",
        "data residency us added",
        "data residency us removed",
    ),
    "memory": (
        lambda d: d["constraints"]["memory"].update(policy="user"),
        "/constraints/memory/policy",
        "memory policy goes from session to user",
        "memory policy goes from user to session",
    ),
    "logging": (
        lambda d: d["constraints"]["logging"].update(level="metadata"),
        "/constraints/logging/level",
        "log level goes from full to metadata",
        "log level goes from metadata to full",
    ),
    "redaction": (
        lambda d: d["constraints"]["logging"].update(redact=[]),
        "/constraints/logging/redact",
        "log redaction pii removed",
        "log redaction pii added",
    ),
    "a limit": (
        lambda d: d["constraints"]["limits"].update(max_steps=21),
        "/constraints/limits/max_steps",
        "limit max_steps goes from 20 to 21",
        "limit max_steps goes from 21 to 20",
    ),
    "a limit by leaving it out": (
        lambda d: d["constraints"]["limits"].pop("task_seconds"),
        "/constraints/limits",
        "limit task_seconds goes from 300 to unlimited",
        "limit task_seconds goes from unlimited to 300",
    ),
    "a host": (
        lambda d: d["constraints"]["network"]["hosts"].append("b.example"),
        "/constraints/network/hosts/1",
        "network host b.example added",
        "network host b.example removed",
    ),
    "egress": (
        lambda d: d["constraints"].update(network={"egress": "open"}),
        "/constraints/network/egress",
        "network egress goes from allowlist to open",
        "network egress goes from open to allowlist",
    ),
    "a delegate": (
        lambda d: d["constraints"].update(delegation=["translator"]),
        "/constraints/delegation/0",
        "delegate translator added",
        "delegate translator removed",
    ),
    "self-modification": (
        lambda d: d["constraints"].update(self_modification=True),
        "/constraints/self_modification",
        "self-modification allowed",
        "self-modification no longer allowed",
    ),
}


@pytest.mark.parametrize("name", BOTH_WAYS)
def test_growing_is_an_expansion_and_the_way_back_a_reduction(name: str) -> None:
    edit, path, what, back = BOTH_WAYS[name]
    new = edited(edit)
    assert differences(example(), new) == [("expansion", path, what)]
    assert [(verdict, said) for verdict, _, said in differences(new, example())] == [("reduction", back)]


def test_every_operation_is_more_than_any_list() -> None:
    every = edited(lambda d: d["tools"][0].update(operations=["*"]))
    there = ("expansion", "/tools/0/operations/0", "tool billing_read_api: operation * added")
    assert differences(example(), every) == [there]
    back = ("reduction", "/tools/0/operations", "tool billing_read_api: operation * removed")
    assert differences(every, example()) == [back]


INCOMPARABLE: dict[str, tuple[Any, str, str]] = {
    "purpose": (lambda d: d.update(purpose="Another."), "/purpose", "the purpose is worded differently"),
    "a statement in scope": (
        lambda d: d["scope"]["in"][0].update(statement="Another"),
        "/scope/in/0/statement",
        "the statement of in-scope entry explain-invoices is worded differently",
    ),
    "a statement out of scope": (
        lambda d: d["scope"]["out"][0].update(statement="Another"),
        "/scope/out/0/statement",
        "the statement of out-of-scope entry refunds is worded differently",
    ),
    "a tool's class": (
        lambda d: d["tools"][0].update({"class": "search"}),
        "/tools/0/class",
        "tool billing_read_api: class finance becomes search",
    ),
    "a component's kind": (
        lambda d: d["components"][0].update(kind="config"),
        "/components/0/kind",
        "component system-prompt: kind prompt becomes config",
    ),
    "a component": (
        lambda d: d["components"].append({"id": "filter", "kind": "guardrail"}),
        "/components/1",
        "component filter added",
    ),
    "no component": (lambda d: d["components"].clear(), "/components", "prompt component system-prompt removed"),
}


@pytest.mark.parametrize("name", INCOMPARABLE)
def test_what_cannot_be_compared_is_an_expansion(name: str) -> None:
    edit, path, what = INCOMPARABLE[name]
    assert differences(example(), edited(edit)) == [("expansion", path, what)]


@pytest.mark.parametrize("kind", ["retrieval", "skill"])
def test_a_component_that_only_adds_is_a_reduction_when_it_goes(kind: str) -> None:
    old = edited(lambda d: d["components"].append({"id": "extra", "kind": kind}))
    assert differences(old, example()) == [("reduction", "/components", f"{kind} component extra removed")]


def test_narrowing_an_out_entry() -> None:
    old = edited(lambda d: d["scope"]["out"][0]["actions"].append("promise:refund"))
    assert differences(old, example()) == [
        ("expansion", "/scope/out/0/actions", "out-of-scope entry refunds: action promise:refund removed")
    ]


def test_a_raised_privilege_also_worsens_the_reversibility_that_follows_from_it() -> None:
    new = edited(lambda d: d["tools"][0].update(privilege="write"))
    assert differences(example(), new) == [
        ("expansion", "/tools/0", "tool billing_read_api: reversibility goes from read-only to irreversible"),
        ("expansion", "/tools/0/privilege", "tool billing_read_api: privilege goes from read to write"),
    ]


def test_confirmation_and_output() -> None:
    old = edited(lambda d: d["tools"][0].update(confirmation="always"))
    old["constraints"]["output"] = {"forbid": ["advice"]}
    assert differences(old, example()) == [
        ("expansion", "/constraints", "forbidden output advice removed"),
        ("expansion", "/tools/0", "tool billing_read_api: confirmation goes from always to never"),
    ]


def test_models() -> None:
    new = edited(
        lambda d: d["models"].update(
            routing="fallback",
            classes=[{"id": "backup", "role": "fallback"}, d["models"]["classes"][0]],
        )
    )
    assert differences(example(), new) == [
        ("expansion", "/models/classes/0", "model class backup added with role fallback"),
        ("expansion", "/models/routing", "model routing goes from single-model to fallback"),
    ]
    assert differences(new, example()) == [
        ("reduction", "/models/classes", "model class backup removed"),
        ("reduction", "/models/routing", "model routing goes from fallback to single-model"),
    ]
    other = edited(lambda d: d["models"].update(routing="heterogeneous"), new)
    other["models"]["classes"][0]["role"] = "subtask"
    assert differences(new, other) == [
        ("expansion", "/models/classes/0/role", "model class backup: role fallback becomes subtask"),
        ("expansion", "/models/routing", "model routing goes from fallback to heterogeneous"),
    ]


def test_log_retention_lowered_is_governance() -> None:
    new = edited(lambda d: d["constraints"]["logging"].update(retention_days=30))
    path = "/constraints/logging/retention_days"
    assert differences(example(), new) == [("governance", path, "log retention goes from 365 to 30 days")]
    assert differences(new, example()) == [("reduction", path, "log retention goes from 30 to 365 days")]


def test_the_same_range_in_other_words_is_cosmetic() -> None:
    new = edited(lambda d: d["tools"][0].update(version=">=2"))
    said = 'tool billing_read_api: version range ">=2.0" becomes ">=2", which accepts the same releases'
    assert differences(example(), new) == [("cosmetic", "/tools/0/version", said)]


def test_an_overlay_dropped_or_widened_in_one_environment() -> None:
    old = edited(lambda d: d["promotion"]["staging"].update(constraints={"data": {"max": "public"}}))
    wider = edited(lambda d: d["promotion"]["staging"]["constraints"]["data"].update(max="internal"), old)
    at = "/promotion/staging"
    assert differences(old, example()) == [
        ("expansion", at, "in staging: data maximum goes from public to confidential")
    ]
    assert differences(old, wider) == [
        ("expansion", f"{at}/constraints/data/max", "in staging: data maximum goes from public to internal")
    ]
    assert differences(example(), old) == [
        ("reduction", f"{at}/constraints/data/max", "in staging: data maximum goes from confidential to public")
    ]


def test_what_changes_everywhere_is_said_once() -> None:
    old = edited(lambda d: d["promotion"]["staging"].update(constraints={"data": {"max": "public"}}))
    new = edited(lambda d: d["constraints"]["memory"].update(policy="shared"), old)
    assert differences(old, new) == [
        ("expansion", "/constraints/memory/policy", "memory policy goes from session to shared")
    ]


def test_the_first_intent_lists_every_capability() -> None:
    found = [(i.verdict, i.path, i.what) for i in compare(None, loaded(example()).surface, authored=example())]
    assert found == [
        ("expansion", path, what)
        for path, what in [
            ("/components/0", "component system-prompt added"),
            ("/constraints/data/categories/0", "data category pii added"),
            ("/constraints/data/max", "data maximum is confidential"),
            ("/constraints/data/residency/0", "data residency eu added"),
            ("/constraints/limits/max_steps", "limit max_steps is 20"),
            ("/constraints/limits/request_seconds", "limit request_seconds is 30"),
            ("/constraints/limits/task_seconds", "limit task_seconds is 300"),
            ("/constraints/memory/policy", "memory policy is session"),
            ("/constraints/network/egress", "network egress is allowlist"),
            ("/constraints/network/hosts/0", "network host billing.internal added"),
            ("/models/classes/0", "model class support-optimized-model-v1 added with role primary"),
            ("/purpose", "purpose stated"),
            ("/scope/in/0/actions/0", "scope action read:invoice added"),
            ("/scope/in/0/actions/1", "scope action explain:line-item added"),
            (
                "/tools/0",
                (
                    "tool billing_read_api added at privilege read, data confidential, world closed, confirmation never, "
                    "reversibility read-only, range >=2.0"
                ),
            ),
        ]
    ]


@given(SURFACES)
@settings(max_examples=30)
def test_the_first_intent_has_expansions_only(found: Surface) -> None:
    assert verdicts(compare(None, found)) == {"expansion"}


def test_paths_point_into_the_surface_if_no_document_is_given() -> None:
    old, new = loaded(example()).surface, loaded(full()).surface
    paths = {item.path for item in compare(old, new)}
    assert {"/components/0", "/models/classes/0", "/tools/1"} <= paths


def test_pointers_go_as_far_as_the_document_does() -> None:
    document: Any = {"a/b": [{"id": "x", "set": ["p", "q"]}, "word"], "text": "t"}
    cases = {
        ("a/b", "x", "set", "q"): "/a~1b/0/set/1",
        ("a/b", "word"): "/a~1b/1",
        ("a/b", "y"): "/a~1b",
        ("a/b", "x", "none", "deeper"): "/a~1b/0",
        ("text", "t"): "/text",
        ("none",): "",
        (): "",
    }
    assert {tokens: pointer_to(tokens, document) for tokens in cases} == cases


@pytest.mark.parametrize(("old", "new"), [*itertools.permutations(v.PRIVILEGES, 2)])
def test_every_pair_of_a_ladder(old: str, new: str) -> None:
    both = []
    for privilege in (old, new):
        document = example()
        document["tools"][0] |= {"privilege": privilege, "reversibility": "reversible"}
        both.append(document)
    grown = v.PRIVILEGES.index(new) > v.PRIVILEGES.index(old)
    assert [found[0] for found in differences(*both)] == ["expansion" if grown else "reduction"]

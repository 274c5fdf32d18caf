from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from intents import TEXT, VALUES, Json, edited, example, full, intents, loaded, places, put
from world import refused

from bspec_opa.foundation.digest import digest_json
from bspec_opa.foundation.errors import InvalidInputError
from bspec_opa.intent.explain import explain
from bspec_opa.intent.load import check_document, load_intent
from bspec_opa.intent.schema import schema_digest

if TYPE_CHECKING:
    import random


def said(old: str, new: str) -> list[str]:
    """What the loader says after one edit of the billing example's text."""
    assert old in TEXT
    problems = check_document(TEXT.replace(old, new, 1).encode(), "behavior.intent")
    return [f"{p.reason.code} {p}" for p in problems]


def test_the_billing_agent_loads() -> None:
    assert check_document(TEXT.encode(), "behavior.intent") == []


def test_what_is_loaded() -> None:
    found = loaded(full())
    assert found.authored == full()
    assert found.intent.tools[1].class_ == "finance"
    assert found.intent.scope.in_[0].actions == ("read:invoice", "explain:line-item")
    assert found.intent.schema_ == "behavior.intent/v1"
    assert found.digest == digest_json(full())
    assert found.surface_digest == digest_json(found.surface)
    assert found.schema_digest == schema_digest()


def test_golden_digests() -> None:
    """These may only change with the schema's version: locks and evidence refer to them."""
    small, large = loaded(example()), loaded(full())
    assert (small.digest, small.surface_digest, large.digest, large.surface_digest) == (
        "sha256:6b2ea70812a42a2724bc959498bdd5d0623271732320483e206b91a9ea0826b2",
        "sha256:5d648ba3ab225bf20c3da1d720bef1f2599fbce564f3356c1a3240cfeede2a1c",
        "sha256:10fed098b9eff86526825835833986bc1f6a555202d1981b50d3159e0c15c7f3",
        "sha256:f26e61f6fd9120627c45c6e1ad6b04521099b945bc090ee8ff250c7c84e05da6",
    )


@settings(max_examples=30)
@given(intents(), st.randoms(use_true_random=False))
def test_the_order_of_keys_changes_no_digest(document: Json, chance: random.Random) -> None:
    first, second = loaded(document), loaded(shuffled(document, chance))
    assert (first.digest, first.surface_digest) == (second.digest, second.surface_digest)


def shuffled(node: Any, chance: random.Random) -> Any:
    if isinstance(node, dict):
        keys = chance.sample(sorted(node), len(node))
        return {key: shuffled(node[key], chance) for key in keys}
    return [shuffled(item, chance) for item in node] if isinstance(node, list) else node


def test_comments_and_quotes_change_no_digest() -> None:
    other = TEXT.replace("tier: high", "'tier': \"high\"").replace("risk:", "# a comment\nrisk:")
    first, second = load_intent(TEXT.encode(), "a"), load_intent(other.encode(), "b")
    assert (first.digest, first.surface_digest) == (second.digest, second.surface_digest)


OUTSIDE_THE_SURFACE = {
    "a label": lambda d: d["metadata"].update(labels={"a": "b"}),
    "version": lambda d: d["metadata"].update(version="2.0.0"),
    "owner": lambda d: d["metadata"].update(owner="team:other"),
    "tier": lambda d: d["risk"].update(tier="low"),
    "an extension": lambda d: d["tools"][0].update({"x-note": "n"}),
    "approvals": lambda d: d["promotion"]["staging"]["approvals"][0].update(count=2),
    "an overlay that says nothing": lambda d: d["promotion"]["staging"].update(constraints={"data": {}}),
}


@pytest.mark.parametrize("name", OUTSIDE_THE_SURFACE)
def test_what_changes_the_intent_but_not_its_surface(name: str) -> None:
    first, second = loaded(example()), loaded(edited(OUTSIDE_THE_SURFACE[name]))
    assert first.digest != second.digest
    assert first.surface_digest == second.surface_digest


PROBLEMS = {
    ("retention_days", "retension_days"): [
        (
            'intent.unknown-field behavior.intent:33:26: unknown field "retension_days" in constraints.logging; '
            'did you mean "retention_days"?'
        )
    ],
    ("risk:", "rusk: {}\nrisk:"): [
        'intent.unknown-field behavior.intent:5:1: unknown field "rusk"; did you mean "risk"?'
    ],
    ("serves:", "servs:"): [
        'intent.unknown-field behavior.intent:23:5: unknown field "servs" in tools[0]; did you mean "serves"?'
    ],
    ("separation: [author]", "seperation: [author]"): [
        (
            'intent.unknown-field behavior.intent:40:5: unknown field "seperation" in promotion.staging; '
            'did you mean "separation"?'
        )
    ],
    ("    soak: {duration: P3D}", "    soak: {duration: P3D, zzz: 1}"): [
        'intent.unknown-field behavior.intent:56:27: unknown field "zzz" in promotion.production.soak; known: duration'
    ],
    ("tier: high, ", ""): ['intent.missing-field behavior.intent:5:1: risk lacks "tier"; add it'],
    ("Answer customers' questions about their own invoices.", "null"): [
        "intent.wrong-type behavior.intent:4:10: purpose must be text, not null"
    ],
    ("schema: behavior.intent/v1", "schema: [v1]"): [
        'intent.unsupported-schema behavior.intent:2:9: schema a list is not supported; write "behavior.intent/v1"'
    ],
    ("purpose:", "x-purpose:"): ['intent.missing-field behavior.intent:2:1: "purpose" is missing; add it'],
    ("    class: finance\n", ""): ['intent.missing-field behavior.intent:16:5: tools[0] lacks "class"; add it'],
    ("privilege: read", "privilege: reed"): [
        (
            'intent.unknown-value behavior.intent:19:16: tools[0].privilege can\'t be "reed"; did you mean "read"? '
            "known: none, read, write, execute, admin"
        )
    ],
    ("privilege: read", "privilege: zzz"): [
        (
            'intent.unknown-value behavior.intent:19:16: tools[0].privilege can\'t be "zzz"; '
            "known: none, read, write, execute, admin"
        )
    ],
    ("policy: session", "policy: 7"): [
        (
            "intent.wrong-type behavior.intent:32:20: constraints.memory.policy must be text, not the integer 7; "
            "one of none, session, user, shared"
        )
    ],
    ("version: 1.0.0", "version: 1"): [
        "intent.wrong-type behavior.intent:3:42: metadata.version must be text, not the integer 1; quote it if it is text"
    ],
    ("operations: [list_invoices, get_invoice]", "operations: list_invoices"): [
        "intent.wrong-type behavior.intent:20:17: tools[0].operations must be a list, not text"
    ],
    ("memory: {policy: session}", "memory: [session]"): [
        "intent.wrong-type behavior.intent:32:11: constraints.memory must be an object, not a list"
    ],
    ("self_modification: false", 'self_modification: "false"'): [
        "intent.wrong-type behavior.intent:36:22: constraints.self_modification must be true or false, not text"
    ],
    ("max_steps: 20", "max_steps: true"): [
        "intent.wrong-type behavior.intent:34:63: constraints.limits.max_steps must be an integer, not true"
    ],
    ("P7D", "null"): [
        "intent.wrong-type behavior.intent:51:19: promotion.production.approval_ttl is null; write a value or leave it out"
    ],
    ("id: billing-support", "id: Billing Support"): [
        (
            'intent.bad-form behavior.intent:3:16: metadata.id has another form: "Billing Support"; write lower-case letters, '
            "digits, dot, dash and underscore, beginning with a letter or digit"
        )
    ],
    ("P7D", "7 days"): [
        (
            'intent.bad-form behavior.intent:51:19: promotion.production.approval_ttl has another form: "7 days"; '
            "write days as P7D or hours as PT12H"
        )
    ],
    ("  staging:", "  Staging:"): [
        (
            'intent.bad-form behavior.intent:38:3: the name "Staging" in promotion has another form; write lower-case letters, '
            "digits, dot, dash and underscore, beginning with a letter or digit"
        )
    ],
    ('version: ">=2.0"', 'version: ""'): [
        "intent.bad-form behavior.intent:18:14: tools[0].version is empty; write something"
    ],
    ('">=2.0"', f'"{"9" * 201}"'): [
        "intent.bad-form behavior.intent:18:14: tools[0].version is longer than 200 characters; shorten it"
    ],
    ("max_steps: 20", "max_steps: 0"): [
        "intent.out-of-bounds behavior.intent:34:63: constraints.limits.max_steps must be at least 1, not 0"
    ],
    ("min_pass_bp: 9800", "min_pass_bp: 10001"): [
        "intent.out-of-bounds behavior.intent:42:78: promotion.staging.evidence[0].min_pass_bp must be at most 10000, not 10001"
    ],
    ("regions: [eu]", "regions: []"): [
        "intent.out-of-bounds behavior.intent:27:83: models.classes[0].regions needs at least 1 item"
    ],
    ("behavior.intent/v1", "behaviour.intent/v1"): [
        (
            'intent.unsupported-schema behavior.intent:2:9: schema "behaviour.intent/v1" is not supported; '
            'write "behavior.intent/v1"'
        )
    ],
    ("schema: behavior.intent/v1", "schema: 2"): [
        'intent.unsupported-schema behavior.intent:2:9: schema 2 is not supported; write "behavior.intent/v1"'
    ],
    ("schema: behavior.intent/v1\n", ""): ['intent.missing-field behavior.intent:2:1: "schema" is missing; add it'],
}


@pytest.mark.parametrize("edit", PROBLEMS, ids=str)
def test_problems_in_peoples_words_at_their_place(edit: tuple[str, str]) -> None:
    assert said(*edit) == PROBLEMS[edit]


@pytest.mark.attack("A20")
@pytest.mark.parametrize(
    "schema", ["behavior.intent/v0", "behavior.intent/v2", "behavior.intent/v1 ", "", True, None, []]
)
def test_another_schema_is_refused_and_nothing_else_is_said(schema: object) -> None:
    with refused("intent.unsupported-schema") as e:
        loaded({"schema": schema, "fields": "of another version"})
    assert len(e.value.problems) == 1


@pytest.mark.parametrize(
    "document",
    [{}, {"openapi": "3.0.0", "info": {}, "paths": {}}, {"name": "x", "description": "y", "tools": [], "models": {}}],
)
def test_something_else_is_called_that_and_nothing_else_is_said(document: Json) -> None:
    with refused("intent.unsupported-schema") as e:
        loaded(document)
    (problem,) = e.value.problems
    assert "this is no intent" in problem.message
    assert "schema: behavior.intent/v1" in problem.hint


def test_an_intent_that_only_lacks_its_schema_is_told_so() -> None:
    with refused("intent.missing-field") as e:
        loaded(edited(lambda d: d.pop("schema")))
    assert [p.message for p in e.value.problems] == ['"schema" is missing']


def test_all_problems_of_a_file_in_the_order_of_the_source() -> None:
    document = edited(lambda d: (d["risk"].update(tier="hihg"), d["tools"][0].update(privilege=1), d.pop("purpose")))
    document["metadata"]["idd"] = "x"
    found = check_document(json.dumps(document, indent=1).encode(), "behavior.intent")
    codes = ["intent.missing-field", "intent.unknown-field", "intent.unknown-value", "intent.wrong-type"]
    assert [p.reason.code for p in found] == codes
    lines = [p.location.line for p in found if p.location and p.location.line]
    assert lines == sorted(lines)


def test_a_confidence_that_is_none_of_the_four() -> None:
    def change(document: Json) -> None:
        document["promotion"]["staging"]["evidence"][0]["confidence_bp"] = 9501

    with refused("intent.unknown-value") as e:
        loaded(edited(change))
    assert e.value.problems[0].hint == "known: 0, 9000, 9500 or 9900"


def test_names_of_labels_have_a_form_and_a_length() -> None:
    long = "a" * 201
    with refused("intent.bad-form") as e:
        loaded(edited(lambda d: d["metadata"].update(labels={"a b": "", long: ""})))
    assert [p.message for p in e.value.problems] == [
        'the name "a b" in metadata.labels has another form',
        f'the name "{"a" * 60}…" in metadata.labels is longer than 200 characters',
    ]


@pytest.mark.parametrize(("text", "kind"), [("[]", "a list"), ('["schema"]', "a list"), ("word", "text")])
def test_what_is_no_object_at_all(text: str, kind: str) -> None:
    with refused("intent.wrong-type") as e:
        load_intent(text.encode(), "behavior.intent")
    assert str(e.value) == f"behavior.intent:1:1: an intent must be an object, not {kind}"


def test_what_the_loader_refuses_keeps_its_own_reason() -> None:
    assert [p.reason.code for p in check_document(b"a: 1\na: 2\n", "f")] == ["document.duplicate-key"]


def test_messages_show_nothing_raw() -> None:
    document = edited(lambda d: d.update({"bad\nname": 1, "risk": {"tier": "a\nb", "exposure": "customer"}}))
    with pytest.raises(InvalidInputError) as e:
        loaded(document)
    assert len(str(e.value).splitlines()) == len(e.value.problems) == 2


@given(st.sampled_from([path for path, _ in places(full())]), VALUES)
@settings(max_examples=200)
def test_whatever_is_wrong_is_said_in_one_line_at_a_place(path: tuple[Any, ...], value: object) -> None:
    for problem in check_document(json.dumps(put(full(), path, value)).encode(), "behavior.intent"):
        assert problem.message.isprintable()
        assert problem.location is not None
        assert problem.location.line == 1


def test_errors_that_pydantic_may_invent_are_still_said() -> None:
    error: Any = {"type": "from_the_future", "loc": ("purpose",), "msg": "is odd", "input": "x"}
    problems = explain([error], loaded(example()).document)
    assert [str(p) for p in problems] == ["behavior.intent:1:129: purpose: is odd"]


def test_loading_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from bspec_opa.intent.load import load_intent\n"
        f"load_intent({TEXT.encode()!r}, 'f')\n"
        "heavy = ('requests', 'jsonschema', 'securesystemslib', 'semantic_version', 'cryptography', 'difflib', 'wasmtime',\n"
        "         'bspec_opa.intent.explain', 'bspec_opa.intent.descriptions', 'bspec_opa.intent.range_hints')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout == "[]\n"

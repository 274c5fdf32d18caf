"""Every engine gives the same answer to the same request, over every transport."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bspec_opa.engine.crosscheck import differences
from bspec_opa.engine.interface import EngineFacts
from bspec_opa.foundation.digest import ZERO_DIGEST
from bspec_opa.foundation.errors import EngineError, ExitCode

if TYPE_CHECKING:
    from bspec_opa.engine.interface import Engine

KINDS = ("embedded", "tcp", "unix", "managed")
ADMIN = {"id": "shell", "privilege": "admin", "path": "/tools/0"}
READER = {"id": "wiki", "privilege": "read", "path": "/tools/1"}
NAMELESS = {"id": "", "privilege": "read", "path": "/tools/2"}


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, shared_engines: dict[str, Engine]) -> Engine:
    return shared_engines[request.param]


def answer(status: str, *denials: tuple[str, str]) -> dict[str, Any]:
    found = [{"msg": m, "path": p} for m, p in denials]
    empty: dict[str, list[Any]] = {"pending": [], "warn": [], "waived": [], "waivers": []}
    return {"status": status, "severity": "high", "deny": found, **empty}


def decision(no_admin: dict[str, Any], named: dict[str, Any]) -> dict[str, Any]:
    return {
        "contract": "bspec.decision/v1",
        "nonce": "n1",
        "revision": "r1",
        "data_digest": "d1",
        "global": {"global.tools.no_admin": no_admin, "global.tools.named": named},
        "promotion": {"promotion.all.known": answer("pass")},
    }


def ask(environment: Any, *tools: Any) -> dict[str, Any]:
    return {"nonce": "n1", "environment": environment, "tools": list(tools)}


def test_allow(engine: Engine) -> None:
    assert engine.decide(ask("staging", READER)).decision == decision(answer("pass"), answer("pass"))


def test_deny_names_each_finding(engine: Engine) -> None:
    found = engine.decide(ask("production", READER, ADMIN, NAMELESS)).decision
    denied = answer("deny", ("tool shell asks for admin", "/tools/0"))
    assert found == decision(denied, answer("deny", ("tool without name", "/tools/2")))


@pytest.mark.parametrize("environment", ["nowhere", "", "Staging", 7, None, {"staging": 1}, ["staging"]])
def test_unknown_environment_is_undefined(engine: Engine, environment: Any) -> None:
    with pytest.raises(EngineError) as caught:
        engine.decide(ask(environment, READER))
    assert (caught.value.code, caught.value.exit_code) == ("engine.undefined", ExitCode.ENGINE)


def test_empty_request_is_undefined(engine: Engine) -> None:
    with pytest.raises(EngineError) as caught:
        engine.decide({})
    assert caught.value.code == "engine.undefined"


def test_facts(shared_engines: dict[str, Engine]) -> None:
    facts = {k: e.decide(ask("staging")).facts for k, e in shared_engines.items()}
    version = facts["embedded"][0].version
    assert version.startswith("wasmtime-")
    assert facts == {
        "embedded": (EngineFacts("embedded", version, "r1", ZERO_DIGEST, "measured"),),
        "tcp": (EngineFacts("rest", "1.22.2", "r1", None, "echoed"),),
        "unix": (EngineFacts("rest", "1.22.2", "r1", None, "echoed"),),
        "managed": (EngineFacts("managed", "1.22.2", "r1", ZERO_DIGEST, "measured"),),
    }


HOSTILE_TEXT = [
    "nul \0 inside",
    'quote " backslash \\ slash /',
    "controls \x01\x1f\x7f\x85\u2028\u2029",
    "right-to-left \u202e and joiner \u200d",
    "astral \U0001f525 and private \U0010ffff",
    "not normal e\u0301 and \u212b",
    "{t.id} ${x} %v %s",
    "x" * 50_000,
]


@pytest.mark.parametrize("text", HOSTILE_TEXT, ids=range(len(HOSTILE_TEXT)))
def test_hostile_text_comes_back_unchanged(engine: Engine, text: str) -> None:
    tool = {"id": text, "privilege": "admin", "path": text}
    found = engine.decide(ask("staging", tool)).decision
    assert found == decision(answer("deny", (f"tool {text} asks for admin", text)), answer("pass"))


SHAPES: list[Any] = [
    7,
    None,
    "admin",
    {"a": ADMIN},
    [None, 7, [], {}, ADMIN],
    [[ADMIN]],
    [{"privilege": "admin"}],
    [{"privilege": "admin", "id": None, "path": []}],
    [{"privilege": ["admin"], "id": {"id": 1}, "path": {}}],
    [{"privilege": "admin", "id": 10**15 - 1, "path": -(10**15) + 1}],
    [{"privilege": "admin", "id": True, "path": False}],
    [ADMIN] * 2000,
    [[[[[[[[[[[[[[[[[[[["deep"]]]]]]]]]]]]]]]]]]]],
]


def outcome(engine: Engine, request: Any) -> Any:
    try:
        return engine.decide(request).decision
    except EngineError as e:
        return e.code


@pytest.mark.attack("A66")
@pytest.mark.parametrize("tools", SHAPES, ids=range(len(SHAPES)))
def test_hostile_shapes_are_the_same_everywhere(shared_engines: dict[str, Engine], tools: Any) -> None:
    request = {"nonce": "n1", "environment": "staging", "tools": tools}
    found = {k: outcome(e, request) for k, e in shared_engines.items()}
    assert differences(found["tcp"], found["embedded"]) == []
    assert differences(found["unix"], found["embedded"]) == []
    assert differences(found["managed"], found["embedded"]) == []


SCALARS = st.none() | st.booleans() | st.integers(-(10**15) + 1, 10**15 - 1) | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS, lambda s: st.lists(s, max_size=4) | st.dictionaries(st.text(max_size=8), s, max_size=4), max_leaves=12
)
TOOLS = st.lists(
    VALUES
    | st.fixed_dictionaries(
        # Engines write lists and objects inside a text differently; the bundle's lint keeps them out of messages.
        {"id": SCALARS, "privilege": st.sampled_from(["admin", "read"]) | VALUES, "path": st.text(max_size=9)}
    ),
    max_size=4,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tools=TOOLS)
def test_property_engines_agree(shared_engines: dict[str, Engine], tools: Any) -> None:
    request = {"nonce": "n1", "environment": "staging", "tools": tools}
    found = outcome(shared_engines["embedded"], request)
    assert differences(outcome(shared_engines["unix"], request), found) == []
    assert differences(outcome(shared_engines["managed"], request), found) == []

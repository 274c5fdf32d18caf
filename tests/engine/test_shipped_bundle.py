"""The bundle that is shipped decides the same in every engine, whatever the input schema allows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sidecars import opa_server

from bspec_opa.bundle.contract.definitions import ACTIONS, input_schema
from bspec_opa.bundle.read import read_bundle
from bspec_opa.engine.crosscheck import CrossChecked
from bspec_opa.engine.embedded import EmbeddedEngine
from bspec_opa.engine.rest import RestEngine
from bspec_opa.foundation.closed_schema import violations
from bspec_opa.foundation.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

BUNDLE = Path(__file__).parents[2] / "bundles" / "default.tar.gz"
SCHEMA: dict[str, Any] = input_schema()
WORDS = [
    "",
    "word",
    "staging",
    "production",
    "all",
    "owner",
    "security",
    "/tools/0",
    "\U00020000",
    "e\u0301",
    "a\0b",
    "1.2.3",
]
TEXT = st.sampled_from(WORDS) | st.text(max_size=6)


def strategy(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What fits a closed schema, small, and with words that rules look for."""
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix("#/$defs/")
        return st.deferred(lambda: strategy(SCHEMA["$defs"][name]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema["type"]
    if kind == "object":
        return st.fixed_dictionaries({k: strategy(v) for k, v in schema["properties"].items()})
    if kind == "array":
        return st.lists(strategy(schema["items"]), max_size=min(2, schema.get("maxItems", 2)))
    if kind == "integer":
        low, high = schema["minimum"], schema["maximum"]
        return st.sampled_from([low, high, (low + high) // 2]) | st.integers(low, min(high, low + 9))
    return st.booleans() if kind == "boolean" else TEXT


@pytest.fixture(scope="module")
def engines(opa_path: Path) -> Iterator[CrossChecked]:
    bundle = read_bundle(BUNDLE.read_bytes(), BUNDLE.name)
    with (
        opa_server(opa_path, BUNDLE) as (_, url),
        CrossChecked(
            RestEngine(url, revision=bundle.revision, deadline_s=60),
            EmbeddedEngine(bundle.wasm, bundle.data, revision=bundle.revision, bundle_digest=bundle.digest),
        ) as both,
    ):
        yield both


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    request=strategy(SCHEMA), environment=st.sampled_from(["staging", "production"]), action=st.sampled_from(ACTIONS)
)
def test_property_engines_agree(engines: CrossChecked, request: dict[str, Any], environment: str, action: str) -> None:
    request |= {"environment": environment, "action": action}
    assert violations(SCHEMA, request) == []
    answer = engines.decide(request)
    assert isinstance(answer.decision, dict)
    assert answer.decision["nonce"] == request["nonce"]


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(request=strategy(SCHEMA), data=st.data())
def test_property_a_spoilt_request_is_undefined_everywhere(
    engines: CrossChecked, request: dict[str, Any], data: st.DataObject
) -> None:
    request |= {"environment": "staging", "action": "promote"}
    request[data.draw(st.sampled_from(sorted(request)))] = data.draw(
        st.sampled_from([None, {}, [[]], [7], -1, {"a": 1}])
    )
    if violations(SCHEMA, request) == []:
        return
    for engine in (engines._sidecar, engines._embedded):
        with pytest.raises(EngineError) as caught:
            engine.decide(request)
        assert caught.value.code == "engine.undefined"

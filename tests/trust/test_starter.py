from __future__ import annotations

import pytest
from world import World, digest, refused

from bspec_opa.trust.authority import verify_record
from bspec_opa.trust.root import AcceptedBundle, Agent, require_current
from bspec_opa.trust.starter import starter_root

BUNDLE = AcceptedBundle("default", "1", digest("bundle"))


def test_starter_knows_staging_then_production_and_any_agent() -> None:
    root = starter_root([BUNDLE])
    assert [(e.id, e.from_) for e in root.environments] == [("staging", ""), ("production", "staging")]
    assert root.knows_agent("anything")
    assert root.agent("anything") == Agent("anything", ())
    assert root.accepted_bundles("staging") == root.accepted_bundles("production") == (BUNDLE,)


def test_starter_is_advisory_and_accepts_no_bundle_by_itself() -> None:
    root = starter_root()
    assert not root.authenticated
    assert root.accepted_bundles("staging") == ()


@pytest.mark.attack("A77")
def test_starter_knows_no_other_environment() -> None:
    with refused("trust.unknown-environment"):
        starter_root().environment("prod")


@pytest.mark.attack("A75")
def test_nobody_signs_or_owns_anything_under_the_starter(world: World) -> None:
    root = starter_root([BUNDLE])
    assert not root.keys
    assert not root.owns("alice", "anything")
    with refused("trust.unknown-key"):
        verify_record(world.approval(), "r", [root], World.NOW)


def test_starter_holds_at_any_time() -> None:
    for now in (0, World.NOW, 4_000_000_000):
        require_current(starter_root(), now)

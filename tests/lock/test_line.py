from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from world import key_of

from bspec_opa.binding.model import Binding, BoundComponent, BoundModel
from bspec_opa.foundation.digest import digest_json, digest_of
from bspec_opa.foundation.errors import TrustError
from bspec_opa.lock.line import artifact_subjects, build_line_statement, line_subjects, parse_line, require_artifacts
from bspec_opa.trust.dsse import IN_TOTO_PAYLOAD_TYPE, TRUST_ROOT_PAYLOAD_TYPE, parse_envelope, sign_envelope
from bspec_opa.trust.statement import Subject

if TYPE_CHECKING:
    from locksmith import Locksmith
    from world import World


def bound(*components: str) -> Binding:
    model = BoundModel(
        "reasoner", "acme", "m-1", "api", False, "provider-asserted", digest_of(b"weights"), None, None, None
    )
    return Binding((model,), (), tuple(BoundComponent(c, digest_of(c.encode())) for c in components), ())


def refused(record: bytes, code: str) -> str:
    with pytest.raises(TrustError) as caught:
        parse_line(record, "behavior.lock line 1")
    assert caught.value.code == code
    assert str(caught.value).startswith("behavior.lock line 1: ")
    return str(caught.value)


def test_a_line_says_what_was_signed(world: World, smith: Locksmith) -> None:
    line = smith.line(now="2026-06-01T12:00:00Z")
    assert (line.kind, line.agent, line.environment, line.seq) == ("promotion", "billing-support", "staging", 0)
    assert (line.base, line.source, line.previous) == ("genesis", "none", "sha256:" + "0" * 64)
    assert (line.intent_digest, line.binding_digest) == (world.INTENT, world.BINDING)
    assert (line.surface_digest, line.binding) == (world.SURFACE, world.BINDING_DOCUMENT)
    assert line.now == "2026-06-01T12:00:00Z"
    assert line.digest == digest_of(line.data)
    assert line.record == line.data + b"\n"
    assert line.record_id == parse_envelope(line.record, "line").digest
    assert [line.ids(m) for m in ("submits", "approvals", "evidence", "waivers")] == [
        (digest_of(b"submit"),),
        (digest_of(b"approval"),),
        (digest_of(b"evidence"),),
        (),
    ]
    assert world.verify(line.record).type == "promotion"


def test_subjects_are_intent_binding_and_artifacts(world: World) -> None:
    binding = bound("prompt", "guard")
    predicate = world.predicate("promotion", binding=binding.to_json())
    statement = build_line_statement(predicate, intent_digest=world.INTENT, artifacts=artifact_subjects(binding))
    assert statement.subjects == (
        Subject("behavior.intent", world.INTENT),
        Subject("binding", binding.digest),
        Subject("artifact:component:guard", digest_of(b"guard")),
        Subject("artifact:component:prompt", digest_of(b"prompt")),
        Subject("artifact:model:reasoner", digest_of(b"weights")),
    )


@pytest.mark.attack("A44")
def test_a_line_names_exactly_the_artifacts_of_its_binding(world: World) -> None:
    binding = bound("prompt")
    predicate = world.predicate("promotion", binding=binding.to_json())
    for artifacts, other in (
        (artifact_subjects(binding), ""),
        (artifact_subjects(binding)[1:], "component:prompt"),
        ((*artifact_subjects(binding), Subject("artifact:tool:x", world.INTENT)), "tool:x"),
    ):
        statement = build_line_statement(predicate, intent_digest=world.INTENT, artifacts=artifacts)
        line = parse_line(world.sign("promotion", predicate, statement.subjects, by="gate"), "line")
        if other:
            with pytest.raises(TrustError, match=other) as caught:
                require_artifacts(line, binding, "line")
            assert caught.value.code == "lock.wrong-artifacts"
        else:
            require_artifacts(line, binding, "line")


def test_a_rollback_is_a_line_too(smith: Locksmith) -> None:
    assert smith.line(kind="rollback").kind == "rollback"


@pytest.mark.attack("A03")
def test_another_record_is_no_line(world: World) -> None:
    assert "is of the type approval" in refused(world.approval(), "lock.bad-line")
    line = parse_envelope(world.promotion(), "line")
    refused(sign_envelope(line.payload, TRUST_ROOT_PAYLOAD_TYPE, [key_of("gate")]).to_bytes(), "trust.wrong-type")


def test_a_line_has_one_signature(world: World) -> None:
    payload = parse_envelope(world.promotion(), "line").payload
    both = sign_envelope(payload, IN_TOTO_PAYLOAD_TYPE, [key_of("gate"), key_of("sam")])
    assert "has 2 signatures" in refused(both.to_bytes(), "lock.bad-line")


def test_a_line_carries_the_binding_that_it_is_about(world: World) -> None:
    predicate = world.predicate("promotion")
    others = (
        line_subjects(world.INTENT, {"models": []}, ()),
        [Subject("behavior.intent", world.INTENT)],
        [*line_subjects(world.INTENT, world.BINDING_DOCUMENT, ()), Subject("surface", world.SURFACE)],
    )
    for subjects in others:
        refused(world.sign("promotion", predicate, list(subjects), by="gate"), "lock.bad-line")
    assert digest_json(world.BINDING_DOCUMENT) == world.BINDING


def test_only_a_whole_predicate_is_signed(world: World) -> None:
    predicate = world.predicate("promotion")
    for wrong, code in (
        ({**predicate, "more": 1}, "trust.bad-predicate"),
        ({k: v for k, v in predicate.items() if k != "view"}, "trust.bad-predicate"),
        ({k: v for k, v in predicate.items() if k != "kind"}, "trust.wrong-type"),
    ):
        with pytest.raises(TrustError) as caught:
            build_line_statement(wrong, intent_digest=world.INTENT, artifacts=())
        assert caught.value.code == code

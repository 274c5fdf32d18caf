from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.canonical import canonical_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]


def test_without_an_environment_it_is_a_check_of_the_intent_alone(shell_at: At) -> None:
    result = shell_at("bare").ok("normalize", "behavior.intent")
    document = result.json
    assert result.out.encode() == canonical_bytes(document) + b"\n"
    assert (document["contract"], document["action"], document["environment"]) == ("bspec.input/v1", "check", "none")
    assert document["nonce"] == "0" * 64


def test_with_one_it_is_what_evaluate_sends(shell_at: At) -> None:
    document = shell_at("signed").ok("normalize", "behavior.intent", "--env", "staging", "--format", "json").json
    assert (document["action"], document["environment"]) == ("promote", "staging")
    assert len(document["approvals"]) == 1


def test_quiet_only_tells_whether_it_can(shell_at: At) -> None:
    assert shell_at("bare").ok("normalize", "behavior.intent", "-q").out == ""


def test_text_is_not_offered(shell_at: At) -> None:
    assert shell_at("bare")("normalize", "behavior.intent", "--format", "text").code == 2

"""The OPA input without asking anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.gate.request import GENESIS, NO_ENVIRONMENT, REPLAY_NONCE, Facts, build_request
from bspec_opa.intent.change import change_of
from bspec_opa.intent.projection import intent_input
from bspec_opa.workflow.facts.situation import change_input

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.intent.load import LoadedIntent
    from bspec_opa.workflow.checkout.session import Session

CHECK = "check"


def check_request_of(loaded: LoadedIntent, now: int) -> JsonObject:
    """The input for the action ``check``: the intent alone, compared with nothing."""
    change = change_of(None, loaded, old_binding=None, new_binding=None)
    facts = Facts(
        action=CHECK,
        environment=NO_ENVIRONMENT,
        now=now,
        intent=intent_input(loaded, now),
        surface_digest=loaded.surface_digest,
        change=change_input(change, GENESIS),
    )
    return build_request(facts, REPLAY_NONCE)


def evaluation_request_of(session: Session, environment_name: str) -> JsonObject:
    """Exactly what ``evaluate`` sends, but for the nonce.

    Raises:
        BspecError: as ``evaluate``.
    """
    from bspec_opa.workflow.evaluate import situation_of

    environment = session.environment(environment_name)
    return build_request(situation_of(session, environment, with_inbox=True).facts, REPLAY_NONCE)

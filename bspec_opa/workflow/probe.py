"""A question that any engine with the right bundle can answer: is it there, and is it the one."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from bspec_opa.gate.request import GENESIS, NONCE_BYTES, Facts, build_request
from bspec_opa.intent.change import change_of
from bspec_opa.intent.load import load_intent
from bspec_opa.intent.projection import intent_input
from bspec_opa.workflow.facts.situation import PROMOTE, change_input
from bspec_opa.workflow.starting.templates import intent_template

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject


def probe_request(environment: str, now: int) -> JsonObject:
    """An input about the scaffold's own intent with nothing signed; every engine must deny it in the same words."""
    loaded = load_intent(intent_template("probe", "low").encode(), "probe")
    change = change_of(None, loaded)
    facts = Facts(
        action=PROMOTE,
        environment=environment,
        now=now,
        intent=intent_input(loaded, now),
        surface_digest=loaded.surface_digest,
        change=change_input(change, GENESIS),
    )
    return build_request(facts, secrets.token_hex(NONCE_BYTES))

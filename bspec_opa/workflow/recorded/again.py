"""Deciding again what was decided once, as the gate does."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.gate.floor import with_floor
from bspec_opa.gate.request import NONCE_BYTES
from bspec_opa.gate.verdict import judge
from bspec_opa.workflow.checkout.deciding import expectation
from bspec_opa.workflow.normalize import CHECK

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.gate.decision import Decision
    from bspec_opa.workflow.checkout.deciding import Panel, Policy


def decide_again(request: JsonObject, policy: Policy, mandatory: Iterable[str], panel: Panel) -> Decision:
    """What comes of an input now.

    Args:
        request: the input; waivers in it were verified when it was made.
        policy: the bundle that the engine has.
        mandatory: rules that the trust root demands.
        panel: the engine.

    Raises:
        InvalidInputError: the bundle's data does not know the environment.
        EngineError: no usable answer.
    """
    asked: JsonObject = {**request, "nonce": secrets.token_hex(NONCE_BYTES)}
    expected = expectation(policy, asked)
    decision = judge(panel.engine.decide(asked).decision, expected)
    # The floor is about records, and a check looks at none.
    return decision if request["action"] == CHECK else with_floor(decision, asked, mandatory)


def waivers_of(request: JsonObject) -> list[dict[str, Any]]:
    """The waivers in an input."""
    return cast("list[dict[str, Any]]", request["waivers"])

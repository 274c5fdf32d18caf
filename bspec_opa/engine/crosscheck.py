"""Two engines must agree, rule by rule: what a sidecar echoes proves nothing of what it ran (attack A86)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from bspec_opa.engine.interface import Answer, Closing
from bspec_opa.engine.reasons import DISAGREEMENT
from bspec_opa.engine.stale import stale_bundle

if TYPE_CHECKING:
    from bspec_opa.engine.interface import OpenEngine
    from bspec_opa.foundation.canonical import JsonObject, JsonValue

PARTS = ("global", "promotion")
IDENTITY = ("revision", "data_digest")
"""Members that say which bundle decided."""
NAMED = 20
_SIDECAR = ("sidecar", "check which policies the sidecar really runs before anything is promoted")
_OTHERS = {"managed": ("managed OPA", "report the bundle: its Rego and its WebAssembly decide differently")}


class CrossChecked(Closing):
    """Asks a sidecar and the embedded engine the same question.

    The answer is the embedded engine's, on bytes that were verified here; it carries the facts of both, the
    sidecar's first. Closing it closes both.
    """

    def __init__(self, sidecar: OpenEngine, embedded: OpenEngine) -> None:
        self._sidecar = sidecar
        self._embedded = embedded

    @property
    def notes(self) -> tuple[str, ...]:
        """Those of both engines."""
        return self._sidecar.notes + self._embedded.notes

    def decide(self, request: JsonObject) -> Answer:
        """Put one request to both engines.

        Raises:
            EngineError: one of them gives no usable answer, or they disagree.
            TrustError: the sidecar has another policy revision.
        """
        echoed = self._sidecar.decide(request)
        measured = self._embedded.decide(request)
        different = differences(echoed.decision, measured.decision)
        _refuse_stale(echoed.decision, measured.decision, different)
        if different:
            more = f" and {len(different) - NAMED} more" if len(different) > NAMED else ""
            who, hint = _OTHERS.get(echoed.facts[0].kind, _SIDECAR)
            message = f"{who} and embedded engine disagree on {', '.join(different[:NAMED])}{more}"
            raise DISAGREEMENT.error(message, hint=hint)
        return Answer(measured.decision, echoed.facts + measured.facts)

    def close(self) -> None:
        """Close both engines."""
        try:
            self._sidecar.close()
        finally:
            self._embedded.close()


def _refuse_stale(sidecar: JsonValue, embedded: JsonValue, different: list[str]) -> None:
    """Say first that the bundle is another one: it explains everything that may be different besides."""
    if not isinstance(sidecar, dict) or not isinstance(embedded, dict):
        return
    for member in IDENTITY:
        found = sidecar.get(member)
        if member in different and isinstance(found, str):
            what = f"bundle {member.replace('_', ' ')}"
            raise stale_bundle("the sidecar", what, found, str(embedded.get(member)))


def differences(sidecar: JsonValue, embedded: JsonValue) -> list[str]:
    """What two decisions differ in: rule ids, or members of the decision; names come from the embedded one.

    Lists of findings are sets: their order doesn't count, how often one occurs does.
    """
    if not isinstance(sidecar, dict) or not isinstance(embedded, dict):
        return [] if _form(sidecar) == _form(embedded) else ["the whole decision"]
    found: list[str] = []
    for member in sorted(sidecar.keys() | embedded.keys()):
        one, other = sidecar.get(member), embedded.get(member)
        if member in PARTS and isinstance(one, dict) and isinstance(other, dict):
            found += _rules(one, other)
        elif _form(one) != _form(other) or (member in sidecar) != (member in embedded):
            found.append(member if member in embedded else "a member that only the sidecar has")
    return found


def _rules(sidecar: JsonObject, embedded: JsonObject) -> list[str]:
    found = [rule for rule in sorted(embedded) if rule not in sidecar or _form(sidecar[rule]) != _form(embedded[rule])]
    return [*found, "a rule that only the sidecar has"] if sidecar.keys() - embedded.keys() else found


def _form(value: JsonValue) -> str:
    """A text that is equal for equal values: keys sorted, items sorted, ``true`` and ``1`` apart."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{_form(value[k])}" for k in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(sorted(_form(v) for v in value)) + "]"
    return json.dumps(value)

"""Each decision of ``evaluate``, ``promote`` and ``check`` as a line of OPA's decision log, where that is wanted.

The line is written before anybody learns of the decision: a decision that can't be logged is none. So ``promote``
appends nothing to the ledger, and every verb exits 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from bspec_opa import __version__
from bspec_opa.foundation.appending import append_line
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.errors import ExitCode, Location
from bspec_opa.foundation.times import format_time
from bspec_opa.workflow.reasons import LOG_MASK, LOG_UNWRITABLE

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.gate.decision import Decision
    from bspec_opa.workflow.checkout.config import Config
    from bspec_opa.workflow.checkout.deciding import Policy, Verdict

FILE = "decision_log.file"


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision to be logged.

    Attributes:
        request: the whole input, nonce included.
        verdict: what the engines said.
        decision: what the gate made of it; the floor's refusals are in it.
        assurance: what it is worth.
        now: Unix seconds.
    """

    request: JsonObject
    verdict: Verdict
    decision: Decision
    assurance: str
    now: int


def log_decision(config: Config, policy: Policy, decided: Decided) -> None:
    """Append the decision's event to ``decision_log.file``, and send it to ``decision_log.url``, if they are set.

    Raises:
        StoreError: it can't be written or sent.
        UsageError: the collector's settings can't be used.
        InvalidInputError: the bundle doesn't say what a log may hold.
    """
    path, url = config.path(FILE), config.text("decision_log.url")
    if path is None and url is None:
        return
    event = _event(config, policy, decided)
    if path is not None:
        _append(path, event)
    if url is not None:
        from bspec_opa.workflow.decision_logs.sending import send_event

        send_event(url, event, config)


def _event(config: Config, policy: Policy, decided: Decided) -> bytes:
    import uuid

    from bspec_opa.engine.interface import DECISION_PATH
    from bspec_opa.gate.decision_event import Asked, decision_event

    masks = policy.bundle.organisation.get("log_mask")
    if not isinstance(masks, list):
        message = f"the bundle {policy.ref.name} has no log_mask in its organisation's data"
        raise LOG_MASK.error(message, hint='build it with "log_mask": [] to hide nothing')
    asked = Asked(
        id=str(uuid.uuid4()),
        labels={"app": "bspec-opa", "id": _process_id(), "version": __version__},
        bundle=config.text("engine.bundle_name") or "bspec",
        revision=policy.bundle.revision,
        path=DECISION_PATH,
        input=decided.request,
        result=decided.verdict.answer,
        requested_by=f"bspec-opa {decided.request['action']}",
        timestamp=format_time(decided.now),
        outcome=_outcome(decided),
    )
    return canonical_bytes(decision_event(asked, cast("list[JsonObject]", masks)))


def _append(path: Path, event: bytes) -> None:
    try:
        append_line(path, event)
    except (OSError, ValueError) as e:
        why = e.strerror if isinstance(e, OSError) and e.strerror else "is no file name"
        hint = "a decision that can't be logged is not taken; mend it, or unset decision_log.file"
        raise LOG_UNWRITABLE.error(f"can't be written: {why}", hint=hint, at=Location(str(path))) from e


def _outcome(decided: Decided) -> JsonObject:
    """What the gate knows besides the policies' answer, and an OPA can't say."""
    decision = decided.decision
    verdict = {ExitCode.OK: "allowed", ExitCode.PENDING: "pending"}.get(decision.exit_code, "denied")
    floor: list[JsonValue] = [p.reason.code for p in decision.refusals]
    engines: list[JsonValue] = [e.kind for e in decided.verdict.engines]
    return {"verdict": verdict, "floor": floor, "engines": engines, "assurance": decided.assurance}


@lru_cache(maxsize=1)
def _process_id() -> str:
    """Which run reports; OPA labels its events with an id of its process, too."""
    import uuid

    return str(uuid.uuid4())

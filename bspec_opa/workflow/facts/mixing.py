"""Signatures on a rollback that differ from it in one thing: whether it is an emergency. Pure.

Policies see that such an approval does not bind what was shown, and that nobody has asked; people should see why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from bspec_opa.approval.facts import APPROVE
from bspec_opa.approval.view import view_digest
from bspec_opa.foundation.times import parse_time
from bspec_opa.trust.authority import BINDING_SUBJECT, INTENT_SUBJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bspec_opa.trust.authority import Record
    from bspec_opa.workflow.facts.situation import Situation

_KINDS = {True: "an emergency", False: "an ordinary rollback"}
_FLAGS = {True: "with --emergency", False: "without --emergency"}


def mixed_up_notes(situation: Situation) -> Iterator[str]:
    """One line for each approval and the newest request that would count, were it an emergency or were it none."""
    rollback = situation.given.rollback
    if rollback is None:
        return
    told = f"and this is {_KINDS[rollback.emergency]}"
    again = _FLAGS[rollback.emergency]
    for record in _approvals(situation):
        what = _KINDS[not rollback.emergency]
        yield f"{record.principal} approved {what} as {record.role}, {told}: have it approved again {again}"
    for record in _requests(situation, emergency=not rollback.emergency)[-1:]:
        what = _KINDS[not rollback.emergency]
        yield f"{record.principal} requested {what}, {told}: have it requested again {again}"


def _approvals(situation: Situation) -> Iterator[Record]:
    signed = {r.record.id: r.record for r in situation.given.history.of_type("approval")}
    for fact in cast("list[dict[str, Any]]", situation.facts.approvals):
        record = signed.get(fact["id"])
        unbound = [name for name, bound in fact["binds"].items() if not bound]
        if record is None or fact["decision"] != APPROVE or unbound != ["view"]:
            continue
        if fact["expires_unix"] > situation.given.now and record.predicate["view"] == _other_view(situation, record):
            yield record


def _other_view(situation: Situation, record: Record) -> str:
    """The view that an approval with these lists has signed if it was shown the other kind of rollback."""
    view = cast("dict[str, Any]", situation.view)
    listed = {name: cast("list[str]", record.predicate[name]) for name in ("evidence", "waivers")}
    shown = {name: [one for one in view[name] if one["id"] in ids] for name, ids in listed.items()}
    back = [r | {"emergency": not r["emergency"]} for r in view["rollback"]]
    return view_digest(view | shown | {"rollback": back})


def _requests(situation: Situation, *, emergency: bool) -> list[Record]:
    """The requests in force for exactly this but for the kind, where none is for this."""
    binding = situation.binding
    if situation.request is not None or binding is None:
        return []
    exactly = (situation.given.loaded.digest, binding.digest, situation.base, situation.source, emergency)
    return [
        r.record
        for r in situation.given.history.of_type("request")
        if r.record.environment == situation.given.environment.id
        and _asked(r.record) == exactly
        and parse_time(str(r.record.predicate["expires"])) > situation.given.now
    ]


def _asked(record: Record) -> tuple[object, ...]:
    subject, said = record.statement.digest_of, record.predicate
    return subject(INTENT_SUBJECT), subject(BINDING_SUBJECT), said["base"], said["source"], said["emergency"]

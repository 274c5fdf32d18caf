"""What a rollback goes back to: one recorded line of the same environment, redeployed without mutation. Pure.

The same line is found again from the ledger's records when a rollback is verified, so nothing about it is believed
because somebody named it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from bspec_opa.approval.facts import submits_since
from bspec_opa.foundation.times import format_time
from bspec_opa.lock.line import ROLLBACK
from bspec_opa.trust.authority import BINDING_SUBJECT, INTENT_SUBJECT
from bspec_opa.workflow.facts.voiding import counted_in
from bspec_opa.workflow.reasons import ROLLBACK_CURRENT, ROLLBACK_TARGET

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bspec_opa.binding.model import Binding
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.intent.load import LoadedIntent
    from bspec_opa.trust.authority import Record
    from bspec_opa.workflow.facts.heads import Head, Sequenced
    from bspec_opa.workflow.facts.history import History


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to go back to: a line's digest, and whether it is an emergency."""

    line: str
    emergency: bool


@dataclass(frozen=True, slots=True)
class Rollback:
    """A line to go back to, as the ledger's records give it.

    Attributes:
        target: the line.
        origin: the promotion that first brought what it holds into the environment: the target itself, unless that
            is a rollback. Its age counts, so that going back to a line does not make it younger.
        replaced: ids of the submits of the line that the origin replaced.
        emergency: whether the quorum for emergencies is to do.
    """

    target: Head
    origin: Head
    replaced: tuple[str, ...]
    emergency: bool

    @property
    def submits(self) -> tuple[Digest, ...]:
        """The submits that the target's line names."""
        return tuple(cast("list[Digest]", self.target.record.predicate["submits"]))

    def made_by(self, history: History) -> tuple[Record, ...]:
        """The submits of everyone who authored what is redeployed, whatever was submitted since.

        Those of the change that the origin was, and any later one of exactly the same intent and binding.
        """
        same = (self.target.subject(INTENT_SUBJECT), self.target.subject(BINDING_SUBJECT))
        every = sorted((*history.former, *history.of_type("submit")), key=_place)
        ours = [s.record for s in every if _precedes(s, self.origin) or _subjects(s.record) == same]
        return submits_since(ours, self.replaced, *same)

    def fact(self, loaded: LoadedIntent, binding: Binding, now: int) -> list[JsonValue]:
        """The rollback as policies see it: the target compared with what would be deployed."""
        target = self.target
        return [
            {
                "target_line": target.line,
                "same_intent": target.subject(INTENT_SUBJECT) == loaded.digest,
                "same_surface": target.record.predicate["surface_digest"] == loaded.surface_digest,
                "same_binding": target.subject(BINDING_SUBJECT) == binding.digest,
                "age_seconds": max(0, now - self.origin.at),
                "emergency": self.emergency,
            }
        ]

    def view(self) -> JsonObject:
        """What an approver is shown of it; a moment and no age, so that it can be shown again."""
        return {
            "target": self.target.line,
            "promoted": format_time(self.origin.at),
            "emergency": self.emergency,
        }


def rollback_to(history: History, environment: str, wanted: Wanted) -> Rollback:
    """The rollback to a line, from what the ledger says now.

    Raises:
        TrustError: the line, or one that it goes back to itself, does not count.
        InvalidInputError: it is current, so there is nothing to go back to.
    """
    lines = {h.line: h for h in history.lines(environment)}
    target = lines.get(cast("Digest", wanted.line))
    if target is None:
        message = f"no line {wanted.line[:19]}… that counts has been current in {environment}"
        raise ROLLBACK_TARGET.error(message, hint="bspec-opa history names the lines")
    if target == list(lines.values())[-1]:
        message = f"the line {wanted.line[:19]}… is the current one in {environment}"
        raise ROLLBACK_CURRENT.error(message, hint="name an earlier line; bspec-opa history lists them")
    if target.revoked:
        message = f"the line {wanted.line[:19]}… was {target.revoked.said}"
        raise ROLLBACK_TARGET.error(message, hint="go back to another line")
    origin, way = target, [target]
    while origin.record.type == ROLLBACK:
        found = lines.get(cast("Digest", origin.record.predicate["target_line"]))
        if found is None:
            message = f"the line {wanted.line[:19]}… goes back to one that no longer counts"
            raise ROLLBACK_TARGET.error(message, hint="bspec-opa history says why")
        origin = found
        way.append(origin)
    _require_standing(history, way)
    replaced = lines.get(cast("Digest", origin.record.predicate["base"]))
    submits = cast("list[str]", replaced.record.predicate["submits"]) if replaced else []
    return Rollback(target, origin, tuple(submits), wanted.emergency)


def _require_standing(history: History, lines: Iterable[Head]) -> None:
    """What a line counted must not have been revoked since: a rollback would rest on it from now on.

    Whoever revoked it: a record of the ledger or the trust root.
    """
    for line in lines:
        for identifier in counted_in(line.record.predicate):
            revoked = history.withdrawals.revoked.get(identifier) or history.struck.get(identifier)
            if revoked is not None:
                message = f"the line {line.line[:19]}… rests on {_a(revoked.names)} that was {revoked.said}"
                raise ROLLBACK_TARGET.error(message, hint="go back to another line")


def _a(names: str) -> str:
    if names == "evidence":
        return names
    return f"{'an' if names[0] in 'aeiou' else 'a'} {names}"


def _place(submit: Sequenced) -> tuple[bool, int]:
    return submit.seq is None, submit.seq or 0


def _precedes(submit: Sequenced, line: Head) -> bool:
    return submit.seq is not None and submit.seq < line.seq


def _subjects(record: Record) -> tuple[Digest | None, Digest | None]:
    return record.statement.digest_of(INTENT_SUBJECT), record.statement.digest_of(BINDING_SUBJECT)

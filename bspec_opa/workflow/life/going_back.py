"""Opens what a rollback works on: a line that was current before, with its own intent, never the checkout's.

At three in the morning the intent in the checkout may be broken, newer or gone. What is redeployed comes from the
ledger's objects, by the digests that the line names.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.document.load import load_document
from bspec_opa.foundation.errors import BspecError
from bspec_opa.foundation.files import is_regular, read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.trust.authority import INTENT_SUBJECT
from bspec_opa.workflow.checkout.anchor import find_pin, require_pin
from bspec_opa.workflow.checkout.deciding import load_policy
from bspec_opa.workflow.checkout.place import open_place
from bspec_opa.workflow.checkout.project import find_project, lock_beside
from bspec_opa.workflow.checkout.session import session_in
from bspec_opa.workflow.evaluate import stored_intent
from bspec_opa.workflow.facts.claims import agent_of_entry
from bspec_opa.workflow.facts.heads import LINE_TYPES, line_in
from bspec_opa.workflow.facts.reading import read_history
from bspec_opa.workflow.facts.rolling import Wanted, rollback_to
from bspec_opa.workflow.life.reasons import NO_EMERGENCIES
from bspec_opa.workflow.reasons import OTHER_AGENT, ROLLBACK_PLACE, ROLLBACK_TARGET, ROLLBACK_UNKNOWN
from bspec_opa.workflow.recorded.decisions import decision_of
from bspec_opa.workflow.verifying.showing import last_line

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.workflow.checkout.place import Place
    from bspec_opa.workflow.checkout.session import Session
    from bspec_opa.workflow.checkout.world import World
    from bspec_opa.workflow.facts.heads import Head

_DIGITS = re.compile(r"(?:sha256:)?([0-9a-f]{12,64})")
_ENTRY = re.compile(r"(?:entry|seq):(0|[1-9][0-9]{0,14})")
_MOST_NAMED = 8


def open_rollback(
    file: Path, world: World, named: str, environment: str, *, emergency: bool = False, need_pin: bool = True
) -> Session:
    """A session that goes back to a line.

    Args:
        file: where the agent's intent lies or lay: its lock is beside it, its project around it.
        world: environment, time and flags.
        named: the line, see :func:`find_line`.
        environment: where.
        emergency: whether the quorum for emergencies is to do.
        need_pin: whether nothing less than an authenticated trust root will do.

    Raises:
        UsageError: no such line, or it is the current one; or nothing of the agent's lies where its intent is said to.
        TrustError: the line does not count, or something does not verify.
    """
    _require_place(file)
    place, line = open_line(file, world, named, environment, need_pin=need_pin)
    loaded = stored_intent(place.objects, line.subject(INTENT_SUBJECT))
    session, wanted = session_in(place, file, loaded), Wanted(line.line, emergency)
    rollback_to(session.history, environment, wanted)  # said before anybody signs
    return replace(session, rollback=wanted)


def require_emergencies(session: Session, environment: str) -> None:
    """Demand that a signature for an emergency can count: before anybody believes it was given.

    Raises:
        PolicyDeniedError: the bundle in use has no quorum for emergencies in this environment.
    """
    if session.rollback is None or not session.rollback.emergency:
        return
    quorums = cast("list[JsonObject]", session.policy.bundle.organisation.get("emergency", []))
    if not any(q.get("environment") == environment for q in quorums):
        message = (
            f"nothing was signed: the organisation has no quorum for emergencies in {environment[:80]}; its data, "
            f"bspec/org/data.json of bundle {session.policy.ref.name}, has no entry for it under emergency"
        )
        raise NO_EMERGENCIES.error(message, hint=NO_EMERGENCIES.remedy)


def open_line(file: Path, world: World, named: str, environment: str, *, need_pin: bool = True) -> tuple[Place, Head]:
    """A project, and one line of an environment that counts in it.

    Raises:
        UsageError: no such line.
        TrustError: the line does not count, or something does not verify.
    """
    project = find_project(file, world.environ, world.flags)
    if need_pin:
        require_pin(find_pin(world.pin, world.environ))
    place = open_place(project, load_policy(project.config), world)
    place.anchor.root.environment(environment)
    entry = find_line(place.ledger.entries, named, environment)
    _require_own(file, str(agent_of_entry(entry)))
    return place, _standing(place, entry)


def find_line(entries: tuple[Entry, ...], named: str, environment: str) -> Entry:
    """The ledger entry of a line.

    Args:
        entries: of the ledger.
        named: the line's digest or at least 12 digits from its beginning, ``entry:N`` or ``seq:N`` with the ledger
            entry that holds it, or a lock file, whose last line of the environment is meant.
        environment: where the line must have been current.

    Raises:
        UsageError: there is no such line, or several.
    """
    lines = [e for e in entries if e.kind in LINE_TYPES]
    if not named:
        raise ROLLBACK_UNKNOWN.error("no line is named; is a variable unset?", hint=_known(lines, environment))
    number, digits = _ENTRY.fullmatch(named), _DIGITS.fullmatch(named)
    if number is not None:
        found = [e for e in lines if e.seq == int(number[1])]
    elif not digits and not os.path.lexists(named):
        message = f"{named[:80]!r} is no line's digest (12 digits or more), no entry:N and no lock file"
        raise ROLLBACK_UNKNOWN.error(message, hint=_known(lines, environment))
    else:
        wanted = f"sha256:{digits[1]}" if digits else last_line(Path(named), environment).digest
        found = [e for e in lines if line_in(e).startswith(wanted)]
    here = [e for e in found if _environment(e) == environment]
    if len(here) == 1:
        return here[0]
    if here:
        message = f"{len(here)} lines begin with {named[:80]}"
    elif found:
        message = f"{named[:80]} is a line of {_environment(found[0])}, not of {environment[:80]}"
    else:
        message = f"{named[:80]} is no line of this ledger"
    raise ROLLBACK_UNKNOWN.error(message, hint=_known(lines, environment))


def _known(lines: list[Entry], environment: str) -> str:
    names = [f"entry:{e.seq}" for e in lines if _environment(e) == environment]
    if not names:
        return f"{environment[:80]} has no line"
    more = "… " if len(names) > _MOST_NAMED else ""
    return f"its lines: {more}{', '.join(names[-_MOST_NAMED:])}; bspec-opa history tells them apart"


def _environment(entry: Entry) -> str:
    return str(decision_of(entry).predicate["environment"])


def _standing(place: Place, entry: Entry) -> Head:
    history = read_history(place.ledger.entries, place.anchor.roots, str(agent_of_entry(entry)), place.world.now)
    found = history.line(entry.seq)
    if found is None:
        name = f"ledger entry {entry.seq}"
        why = next((r.message for r in history.rejected if r.file == name), "it does not count")
        raise ROLLBACK_TARGET.error(f"{name} does not count: {why}", hint="go back to another line")
    return found


def _require_place(file: Path) -> None:
    """The lock is written beside this file: one of both must be there, or a new lock would begin somewhere else.

    Raises:
        UsageError: neither is.
    """
    lock = lock_beside(file)
    if not is_regular(file) and not is_regular(lock):
        raise ROLLBACK_PLACE.error(f"there is neither {file} nor {lock}", hint=ROLLBACK_PLACE.remedy)


def _require_own(file: Path, agent: str) -> None:
    """The line is of the agent whose intent is named, where that can be read: nothing else of it matters.

    Raises:
        TrustError: the intent is another agent's.
    """
    try:
        value = load_document(read_bounded(file, MAX_DOCUMENT_BYTES), str(file)).value
    except BspecError:
        return  # a broken checkout must not keep anybody from going back; the lock beside it is checked all the same
    metadata = value.get("metadata") if isinstance(value, dict) else None
    found = metadata.get("id") if isinstance(metadata, dict) else None
    if found is not None and found != agent:
        message = f"{file} is of {str(found)[:60]!r}, the line of {agent}"
        raise OTHER_AGENT.error(message, hint="name the intent of this agent, or a line of that one")

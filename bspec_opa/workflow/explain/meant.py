"""Which decision is asked about: an intent's of now, one that the ledger holds, or that of an input in a file."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.files import exists, read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES, MAX_IMPORT_BYTES
from bspec_opa.workflow.checkout.deciding import load_policy, open_replay
from bspec_opa.workflow.checkout.finding import find_intents
from bspec_opa.workflow.checkout.intents import open_intent
from bspec_opa.workflow.checkout.place import open_place
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.checkout.session import open_session
from bspec_opa.workflow.evaluate import evaluate, stored_intent
from bspec_opa.workflow.explain.reasons import ENVIRONMENT_GIVEN
from bspec_opa.workflow.normalize import check_request_of
from bspec_opa.workflow.recorded.again import decide_again
from bspec_opa.workflow.recorded.decisions import find_decision, names_a_record
from bspec_opa.workflow.recorded.inputs import agent_of, looks_like_input, read_input
from bspec_opa.workflow.recorded.reasons import NOT_REPRODUCED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.foundation.digest import Digest
    from bspec_opa.foundation.document.document import Document
    from bspec_opa.gate.decision import Decision
    from bspec_opa.ledger.objects import ObjectStore
    from bspec_opa.workflow.checkout.deciding import Policy
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.checkout.world import World

NOW, RECORDED, INPUT = "now", "recorded", "input"
MOST_INTENTS = 2_000
"""Looked through for the one that a recorded input is of."""


@dataclass(frozen=True, slots=True)
class Meant:
    """A decision with what it was taken on and with.

    Attributes:
        name: as it was named: a file, ``entry:41``.
        origin: ``now``, ``recorded`` or ``input``.
        entry: the ledger entry that holds it; -1 if none does.
        intent: the intent's file, for places and commands; empty if there is none with exactly that content.
        document: that file; None without it.
        stored: the intent's value, from the objects of the ledger; None where it is not there, or not needed.
        request: the input.
        decision: with the floor, where records were looked at.
        policy: the bundle.
        mandatory: rules that the trust root demands there.
        project: where commands are to be run.
        prepared: there is a trust root.
        pinned: a pin is known.
        notes: what was not checked, one line each.
    """

    name: str
    origin: str
    entry: int
    intent: str
    document: Document | None
    stored: JsonValue
    request: JsonObject
    decision: Decision
    policy: Policy
    mandatory: tuple[str, ...]
    project: Project
    prepared: bool
    pinned: bool
    notes: tuple[str, ...]

    @property
    def environment(self) -> str:
        """Where to; ``none`` where the intent alone was checked."""
        return str(self.request["environment"])

    @property
    def agent(self) -> tuple[str, str]:
        """Id and version."""
        return agent_of(self.request)


def decision_meant(named: str, environment: str | None, world: World) -> Meant:
    """The decision that somebody means.

    Args:
        named: an intent's file, an input's file, ``entry:N``, or the digest of a record or a lock line.
        environment: where to, of an intent; without one the intent alone is checked.
        world: environment, time and flags.

    Raises:
        BspecError: it can't be found or taken; see the exit codes.
    """
    if names_a_record(named):
        _require_none(environment, named)
        return _recorded(named, world)
    file = Path(named)
    data = read_bounded(file, MAX_IMPORT_BYTES)
    if looks_like_input(data):
        _require_none(environment, named)
        return _of_input(read_input(data, named), file, world)
    return _decided_now(file, environment, world) if environment is not None else _checked(file, world)


def _require_none(environment: str | None, named: str) -> None:
    if environment is not None:
        raise ENVIRONMENT_GIVEN.error("it says itself where to", hint="leave --env out", at=Location(named))


def _decided_now(file: Path, environment: str, world: World) -> Meant:
    session = open_session(file, world, need_pin=False)
    found = evaluate(session, environment)
    anchor = session.anchor
    mandatory = session.environment(environment).mandatory_rules
    return Meant(
        str(file), NOW, -1, str(file), found.document, None, found.request, found.decision, session.policy, mandatory,
        session.project, not anchor.starter, anchor.authenticated, found.notes,
    )  # fmt: skip


def _checked(file: Path, world: World) -> Meant:
    loaded = open_intent(file)
    project = find_project(file, world.environ, world.flags)
    policy = load_policy(project.config)
    request = check_request_of(loaded, world.now)
    decision = decided(request, policy, (), world, project)
    return Meant(
        str(file), NOW, -1, str(file), loaded.document, None, request, decision, policy, (), project, True, True, ()
    )  # fmt: skip


def _of_input(request: JsonObject, file: Path, world: World) -> Meant:
    # An input may lie anywhere: whose bundle and trust root are meant is said by where the command runs.
    project = find_project(Path(), world.environ, world.flags)
    place = open_place(project, load_policy(project.config), world)
    known = next((e for e in place.anchor.root.environments if e.id == request["environment"]), None)
    mandatory = known.mandatory_rules if known else ()
    decision = decided(request, place.policy, mandatory, world, project)
    document, intent = _intent_of(request, project)
    stored = None if document else _stored(request, place.objects)
    return Meant(
        str(file), INPUT, -1, intent, document, stored, request, decision, place.policy, mandatory, project,
        not place.anchor.starter, place.anchor.authenticated, place.notes,
    )  # fmt: skip


def _recorded(named: str, world: World) -> Meant:
    project = find_project(Path(), world.environ, world.flags)
    place = open_place(project, load_policy(project.config), world)
    recorded = find_decision(named, place.ledger, place.anchor.roots, place.world.now)
    request, policy = recorded.request(place.objects), recorded.policy(place.objects)
    mandatory = recorded.environment(place.anchor.roots).mandatory_rules
    decision = decided(request, policy, mandatory, world, project)
    if decision.statuses() != recorded.statuses():
        raise NOT_REPRODUCED.error(
            "deciding again gives another outcome than it records",
            hint="run bspec-opa verify",
            at=Location(recorded.name),
        )
    document, intent = _intent_of(request, project)
    stored = None if document else _stored(request, place.objects)
    return Meant(
        recorded.name, RECORDED, recorded.entry, intent, document, stored, request, decision, policy, mandatory,
        project, not place.anchor.starter, place.anchor.authenticated, place.notes,
    )  # fmt: skip


def decided(
    request: JsonObject, policy: Policy, mandatory: Sequence[str], world: World, project: Project
) -> Decision:  # fmt: skip
    """What the embedded engine decides, with the floor."""
    with open_replay(policy, world.environ, project.config.place) as panel:
        return decide_again(request, policy, mandatory, panel)


def _intent_of(request: JsonObject, project: Project) -> tuple[Document | None, str]:
    """The intent's file with exactly the content that an input is of, if it lies in the project."""
    digest = cast("JsonObject", request["intent"])["digest"]
    agent, _ = agent_of(request)
    for file in islice(_candidates(project), MOST_INTENTS):
        try:
            if agent.encode() not in read_bounded(file, MAX_DOCUMENT_BYTES):
                continue
            loaded = open_intent(file)
        except BspecError:
            continue
        if loaded.digest == digest:
            return loaded.document, str(file)
    return None, ""


def _stored(request: JsonObject, objects: ObjectStore) -> JsonValue:
    """The intent as it was sequenced; a promotion keeps it beside its input."""
    digest = cast("Digest", cast("JsonObject", request["intent"])["digest"])
    try:
        return stored_intent(objects, digest).document.value
    except BspecError:
        return None


def _candidates(project: Project) -> Iterator[Path]:
    if exists(project.root):
        yield from (file for file, error in find_intents([project.root]) if error is None)

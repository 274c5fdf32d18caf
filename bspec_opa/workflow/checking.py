"""Verifying a lock file in its project, and comparing what is deployed with it."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from bspec_opa.foundation.closed_schema import DIGEST, IDENTIFIER, TEXT, array, enum, obj, optional
from bspec_opa.foundation.document.load import load_document
from bspec_opa.foundation.errors import Location, StoreError, error_of
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.foundation.shape import shape_problems
from bspec_opa.ledger.interface import require_clock
from bspec_opa.ledger.objects import ObjectStore
from bspec_opa.lock.chain import load_lock
from bspec_opa.workflow.checkout.anchor import find_pin, open_anchor, require_pin
from bspec_opa.workflow.checkout.memory import check_current, remember_current
from bspec_opa.workflow.checkout.place import read_ledger
from bspec_opa.workflow.checkout.project import find_project, intent_beside
from bspec_opa.workflow.reasons import BAD_DEPLOYED, DEPLOYED_DIFFERS, NO_LOCK, OTHER_AGENT
from bspec_opa.workflow.verify import Evidence, Verification, verify_lock
from bspec_opa.workflow.witness.cosigning import require_witnessed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.workflow.checkout.anchor import Anchor
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.checkout.world import World

DEPLOYED_SCHEMA = obj(
    schema=enum("bspec.deployed/v1"),
    agent=IDENTIFIER,
    environment=IDENTIFIER,
    models=array(obj(class_=IDENTIFIER, identity=TEXT, digest=optional(DIGEST))),
    tools=array(obj(id=IDENTIFIER, release=TEXT, contract_digest=DIGEST)),
    components=array(obj(id=IDENTIFIER, digest=DIGEST)),
)
"""What runs somewhere, as whoever deploys reports it."""


def verify_file(lock: Path, world: World, deployed: Path | None) -> Verification:
    """Verify a lock file and, where it is given, what is deployed.

    Raises:
        TrustError: with the one reason.
        InvalidInputError: there is no lock, or the deployed file has another form.
    """
    pin = require_pin(find_pin(world.pin, world.environ))
    project = find_project(lock, world.environ, world.flags)
    anchor = open_anchor(project, pin, world.now)
    loaded = _loaded(lock)
    read = partial(read_ledger, project, anchor)
    ledger, notes = check_current(anchor, read(), read, world.environ)
    verification = _verified(loaded, project, anchor, ledger, world)
    verification = replace(verification, notes=(*notes, *_remembered(anchor, ledger, read, world)))
    if deployed is None:
        return verification
    compare_deployed(verification, read_deployed(deployed), str(deployed))
    return replace(verification, deployed=str(deployed))


def examine_lock(lock: Path, project: Project, anchor: Anchor, world: World) -> Verification:
    """Verify a lock file in a project that was opened; nothing is written.

    Raises:
        TrustError: with the one reason.
        InvalidInputError: there is no lock.
    """
    loaded = _loaded(lock)
    return _verified(loaded, project, anchor, read_ledger(project, anchor), world)


class _Lock(NamedTuple):
    """A lock file with its bytes; always read ahead of the ledger, which has each line first."""

    path: Path
    data: bytes


def _loaded(lock: Path) -> _Lock:
    data = load_lock(lock)
    if not data:
        raise NO_LOCK.error("there is no line here", hint="promote first, or name the lock", at=Location(str(lock)))
    return _Lock(lock, data)


def _verified(lock: _Lock, project: Project, anchor: Anchor, ledger: LedgerState, world: World) -> Verification:
    world = world.caught_up(ledger)
    require_clock(ledger, world.now)
    require_witnessed(anchor.root, ledger, world.now)
    evidence = Evidence(anchor.roots, ledger, ObjectStore(project.objects_directory), world.environ, world.now)
    verification = verify_lock(lock.data, str(lock.path), evidence, ())
    require_own(verification, intent_beside(lock.path))
    return verification


def _remembered(anchor: Anchor, ledger: LedgerState, read: Callable[[], LedgerState], world: World) -> tuple[str, ...]:
    """Remember what was seen, so that an older ledger or root is told next time; a machine that can't, says so."""
    try:
        remember_current(anchor, ledger, read, world.environ)
    except StoreError as e:
        return (f"this ledger could not be remembered: {e.problems[0].message}",)
    return ()


def require_own(verification: Verification, intent: Path) -> None:
    """Demand that a lock is of the agent whose intent lies beside it; without an intent there is nothing to demand.

    Of the intent only the id is read: it may have been edited since, and be wrong for the moment.

    Raises:
        TrustError: the intent is another agent's.
        InvalidInputError: the intent is no document.
    """
    if not os.path.lexists(intent):
        return
    document = load_document(read_bounded(intent, MAX_DOCUMENT_BYTES), str(intent))
    metadata = document.value.get("metadata") if isinstance(document.value, dict) else None
    agent = metadata.get("id") if isinstance(metadata, dict) else None
    if agent != verification.agent:
        raise OTHER_AGENT.error(
            f"the intent is of {str(agent)[:60]!r}, the lock beside it of {verification.agent}",
            hint="name the lock of this agent",
            at=document.locate("/metadata/id"),
        )


def read_deployed(path: Path) -> JsonObject:
    """A deployed file.

    Raises:
        InvalidInputError: every problem of its form.
    """
    document = load_document(read_bounded(path, MAX_DOCUMENT_BYTES), str(path))
    problems = shape_problems(DEPLOYED_SCHEMA, document, BAD_DEPLOYED)
    if problems:
        raise error_of(problems)
    return cast("JsonObject", document.value)


def compare_deployed(verification: Verification, deployed: JsonObject, name: str) -> None:
    """Demand that what is deployed is exactly what the environment's current line binds (attack A44).

    Raises:
        TrustError: every difference, each named.
    """
    found = list(_differences(verification, cast("dict[str, Any]", deployed)))
    if found:
        raise error_of(DEPLOYED_DIFFERS.problem(f, hint="deploy what the lock binds", at=Location(name)) for f in found)


def _differences(verification: Verification, deployed: dict[str, Any]) -> Iterator[str]:
    if deployed["agent"] != verification.agent:
        yield f"agent is {deployed['agent']}, the lock is of {verification.agent}"
        return
    current = [v for v in verification.lines if v.current and v.environment == deployed["environment"]]
    if not current:
        yield f"the lock has no current line for {deployed['environment']}"
        return
    yield from _repeated(deployed)
    binding = cast("dict[str, Any]", current[0].binding)
    models = {m["class"]: (m["identity"], *m["digest"]) for m in binding["models"]}
    tools = {t["id"]: (t["release"], t["contract"]["digest"]) for t in binding["tools"]}
    components = {c["id"]: (c["digest"],) for c in binding["components"]}
    running = {
        "model": {m["class"]: (m["identity"], *m["digest"]) for m in deployed["models"]},
        "tool": {t["id"]: (t["release"], t["contract_digest"]) for t in deployed["tools"]},
        "component": {c["id"]: (c["digest"],) for c in deployed["components"]},
    }
    for kind, bound in (("model", models), ("tool", tools), ("component", components)):
        yield from _compare(kind, bound, running[kind])


def _repeated(deployed: dict[str, Any]) -> Iterator[str]:
    """What is there twice: only one of both is bound, and it can't be known which one answers."""
    for kind, member, key in (("model", "models", "class"), ("tool", "tools", "id"), ("component", "components", "id")):
        count = Counter(item[key] for item in deployed[member])
        yield from (f"{kind} {name} is deployed {n} times" for name, n in sorted(count.items()) if n > 1)


def _compare(kind: str, bound: dict[str, Any], running: dict[str, Any]) -> Iterator[str]:
    for name in sorted(bound.keys() | running.keys()):
        if name not in running:
            yield f"{kind} {name} is bound and not deployed"
        elif name not in bound:
            yield f"{kind} {name} is deployed and not bound"
        elif bound[name] != running[name]:
            yield f"{kind} {name} is {' '.join(running[name])}, bound is {' '.join(bound[name])}"

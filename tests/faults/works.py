"""What is disturbed: promotions, and the other verbs that write the ledger, the trust root or the memory.

Each work is done on a copy of a prepared project. :func:`examine` then looks at what is left, does the work again as
somebody would, and says everything that is not as it has to be.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from project import grown, live, ready, replaced, staged
from world import key_of

from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import BspecError
from bspec_opa.ledger.memory import Memory
from bspec_opa.lock.chain import read_lock
from bspec_opa.trust.rotation import Changes
from bspec_opa.workflow.facts.heads import LINE_TYPES
from bspec_opa.workflow.roots.chaining import verify_chain
from bspec_opa.workflow.roots.rotating import accept_draft, draft_next, sign_draft

if TYPE_CHECKING:
    from collections.abc import Callable

    from project import Project

BEHIND = "verify.not-in-lock"
"""What verify says of a lock that lacks a line of the ledger; the next promotion copies it."""


OLD = "entry:13"
"""The line that a rollback goes back to, once a project has been replaced."""
DENIED = "denied"


class DeniedError(Exception):
    """The promotion was decided, and is not allowed: with a wrong clock what was signed does not count."""


@dataclass(frozen=True)
class Work:
    """Something that writes.

    Attributes:
        name: for people.
        prepare: takes a project whose records for staging are signed to where the work begins.
        do: does it; returns the digest of the line that it made, if it makes one.
        finished: what is wrong once it has been done again undisturbed.
    """

    name: str
    prepare: Callable[[Project], object]
    do: Callable[[Project], str]
    finished: Callable[[Project, Before], list[str]]


@dataclass(frozen=True)
class Before:
    """What there was, and must be there ever after.

    Attributes:
        records: ids of the ledger's entries.
        lock: the lock's bytes.
        inbox: ids of the records that are signed and lie there.
        denials: how many the ledger has.
    """

    records: tuple[str, ...]
    lock: bytes
    inbox: tuple[str, ...]
    denials: int


def before(project: Project) -> Before:
    inbox = tuple(sorted(r.id for r in project.session().inbox.records))
    return Before(tuple(project.ledger().record_ids()), lock_of(project), inbox, denials_of(project))


def denials_of(project: Project) -> int:
    return [e.kind for e in project.ledger().entries].count("denial")


def lock_of(project: Project) -> bytes:
    return project.lock.read_bytes() if project.lock.exists() else b""


def act(work: Work, project: Project) -> bytes:
    """Do it; what it came to, as JSON. Anything but a refusal with a reason is a bug."""
    try:
        return json.dumps({"line": work.do(project)}).encode()
    except DeniedError:
        return json.dumps({"code": DENIED}).encode()
    except BspecError as e:
        return json.dumps({"code": e.code, "exit": int(e.exit_code), "message": str(e)}).encode()
    except Exception as e:  # noqa: BLE001 - that is what is looked for
        return json.dumps({"raised": f"{type(e).__name__}: {e}"}).encode()


def examine(work: Work, project: Project, then: Before, said: dict[str, Any]) -> list[str]:
    """Look at what is left by a run that said this (nothing, if it was killed), and do the work again.

    Everything that is not as it has to be; nobody repairs anything in between.
    """
    wrong = [f"raised {said['raised']}"] if "raised" in said else []
    wrong += _left(project, then, said)
    return wrong + _gone_on(work, project, then, said, json.loads(act(work, project)))


def _gone_on(work: Work, project: Project, then: Before, said: dict[str, Any], again: dict[str, Any]) -> list[str]:
    wrong = []
    if "line" not in again:
        return [f"does not come through afterwards: {again}"]
    denials = denials_of(project) - then.denials
    if denials != int(said.get("code") == DENIED):
        wrong.append(f"{denials} denials")
    if said.get("line") and again["line"] != said["line"]:
        wrong.append("made another line, although it had told of one")
    return wrong + _kept(project, then) + work.finished(project, then)


def _left(project: Project, then: Before, said: dict[str, Any]) -> list[str]:
    """What a reader finds before anybody has mended anything."""
    wrong = []
    lock = lock_of(project)
    if not lock.startswith(then.lock) or (lock and not lock.endswith(b"\n")):
        wrong.append("the lock is half-written")
    if lock.count(b"\n") > then.lock.count(b"\n") + 1:
        wrong.append("more than one line was added to the lock")
    if said.get("line") and digest_of(lock.splitlines()[-1]) != said["line"]:
        wrong.append("the lock lacks the line that was told of")
    try:
        size = project.ledger().size
    except BspecError as e:
        return [*wrong, f"the ledger does not verify: {e}"]
    if size < _remembered(project):
        wrong.append("the ledger is smaller than was remembered")
    lines = {digest_of(e.record_bytes().rstrip(b"\n")) for e in project.ledger().entries if e.kind in LINE_TYPES}
    if not {line.digest for line in read_lock(lock, "behavior.lock")} <= lines:
        wrong.append("the lock has a line that the ledger lacks")
    behind = lock.count(b"\n") < len(lines)
    return wrong + (_verified(project, BEHIND if behind else "") if lock else [])


def _verified(project: Project, refusal: str = "") -> list[str]:
    """Verify passes, or refuses for this reason."""
    code = ""
    try:
        project.verify()
    except BspecError as e:
        code = e.code
    return [] if code == refusal else [f"verify says {code or 'nothing'} instead of {refusal or 'nothing'}"]


def _remembered(project: Project) -> int:
    """The size that the memory file says, with no more trust in the program than its format."""
    files = list((project.base / "state").glob("*.json"))
    return max((json.loads(f.read_bytes())["tree_size"] for f in files), default=0)


def _kept(project: Project, then: Before) -> list[str]:
    records = tuple(project.ledger().record_ids())
    wrong = [] if records[: len(then.records)] == then.records else ["an acknowledged entry is gone"]
    if len(set(records)) < len(records):
        wrong.append("a record is there twice")
    if not set(then.inbox) <= set(records):
        wrong.append("a record of the inbox is not there")
    return wrong


# Promotions


def _promoted(project: Project, then: Before) -> list[str]:
    lines = project.lines()
    entries = [e for e in project.ledger().entries if e.kind in LINE_TYPES]
    wanted = then.lock.count(b"\n") + 1
    wrong = [] if len(lines) == wanted else [f"{len(lines)} lines instead of {wanted}"]
    if [digest_of(e.record_bytes().rstrip(b"\n")) for e in entries] != [digest_of(line) for line in lines]:
        wrong.append("lock and ledger differ")
    return wrong + _verified(project)


def _promote(environment: str) -> Callable[[Project], str]:
    def promote(project: Project) -> str:
        line = project.promote(environment).line
        if line is None:
            raise DeniedError
        return line

    return promote


def _next(project: Project) -> None:
    staged(project)
    ready(project)


def _signed_back(project: Project) -> None:
    for step in (staged, ready, live, grown, replaced):
        step(project)
    project.now += 60
    project.sign_rollback(OLD, "environment-admin", "security")


def _back(project: Project) -> str:
    line = project.rollback(OLD).line
    if line is None:
        raise DeniedError
    return line


# Recording


def _record(project: Project) -> str:
    project.record()
    return ""


def _recorded(project: Project, then: Before) -> list[str]:
    entries = len(project.ledger().entries)
    return [] if entries == len(then.records) + len(then.inbox) else [f"{entries} entries"]


# The trust root


def _draft(project: Project) -> None:
    staged(project)
    project.now += 1
    file = draft_next(project.root, project.world, Changes()).file
    sign_draft(file, project.root, project.world, [key_of("root-1")])


def _accept(project: Project) -> str:
    """Put version 2 in place; where a killed run has done it already, that is what is said."""
    try:
        accept_draft(project.state / "trust" / "2.draft.json", project.root, project.world)
    except BspecError:
        if verify_chain((), project.root, project.world).root.version != 2:
            raise
    return ""


def _accepted(project: Project, then: Before) -> list[str]:
    chain = verify_chain((), project.root, project.world)
    known = Memory(project.base / "state").recall(f"billing {chain.pin}")
    versions = (chain.root.version, known.root_version if known else 0)
    wrong = [] if versions == (2, 2) else [f"versions {versions}"]
    return wrong + _verified(project)


def _forgotten(project: Project) -> None:
    staged(project)
    for file in (project.base / "state").glob("*.json"):
        file.unlink()


def _verify(project: Project) -> str:
    project.verify()
    return ""


def _known(project: Project, then: Before) -> list[str]:
    return [] if _remembered(project) == len(then.records) else ["the ledger is not remembered"]


PROMOTIONS = (
    Work("first promotion", lambda _: None, _promote("staging"), _promoted),
    Work("next promotion", _next, _promote("production"), _promoted),
)
ROLLBACK = Work("rollback", _signed_back, _back, _promoted)
RECORD = Work("record", lambda _: None, _record, _recorded)
TRUST = Work("trust accept", _draft, _accept, _accepted)
VERIFY = Work("verify", _forgotten, _verify, _known)
WORKS = (*PROMOTIONS, ROLLBACK, RECORD, TRUST, VERIFY)

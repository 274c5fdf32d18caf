"""Examines an installation and a project: each part on its own, so that one fault hides no other."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeVar

from bspec_opa import __version__
from bspec_opa.foundation.errors import BspecError, ExitCode, Location, worst
from bspec_opa.foundation.files import exists, is_regular, list_files
from bspec_opa.foundation.times import format_time
from bspec_opa.ledger.interface import require_clock
from bspec_opa.trust.root import AcceptedBundle
from bspec_opa.workflow.checkout.accepting import require_accepted
from bspec_opa.workflow.checkout.anchor import find_pin, open_anchor
from bspec_opa.workflow.checkout.deciding import MANAGED, ask, load_policy, open_panel, untrusted
from bspec_opa.workflow.checkout.memory import check_current
from bspec_opa.workflow.checkout.place import open_store, read_ledger
from bspec_opa.workflow.checkout.project import LOCK_NAME, LOCK_SUFFIX, find_project, intent_beside
from bspec_opa.workflow.currency.stating import check_head
from bspec_opa.workflow.life.reasons import AGENT_RETIRED
from bspec_opa.workflow.probe import probe_request
from bspec_opa.workflow.reasons import PIN_MISSING
from bspec_opa.workflow.verifying.checking import examine_lock
from bspec_opa.workflow.verifying.verified import withdrawal_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bspec_opa.foundation.errors import Problem
    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.trust.root import Environment
    from bspec_opa.workflow.checkout.anchor import Anchor
    from bspec_opa.workflow.checkout.deciding import Policy
    from bspec_opa.workflow.checkout.project import Project
    from bspec_opa.workflow.checkout.world import World

T = TypeVar("T")
GOOD, NOTE, WARN, BAD = "ok", "note", "warn", "bad"
_SOON_S = 30 * 86_400
_MAX_LOCKS = 1_000
_UNPINNED = "so nothing here is authenticated, and nothing can be signed, promoted or verified"
_PIN = "set BSPEC_OPA_TRUST_PIN or give --trust-pin"
_FOUND = f"run bspec-opa trust init, then {_PIN}: it prints the pin"
_BRANCHES = "it lies in a branch of code: two branches are two ledgers, and whoever may push can rewrite it"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: engine, bundle, pin, …
        state: ok, note, warn or bad.
        message: what was found.
        remedy: what to do, where something is to be done.
        code: the reason code of something bad, or of what a promotion would be refused for.
        exit_code: what it would make a promotion exit with.
    """

    subject: str
    state: str
    message: str
    remedy: str = ""
    code: str = ""
    exit_code: ExitCode = ExitCode.OK


class _Examination:
    """Collects findings; a part that another one failed to give is said to be unexamined."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def good(self, subject: str, message: str) -> None:
        self.findings.append(Finding(subject, GOOD, message))

    def note(self, subject: str, message: str, remedy: str = "") -> None:
        self.findings.append(Finding(subject, NOTE, message, remedy))

    def warn(self, subject: str, message: str, remedy: str, code: str) -> None:
        """Nothing is broken, and yet nothing that it finds good may be relied on."""
        self.findings.append(Finding(subject, WARN, message, remedy, code))

    def withdrawn(self, message: str, problem: Problem) -> None:
        """What must not run: something is to be done about a revoked line; that an agent has ended stays so."""
        if problem.reason is AGENT_RETIRED:
            self.note("lock", message, problem.hint)
            return
        reason = problem.reason
        self.findings.append(Finding("lock", BAD, message, problem.hint, reason.code, reason.exit_code))

    def attempt(self, subject: str, action: Callable[[], T]) -> T | None:
        """The action's result, or a finding that says why there is none."""
        try:
            return action()
        except BspecError as e:
            for p in e.problems:
                at = f"{p.location}: " if p.location else ""
                self.findings.append(
                    Finding(subject, BAD, at + p.message, p.hint or p.reason.remedy, p.reason.code, p.reason.exit_code)
                )
            return None


def exit_code_of(findings: Sequence[Finding]) -> ExitCode:
    """The worst of the findings; notes and warnings are no fault."""
    return worst(f.exit_code for f in findings)


def examine(directory: Path, world: World, *, repair: bool) -> list[Finding]:
    """Look at everything a promotion needs; writes nothing unless a repair is asked for."""
    examination = _Examination()
    _versions(examination)
    project = examination.attempt("project", lambda: find_project(directory, world.environ, world.flags))
    if project is None:
        return examination.findings
    _project(examination, project)
    policy = examination.attempt("bundle", lambda: load_policy(project.config))
    if policy is None:
        return examination.findings
    _opa(examination, project, world)
    examination.good("bundle", f"{policy.ref.name} {policy.ref.digest}, {len(policy.bundle.index.rules)} rules")
    anchor = _anchor(examination, project, world, policy)
    if anchor is None:
        return examination.findings
    _ledger(examination, project, anchor, world, repair=repair)
    for environment in anchor.root.environments:
        subject = f"engine ({environment.id})"
        if not _accepted(policy, anchor, environment, world):
            examination.note(subject, "not asked: the trust root does not accept the bundle", "see policies")
            continue
        said = examination.attempt(subject, partial(_engine, project, policy, environment, world))
        if said is not None:
            examination.good(subject, said)
    return examination.findings


def _versions(examination: _Examination) -> None:
    names = ("pydantic", "wasmtime", "cryptography")
    libraries = ", ".join(f"{n} {version(n)}" for n in names)
    examination.good("versions", f"bspec-opa {__version__} on Python {platform.python_version()}; {libraries}")


def _project(examination: _Examination, project: Project) -> None:
    if project.has_file:
        examination.good("project", f"{project.root}")
    else:
        examination.note("project", "no bspec-opa.toml here or above", "run bspec-opa init .")
    if not project.catalog_files():
        examination.note("catalogs", "no catalog", "write .bspec/catalogs/<name>.yaml; resolve needs one")


def _opa(examination: _Examination, project: Project, world: World) -> None:
    """The program that the managed engine would start."""
    if project.config.text("engine.name") != MANAGED:
        return
    from bspec_opa.bundle.rego.opa_tool import OPA_VERSION
    from bspec_opa.engine.toolchain import find_opa

    outside = untrusted(project.config.place, world.environ)
    path = examination.attempt("opa", lambda: find_opa(world.environ, None, untrusted=[outside]))
    if path is not None:
        examination.good("opa", f"{path} is OPA {OPA_VERSION}")


def _anchor(examination: _Examination, project: Project, world: World, policy: Policy) -> Anchor | None:
    shipped = AcceptedBundle(policy.ref.name, policy.ref.revision, policy.ref.digest)

    def opened() -> Anchor:
        return open_anchor(project, find_pin(world.pin, world.environ), world.now, shipped)

    anchor = examination.attempt("trust root", opened)
    if anchor is None:
        return None
    if not anchor.authenticated:
        remedy = _FOUND if anchor.starter else f"{_PIN}, as the holders of the root keys tell it"
        examination.warn("pin", f"{anchor.notes[0]}; {_UNPINNED}", remedy, PIN_MISSING.code)
    else:
        examination.good("pin", str(anchor.roots[0].digest))
        _expiry(examination, anchor, world)
    for environment in anchor.root.environments:
        examination.attempt("policies", partial(require_accepted, policy, anchor, environment.id, world))
    return anchor


def _expiry(examination: _Examination, anchor: Anchor, world: World) -> None:
    root = anchor.root
    until = format_time(root.expires_unix)
    if root.expires_unix - world.now < _SOON_S:
        examination.note("trust root", f"version {root.version} expires at {until}", "run bspec-opa trust renew")
    else:
        examination.good("trust root", f"version {root.version}, valid until {until}")


def _ledger(examination: _Examination, project: Project, anchor: Anchor, world: World, *, repair: bool) -> None:
    if repair and not anchor.authenticated:
        examination.note("ledger", "not repaired: without a pin nobody knows whose ledger it is", "give --trust-pin")
    elif repair:
        moved = examination.attempt("ledger", lambda: open_store(project, anchor).repair())
        if moved is not None:
            examination.note("ledger", f"lines that no checkpoint covers are in {moved} now", "look at them")
    ledger = examination.attempt("ledger", lambda: read_ledger(project, anchor))
    if ledger is None:
        return
    _place(examination, project, ledger)
    if examination.attempt("clock", partial(_clock, ledger, world)) is not None:
        examination.good("clock", format_time(world.now))
    if anchor.authenticated:
        read = partial(read_ledger, project, anchor)
        told = examination.attempt("memory", lambda: check_current(anchor, ledger, read, world.environ))
        if told is not None and told[1]:
            examination.note("memory", told[1][0], "it is written by the first promotion on this machine")
        elif told is not None:
            examination.good("memory", "this root and ledger go on from what was seen before")
        _currency(examination, project, anchor, world)
        _locks(examination, project, anchor, world)
    elif _lock_files(project):
        examination.note("lock", "not verified: without a pin nobody knows by whom", "give --trust-pin")


def _place(examination: _Examination, project: Project, ledger: LedgerState) -> None:
    """Where the ledger is, and what it can't do there."""
    elsewhere = project.database or project.git_ref
    where = "a file ledger is for one host at a time" if elsewhere is None else elsewhere.shown
    examination.good("ledger", f"{ledger.size} entries; {where}")
    if elsewhere is None and _in_checkout(project.ledger_directory):
        examination.note("ledger", _BRANCHES, "commit it from one gate to one branch, or see docs/ledger-git.md")


def _in_checkout(directory: Path) -> bool:
    """Whether a directory lies in a checkout of Git."""
    return any(exists(parent / ".git") for parent in directory.absolute().parents)


def _currency(examination: _Examination, project: Project, anchor: Anchor, world: World) -> None:
    """Whether the head statement counts that the trust root demands, or somebody has named; it asks for all agents."""
    if anchor.root.currency is None and project.config.path("ledger.head") is None:
        return
    made = examination.attempt("currency", lambda: check_head(project.head_file, project.root, world, remember=False))
    if made is not None:
        examination.good("currency", f"head statement valid until {format_time(made.statement.expires_unix)}")


def _locks(examination: _Examination, project: Project, anchor: Anchor, world: World) -> None:
    """The locks that lie in the project's root beside their intents."""
    for lock in _lock_files(project):
        found = examination.attempt("lock", partial(examine_lock, lock, project, anchor, world))
        if found is not None:
            examination.good("lock", f"{lock}: verified, {len(found.lines)} of {found.agent}'s lines")
            for said in found.notes:
                examination.note("lock", f"{lock}: {said}", "bspec-opa record puts what is genuine into the ledger")
            for line in found.unreviewed:
                message = f"{lock}: the emergency in {line.environment} at {line.at} is not reviewed"
                remedy = f"have it reviewed: bspec-opa review entry:{line.entry} --env {line.environment}"
                examination.note("review", message, remedy)
            for line in found.lines:
                problem = withdrawal_problem(line, Location(f"{lock} line {line.number}"))
                if problem is not None:
                    examination.withdrawn(f"{lock} line {line.number}: {problem.message}", problem)


def _lock_files(project: Project) -> list[Path]:
    """Locks of intents; another tool's, such as a package.lock, has no intent beside it."""
    locks = list_files(project.root, LOCK_SUFFIX, _MAX_LOCKS)
    return [lock for lock in locks if lock.name == LOCK_NAME or is_regular(intent_beside(lock))]


def _clock(ledger: LedgerState, world: World) -> bool:
    require_clock(ledger, world.now)
    return True


def _accepted(policy: Policy, anchor: Anchor, environment: Environment, world: World) -> bool:
    """Whether the bundle may run at all: what nobody accepted is not executed, not even to look at it."""
    try:
        require_accepted(policy, anchor, environment.id, world)
    except BspecError:
        return False
    return True


def _engine(project: Project, policy: Policy, environment: Environment, world: World) -> str:
    """Ask the configured engines a real question; returns who answered and what that is worth."""
    with open_panel(project.config, policy, environment, world.environ) as panel:
        verdict = ask(panel, policy, probe_request(environment.id, world.now))
    engines = " and ".join(f"{e.kind} ({e.version})" for e in verdict.engines)
    return f"{engines}: {panel.assurance}; {len(verdict.decision.rules)} rules answered"

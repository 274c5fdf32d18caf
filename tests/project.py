"""A real project for tests: scaffold, trust root, keys, records, ledger, lock; the workflows as library calls.

    project = shelf.project("resolved", tmp_path)     # or "staged", "live": a copy of a prepared tree
    project.submit(); project.attest_all(); project.approve("environment-admin"); project.request()
    outcome = project.promote()

Time stands still at ``project.now`` until a test moves it. Keys belong to names (``world.key_of``).

========  ==================  =======================================================
name      group               may
========  ==================  =======================================================
alice     team:support        submit; also environment-admin; has a second key alice-2
bob       team:support        submit
eve       team:quality        sign evidence
pat       team:release        request promotions, revoke records, retire agents
dana      team:platform       approve as environment-admin and as security; review emergencies
sam       team:security       approve as security
rita      team:risk           approve as risk-owner
fred      team:finance        approve as finance-controller; review emergencies
gate      (gate)              sign lines and denials
ledger    (none)              sign checkpoints
root-1    (none)              sign the trust root
========  ==================  =======================================================
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest
from intents import TEXT
from world import key_of

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import Digest, digest_json, digest_of
from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.foundation.times import format_time, parse_time
from bspec_opa.ledger.file_store import FileStore
from bspec_opa.ledger.git.store import GitStore
from bspec_opa.ledger.git.url import is_git, parse_git_url
from bspec_opa.ledger.sql.store import open_sql_store
from bspec_opa.ledger.sql.url import parse_url
from bspec_opa.trust.dsse import IN_TOTO_PAYLOAD_TYPE, TRUST_ROOT_PAYLOAD_TYPE, sign_envelope
from bspec_opa.trust.root import parse_root
from bspec_opa.trust.statement import Subject, parse_statement, record_statement
from bspec_opa.workflow.checkout.inbox import write_record
from bspec_opa.workflow.checkout.intents import open_intent
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.checkout.resolving import resolve_intent, write_binding
from bspec_opa.workflow.checkout.session import open_session
from bspec_opa.workflow.checkout.world import World
from bspec_opa.workflow.evaluate import evaluate
from bspec_opa.workflow.issue import Approval, approve, attest, promotable, request, submit
from bspec_opa.workflow.life.going_back import open_rollback
from bspec_opa.workflow.life.review import open_emergency, review
from bspec_opa.workflow.promote import Keys, promote
from bspec_opa.workflow.roots.trusting import init_root
from bspec_opa.workflow.sequence import record_inbox
from bspec_opa.workflow.starting.scaffold import scaffold
from bspec_opa.workflow.verifying.checking import verify_file
from bspec_opa.workflow.verifying.showing import open_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.ledger.sql.store import SqlStore
    from bspec_opa.workflow.checkout.config import Value
    from bspec_opa.workflow.checkout.session import Session
    from bspec_opa.workflow.facts.evaluation import Evaluation
    from bspec_opa.workflow.issue import Issued
    from bspec_opa.workflow.promote import Outcome
    from bspec_opa.workflow.verifying.verified import Verification

NOW = parse_time("2026-06-01T12:00:00Z")
HOUR, DAY = 3_600, 86_400
AGENT = "billing-support"
PEOPLE = ("alice", "alice-2", "bob", "eve", "pat", "dana", "sam", "rita", "fred", "gate", "ledger", "root-1")
APPROVERS = {"environment-admin": "dana", "security": "sam", "risk-owner": "rita", "finance-controller": "fred"}
RUNS = (
    ("boundary", "functional"),
    ("privilege", "functional"),
    ("constraint", "functional"),
    ("boundary", "red-team"),
    ("constraint", "adversarial"),
)
TRUST = """\
schema: bspec.trust/v1
domain: billing
valid: P365D
root: {threshold: 1, keys: [keys/root-1.pub.pem]}
ledger: {origin: billing.example/bspec, keys: [keys/ledger.pub.pem]}
gates:
  - {id: gate, keys: [keys/gate.pub.pem]}
principals:
  - {id: alice, group: team:support, keys: [keys/alice.pub.pem, keys/alice-2.pub.pem], roles: [{role: author, agents: [billing-support, other-agent]}, {role: environment-admin}]}
  - {id: bob, group: team:support, keys: [keys/bob.pub.pem], roles: [{role: author, agents: [billing-support]}]}
  - {id: eve, group: team:quality, keys: [keys/eve.pub.pem], roles: [{role: evaluator}]}
  - {id: dana, group: team:platform, keys: [keys/dana.pub.pem], roles: [{role: environment-admin}, {role: security}, {role: reviewer}]}
  - {id: pat, group: team:release, keys: [keys/pat.pub.pem], roles: [{role: promoter}, {role: revoker}, {role: retirer}]}
  - {id: sam, group: team:security, keys: [keys/sam.pub.pem], roles: [{role: security}]}
  - {id: rita, group: team:risk, keys: [keys/rita.pub.pem], roles: [{role: risk-owner}]}
  - {id: fred, group: team:finance, keys: [keys/fred.pub.pem], roles: [{role: finance-controller}, {role: reviewer}]}
agents:
  - {id: billing-support, owners: ["team:support"]}
  - {id: other-agent, owners: ["team:support"]}
environments:
  - {id: staging}
  - {id: production, from: staging}
policies:
  - bundles: [{shipped: default}]
"""
STAGES: dict[str, Callable[[Project], object]] = {}


@dataclass
class Project:
    """See the module's docstring.

    Attributes:
        base: holds the project, the home and the state directory.
        cache: compiled policies, shared by all tests of a process.
        now: the clock, Unix seconds.
        pin: what ``--trust-pin`` says.
        flags: configuration keys given on the command line.
    """

    base: Path
    cache: Path
    now: int = NOW
    pin: str | None = None
    flags: dict[str, Value | None] = field(default_factory=dict)

    # Places

    @property
    def root(self) -> Path:
        return self.base / "project"

    @property
    def intent(self) -> Path:
        return self.root / "behavior.intent"

    @property
    def lock(self) -> Path:
        return self.root / "behavior.lock"

    @property
    def state(self) -> Path:
        return self.root / ".bspec"

    @property
    def inbox(self) -> Path:
        return self.state / "records"

    @property
    def environ(self) -> dict[str, str]:
        return {
            "HOME": str(self.base / "home"),
            "XDG_CONFIG_HOME": str(self.base / "config"),
            "XDG_CACHE_HOME": str(self.cache),
            "BSPEC_OPA_STATE_DIR": str(self.base / "state"),
        }

    @property
    def world(self) -> World:
        return World(self.environ, self.now, self.flags, self.pin)

    @property
    def store(self) -> FileStore | GitStore | SqlStore:
        origin, keys = "billing.example/bspec", [key_of("ledger").public]
        url = str(self.flags.get("ledger.url", ""))
        if is_git(url):
            return GitStore(parse_git_url(url), self.base / "state", origin=origin, keys=keys, environ=self.environ)
        if url:
            return open_sql_store(parse_url(url), origin=origin, keys=keys, wait_s=30)
        return FileStore(self.state / "ledger", origin=origin, keys=keys, wait_s=30)

    @property
    def keys(self) -> Keys:
        return Keys(gate=key_of("gate"), ledger=key_of("ledger"))

    def session(self, *, need_pin: bool = True) -> Session:
        return open_session(self.intent, self.world, need_pin=need_pin)

    def ledger(self) -> LedgerState:
        return self.store.read()

    def lines(self) -> list[bytes]:
        return self.lock.read_bytes().splitlines() if self.lock.exists() else []

    def files(self) -> dict[str, bytes]:
        """Everything in the project but objects, which are content-addressed and decide nothing by being there."""
        found = (p for p in self.root.rglob("*") if p.is_file() and "objects" not in p.parts)
        return {str(p.relative_to(self.root)): p.read_bytes() for p in found}

    # Making it

    def found(self, text: str = TEXT, trust: str = TRUST) -> Project:
        """Scaffold around an intent, sign the trust root and resolve."""
        (self.root / "keys").mkdir(parents=True)
        for name in PEOPLE:
            (self.root / "keys" / f"{name}.pub.pem").write_bytes(key_of(name).public.pem)
        (self.root / "trust.yaml").write_text(trust, encoding="utf-8")
        self.write_intent(text)
        scaffold(self.root, AGENT, "high", trial_keys=False)
        (self.root / "bspec-opa.toml").write_text("", encoding="utf-8")
        place = find_project(self.intent, self.environ, {})
        self.pin = init_root(place, self.root / "trust.yaml", [key_of("root-1")], self.now - DAY).root.digest
        self.resolve()
        return self

    def write_intent(self, text: str) -> None:
        self.intent.write_text(text, encoding="utf-8")

    def change_intent(self, *replacements: tuple[str, str]) -> None:
        """Replace what stands in the intent exactly once."""
        text = self.intent.read_text(encoding="utf-8")
        for old, new in replacements:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        self.write_intent(text)

    def resolve(self) -> None:
        loaded = open_intent(self.intent)
        place = find_project(self.intent, self.environ, {})
        write_binding(place.binding_file(loaded.intent.metadata.id), resolve_intent(place, loaded))

    # What people do

    def submit(self, by: str = "alice") -> Issued:
        return submit(self.session(), key_of(by))

    def attest(
        self,
        question: str,
        method: str,
        *,
        by: str = "eve",
        environment: str = "staging",
        n: int = 250,
        failed: int = 0,
        **members: Any,
    ) -> Issued:
        result: dict[str, Any] = {
            "schema": "bspec.evaluation-result/v1",
            "question": question,
            "method": method,
            "counts": {"n": n, "pass": n - failed, "fail": failed, "error": 0, "skip": 0},
            "probes": [{"scope_out_id": o.id, "cases": n, "passed": n} for o in self._out()]
            if question == "boundary"
            else [],
            "observed_tools": ["billing_read_api/get_invoice"],
            "dataset": {"name": "cases", "digest": digest_of(b"cases")},
            "harness": {"name": "harness", "version": "1", "digest": digest_of(b"harness")},
            "raw_log": {"digest": digest_of(f"{question} {method} {self.now}".encode())},
            "started": format_time(self.now - 2 * HOUR),
            "finished": format_time(self.now - HOUR),
        } | members
        file = self.base / "result.json"
        file.write_text(json.dumps(result), encoding="utf-8")
        return attest(self.session(), environment, file, key_of(by))

    def _out(self) -> Any:
        return open_intent(self.intent).intent.scope.out

    def attest_all(self) -> None:
        for question, method in RUNS:
            self.attest(question, method)

    def approve(
        self, role: str, environment: str = "staging", *, by: str = "", reject: bool = False, **more: Any
    ) -> Issued:
        session = self.session()
        approval = Approval(role, reject=reject, **more)
        return approve(session, promotable(session, environment), approval, key_of(by or APPROVERS[role]))

    def request(self, environment: str = "staging", *, by: str = "pat", valid_for: str | None = None) -> Issued:
        return request(self.session(), environment, key_of(by), reason="", valid_for=valid_for)

    def going_back(self, to: str, environment: str = "production", *, emergency: bool = False) -> Session:
        return open_rollback(self.intent, self.world, to, environment, emergency=emergency)

    def sign_rollback(
        self, to: str, *roles: str, environment: str = "production", emergency: bool = False, by: str = "pat"
    ) -> None:
        """Approvals in these roles and a request of a rollback."""
        for role in roles:
            session = self.going_back(to, environment, emergency=emergency)
            approve(session, promotable(session, environment), Approval(role), key_of(APPROVERS[role]))
        session = self.going_back(to, environment, emergency=emergency)
        request(session, environment, key_of(by), reason="outage", valid_for=None)

    def rollback(self, to: str, environment: str = "production", *, emergency: bool = False) -> Outcome:
        return promote(self.going_back(to, environment, emergency=emergency), environment, self.keys)

    def review(self, line: str, environment: str = "production", *, by: str = "fred") -> Issued:
        return review(open_emergency(self.intent, self.world, line, environment), "looked at it", key_of(by))

    def sign_all(self, environment: str, *roles: str) -> None:
        for role in roles:
            self.approve(role, environment)
        self.request(environment)

    def record(self) -> None:
        record_inbox(self.session(), key_of("ledger"))

    def evaluate(self, environment: str = "staging", *, need_pin: bool = True) -> Evaluation:
        return evaluate(self.session(need_pin=need_pin), environment)

    def promote(self, environment: str = "staging") -> Outcome:
        return promote(self.session(), environment, self.keys)

    def verify(self, deployed: Path | None = None, environment: str = "") -> Verification:
        return verify_file(self.lock, self.world, deployed, environment)

    def deployed(self, number: int = 1) -> Any:
        """What a deployment of exactly one of the lock's lines reports, as a document to change."""
        line = open_lock(self.lock)[number]
        binding: Any = line.binding
        return copy.deepcopy(
            {
                "schema": "bspec.deployed/v1",
                "agent": AGENT,
                "environment": line.environment,
                "line": line.digest,
                "models": [
                    {k: m[k] for k in ("class", "provider", "identity", "region", "digest")} for m in binding["models"]
                ],
                "tools": [
                    {k: t[k] for k in ("id", "release", "artifact")} | {"contract_digest": t["contract"]["digest"]}
                    for t in binding["tools"]
                ],
                "components": [{"id": c["id"], "digest": c["digest"]} for c in binding["components"]],
            }
        )

    # What an attacker with keys does

    def forge(
        self, kind: str, own: JsonObject, *, by: str, subjects: dict[str, Digest] | None = None, **common: Any
    ) -> bytes:
        """A signed record with any content; nothing is checked."""
        root = self.newest_root()
        predicate: JsonObject = {
            "domain": root.domain,
            "agent": AGENT,
            "action": kind,
            "nonce": hashlib.sha256(canonical_bytes(own) + by.encode()).hexdigest()[:32],
            "signed_at": format_time(self.now),
            "trust_root": {"version": root.version, "digest": root.digest},
            **own,
        } | common
        named = subjects or {"behavior.intent": open_intent(self.intent).digest, "binding": self.binding_digest()}
        statement = record_statement(kind, [Subject(n, d) for n, d in named.items()], predicate)
        return sign_envelope(statement.payload(), IN_TOTO_PAYLOAD_TYPE, [key_of(by)]).to_bytes()

    def reforge(self, data: bytes, change: Callable[[Any], object], *, by: str) -> bytes:
        """A genuine record with something changed in its predicate, signed again."""
        envelope = json.loads(data)
        statement = parse_statement(base64.b64decode(envelope["payload"]))
        predicate = copy.deepcopy(statement.predicate)
        change(predicate)
        kind = str(predicate["action"])
        payload = record_statement(kind, statement.subjects, predicate).payload()
        return sign_envelope(payload, IN_TOTO_PAYLOAD_TYPE, [key_of(by)]).to_bytes()

    def put(self, kind: str, envelope: bytes, record_id: Digest | None = None) -> Path:
        """Put a record into the inbox under its id."""
        payload = base64.b64decode(json.loads(envelope)["payload"])
        return write_record(self.inbox, kind, record_id or digest_of(payload), envelope)

    def only(self, kind: str) -> Path:
        """The one record file of a type."""
        (found,) = (self.inbox / kind).iterdir()
        return found

    def swap(self, kind: str, change: Callable[[bytes], bytes]) -> None:
        """Replace the one record of a type by a changed one, under the name that belongs to it."""
        file = self.only(kind)
        data = change(file.read_bytes())
        file.unlink()
        self.put(kind, data)

    def append(self, *records: tuple[str, bytes]) -> LedgerState:
        """Append to the ledger with its genuine key."""
        state = self.store.read()
        entries = state.draft(max(self.now, state.last_at), records)
        return state.followed_by(entries, self.store.append(state.tip, entries, key_of("ledger")))

    def binding_digest(self) -> Digest:
        return digest_json(json.loads((self.state / "bindings" / f"{AGENT}.json").read_bytes()))

    def newest_root(self) -> Any:
        files = sorted((self.state / "trust").glob("*.root.json"), key=lambda p: int(p.name.partition(".")[0]))
        payload = base64.b64decode(json.loads(files[-1].read_bytes())["payload"])
        return parse_root(payload, files[-1].name, authenticated=False)

    def next_root(self, change: Callable[[Any], object] = lambda _: None, *, by: str = "root-1") -> Path:
        """Sign and write one more version of the trust root, with a change."""
        newest = self.newest_root()
        payload: Any = json.loads(newest.payload)
        payload["version"] = newest.version + 1
        payload["previous_digest"] = newest.digest
        payload["issued"] = format_time(self.now)
        change(payload)
        path = self.state / "trust" / f"{payload['version']}.root.json"
        path.write_bytes(sign_envelope(canonical_bytes(payload), TRUST_ROOT_PAYLOAD_TYPE, [key_of(by)]).to_bytes())
        return path

    def revoke(self, kind: str, identifier: str, reason: str) -> None:
        """A day later the next version of the trust root revokes a ``key`` or a ``record``."""
        self.now += DAY
        self.next_root(lambda root: root["revoked"].append({"kind": kind, "id": identifier, "reason": reason}))

    # What tests demand

    @contextmanager
    def refused(self, code: str, exit_code: ExitCode, message: str = "") -> Iterator[pytest.ExceptionInfo[BspecError]]:
        """The block fails with this code; lock and ledger stay as they were, and nothing is half-written."""
        before = self._durable()
        with pytest.raises(BspecError) as raised:
            yield raised
        problem = raised.value.problems[0]
        assert (raised.value.code, raised.value.exit_code) == (code, exit_code), str(raised.value)
        assert problem.message
        assert message in problem.message
        assert "\n" not in problem.message
        assert self._durable() == before

    def denied(self, environment: str = "staging", *rejected: str, code: ExitCode = ExitCode.PENDING) -> list[str]:
        """Promote and demand a denial; the rules and refusals that deny. The lock stays as it was.

        Args:
            environment: where to.
            rejected: reason codes of the records that must have been turned away, sorted.
            code: what the promotion exits with.
        """
        before = self.lines()
        outcome = self.promote(environment)
        assert outcome.evaluation is not None, "it is current already"
        assert outcome.line is None
        assert not outcome.evaluation.decision.allowed
        assert outcome.evaluation.exit_code == code, reasons_of(outcome.evaluation)
        assert sorted({r.code for r in outcome.evaluation.rejected}) == sorted(rejected)
        assert self.lines() == before
        self.no_leftovers()
        return reasons_of(outcome.evaluation)

    def allowed(self, environment: str = "staging") -> Outcome:
        """Promote and demand exactly one more line."""
        before = self.lines()
        outcome = self.promote(environment)
        assert outcome.evaluation is not None, "it is current already"
        assert outcome.evaluation.decision.allowed, reasons_of(outcome.evaluation)
        assert self.lines()[:-1] == before
        assert digest_of(self.lines()[-1]) == outcome.line
        self.no_leftovers()
        return outcome

    def _durable(self) -> dict[str, bytes]:
        self.no_leftovers()
        kept = ("behavior.lock", ".bspec/ledger")
        return {n: d for n, d in self.files().items() if n.startswith(kept)}

    def no_leftovers(self) -> None:
        assert list(self.base.rglob("*.tmp")) == []


def reasons_of(evaluation: Evaluation) -> list[str]:
    """Rules that deny and codes of the floor's refusals, sorted."""
    decision = evaluation.decision
    return sorted([*(r.id for r in decision.rules if r.denied), *(p.reason.code for p in decision.refusals)])


def record_id(data: bytes) -> Digest:
    return digest_of(base64.b64decode(json.loads(data)["payload"]))


def resolved(project: Project) -> None:
    """A scaffolded project with trust root and binding; nobody has signed anything."""
    project.found()


def signed(project: Project) -> None:
    """Everything for staging is signed and lies in the inbox."""
    project.submit()
    project.attest_all()
    project.sign_all("staging", "environment-admin")


def staged(project: Project) -> None:
    """Promoted to staging."""
    project.allowed("staging")


def ready(project: Project) -> None:
    """The soak is over, and everything for production is signed."""
    project.now += 3 * DAY
    project.sign_all("production", "environment-admin", "security", "risk-owner")


def live(project: Project) -> None:
    """Promoted to production."""
    project.allowed("production")


def grown(project: Project) -> None:
    """A day later version 1.1.0, which may take more steps: pending at first, then promoted to staging."""
    project.now += DAY
    project.change_intent(("version: 1.0.0", "version: 1.1.0"), ("max_steps: 20", "max_steps: 30"))
    project.denied()
    project.now += HOUR
    project.submit()
    project.attest_all()
    project.sign_all("staging", "environment-admin", "security", "risk-owner")
    project.allowed("staging")


def replaced(project: Project) -> None:
    """Three days later version 1.1.0 is in production, too: line 4, entry 30; version 1.0.0 was line 2, entry 13."""
    project.now += 3 * DAY
    project.sign_all("production", "environment-admin", "security", "risk-owner")
    project.allowed("production")


def back(project: Project) -> None:
    """A minute later production is rolled back to 1.0.0: line 5, entry 34."""
    project.now += 60
    project.sign_rollback("entry:13", "environment-admin", "security")
    project.rollback("entry:13")


ORDER = (resolved, signed, staged, ready, live, grown, replaced, back)


class Shelf:
    """Prepared projects, each made once from the one before it and copied for every test."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made: dict[str, Project] = {}

    @property
    def cache(self) -> Path:
        return self._directory / "cache"

    def project(self, stage: str, target: Path) -> Project:
        """A copy of the project at a stage: resolved, signed, staged, ready, live, grown, replaced or back."""
        return self.copy(self._prepared(stage), target)

    def _prepared(self, stage: str) -> Project:
        if stage not in self._made:
            names = [s.__name__ for s in ORDER]
            position = names.index(stage)
            base = self._directory / stage
            project = self.copy(self._prepared(names[position - 1]), base) if position else Project(base, self.cache)
            ORDER[position](project)
            self._made[stage] = project
        return self._made[stage]

    def copy(self, project: Project, base: Path) -> Project:
        """A copy of a project somewhere else."""
        shutil.copytree(project.base, base, dirs_exist_ok=True)
        return replace(project, base=base, flags={})

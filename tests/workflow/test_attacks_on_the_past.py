"""Attacks on the ledger, the lock, the trust root and the clock: rolled back, forked, cut off, rewritten."""

from __future__ import annotations

import base64
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from project import DAY, HOUR
from world import key_of

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import hex_of
from bspec_opa.foundation.errors import ExitCode
from bspec_opa.ledger.checkpoint import sign_checkpoint
from bspec_opa.ledger.merkle import root_of
from bspec_opa.workflow.checkout.deciding import read_policy
from bspec_opa.workflow.doctor import examine

if TYPE_CHECKING:
    from collections.abc import Callable

    from project import Project, Shelf


def put_back(project: Project, earlier: Project, *names: str) -> None:
    """Restore genuine older files of the checkout; the user's state directory is out of reach."""
    for name in names:
        target, source = project.root / name, earlier.root / name
        if source.is_dir():
            shutil.rmtree(target)
            shutil.copytree(source, target)
        elif source.exists():
            shutil.copy(source, target)
        else:
            target.unlink()


def both_refuse(project: Project, code: str, exit_code: ExitCode = ExitCode.TRUST) -> None:
    for act in (project.promote, project.verify, project.evaluate, project.record):
        with project.refused(code, exit_code):
            act()


@pytest.mark.attack("A17")
@pytest.mark.parametrize("behind", [1, 30 * DAY])
def test_a_clock_behind_the_ledger(live: Project, behind: int) -> None:
    live.now -= behind
    if behind > DAY:
        with live.refused("trust.root-not-yet-valid", ExitCode.TRUST):
            live.promote()
    else:
        both_refuse(live, "ledger.clock-behind")


@pytest.mark.attack("A18")
def test_an_older_trust_root_is_put_back(staged: Project) -> None:
    """A root that revokes somebody is dropped from the checkout again."""
    staged.now += HOUR
    newer = staged.next_root(lambda p: p["revoked"].append({"kind": "key", "id": key_of("sam").keyid, "reason": "x"}))
    assert staged.verify().root_version == 2
    newer.unlink()
    both_refuse(staged, "ledger.root-rolled-back")


@pytest.mark.attack("A18")
def test_another_root_of_the_same_version(staged: Project) -> None:
    staged.now += HOUR
    staged.next_root()
    staged.promote()
    (staged.state / "trust" / "2.root.json").unlink()
    staged.next_root(lambda p: p.update(expires="2026-12-31T00:00:00Z"))
    both_refuse(staged, "ledger.root-rolled-back")


@pytest.mark.attack("A18")
@pytest.mark.attack("A55")
@pytest.mark.attack("A78")
@pytest.mark.parametrize("with_root", [False, True])
def test_a_genuine_older_lock_ledger_and_root_together(
    live: Project, shelf: Shelf, tmp_path: Any, with_root: bool
) -> None:
    if with_root:
        live.now += HOUR
        live.next_root()
        live.promote()
        live.verify()
    earlier = shelf.project("staged", tmp_path / "earlier")
    put_back(live, earlier, "behavior.lock", ".bspec/ledger", ".bspec/records", ".bspec/trust")
    live.now += HOUR
    both_refuse(live, "ledger.root-rolled-back" if with_root else "ledger.rolled-back")


@pytest.mark.attack("A78")
def test_where_nothing_is_remembered_it_is_said(live: Project, shelf: Shelf, tmp_path: Any) -> None:
    earlier = shelf.project("staged", tmp_path / "earlier")
    put_back(live, earlier, "behavior.lock", ".bspec/ledger")
    shutil.rmtree(live.base / "state")
    note = "no memory of earlier heads: an older ledger or root could not be told"
    assert note in live.evaluate().notes
    assert live.verify().notes == (note,)
    assert live.verify().notes == ()


@pytest.mark.attack("A78")
def test_verifying_alone_remembers(live: Project, shelf: Shelf, tmp_path: Any) -> None:
    """A machine that only deploys knows an older ledger when it sees one."""
    shutil.rmtree(live.base / "state")
    live.verify()
    put_back(live, shelf.project("staged", tmp_path / "earlier"), "behavior.lock", ".bspec/ledger")
    with live.refused("ledger.rolled-back", ExitCode.TRUST):
        live.verify()


@pytest.mark.attack("A55")
def test_a_deleted_ledger(live: Project) -> None:
    shutil.rmtree(live.state / "ledger")
    both_refuse(live, "ledger.rolled-back")


def rewritten(project: Project, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """The ledger with other lines under a checkpoint that the genuine ledger key signs."""
    lines = change((project.state / "ledger" / "log.jsonl").read_bytes().splitlines())
    (project.state / "ledger" / "log.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    from bspec_opa.ledger.merkle import leaf_hash

    root = root_of([leaf_hash(line) for line in lines])
    note = sign_checkpoint("billing.example/bspec", len(lines), root, key_of("ledger"))
    (project.state / "ledger" / "checkpoint").write_bytes(note.to_bytes())


def later(lines: list[bytes]) -> list[bytes]:
    entry = json.loads(lines[-1])
    entry["at"] = "2026-06-05T00:00:00Z"
    return [*lines[:-1], canonical_bytes(entry)]


@pytest.mark.attack("A53")
def test_a_forked_ledger_signed_by_the_genuine_key(live: Project) -> None:
    rewritten(live, later)
    live.now += 10 * DAY
    both_refuse(live, "ledger.forked")


@pytest.mark.attack("A53")
def test_a_rewritten_ledger_where_nothing_is_remembered(live: Project) -> None:
    """The lock line names the tree that it was decided on, and the moment at which it was sequenced."""
    shutil.rmtree(live.base / "state")
    rewritten(live, later)
    live.now += 10 * DAY
    with live.refused("verify.facts-differ", ExitCode.TRUST):
        live.verify()


@pytest.mark.attack("A03")
@pytest.mark.attack("A53")
def test_an_entry_that_says_it_is_something_else(staged: Project) -> None:
    """The ledger's own key makes no approval of a submit, and no record of what is none."""
    shutil.rmtree(staged.base / "state")

    def relabelled(lines: list[bytes]) -> list[bytes]:
        entry = json.loads(lines[0])
        entry["kind"] = "denial"
        junk = json.loads(lines[1])
        junk["body"]["payload"] = base64.b64encode(b"{}").decode()
        return [canonical_bytes(entry), canonical_bytes(junk), *lines[2:]]

    rewritten(staged, relabelled)
    history = staged.session().history
    assert [r.code for r in history.rejected] == ["history.wrong-kind"]
    with staged.refused("verify.facts-differ", ExitCode.TRUST):
        staged.verify()


@pytest.mark.attack("A54")
@pytest.mark.parametrize("row", [0, 3, 8])
def test_a_row_deleted_reordered_or_edited(live: Project, row: int) -> None:
    log = live.state / "ledger" / "log.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    swapped = [*lines[:row], lines[row + 1], lines[row], *lines[row + 2 :]]
    edited = [*lines[:row], lines[row].replace(b'"v":1', b'"v":2'), *lines[row + 1 :]]
    for damaged, code in (
        ([*lines[:row], *lines[row + 1 :]], "ledger.bad-entry"),
        (swapped, "ledger.bad-entry"),
        (edited, "ledger.bad-entry"),
        (lines[:-1], "ledger.truncated"),
        ([*lines, lines[-1]], "ledger.uncheckpointed-tail"),
    ):
        log.write_bytes(b"".join(damaged))
        both_refuse(live, code)


@pytest.mark.attack("A81")
def test_a_fake_entry_after_the_checkpoint_is_moved_aside_and_never_signed(live: Project) -> None:
    log = live.state / "ledger" / "log.jsonl"
    genuine = log.read_bytes()
    entry = json.loads(genuine.splitlines()[-1])
    entry["seq"] += 1
    fake = canonical_bytes(entry) + b"\n"
    log.write_bytes(genuine + fake)
    both_refuse(live, "ledger.uncheckpointed-tail")
    pin, live.pin = live.pin, None
    examine(live.root, live.world, repair=True)
    assert log.read_bytes() == genuine + fake, "without a pin nothing is repaired"
    live.pin = pin
    examine(live.root, live.world, repair=True)
    assert log.read_bytes() == genuine
    assert [p.read_bytes() for p in (live.state / "ledger").glob("tail-*")] == [fake]
    assert live.verify().tree_size == len(genuine.splitlines())


@pytest.mark.attack("A48")
@pytest.mark.parametrize("left", [0, 1])
def test_a_crash_between_ledger_and_lock_is_completed_byte_for_byte(live: Project, left: int) -> None:
    genuine = live.lock.read_bytes()
    lines = genuine.splitlines(keepends=True)
    live.lock.write_bytes(b"".join(lines[:left]))
    with live.refused("verify.not-in-lock" if left else "lock.missing", ExitCode.TRUST if left else ExitCode.INVALID):
        live.verify()
    outcome = live.promote("production")
    assert outcome.evaluation is None
    assert live.lock.read_bytes() == genuine
    live.lock.unlink()
    live.promote("staging")
    assert live.lock.read_bytes() == genuine


@pytest.mark.attack("A48")
@pytest.mark.parametrize("cut", [1, 100, 5_000])
def test_a_lock_cut_off_in_a_line(live: Project, cut: int) -> None:
    live.lock.write_bytes(live.lock.read_bytes()[:-cut])
    for act in (live.verify, live.promote):
        with live.refused("lock.bad-line", ExitCode.TRUST):
            act()


@pytest.mark.attack("A48")
def test_a_lock_line_that_the_ledger_lacks(live: Project, shelf: Shelf, tmp_path: Any) -> None:
    """Genuine lines, genuine ledger, but not of each other."""
    other = shelf.project("ready", tmp_path / "other")
    other.now += HOUR
    other.allowed("production")
    live.lock.write_bytes(other.lock.read_bytes())
    with live.refused("verify.not-in-ledger", ExitCode.TRUST):
        live.verify()
    with live.refused("lock.not-in-ledger", ExitCode.TRUST):
        live.promote()


def test_lines_stay_provable_after_the_gate_has_a_new_key(live: Project) -> None:
    live.now += HOUR

    def rotate(payload: Any) -> None:
        old, new = key_of("gate").keyid, key_of("gate-2")
        payload["keys"] = [k for k in payload["keys"] if k["id"] != old]
        payload["keys"].append({"id": new.keyid, "alg": "ed25519", "public": public(new), "purpose": "gate"})
        gate = next(p for p in payload["principals"] if p["id"] == "gate")
        gate["keys"] = [new.keyid]

    live.next_root(rotate)
    assert [v.current for v in live.verify().lines] == [True, True]
    assert live.promote("production").evaluation is None
    live.change_intent(("version: 1.0.0", "version: 1.0.1"), ("list_invoices, get_invoice", "get_invoice"))
    live.resolve()
    live.submit()
    live.attest_all()
    live.sign_all("staging", "environment-admin")
    live.record()
    with live.refused("trust.unknown-key", ExitCode.TRUST):
        live.promote()


def public(key: Any) -> str:
    return base64.b64encode(key.public.spki).decode()


def revoked(project: Project, kind: str, name: str) -> None:
    project.now += HOUR
    project.next_root(lambda p: p["revoked"].append({"kind": kind, "id": name, "reason": "stolen"}))


def test_lines_of_a_revoked_gate_key_do_not_verify(live: Project) -> None:
    revoked(live, "key", key_of("gate").keyid)
    with live.refused("trust.revoked", ExitCode.TRUST):
        live.verify()
    with live.refused("trust.revoked", ExitCode.TRUST):
        live.promote("production")


def test_a_revoked_line_is_not_promoted_again_by_its_old_approvals(staged: Project) -> None:
    head = staged.session().history.head("staging")
    assert head is not None
    revoked(staged, "record", head.record.id)
    with staged.refused("trust.revoked", ExitCode.TRUST):
        staged.verify()
    with staged.refused("trust.revoked", ExitCode.TRUST):
        staged.promote()
    staged.lock.unlink()
    found = staged.denied("staging", "history.spent", "trust.revoked")
    assert {"promotion.all.approvals", "promotion.all.requested"} <= set(found)
    staged.sign_all("staging", "environment-admin")
    staged.allowed()
    assert [v.current for v in staged.verify().lines] == [True]


def test_a_retired_gate_key_signs_nothing_new_under_its_old_root(staged: Project) -> None:
    """Naming a root that was replaced does not bring its keys back."""
    staged.now += 3 * DAY
    first = staged.newest_root()

    def drop(payload: Any) -> None:
        new = key_of("gate-2")
        payload["keys"] = [k for k in payload["keys"] if k["id"] != key_of("gate").keyid]
        payload["keys"].append({"id": new.keyid, "alg": "ed25519", "public": public(new), "purpose": "gate"})
        next(p for p in payload["principals"] if p["id"] == "gate")["keys"] = [new.keyid]

    staged.next_root(drop)

    def backdated(predicate: Any) -> None:
        predicate.update(trust_root={"version": first.version, "digest": first.digest}, seq=1)

    line = staged.lines()[0] + b"\n"
    staged.append(("promotion", staged.reforge(line, backdated, by="gate")))
    history = staged.session().history
    assert [r.code for r in history.rejected] == ["trust.unknown-key"]
    assert history.head("staging") is not None


def test_a_ledger_key_changes_by_an_overlap(staged: Project) -> None:
    staged.now += HOUR
    new = key_of("ledger-2")

    def add(payload: Any) -> None:
        payload["keys"].append({"id": new.keyid, "alg": "ed25519", "public": public(new), "purpose": "ledger"})
        payload["ledger"]["keys"].append(new.keyid)

    def drop(payload: Any) -> None:
        payload["keys"] = [k for k in payload["keys"] if k["id"] != key_of("ledger").keyid]
        payload["ledger"]["keys"] = [new.keyid]

    staged.next_root(add)
    staged.verify()
    path = staged.next_root(drop)
    with staged.refused("ledger.checkpoint-signature", ExitCode.TRUST):
        staged.verify()
    path.unlink()


def test_a_revoked_ledger_key_signs_no_checkpoint(staged: Project) -> None:
    revoked(staged, "key", key_of("ledger").keyid)
    both_refuse(staged, "ledger.checkpoint-signature")


@pytest.mark.attack("A54")
def test_a_missing_or_altered_object(live: Project) -> None:
    objects = live.state / "objects" / "sha256"
    genuine = {p: p.read_bytes() for p in objects.iterdir()}
    for path, data in genuine.items():
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        if not needed(live, path.name):
            path.write_bytes(data)
            continue
        with live.refused("ledger.object-altered", ExitCode.TRUST):
            live.verify()
        path.unlink()
        with live.refused("ledger.object-missing", ExitCode.TRUST):
            live.verify()
        path.write_bytes(data)
    assert live.verify().lines


def needed(project: Project, name: str) -> bool:
    """Whether a line names the object: intent, input or bundle."""
    session = project.session()
    lines = [h for e in ("staging", "production") if (h := session.history.head(e))]
    named = {hex_of(h.subject("behavior.intent")) for h in lines}
    for head in lines:
        predicate: Any = head.record.predicate
        named |= {hex_of(predicate["input_digest"]), hex_of(predicate["bundles"][0]["digest"])}
    return name in named


@pytest.mark.attack("A18")
@pytest.mark.attack("A31")
def test_an_older_bundle_is_served_again(staged: Project) -> None:
    """Once accepted is not accepted: the newest trust root says which bundles decide from now on."""
    newer = read_policy("elevated").ref

    def accept_only_the_newer(payload: Any) -> None:
        for policy in payload["policies"]:
            policy["bundles"] = [{"name": newer.name, "revision": newer.revision, "digest": newer.digest}]

    staged.now += HOUR
    staged.next_root(accept_only_the_newer)
    for environment in ("staging", "production"):
        for act in (staged.evaluate, staged.promote):
            with staged.refused("bundle.not-accepted", ExitCode.TRUST):
                act(environment)
    staged.verify()  # what the older one decided while it was accepted stays decided
    staged.flags["bundle.path"] = "elevated"
    assert staged.evaluate("production").bundle.digest == newer.digest

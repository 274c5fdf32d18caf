"""Where things lie, what is remembered, what is opened."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import BspecError, ExitCode, TrustError
from bspec_opa.gate.request import REPLAY_NONCE, check_request, input_digest
from bspec_opa.workflow.bundles.bundling import build_policy, repack_policy
from bspec_opa.workflow.checkout.anchor import find_pin, open_anchor, require_pin
from bspec_opa.workflow.checkout.config import Config
from bspec_opa.workflow.checkout.deciding import open_panel, read_policy
from bspec_opa.workflow.checkout.inbox import read_inbox
from bspec_opa.workflow.checkout.intents import open_intent
from bspec_opa.workflow.checkout.project import find_project, intent_beside, lock_beside
from bspec_opa.workflow.doctor import examine, exit_code_of
from bspec_opa.workflow.normalize import check_request_of, evaluation_request_of
from bspec_opa.workflow.verifying.showing import open_lock

if TYPE_CHECKING:
    from pathlib import Path

    from project import Project

    from bspec_opa.workflow.doctor import Finding

PIN = digest_of(b"pin")


# Project and anchor


def test_the_project_is_found_upwards(tmp_path: Path) -> None:
    (tmp_path / "bspec-opa.toml").write_text("", encoding="utf-8")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "behavior.intent").write_text("", encoding="utf-8")
    for start in (deep, deep / "behavior.intent", tmp_path):
        assert find_project(start, {}, {}).root == tmp_path
    assert find_project(deep, {}, {}).has_file


@pytest.mark.parametrize(
    ("intent", "lock", "back"),
    [
        ("behavior.intent", "behavior.lock", "behavior.intent"),
        ("refunds.intent", "refunds.lock", "refunds.intent"),
        ("a.b.intent", "a.b.lock", "a.b.intent"),
        ("agent.yaml", "behavior.lock", "behavior.intent"),
        (".intent", "behavior.lock", "behavior.intent"),
    ],
)
def test_a_lock_is_named_like_its_intent(tmp_path: Path, intent: str, lock: str, back: str) -> None:
    assert lock_beside(tmp_path / intent) == tmp_path / lock
    assert intent_beside(tmp_path / lock) == tmp_path / back


def test_without_a_file_the_intents_directory_is_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_project(tmp_path, {}, {})
    assert (found.root, found.has_file) == (tmp_path, False)
    assert (found.trust_files(), found.catalog_files()) == ((), ())
    monkeypatch.chdir(tmp_path.parent)
    assert str(find_project(tmp_path, {}, {}).root) == tmp_path.name


def test_configured_places(tmp_path: Path) -> None:
    flags: Any = {"ledger.path": "/l", "catalogs.paths": ("/c.yaml",), "records.dirs": ("/r", "/s")}
    found = find_project(tmp_path, {}, flags)
    assert str(found.ledger_directory) == "/l"
    assert [str(p) for p in found.catalog_files()] == ["/c.yaml"]
    assert str(found.records_directory) == "/r"


def test_versions_of_the_root_are_ordered_by_number_and_nothing_else_is_one(tmp_path: Path) -> None:
    directory = tmp_path / ".bspec" / "trust"
    directory.mkdir(parents=True)
    for name in (
        "10.root.json",
        "9.root.json",
        "01.root.json",
        "².root.json",
        "x.root.json",
        "0.root.json",
        "1.root.bak",
    ):
        (directory / name).write_text("{}", encoding="utf-8")
    assert [p.name for p in find_project(tmp_path, {}, {}).trust_files()] == ["9.root.json", "10.root.json"]


def test_an_agents_binding_stays_in_its_directory(tmp_path: Path) -> None:
    with pytest.raises(BspecError) as raised:
        find_project(tmp_path, {}, {}).binding_file("../x")
    assert raised.value.code == "file.bad-name"


def test_where_the_pin_comes_from(tmp_path: Path) -> None:
    user = tmp_path / "config" / "bspec-opa"
    user.mkdir(parents=True)
    (user / "trust-pin").write_text(f"{PIN}\n", encoding="utf-8")
    other = digest_of(b"other")
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "BSPEC_OPA_TRUST_PIN": other}
    assert find_pin(digest_of(b"flag"), environ) == digest_of(b"flag")
    assert find_pin(None, environ) == other
    assert find_pin(None, environ | {"BSPEC_OPA_TRUST_PIN": ""}) == PIN
    (tmp_path / "config").rename(tmp_path / ".config")
    assert find_pin(None, {"HOME": str(tmp_path)}) == PIN
    assert find_pin(None, {}) is None


@pytest.mark.parametrize("text", ["", "sha256:12", "x" * 150])
def test_a_pin_that_is_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(BspecError) as raised:
        find_pin(text, {})
    assert (raised.value.code, raised.value.exit_code) == ("trust.bad-pin", ExitCode.USAGE)
    with pytest.raises(TrustError) as missing:
        require_pin(None)
    assert missing.value.code == "trust.no-pin"


def test_an_unpinned_root_is_not_authenticated(staged: Project) -> None:
    place = find_project(staged.intent, staged.environ, {})
    anchor = open_anchor(place, None, staged.now)
    assert (anchor.authenticated, anchor.starter) == (False, False)
    shutil.rmtree(staged.state / "trust")
    starter = open_anchor(place, None, staged.now)
    assert starter.starter
    assert starter.root.accepted_bundles("staging") == ()


# Inbox


def test_a_record_counts_under_its_own_name_only(signed: Project) -> None:
    file = signed.only("submit")
    file.rename(file.with_name("0" * 64 + ".json"))
    assert "promotion.all.submitted" in signed.denied("staging", "file.unreadable")


def test_records_of_other_agents_are_left_out(signed: Project) -> None:
    session = signed.session()
    found = read_inbox([signed.inbox], session.anchor.roots, signed.now, required=True).of("other-agent")
    assert (found.records, found.rejected) == ((), ())


def test_the_inbox_is_read_in_the_order_of_the_signatures(signed: Project) -> None:
    signed.now += 10
    signed.approve("environment-admin")
    records = signed.session().inbox.records
    assert [r.signed_unix for r in records] == sorted(r.signed_unix for r in records)
    assert records[-1].type == "approval"


# normalize


def test_normalize_without_an_environment_is_a_check_of_the_intent_alone(signed: Project) -> None:
    found: Any = check_request_of(open_intent(signed.intent), signed.now)
    assert (found["action"], found["environment"], found["nonce"]) == ("check", "none", REPLAY_NONCE)
    assert found["change"]["verdict"] == "initial"
    empty = ("binding", "submits", "approvals", "evidence", "requester", "predecessor", "withdrawn", "rejected")
    assert all(found[member] == [] for member in empty)
    check_request(found)


def test_normalize_is_what_evaluate_sends(signed: Project) -> None:
    found = evaluation_request_of(signed.session(), "staging")
    sent = signed.evaluate().request
    assert found["nonce"] == REPLAY_NONCE != sent["nonce"]
    assert input_digest(found) == input_digest(sent)
    with signed.refused("trust.unknown-environment", ExitCode.INVALID):
        evaluation_request_of(signed.session(), "x")


# Bundles


def test_repacking_other_data_needs_no_opa(tmp_path: Path) -> None:
    from bspec_opa.bundle.shipped import shipped_bundle

    data = shipped_bundle("elevated").with_name("elevated.data.json")
    (tmp_path / "new").mkdir()
    made = repack_policy("default", data, tmp_path / "new" / "bundle.tar.gz")
    assert made.ref.revision == read_policy("elevated").ref.revision
    assert read_policy(str(tmp_path / "new" / "bundle.tar.gz")).ref == made.ref
    (tmp_path / "bad.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BspecError) as raised:
        repack_policy("default", tmp_path / "bad.json", tmp_path / "bad.tar.gz")
    assert raised.value.exit_code == ExitCode.INVALID
    assert not (tmp_path / "bad.tar.gz").exists()


def test_building_needs_the_exact_opa(tmp_path: Path) -> None:
    from policy_tree import good_tree, write

    (tmp_path / "opa").write_text("#!/bin/sh\necho Version: 0.0.1\n", encoding="utf-8")
    (tmp_path / "opa").chmod(0o755)
    target = tmp_path / "made.tar.gz"
    with pytest.raises(BspecError) as raised:
        build_policy(write(tmp_path / "p", good_tree()), None, target, {"BSPEC_OPA_OPA": str(tmp_path / "opa")})
    assert raised.value.exit_code == ExitCode.ENGINE
    assert not target.exists()


def test_building(tmp_path: Path, opa_path: Path) -> None:
    from policy_tree import good_tree, write

    policies = write(tmp_path / "p", good_tree())
    made = build_policy(policies, None, tmp_path / "made.tar.gz", {"BSPEC_OPA_OPA": str(opa_path)}, unfinished=True)
    assert read_policy(str(tmp_path / "made.tar.gz")).ref == made.ref
    assert {r.id for r in made.bundle.index.rules} == {
        "global.tools.no_admin",
        "global.tools.unbounded",
        "promotion.all.requested",
        "promotion.production.carried",
    }


def test_an_engine_that_has_no_url(staged: Project) -> None:
    environment = staged.newest_root().environment("staging")
    panel = open_panel(Config({"engine.name": "rest"}), read_policy("default"), environment, staged.environ)
    with pytest.raises(BspecError) as raised, panel:
        pass
    assert (raised.value.code, raised.value.exit_code) == ("config.bad-value", ExitCode.USAGE)


# show


def test_showing_a_lock(live: Project) -> None:
    assert [line.environment for line in open_lock(live.lock)] == ["staging", "production"]
    live.lock.unlink()
    with live.refused("lock.missing", ExitCode.INVALID):
        open_lock(live.lock)


# doctor


def found(project: Project, *, repair: bool = False) -> dict[str, list[Finding]]:
    findings = examine(project.root, project.world, repair=repair)
    subjects = dict.fromkeys(f.subject for f in findings)
    return {s: [f for f in findings if f.subject == s] for s in subjects}


def states(project: Project, **options: bool) -> dict[str, str]:
    return {s: "/".join(f.state for f in fs) for s, fs in found(project, **options).items()}


def test_everything_is_in_place(live: Project) -> None:
    before = live.files()
    assert set(states(live).values()) == {"ok"}
    assert list(states(live)) == [
        "versions",
        "project",
        "bundle",
        "pin",
        "trust root",
        "ledger",
        "clock",
        "memory",
        "lock",
        "engine (staging)",
        "engine (production)",
    ]
    assert exit_code_of(examine(live.root, live.world, repair=False)) == ExitCode.OK
    assert live.files() == before


def test_each_fault_hides_no_other(live: Project) -> None:
    (live.state / "ledger" / "checkpoint").unlink()
    shutil.rmtree(live.state / "catalogs")
    live.flags = {"engine.url": "http://127.0.0.1:1"}
    live.now += 340 * 86_400
    faults = found(live)
    assert [f.code for f in faults["ledger"]] == ["ledger.no-checkpoint"]
    assert [f.state for f in faults["catalogs"]] == ["note"]
    assert [f.state for f in faults["trust root"]] == ["note"]
    assert [f.code for f in faults["engine (staging)"]] == ["engine.unreachable"]
    assert exit_code_of(examine(live.root, live.world, repair=False)) == ExitCode.TRUST
    assert all(f.remedy for fs in faults.values() for f in fs if f.state == "bad")


def test_clock_and_memory_and_bundle(live: Project) -> None:
    shutil.rmtree(live.base / "state")
    live.now -= 1
    assert states(live)["memory"] == "note"
    assert [f.code for f in found(live)["clock"]] == ["ledger.clock-behind"]
    live.flags = {"bundle.path": "elevated"}
    assert {f.code for f in found(live)["policies"]} == {"bundle.not-accepted"}
    live.flags = {"bundle.path": "nowhere.tar.gz"}
    assert states(live) == {"versions": "ok", "project": "ok", "bundle": "bad"}
    live.flags = {"engine.name": "managd"}
    assert states(live) == {"versions": "ok", "project": "bad"}
    live.flags = {}
    live.pin = "sha256:" + "0" * 64
    assert states(live)["trust root"] == "bad"


def test_an_older_ledger_is_a_fault(live: Project) -> None:
    shutil.rmtree(live.state / "ledger")
    assert [f.code for f in found(live)["memory"]] == ["ledger.rolled-back"]


def test_without_pin_or_root(live: Project, tmp_path: Path) -> None:
    live.pin = None
    assert found(live)["pin"][0].remedy.startswith("set BSPEC_OPA_TRUST_PIN or give --trust-pin, ")
    assert states(live, repair=True)["ledger"] == "note/ok"
    shutil.rmtree(live.state / "trust")
    assert found(live)["pin"][0].remedy.startswith("run bspec-opa trust init, then set ")
    (live.root / "bspec-opa.toml").unlink()
    assert states(live)["project"] == "note"


def test_there_is_nothing_to_repair(live: Project) -> None:
    before = live.files()
    assert set(states(live, repair=True).values()) == {"ok"}
    assert live.files() == before

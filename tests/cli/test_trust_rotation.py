"""Ceremonies on the command line: three people, two of whom are enough, each with nothing but the files they are given."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.foundation.closed_schema import violations
from bspec_opa.report.schemas import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Result, Shell

    At = Callable[[str], Shell]

DRAFT = ".bspec/trust/2.draft.json"
DAY = 86_400


def people(shell: Shell) -> Shell:
    """Anna, Ben and Carl hold root keys; two of them change the root. Nobody has signed yet."""
    shell.ok("init", ".", "--trial-keys", "-q")
    for name in ("anna", "ben", "carl", "ben-2", "new"):
        shell.ok("key", "generate", f"keys/{name}.pem", "-q")
    trust = Path("trust.yaml")
    text = trust.read_text(encoding="utf-8")
    old = "root: {threshold: 1, keys: [keys/root.pub.pem]}"
    assert text.count(old) == text.count("principals:\n") == 1
    names = ("anna", "ben", "carl")
    keys = ", ".join(f"keys/{n}.pub.pem" for n in names)
    holders = "".join(f"  - {{id: {n}, keys: [keys/{n}.pub.pem]}}\n" for n in names)
    text = text.replace(old, f"root: {{threshold: 2, keys: [{keys}]}}").replace(
        "principals:\n", f"principals:\n{holders}"
    )
    trust.write_text(text, encoding="utf-8")
    return shell


def founded(shell: Shell) -> Shell:
    """Version 1 is in place, made by Anna and Carl."""
    people(shell)
    shell.ok("trust", "init", "trust.yaml", "-q")
    for name in ("anna", "carl"):
        shell.ok("trust", "sign", ".bspec/trust/1.draft.json", "--key", f"keys/{name}.pem", "-q")
    shell.variables["BSPEC_OPA_TRUST_PIN"] = accept(shell, ".bspec/trust/1.draft.json")["pin"]
    return shell


def accept(shell: Shell, file: str = DRAFT) -> Any:
    return shell.ok("trust", "accept", file, "--format", "json").json


def sign(shell: Shell, name: str, *more: str) -> Any:
    return shell.ok("trust", "sign", DRAFT, "--key", f"keys/{name}.pem", "--format", "json", *more).json


def quorums(document: Any) -> list[tuple[int, int, list[str], list[str]]]:
    return [
        (q["version"], q["missing"], [h["owner"] for h in q["signed"]], [h["owner"] for h in q["able"]])
        for q in document["quorums"]
    ]


def refused(result: Result, code: int, reason: str, *words: str) -> None:
    assert result.code == code, result.out + result.err
    assert f"[{reason}]" in result.err, result.err
    for word in words:
        assert word in result.err


@pytest.fixture
def shell(shell_at: At) -> Shell:
    return founded(shell_at("bare"))


def test_version_1_is_made_by_several(shell_at: At) -> None:
    shell = people(shell_at("bare"))
    document = shell.ok("trust", "init", "trust.yaml", "--format", "json").json
    assert (document["version"], document["complete"], document["pin"]) == (1, False, document["digest"])
    assert quorums(document) == [(1, 2, [], ["anna", "ben", "carl"])]
    file = document["file"]
    refused(shell("trust", "accept", file), 7, "trust.root-signatures", "version 1 needs 2 more of anna, ben, carl")
    refused(shell("trust", "show"), 7, "trust.no-root")
    shell.ok("trust", "sign", file, "--key", "keys/carl.pem", "-q")
    refused(shell("trust", "accept", file), 7, "trust.root-signatures", "version 1 needs 1 more of anna, ben")
    shell.ok("trust", "sign", file, "--key", "keys/anna.pem", "-q")
    accepted = accept(shell, file)
    shell.variables["BSPEC_OPA_TRUST_PIN"] = accepted["pin"]
    again = ("version 1, which is complete and accepted already: the one in force", "draft version 2 with trust rotate")
    refused(shell("trust", "sign", ".bspec/trust/1.root.json"), 2, "trust.signature-not-needed", *again)
    assert (accepted["version"], accepted["pin"], accepted["authenticated"]) == (1, document["digest"], True)
    assert sorted(p.name for p in Path(".bspec/trust").iterdir()) == ["1.root.json"]


def test_a_root_key_is_replaced_by_three_people_offline(shell: Shell, tmp_path: Path) -> None:
    """Each has a directory of their own with copies; the signatures are put together in the end."""
    document = shell.ok(
        "trust", "rotate", "--replace-key", "keys/ben.pub.pem", "keys/ben-2.pub.pem", "--format", "json"
    ).json
    assert document["next"] == [f"bspec-opa trust sign {DRAFT} --key KEY"]
    assert [d["change"] for d in document["differences"]] == ["removed", "added", "removed", "added"]
    copies = []
    for name in ("ben", "ben-2", "anna"):
        alone = tmp_path / name
        shutil.copytree(".bspec/trust", alone / ".bspec" / "trust")
        signed = alone / "signed.json"
        given = ("--key", f"keys/{name}.pem", "-o", str(signed))
        one = shell.ok("trust", "sign", str(alone / DRAFT), "--project", str(alone), *given, "--format", "json").json
        assert one["signed_now"] == ["ben" if name == "ben-2" else name]
        assert not one["complete"]
        copies += ["--from", str(signed)]
    merged = shell.ok("trust", "sign", DRAFT, *copies, "--format", "json").json
    assert quorums(merged) == [(1, 0, ["anna", "ben"], ["carl"]), (2, 0, ["anna", "ben"], ["carl"])]
    assert (merged["complete"], merged["next"]) == (True, [f"bspec-opa trust accept {DRAFT}"])
    before = shell.ok("trust", "show", "--format", "json").json["version"]
    assert (before, accept(shell)["version"]) == (1, 2)
    chain = shell.ok("trust", "verify", "--format", "json").json
    assert [(v["version"], quorums(v)) for v in chain["versions"]] == [
        (1, [(1, 0, ["anna", "carl"], ["ben"])]),
        (2, [(1, 0, ["anna", "ben"], ["carl"]), (2, 0, ["anna", "ben"], ["carl"])]),
    ]


@pytest.mark.attack("A75")
def test_version_1_is_signed_under_the_digest_that_was_read_out(shell_at: At) -> None:
    shell = people(shell_at("bare"))
    document = shell.ok("trust", "init", "trust.yaml", "--format", "json").json
    told = ("--trust-pin", document["digest"])
    wrong = ("--trust-pin", f"sha256:{'ab' * 32}")
    file = document["file"]
    for command in (("sign", file, "--key", "keys/anna.pem"), ("accept", file)):
        refused(shell("trust", *command, *wrong), 7, "trust.pin-mismatch")
    for name in ("anna", "ben"):
        shell.ok("trust", "sign", file, "--key", f"keys/{name}.pem", *told, "-q")
    shell.ok("trust", "accept", file, *told)


def test_without_a_key_a_draft_is_only_looked_at(shell: Shell) -> None:
    shell.ok("trust", "rotate", "--threshold", "3", "-q")
    before = Path(DRAFT).read_bytes()
    shown = shell.ok("trust", "sign", DRAFT)
    assert Path(DRAFT).read_bytes() == before
    assert shown.lines[0] == "UNSIGNED  trust root of billing-support, version 2"
    assert "  ~ threshold 2 → 3" in shown.lines
    assert "  version 1 asks for 2: signed by nobody; 2 more of anna, ben, carl" in shown.lines
    assert "  version 2 asks for 3: signed by nobody; 3 more of anna, ben, carl" in shown.lines


@pytest.mark.attack("A10")
@pytest.mark.attack("A14")
def test_signatures_that_change_nothing_are_refused_and_nothing_is_written(shell: Shell) -> None:
    shell.ok("trust", "rotate", "-q")
    sign(shell, "anna")
    before = Path(DRAFT).read_bytes()
    for name, code, reason, words in (
        ("anna", 2, "trust.signature-not-needed", "has signed it already"),
        ("new", 7, "trust.root-signatures", "is no root key of version 1 nor of version 2"),
        ("gate", 7, "trust.root-signatures", "is no root key"),
    ):
        refused(shell("trust", "sign", DRAFT, "--key", f"keys/{name}.pem"), code, reason, words)
        assert Path(DRAFT).read_bytes() == before
    sign(shell, "ben")
    refused(shell("trust", "sign", DRAFT, "--key", "keys/carl.pem"), 2, "trust.signature-not-needed")


@pytest.mark.attack("A74")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_file_that_others_can_read_signs_nothing(shell: Shell, mode: int) -> None:
    shell.ok("trust", "rotate", "-q")
    Path("keys/anna.pem").chmod(mode)
    refused(shell("trust", "sign", DRAFT, "--key", "keys/anna.pem"), 7, "trust.key-exposed")


def test_keys_come_by_uri(shell: Shell) -> None:
    shell.ok("trust", "rotate", "-q")
    shell.variables["BEN"] = Path("keys/ben.pem").read_text(encoding="utf-8")
    keys = ("--key", "file:keys/anna.pem", "--key", "envvar:BEN")
    assert shell.ok("trust", "sign", DRAFT, *keys, "--format", "json").json["signed_now"] == ["anna", "ben"]


@pytest.mark.attack("A75")
def test_nothing_is_drafted_signed_or_put_in_place_without_the_pin(shell: Shell) -> None:
    shell.ok("trust", "rotate", "-q")
    del shell.variables["BSPEC_OPA_TRUST_PIN"]
    for command in (
        ("rotate", "-o", "x.json"),
        ("revoke", "keys/gate.pub.pem", "--mode", "retired", "--reason", "x"),
        ("sign", DRAFT, "--key", "keys/anna.pem"),
        ("accept", DRAFT),
        ("verify",),
    ):
        refused(shell("trust", *command), 7, "trust.no-pin")


def test_a_draft_of_a_later_version_is_not_signed_where_there_is_no_root(shell: Shell, tmp_path: Path) -> None:
    shell.ok("trust", "rotate", "-q")
    result = shell("trust", "sign", DRAFT, "--key", "keys/anna.pem", "--project", str(tmp_path))
    refused(result, 7, "trust.no-root", "it continues one")


def two(shell: Shell, *changes: str) -> None:
    """Version 2 is in place."""
    shell.ok("trust", "rotate", *changes, "-q")
    sign(shell, "anna")
    sign(shell, "ben")
    accept(shell)


@pytest.mark.attack("A16")
def test_freeze(shell: Shell) -> None:
    """Whoever keeps a newer version back is found out when the old one expires; and it can still be followed."""
    shell.now += 365 * DAY - 1
    assert "expires in less than a minute" in shell.ok("trust", "verify").out
    shell.now += 1
    refused(shell("trust", "verify"), 7, "trust.root-expired", "version 1 expired at")
    two(shell)
    assert shell.ok("trust", "verify", "--format", "json").json["version"] == 2


@pytest.mark.attack("A16")
def test_a_draft_that_expired_before_all_had_signed(shell: Shell) -> None:
    shell.ok("trust", "rotate", "--valid-for", "P1D", "-q")
    sign(shell, "anna")
    sign(shell, "ben")
    shell.now += DAY
    refused(shell("trust", "sign", DRAFT, "--key", "keys/carl.pem"), 7, "trust.root-expired", "before all had signed")
    refused(shell("trust", "accept", DRAFT), 7, "trust.root-expired")


@pytest.mark.attack("A18")
def test_rollback_of_the_root(shell: Shell) -> None:
    two(shell)
    newer = Path(".bspec/trust/2.root.json")
    kept = newer.read_bytes()
    newer.unlink()
    for command in (("verify",), ("rotate", "-o", "x.json")):
        refused(shell("trust", *command), 7, "ledger.root-rolled-back", "is version 1; 2 was there before")
    newer.write_bytes(kept)
    shell.ok("trust", "verify")


@pytest.mark.attack("A18")
def test_a_fork_at_the_same_version(shell: Shell) -> None:
    """Two drafts of version 2, both signed by enough: whoever accepted one refuses the other."""
    shell.ok("trust", "rotate", "--valid-for", "P30D", "-o", "other.json", "-q")
    for name in ("anna", "carl"):
        shell.ok("trust", "sign", "other.json", "--key", f"keys/{name}.pem", "-q")
    two(shell)
    Path(".bspec/trust/2.root.json").unlink()
    refused(shell("trust", "accept", "other.json"), 7, "ledger.root-rolled-back")
    shutil.copy("other.json", ".bspec/trust/2.root.json")
    refused(shell("trust", "verify"), 7, "ledger.root-rolled-back", "version 2 is another")


@pytest.mark.attack("A18")
def test_a_gap_and_a_version_that_follows_another_one(shell: Shell) -> None:
    two(shell)
    root = Path(".bspec/trust")
    (root / "2.root.json").rename(root / "3.root.json")
    shell.ok("trust", "verify", "-q")
    shutil.copy(root / "1.root.json", root / "2.root.json")
    refused(shell("trust", "verify"), 7, "trust.broken-chain", "2.root.json: is version 1 where 2 is expected")


@pytest.mark.attack("A19")
def test_verify_names_the_rule_that_a_candidate_breaks(shell: Shell) -> None:
    shell.ok("trust", "rotate", "--replace-key", "keys/ben.pub.pem", "keys/ben-2.pub.pem", "-q")
    refused(shell("trust", "verify", DRAFT), 7, "trust.bad-envelope")
    for name, words in (
        ("ben", "has 1 of 2 signatures that version 1 asks for"),
        ("anna", "has 1 of 2 signatures that version 2 asks for"),
    ):
        sign(shell, name)
        refused(shell("trust", "verify", DRAFT), 7, "trust.root-signatures", words)
    sign(shell, "ben-2")
    assert shell.ok("trust", "verify", DRAFT, "--format", "json").json["version"] == 2
    whole = shell.ok("trust", "verify", DRAFT, ".bspec/trust/1.root.json", "--format", "json").json
    assert [v["file"] for v in whole["versions"]] == [".bspec/trust/1.root.json", DRAFT]
    shell.ok("trust", "verify", "-q")  # a candidate that was verified is not in force, and not remembered


def test_a_new_version_by_a_whole_file(shell: Shell) -> None:
    trust = Path("trust.yaml")
    text = trust.read_text(encoding="utf-8")
    trust.write_text(text.replace("{id: staging}", "{id: staging, assurance: asserted}"), encoding="utf-8")
    document = shell.ok("trust", "rotate", "--edit", "trust.yaml", "--format", "json").json
    assert document["differences"] == [{"change": "changed", "what": "environment staging: measured → asserted"}]
    assert shell("trust", "rotate", "--edit", "trust.yaml", "--threshold", "1").code == 2
    refused(shell("trust", "rotate"), 2, "file.exists", DRAFT)


def test_dropping_a_revocation_is_said_aloud(shell: Shell) -> None:
    shell.ok("trust", "revoke", "keys/promoter.pub.pem", "--mode", "retired", "--reason", "left", "-q")
    sign(shell, "anna")
    sign(shell, "ben")
    accept(shell)
    document = shell.ok("trust", "rotate", "--edit", "trust.yaml", "--format", "json").json
    keyid = shell.ok("key", "show", "keys/promoter.pem", "--format", "json").json["keyid"]
    assert f"key {keyid[:19]}… would no longer be revoked" in document["notes"]
    assert [d["change"] for d in document["differences"]] == ["removed"]


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("keys/gate.pub.pem", "--mode", "compromised"), 2, "trust.bad-last-good"),
        (("keys/gate.pub.pem", "--mode", "retired", "--last-good", "none"), 2, "trust.bad-last-good"),
        (("keys/gate.pub.pem", "--mode", "compromised", "--last-good", "1"), 2, "trust.bad-last-good"),
        (("keys/gate.pub.pem", "--mode", "compromised", "--last-good", "-1"), 2, "trust.bad-last-good"),
        (("keys/gate.pub.pem", "--mode", "compromised", "--last-good", "0:abc"), 2, "trust.bad-last-good"),
        (("keys/gate.pub.pem", "--mode", "compromised", "--last-good", ""), 2, "trust.bad-last-good"),
        (("00000000", "--mode", "retired"), 2, "trust.bad-change"),
        (("missing.pem", "--mode", "retired"), 3, "file.unreadable"),
        (("keys/gate.pem", "--mode", "retired"), 7, "trust.bad-key"),
        (("", "--mode", "retired"), 3, "file.unreadable"),
    ],
    ids=str,
)
def test_what_can_not_be_revoked_so(shell: Shell, arguments: tuple[str, ...], code: int, reason: str) -> None:
    refused(shell("trust", "revoke", *arguments, "--reason", "x"), code, reason)
    assert not Path(DRAFT).exists()


def test_revocations_of_every_kind(shell: Shell) -> None:
    empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    keyid = shell.ok("key", "show", "keys/gate.pem", "--format", "json").json["keyid"]
    place = [{"tree_size": 0, "root_hash": empty}]
    elsewhere = f"sha256:{'ab' * 32}"
    for n, (what, arguments, mode, last_good, notes) in enumerate(
        (
            ("keys/gate.pub.pem", ("--mode", "retired"), "retired", place, []),
            (keyid[:8], ("--mode", "compromised", "--last-good", "0"), "compromised", place, []),
            (keyid, ("--mode", "compromised", "--last-good", f"9:{elsewhere}"), "compromised", [{"tree_size": 9, "root_hash": elsewhere}], ["the present ledger has another tree at 9 entries: it will be refused"]),
            (keyid, ("--mode", "compromised", "--last-good", "none"), "", [], []),
            (elsewhere, ("--mode", "compromised", "--last-good", "0"), "compromised", place, [f"the present ledger has no record {elsewhere[:19]}…: nothing there is revoked"]),
        )
    ):  # fmt: skip
        file = f"{n}.json"
        document = shell.ok("trust", "revoke", what, *arguments, "--reason", "x", "-o", file, "--format", "json").json
        assert document["notes"] == notes
        payload = json.loads(base64.b64decode(json.loads(Path(file).read_bytes())["payload"]))
        (found,) = payload["revoked"]
        identifier = what if what == elsewhere else keyid
        since = {"mode": mode, "last_good": last_good[0]} if last_good else {}
        assert found == {"kind": "record" if what == elsewhere else "key", "id": identifier, "reason": "x"} | since


def test_a_root_key_is_revoked_at_once_and_replaced_in_the_same_version(shell: Shell) -> None:
    new = ("--add-root-key", "keys/new.pub.pem", "--add-key", "ben", "keys/new.pub.pem")
    document = shell.ok(
        "trust", "revoke", "keys/ben.pub.pem", "--mode", "compromised", "--last-good", "0", "--reason", "theft", *new,
        "--format", "json",
    ).json  # fmt: skip
    assert quorums(document)[1] == (2, 2, [], ["anna", "carl", "ben"])
    sign(shell, "anna")
    sign(shell, "carl")
    accept(shell)
    shell.ok("trust", "rotate", "-o", "3.json", "-q")
    result = shell("trust", "sign", "3.json", "--key", "keys/ben.pem")
    refused(result, 2, "trust.signature-not-needed", "version 2 revokes key")


@pytest.mark.attack("A16")
def test_a_key_that_goes_on_signing_is_not_retired_by_mistake(shell_at: At) -> None:
    shell = shell_at("signed")
    drafts = {"promoter": "2.json", "evaluator": "3.json"}
    for name, file in drafts.items():
        shell.ok("trust", "revoke", f"keys/{name}.pub.pem", "--mode", "retired", "--reason", "left", "-o", file, "-q")
        shell.ok("trust", "sign", file, "--key", "keys/root.pem", "-q")
    shell.promote()
    refused(shell("trust", "accept", "2.json"), 7, "trust.retired-in-use", "has signed ledger entry")
    shell.ok("trust", "revoke", "keys/promoter.pub.pem", "--mode", "retired", "--reason", "left", "-q")
    shell.ok("trust", "sign", DRAFT, "--key", "keys/root.pem", "-q")
    assert accept(shell)["version"] == 2
    shell.ok("verify", "behavior.lock", "-q")


@pytest.mark.attack("A53")
def test_a_ledger_key_that_goes_on_signing_is_not_retired_by_mistake(shell_at: At) -> None:
    shell = shell_at("signed")
    shell.ok("key", "generate", "keys/ledger-2.pem", "-q")
    new = ("--add-ledger-key", "keys/ledger-2.pub.pem")
    shell.ok("trust", "revoke", "keys/ledger.pub.pem", "--mode", "retired", "--reason", "yearly", *new, "-q")
    shell.ok("trust", "sign", DRAFT, "--key", "keys/root.pem", "-q")
    shell.promote()
    refused(shell("trust", "accept", DRAFT), 7, "trust.retired-in-use", "the ledger's checkpoint")


@pytest.mark.attack("A53")
def test_after_a_stolen_ledger_key_the_ledger_is_cut_back_and_goes_on(shell_at: At) -> None:
    """No checkpoint of the last good tree is left: the next key signs that tree, and nothing that came after it."""
    shell = shell_at("staged")
    shell.ok("key", "generate", "keys/ledger-2.pem", "-q")
    restart = ("trust", "restart-ledger", "--key", "keys/ledger-2.pem")
    refused(shell(*restart), 2, "trust.no-restart", "calls no ledger key compromised")
    log = Path(".bspec/ledger/log.jsonl")
    before = log.read_bytes().splitlines(keepends=True)
    new = ("--add-ledger-key", "keys/ledger-2.pub.pem")
    theft = ("--mode", "compromised", "--last-good", str(len(before) - 1), "--reason", "CI was broken into")
    shell.ok("trust", "revoke", "keys/ledger.pub.pem", *theft, *new, "-q")
    shell.ok("trust", "sign", DRAFT, "--key", "keys/root.pem", "-q")
    accept(shell)
    refused(shell("verify", "behavior.lock"), 7, "ledger.checkpoint-signature")
    refused(shell("trust", "restart-ledger", "--key", "keys/ledger.pem"), 7, "ledger.checkpoint-signature")
    log.write_bytes(b"".join([before[1], before[0], *before[2:]]))
    refused(shell(*restart), 7, "ledger.bad-entry")
    log.write_bytes(b"".join(before))
    done = shell.ok(*restart, "--format", "json").json
    assert violations(SCHEMAS["bspec.ledger-restart/v1"], done) == []
    assert done["tree_size"] == len(before) - 1
    assert Path(done["aside"]).read_bytes() == before[-1]
    assert log.read_bytes() == b"".join(before[:-1])
    refused(shell(*restart), 2, "trust.no-restart", "verifies as it is")
    Path("behavior.lock").unlink()
    config = Path("bspec-opa.toml")
    text = config.read_text(encoding="utf-8")
    assert text.count("keys/ledger.pem") == 1
    config.write_text(text.replace("keys/ledger.pem", "keys/ledger-2.pem"), encoding="utf-8")
    shell.promote()
    shell.ok("verify", "behavior.lock", "-q")

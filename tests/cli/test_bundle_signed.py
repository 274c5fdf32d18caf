"""Signed bundles from the command line: sign, verify, diff, and promotions under a publisher's key."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from publishers import RealOpa, key, members, packed, write_keys
from shell import NOW
from sidecars import opa_server

from bspec_opa.bundle.archive import decompress
from bspec_opa.bundle.layout import SIGNATURES
from bspec_opa.bundle.shipped import shipped_bundle

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Result, Shell

    At = Callable[[str], Shell]

REPOSITORY = Path(__file__).parents[2]
DATA = REPOSITORY / "bundles" / "elevated.data.json"
DAY = 86_400
PUBLISHERS = """\
policies:
  - publishers:
      - {name: security, key: publisher.pub.pem, key_id: acme-1, minimum_sequence: 5, max_age: P30D}
      - {name: security, key: next.pub.pem, key_id: acme-2, minimum_sequence: 5, max_age: P30D}
"""
STAGING = ("behavior.intent", "--env", "staging")


def code(result: Result) -> list[str]:
    return [p["code"] for p in result.json["problems"]]


def sign(
    shell: Shell,
    sequence: int,
    target: str,
    *,
    name: str = "publisher",
    key_id: str = "acme-1",
    source: str = "default",
) -> str:
    given = ("--key", f"{name}.pem", "--key-id", key_id, "--sequence", str(sequence))
    shell.ok("bundle", "sign", source, *given, "-o", target, "-q")
    return target


@pytest.fixture
def shell(shell_at: At) -> Shell:
    """An empty directory with the keys of two publishers."""
    return with_keys(shell_at("empty"))


def with_keys(shell: Shell) -> Shell:
    for name in ("publisher", "next"):
        shell.ok("key", "generate", f"{name}.pem", "--publisher", "-q")
    return shell


@pytest.fixture
def project(shell_at: At) -> Shell:
    """A project whose trust root lists no bundle, and names a publisher with two keys; all of staging is signed."""
    shell = with_keys(shell_at("bare"))
    shell.ok("init", ".", "--trial-keys", "-q")
    trust = Path("trust.yaml").read_text(encoding="utf-8")
    assert trust.count("policies:\n  - bundles: [{shipped: default}]\n") == 1
    Path("trust.yaml").write_text(
        trust.replace("policies:\n  - bundles: [{shipped: default}]\n", PUBLISHERS), encoding="utf-8"
    )
    made = shell.ok("trust", "init", "trust.yaml", "--key", "keys/root.pem", "--format", "json").json
    shell.variables["BSPEC_OPA_TRUST_PIN"] = made["pin"]
    shell.variables["BSPEC_OPA_BUNDLE_PATH"] = str(Path(sign(shell, 7, "seven.tar.gz")).absolute())
    shell.bind()
    shell.sign()
    return shell


def test_sign_and_verify(shell: Shell) -> None:
    given = ("--key", "publisher.pem", "--key-id", "acme-1", "--scope", "acme", "--sequence", "12")
    result = shell.ok("bundle", "sign", "default", *given, "-o", "s.tar.gz")
    assert result.lines[:2] == [
        "SIGNED  s.tar.gz",
        "  sequence 12, key acme-1 (ES256), scope acme, signed 2026-06-01T12:00:00Z",
    ]
    shell.now += 3 * DAY
    result = shell.ok("bundle", "verify", "s.tar.gz", "--key", "publisher.pub.pem", "--scope", "acme")
    shown = shell.ok("bundle", "inspect", "s.tar.gz", "--format", "json").json
    assert result.lines[0] == "VERIFIED  s.tar.gz  63 rules"
    assert result.lines[1:5] == [
        f"  revision  {shown['revision']}",
        f"  digest    {shown['digest']}",
        "  sequence  12; scope acme",
        "  signed    2026-06-01T12:00:00Z, 3 days ago",
    ]
    said = {"key_id": "acme-1", "algorithm": "ES256", "scope": "acme", "sequence": 12, "issued": "2026-06-01T12:00:00Z"}
    assert shown["signature"] == [{**said, "verified": False}]
    document = shell.ok(
        *("bundle", "verify", "s.tar.gz", "--key", "publisher.pub.pem", "--scope", "acme", "--format", "json")
    ).json
    assert {m: document[m] for m in said} == said
    assert (document["kind"], document["age_s"], document["rebuilt"]) == ("bspec", 3 * DAY, [])
    plain = shell.ok("bundle", "inspect", "--format", "json").json
    assert (plain["signature"], plain["revision"]) == ([], shown["revision"])


def test_a_publishers_key(shell: Shell) -> None:
    shown = shell.ok("key", "generate", "one.pem", "--publisher", "--format", "json").json
    assert (shown["algorithm"], shown["file"]) == ("ecdsa-p256-sha256", "one.pub.pem")
    assert Path("one.pem").stat().st_mode & 0o777 == 0o600
    shell.ok("bundle", "sign", "default", "--key", "one.pem", "--sequence", "1", "-o", "s.tar.gz", "-q")
    found = shell.ok("bundle", "verify", "s.tar.gz", "--key", "one.pub.pem", "--format", "json").json
    assert found["key_id"] == found["fingerprint"] == shown["keyid"]


def test_an_exported_bundle_that_is_signed(shell: Shell, opa_path: Path) -> None:
    """Whoever loads it into an OPA is told how, and a real one does with what is told."""
    given = ("--key", "publisher.pem", "--key-id", "acme.2026", "--scope", "acme", "--sequence", "3")
    shell.ok("bundle", "sign", "default", *given, "-o", "s.tar.gz", "-q")
    result = shell.ok("bundle", "export", "s.tar.gz", "-o", "e.tar.gz")
    assert Path("e.tar.gz").read_bytes() == Path("s.tar.gz").read_bytes()
    assert "  note      it is signed: OPA loads it only with the publisher's key, here KEY.pub.pem" in result.lines
    command = shlex.split(result.lines[-1].removeprefix("next  "))
    assert command[:3] == ["opa", "run", "--server"]
    options = [o.replace("KEY.pub.pem", str(Path("publisher.pub.pem").absolute())) for o in command[3:]]
    with opa_server(opa_path, Path("e.tar.gz").absolute(), *options) as (_, address):
        assert address.startswith("unix://")


def test_an_unverified_signature_does_not_look_like_a_verified_one(shell: Shell) -> None:
    sign(shell, 3, "s.tar.gz")
    (line,) = (x for x in shell.ok("bundle", "inspect", "s.tar.gz").lines if x.startswith("  signature"))
    assert line.startswith("  signature NOT VERIFIED; it claims sequence 3, ")
    (line,) = (x for x in shell.ok("bundle", "inspect").lines if x.startswith("  signature"))
    assert line == "  signature none"
    assert "NOT VERIFIED" not in shell.ok("bundle", "verify", "s.tar.gz", "--key", "publisher.pub.pem").out


DEMANDS = {
    "another key": (("--key", "next.pub.pem"), "bundle.bad-signature"),
    "another id": (("--key", "publisher.pub.pem", "--key-id", "acme-2"), "bundle.unknown-publisher"),
    "a scope": (("--key", "publisher.pub.pem", "--scope", "acme"), "bundle.signature-scope"),
    "a higher sequence": (("--key", "publisher.pub.pem", "--minimum-sequence", "8"), "bundle.below-minimum"),
    "a younger one": (("--key", "publisher.pub.pem", "--max-age", "P1D"), "bundle.stale"),
    "a private key": (("--key", "publisher.pem"), "trust.bad-key"),
}


@pytest.mark.parametrize("name", DEMANDS)
def test_what_verify_refuses(shell: Shell, name: str) -> None:
    sign(shell, 7, "s.tar.gz")
    shell.now += 2 * DAY
    given, expected = DEMANDS[name]
    result = shell("bundle", "verify", "s.tar.gz", *given, "--format", "json")
    assert (result.code, code(result)) == (7, [expected])


def test_two_keys_are_tried(shell: Shell) -> None:
    sign(shell, 7, "s.tar.gz", name="next")
    both = ("--key", "publisher.pub.pem", "--key", "next.pub.pem")
    assert shell.ok("bundle", "verify", "s.tar.gz", *both, "--format", "json").json["key"] == "next.pub.pem"
    result = shell("bundle", "verify", str(shipped_bundle()), *both, "--format", "json")
    assert (result.code, code(result)) == (7, ["bundle.unsigned"])


@pytest.mark.attack("A74")
def test_keys_that_cant_sign(shell: Shell) -> None:
    shell.ok("key", "generate", "person.pem", "-q")
    Path("next.pem").chmod(0o644)
    for name, exit_code, expected in (("person", 2, "bundle.signing-key"), ("next", 7, "trust.key-exposed")):
        result = shell(
            "bundle", "sign", "default", "--key", f"{name}.pem", "--sequence", "1", "-o", "s.tar.gz", "--format", "json"
        )
        assert (result.code, code(result)) == (exit_code, [expected])
    for given in (
        ("--key", "publisher.pem"),
        ("--sequence", "1"),
        ("--signatures", "x", "--sequence", "1"),
        ("--key", "publisher.pem", "--sequence", "0"),
        ("--key", "publisher.pem", "--sequence", "1", "--key-id", "a b"),
        ("--key", "publisher.pem", "--sequence", "1", "--scope", ""),
    ):
        assert shell("bundle", "sign", "default", *given, "-o", "s.tar.gz").code == 2
    assert not Path("s.tar.gz").exists()


def test_an_encrypted_key(shell: Shell) -> None:
    shell.variables["BSPEC_OPA_PASSPHRASE"] = "secret"
    shell.ok("key", "generate", "locked.pem", "--publisher", "--passphrase", "-q")
    shell.ok("bundle", "sign", "default", "--key", "locked.pem", "--sequence", "1", "-o", "s.tar.gz", "-q")
    shell.ok("bundle", "verify", "s.tar.gz", "--key", "locked.pub.pem", "-q")


def test_the_signature_of_opa_sign_is_attached(shell: Shell, opa_path: Path, tmp_path: Path) -> None:
    """RS256 by ``opa sign``, from claims of ours."""
    signer = key("RS256", "RS256")
    claims = {"bspec_sequence": 4, "iat": NOW - DAY, "keyid": "ops"}
    made = RealOpa(opa_path, tmp_path).sign(shipped_bundle().read_bytes(), claims, signer)
    Path("made.json").write_bytes(made)
    result = shell.ok("bundle", "sign", "default", "--signatures", "made.json", "-o", "s.tar.gz")
    assert (result.lines[0], result.lines[-1][:12]) == ("ATTACHED  s.tar.gz", "  note      ")
    _, public = write_keys(tmp_path, signer)
    found = shell.ok("bundle", "verify", "s.tar.gz", "--key", str(public), "--format", "json").json
    assert (found["algorithm"], found["key_id"], found["sequence"], found["age_s"]) == ("RS256", "ops", 4, DAY)
    shell.ok("bundle", "build", "--reuse-wasm", "default", "--data", str(DATA), "-o", "other.tar.gz", "-q")
    result = shell("bundle", "sign", "other.tar.gz", "--signatures", "made.json", "-o", "t.tar.gz", "--format", "json")
    assert (result.code, code(result)) == (3, ["bundle.cant-sign"])
    assert not Path("t.tar.gz").exists()


def test_other_data_takes_the_signature_away(shell: Shell) -> None:
    sign(shell, 7, "s.tar.gz")
    shell.ok("bundle", "build", "--reuse-wasm", "s.tar.gz", "--data", str(DATA), "-o", "other.tar.gz", "-q")
    assert SIGNATURES not in members(Path("other.tar.gz").read_bytes())


def test_a_bundle_of_another_opa(shell: Shell, opa_path: Path, tmp_path: Path) -> None:
    tree = {"p/p.rego": b"package p\n\nx := 1\n"}
    Path("b.tar.gz").write_bytes(RealOpa(opa_path, tmp_path).build(tree, key(), "-r", "r1"))
    _, public = write_keys(tmp_path, key())
    result = shell.ok("bundle", "verify", "b.tar.gz", "--key", str(public))
    assert result.lines[:2] == ["VERIFIED  b.tar.gz  another OPA's bundle: it can't decide here", "  revision  r1"]
    document = shell.ok("bundle", "verify", "b.tar.gz", "--key", str(public), "--format", "json").json
    said = {m: document[m] for m in ("kind", "sequence", "issued", "age_s", "key_id")}
    assert said == {"kind": "opa", "sequence": 0, "issued": "", "age_s": -1, "key_id": "default"}
    again = shell("bundle", "verify", "b.tar.gz", "--key", str(public), "--rebuild", "--format", "json")
    assert (again.code, code(again)) == (7, ["bundle.not-reproduced"])
    assert shell("bundle", "inspect", "b.tar.gz").code == 7


def test_rebuilding_finds_another_module(shell: Shell, opa_path: Path) -> None:
    """A bundle whose every digest is right, and whose module came from somewhere else."""
    shell.variables["BSPEC_OPA_OPA"] = str(opa_path)
    files = members(shipped_bundle().read_bytes())
    wasm = files["policy.wasm"] + b"\x00\x01x"  # an empty custom section
    Path("odd.tar.gz").write_bytes(packed(files | {"policy.wasm": wasm}))
    sign(shell, 1, "bad.tar.gz", source="odd.tar.gz")
    result = shell("bundle", "verify", "bad.tar.gz", "--key", "publisher.pub.pem", "--rebuild", "--format", "json")
    assert (result.code, code(result)) == (7, ["bundle.not-reproduced"])
    assert "policy.wasm is not what the bundle's Rego gives" in result.json["problems"][0]["message"]


def test_diff(shell: Shell) -> None:
    sign(shell, 7, "s.tar.gz", source="elevated")
    same = shell.ok("bundle", "diff", "elevated", "s.tar.gz", "--format", "json").json
    assert (same["same"], same["rules"], same["libraries"], same["data"]) == (True, [], [], [])
    assert (same["older"]["sequence"], same["newer"]["sequence"]) == (0, 7)
    found = shell.ok("bundle", "diff", "default", "s.tar.gz", "--format", "json").json
    assert (found["same"], found["rules"]) == (False, [])
    assert {"change": "changed", "name": "/name"} in found["data"]
    result = shell.ok("bundle", "diff", "default", "s.tar.gz")
    assert result.lines[0].startswith("CHANGED  default.tar.gz sha256:")
    assert result.lines[0].endswith("… (sequence 7)")
    assert "  ~ data     /name" in result.lines


# Deciding under a publisher's key


def use(shell: Shell, name: str) -> None:
    shell.variables["BSPEC_OPA_BUNDLE_PATH"] = str(Path(name).absolute())


def decided(shell: Shell) -> bool:
    """Whether the bundle may decide; what is promoted already is pending again."""
    return shell("evaluate", *STAGING, "-q").code in {0, 5}


def test_a_promotion_under_a_publishers_key(project: Shell) -> None:
    """Nothing lists the bundle; the lock is verified long after the bundle has gone stale."""
    evaluated = project.ok("evaluate", *STAGING, "--format", "json").json
    assert "the bundle is sequence 7 of publisher security, signed less than a minute ago" in evaluated["notes"]
    project.promote()
    project.ok("verify", "behavior.lock", "-q")
    bundle = project.ok("bundle", "inspect", "seven.tar.gz", "--format", "json").json
    (line,) = project.ok("show", "behavior.lock", "--format", "json").json["lines"]
    assert line["predicate"]["bundles"] == [
        {"name": "seven", "revision": bundle["revision"], "digest": bundle["digest"]}
    ]
    project.now += 60 * DAY
    project.ok("verify", "behavior.lock", "-q")
    result = project("evaluate", *STAGING, "--format", "json")
    assert (result.code, code(result)) == (7, ["bundle.stale"])


@pytest.mark.attack("A28")
@pytest.mark.attack("A31")
def test_bundles_that_a_publisher_did_not_make_so(project: Shell) -> None:
    """Each has a reason of its own, for evaluate and for promote, and leaves nothing behind."""
    project.ok("key", "generate", "thief.pem", "--publisher", "-q")
    signed = members(Path("seven.tar.gz").read_bytes())
    Path("changed.tar.gz").write_bytes(packed(signed | {"policy.wasm": signed["policy.wasm"] + b"\x00\x01x"}))
    bundles: dict[str, Any] = {
        str(shipped_bundle()): "bundle.unsigned",
        sign(project, 8, "unknown.tar.gz", name="thief", key_id="thief"): "bundle.unknown-publisher",
        sign(project, 8, "thief.tar.gz", name="thief"): "bundle.bad-signature",
        "changed.tar.gz": "bundle.signed-files",
        sign(project, 4, "four.tar.gz"): "bundle.below-minimum",
    }
    project.now += DAY
    bundles[sign(project, 8, "future.tar.gz")] = "bundle.from-the-future"
    project.now -= DAY
    for bundle, expected in bundles.items():
        use(project, bundle)
        for verb in ("evaluate", "promote"):
            result = project(verb, *STAGING, "--format", "json")
            assert (verb, result.code, code(result)) == (verb, 7, [expected])
    assert not Path("behavior.lock").exists()
    assert not Path(".bspec/ledger").exists()


@pytest.mark.attack("A31")
def test_an_older_bundle_served_again(project: Shell) -> None:
    """It verifies for ever, and this user has seen a newer one; evaluate remembers nothing, promote does."""
    for sequence in (6, 9):
        sign(project, sequence, f"{sequence}.tar.gz")
    use(project, "9.tar.gz")
    project.ok("evaluate", *STAGING, "-q")
    use(project, "6.tar.gz")
    project.ok("evaluate", *STAGING, "-q")
    use(project, "9.tar.gz")
    project.promote()
    for older in ("6.tar.gz", "seven.tar.gz"):
        use(project, older)
        for verb in ("evaluate", "promote"):
            result = project(verb, *STAGING, "--format", "json")
            assert (result.code, code(result)) == (7, ["ledger.older-bundle"])
    project.ok("verify", "behavior.lock", "-q")
    other = sign(project, 9, "nine.tar.gz", source="elevated")
    use(project, other)
    assert code(project("evaluate", *STAGING, "--format", "json")) == ["ledger.sequence-reused"]
    use(project, "6.tar.gz")
    project.variables["BSPEC_OPA_STATE_DIR"] = str(Path("elsewhere").absolute())
    assert decided(project)


def test_rotation(project: Shell) -> None:
    """Both keys are one publisher's: what was seen under the old one counts under the new one, and a revocation ends it."""
    use(project, sign(project, 8, "old.tar.gz"))
    project.promote()
    use(project, sign(project, 6, "six.tar.gz", name="next", key_id="acme-2"))
    assert code(project("evaluate", *STAGING, "--format", "json")) == ["ledger.older-bundle"]
    use(project, sign(project, 9, "new.tar.gz", name="next", key_id="acme-2"))
    assert decided(project)
    trust = Path("trust.yaml").read_text(encoding="utf-8")
    Path("trust.yaml").write_text(trust + "revoked:\n  - {key: publisher.pub.pem, reason: rotated}\n", encoding="utf-8")
    project.now += 60
    project.ok("trust", "renew", "trust.yaml", "--key", "keys/root.pem", "-q")
    assert decided(project)
    use(project, "old.tar.gz")
    result = project("evaluate", *STAGING, "--format", "json")
    assert (result.code, code(result)) == (7, ["bundle.unknown-publisher"])
    project.ok("verify", "behavior.lock", "-q")
    shown = project.ok("trust", "show", "--format", "json").json["publishers"]
    assert [(p["environment"], p["key_id"], p["revoked"]) for p in shown] == [
        ("staging", "acme-1", True),
        ("staging", "acme-2", False),
        ("production", "acme-1", True),
        ("production", "acme-2", False),
    ]
    text = project.ok("trust", "show").out
    assert "or signed by security, ES256 key acme-2, sequence 5 or higher, at most 30 days old\n" in text
    assert "at most 30 days old, REVOKED\n" in text


def test_a_listed_bundle_needs_no_signature(shell_at: At) -> None:
    """Its digest pins it, whatever signature it carries; that nobody verified one is said."""
    shell = with_keys(shell_at("bare"))
    sign(shell, 3, "listed.tar.gz")
    shell.ok("init", ".", "--trial-keys", "-q")
    trust = Path("trust.yaml").read_text(encoding="utf-8")
    Path("trust.yaml").write_text(trust.replace("shipped: default", "path: listed.tar.gz"), encoding="utf-8")
    made = shell.ok("trust", "init", "trust.yaml", "--key", "keys/root.pem", "--format", "json").json
    shell.variables["BSPEC_OPA_TRUST_PIN"] = made["pin"]
    use(shell, "listed.tar.gz")
    notes = shell("evaluate", *STAGING, "--format", "json").json["notes"]
    assert "the bundle is accepted by its digest; nobody looked whose its signature is" in notes
    use(shell, sign(shell, 3, "again.tar.gz"))
    assert code(shell("evaluate", *STAGING, "--format", "json")) == ["bundle.not-accepted"]


def test_every_engine_decides_on_a_signed_bundle(project: Shell, opa_path: Path, tmp_path: Path) -> None:
    """The managed OPA needs no key, for we verified; a sidecar verifies for itself and answers with the revision."""
    folder = tmp_path / "bin"
    folder.mkdir()
    shutil.copy(opa_path, folder / "opa")
    project.variables["BSPEC_OPA_OPA"] = str(folder / "opa")
    managed = project.ok("evaluate", *STAGING, "--engine", "managed", "--format", "json").json
    assert [e["kind"] for e in managed["engines"]] == ["managed"]
    digest = project.ok("bundle", "inspect", "seven.tar.gz", "--format", "json").json["digest"]
    assert [e["bundle_digest"] for e in managed["engines"]] == [digest]
    public = Path("publisher.pub.pem").read_text(encoding="utf-8")
    config = tmp_path / "opa.yaml"
    body = public.replace("\n", "\n      ").rstrip()
    config.write_text(f"keys:\n  acme-1:\n    algorithm: ES256\n    key: |\n      {body}\n", encoding="utf-8")
    given = (f"--config-file={config}", "--set=bundles.bspec.signing.keyid=acme-1")
    with opa_server(opa_path, Path("seven.tar.gz").absolute(), *given) as (url, _):
        asked = project.ok("evaluate", *STAGING, "--opa-url", url, "--format", "json").json
    assert asked["assurance"] == "cross-checked"


def test_the_archive_stays_canonical(shell: Shell) -> None:
    sign(shell, 7, "s.tar.gz")
    data = Path("s.tar.gz").read_bytes()
    assert packed(members(data)) == data
    assert list(members(data))[:2] == [".manifest", SIGNATURES]
    assert len(decompress(data)) > len(decompress(shipped_bundle().read_bytes()))

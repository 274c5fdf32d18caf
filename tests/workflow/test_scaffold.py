"""``init``: everything that it writes fits together, for every tier and around any intent."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from intents import TEXT
from project import NOW

from bspec_opa.evidence.result import load_result
from bspec_opa.foundation.digest import Digest, digest_of
from bspec_opa.foundation.errors import BspecError, ExitCode, InvalidInputError
from bspec_opa.ledger.interface import LedgerState
from bspec_opa.trust.root import AcceptedBundle
from bspec_opa.trust.signers import open_signer
from bspec_opa.workflow.checkout.anchor import open_anchor
from bspec_opa.workflow.checkout.deciding import load_policy
from bspec_opa.workflow.checkout.intents import open_intent
from bspec_opa.workflow.checkout.keys import generate_key, open_keys, public_name, read_public_key, signer_for
from bspec_opa.workflow.checkout.memory import check_memory, remember
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.checkout.resolving import resolve_intent, write_binding
from bspec_opa.workflow.checkout.session import open_session
from bspec_opa.workflow.checkout.world import World
from bspec_opa.workflow.evaluate import evaluate
from bspec_opa.workflow.roots.trusting import init_root, read_roots, renew_project
from bspec_opa.workflow.starting.scaffold import scaffold
from bspec_opa.workflow.starting.templates import TIERS

if TYPE_CHECKING:
    from bspec_opa.workflow.starting.scaffold import Scaffold

BILLING = Path(__file__).parents[2] / "examples" / "billing" / "v1" / "behavior.intent"


def world(directory: Path, pin: str | None = None) -> World:
    environ = {"HOME": str(directory), "XDG_CACHE_HOME": str(directory / "cache")}
    return World(environ, NOW, {}, pin)


def prepared(directory: Path, agent: str = "my-agent", tier: str = "low") -> tuple[Scaffold, str]:
    """Scaffolded with keys, signed and resolved; the pin."""
    made = scaffold(directory, agent, tier, trial_keys=True)
    project = find_project(directory, {}, {})
    signer = open_signer(str(directory / "keys" / "root.pem"), environ={}, passphrase=None)
    pin = init_root(project, directory / "trust.yaml", [signer], NOW - 60).root.digest
    loaded = open_intent(made.intent)
    write_binding(project.binding_file(loaded.intent.metadata.id), resolve_intent(project, loaded))
    return made, pin


@pytest.mark.parametrize("tier", TIERS)
def test_every_tier_is_ready_for_its_first_submit(tmp_path: Path, tier: str) -> None:
    made, pin = prepared(tmp_path / "agent", tier=tier)
    session = open_session(made.intent, world(tmp_path, pin), need_pin=True)
    decision = evaluate(session, "staging").decision
    assert decision.denied == ()
    assert decision.exit_code == ExitCode.PENDING
    assert not [f for r in decision.pending for f in r.pending if f.needs and f.needs.kind == "resolve"]


@pytest.mark.parametrize("source", [BILLING, None])
def test_around_an_intent_that_is_there(tmp_path: Path, source: Path | None) -> None:
    directory = tmp_path / "agent"
    directory.mkdir()
    if source:
        shutil.copy(source, directory / "behavior.intent")
    else:
        (directory / "behavior.intent").write_text(TEXT, encoding="utf-8")
    before = (directory / "behavior.intent").read_bytes()
    made, _ = prepared(directory)
    assert (directory / "behavior.intent").read_bytes() == before
    assert made.kept == (directory / "behavior.intent",)
    assert {p.name for p in made.written if p.parent.name == "keys"} >= {"security.pem", "security.pub.pem"}


@pytest.mark.parametrize(
    "version", [">=2.0", ">2.0", ">2,<3", "<1", "<0.0.1", "<=2.4.1", ">=1.2.3,<1.3", "==2026-05", "==1.2.3-rc.1", ">=0"]
)
def test_the_catalog_has_a_release_for_any_range(tmp_path: Path, version: str) -> None:
    text = TEXT.replace('version: ">=2.0"', f'version: "{version}"').replace("[list_invoices, get_invoice]", '["*"]')
    (tmp_path / "behavior.intent").write_text(text, encoding="utf-8")
    prepared(tmp_path)


def test_ids_that_yaml_could_read_as_something_else(tmp_path: Path) -> None:
    text = TEXT
    for old, new in (
        ("id: billing-support", 'id: "1e3"'),
        ("id: billing_read_api", 'id: "on"'),
        ("class: finance", 'class: "0x1"'),
        ("id: system-prompt", 'id: "22-01"'),
        ("providers: [acme]", 'providers: ["123"]'),
        ("owner: team:support", 'owner: "team:1"'),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (tmp_path / "behavior.intent").write_text(text, encoding="utf-8")
    prepared(tmp_path)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    first = scaffold(tmp_path, "my-agent", "low", trial_keys=True)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    second = scaffold(tmp_path, "another", "high", trial_keys=True)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    assert second.written == ()
    assert {*second.kept} < {*first.written}
    assert first.steps[0] == f"cd {tmp_path}"


def test_without_trial_keys_the_steps_make_them(tmp_path: Path) -> None:
    steps = scaffold(tmp_path / "a", "my-agent", "medium", trial_keys=False).steps
    assert "bspec-opa key generate keys/security.pem" in steps
    assert not (tmp_path / "a" / "keys").exists()


@pytest.mark.parametrize("agent", ["My Agent", "../x", "", "a: b", "a\nb"])
def test_an_id_that_is_none(tmp_path: Path, agent: str) -> None:
    with pytest.raises(InvalidInputError):
        scaffold(tmp_path, agent, "low", trial_keys=False)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_result_is_refused_until_it_is_filled(tmp_path: Path) -> None:
    scaffold(tmp_path, "my-agent", "low", trial_keys=False)
    files = sorted((tmp_path / "results").iterdir())
    assert {f.name for f in files} >= {"boundary-functional.json", "privilege-functional.json"}
    for file in files:
        assert json.loads(file.read_text(encoding="utf-8"))["counts"]["n"] == 0
        with pytest.raises(InvalidInputError):
            load_result(
                file.read_bytes(), file.name, scope_out=["change-tickets"], digest_log=lambda _: digest_of(b""), now=NOW
            )


def test_a_second_version_one_would_be_another_anchor(tmp_path: Path) -> None:
    prepared(tmp_path)
    signer = open_signer(str(tmp_path / "keys" / "root.pem"), environ={}, passphrase=None)
    with pytest.raises(BspecError) as raised:
        init_root(find_project(tmp_path, {}, {}), tmp_path / "trust.yaml", [signer], NOW)
    assert (raised.value.code, raised.value.exit_code) == ("trust.root-exists", ExitCode.USAGE)


def test_too_few_root_keys(tmp_path: Path) -> None:
    scaffold(tmp_path, "my-agent", "low", trial_keys=True)
    signer = open_signer(str(tmp_path / "keys" / "gate.pem"), environ={}, passphrase=None)
    with pytest.raises(BspecError) as raised:
        init_root(find_project(tmp_path, {}, {}), tmp_path / "trust.yaml", [signer], NOW)
    assert (raised.value.code, raised.value.exit_code) == ("trust.too-few-root-keys", ExitCode.TRUST)
    assert not (tmp_path / ".bspec" / "trust").exists()


def test_renewing_keeps_the_pin_and_works_after_expiry(tmp_path: Path) -> None:
    _, pin = prepared(tmp_path)
    signer = open_signer(str(tmp_path / "keys" / "root.pem"), environ={}, passphrase=None)
    later = World({"HOME": str(tmp_path)}, NOW + 400 * 86_400, {}, pin)
    new, same = renew_project(tmp_path, later, [signer], valid_for="P30D", trust_file=None)
    assert (new.root.version, same) == (2, pin)
    assert new.root.expires_unix == later.now + 30 * 86_400
    third, _ = renew_project(tmp_path, later, [signer], valid_for=None, trust_file=None)
    assert third.root.expires_unix - third.root.issued_unix == 30 * 86_400
    roots, files = read_roots(tmp_path, later)
    assert [r.version for r in roots] == [1, 2, 3]
    assert [f.name for f in files] == ["1.root.json", "2.root.json", "3.root.json"]
    unpinned, _ = read_roots(tmp_path, World({}, NOW, {}))
    assert not unpinned[-1].authenticated
    with pytest.raises(BspecError) as raised:
        renew_project(tmp_path, World({}, NOW, {}), [signer], valid_for=None, trust_file=None)
    assert raised.value.code == "trust.no-pin"
    with pytest.raises(BspecError) as raised:
        read_roots(empty(tmp_path), World({}, NOW, {}))
    assert raised.value.code == "trust.no-root"


def empty(base: Path) -> Path:
    directory = base / "empty"
    directory.mkdir()
    (directory / "bspec-opa.toml").write_text("", encoding="utf-8")
    return directory


@pytest.mark.attack("A74")
def test_keys_are_private_and_never_replaced(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "author.pem"
    public, public_file = generate_key(file, None)
    assert public_file == public_name(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_public_key(file, None) == read_public_key(public_file, None) == public
    with pytest.raises(BspecError) as raised:
        generate_key(file, None)
    assert raised.value.code == "file.exists"
    file.unlink()
    with pytest.raises(BspecError) as raised:
        generate_key(file, None)
    assert raised.value.code == "file.exists"
    assert not file.exists(), "no private half whose public half is another's"


def test_which_key_signs(tmp_path: Path) -> None:
    generate_key(tmp_path / "a.pem", b"secret")
    config = find_project(empty(tmp_path), {}, {"signing.author": str(tmp_path / "a.pem")}).config
    environ = {"BSPEC_OPA_PASSPHRASE": "secret"}
    keyid = read_public_key(tmp_path / "a.pem", "secret").keyid
    assert signer_for("author", None, config, environ).keyid == keyid
    assert signer_for("gate", str(tmp_path / "a.pem"), config, environ).keyid == keyid
    assert [s.keyid for s in open_keys([str(tmp_path / "a.pem")], environ)] == [keyid]
    with pytest.raises(BspecError) as raised:
        signer_for("gate", None, config, environ)
    assert (raised.value.code, raised.value.exit_code) == ("signing.no-key", ExitCode.USAGE)
    with pytest.raises(BspecError) as raised:
        signer_for("author", None, config, {})
    assert raised.value.code == "trust.key-passphrase"


def test_a_changed_trust_file_becomes_the_next_version(tmp_path: Path) -> None:
    _, pin = prepared(tmp_path)
    signer = open_signer(str(tmp_path / "keys" / "root.pem"), environ={}, passphrase=None)
    generate_key(tmp_path / "keys" / "newcomer.pem", None)
    file = tmp_path / "trust.yaml"
    added = "  - {id: newcomer, group: team:new, keys: [keys/newcomer.pub.pem], roles: [{role: security}]}\nagents:\n"
    file.write_text(file.read_text().replace("agents:\n  -", added + "  -"))
    world = World({"HOME": str(tmp_path)}, NOW + 60, {}, pin)
    new, same = renew_project(tmp_path, world, [signer], valid_for=None, trust_file=file)
    assert (new.root.version, same) == (2, pin)
    roots, _ = read_roots(tmp_path, world)
    assert roots[0].principal("newcomer") is None
    assert roots[1].principal("newcomer") is not None


def test_another_pin_is_another_memory(tmp_path: Path) -> None:
    """Two projects of one domain on one machine, such as the tutorial played twice, do not disturb each other."""
    environ = {"HOME": str(tmp_path / "home")}
    for place in ("first", "second"):
        directory = tmp_path / place
        directory.mkdir()
        _, pin = prepared(directory)
        project = find_project(directory, environ, {})
        shipped = load_policy(project.config).ref
        accepted = AcceptedBundle(shipped.name, shipped.revision, shipped.digest)
        anchor = open_anchor(project, Digest(pin), NOW + 60, accepted)
        assert check_memory(anchor, LedgerState("x"), environ) != ()
        remember(anchor, LedgerState("x"), environ)
        assert check_memory(anchor, LedgerState("x"), environ) == ()

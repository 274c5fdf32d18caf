"""``ledger witness`` and ``ledger cosign``: what they print, how they end, and what they refuse to start with."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from certificates import Authority
from cryptography.hazmat.primitives.asymmetric import ec
from jsonschema import Draft202012Validator
from witnesses import WAIT_S, arguments, named, set_clock, witness
from world import key_of

from bspec_opa.ledger.witness.cosignature import verifier_key
from bspec_opa.ledger.witness.state import begin_state, held_state
from bspec_opa.report.schemas import SCHEMAS
from bspec_opa.trust.keys import PrivateKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]

PUBLISHED = Path(__file__).parents[2] / "docs" / "schemas"
TOKEN = "token-0123456789abcdef"
ORIGIN = "billing-support.example/bspec"
LOG = ("--log", f"{ORIGIN}=keys/ledger.pub.pem")
DEMANDED = """\
witnesses:
  threshold: 2
  max_age_s: 3600
  members:
    - {name: w1.example, key: keys/w1.pub.pem}
    - {name: w2.example, key: keys/w2.pub.pem}
"""


def fits(found: Any) -> Any:
    """A document that fits its schema."""
    name = found["schema"].removeprefix("bspec.").replace("/", ".")
    published = json.loads((PUBLISHED / f"{name}.json").read_text(encoding="utf-8"))
    assert list(Draft202012Validator(published).iter_errors(found)) == []
    assert found["schema"] in SCHEMAS
    return found


def demanding(shell: Shell) -> None:
    """The project's next trust root demands two witnesses."""
    for name in ("w1", "w2"):
        Path(f"keys/{name}.pub.pem").write_bytes(key_of(name).public.pem)
    with Path("trust.yaml").open("a", encoding="utf-8") as file:
        file.write(DEMANDED)
    shell.ok("trust", "renew", "trust.yaml", "--key", "keys/root.pem", "-q")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_until_a_signal_and_ends_well(tmp_path: Path, number: signal.Signals) -> None:
    with witness(tmp_path / "w1", "w1", 1_780_000_000) as w1:
        started = fits(w1.started)
        assert started["name"] == "w1.example"
        assert started["vkey"] == verifier_key(named("w1"))
        assert [log["tree_size"] for log in started["logs"]] == [0, 0]
        w1.process.send_signal(number)
        out, err = w1.process.communicate(timeout=WAIT_S)
    stopping = fits(json.loads(err))
    assert (w1.process.returncode, out, stopping["event"]) == (0, "", "stopping")


def test_two_witnesses_cosign_a_promotion(shell_at: At, tmp_path: Path) -> None:
    shell = shell_at("signed")
    demanding(shell)
    shown = shell.ok("trust", "show").out
    assert "  witnesses 2 of w1.example, w2.example, at most 1 hour ago\n" in shown
    known = fits(shell.ok("trust", "show", "--format", "json").json)["witnesses"]
    assert (known["threshold"], known["max_age_s"], known["skew_s"]) == (2, 3600, 300)
    assert known["members"][0] == {"name": "w1.example", "vkey": verifier_key(named("w1")), "revoked": False}
    promotion = ("promote", "behavior.intent", "--env", "staging")
    refused = shell(*promotion)
    assert (refused.code, refused.out) == (7, "")
    assert "0 of 2 witnesses have cosigned the ledger at 0 entries; set BSPEC_OPA_WITNESS_URLS" in refused.err
    cosign = shell("ledger", "cosign", "--witness", "http://127.0.0.1:1")
    assert (cosign.code, "[witness.no-checkpoint]" in cosign.err) == (3, True)
    with witness(tmp_path / "w1", "w1", shell.now, *LOG) as w1, witness(tmp_path / "w2", "w2", shell.now, *LOG) as w2:
        shell.variables["BSPEC_OPA_WITNESS_URLS"] = f"{w1.url} {w2.url}"
        shell.ok(*promotion, "-q")
        event = fits(w1.event())
        assert (event["event"], event["origin"], event["tree_size"]) == ("cosigned", ORIGIN, 0)
        del shell.variables["BSPEC_OPA_WITNESS_URLS"]
        assert shell.ok("verify", "behavior.lock").code == 0
        shell.now += 3601
        stale = shell("verify", "behavior.lock")
        assert stale.code == 7
        assert "within 1 hour; the last was w1.example at 2026-06-01T12:00:00Z" in stale.err
        for each in (w1, w2):
            each.clock(shell.now)
        urls = ("--witness", w1.url, "--witness", w2.url)
        text = shell.ok("ledger", "cosign", *urls).lines
        assert text[0].startswith(f"COSIGNED  {ORIGIN}  7 entries  sha256:")
        assert text[0].endswith("   (2 witnesses, 2 needed)")
        assert text[1:] == [f"  {n:<24} 2026-06-01T13:00:01Z" for n in ("w1.example", "w2.example")]
        shell.ok("verify", "behavior.lock")
        w2.kill()
        # What was signed before still suffices, but the timer has to learn that no more comes.
        assert shell("ledger", "cosign", *urls).code == 9
        shell.ok("verify", "behavior.lock")
        shell.ok("ledger", "cosign", "--witness", w1.url)
        shell.now += 3601
        w1.clock(shell.now)
        short = shell("ledger", "cosign", *urls, "--format", "json")
        assert short.code == 7
        codes = [p["code"] for p in fits(json.loads(short.out or short.err))["problems"]]
        assert codes == ["witness.unwitnessed", "witness.unreachable"]


def test_tls_and_a_token(shell_at: At, tmp_path: Path) -> None:
    shell = shell_at("staged")
    Path("keys/w1.pub.pem").write_bytes(key_of("w1").public.pem)
    Path("keys/w2.pub.pem").write_bytes(key_of("w2").public.pem)
    one = DEMANDED.replace("threshold: 2", "threshold: 1")
    Path("trust.yaml").write_text(Path("trust.yaml").read_text(encoding="utf-8") + one, encoding="utf-8")
    shell.ok("trust", "renew", "trust.yaml", "--key", "keys/root.pem", "-q")
    authority = Authority(tmp_path, "ca")
    cert, key = authority.issue("127.0.0.1")
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n", encoding="ascii")
    token.chmod(0o600)
    ours, our_key = authority.issue("gate.example")
    files = ["--tls-cert", str(cert), "--tls-key", str(key), "--token-file", str(token)]
    files += ["--client-ca", str(authority.file)]
    with witness(tmp_path / "w1", "w1", shell.now, *LOG, *files) as w1:
        assert w1.url.startswith("https://")
        assert (w1.started["tokens"], w1.started["client_certificates"]) == (True, True)
        cosign = ("ledger", "cosign", "--witness", w1.url)
        trusted = ("--witness-ca", str(authority.file))
        shown = (*trusted, "--witness-cert", str(ours), "--witness-key", str(our_key))
        for more, code in (((), "witness.unreachable"), (trusted, "witness.unreachable"), (shown, "witness.refused")):
            result = shell(*cosign, *more)
            assert result.code == 7
            assert f"[{code}]" in result.err
        both = (*cosign, "--witness", "https://127.0.0.1:1", *shown, "--witness-token-file", str(token))
        done = fits(shell.ok(*both, "--format", "json").json)
        assert [(a["witnesses"], a["code"]) for a in done["asked"]] == [
            (["w1.example"], ""),
            ([], "witness.unreachable"),
        ]
        missing = shell.ok(*both).lines[-1]
        assert missing.startswith("  missing   no cosignature: https://127.0.0.1:1 can't be reached: ")
        assert missing.endswith(" [witness.unreachable]")


def test_begin_makes_the_state_once(shell_at: At, tmp_path: Path) -> None:
    shell = shell_at("empty")
    given = arguments(tmp_path / "w1", "w1", "--begin")
    begun = fits(shell.ok(*given).json)
    assert (begun["vkey"], begun["url"], begun["logs"]) == (verifier_key(named("w1")), "", [])
    with held_state(tmp_path / "w1" / "state", named("w1")) as state:
        assert state.known == {}
    again = shell(*given)
    assert (again.code, again.json["problems"][0]["code"]) == (2, "file.exists")
    text = shell.ok(*arguments(tmp_path / "w2", "w2", "--begin", "--format", "text")).lines
    assert text == ["WITNESS  w2.example  has an empty state", f"  key       {verifier_key(named('w2'))}"]


WRONG: dict[str, tuple[str, int, tuple[str, ...]]] = {
    "no log": ("witness.bad-settings", 2, ()),
    "a log without a key": ("witness.bad-settings", 2, ("--log", "acme.example/bspec")),
    "an origin with a plus": ("witness.bad-settings", 2, ("--log", "a+b=ledger.pub.pem")),
    "a log's key that is missing": ("file.unreadable", 3, ("--log", "acme.example=missing.pem")),
    "a log's key that is private": ("trust.bad-key", 7, ("--log", "acme.example=key.pem")),
    "a log's key of another kind": ("witness.bad-settings", 2, ("--log", "acme.example=p256.pub.pem")),
    "a name with spaces": ("witness.bad-settings", 2, ("--log", "a=ledger.pub.pem", "--name", "w 1")),
    "a key of another kind": ("witness.bad-settings", 2, ("--log", "a=ledger.pub.pem", "--key", "p256.pem")),
    "a key that others can read": ("trust.key-exposed", 7, ("--log", "a=ledger.pub.pem", "--key", "open.pem")),
    "no address": ("serving.bad-address", 2, ("--log", "a=ledger.pub.pem", "--listen", "nowhere")),
    "a taken address": ("serving.bad-address", 2, ("--log", "a=ledger.pub.pem", "--listen", "TAKEN")),
    "a key without a certificate": ("serving.bad-credentials", 2, ("--log", "a=ledger.pub.pem", "--tls-key", "k")),
    "a token in the clear": (
        "serving.bad-credentials",
        2,
        ("--log", "a=ledger.pub.pem", "--token-file", "t", "--listen", "0.0.0.0:0"),
    ),
    "a token file that is missing": ("file.unreadable", 3, ("--log", "a=ledger.pub.pem", "--token-file", "t")),
    "no state": ("witness.no-state", 2, ("--log", "a=ledger.pub.pem", "--state", "lost")),
    "another witness's state": ("witness.bad-state", 7, ("--log", "a=ledger.pub.pem", "--name", "w2.example")),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_it_does_not_start_with(shell_at: At, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    shell = shell_at("empty")
    base = tmp_path / "w1"
    given = arguments(base, "w1")
    begin_state(base / "state", named("w1"))
    monkeypatch.chdir(base)
    p256 = PrivateKey(ec.derive_private_key(5, ec.SECP256R1()))
    for name, data, mode in (
        ("p256.pem", p256.to_pem(), 0o600),
        ("p256.pub.pem", p256.public.pem, 0o600),
        ("open.pem", key_of("w1").to_pem(), 0o644),
    ):
        (base / name).write_bytes(data)
        (base / name).chmod(mode)
    code, exit_code, more = WRONG[case]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = shell(*given, *(address if m == "TAKEN" else m for m in more))
    assert (result.code, [p["code"] for p in fits(json.loads(result.out or result.err))["problems"]]) == (
        exit_code,
        [code],
    )


def test_one_process_for_one_state(shell_at: At, tmp_path: Path) -> None:
    shell = shell_at("empty")
    with witness(tmp_path / "w1", "w1", shell.now) as w1:
        set_clock(tmp_path / "w1", shell.now)
        given = arguments(tmp_path / "w1", "w1", "--log", f"a={tmp_path}/w1/ledger.pub.pem", "--listen", "127.0.0.1:0")
        second = shell(*given)
        assert second.code == 9
        assert json.loads(second.out or second.err)["problems"][0]["code"] == "witness.state-busy"
        assert w1.process.poll() is None

"""A root key in a PKCS#11 token: SoftHSM, a real module without the hardware. ``make softhsm`` gets it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from world import World, key_of

from bspec_opa.foundation.times import format_time
from bspec_opa.trust.keys import public_key_from_pem
from bspec_opa.trust.signing_round import unsigned

ROOT = Path(__file__).parents[2]
SOFTHSM = ROOT / ".tools" / "softhsm"
PIN = "1234"
# The token makes the key itself and gives only the public half out.
MAKE_KEY = """
import os, sys
import pkcs11
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
from cryptography.hazmat.primitives import serialization as s
token = pkcs11.lib(os.environ["PYKCS11LIB"]).get_token(token_label="anna")
with token.open(user_pin=sys.argv[1], rw=True) as session:
    curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
    parameters = session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True)
    public, _ = parameters.generate_keypair(store=True, id=b"\\x02", label="root")
    key = s.load_der_public_key(encode_ec_public_key(public))
sys.stdout.buffer.write(key.public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo))
"""


def environment(directory: Path) -> dict[str, str]:
    """A token store of the test's own; the user's is never touched."""
    (directory / "tokens").mkdir()
    config = directory / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {directory / 'tokens'}\nobjectstore.backend = file\n", encoding="utf-8")
    return {
        "HOME": str(directory),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(SOFTHSM / "python"),
        "SOFTHSM2_CONF": str(config),
        "PYKCS11LIB": str(SOFTHSM / "libsofthsm2.so"),
    }


def run(*command: str, env: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, env=env, check=False, capture_output=True)


@pytest.mark.soak
@pytest.mark.attack("A14")
def test_a_root_version_is_signed_by_a_token(tmp_path: Path) -> None:
    env = environment(tmp_path)
    util = (str(SOFTHSM / "softhsm2-util"), "--module", env["PYKCS11LIB"])
    made = run(*util, "--init-token", "--free", "--label", "anna", "--so-pin", "5678", "--pin", PIN, env=env)
    assert made.returncode == 0, made.stderr
    key = run(sys.executable, "-c", MAKE_KEY, PIN, env=env)
    assert key.returncode == 0, key.stderr
    public = public_key_from_pem(key.stdout)
    (tmp_path / "anna.pub.pem").write_bytes(public.pem)
    (tmp_path / "other.pub.pem").write_bytes(key_of("root-1").public.pem)
    draft = tmp_path / "1.draft.json"
    draft.write_bytes(unsigned(version_1(public.keyid, key.stdout)).to_bytes())

    def sign(file: str, pin: str) -> subprocess.CompletedProcess[bytes]:
        uri = f"hsm:2?label=anna#{tmp_path / file}"
        command = ("trust", "sign", str(draft), "--project", str(tmp_path), "--key", uri, "--format", "json")
        return run(sys.executable, "-m", "bspec_opa.cli.main", *command, env=env | {"BSPEC_OPA_PASSPHRASE": pin})

    wrong = sign("anna.pub.pem", "9999")
    assert (wrong.returncode, json.loads(wrong.stdout)["problems"][0]["code"]) == (7, "trust.signer-failed")
    other = sign("other.pub.pem", PIN)
    assert (other.returncode, json.loads(other.stdout)["problems"][0]["code"]) == (7, "trust.signer-failed")
    done = sign("anna.pub.pem", PIN)
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert (document["complete"], document["signed_now"]) == (True, ["anna"])
    accepted = run(sys.executable, "-m", "bspec_opa.cli.main", "trust", "accept", str(draft), "--project", str(tmp_path), env=env)  # fmt: skip
    assert accepted.returncode == 0, accepted.stderr


def version_1(keyid: str, pem: bytes) -> Any:
    """Anna's token holds the only root key."""
    now = 1_790_000_000
    payload: Any = World().root_payload()
    public = base64.b64encode(public_key_from_pem(pem).spki).decode()
    changes = {
        "root": {"keys": [keyid], "threshold": 1},
        "keys": [*payload["keys"], {"id": keyid, "alg": "ecdsa-p256-sha256", "public": public, "purpose": "root"}],
        "principals": [*payload["principals"], {"id": "anna", "group": "anna", "keys": [keyid]}],
        "issued": format_time(now),
        "expires": format_time(now + 100 * 365 * 86_400),
    }
    return payload | changes

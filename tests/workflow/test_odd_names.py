"""File names and passphrases that no sensible person chooses: each has its reason, and none a traceback."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from project import NOW

from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.foundation.files import exists, is_directory, is_regular
from bspec_opa.workflow.checkout.keys import passphrase_bytes
from bspec_opa.workflow.checkout.project import find_project
from bspec_opa.workflow.checkout.session import open_session
from bspec_opa.workflow.checkout.world import World
from bspec_opa.workflow.doctor import examine

if TYPE_CHECKING:
    from collections.abc import Callable

    from project import Project

LONG = "x" * 256


@pytest.mark.parametrize("question", [exists, is_directory, is_regular])
def test_what_can_not_be_told(question: Callable[[Path], bool], tmp_path: Path) -> None:
    assert question(Path("/")) is (question is not is_regular)
    assert not question(tmp_path / "missing")
    with pytest.raises(BspecError) as raised:
        question(tmp_path / LONG)
    assert (raised.value.code, raised.value.exit_code) == ("file.unreadable", ExitCode.INVALID)


def test_a_project_at_a_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(BspecError) as raised:
        find_project(tmp_path / LONG / "behavior.intent", {}, {})
    assert raised.value.code == "file.unreadable"


@pytest.mark.parametrize(
    "line", ['ledger.path = "{}"', 'records.dirs = ["{}"]', 'catalogs.paths = ["{}"]'], ids=lambda line: line[:7]
)
def test_a_configured_name_that_is_too_long(signed: Project, line: str) -> None:
    (signed.root / "bspec-opa.toml").write_text(line.format(LONG) + "\n", encoding="utf-8")
    with signed.refused("file.unreadable", ExitCode.INVALID):
        (signed.resolve if "catalogs" in line else signed.evaluate)()


def test_a_home_whose_name_is_too_long(signed: Project) -> None:
    environ = {**signed.environ, "XDG_CONFIG_HOME": f"/{LONG}"}
    with pytest.raises(BspecError) as raised:
        open_session(signed.intent, World(environ, NOW, {}), need_pin=False)
    assert raised.value.code == "file.unreadable"


@pytest.mark.parametrize(
    ("text", "message"),
    [("\udcff", "the passphrase is not UTF-8"), ("é" * 512, "the passphrase has more than 1023 bytes")],
)
def test_a_passphrase_that_no_key_can_have(text: str, message: str) -> None:
    with pytest.raises(BspecError) as raised:
        passphrase_bytes(text)
    assert (raised.value.code, raised.value.exit_code) == ("signing.bad-passphrase", ExitCode.USAGE)
    assert raised.value.problems[0].message == message


def test_a_passphrase() -> None:
    assert passphrase_bytes("é" * 511) == ("é" * 511).encode()
    assert passphrase_bytes("") is None
    assert passphrase_bytes(None) is None


def test_a_record_whose_name_is_not_utf8(signed: Project) -> None:
    """It is turned away by its escaped name; nothing else is."""
    name = os.fsdecode(b"\xff.json")
    (signed.inbox / "approval" / name).write_bytes(b"{}")
    found = signed.evaluate().rejected
    assert [(r.type, r.id, r.code) for r in found] == [("approval", "\\xff.json", "file.bad-name")]
    signed.allowed()
    signed.verify()


def test_doctor_runs_no_bundle_that_nobody_accepted(staged: Project) -> None:
    def refuse(payload: object) -> None:
        assert isinstance(payload, dict)
        for policy in payload["policies"]:
            if policy["environment"] == "production":
                policy["bundles"][0]["digest"] = "sha256:" + "1" * 64

    staged.next_root(refuse)
    found = {f.subject: (f.state, f.message) for f in examine(staged.root, staged.world, repair=False)}
    assert found["policies"][0] == "bad"
    assert found["engine (production)"] == ("note", "not asked: the trust root does not accept the bundle")
    assert found["engine (staging)"][0] == "ok"

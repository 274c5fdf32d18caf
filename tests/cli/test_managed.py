"""The managed engine by name: the same decision as the embedded one, never another engine in its place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.bundle.archive import compress, decompress, read_tar, write_tar
from bspec_opa.bundle.layout import GATE
from bspec_opa.bundle.rego.opa_tool import OPA_VERSION
from bspec_opa.bundle.shipped import shipped_bundle

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]

EVALUATE = ("evaluate", "behavior.intent", "--env", "staging")
PROMOTE = ("promote", "behavior.intent", "--env", "staging")
MANAGED = ("--engine", "managed")
JSON = ("--format", "json")


@pytest.fixture
def managed_at(shell_at: At, opa_path: Path) -> At:
    """As ``shell_at``, with OPA where the managed engine looks for it."""

    def enter(stage: str) -> Shell:
        shell = shell_at(stage)
        shell.variables["BSPEC_OPA_OPA"] = str(opa_path)
        return shell

    return enter


def program(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def configure(text: str) -> None:
    """Add a section to the project's configuration."""
    with Path("bspec-opa.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{text}")


def engines(document: Any) -> list[tuple[str, str, str]]:
    return [(e["kind"], e["version"], e["provenance"]) for e in document["engines"]]


def demand(shell: Shell, assurance: str) -> None:
    """A new trust root whose staging demands so much, and everything signed under it."""
    shell.ok("init", ".", "--trial-keys", "-q")
    file = Path("trust.yaml")
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("{id: staging}", f"{{id: staging, assurance: {assurance}}}"), encoding="utf-8")
    shell.variables["BSPEC_OPA_TRUST_PIN"] = shell.ok(
        "trust", "init", "trust.yaml", "--key", "keys/root.pem", *JSON
    ).json["pin"]
    shell.variables["BSPEC_OPA_ENGINE_NAME"] = "managed"
    shell.bind()
    shell.sign()
    del shell.variables["BSPEC_OPA_ENGINE_NAME"]


@pytest.mark.parametrize("stage", ["bare", "ready", "bound", "signed"])
def test_the_decision_is_the_embedded_engines(managed_at: At, stage: str) -> None:
    shell = managed_at(stage)
    embedded, managed = shell(*EVALUATE, *JSON), shell(*EVALUATE, *MANAGED, *JSON)
    assert managed.code == embedded.code
    assert engines(managed.json) == [("managed", OPA_VERSION, "measured")]
    assert engines(embedded.json)[0][0] == "embedded"
    assert managed.json["engines"][0]["bundle_digest"] == managed.json["bundle"]["digest"]
    assert {**managed.json, "engines": 0} == {**embedded.json, "engines": 0}


def test_promoting_and_verifying(managed_at: At) -> None:
    shell = managed_at("signed")
    configure('[engine]\nname = "managed"\n')
    shell.ok(*PROMOTE)
    assert "managed (1.22.2, measured)" in shell.ok("show").out
    (line,) = shell.ok("verify", *JSON).json["lines"]
    assert line["assurance"] == "measured"


@pytest.mark.attack("A86")
def test_where_two_must_agree_both_are_asked(managed_at: At) -> None:
    shell = managed_at("bare")
    demand(shell, "cross-checked")
    assert shell(*PROMOTE).code == 8
    assert shell(*PROMOTE, "--engine", "embedded").code == 8
    document = shell.ok(*EVALUATE, *MANAGED, *JSON).json
    assert [(k, p) for k, _, p in engines(document)] == [("managed", "measured"), ("embedded", "measured")]
    assert document["assurance"] == "cross-checked"
    assert "managed + embedded agree)" in shell.ok(*EVALUATE, *MANAGED).lines[0]
    shell.ok(*PROMOTE, *MANAGED)
    (line,) = shell.ok("verify", *JSON).json["lines"]
    assert line["assurance"] == "cross-checked"


def test_where_less_would_do_it_is_still_measured(managed_at: At) -> None:
    shell = managed_at("bare")
    demand(shell, "asserted")
    document = shell.ok(*EVALUATE, *MANAGED, *JSON).json
    assert (document["assurance"], len(document["engines"])) == ("measured", 1)


def refused(shell: Shell, code: str, exit_code: int, *arguments: str) -> str:
    """Neither verb gives a decision; no lock is written."""
    for verb in (EVALUATE, PROMOTE):
        result = shell(*verb, *arguments)
        assert (result.code, result.out) == (exit_code, "")
        assert f"[{code}]" in result.err
        assert not Path("behavior.lock").exists()
    return result.err


@pytest.mark.attack("A25")
def test_without_opa_no_other_engine_is_asked(shell_at: At) -> None:
    shell = shell_at("signed")
    shell.variables["PATH"] = "/nonexistent"
    said = refused(shell, "engine.no-opa", 8, *MANAGED)
    assert f"install OPA {OPA_VERSION} on PATH or name it in BSPEC_OPA_OPA" in said
    shell.ok(*EVALUATE)


@pytest.mark.attack("A25")
def test_another_version(shell_at: At, tmp_path: Path) -> None:
    shell = shell_at("signed")
    shell.variables["PATH"] = str(program(tmp_path / "bin" / "opa", "echo Version: 1.22.1").parent)
    said = refused(shell, "engine.opa-version", 8, *MANAGED)
    assert f"OPA {OPA_VERSION} is needed" in said
    assert "1.22.1" in said


@pytest.mark.attack("A25")
def test_an_opa_that_does_not_start(shell_at: At, tmp_path: Path) -> None:
    shell = shell_at("signed")
    body = f'test "$1" = version && echo Version: {OPA_VERSION} && exit; echo "no room" >&2; exit 4'
    shell.variables["BSPEC_OPA_OPA"] = str(program(tmp_path / "bin" / "opa", body))
    assert "it says: no room" in refused(shell, "engine.not-started", 8, *MANAGED)


@pytest.mark.attack("A75")
def test_a_program_in_the_checkout_is_not_run(shell_at: At, tmp_path: Path) -> None:
    shell = shell_at("signed")
    shell.variables["PATH"] = "bin:.:.tools/bin"
    for name in ("bin/opa", "opa", ".tools/bin/opa"):
        program(Path(name), f"touch {tmp_path}/ran; echo Version: {OPA_VERSION}")
    refused(shell, "engine.no-opa", 8, *MANAGED)
    assert not (tmp_path / "ran").exists()


@pytest.mark.attack("A75")
@pytest.mark.parametrize("path", ["{here}/node_modules/.bin", "/usr/bin/../..{here}/node_modules/.bin", "{link}"])
def test_an_absolute_path_into_the_checkout_is_not_run_either(shell_at: At, tmp_path: Path, path: str) -> None:
    """As npx, direnv and others put it on PATH."""
    shell = shell_at("signed")
    (tmp_path / "link").symlink_to(Path("node_modules/.bin").absolute())
    shell.variables["PATH"] = path.format(here=Path().absolute(), link=tmp_path / "link")
    program(Path("node_modules/.bin/opa"), f"touch {tmp_path}/ran; echo Version: {OPA_VERSION}")
    assert "lies in the checkout and is not run" in refused(shell, "engine.opa-version", 8, *MANAGED)
    assert not (tmp_path / "ran").exists()


@pytest.mark.attack("A75")
def test_a_relative_program_is_not_run(shell_at: At, tmp_path: Path) -> None:
    shell = shell_at("signed")
    shell.variables["BSPEC_OPA_OPA"] = "node_modules/.bin/opa"
    program(Path("node_modules/.bin/opa"), f"touch {tmp_path}/ran; echo Version: {OPA_VERSION}")
    assert "is no absolute path" in refused(shell, "engine.opa-version", 8, *MANAGED)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("where", ["flag", "file", "variable"])
def test_it_contradicts_a_url(managed_at: At, where: str) -> None:
    shell = managed_at("signed")
    url = "http://127.0.0.1:9"
    if where == "file":
        configure(f'[engine]\nurl = "{url}"\n')
    if where == "variable":
        shell.variables["BSPEC_OPA_ENGINE_URL"] = url
    given = ("--opa-url", url) if where == "flag" else ()
    assert "leave out one of them" in refused(shell, "config.bad-value", 2, *MANAGED, *given)


def test_doctor_shows_the_program(managed_at: At, opa_path: Path) -> None:
    shell = managed_at("staged")
    shell.variables["BSPEC_OPA_ENGINE_NAME"] = "managed"
    found = {f["subject"]: f for f in shell.ok("doctor", *JSON).json["findings"]}
    assert found["opa"]["message"] == f"{opa_path} is OPA {OPA_VERSION}"
    for environment in ("staging", "production"):
        assert found[f"engine ({environment})"]["message"].startswith(f"managed ({OPA_VERSION}): measured; ")


def test_doctor_without_opa(shell_at: At) -> None:
    shell = shell_at("staged")
    shell.variables |= {"BSPEC_OPA_ENGINE_NAME": "managed", "PATH": ""}
    result = shell("doctor", *JSON)
    assert result.code == 8
    bad = {f["subject"]: f["code"] for f in result.json["findings"] if f["state"] == "bad"}
    assert bad == dict.fromkeys(("opa", "engine (staging)", "engine (production)"), "engine.no-opa")


@pytest.mark.attack("A69")
def test_a_bundle_of_the_checkout_reaches_no_network(managed_at: At, tmp_path: Path) -> None:
    """Without a trust root any bundle is believed, but none gets a builtin that the embedded engine would refuse."""
    shell = managed_at("bare")
    bundle = repacked(tmp_path / "evil.tar.gz")
    Path("bspec-opa.toml").write_text(f'[bundle]\npath = "{bundle}"\n', encoding="utf-8")
    assert shell(*EVALUATE).code == 5
    result = shell(*EVALUATE, *MANAGED)
    assert result.code == 8
    assert "undefined function http.send" in result.err


def repacked(path: Path) -> Path:
    """The shipped bundle with a gate that calls out: no digest in a bundle is over what ``bundle build`` generates."""
    files = dict(read_tar(decompress(shipped_bundle("default").read_bytes())))
    files[GATE] += b'\nreached := http.send({"method": "get", "url": "http://127.0.0.1:9"})\n'
    path.write_bytes(compress(write_tar(files)))
    return path

"""Exactly one version of OPA builds bundles, and none is taken from the checkout by accident."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from bspec_opa.bundle.rego.opa_tool import OPA_VERSION as REQUIRED
from bspec_opa.engine.toolchain import REMEDY, find_opa, opa_version
from bspec_opa.foundation.errors import EngineError, ExitCode

if TYPE_CHECKING:
    from pathlib import Path


def program(directory: Path, body: str) -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / "opa"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def saying(directory: Path, version: str) -> Path:
    return program(directory, f"echo 'Version: {version}'; echo 'Rego Version: v1'")


def refusal(environ: dict[str, str], tools: Path | None = None) -> str:
    with pytest.raises(EngineError) as caught:
        find_opa(environ, tools)
    assert caught.value.exit_code == ExitCode.ENGINE
    assert caught.value.problems[0].hint == REMEDY
    return caught.value.code


def test_the_real_one(opa_path: Path) -> None:
    assert opa_version(opa_path) == REQUIRED
    assert find_opa({"BSPEC_OPA_OPA": str(opa_path)}, None) == opa_path


def test_order(tmp_path: Path) -> None:
    named, tools, path = (saying(tmp_path / n, REQUIRED) for n in ("named", "tools", "path"))
    environ = {"PATH": f"relative::{tmp_path}/none:{path.parent}"}
    assert find_opa(environ | {"BSPEC_OPA_OPA": str(named)}, tools.parent) == named
    assert find_opa(environ, tools.parent) == tools
    assert find_opa(environ, None) == path
    assert find_opa(environ, tmp_path / "none") == path


def test_another_version_is_passed_over(tmp_path: Path) -> None:
    tools, path = saying(tmp_path / "tools", "1.22.1"), saying(tmp_path / "path", REQUIRED)
    assert find_opa({"PATH": str(path.parent)}, tools.parent) == path


@pytest.mark.parametrize("version", ["1.22.1", "1.22.20", "1.22.2-dev", "0.70.0"])
def test_another_version_alone(tmp_path: Path, version: str) -> None:
    tools = saying(tmp_path / "tools", version)
    assert refusal({}, tools.parent) == "engine.opa-version"
    assert refusal({"BSPEC_OPA_OPA": str(tools)}) == "engine.opa-version"


def test_a_named_one_is_not_replaced(tmp_path: Path) -> None:
    good = saying(tmp_path / "good", REQUIRED)
    environ = {"BSPEC_OPA_OPA": str(tmp_path / "missing"), "PATH": str(good.parent)}
    assert refusal(environ, good.parent) == "engine.no-opa"


def test_none(tmp_path: Path) -> None:
    assert refusal({}) == "engine.no-opa"
    saying(tmp_path / "plain", REQUIRED).chmod(0o644)
    assert refusal({"PATH": str(tmp_path / "plain")}) == "engine.no-opa"
    (tmp_path / "folder" / "opa").mkdir(parents=True)
    assert refusal({"PATH": str(tmp_path / "folder")}) == "engine.no-opa"


def test_a_relative_path_entry_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saying(tmp_path / "bin", REQUIRED)
    monkeypatch.chdir(tmp_path / "bin")
    assert refusal({"PATH": ".::../bin"}) == "engine.no-opa"


@pytest.mark.parametrize("body", ["exit 3", "echo hello", "kill -9 $$", "printf 'Version: '"])
def test_something_else_called_opa(tmp_path: Path, body: str) -> None:
    assert refusal({}, program(tmp_path / "tools", body).parent) == "engine.no-opa"


def test_it_gets_an_empty_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3CRET", "x")
    path = program(tmp_path / "tools", f'echo "Version: {REQUIRED}$S3CRET"')
    assert os.environ["S3CRET"] == "x"
    assert find_opa({}, path.parent) == path

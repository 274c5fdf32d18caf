"""An exception that comes from outside at any moment of an evaluation never loses a denial.

wasmtime-py swallows an exception that is raised while the guest calls Python; the denials that were still to come are
then missing from an answer that looks whole. Nothing of ours is called by the guest, and here is the proof.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from struck import TOOLS

if TYPE_CHECKING:
    from collections.abc import Callable

    Modules = Callable[[str], bytes]

SCRIPT = Path(__file__).parents[1] / "struck.py"
ROUNDS = {"few": 1_500, "many": 20_000}
SIZES = [pytest.param("few"), pytest.param("many", marks=pytest.mark.soak)]


@pytest.fixture
def policy(modules: Modules, gate_data: Any, tmp_path: Path) -> tuple[str, str]:
    """The files of a module that denies, and of its data."""
    (tmp_path / "policy.wasm").write_bytes(modules("gate"))
    (tmp_path / "data.json").write_text(json.dumps(gate_data), encoding="utf-8")
    return str(tmp_path / "policy.wasm"), str(tmp_path / "data.json")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("kind", "share"), [("signal", 10), ("thread", 20)])
def test_a_blow_loses_no_denial(policy: tuple[str, str], kind: str, share: int, size: str) -> None:
    """Every evaluation that returns has all denials; enough return, and enough are struck."""
    rounds = ROUNDS[size]
    command = [sys.executable, str(SCRIPT), kind, str(rounds), *policy]
    environ = {"PATH": os.environ["PATH"]}  # nothing that would have its coverage measured
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=3_600)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["kinds"], said["last"]) == ([TOOLS], TOOLS)
    assert said["found"] > rounds // 10
    assert said["lost"] > rounds // share

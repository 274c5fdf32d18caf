"""What starting the program brings in: nothing of other packages that nobody asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

INTENT = Path(__file__).parents[2] / "examples" / "billing" / "v1" / "behavior.intent"
PLUGIN = """
import pathlib
pathlib.Path({loaded!r}).touch()
class Plugin:
    def new_schema_validator(self, *args, **kwargs):
        raise SystemExit(0)
plugin = Plugin()
"""


@pytest.fixture
def loaded(tmp_path: Path) -> Path:
    """Where a pydantic plugin leaves its trace; an installed package announces the plugin."""
    trace = tmp_path / "loaded"
    (tmp_path / "sneaky.py").write_text(PLUGIN.format(loaded=str(trace)))
    information = tmp_path / "sneaky-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: sneaky\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[pydantic]\nsneaky = sneaky:plugin\n")
    return trace


def started(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(directory)}
    program = [sys.executable, *arguments]
    return subprocess.run(program, env=environment, cwd=directory, check=False, capture_output=True, text=True)


def test_no_plugin_of_another_package_reads_an_intent(loaded: Path) -> None:
    done = started(loaded.parent, "-m", "bspec_opa", "validate", str(INTENT))
    assert (done.returncode, done.stdout[:5]) == (0, "valid")
    assert not loaded.exists()


def test_the_plugin_would_have_been_loaded(loaded: Path) -> None:
    """Otherwise the test above would prove nothing."""
    started(loaded.parent, "-c", "import pydantic; pydantic.create_model('A', a=(int, 1))")
    assert loaded.exists()

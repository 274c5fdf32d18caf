"""What the embedded engine costs at start: nothing that only a server needs."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"requests", "urllib3", "ssl", "jsonschema", "yaml", "securesystemslib", "cryptography", "importlib.metadata"}
CODE = """
import sys
import bspec_opa.engine.code_cache, bspec_opa.engine.crosscheck, bspec_opa.engine.embedded
print(*sorted(sys.modules))
"""


def test_embedded_engine_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-I", "-c", CODE], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "wasmtime" in loaded
    assert loaded & HEAVY == set()

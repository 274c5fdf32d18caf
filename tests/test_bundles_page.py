"""The page about signed bundles: its commands run as they are written, and its files are read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from lint_tree import clean_tree
from policy_tree import write
from publishers import SHIPPED, key, sign, write_keys
from sidecars import opa_server

from bspec_opa.foundation.closed_schema import violations
from bspec_opa.foundation.document.load import load_yaml
from bspec_opa.trust.author_schema import TRUST_FILE_SCHEMA

PAGE = (Path(__file__).parents[1] / "docs" / "bundles.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def walked(opa_path: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A directory in which every command of the page was run, and what they printed."""
    work = tmp_path_factory.mktemp("page")
    write(work / "policies", clean_tree())
    (work / "acme").mkdir()
    (work / "acme" / "data.json").write_text(clean_tree()["bspec/org/data.json"], encoding="utf-8")
    (work / "keys").mkdir()
    programs = os.pathsep.join((str(Path(sys.executable).parent), str(opa_path.parent), os.environ["PATH"]))
    environ = {"PATH": programs, "HOME": str(work / "home"), "BSPEC_OPA_OPA": str(opa_path)}
    script = "set -e\n" + "".join(blocks("sh"))
    done = subprocess.run(["bash", "-c", script], cwd=work, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return work, done.stdout


def test_its_commands(walked: tuple[Path, str]) -> None:
    words = re.findall(r"^([A-Z]{5,})  (\S+)", walked[1], re.MULTILINE)
    assert words == [
        ("BUILT", "acme.tar.gz"),
        ("SIGNED", "acme-12.tar.gz"),
        ("ATTACHED", "acme-12.tar.gz"),
        ("VERIFIED", "acme-12.tar.gz"),
        ("VERIFIED", "acme-12.tar.gz"),
    ]
    assert "  rebuilt   byte for byte: " in walked[1]


def test_its_trust_file() -> None:
    """The policies of the page in a whole file."""
    (text,) = (b for b in blocks("yaml") if b.startswith("policies:"))
    document = load_yaml(text.encode(), "page")
    schema = {"type": "object", "additionalProperties": False, "required": ["policies"], "properties": {}}
    schema["properties"] = {"policies": TRUST_FILE_SCHEMA["properties"]["policies"]}  # type: ignore[index, call-overload]
    assert violations(schema, document.value) == []  # type: ignore[arg-type]


def test_its_sidecar(opa_path: Path, tmp_path: Path) -> None:
    """The configuration with a real key and file: OPA loads what was signed for the scope."""
    (text,) = (b for b in blocks("yaml") if b.startswith("# opa.yaml"))
    signer = replace(key("page"), public=replace(key("page").public, id="acme-2026"))
    _, public = write_keys(tmp_path, signer)
    signed = tmp_path / "s.tar.gz"
    signed.write_bytes(sign(SHIPPED.read_bytes(), signer, scope="acme"))
    pem = public.read_text(encoding="utf-8").strip().replace("\n", "\n      ")
    head, _, rest = text.partition("      -----BEGIN PUBLIC KEY-----\n      …\n")
    assert rest
    config = tmp_path / "opa.yaml"
    config.write_text(f"{head}      {pem}\n{rest}", encoding="utf-8")
    with opa_server(opa_path, signed, f"--config-file={config}") as (url, _):
        asked = requests.get(f"{url}/v1/data/bspec/build", params={"provenance": "true"}, timeout=30).json()
    assert asked["provenance"]["bundles"] == {"bspec": {"revision": asked["result"]["revision"]}}

"""docs/engines.md is followed word by word with a real OPA, and what it lists is what there is."""

from __future__ import annotations

import re
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import transcript
import yaml
from sidecars import free_port
from test_docs import generate
from transcript import Step

from bspec_opa.workflow.checkout.config import KEYS, PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
PORTS = ("8181", "8443", "8282")


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory with a short name: paths of sockets must not be long."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


def prepared(opa: Path) -> list[Step]:
    """OPA is found, and none outlives the shell."""
    return [Step(f"export PATH={opa.parent}:$PATH", ()), Step("trap 'kill $(jobs -p) 2> /dev/null' EXIT", ())]


def elsewhere(text: str) -> str:
    """On ports of our own."""
    for port in PORTS:
        text = text.replace(port, str(free_port()))
    return text


def run(steps: list[Step], opa: Path, place: Path) -> list[tuple[str, ...]]:
    before = prepared(opa)
    return transcript.run([*before, *steps], place)[len(before) :]


@pytest.mark.soak
def test_the_guide_runs_as_it_is_written(opa_path: Path, place: Path) -> None:
    steps = transcript.steps_of(elsewhere(GUIDE))
    outputs = run(steps, opa_path, place)
    wrong = [(s.command, o) for s, o in zip(steps, outputs, strict=True) if not transcript.fits(s.output, o)]
    assert wrong == []
    shown = "\n".join("\n".join(o) for o in outputs)
    assert [shown.count(w) for w in ("rest + embedded agree", "managed + embedded agree", "exit 8")] == [5, 1, 4]


def test_the_pod_runs_as_it_is_written(opa_path: Path, place: Path) -> None:
    """Its commands, in their order, with the shared volume in a directory of ours."""
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    pod: Any = yaml.safe_load(elsewhere(text.replace("/shared", f"{place}/shared").replace("0.0.0.0", "127.0.0.1")))  # noqa: S104
    containers = pod["spec"]["template"]["spec"]
    bundle, opa = containers["initContainers"]
    (gate,) = containers["containers"]
    variables = {v["name"]: v["value"] for v in gate["env"]}
    assert variables.keys() <= {PREFIX + k.replace(".", "_").upper() for k in KEYS} | {f"{PREFIX}TRUST_PIN"}
    probe = opa["startupProbe"]["httpGet"]
    health = f"http://127.0.0.1:{probe['port']}{probe['path']}"
    commands = [
        f"mkdir {place}/shared && bspec-opa init . --id helper --tier low --trial-keys --quiet",
        "bspec-opa trust init trust.yaml --key keys/root.pem > trust.txt",
        f"{PREFIX}TRUST_PIN=$(sed -n 's/^  pin *//p' trust.txt); export {PREFIX}TRUST_PIN",
        f"{shlex.join(bundle['command'])} --quiet",
        f"opa {shlex.join(opa['args'])} > {place}/log 2>&1 &",
        f"until curl --silent --fail --output {place}/health {shlex.quote(health)}; do sleep 0.1; done",
        f"export {PREFIX}ENGINE_URL={variables[f'{PREFIX}ENGINE_URL']}",
        f"{shlex.join(gate['command']).replace('promote', 'evaluate')} --format json",
        f"{shlex.join(gate['command'])} --format json; echo exit $?",
    ]
    *quiet, evaluated, promoted = run([Step(c, ()) for c in commands], opa_path, place)
    assert quiet == [()] * len(quiet)
    assert '  "assurance": "cross-checked",' in evaluated
    assert promoted[-1] == "exit 5"  # decided, by both; and nobody has signed


def test_every_reason_that_the_guide_names_exists_with_its_exit_code() -> None:
    codes = {r.code: int(r.exit_code) for r in generate.reasons()}
    rows = re.findall(r"^\| ([0-9]) \| (`[^|]*`) \|", GUIDE, re.MULTILINE)
    named = {code: int(number) for number, cell in rows for code in re.findall(r"`([^`]+)`", cell)}
    assert named.items() <= codes.items()
    assert len(named) >= 17
    printed = set(re.findall(r"\[(engine\.[a-z-]+)\]$", GUIDE, re.MULTILINE))
    assert printed <= named.keys()


def test_every_key_is_in_the_guide() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| `--[a-z-]+` \| `([A-Z_]+)` \|", GUIDE, re.MULTILINE)
    keys = [k for k in KEYS if k.startswith("engine.")]
    assert sorted(rows) == sorted((k.partition(".")[2], PREFIX + k.replace(".", "_").upper()) for k in keys)


def test_what_the_guide_calls_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (line,) = re.findall(r"^make (.*)$", GUIDE, re.MULTILINE)
    assert [t for t in line.split() if not re.search(rf"^{t}:", makefile, re.MULTILINE)] == []

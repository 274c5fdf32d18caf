"""docs/bundle-server.md is followed word by word with a real OPA, and what it lists is what there is."""

from __future__ import annotations

import re
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import transcript
import yaml
from bundle_server import NAME, edition, put, revision
from certificates import Authority
from sidecars import free_port
from test_docs import generate
from transcript import Step

from bspec_opa.bundle.serving.edition import Shelf
from bspec_opa.bundle.serving.limits import MAX_BUNDLES, MAX_HEADERS, Limits
from bspec_opa.bundle.serving.metrics import Metrics
from bspec_opa.cli.bundle.serve import command

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "bundle-server.md").read_text(encoding="utf-8")
PORTS = ("8181", "8282", "8284", "8443")


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


def elsewhere(text: str) -> str:
    """On ports of our own."""
    for port in PORTS:
        text = text.replace(port, str(free_port()))
    return text


def run(steps: list[Step], opa: Path, place: Path) -> list[tuple[str, ...]]:
    """OPA is found, and no server outlives the shell."""
    before = [Step(f"export PATH={opa.parent}:$PATH", ()), Step("trap 'kill $(jobs -p) 2> /dev/null' EXIT", ())]
    return transcript.run([*before, *steps], place)[len(before) :]


@pytest.mark.soak
def test_the_guide_runs_as_it_is_written(opa_path: Path, place: Path) -> None:
    steps = transcript.steps_of(elsewhere(GUIDE))
    outputs = run(steps, opa_path, place)
    wrong = [(s.command, o) for s, o in zip(steps, outputs, strict=True) if not transcript.fits(s.output, o)]
    assert wrong == []
    shown = "\n".join("\n".join(o) for o in outputs)
    assert [shown.count(w) for w in ("rest + embedded agree", "DENIED", "refused", "SERVING")] == [3, 2, 2, 2]


def test_the_deployment_runs_as_it_is_written(opa_path: Path, place: Path, tmp_path: Path) -> None:
    """Its command, with the volumes in a directory of ours, mounted as Kubernetes does it: by links."""
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    pod: Any = yaml.safe_load(elsewhere(text.replace("/srv/", f"{place}/").replace("0.0.0.0", "127.0.0.1")))  # noqa: S104
    (container,) = pod["spec"]["template"]["spec"]["containers"]
    authority = Authority(tmp_path, "ca")
    cert, key = authority.issue("127.0.0.1")
    files = {
        "tls/tls.crt": cert.read_bytes(),
        "tls/tls.key": key.read_bytes(),
        "tokens/tokens": b"a-token-0123456789\n",
    }
    for name, data in {**files, f"bundles/{NAME}.tar.gz": edition(0)}.items():
        stored = place / Path(name).parts[0] / "..data" / Path(name).name
        put(stored, data)
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).symlink_to(stored)
    probe, ports = container["readinessProbe"]["httpGet"], {p["name"]: p["containerPort"] for p in container["ports"]}
    health = f"http://127.0.0.1:{ports[probe['port']]}{probe['path']}"
    bundle = f"https://127.0.0.1:{ports['bundles']}/bundles/{NAME}"
    curl = f"curl --silent --cacert {authority.file} --header 'Authorization: Bearer a-token-0123456789'"
    commands = [
        f"bspec-opa {shlex.join(container['args'])} > {place}/out 2> {place}/log &",
        f"until curl --silent --fail --output {place}/health {health}; do sleep 0.1; done",
        f"{curl} --head {bundle} | grep Revision | tr -d '\\r'",
    ]
    *_, printed = run([Step(c, ()) for c in commands], opa_path, place)
    assert printed == (f"Bspec-Revision: {revision(0)}",)
    assert {v["mountPath"] for v in container["volumeMounts"]} == {f"{place}/{d}" for d in ("bundles", "tls", "tokens")}


def test_every_option_that_the_guide_names_exists_and_all_are_named() -> None:
    ours = "\n".join(re.findall(r"bspec-opa bundle serve [^`\n]*(?:\\\n[^`\n]*)*|`--[^`]*`|- --[a-z-]+=", GUIDE))
    named = set(re.findall(r"--[a-z-]+", ours))
    options = {o for p in command.params for o in p.opts if o.startswith("--")}
    assert options - named == {"--quiet"}
    assert named <= options


def test_every_metric_is_in_the_guide() -> None:
    rows = dict(re.findall(r"^\| `(bspec_serve_[a-z_]+)` \| ([^|]*)\|", GUIDE, re.MULTILINE))
    text = Metrics(Shelf()).render().decode()
    assert rows.keys() == set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))


def test_the_bounds_are_those_of_the_program() -> None:
    limits = Limits()
    bounds = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$", GUIDE.partition("## 7.")[2], re.MULTILINE))
    assert f"{MAX_HEADERS} headers, {limits.quiet_s:.0f} s" in bounds["a request's head"]
    assert bounds["an idle connection"] == f"{limits.quiet_s:.0f} s"
    assert bounds["TLS handshake"] == f"{limits.handshake_s:.0f} s"
    assert bounds["taking an answer"] == f"{limits.send_s:.0f} s"
    assert f"({limits.stop_s:.0f} s)" in GUIDE
    assert bounds["names"].startswith(f"{MAX_BUNDLES:,} ")


def test_what_the_guide_says_of_reasons_is_so() -> None:
    assert {"serving.not-installed", "serving.bad-credentials"} <= {r.code for r in generate.reasons()}

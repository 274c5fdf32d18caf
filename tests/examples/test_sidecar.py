"""The sidecar that docs/sidecar.md describes: a real OPA is started with exactly what the manifests say.

Only hosts, ports and directories are others: /etc/opa, /run/secrets and /var/opa lie in a temporary directory.
"""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import re
import subprocess
import tarfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kubernetes_validate
import pytest
import yaml
from certificates import Authority, serving
from collecting import Collector, collecting
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sidecars import ATTEMPTS, START_S, STEP_S, free_port

from bspec_opa.bundle.build.building import repack
from bspec_opa.bundle.read import read_bundle
from bspec_opa.bundle.shipped import shipped_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from shell import Shelf, Shell

    Launch = Callable[..., AbstractContextManager["Sidecar"]]

HERE = Path(__file__).parents[2] / "examples" / "sidecar"
MANIFESTS = list(yaml.safe_load_all((HERE / "kubernetes.yaml").read_text(encoding="utf-8")))
COMPOSE = yaml.safe_load((HERE / "compose.yaml").read_text(encoding="utf-8"))
TOKEN, BUNDLES, COLLECTOR = "gate-t0ken", "bundles-t0ken", "collector-t0ken"
KEY = "publisher-2026"
RESOURCE = "/bundles/acme/production"
DECISION = "/v1/data/bspec/gate/decision"
MASKS = [
    {"op": "remove", "path": "/input/authors", "value": ""},
    {"op": "upsert", "path": "/input/intent/metadata/owner", "value": "not logged"},
    {"op": "remove", "path": "/result/promotion/promotion.all.approvals", "value": ""},
    {"op": "remove", "path": "/input/nothing/there", "value": ""},
]


def kubernetes(kind: str) -> dict[str, Any]:
    (found,) = [m for m in MANIFESTS if m["kind"] == kind]
    document: dict[str, Any] = found
    return document


def pod() -> dict[str, Any]:
    spec: dict[str, Any] = kubernetes("Deployment")["spec"]["template"]["spec"]
    return spec


@dataclass(frozen=True)
class Manifest:
    """An OPA as one of the manifests starts it: its arguments, and every file that it finds."""

    arguments: list[str]
    files: dict[str, bytes]
    environment: tuple[str, ...]


def of_compose(secret_files: dict[str, bytes]) -> Manifest:
    service = COMPOSE["services"]["opa"]
    files = {}
    for volume in service["volumes"]:
        path = HERE / volume["source"]
        if path.is_file():
            files[volume["target"]] = path.read_bytes()
    files |= {f"/run/secrets/{s}": secret_files[s] for s in service["secrets"]}
    files["/etc/opa/tls/ca.pem"] = secret_files["ca"]
    return Manifest(service["command"], files, tuple(service["environment"]))


def of_kubernetes(secret_files: dict[str, bytes]) -> Manifest:
    (opa,) = pod()["initContainers"]
    volumes = {v["name"]: v for v in pod()["volumes"]}
    data = kubernetes("ConfigMap")["data"] | {"ca.pem": secret_files["ca"].decode()}
    files: dict[str, bytes] = {}
    for mount in opa["volumeMounts"]:
        volume = volumes[mount["name"]]
        if "configMap" in volume:
            files[mount["mountPath"]] = data[mount["subPath"]].encode()
        elif "secret" in volume:
            files |= {f"{mount['mountPath']}/{i['path']}": secret_files[i["key"]] for i in volume["secret"]["items"]}
    return Manifest(opa["args"], files, tuple(e["name"] for e in opa["env"]))


MADE: dict[str, Callable[[dict[str, bytes]], Manifest]] = {"compose": of_compose, "kubernetes": of_kubernetes}


@dataclass(frozen=True)
class Stage:
    """What is around the OPA: a publisher's key, signed bundles, a server for them and for logs."""

    authority: Authority
    key: bytes
    unsigned: bytes
    signed: bytes


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, opa_path: Path) -> Stage:
    directory = tmp_path_factory.mktemp("publisher")
    secret = ec.generate_private_key(ec.SECP256R1())
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    (directory / "key.pem").write_bytes(secret.private_bytes(pem, form, serialization.NoEncryption()))
    public = secret.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    base = read_bundle(shipped_bundle().read_bytes(), "default")
    data = json.dumps({**base.organisation, "log_mask": MASKS}).encode()
    unsigned = repack(base, data, "data.json")
    signed = sign(unsigned, directory, opa_path)
    return Stage(Authority(directory, "CA"), public, unsigned, signed)


def sign(archive: bytes, directory: Path, opa: Path) -> bytes:
    """The bundle with a signature that OPA itself makes."""
    files = dict(read_bundle(archive, "x").files)
    for name, data in files.items():
        path = directory / "bundle" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (directory / "claims.json").write_text(json.dumps({"keyid": KEY, "scope": "write"}), encoding="utf-8")
    command = [opa, "sign", "--signing-alg", "ES256", "--signing-key", directory / "key.pem"]
    made = [*command, "--claims-file", directory / "claims.json", "--output-file-path", directory, "--bundle", "."]
    subprocess.run([str(part) for part in made], cwd=directory / "bundle", check=True, capture_output=True)
    files[".signatures.json"] = (directory / ".signatures.json").read_bytes()
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as tar:
        for name, data in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return target.getvalue()


@dataclass(frozen=True)
class Sidecar:
    """A running one."""

    url: str
    health: str
    log: Path


@contextmanager
def started(
    made: Callable[[dict[str, bytes]], Manifest],
    *,
    place: Path,
    stage: Stage,
    server: Collector,
    opa: Path,
    ready: bool = True,
) -> Iterator[Sidecar]:
    """Start OPA as a manifest says, with its directories in ``place``."""
    given = {"bundles-token": BUNDLES.encode(), "collector-token": COLLECTOR.encode()}
    manifest = made({**given, "ca": stage.authority.file.read_bytes()})
    assert manifest.environment == ("BSPEC_GATE_TOKENS_SHA256",)
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    for path, data in manifest.files.items():
        target = place / path.removeprefix("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(with_key(moved(data.decode(), place, server), stage.key.decode()).encode())
    for attempt in range(1, ATTEMPTS + 1):
        main, health = free_port(), free_port()
        ports = {"127.0.0.1:8181": f"127.0.0.1:{main}", "0.0.0.0:8282": f"127.0.0.1:{health}"}
        arguments = [moved(a, place, server) for a in manifest.arguments]
        for old, new in ports.items():
            arguments = [a.replace(old, new) for a in arguments]
        log = place / "log"
        with log.open("wb") as stream:
            environment = {"BSPEC_GATE_TOKENS_SHA256": f"{'0' * 64} {digest}"}
            process = subprocess.Popen([str(opa), *arguments], env=environment, stdout=stream, stderr=stream)
            try:
                if wait_until(partial(answers, health, "/health?bundles" if ready else "/health"), process):
                    yield Sidecar(f"http://127.0.0.1:{main}", f"127.0.0.1:{health}", log)
                    return
                if attempt == ATTEMPTS or process.poll() is None:
                    raise RuntimeError(log.read_text(encoding="utf-8"))
            finally:
                process.kill()
                process.wait()


def moved(text: str, place: Path, server: Collector) -> str:
    """The same, with the test's directories and hosts."""
    for directory in ("/etc/opa", "/run/secrets", "/var/opa"):
        text = text.replace(directory, f"{place}{directory}")
    return re.sub(r"https://(bundles|collector)\.example", f"https://{server.host}", text)


def with_key(text: str, key: str) -> str:
    """The same, with the publisher's key in place of the example's."""
    indented = "".join(f"      {line}\n" for line in key.splitlines())
    return re.sub(r" *-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----\n", indented, text, flags=re.DOTALL)


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> bool:
    pause, until = threading.Event(), time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until:
        if condition():
            return True
        pause.wait(STEP_S)
    return False


def answers(port: int, path: str) -> bool:
    with suppress(OSError):
        return ask(f"127.0.0.1:{port}", "GET", path)[0] == 200
    return False


def ask(host: str, method: str, path: str, token: str | None = None, body: bytes = b"") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host)
    try:
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        connection.request(method, path, body=body, headers={**headers, "Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.fixture
def server(stage: Stage) -> Iterator[Collector]:
    tokens = {RESOURCE: BUNDLES, "/logs": COLLECTOR, "/status": COLLECTOR}
    with collecting(Collector(tokens, {RESOURCE: stage.signed}), serving(stage.authority.issue("127.0.0.1"))) as made:
        yield made


@pytest.fixture
def launch(stage: Stage, server: Collector, tmp_path: Path, opa_path: Path) -> Launch:
    """Starts OPA as a manifest says."""
    return partial(started, place=tmp_path / "opa", stage=stage, server=server, opa=opa_path)


@pytest.fixture
def project(shelf: Shelf, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A project with a bundle of its own and the gate's token."""
    shell = shelf.copy("bare", tmp_path / "gate")
    monkeypatch.chdir(tmp_path / "gate" / "project")
    Path("../bspec.tar.gz").write_bytes(stage.unsigned)
    Path("../token").touch(mode=0o600)
    Path("../token").write_text(TOKEN, encoding="utf-8")
    return shell


EVALUATE = ("evaluate", "behavior.intent", "--env", "staging", "--bundle", "../bspec.tar.gz", "--format", "json")
WITH_TOKEN = ("--engine-token-file", "../token")


@pytest.mark.parametrize("name", MADE)
def test_the_gate_asks_through_it_and_everything_is_reported(
    name: str, project: Shell, stage: Stage, server: Collector, launch: Launch
) -> None:
    project.variables["BSPEC_OPA_DECISION_LOG_FILE"] = "../decisions.jsonl"
    with launch(MADE[name]) as sidecar:
        result = project(*EVALUATE, "--opa-url", sidecar.url, *WITH_TOKEN)
        assert (result.code, result.json["assurance"]) == (5, "cross-checked"), result.err
        nobody = project(*EVALUATE, "--opa-url", sidecar.url)
        assert (nobody.code, "engine.bad-status" in nobody.out) == (8, True)
        refuse_everything_else(sidecar)
        (event,) = server.wait_for(lambda: [e for e in server.events if "result" in e])
        status = server.wait_for(lambda: [s for s in server.statuses if "bspec" in s.get("bundles", {})])[-1]
    revision = read_bundle(stage.unsigned, "x").revision
    assert status["bundles"]["bspec"]["active_revision"] == revision
    assert event["bundles"] == {"bspec": {"revision": revision}}
    assert (event["path"], event["labels"]["app"]) == ("bspec/gate/decision", "bspec-opa")
    assert (event["erased"], event["masked"]) == (
        ["/input/authors", "/result/promotion/promotion.all.approvals"],
        ["/input/intent/metadata/owner"],
    )
    assert "authors" not in event["input"]
    assert event["input"]["intent"]["metadata"]["owner"] == "not logged"
    assert ("promotion.all.submitted" in event["result"]["promotion"], "promotion.all.approvals" in result.out) == (
        True,
        True,
    )
    assert "promotion.all.approvals" not in event["result"]["promotion"]
    (ours,) = [json.loads(line) for line in Path("../decisions.jsonl").read_text(encoding="utf-8").splitlines()]
    same = {"bundles", "path", "input", "result", "erased", "masked"}
    assert {k: in_order(ours[k]) for k in same} == {k: in_order(event[k]) for k in same}
    assert [ours[k] for k in ("input", "erased", "masked")] == [event[k] for k in ("input", "erased", "masked")]
    assert ours.keys() - event.keys() == {"custom"}
    assert event.keys() - ours.keys() == {"metrics", "req_id"}
    assert {type(event[k]) for k in ("decision_id", "requested_by", "timestamp")} == {str}
    assert ours.keys() & event.keys() == same | {"labels", "decision_id", "requested_by", "timestamp"}
    assert TOKEN not in json.dumps([server.events, server.statuses]) + sidecar.log.read_text(encoding="utf-8")
    assert server.refused == []


def in_order(value: Any) -> Any:
    """The same with sorted lists: findings are sets, and each engine writes them in an order of its own."""
    if isinstance(value, dict):
        return {k: in_order(v) for k, v in value.items()}
    return sorted(map(in_order, value), key=json.dumps) if isinstance(value, list) else value


def refuse_everything_else(sidecar: Sidecar) -> None:
    """Every other path and method, and the right one without the token, with a wrong one, and with more in the query."""
    host = sidecar.url.removeprefix("http://")
    question = json.dumps({"input": {}}).encode()
    for token in (None, "", "wrong", TOKEN + "x", hashlib.sha256(TOKEN.encode()).hexdigest()):
        assert ask(host, "POST", DECISION, token, question)[0] == 401, token
    for method, path in [
        ("GET", DECISION),
        ("PUT", DECISION),
        ("PATCH", DECISION),
        ("DELETE", DECISION),
        ("POST", f"{DECISION}?explain=full"),
        ("POST", f"{DECISION}?metrics"),
        ("POST", f"{DECISION}/global"),
        ("POST", "/v1/data/bspec/gate"),
        ("POST", "/v1/data"),
        ("GET", "/v1/data/bspec/org"),
        ("GET", "/v1/data/system/authz"),
        ("POST", "/v0/data/bspec/gate/decision"),
        ("POST", "/"),
        ("POST", "/v1/compile"),
        ("POST", "/v1/query"),
        ("GET", "/v1/policies"),
        ("PUT", "/v1/policies/mine"),
        ("GET", "/v1/config"),
        ("GET", "/v1/status"),
        ("GET", "/metrics"),
        ("GET", "/debug/pprof/heap"),
        ("POST", "/health"),
    ]:
        assert ask(host, method, path, TOKEN, question)[0] == 401, (method, path)
    assert ask(host, "POST", f"{DECISION}?provenance=true", TOKEN, b"{}")[0] == 200
    assert [ask(h, "GET", "/health?bundles")[0] for h in (host, sidecar.health)] == [200, 200]
    assert [ask(sidecar.health, "GET", p, TOKEN)[0] for p in ("/metrics", "/v1/config")] == [401, 401]


def test_an_unsigned_bundle_is_refused(project: Shell, stage: Stage, server: Collector, launch: Launch) -> None:
    """It stays not ready, says why in its status, and decides nothing."""
    server.bundles[RESOURCE] = stage.unsigned
    with launch(of_compose, ready=False) as sidecar:
        failed = server.wait_for(
            lambda: [s for s in server.statuses if s.get("bundles", {}).get("bspec", {}).get("code")]
        )[-1]
        assert "bundle missing .signatures.json file" in json.dumps(failed)
        assert ask(sidecar.health, "GET", "/health?bundles")[0] == 500
        result = project(*EVALUATE, "--opa-url", sidecar.url, *WITH_TOKEN)
    assert (result.code, result.json["problems"][0]["code"]) == (8, "engine.undefined")


def test_composes_healthcheck_tells(launch: Launch, opa_path: Path) -> None:
    shown, program, *arguments = COMPOSE["services"]["opa"]["healthcheck"]["test"]
    assert (shown, program) == ("CMD", "/opa")
    with launch(of_compose) as sidecar:
        codes = [
            subprocess.run(
                [str(opa_path), *[a.replace("127.0.0.1:8282", host) for a in arguments]],
                check=False,
                capture_output=True,
            ).returncode
            for host in (sidecar.health, "127.0.0.1:1")
        ]
    assert codes == [0, 1]


def test_all_manifests_say_the_same() -> None:
    """One configuration, in three places."""
    for name in ("config.yaml", "authz.rego", "mask.rego"):
        assert kubernetes("ConfigMap")["data"][name] == (HERE / name).read_text(encoding="utf-8")
    (opa,) = pod()["initContainers"]
    assert opa["args"] == COMPOSE["services"]["opa"]["command"]
    assert opa["image"] == COMPOSE["services"]["opa"]["image"] == "openpolicyagent/opa:1.22.2"


@pytest.mark.parametrize("version", ["1.29", "1.37"])
def test_the_manifests_fit_the_schemas_of_kubernetes(version: str) -> None:
    """From the first version whose sidecars are init containers on; a member that is misspelt is refused."""
    kinds = ["ConfigMap", "Secret", "Deployment", "NetworkPolicy"]
    assert [m["kind"] for m in MANIFESTS] == kinds
    for manifest in MANIFESTS:
        assert kubernetes_validate.validate(manifest, version, strict=True) == version
        with pytest.raises(kubernetes_validate.ValidationError, match="spek"):
            kubernetes_validate.validate({**manifest, "spek": {}}, version, strict=True)


def test_the_pod_holds_together() -> None:
    """Whatever is named is there; nobody gets more than needed; only health is reachable."""
    secret, config = kubernetes("Secret"), kubernetes("ConfigMap")
    (opa,), (gate,) = pod()["initContainers"], pod()["containers"]
    volumes = {v["name"]: v for v in pod()["volumes"]}
    assert {m["name"] for c in (opa, gate) for m in c["volumeMounts"]} == volumes.keys()
    assert {v["configMap"]["name"] for v in volumes.values() if "configMap" in v} == {config["metadata"]["name"]}
    secrets = [v["secret"] for v in volumes.values() if "secret" in v]
    assert {s["secretName"] for s in secrets} == {secret["metadata"]["name"]}
    named = {i["key"] for s in secrets for i in s["items"]} | {opa["env"][0]["valueFrom"]["secretKeyRef"]["key"]}
    assert named == secret["stringData"].keys()
    subs = {m["subPath"] for m in opa["volumeMounts"] if "subPath" in m}
    assert subs == config["data"].keys()
    held = {i["key"] for i in volumes["opa-secrets"]["secret"]["items"]}
    assert (held, [m["name"] for m in gate["volumeMounts"]]) == ({"bundles-token", "collector-token"}, ["gate-secrets"])
    (port,) = opa["ports"]
    probes = {opa[p]["httpGet"]["port"] for p in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert (probes, port["containerPort"], opa["restartPolicy"]) == ({"health"}, 8282, "Always")
    policy, labels = kubernetes("NetworkPolicy")["spec"], kubernetes("Deployment")["spec"]["template"]["metadata"]
    assert policy["podSelector"]["matchLabels"] == kubernetes("Deployment")["spec"]["selector"]["matchLabels"]
    assert policy["podSelector"]["matchLabels"] == labels["labels"]
    assert [p["port"] for rule in policy["ingress"] for p in rule["ports"]] == [8282]
    assert {c["securityContext"]["allowPrivilegeEscalation"] for c in (opa, gate)} == {False}
    assert pod()["securityContext"]["runAsNonRoot"]


def test_composes_parts_hold_together() -> None:
    services = COMPOSE["services"]
    assert services["gate"]["network_mode"] == "service:opa"
    assert "ports" not in services["opa"]
    assert {s for service in services.values() for s in service["secrets"]} == COMPOSE["secrets"].keys()
    assert "gate-token" not in services["opa"]["secrets"]
    (kept,) = [v["source"] for v in services["opa"]["volumes"] if v["type"] == "volume"]
    assert kept in COMPOSE["volumes"]

"""Small policies, built by the real OPA, and engines on them."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sidecars import Server, opa_server

from bspec_opa.engine.embedded import EmbeddedEngine
from bspec_opa.engine.managed import ManagedEngine
from bspec_opa.engine.rest import RestEngine
from bspec_opa.foundation.digest import ZERO_DIGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ASSETS = Path(__file__).parent / "assets"
DATA: dict[str, Any] = {
    "bspec": {
        "build": {"revision": "r1", "data_digest": "d1"},
        "org": {"environments": ["staging", "production"]},
    }
}


@pytest.fixture
def gate_data() -> dict[str, Any]:
    """The data of the gate of ``assets``."""
    return DATA


@pytest.fixture(scope="session")
def modules(opa_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """The ``policy.wasm`` of a policy in ``assets``, by name."""
    directory = tmp_path_factory.mktemp("modules")
    built: dict[str, bytes] = {}

    def module(name: str) -> bytes:
        if name not in built:
            target = directory / f"{name}.tar.gz"
            command = [str(opa_path), "build", "-t", "wasm", "-e", "bspec/gate/decision", "-o", str(target), "-b", "."]
            subprocess.run(command, env={}, cwd=ASSETS / name, check=True, capture_output=True)
            with tarfile.open(target) as archive:
                member = archive.extractfile("/policy.wasm")
                assert member is not None
                built[name] = member.read()
        return built[name]

    return module


@pytest.fixture(scope="session")
def gate_bundle(opa_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The gate of ``assets`` as a bundle for an OPA server."""
    target = tmp_path_factory.mktemp("bundle") / "gate.tar.gz"
    command = [str(opa_path), "build", "-b", ".", "-r", "r1", "-o", str(target)]
    subprocess.run(command, env={}, cwd=ASSETS / "gate", check=True, capture_output=True)
    return target


@pytest.fixture(scope="session")
def opa_urls(opa_path: Path, gate_bundle: Path) -> Iterator[tuple[str, str]]:
    """A running OPA with that bundle: its TCP and its socket URL."""
    with opa_server(opa_path, gate_bundle) as urls:
        yield urls


@pytest.fixture(scope="session")
def start_managed(opa_path: Path, gate_bundle: Path) -> Callable[..., ManagedEngine]:
    """Starts the managed engine on the gate of ``assets``, or on what it is told to."""

    def start(opa: Path = opa_path, archive: bytes | None = None, **named: Any) -> ManagedEngine:
        facts = {"revision": "r1", "bundle_digest": ZERO_DIGEST, "environ": os.environ} | named
        return ManagedEngine(opa, gate_bundle.read_bytes() if archive is None else archive, **facts)

    return start


@pytest.fixture
def gate(modules: Callable[[str], bytes]) -> Iterator[EmbeddedEngine]:
    """The embedded engine on the gate of ``assets``."""
    with EmbeddedEngine(modules("gate"), DATA, revision="r1", bundle_digest=ZERO_DIGEST) as engine:
        yield engine


@pytest.fixture(scope="session")
def shared_engines(
    modules: Callable[[str], bytes], opa_urls: tuple[str, str], start_managed: Callable[..., ManagedEngine]
) -> Iterator[dict[str, EmbeddedEngine | RestEngine | ManagedEngine]]:
    """One engine of each kind and transport, all on the gate of ``assets``."""
    with (
        EmbeddedEngine(modules("gate"), DATA, revision="r1", bundle_digest=ZERO_DIGEST) as embedded,
        RestEngine(opa_urls[0], revision="r1") as tcp,
        RestEngine(opa_urls[1], revision="r1") as unix,
        start_managed() as managed,
    ):
        yield {"embedded": embedded, "tcp": tcp, "unix": unix, "managed": managed}


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers that misbehave; closes them at the end."""
    servers: list[Server] = []

    def start(*arguments: Any, **named: Any) -> Server:
        servers.append(Server(*arguments, **named))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def request_document() -> dict[str, Any]:
    """A request with one tool that the gate denies."""
    tools = [{"id": "shell", "privilege": "admin", "path": "/tools/0"}]
    document: dict[str, Any] = {"nonce": "n1", "environment": "staging", "tools": tools}
    return json.loads(json.dumps(document))  # type: ignore[no-any-return]

"""Serving bundles until a signal comes: what was asked for is checked, then sockets, files and signals meet."""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bspec_opa.bundle.serving.address import ListenAt, parse_listen
from bspec_opa.bundle.serving.edition import accept_all
from bspec_opa.bundle.serving.limits import SPARE_DESCRIPTORS, Limits
from bspec_opa.bundle.serving.names import check_directory, parse_named
from bspec_opa.bundle.serving.reasons import BAD_CREDENTIALS, NOT_INSTALLED, NOTHING
from bspec_opa.bundle.serving.settings import Settings
from bspec_opa.bundle.serving.tls import TlsFiles

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from bspec_opa.bundle.serving.edition import Check, Edition
    from bspec_opa.bundle.serving.log import Log
    from bspec_opa.bundle.serving.memory import Memory
    from bspec_opa.bundle.serving.server import Server

COLLECT_AFTER = (700, 10, 10)
"""Python's own thresholds: a server lives longer than a command, which need not look for garbage."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says; see ``bundle serve --help``."""

    bundles: Sequence[str]
    directory: Path | None = None
    listen: str = "127.0.0.1:0"
    diagnostic_listen: str | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    client_ca: Path | None = None
    token_file: Path | None = None
    interval_s: float = 1.0
    max_wait_s: int = 300
    max_connections: int = 1024
    require_key: Sequence[Path] = ()
    scope: str | None = None
    minimum_sequence: int = 1
    state: Path | None = None


@dataclass(frozen=True, slots=True)
class Serving:
    """What runs.

    Attributes:
        url: where sidecars ask.
        diagnostic_url: where health and metrics are, too; or "".
        client_certificates: whether clients have to show one.
        tokens: whether they have to show a token.
        signed_by: files of the keys, one of which must have signed what is served; empty if nobody has to.
        editions: what is current under each name.
        notes: what an operator should know.
    """

    url: str
    diagnostic_url: str
    client_certificates: bool
    tokens: bool
    signed_by: Sequence[str]
    editions: Mapping[str, Edition | None]
    notes: Sequence[str]


def serve_bundles(
    wanted: Wanted,
    *,
    started: Callable[[Serving], None],
    log: Log,
    clock: Callable[[], int],
) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP looks at the files at once.

    Args:
        wanted: what the command line says.
        started: told once, when clients are answered.
        log: gets one event for each thing that happens.
        clock: Unix seconds.

    Raises:
        BspecError: an address, name, key or file that can't be used; the optional libraries are not installed.
    """
    settings, at, beside = _settings(wanted, clock)
    _require_libraries()
    with _memory(wanted) as memory:
        _serve(replace(settings, memory=memory), at, beside, wanted, started=started, log=log, clock=clock)


@contextmanager
def _memory(wanted: Wanted) -> Iterator[Memory | None]:
    """What was served before: as far as this process knows, or a file; nothing where no signature is verified."""
    from bspec_opa.bundle.serving.memory import Memory, kept_in

    if wanted.state is None:
        yield Memory() if wanted.require_key else None
        return
    with kept_in(wanted.state) as memory:
        yield memory


def _serve(
    settings: Settings,
    at: ListenAt,
    beside: ListenAt | None,
    wanted: Wanted,
    *,
    started: Callable[[Serving], None],
    log: Log,
    clock: Callable[[], int],
) -> None:
    gc.set_threshold(*COLLECT_AFTER)
    from bspec_opa.bundle.serving.listening import bind
    from bspec_opa.bundle.serving.server import Server

    async def serve() -> None:
        with ExitStack() as stack:
            bound = stack.enter_context(bind(at.host, at.port))
            diagnostic = stack.enter_context(bind(beside.host, beside.port)) if beside else None
            server = Server(settings, log=log, clock=clock)
            _obey_signals(server)
            await server.load()
            urls = _url(at, bound, settings), _url(beside, diagnostic, None)
            started(_serving(server, settings, urls, wanted.require_key))
            await server.run(bound, diagnostic)

    asyncio.run(serve())


def _require_libraries() -> None:
    try:
        import aiohttp
        import prometheus_client
    except ImportError as e:
        raise NOT_INSTALLED.error(f"{e.name} is not installed", hint="pip install 'bspec-opa[serve]'") from e
    del aiohttp, prometheus_client


def _settings(wanted: Wanted, clock: Callable[[], int]) -> tuple[Settings, ListenAt, ListenAt | None]:
    """What was asked for, checked before anything is opened."""
    named = parse_named(wanted.bundles)
    if wanted.directory is not None:
        check_directory(wanted.directory)
    elif not named:
        raise NOTHING.error("no bundle is named", hint="give NAME=FILE, or --dir")
    at = parse_listen(wanted.listen)
    beside = parse_listen(wanted.diagnostic_listen) if wanted.diagnostic_listen else None
    tls = _tls(wanted)
    if wanted.token_file is not None and tls is None and not at.local:
        message = "tokens would cross the network in the clear"
        raise BAD_CREDENTIALS.error(message, hint="give --tls-cert, or listen on 127.0.0.1 behind a proxy that has one")
    settings = Settings(
        named=named,
        directory=wanted.directory,
        tls=tls,
        token_file=wanted.token_file,
        interval_s=wanted.interval_s,
        limits=Limits(connections=affordable(wanted.max_connections), wait_s=wanted.max_wait_s),
        check=_check(wanted, clock),
    )
    return settings, at, beside


def _check(wanted: Wanted, clock: Callable[[], int]) -> Check:
    """What a bundle has to be besides whole: signed, where somebody asks for it."""
    if not wanted.require_key:
        return accept_all
    from bspec_opa.workflow.bundles.signing import Demand, signed_as

    return signed_as(Demand(wanted.require_key, "", wanted.scope or "", wanted.minimum_sequence), clock)


def _tls(wanted: Wanted) -> TlsFiles | None:
    if wanted.tls_cert is not None:
        return TlsFiles(wanted.tls_cert, wanted.tls_key, wanted.client_ca)
    if wanted.tls_key is not None or wanted.client_ca is not None:
        raise BAD_CREDENTIALS.error("--tls-key and --client-ca need --tls-cert", hint="give --tls-cert")
    return None


def affordable(connections: int) -> int:
    """So many connections, or as many as this process may have files open; raises its own limit as far as it may.

    Twice as many files, since a TLS handshake that has not ended is no connection yet.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + SPARE_DESCRIPTORS
    if soft == resource.RLIM_INFINITY:
        return connections
    more = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if more > soft:
        with suppress(OSError, ValueError):  # macOS has a lower bound than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
            soft = more
    return max(1, min(connections, soft - SPARE_DESCRIPTORS))


def _obey_signals(server: Server) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    loop.add_signal_handler(signal.SIGHUP, server.look)


def _url(at: ListenAt | None, bound: socket.socket | None, settings: Settings | None) -> str:
    if at is None or bound is None:
        return ""
    scheme = "https" if settings is not None and settings.tls else "http"
    return f"{scheme}://{ListenAt(at.host, bound.getsockname()[1])}"


def _serving(server: Server, settings: Settings, urls: tuple[str, str], keys: Sequence[Path]) -> Serving:
    from bspec_opa.bundle.serving.secrets import exposed

    url, diagnostic_url = urls
    tls = settings.tls
    secrets = exposed(settings.token_file, (tls.key or tls.cert) if tls else None)
    notes = [f"{path} is a secret, and every user of this machine may read it" for path in secrets]
    if tls is None and not parse_listen(url.partition("//")[2]).local:
        notes.append("this is plain HTTP: anybody on the way can answer in its place; give --tls-cert")
    if not server.editions:
        notes.append("nothing is served yet: put a bundle's file below --dir")
    asks = tls is not None and tls.client_ca is not None
    tokens = settings.token_file is not None
    return Serving(url, diagnostic_url, asks, tokens, [str(k) for k in keys], server.editions, notes)

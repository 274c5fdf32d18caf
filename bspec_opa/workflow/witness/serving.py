"""Being a witness until a signal comes: what was asked for is checked, then key, state, socket and signals meet."""

from __future__ import annotations

import asyncio
import gc
import re
import signal
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.bundle.serving.address import ListenAt, parse_listen
from bspec_opa.bundle.serving.limits import Limits
from bspec_opa.bundle.serving.reasons import BAD_CREDENTIALS, NOT_INSTALLED
from bspec_opa.bundle.serving.secrets import Secrets, exposed
from bspec_opa.bundle.serving.tls import TlsFiles
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.ledger.checkpoint import ED25519
from bspec_opa.ledger.witness.cosignature import verifier_key
from bspec_opa.ledger.witness.reasons import BAD_SETTINGS
from bspec_opa.ledger.witness.state import begin_state, held_state
from bspec_opa.trust.keys import public_key_from_pem
from bspec_opa.trust.signers import open_signer
from bspec_opa.trust.witnesses import Witness
from bspec_opa.workflow.bundles.serving import COLLECT_AFTER, affordable
from bspec_opa.workflow.checkout.keys import PASSPHRASE, passphrase_bytes

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence

    from bspec_opa.ledger.checkpoint import Checkpoint
    from bspec_opa.ledger.witness.log import Log
    from bspec_opa.trust.keys import PublicKey
    from bspec_opa.trust.signers import Signer

MAX_LOGS = 100
_NAME = re.compile(r"[a-z0-9][a-z0-9._/-]{0,199}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says; see ``ledger witness --help``."""

    name: str
    key: str
    state: Path
    logs: Sequence[str]
    listen: str = "127.0.0.1:0"
    tls_cert: Path | None = None
    tls_key: Path | None = None
    client_ca: Path | None = None
    token_file: Path | None = None
    max_connections: int = 256


@dataclass(frozen=True, slots=True)
class Witnessing:
    """A witness as others have to know it.

    Attributes:
        witness: its name and public key.
        url: where it is asked; "" for one that was only begun.
        known: what it has cosigned last, by origin; None for a log that it has not seen yet.
        client_certificates: whether clients have to show one.
        tokens: whether they have to show a token.
        notes: what an operator should know.
    """

    witness: Witness
    url: str
    known: Mapping[str, Checkpoint | None]
    client_certificates: bool
    tokens: bool
    notes: Sequence[str]

    @property
    def vkey(self) -> str:
        """The witness's key as other programs take it."""
        return verifier_key(self.witness)


def begin_witness(wanted: Wanted, environ: Mapping[str, str]) -> Witnessing:
    """Make the empty state of a new witness; nothing is listened on.

    Raises:
        BspecError: the name or key can't be used, or there is a state already.
    """
    witness, _ = _identity(wanted, environ)
    begin_state(wanted.state, witness)
    return Witnessing(witness, "", {}, client_certificates=False, tokens=False, notes=())


def serve_witness(
    wanted: Wanted,
    environ: Mapping[str, str],
    *,
    started: Callable[[Witnessing], None],
    log: Log,
    clock: Callable[[], int],
) -> None:
    """Answer until SIGTERM or SIGINT.

    Args:
        wanted: what the command line says.
        environ: for ``envvar:`` keys and the passphrase.
        started: told once, when clients are answered.
        log: gets one event for each thing that happens.
        clock: Unix seconds.

    Raises:
        BspecError: an address, name, key, log, state or file that can't be used; the optional libraries are missing.
    """
    logs = _logs(wanted.logs)
    at, tls = _listening(wanted)
    witness, signer = _identity(wanted, environ)
    _require_libraries()
    gc.set_threshold(*COLLECT_AFTER)
    from bspec_opa.bundle.serving.listening import bind
    from bspec_opa.ledger.witness.answers import Answers
    from bspec_opa.ledger.witness.metrics import Metrics
    from bspec_opa.ledger.witness.server import Server

    async def serve() -> None:
        with ExitStack() as stack:
            state = stack.enter_context(held_state(wanted.state, witness))
            bound = stack.enter_context(bind(at.host, at.port))
            answers = Answers(witness, signer, logs, state, Metrics(), log, clock)
            server = Server(answers, Secrets(tls, wanted.token_file), Limits(affordable(wanted.max_connections)))
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, server.stop)
            await server.open(bound)
            started(_witnessing(wanted, witness, (at, bound, tls), {o: state.known.get(o) for o in logs}))
            await server.run()

    asyncio.run(serve())


def _identity(wanted: Wanted, environ: Mapping[str, str]) -> tuple[Witness, Signer]:
    if not _NAME.fullmatch(wanted.name):
        hint = "write it like witness.example/w1: lower-case letters, digits, dot, dash, underscore and slash"
        raise BAD_SETTINGS.error(f"{wanted.name[:60]!r} is no witness's name", hint=hint)
    signer = open_signer(wanted.key, environ=environ, passphrase=passphrase_bytes(environ.get(PASSPHRASE)))
    if signer.public.algorithm != ED25519:
        raise BAD_SETTINGS.error("a witness's key must be Ed25519", hint="make one with bspec-opa key generate")
    return Witness(wanted.name, signer.public), signer


def _logs(texts: Sequence[str]) -> dict[str, list[PublicKey]]:
    """Keys by origin; one that is named again has several, as in a rotation."""
    found: dict[str, list[PublicKey]] = {}
    for text in texts:
        origin, separator, file = text.partition("=")
        if not separator or not _NAME.fullmatch(origin) or not file:
            hint = "write ORIGIN=FILE: the ledger's origin as trust show prints it, and its public key"
            raise BAD_SETTINGS.error(f"{text[:80]!r} names no log", hint=hint)
        key = public_key_from_pem(read_bounded(Path(file), MAX_DOCUMENT_BYTES), file)
        if key.algorithm != ED25519:
            raise BAD_SETTINGS.error(f"the key of {origin} is not Ed25519", hint="checkpoints have no other kind")
        found.setdefault(origin, []).append(key)
    if not 0 < len(found) <= MAX_LOGS:
        raise BAD_SETTINGS.error(f"a witness needs 1 to {MAX_LOGS} logs", hint="give --log ORIGIN=FILE")
    return found


def _listening(wanted: Wanted) -> tuple[ListenAt, TlsFiles | None]:
    at = parse_listen(wanted.listen)
    tls = TlsFiles(wanted.tls_cert, wanted.tls_key, wanted.client_ca) if wanted.tls_cert is not None else None
    if tls is None and (wanted.tls_key is not None or wanted.client_ca is not None):
        raise BAD_CREDENTIALS.error("--tls-key and --client-ca need --tls-cert", hint="give --tls-cert")
    if wanted.token_file is not None and tls is None and not at.local:
        message = "tokens would cross the network in the clear"
        raise BAD_CREDENTIALS.error(message, hint="give --tls-cert, or listen on 127.0.0.1 behind a proxy that has one")
    return at, tls


def _require_libraries() -> None:
    try:
        import aiohttp
        import prometheus_client
    except ImportError as e:
        raise NOT_INSTALLED.error(f"{e.name} is not installed", hint="pip install 'bspec-opa[serve]'") from e
    del aiohttp, prometheus_client


def _witnessing(
    wanted: Wanted,
    witness: Witness,
    where: tuple[ListenAt, socket.socket, TlsFiles | None],
    known: Mapping[str, Checkpoint | None],
) -> Witnessing:
    at, bound, tls = where
    url = f"{'https' if tls else 'http'}://{ListenAt(at.host, bound.getsockname()[1])}"
    secrets = exposed(wanted.token_file, (tls.key or tls.cert) if tls else None)
    notes = [f"{path} is a secret, and every user of this machine may read it" for path in secrets]
    asks = tls is not None and tls.client_ca is not None
    return Witnessing(witness, url, known, asks, wanted.token_file is not None, notes)

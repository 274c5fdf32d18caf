"""Asks witnesses for cosignatures over HTTP. Nothing is sent but the checkpoint and a proof of hashes.

Whoever answers is believed nothing: a cosignature counts if a key of the trust root made it over exactly this
checkpoint, at a time that this machine's clock agrees with. Whatever else a witness says only explains why its
cosignature is missing. All witnesses are asked at once, each within its own deadline.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from bspec_opa.engine.address import parse_address
from bspec_opa.engine.credentials import Credentials, check_use, read_token, tls_context
from bspec_opa.engine.transport import Transport
from bspec_opa.foundation.errors import BspecError, EngineError
from bspec_opa.foundation.times import format_time
from bspec_opa.ledger.witness.quorum import Cosigned, cosignatures
from bspec_opa.ledger.witness.reasons import BAD_ANSWER, BAD_SETTINGS, CLOCK, OTHER_HISTORY, REFUSED, UNREACHABLE
from bspec_opa.ledger.witness.request import (
    MAX_ANSWER_BYTES,
    PATH,
    SIZE_TYPE,
    AddCheckpoint,
    parse_cosignatures,
    parse_size,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bspec_opa.engine.transport import Reply
    from bspec_opa.foundation.errors import Problem
    from bspec_opa.ledger.checkpoint import Checkpoint
    from bspec_opa.trust.witnesses import Witness
    from bspec_opa.workflow.checkout.config import Config

URLS, TOKEN_FILE = "witness.urls", "witness.token_file"
TLS = ("witness.ca", "witness.cert", "witness.key")
DEADLINE_S = 10.0
"""For one exchange with a witness, connection included."""
ROUNDS = 5
"""Exchanges with one witness: the first learns what it knows; more are needed where others ask it meanwhile."""
_SAYS = {
    HTTPStatus.NOT_FOUND: "does not witness this ledger, or is no witness",
    HTTPStatus.FORBIDDEN: "knows this ledger under other keys",
    HTTPStatus.UNAUTHORIZED: "demands another token",
}


@dataclass(frozen=True, slots=True)
class Head:
    """What is to be cosigned.

    Attributes:
        checkpoint: signed by the ledger.
        proof: that it goes on from a size.
        members: witnesses whose keys are not revoked.
        skew_s: how far a witness's clock may be from ours, in seconds.
    """

    checkpoint: Checkpoint
    proof: Callable[[int], tuple[bytes, ...]]
    members: Sequence[Witness]
    skew_s: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of asking at one URL.

    Attributes:
        url: where.
        cosigned: what counts.
        problem: why nothing does; None if something does.
        knows: how many entries the witness says that it has seen, if that is more than there are here; else 0.
    """

    url: str
    cosigned: tuple[Cosigned, ...] = ()
    problem: Problem | None = None
    knows: int = 0


class _AheadError(Exception):
    """The witness says that it has seen more entries than there are here."""

    def __init__(self, knows: int, error: BspecError) -> None:
        super().__init__()
        self.knows, self.error = knows, error


def ask_all(config: Config, head: Head, clock: Callable[[], int]) -> tuple[Answer, ...]:
    """Ask every configured witness, each once.

    Args:
        config: says where they are.
        head: what is to be cosigned.
        clock: Unix seconds.

    Raises:
        UsageError: a URL, authority or token file that can't be used; nothing was sent.
    """
    urls = list(dict.fromkeys(config.texts(URLS)))
    witnesses = [_Asked(url, config) for url in urls]
    with ThreadPoolExecutor(max_workers=max(1, len(witnesses))) as threads:
        return tuple(threads.map(lambda w: w.ask(head, clock), witnesses))


class _Asked:
    """One witness."""

    def __init__(self, url: str, config: Config) -> None:
        if config.path(TOKEN_FILE) is not None and URLS in config.from_checkout:
            hint = "give --witness or BSPEC_OPA_WITNESS_URLS: a checkout must not say who gets the token"
            raise BAD_SETTINGS.error("witness.token_file is not sent where bspec-opa.toml says", hint=hint)
        try:
            address = parse_address(url)
            # Of several witnesses one may be on this machine, without TLS.
            ca, cert, key = (config.path(k) if address.scheme == "https" else None for k in TLS)
            credentials = Credentials(ca, cert, key, config.path(TOKEN_FILE))
            check_use(credentials, address)
            self._headers = {"Content-Type": "text/plain", "Accept": "text/plain"}
            if credentials.token_file is not None:
                self._headers["Authorization"] = f"Bearer {read_token(credentials.token_file)}"
            context = tls_context(credentials) if address.scheme == "https" else None
        except BspecError as e:
            problem = e.problems[0]
            raise BAD_SETTINGS.error(_ours(problem.message), hint=_ours(problem.hint), at=problem.location) from None
        self.url = str(address)
        self._transport = Transport(
            address, context=context, deadline_s=DEADLINE_S, reply_bytes=MAX_ANSWER_BYTES, credentials=credentials
        )

    def ask(self, head: Head, clock: Callable[[], int]) -> Answer:
        try:
            return Answer(self.url, self._rounds(head, clock))
        except _AheadError as e:
            return Answer(self.url, problem=e.error.problems[0], knows=e.knows)
        except EngineError as e:
            message = f"no cosignature: {_ours(e.problems[0].message)}"
            return Answer(self.url, problem=UNREACHABLE.problem(message, hint="see whether the witness runs there"))
        except BspecError as e:
            return Answer(self.url, problem=e.problems[0])
        finally:
            self._transport.close()

    def _rounds(self, head: Head, clock: Callable[[], int]) -> tuple[Cosigned, ...]:
        # Where somebody has cosigned this very tree, it is likely to be whom we ask again.
        old = head.checkpoint.size if cosignatures(head.checkpoint, head.members) else 0
        for _ in range(ROUNDS):
            request = AddCheckpoint(old, head.proof(old), head.checkpoint)
            reply = self._transport.post(PATH, request.to_bytes(), self._headers)
            if reply.status == HTTPStatus.OK:
                return self._counted(reply, head, clock())
            old = self._known(reply, head.checkpoint, old)
        raise UNREACHABLE.error(f"{self.url} cosigned others {ROUNDS} times in the meantime", hint="run it again")

    def _known(self, reply: Reply, checkpoint: Checkpoint, old: int) -> int:
        """The size that the witness wants a proof from."""
        if reply.status != HTTPStatus.CONFLICT:
            raise self._refused(reply.status)
        size = self._size(reply)
        if size == old:
            raise OTHER_HISTORY.error(f"{self.url} has seen another history of the ledger's {size} entries")
        if size > checkpoint.size:
            message = f"{self.url} has seen {size} entries of this ledger, and here are {checkpoint.size}"
            raise _AheadError(size, OTHER_HISTORY.error(message, hint="an old copy was put back; restore the newest"))
        return size

    def _size(self, reply: Reply) -> int:
        try:
            if reply.media_type == SIZE_TYPE:
                return parse_size(reply.body)
        except ValueError:
            pass
        raise BAD_ANSWER.error(f"{self.url} says that it knows another size, and not which")

    def _refused(self, status: int) -> BspecError:
        if status == HTTPStatus.UNPROCESSABLE_ENTITY:
            return OTHER_HISTORY.error(f"{self.url} has seen a history that this ledger does not go on from")
        if status in _SAYS:
            return REFUSED.error(f"{self.url} {_SAYS[HTTPStatus(status)]}")
        return BAD_ANSWER.error(f"{self.url} answered with HTTP status {status}")

    def _counted(self, reply: Reply, head: Head, now: int) -> tuple[Cosigned, ...]:
        """The cosignatures of known witnesses that were made just now."""
        try:
            lines = parse_cosignatures(reply.body)
        except ValueError:
            raise BAD_ANSWER.error(f"{self.url} answered with something else than cosignatures") from None
        bare = head.checkpoint
        found = cosignatures(type(bare)(bare.origin, bare.size, bare.root, lines), head.members)
        if not found:
            raise BAD_ANSWER.error(f"{self.url} has not cosigned with a key that the trust root knows as a witness's")
        timely = tuple(c for c in found if abs(c.at - now) <= head.skew_s)
        if not timely:
            times = f"it is {format_time(now)} here, and {format_time(found[0].at)} at {self.url}"
            raise CLOCK.error(times, hint="set the clock that is wrong, or see who answers with old cosignatures")
        return timely


def _ours(text: str) -> str:
    """The engines' words for what is the same here, under the names that it has here."""
    return text.replace("the engine URL", "a witness's URL").replace("engine.", "witness.")

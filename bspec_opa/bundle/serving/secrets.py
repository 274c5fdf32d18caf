"""Certificate and tokens of a running server: what was renewed is taken, what can't be used changes nothing."""

from __future__ import annotations

import stat
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bspec_opa.bundle.serving.tokens import MAX_TOKEN_FILE_BYTES, parse_tokens
from bspec_opa.bundle.serving.watch import Watched
from bspec_opa.foundation.errors import BspecError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path

    from bspec_opa.bundle.serving.tls import TlsFiles
    from bspec_opa.bundle.serving.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Renewal:
    """What became of a file that has changed."""

    kind: Literal["renewed", "not-renewed"]
    file: str
    code: str = ""
    message: str = ""


class Secrets:
    """What the server proves itself with, and whom it lets in.

    Attributes:
        context: for new connections; None for plain HTTP.
        tokens: who is let in; None for everybody.
    """

    def __init__(self, tls: TlsFiles | None, token_file: Path | None) -> None:
        self.context: ssl.SSLContext | None = None
        self.tokens: Tokens | None = None
        self._tls = tls
        self._seen: tuple[bytes, ...] = ()
        self._taken: ssl.SSLContext | None = None
        self._token_file = Watched(token_file, MAX_TOKEN_FILE_BYTES, time.time_ns) if token_file else None
        self._trouble: dict[str, str] = {}

    def first(self) -> Tokens | None:
        """Read everything for the first time.

        Raises:
            UsageError: a file can't be used.
        """
        if self._tls is not None:
            self._seen = self._tls.read()
            self.context = self._taken = self._tls.context()
        self._look_at_tokens()
        return self.tokens

    def take_context(self) -> bool:
        """Whether there is another context than when this was last asked."""
        before, self._taken = self._taken, self.context
        return before is not self.context

    def look(self) -> list[Renewal]:
        """Look at the files again; one entry for each thing that is new, be it good or bad."""
        found = []
        if self._tls is not None:
            found.append(self._attempt(str(self._tls.cert), self._look_at_tls))
        if self._token_file is not None:
            found.append(self._attempt(str(self._token_file.path), self._look_at_tokens))
        return [renewal for renewal in found if renewal is not None]

    def _attempt(self, file: str, look: Callable[[], bool]) -> Renewal | None:
        try:
            renewed = look()
        except BspecError as e:
            if self._trouble.get(file) == str(e):
                return None
            self._trouble[file] = str(e)
            return Renewal("not-renewed", file, e.code, e.problems[0].message)
        self._trouble.pop(file, None)
        return Renewal("renewed", file) if renewed else None

    def _look_at_tls(self) -> bool:
        """Whether there is a new certificate, key or authority that can be used."""
        assert self._tls is not None  # noqa: S101 - whoever calls has asked
        now = self._tls.read()
        if now == self._seen:
            return False
        context = self._tls.context()
        if self._tls.read() != now:
            return False  # They are being replaced one after the other: the next look has all of them.
        self._seen, self.context = now, context
        return True

    def _look_at_tokens(self) -> bool:
        """Whether there are other tokens."""
        data = self._token_file.look() if self._token_file is not None else None
        if self._token_file is None or data is None:
            return False
        self.tokens = parse_tokens(data, self._token_file.path)
        return True


def exposed(*secrets: Path | None) -> list[Path]:
    """Which of the files every user of this machine may read. They are used all the same, and it is said."""
    return [p for p in secrets if p is not None and p.exists() and p.stat().st_mode & stat.S_IROTH]

"""Calls git: an argument list, no shell of ours, a clean environment, and one deadline for a whole operation.

Git runs programs that configuration names: hooks, filters, helpers. So it never runs in a checkout, and works on a bare
repository of our own with settings of our own. What the user has configured for himself stays, for that is where
credentials are; the system's configuration is left out. A repository that is reached as a file would run its hooks as
this user, and is told not to.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from bspec_opa.foundation.errors import Location
from bspec_opa.ledger.git.reasons import GIT_FAILED, GIT_MISSING
from bspec_opa.ledger.git.url import FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bspec_opa.ledger.git.url import GitUrl

DEADLINE_S = 60.0
_KEPT = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL"),
    *("SSH_AUTH_SOCK", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS"),
    *("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)
_OURS = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ADVICE": "0",
    "LC_ALL": "C",
}
_ASK_NOBODY = "ssh -o BatchMode=yes"
# Nothing that is configured elsewhere runs, signs, follows or cleans up.
_NO_PROGRAMS = ("core.hooksPath=/dev/null", "core.alternateRefsCommand=true", "core.fsmonitor=false", "gc.auto=0")
_SETTINGS = (
    *_NO_PROGRAMS,
    *("maintenance.auto=false", "http.followRedirects=false", "fetch.fsckObjects=true", "fetch.recurseSubmodules=no"),
    *("push.gpgSign=false", "push.followTags=false", "push.recurseSubmodules=no", "transfer.credentialsInUrl=die"),
)
# What a repository that is a file must not do in our name: run its hooks, or check out what was pushed, with filters.
_SERVING = (*_NO_PROGRAMS, "receive.autogc=false", "receive.denyCurrentBranch=refuse")
_SERVED = "git " + " ".join(f"-c {s}" for s in _SERVING)
_MAX_SAID = 400


class Said(NamedTuple):
    """How a call ended: exit code, standard output, and what it said."""

    code: int
    out: bytes
    message: str


@dataclass(slots=True)
class Git:
    """Git on one bare repository, for one operation.

    Attributes:
        url: what it is called for.
        directory: the repository, and where it runs.
        environ: the process's environment.
        deadline_s: for all calls together, in seconds.
    """

    url: GitUrl
    directory: Path
    environ: Mapping[str, str]
    deadline_s: float = DEADLINE_S
    _until: float = field(init=False)

    def __post_init__(self) -> None:
        self._until = time.monotonic() + self.deadline_s

    def call(self, *arguments: str, data: bytes = b"") -> Said:
        """Run a command and wait; whatever it started ends with it.

        Raises:
            UsageError: there is no git.
            StoreError: it takes too long.
        """
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        command = [self._program(), "--git-dir", str(self.directory), *settings, *arguments]
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.directory,
            env=self._environment(),
            start_new_session=True,
        ) as process:
            try:
                out, said = process.communicate(data, timeout=max(0.0, self._until - time.monotonic()))
            except BaseException as e:  # an interrupt, too: whatever git has started ends with it
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                if isinstance(e, subprocess.TimeoutExpired):
                    message = f"git {arguments[0]} took longer than the {self.deadline_s:g} s that there are"
                    raise GIT_FAILED.error(message, at=self.at) from e
                raise
        return Said(process.returncode, out, _last_words(said))

    def done(self, *arguments: str, data: bytes = b"") -> bytes:
        """As :meth:`call`, where anything but success is an error; returns the standard output.

        Raises:
            StoreError: it failed; git's own words follow.
        """
        said = self.call(*arguments, data=data)
        if said.code:
            raise GIT_FAILED.error(f"git {arguments[0]}: {said.message}", at=self.at)
        return said.out

    @property
    def at(self) -> Location:
        """The place that errors name."""
        return Location(self.url.shown)

    def serving(self, program: str) -> tuple[str, ...]:
        """The option that keeps a repository that is a file from running anything of its own."""
        return (f"--{program}={_SERVED} {program}",) if self.url.transport == FILE else ()

    def _environment(self) -> dict[str, str]:
        kept = {name: self.environ[name] for name in _KEPT if name in self.environ}
        kept.setdefault("PATH", os.defpath)
        if "GIT_SSH" not in kept:
            kept.setdefault("GIT_SSH_COMMAND", _ASK_NOBODY)
        return {**kept, **_OURS, "GIT_ALLOW_PROTOCOL": self.url.transport}

    def _program(self) -> str:
        found = shutil.which("git", path=self.environ.get("PATH", os.defpath))
        if found is None:
            raise GIT_MISSING.error("there is no git", at=self.at)
        return found


def _last_words(said: bytes) -> str:
    """What git says of a failure, on one line."""
    text = said.decode("utf-8", "replace")
    lines = [x.strip() for x in text.replace("\r", "\n").splitlines()]
    telling = [x for x in lines if x and not x.startswith(("hint:", "To ", "Done"))]
    return "; ".join(telling)[:_MAX_SAID] or "it said nothing"

"""The one trust anchor: the pin, and the trust root that is walked from it.

The pin comes from ``--trust-pin``, ``BSPEC_OPA_TRUST_PIN`` or the user's or the system's configuration directory,
never from the checkout. Without it the root in ``.bspec/trust`` is read unauthenticated, and without that the
built-in starter root is taken: good enough for advice, never for a promotion.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.foundation.digest import Digest, is_digest
from bspec_opa.foundation.files import is_regular, read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.trust.reasons import NO_ROOT
from bspec_opa.trust.root import read_unauthenticated, require_current
from bspec_opa.trust.starter import starter_root
from bspec_opa.trust.walk import walk
from bspec_opa.workflow.reasons import PIN_FORM, PIN_MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bspec_opa.trust.root import AcceptedBundle, TrustRoot
    from bspec_opa.workflow.checkout.project import Project

VARIABLE = "BSPEC_OPA_TRUST_PIN"
SYSTEM_FILE = Path("/etc/bspec-opa/trust-pin")
_MAX_PIN_BYTES = 200


@dataclass(frozen=True, slots=True)
class Anchor:
    """The trust root in force.

    Attributes:
        roots: every version from the pin on; the last is in force.
        authenticated: whether the walk began at a pin.
        starter: whether this is only the built-in starter root.
        notes: what was not checked, one line each.
    """

    roots: tuple[TrustRoot, ...]
    authenticated: bool
    starter: bool
    notes: tuple[str, ...]

    @property
    def root(self) -> TrustRoot:
        """The root in force."""
        return self.roots[-1]


def find_pin(flag: str | None, environ: Mapping[str, str]) -> Digest | None:
    """The pin, wherever it may come from.

    Raises:
        UsageError: it is no digest.
    """
    for text, origin in _candidates(flag, environ):
        if text is not None:
            if not is_digest(text.strip()):
                raise PIN_FORM.error(f"the pin from {origin} is no digest", hint="copy it whole: sha256:…")
            return Digest(text.strip())
    return None


def _candidates(flag: str | None, environ: Mapping[str, str]) -> Iterator[tuple[str | None, str]]:
    yield flag, "--trust-pin"
    yield environ.get(VARIABLE) or None, VARIABLE
    for path in (*_user_files(environ), SYSTEM_FILE):
        if is_regular(path):
            yield read_bounded(path, _MAX_PIN_BYTES).decode("ascii", "replace"), str(path)


def _user_files(environ: Mapping[str, str]) -> list[Path]:
    """The user's own pin; a relative directory could lie in the checkout and is ignored (XDG base directories)."""
    configured, home = (Path(environ.get(name, "")) for name in ("XDG_CONFIG_HOME", "HOME"))
    directories = [configured] if configured.is_absolute() else [home / ".config"] if home.is_absolute() else []
    return [d / "bspec-opa" / "trust-pin" for d in directories]


def require_pin(pin: Digest | None) -> Digest:
    """The pin, for commands that decide or verify.

    Raises:
        TrustError: there is none.
    """
    if pin is None:
        raise PIN_MISSING.error(
            "no trust pin", hint=f"give --trust-pin or set {VARIABLE}; bspec-opa trust init printed it"
        )
    return pin


def open_anchor(project: Project, pin: Digest | None, now: int, shipped: AcceptedBundle | None = None) -> Anchor:
    """The trust root of a project.

    Args:
        project: holds the versions in ``.bspec/trust``.
        pin: the digest of version 1; without it nothing is authenticated.
        now: Unix seconds.
        shipped: the bundle that the starter root accepts, where there may be no pin.

    Raises:
        TrustError: a pin was given and the walk from it fails, or the root has expired.
    """
    envelopes = [read_bounded(p, MAX_DOCUMENT_BYTES) for p in project.trust_files()]
    if pin is not None:
        if not envelopes:
            raise NO_ROOT.error(
                f"no trust root in {project.trust_directory}", hint="run bspec-opa trust init, or check the root out"
            )
        roots = walk(pin, envelopes, [str(p) for p in project.trust_files()])
        require_current(roots[-1], now)
        return Anchor(roots, authenticated=True, starter=False, notes=())
    if envelopes:
        roots = tuple(read_unauthenticated(e) for e in envelopes)
        return Anchor(
            roots, authenticated=False, starter=False, notes=("no trust pin: the trust root is not verified",)
        )
    notes = ("no trust pin and no trust root: the built-in starter root was taken",)
    return Anchor((starter_root([shipped] if shipped else []),), authenticated=False, starter=True, notes=notes)

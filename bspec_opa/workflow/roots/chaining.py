"""The whole chain of trust roots, verified step by step as a newcomer would, and told version by version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES
from bspec_opa.trust.difference import differences
from bspec_opa.trust.dsse import parse_envelope
from bspec_opa.trust.quorum import quorum_of
from bspec_opa.trust.reasons import NO_ROOT
from bspec_opa.trust.root import read_unauthenticated, require_current
from bspec_opa.trust.walk import walk
from bspec_opa.workflow.checkout.anchor import find_pin, require_pin
from bspec_opa.workflow.checkout.memory import check_roots, remember_roots
from bspec_opa.workflow.checkout.project import find_project

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.trust.difference import Difference
    from bspec_opa.trust.quorum import Quorum
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.checkout.world import World


@dataclass(frozen=True, slots=True)
class Link:
    """One version of the chain.

    Attributes:
        root: what it says.
        file: where it was read.
        quorums: whose thresholds it met, and by whom: the version before and its own.
        differences: what it changed.
    """

    root: TrustRoot
    file: Path
    quorums: tuple[Quorum, ...]
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain that holds: every version, the pin that it was walked from, and what was not checked."""

    links: tuple[Link, ...]
    pin: Digest
    notes: tuple[str, ...]

    @property
    def root(self) -> TrustRoot:
        """The version in force."""
        return self.links[-1].root


def verify_chain(files: Sequence[Path], directory: Path, world: World) -> Chain:
    """Walk from the pin to the newest version, which must hold now and be no older than what was seen before.

    Args:
        files: the whole chain if version 1 is among them; otherwise versions that follow the project's. The
            project's own are taken without any.
        directory: the project.
        world: environment, time and pin.

    Raises:
        TrustError: no pin, a rule of the chain is broken, the newest version has expired, or a newer or another one
            was seen before.
    """
    pin = require_pin(find_pin(world.pin, world.environ))
    chain = _files(files, directory, world)
    envelopes = [read_bounded(f, MAX_DOCUMENT_BYTES) for f in chain]
    roots = walk(pin, envelopes, [str(f) for f in chain])
    notes = check_roots(roots, world.environ)
    require_current(roots[-1], world.now)
    if not files:  # a version that isn't in place yet must not make the one in force an old one
        remember_roots(roots, world.environ)
    return Chain(tuple(_links(roots, chain, envelopes)), pin, notes)


def _files(files: Sequence[Path], directory: Path, world: World) -> list[Path]:
    project = find_project(directory, world.environ, world.flags)
    own = list(project.trust_files())
    numbered = sorted((read_unauthenticated(read_bounded(f, MAX_DOCUMENT_BYTES), str(f)).version, f) for f in files)
    if numbered and numbered[0][0] > 1:
        found = [*own[: numbered[0][0] - 1], *(f for _, f in numbered)]
    else:
        found = [f for _, f in numbered] or own
    if not found:
        raise NO_ROOT.error(f"no trust root in {project.trust_directory}", hint="run bspec-opa trust init")
    return found


def _links(roots: Sequence[TrustRoot], files: Sequence[Path], envelopes: Sequence[bytes]) -> list[Link]:
    links = []
    for n, (root, file, data) in enumerate(zip(roots, files, envelopes, strict=True)):
        keyids = [s.keyid for s in parse_envelope(data, str(file)).signatures]
        judges = roots[max(0, n - 1) : n + 1]
        quorums = tuple(quorum_of(judge, keyids) for judge in judges)
        links.append(Link(root, file, quorums, differences(roots[n - 1] if n else None, root)))
    return links

"""Writes an evidence pack, and verifies one offline with nothing but the pin from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from bspec_opa import __version__
from bspec_opa.foundation.document.load import parse_json
from bspec_opa.foundation.errors import Location, error_of
from bspec_opa.foundation.files import exists, is_directory, make_directory, read_bounded, write_new
from bspec_opa.foundation.limits import MAX_IMPORT_BYTES, MAX_LEDGER_BYTES
from bspec_opa.foundation.times import format_time
from bspec_opa.ledger.interface import require_clock, require_descent
from bspec_opa.trust.dsse import parse_envelope
from bspec_opa.trust.walk import walk
from bspec_opa.workflow.audit.examining import NotingObjects, Record, examine
from bspec_opa.workflow.audit.folder import HINT, Manifest, altered, read_folder, require_bounded
from bspec_opa.workflow.audit.keys import key_notes
from bspec_opa.workflow.audit.opening import Opened, open_record
from bspec_opa.workflow.audit.pack import (
    CHECKPOINT,
    INDEX,
    LEDGER,
    LOG,
    MANIFEST,
    OBJECTS,
    SCHEMA_DIRECTORY,
    TRUST,
    manifest_without_pages,
    pack_files,
)
from bspec_opa.workflow.audit.reasons import PACK_ALTERED, PACK_THERE, PACK_UNPINNED
from bspec_opa.workflow.checkout.anchor import Anchor, find_pin
from bspec_opa.workflow.checkout.config import load_config
from bspec_opa.workflow.checkout.memory import recall
from bspec_opa.workflow.checkout.place import read_ledger
from bspec_opa.workflow.checkout.project import Project

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.audit.examining import Examined
    from bspec_opa.workflow.audit.pack import Pages
    from bspec_opa.workflow.checkout.world import World


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack that was written or verified.

    Attributes:
        directory: where it lies.
        files: how many.
        size: bytes of all of them.
        domain: whose it is.
        tree_size: entries of its ledger.
        until: when the last one was sequenced, Unix seconds.
        root_version: the newest trust root in it.
        agents: what was proven.
        notes: what was not checked, and what has to be known.
    """

    directory: Path
    files: int
    size: int
    domain: str
    tree_size: int
    until: int
    root_version: int
    agents: tuple[Examined, ...]
    notes: tuple[str, ...]


def write_pack(directory: Path, project: Path, world: World, pages: Pages) -> Pack:
    """Examine a project's whole record and write it as a pack; the manifest comes last, without it it is no pack.

    Raises:
        UsageError: there is no ledger, or the directory is in use.
        TrustError: something does not verify: no pack could prove it.
        StoreError: it can't be written.
    """
    _require_free(directory)
    opened = open_record(project, world)
    files = [read_bounded(p, MAX_IMPORT_BYTES) for p in opened.project.trust_files()]
    objects = NotingObjects(opened.objects.directory)
    record = Record(
        opened.anchor.roots, files, opened.ledger, objects, world.environ, opened.world.now, opened.project.config.place
    )
    examined = examine(record)
    made = pack_files(record, examined, pages)
    require_bounded(directory, len(made), sum(map(len, made.values())))
    for name, data in made.items():
        make_directory((directory / name).parent)
        write_new(directory / name, data)
    return _pack(directory, made, record, examined, opened.notes)


def verify_pack(directory: Path, world: World, pages: Pages) -> Pack:
    """Verify a pack: nothing of the project, no network, only the pin comes from outside.

    Raises:
        InvalidInputError: there is no pack.
        TrustError: a file was altered, something does not verify, or there is no pin.
    """
    return _verified(directory, world, pages)[0]


def open_pack(directory: Path, world: World, *, pages: Pages) -> Opened:
    """A pack as a record to be asked, once all of it is verified.

    Raises:
        InvalidInputError: there is no pack.
        TrustError: as :func:`verify_pack`.
    """
    return _verified(directory, world, pages)[1]


def _verified(directory: Path, world: World, pages: Pages) -> tuple[Pack, Opened]:
    manifest, found = read_folder(directory)
    pin = find_pin(world.pin, world.environ)
    roots, envelopes = _roots(directory, found, pin)
    anchor = Anchor(tuple(roots), authenticated=pin is not None, starter=False, notes=())
    project = _project(directory, found)
    ledger = read_ledger(project, anchor)
    world = world.caught_up(ledger)
    require_clock(ledger, world.now)
    objects = NotingObjects(directory / OBJECTS)
    record = Record(roots, envelopes, ledger, objects, world.environ, world.now, directory.absolute())
    examined = examine(record)
    notes = _require_same(directory, found, manifest, pack_files(record, examined, pages))
    if pin is None:
        message = f"the pack is self-consistent, not authenticated: {_what(ledger, roots)}"
        raise PACK_UNPINNED.error(message, hint="give --trust-pin", at=Location(str(directory)))
    notes += _against_memory(anchor, ledger, world)
    notes += _expired(roots[-1], world.now)
    pack = _pack(directory, {**found, MANIFEST: manifest.data}, record, examined, notes)
    return pack, Opened(project, anchor, ledger, objects, world, notes)


def _what(ledger: LedgerState, roots: Sequence[TrustRoot]) -> str:
    return f"a ledger of {ledger.size} entries until {format_time(ledger.last_at)}, domain {roots[-1].domain}"


def _pack(
    directory: Path, files: Mapping[str, bytes], record: Record, examined: tuple[Examined, ...], notes: tuple[str, ...]
) -> Pack:
    root, ledger = record.roots[-1], record.ledger
    size = sum(map(len, files.values()))
    return Pack(
        directory,
        len(files),
        size,
        root.domain,
        ledger.size,
        ledger.last_at,
        root.version,
        examined,
        (*notes, *key_notes(record.roots)),
    )


def _require_free(directory: Path) -> None:
    if exists(directory) and (not is_directory(directory) or list(directory.iterdir())):
        raise PACK_THERE.error("is there already", hint="name a new directory", at=Location(str(directory)))


def _roots(directory: Path, found: Mapping[str, bytes], pin: Digest | None) -> tuple[Sequence[TrustRoot], list[bytes]]:
    """Every version, walked from the pin; without one from what the pack says, which proves no more than itself."""
    names = [f"{TRUST}/{n}.root.json" for n in range(1, len(found) + 1)]
    there = [n for n in names if n in found]
    if there != names[: len(there)] or not there:
        at = Location(str(directory / TRUST))
        raise PACK_ALTERED.error("a version of the trust root is missing", hint=HINT, at=at)
    envelopes = [found[n] for n in there]
    paths = [str(directory / n) for n in there]
    start = pin or parse_envelope(envelopes[0], paths[0]).digest
    return walk(start, envelopes, paths), envelopes


def _project(directory: Path, found: Mapping[str, bytes]) -> Project:
    """A pack as a project with a file ledger, whatever is configured around it."""
    if CHECKPOINT not in found or not found.get(LOG):
        raise PACK_ALTERED.error("the ledger is missing", hint=HINT, at=Location(str(directory / LOG)))
    config = load_config(None, {}, {"ledger.path": str((directory / LEDGER).absolute())})
    return Project(directory, config, has_file=False)


def _require_same(
    directory: Path, found: Mapping[str, bytes], manifest: Manifest, made: dict[str, bytes]
) -> tuple[str, ...]:
    """Make every file again and compare; the manifest may have been made again by whoever altered the rest."""
    notes: tuple[str, ...] = ()
    again = made.pop(MANIFEST)
    wanted, there = dict(made), dict(found)
    ours, said = cast("dict[str, Any]", parse_json(again, MANIFEST, limit=MAX_LEDGER_BYTES)), manifest.value
    if said["made_by"] != ours["made_by"]:
        worded = f"{INDEX} and {SCHEMA_DIRECTORY} are worded by that version and were not compared: do not rely on them"
        notes = (f"made by {said['made_by']}, verified by bspec-opa {__version__}: {worded}",)
        ours, said = manifest_without_pages(ours), manifest_without_pages(said)
        wanted, there = _without_pages(wanted), _without_pages(there)
    problems = [altered(directory, n, "is missing") for n in wanted if n not in there]
    problems += [altered(directory, n, "does not belong to this record") for n in there if n not in wanted]
    problems += [
        altered(directory, n, "is not what the record gives") for n, d in wanted.items() if there.get(n, d) != d
    ]
    if ours != said or (not notes and again != manifest.data):
        problems.append(altered(directory, MANIFEST, "is not what the record gives"))
    if problems:
        raise error_of(problems)
    return notes


def _without_pages(files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {n: d for n, d in files.items() if n != INDEX and not n.startswith(f"{SCHEMA_DIRECTORY}/")}


def _against_memory(anchor: Anchor, ledger: LedgerState, world: World) -> tuple[str, ...]:
    """A pack may be older than what this machine has seen, which is said; another history is refused.

    Raises:
        TrustError: it is no later state of the ledger that was seen, or another root of the same version.
    """
    known = recall(anchor, world.environ)
    if known is None or known.origin != ledger.origin:
        return ("no memory of this ledger: whether there is a newer one could not be told",)
    if known.tree_size > ledger.size:
        return (f"an OLDER ledger: this machine has seen {known.tree_size} entries, the pack has {ledger.size}",)
    require_descent(ledger, known.tree_size, known.root_hash)
    if known.root_version > anchor.root.version:
        newer, older = known.root_version, anchor.root.version
        return (f"an OLDER trust root: this machine has seen version {newer}, the pack has {older}",)
    return ()


def _expired(root: TrustRoot, now: int) -> tuple[str, ...]:
    if now < root.expires_unix:
        return ()
    expired = format_time(root.expires_unix)
    return (f"trust root version {root.version} expired at {expired}: what was revoked since is not in the pack",)

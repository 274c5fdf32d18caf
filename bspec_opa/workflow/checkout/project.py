"""Where things lie: the project root, found upwards from the intent, and the state beside it in ``.bspec``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.foundation.files import beside, is_directory, is_regular, list_files, safe_name
from bspec_opa.foundation.reasons import UNREADABLE
from bspec_opa.ledger.git.url import is_git, parse_git_url
from bspec_opa.ledger.sql.url import parse_url
from bspec_opa.workflow.checkout.config import FILE_NAME, Config, Value, load_config
from bspec_opa.workflow.checkout.ledgers import require_one_ledger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bspec_opa.ledger.git.url import GitUrl
    from bspec_opa.ledger.sql.url import DatabaseUrl

STATE = ".bspec"
LOCK_NAME = "behavior.lock"
INTENT_NAME = "behavior.intent"
LOCK_SUFFIX = ".lock"
INTENT_SUFFIX = ".intent"
_MAX_ROOTS = 1_000
_ROOT_FILE = re.compile(r"([1-9][0-9]{0,5})\.root\.json")
_MAX_CATALOGS = 1_000


@dataclass(frozen=True, slots=True)
class Project:
    """A project's places.

    Attributes:
        root: the directory with ``bspec-opa.toml``; without one, the intent's own directory.
        config: the configuration in force.
        has_file: whether there is a ``bspec-opa.toml`` at all.
        environ: the process's environment, for programs that are called for the project.
    """

    root: Path
    config: Config
    has_file: bool
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def state(self) -> Path:
        """The state directory of the project."""
        return self.root / STATE

    @property
    def trust_directory(self) -> Path:
        """Holds ``<N>.root.json``."""
        return self.state / "trust"

    def trust_files(self) -> tuple[Path, ...]:
        """The trust roots there are, in the order of their versions."""
        if not is_directory(self.trust_directory):
            return ()
        found = list_files(self.trust_directory, ".root.json", _MAX_ROOTS)
        numbered = [(int(m[1]), p) for p in found if (m := _ROOT_FILE.fullmatch(p.name))]
        return tuple(p for _, p in sorted(numbered))

    @property
    def records_directory(self) -> Path:
        """Where new records are written: the first inbox."""
        return self.records_directories[0]

    @property
    def records_directories(self) -> tuple[Path, ...]:
        """The inboxes that are read."""
        return self.config.paths("records.dirs") or (self.state / "records",)

    @property
    def ledger_directory(self) -> Path:
        """Holds ``log.jsonl`` and ``checkpoint``."""
        return self.config.path("ledger.path") or self.state / "ledger"

    @property
    def head_file(self) -> Path:
        """What is said to be current: a head statement."""
        return self.config.path("ledger.head") or self.state / "ledger" / "head.json"

    @property
    def database(self) -> DatabaseUrl | None:
        """The ledger's database, where it is kept in one.

        Raises:
            UsageError: what is configured is no such address, or a directory, too.
        """
        require_one_ledger(self.config.values)
        url = self.config.text("ledger.url")
        if url is None or is_git(url):
            return None
        return parse_url(url, from_checkout="ledger.url" in self.config.from_checkout)

    @property
    def git_ref(self) -> GitUrl | None:
        """The ledger's Git ref, where it is kept in one.

        Raises:
            UsageError: what is configured is no such address, or a directory, too.
        """
        require_one_ledger(self.config.values)
        url = self.config.text("ledger.url")
        return parse_git_url(url) if url is not None and is_git(url) else None

    @property
    def objects_directory(self) -> Path:
        """Exact documents by their digest."""
        return self.state / "objects"

    def catalog_files(self) -> tuple[Path, ...]:
        """The catalogs that are configured, or all of ``.bspec/catalogs``."""
        configured = self.config.paths("catalogs.paths")
        if configured is not None:
            return configured
        directory = self.state / "catalogs"
        return tuple(list_files(directory, ".yaml", _MAX_CATALOGS)) if is_directory(directory) else ()

    def binding_file(self, agent: str) -> Path:
        """Where ``resolve`` leaves an agent's binding."""
        return self.state / "bindings" / f"{safe_name(agent)}.json"


def find_project(start: Path, environ: Mapping[str, str], flags: Mapping[str, Value | None]) -> Project:
    """The project that a file or directory belongs to.

    Raises:
        UsageError: the configuration is wrong.
    """
    try:
        here = Path.cwd()
        directory = (start if is_directory(start) else start.parent).absolute()
        if ".." in directory.parts:
            # Climbed as written, "../other" would belong to whatever lies around the working directory.
            directory = Path(os.path.realpath(directory))
    except FileNotFoundError as e:
        raise UNREADABLE.error("the working directory is gone", hint="change to one that exists") from e
    root = _root_of(directory)
    config = replace(load_config(root, environ, flags), place=root or directory)
    return Project(_shortest(root or directory, here), config, root is not None, environ)


def _root_of(directory: Path) -> Path | None:
    for candidate in (directory, *directory.parents):
        if is_regular(candidate / FILE_NAME):
            return candidate
    return None


def _shortest(path: Path, here: Path) -> Path:
    """Relative to the working directory where it lies below: messages stay readable."""
    try:
        return path.relative_to(here)
    except ValueError:
        return path


def lock_beside(intent: Path) -> Path:
    """The lock of an intent, in the same directory: ``NAME.lock`` of ``NAME.intent``, else ``behavior.lock``.

    So several agents may share a directory, each with a lock of its own.
    """
    return beside(intent, _other_name(intent, INTENT_SUFFIX, LOCK_SUFFIX, LOCK_NAME))


def intent_beside(lock: Path) -> Path:
    """The intent that a lock is of: the reverse of :func:`lock_beside`."""
    return beside(lock, _other_name(lock, LOCK_SUFFIX, INTENT_SUFFIX, INTENT_NAME))


def _other_name(path: Path, suffix: str, other: str, usual: str) -> str:
    stem = path.name.removesuffix(suffix)
    return stem + other if stem and stem != path.name else usual

"""Which inputs two bundles are compared on: files, directories, and the decisions of a ledger."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import BspecError, Location
from bspec_opa.foundation.files import is_directory, read_bounded
from bspec_opa.foundation.limits import MAX_IMPORT_BYTES
from bspec_opa.foundation.reasons import UNREADABLE
from bspec_opa.foundation.times import parse_time
from bspec_opa.workflow.impact.reasons import NO_INPUT
from bspec_opa.workflow.recorded.decisions import decisions_in
from bspec_opa.workflow.recorded.inputs import agent_of, looks_like_input, read_input

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bspec_opa.ledger.interface import LedgerState
    from bspec_opa.workflow.recorded.decisions import Recorded

SUFFIX = ".json"
_OBJECT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Item:
    """One input: small, because it is sent to other processes, which read it.

    Attributes:
        name: a file, or ``entry:41``.
        agent: whose it is; empty where that can't be read.
        environment: where to.
        at: when it was decided, Unix seconds.
        recorded: the ledger's decision; None of a file.
        error: why it can't be compared.
    """

    name: str
    agent: str = ""
    environment: str = ""
    at: int = 0
    recorded: Recorded | None = None
    error: BspecError | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The inputs to compare on, by agent and environment, and how many older ones were set aside."""

    items: tuple[Item, ...]
    older: int


def choose(items: Iterable[Item], *, every: bool) -> Chosen:
    """All inputs, or of each agent and environment the newest; what can't be read is always among them.

    Args:
        items: what was found.
        every: whether older ones count, too.

    Raises:
        InvalidInputError: there is none at all.
    """
    ordered = sorted(items, key=lambda i: (i.agent, i.environment, i.at))
    if not ordered:
        raise NO_INPUT.error("there is no recorded input", hint=NO_INPUT.remedy)
    newest = {(i.agent, i.environment): i for i in ordered if i.error is None}
    kept = tuple(i for i in ordered if every or i.error is not None or newest[i.agent, i.environment] is i)
    return Chosen(kept, len(ordered) - len(kept))


def items_of_ledger(ledger: LedgerState) -> Iterator[Item]:
    """One for each promotion and denial."""
    for decision in decisions_in(ledger):
        said = decision.predicate
        yield Item(decision.name, said["agent"], said["environment"], parse_time(said["now"]), decision)


def items_of_files(named: Sequence[Path]) -> list[Item]:
    """One for each file that is named, and for each ``*.json`` and each stored input below a directory.

    A directory without any is an error among them: nothing found is not nothing changed.
    """
    found: dict[str, Item] = {}
    for path in named:
        try:
            files = list(_walk(path)) if is_directory(path) else [path]
        except BspecError as e:
            found[str(path)] = Item(str(path), error=e)
            continue
        if not files:
            message = f"there is no input below this directory (*{SUFFIX}, or a stored object)"
            found[str(path)] = Item(str(path), error=NO_INPUT.error(message, at=Location(str(path))))
        for file in files:
            found.setdefault(str(file), _item(file))
    return list(found.values())


def _item(file: Path) -> Item:
    item = Item(str(file))
    try:
        request = read_input(read_bounded(file, MAX_IMPORT_BYTES), str(file))
    except BspecError as e:
        return replace(item, error=e)
    now = request["now_unix"]
    assert isinstance(now, int)  # noqa: S101 - the closed schema was checked
    return replace(item, agent=agent_of(request)[0], environment=str(request["environment"]), at=now)


def _walk(directory: Path) -> Iterator[Path]:
    """In the order of the paths; hidden directories and links to directories are left out.

    Of stored objects (``sha256/<hex>``) the inputs only: bundles and intents lie beside them under the same names.
    """
    waiting = [directory]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                ordered = sorted(entries, key=lambda e: e.name)
        except OSError as e:
            raise UNREADABLE.error(f"can't be looked into: {e.strerror}", at=Location(str(directory))) from e
        for entry in ordered:
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith("."):
                    waiting.append(path)
            elif entry.name.endswith(SUFFIX) or (_OBJECT.fullmatch(entry.name) and _is_stored_input(path)):
                yield path


def _is_stored_input(path: Path) -> bool:
    try:
        data = read_bounded(path, MAX_IMPORT_BYTES)
    except BspecError:
        return False
    return looks_like_input(data)

"""Where a ledger is kept, and how each try gets it as it was before."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faults.works import Before, before
from tracing import forked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faults.works import Work
    from postgres import Server
    from project import Project

FILE, SQLITE, POSTGRESQL = "file", "sqlite", "postgresql"


@dataclass(frozen=True)
class Case:
    """A work at a place, prepared.

    Attributes:
        work: what is done.
        place: the kind of store.
        project: as it is before; never touched.
        database: in PostgreSQL, likewise.
        then: what is there.
    """

    work: Work
    place: str
    project: Project
    database: str
    then: Before


def prepare(work: Work, place: str, signed: Project, base: Path, server: Server | None = None) -> Case:
    """Take a copy of a project to where the work begins, in a child: this process never has an engine to fork with."""
    shutil.copytree(signed.base, base)
    project = replace(signed, base=base, flags=dict(signed.flags))
    database = ""
    if place == SQLITE:
        project.flags["ledger.url"] = f"sqlite:///{base}/gate/ledger.sqlite"
    elif place == POSTGRESQL:
        assert server is not None
        database = server.fresh()
        project.flags["ledger.url"] = server.url(database)

    def make() -> object:
        work.prepare(project)
        return {"now": project.now, "then": vars_of(before(project))}

    made = forked(make)
    if server is not None and database:
        server.keep(database)
    return Case(work, place, replace(project, now=made["now"]), database, before_of(made["then"]))


def vars_of(found: Before) -> dict[str, object]:
    told = {"records": list(found.records), "lock": found.lock.decode(), "inbox": list(found.inbox)}
    return {**told, "denials": found.denials}


def before_of(found: dict[str, Any]) -> Before:
    return Before(tuple(found["records"]), found["lock"].encode(), tuple(found["inbox"]), found["denials"])


@contextmanager
def copied(case: Case, base: Path, server: Server | None = None) -> Iterator[Project]:
    """The case as it was before, for one try."""
    shutil.rmtree(base, ignore_errors=True)
    shutil.copytree(case.project.base, base)
    project = replace(case.project, base=base, flags=dict(case.project.flags))
    if case.place == SQLITE:
        project.flags["ledger.url"] = f"sqlite:///{base}/gate/ledger.sqlite"
    elif case.place == POSTGRESQL:
        assert server is not None
        server.put_back(case.database)
    try:
        yield project
    finally:
        for directory, names, _ in os.walk(base):
            for name in names:
                Path(directory, name).chmod(0o700)

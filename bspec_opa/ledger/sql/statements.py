"""The statements that a ledger's tables are read and written with, inside somebody's transaction."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import LargeBinary, and_, false, func, insert, or_, select

from bspec_opa.foundation.limits import MAX_NAME
from bspec_opa.ledger.checkpoint import MAX_CHECKPOINT_BYTES
from bspec_opa.ledger.entry import MAX_ENTRY_BYTES
from bspec_opa.ledger.merkle import HASH_SIZE
from bspec_opa.ledger.sql.faults import Fault, Kind
from bspec_opa.ledger.sql.tables import CHECKPOINTS, ENTRIES, NODES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import Connection, Select

    from bspec_opa.foundation.digest import Digest
    from bspec_opa.ledger.entry import Entry
    from bspec_opa.ledger.growth import Growth
    from bspec_opa.ledger.nodes import Frontier
    from bspec_opa.ledger.proving import Place

MAX_EDITION = 1_000_000
"""The last edition of a checkpoint, as the tables' CHECK says: one a minute for two years."""
PAGE = 500
"""Entries that are fetched together."""
_CHUNK = 200
"""Keys in one condition."""
# One byte more than is allowed, so that a reader sees that it is too much and never holds more.
_LEAF = func.substr(ENTRIES.c.leaf, 1, MAX_ENTRY_BYTES + 1, type_=LargeBinary).label("leaf")
_NEWEST = (CHECKPOINTS.c.size.desc(), CHECKPOINTS.c.edition.desc())
_NOTE = func.substr(CHECKPOINTS.c.note, 1, MAX_CHECKPOINT_BYTES + 1, type_=LargeBinary).label("note")
_MAX_FRONTIER_BYTES = 63 * HASH_SIZE
_FRONTIER = func.substr(CHECKPOINTS.c.frontier, 1, _MAX_FRONTIER_BYTES + 1, type_=LargeBinary).label("frontier")


class Row(NamedTuple):
    """An entry as it is stored."""

    seq: int
    at: int
    kind: str
    record: str
    agent: str
    leaf: bytes


class Noted(NamedTuple):
    """A checkpoint as it is stored, with the hashes of the tree's frontier."""

    size: int
    note: bytes
    frontier: bytes


def newest_note(connection: Connection) -> Noted | None:
    """The newest edition of the checkpoint of the largest size."""
    statement = select(CHECKPOINTS.c.size, _NOTE, _FRONTIER).order_by(*_NEWEST).limit(1)
    for size, note, frontier in _rows(connection, statement):
        # A part of no bytes is NULL in SQLite, and an empty tree's frontier has none.
        return Noted(_number(size), _bytes(note), b"" if frontier is None else _bytes(frontier))
    return None


def note_at(connection: Connection, size: int) -> bytes | None:
    """The newest edition of the checkpoint of a size, as stored."""
    found = _rows(connection, select(_NOTE).where(CHECKPOINTS.c.size == size).order_by(*_NEWEST).limit(1))
    return _bytes(found[0][0]) if found else None


def next_edition(connection: Connection, size: int) -> int:
    """The number of the next edition of a size's checkpoint.

    Raises:
        Fault: it has as many as there may be; the next entry's checkpoint begins anew.
    """
    statement = select(func.max(CHECKPOINTS.c.edition)).where(CHECKPOINTS.c.size == size)
    ((edition,),) = _rows(connection, statement)
    number = 0 if edition is None else _number(edition) + 1
    if number > MAX_EDITION:
        raise Fault(Kind.REFUSED, f"checkpoint {size} has edition {number - 1}; {MAX_EDITION} is the last")
    return number


def last_number(connection: Connection) -> int | None:
    """The largest number of an entry."""
    ((number,),) = _rows(connection, select(func.max(ENTRIES.c.seq)))
    return None if number is None else _number(number)


def page(connection: Connection, start: int, end: int) -> list[Row]:
    """The entries from a number to before another one, by number."""
    statement = (
        select(ENTRIES.c.seq, ENTRIES.c.at, ENTRIES.c.kind, ENTRIES.c.record, ENTRIES.c.agent, _LEAF)
        .where(ENTRIES.c.seq >= start, ENTRIES.c.seq < end)
        .order_by(ENTRIES.c.seq)
    )
    return [
        Row(seq, at, kind, record, agent, _bytes(leaf))
        for seq, at, kind, record, agent, leaf in _rows(connection, statement)
    ]


def numbers_of(connection: Connection, records: Collection[Digest]) -> dict[str, int]:
    """Record to the entry's number, of those that are there."""
    found: dict[str, int] = {}
    for some in _chunks(list(records)):
        statement = select(ENTRIES.c.record, ENTRIES.c.seq).where(ENTRIES.c.record.in_(some))
        found |= {record: _number(seq) for record, seq in _rows(connection, statement)}
    return found


def fetch_nodes(connection: Connection, places: Collection[Place]) -> dict[Place, bytes]:
    """The nodes at some places, of those that are there."""
    found: dict[Place, bytes] = {}
    for some in _chunks(list(places)):
        found |= {(level, place): _bytes(value) for level, place, value in _rows(connection, nodes_at(some))}
    return found


def nodes_at(places: Sequence[Place]) -> Select[Any]:
    """The statement, level by level: SQLite searches its index for these, and for pairs of values the whole table."""
    levels: dict[int, list[int]] = {}
    for level, place in places:
        levels.setdefault(level, []).append(place)
    return select(NODES).where(
        or_(false(), *(and_(NODES.c.level == level, NODES.c.place.in_(some)) for level, some in levels.items()))
    )


def leaf_hashes(connection: Connection, start: int, end: int) -> list[bytes]:
    """The nodes of level 0 in a range."""
    where = (NODES.c.level == 0, NODES.c.place >= start, NODES.c.place < end)
    statement = select(NODES.c.hash).where(*where).order_by(NODES.c.place)
    return [_bytes(value) for (value,) in _rows(connection, statement)]


def insert_growth(connection: Connection, growth: Growth) -> None:
    """Insert entries and nodes; whoever else inserts the same numbers waits, and then loses."""
    rows = [
        {
            "seq": entry.seq,
            "at": entry.at,
            "kind": entry.kind,
            "record": str(entry.record_id),
            "agent": agent_of(entry),
            "leaf": line,
        }
        for entry, line in zip(growth.entries, growth.lines, strict=True)
    ]
    nodes = [{"level": n.level, "place": n.index, "hash": n.value} for n in growth.nodes]
    _insert(connection, ENTRIES, rows)
    _insert(connection, NODES, nodes)


def insert_note(connection: Connection, note: bytes, frontier: Frontier, edition: int = 0) -> None:
    """Insert a checkpoint, or another edition of it; of two that insert the same one, one loses."""
    row = {"size": frontier.size, "note": note, "frontier": frontier.to_bytes(), "edition": edition}
    _insert(connection, CHECKPOINTS, [row])


def agent_of(entry: Entry) -> str:
    """The agent that a record names; empty if it names none. Only for people and queries: nothing is decided on it."""
    try:
        payload = json.loads(base64.b64decode(str(entry.body["payload"])))
    except (ValueError, RecursionError):  # a ledger takes any envelope; that a record is one is for others to say
        return ""
    predicate = payload.get("predicate") if isinstance(payload, dict) else None
    agent = predicate.get("agent") if isinstance(predicate, dict) else None
    return agent if isinstance(agent, str) and len(agent) <= MAX_NAME and agent.isprintable() else ""


def _insert(connection: Connection, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    connection.execute(insert(table).inline(), rows)


def _chunks(items: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]


def _rows(connection: Connection, statement: Any) -> list[Any]:
    """What a statement gives. Whoever owns a database can give its columns other types."""
    try:
        return list(connection.execute(statement))
    except (TypeError, ValueError, OverflowError) as e:
        raise Fault(Kind.DAMAGED, "a column has another type") from e


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise Fault(Kind.DAMAGED, "a column has another type")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise Fault(Kind.DAMAGED, "a column has another type")
    return value

"""What a ledger entry claims to be about, whether it verifies or not. Pure.

A claim serves to leave out what is about something else, and to refuse. It never lets anything count.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, cast

from bspec_opa.foundation.errors import BspecError
from bspec_opa.trust.statement import parse_statement

if TYPE_CHECKING:
    from bspec_opa.ledger.entry import Entry

_VERSIONS = re.compile(rb'"version":([0-9]{1,16})')
"""Whole numbers, or the beginning of one that is above every number that is read."""


class Claims(NamedTuple):
    """What a record's predicate says.

    Attributes:
        agent: its id.
        environment: where; ``None`` as text, where it names none.
        domain: of the trust root.
        root_version: the version of the trust root under which it was signed; 0 if it names none.
    """

    agent: str
    environment: str
    domain: str
    root_version: int


def claims_of(entry: Entry) -> Claims | None:
    """An entry's claims; None if it holds no statement."""
    return _claims(cast("str", entry.body["payload"]))


def agent_of_entry(entry: Entry) -> str | None:
    """The agent that an entry claims to be about; only used to leave other agents' entries out."""
    claims = claims_of(entry)
    return claims.agent if claims else None


def may_name_above(entry: Entry, version: int) -> bool:
    """Whether an entry's claims can name a version of the trust root above this one; no is certain, and cheap.

    What holds a statement is in its RFC 8785 form, or it claims nothing: there a member and a whole number have one
    spelling each.
    """
    payload = base64.b64decode(cast("str", entry.body["payload"]))
    return any(int(found) > version for found in _VERSIONS.findall(payload))


def forget() -> None:
    """Keep nothing of what was asked before: as in a process that has just started."""
    _claims.cache_clear()


@lru_cache(maxsize=100_000)
def _claims(payload: str) -> Claims | None:
    """Kept, because whoever reads about many agents or lines asks it of every entry again and again."""
    try:
        said = parse_statement(base64.b64decode(payload)).predicate
    except BspecError:
        return None
    root = said.get("trust_root")
    version = root.get("version") if isinstance(root, dict) else 0
    agent, environment, domain = (str(said.get(name)) for name in ("agent", "environment", "domain"))
    return Claims(agent, environment, domain, version if isinstance(version, int) else 0)

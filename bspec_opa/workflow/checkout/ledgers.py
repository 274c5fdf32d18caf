"""A ledger is a directory, a database or a Git ref: which, where file, variables and flags name one. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from bspec_opa.ledger.sql.url import require_no_password
from bspec_opa.workflow.reasons import CONFIG_VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    V = TypeVar("V", bound=object)

LEDGERS = frozenset({"ledger.path", "ledger.url"})


def over(under: Mapping[str, V], nearer: Mapping[str, V]) -> dict[str, V]:
    """What is given nearer wins; who names a ledger there names the only one."""
    kept = {k: v for k, v in under.items() if not (k in LEDGERS and LEDGERS & nearer.keys())}
    return kept | dict(nearer)


def require_no_passwords(sources: Mapping[str, Mapping[str, object]]) -> None:
    """Refuse a password where others read it (attack A71).

    Args:
        sources: what people call a place of configuration, and the values that come from there.

    Raises:
        UsageError: there is one.
    """
    for source, values in sources.items():
        url = values.get("ledger.url")
        if isinstance(url, str):
            require_no_password(url, source)


def require_one_ledger(values: Mapping[str, object]) -> None:
    """Refuse to guess which ledger is meant.

    Raises:
        UsageError: the same place of configuration names a directory and something else.
    """
    if values.keys() >= LEDGERS:
        raise CONFIG_VALUE.error("ledger.path and ledger.url name two ledgers", hint="keep the one that is meant")

"""What holds for every verb alike: how a slip of the hand ends, and that its help fits a terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from verbs import having, help_of, verbs

from bspec_opa.foundation.digest import ZERO_DIGEST
from bspec_opa.foundation.limits import MAX_REASON

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]

INTENT = "behavior.intent"
ENV = ("--env", "nosuch")
REASON = ("--reason", "x")
RUNS = {"schema": "bspec.deployed/v1", "agent": "billing-support", "environment": "nosuch", "line": ZERO_DIGEST}

# A well-formed command line that names an environment which neither the trust root nor the lock knows.
ELSEWHERE: tuple[tuple[str, ...], ...] = (
    ("evaluate", INTENT, *ENV),
    ("evaluate", INTENT, *ENV, "--rollback-to", "entry:12"),
    ("evaluate", INTENT, *ENV, "--adopt"),
    ("evaluate", INTENT, INTENT, *ENV),
    ("explain", INTENT, "promotion.all.submitted", *ENV),
    ("attest", INTENT, *ENV, "--result", "results/boundary-functional.json"),
    ("waive", INTENT, *ENV, "--rule", "r", "--finding", "/", *REASON, "--requester", "p", "--valid-for", "P1D"),
    ("waivers", INTENT, *ENV),
    ("approve", INTENT, *ENV, "--role", "security", "--key", "keys/security.pem"),
    ("request", INTENT, *ENV),
    ("promote", INTENT, *ENV),
    ("rollback", "entry:12", *ENV),
    ("review", "entry:12", *ENV, *REASON),
    ("adopt", INTENT, *ENV, "--deployed", "running.json"),
    ("retire", "billing-support", *ENV, *REASON),
    ("show", "behavior.lock", "--deployed", "nosuch"),
    ("verify", "behavior.lock", "--deployed", "running.json", *ENV),
    ("history", "billing-support", *ENV),
    ("audit", "--at", "3", *ENV),
    ("report", "behavior.lock", *ENV),
    ("report", INTENT, *ENV),
    ("normalize", INTENT, *ENV),
)
NOBODY: tuple[tuple[str, ...], ...] = (
    ("retire", "nosuch", "--all", *REASON),
    ("history", "nosuch"),
    ("audit", "--at", "3", "--agent", "nosuch"),
)


def test_a_name_that_nobody_knows_ends_alike_everywhere(shell_at: At) -> None:
    """The command line is one; what it names is in no document that it is held against."""
    shell = shell_at("live")
    Path("running.json").write_text(json.dumps(RUNS | {"models": [], "tools": [], "components": []}), encoding="utf-8")
    found = {row: shell(*row) for row in (*ELSEWHERE, *NOBODY)}
    # What runs where nothing was ever promoted is not what is bound, whatever the place is called.
    codes = dict.fromkeys(found, 3) | {row: 7 for row in found if row[0] == "verify"}
    assert {row: result.code for row, result in found.items()} == codes
    assert [row for row, result in found.items() if "nosuch" not in result.err + result.out] == []
    of_environments = {*having("environment"), ("show",)}
    assert {row[:1] for row in ELSEWHERE} == of_environments
    assert {row[:1] for row in NOBODY} == {*having("agent")} - {("init",)}


@pytest.mark.parametrize("path", having("--reason"), ids=" ".join)
@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("", "the reason is empty; is a variable unset?"),
        (" \t", "the reason is empty"),
        ("x" * (MAX_REASON + 1), "at most"),
    ],
    ids=["empty", "blank", "long"],
)
def test_a_reason_that_is_none(shell_at: At, path: tuple[str, ...], reason: str, said: str) -> None:
    result = shell_at("empty")(*path, "--reason", reason)
    assert result.code == 2
    assert said in result.err
    assert "[cli.usage]" in result.err


def test_who_has_to_say_why() -> None:
    assert {path[-1] for path in having("--reason")} == {"approve", "request", "waive", "review", "revoke", "retire"}


def test_help_fits_a_terminal_of_80_columns() -> None:
    wide = [(" ".join(path), line) for path, _ in verbs() for line in help_of(path, 80).splitlines() if len(line) > 80]
    assert wide == []

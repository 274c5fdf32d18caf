"""A ledger in a Git ref from the command line: moved there, verified by its name, and gone on with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from git_bench import files_of, make_bare, put, url_of

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.ledger.git.repository import CHECKPOINT

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Shell

    At = Callable[[str], Shell]


def test_a_ledger_is_moved_into_a_ref_and_gone_on_with(shell_at: At, tmp_path: Path) -> None:
    shell = shell_at("staged")
    url = url_of(make_bare(tmp_path / "remote.git"))
    moved = shell.ok("ledger", "import", ".bspec/ledger", "--ledger-url", url, "--ledger-key", "keys/ledger.pem")
    assert url in moved.out
    assert shell.ok("ledger", "verify", url).lines[0] == f"VERIFIED  ledger {url}"
    Path(".bspec/ledger").rename("gone")
    assert shell("verify").code == 7
    Path("bspec-opa.toml").write_text(f'[ledger]\nurl = "{url}"\n', encoding="utf-8")
    shell.ok("verify", "-q")
    both = shell("verify", "--ledger-path", "gone", "--ledger-url", url)
    assert (both.code, "name two ledgers" in both.err) == (2, True)
    wrong = shell("ledger", "verify", "git+ssh://git:secret@host.example/x")
    assert (wrong.code, "secret" in wrong.err, wrong.err.endswith("[ledger.git-url]\n")) == (2, False, True)
    assert shell("ledger", "init").code == 2


def test_an_altered_entry_of_a_ref_is_named_by_its_own_signature(shell_at: At, tmp_path: Path) -> None:
    """A ref keeps no leaf hashes. What stands in no record is not in its signature either, and that is said."""
    shell, remote = shell_at("staged"), make_bare(tmp_path / "remote.git")
    shell.ok("ledger", "import", ".bspec/ledger", "--ledger-url", url_of(remote), "--ledger-key", "keys/ledger.pem")
    genuine = files_of(remote)
    for alter, told in (
        (other_payload, "entry 5 ("),
        (other_time, "which one can't be told: every record is signed by a key"),
    ):
        (kept,) = shell.home.rglob("bspec-opa/git")
        shutil.rmtree(kept)  # as for a fresh reader
        put(remote, {n: d if n == CHECKPOINT else alter(d) for n, d in genuine.items()})
        wrong = shell("ledger", "verify", url_of(remote))
        assert (wrong.code, told in wrong.err, "[ledger.altered]" in wrong.err) == (7, True, True), wrong.err


def other_payload(log: bytes) -> bytes:
    """Another letter in what entry 5 says."""
    lines = log.splitlines(keepends=True)
    at = lines[5].index(b'"payload":"') + 60
    lines[5] = lines[5][:at] + (b"B" if lines[5][at : at + 1] == b"A" else b"A") + lines[5][at + 1 :]
    return b"".join(lines)


def other_time(log: bytes) -> bytes:
    """The first entry a day earlier."""
    first, *rest = log.splitlines(keepends=True)
    value = json.loads(first)
    return b"".join([canonical_bytes({**value, "at": "2026-05-31T12:00:00Z"}) + b"\n", *rest])

"""A ledger in a Git ref from the command line: moved there, verified by its name, and gone on with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from git_bench import make_bare, url_of

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

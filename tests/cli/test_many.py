"""Many intents: one result for each, in order, as if each were alone."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from sidecars import Server, Visit

from bspec_opa.cli.many import CLEAR_LINE
from bspec_opa.engine.code_cache import CodeCache
from bspec_opa.engine.patience import FAILURES
from bspec_opa.report.schemas import SCHEMAS
from bspec_opa.workflow import batch
from bspec_opa.workflow.checkout import finding

if TYPE_CHECKING:
    from collections.abc import Callable

    from shell import Result, Shell

    At = Callable[[str], Shell]

STAGING = ("--env", "staging")
BROKEN = "x: ["


def write(path: str, *replaced: tuple[str, str]) -> None:
    text = Path("behavior.intent").read_text(encoding="utf-8")
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def write_many(number: int) -> list[str]:
    """Intents of which every fifth is denied and every seventh broken, in an order that is not theirs by verdict."""
    files = []
    for n in range(number):
        files.append(f"agents/{n:03}/behavior.intent")
        mended = ("billing-support", f"billing-{n}")
        write(files[-1], mended, *([("privilege: read", "privilege: admin")] if n % 5 == 0 else []))
        if n % 7 == 0:
            Path(files[-1]).write_text(BROKEN, encoding="utf-8")
    return files


def word(n: int) -> str:
    return "failed" if n % 7 == 0 else "denied" if n % 5 == 0 else "pending"


def lines_of(result: Result) -> list[Any]:
    return [json.loads(line) for line in result.lines]


def verdict(document: Any) -> str:
    return str(document.get("verdict", "failed"))


def test_each_is_judged_as_if_it_were_alone(shell_at: At) -> None:
    shell = shell_at("bare")
    files = write_many(8)
    found = lines_of(shell("evaluate", *files, *STAGING, "--format", "jsonl"))
    assert [d["file"] for d in found] == files
    assert [verdict(d) for d in found] == [word(n) for n in range(8)]
    for file, document in zip(files, found, strict=True):
        alone = shell("evaluate", file, *STAGING, "--format", "json")
        assert document["exit_code"] == alone.code
        assert document | {"file": ""} == alone.json | {"file": ""}
        Draft202012Validator(SCHEMAS[document["schema"]]).validate(document)


def test_over_several_processes_it_is_the_same(shell_at: At) -> None:
    shell = shell_at("bare")
    files = write_many(40)
    for form in ("text", "json", "jsonl"):
        one, two = (shell("evaluate", "agents", *STAGING, "--format", form, "--jobs", jobs) for jobs in ("1", "2"))
        assert one == two
    assert [d["file"] for d in lines_of(two)] == files
    assert [verdict(d) for d in lines_of(two)] == [word(n) for n in range(40)]
    checked = [shell("validate", "agents", "--format", "jsonl", "--jobs", jobs) for jobs in ("1", "2")]
    assert checked[0] == checked[1]
    assert [d["files"][0]["valid"] for d in lines_of(checked[0])] == [n % 7 != 0 for n in range(40)]


def test_text_is_a_line_each_with_what_denies_below_and_a_sum(shell_at: At) -> None:
    shell = shell_at("bare")
    write_many(8)
    result = shell("evaluate", "agents", *STAGING)
    assert result.code == 3
    assert result.err == ""
    verdicts = [line.split()[:2] for line in result.lines if line and line[0] != " "]
    assert [v[0] for v in verdicts[:-1]] == [word(n).upper() for n in range(8)]
    assert [v[1] for v in verdicts[:-1]] == [f"agents/{n:03}/behavior.intent" for n in range(8)]
    assert result.lines[-1] == "8 intents → staging: 5 pending, 1 denied, 2 failed"
    assert "  critical  global.tools.no_admin" in result.out
    assert "            agents/005/behavior.intent:" in result.out
    assert re.search(r"^  agents/000/behavior.intent:1:5: .* \[document.syntax\]$", result.out, re.MULTILINE)


def test_json_has_them_all_and_counts(shell_at: At) -> None:
    shell = shell_at("bare")
    write_many(8)
    document = shell("evaluate", "agents", *STAGING, "--format", "json").json
    assert document["counts"] == {"allowed": 0, "pending": 5, "denied": 1, "failed": 2}
    assert [verdict(d) for d in document["results"]] == [word(n) for n in range(8)]
    for result in document["results"]:
        Draft202012Validator(SCHEMAS[result["schema"]]).validate(result)


@pytest.mark.parametrize(
    ("files", "code"),
    [
        (("signed", "signed2"), 0),
        (("signed", "pending"), 5),
        (("pending", "denied", "signed"), 4),
        (("denied", "missing"), 3),
        (("missing", "signed"), 3),
    ],
)
def test_the_worst_decides(shell_at: At, files: tuple[str, ...], code: int) -> None:
    shell = shell_at("signed")
    text = Path("behavior.intent").read_text(encoding="utf-8")
    for name in ("signed", "signed2"):
        Path(name).write_text(text, encoding="utf-8")
    write("pending", ("version: 1.0.0", "version: 1.0.1"))
    write("denied", ("privilege: read", "privilege: admin"))
    for form in ("text", "json", "jsonl"):
        assert shell("evaluate", *files, *STAGING, "--format", form).code == code
    result = shell("evaluate", *files, *STAGING, "--quiet")
    assert (result.code, result.out, result.err) == (code, "", "")


def test_fail_on_warn_is_of_each(shell_at: At) -> None:
    shell = shell_at("signed")
    Path("again").write_bytes(Path("behavior.intent").read_bytes())
    result = shell("evaluate", "behavior.intent", "again", *STAGING, "--fail-on-warn", "--format", "jsonl")
    assert result.code == 6
    assert [(d["verdict"], d["exit_code"]) for d in lines_of(result)] == [("allowed", 6)] * 2


def test_a_directory_means_every_intent_below_it(shell_at: At) -> None:
    shell = shell_at("bare")
    for path in ("d/b.intent", "d/a/behavior.intent", "d/c/e/behavior.intent", "d/.hidden/behavior.intent", "d/x.txt"):
        write(path)
    Path("d/link").symlink_to("c", target_is_directory=True)
    found = shell("validate", "d", "d/b.intent", "behavior.intent", "--format", "json").json["files"]
    assert [f["file"] for f in found] == [
        "d/a/behavior.intent",
        "d/b.intent",
        "d/c/e/behavior.intent",
        "behavior.intent",
    ]


@pytest.mark.attack("A41")
@pytest.mark.parametrize("verb", [("validate",), ("evaluate", *STAGING)])
def test_a_directory_without_an_intent_is_an_error(shell_at: At, verb: tuple[str, ...]) -> None:
    shell = shell_at("bare")
    Path("empty/deeper").mkdir(parents=True)
    for arguments in (("empty",), ("behavior.intent", "empty"), ("empty", "behavior.intent")):
        result = shell(*verb, *arguments)
        assert result.code == 3
        assert "intent.none-found" in result.out + result.err


def test_what_cant_be_looked_into_hides_nothing_and_is_not_hidden(
    shell_at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = shell_at("bare")
    write("d/a/x.intent")
    write("d/z/x.intent")
    Path("d/closed").mkdir()
    genuine = os.scandir

    def scandir(path: Any) -> Any:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return genuine(path)

    monkeypatch.setattr(finding.os, "scandir", scandir)  # type: ignore[attr-defined]
    result = shell("validate", "d", "--format", "json")
    assert result.code == 3
    assert [(f["file"], f["valid"]) for f in result.json["files"]] == [
        ("d/a/x.intent", True),
        ("d/closed", False),
        ("d/z/x.intent", True),
    ]


def test_a_tree_deeper_than_pythons_recursion(shell_at: At) -> None:
    shell = shell_at("bare")
    depths = [Path("d/" * n) for n in range(1, sys.getrecursionlimit() + 100)]
    for directory in depths:
        directory.mkdir()
    file = depths[-1] / "behavior.intent"
    file.write_bytes(Path("behavior.intent").read_bytes())
    assert len(shell("validate", "d", "--format", "json").json["files"]) == 1
    file.unlink()  # what clears up after the tests is recursive
    for directory in reversed(depths):
        directory.rmdir()


def test_an_engine_that_is_not_there_is_told_of_each(shell_at: At) -> None:
    shell = shell_at("bare")
    write("a/behavior.intent")
    write("b/behavior.intent")
    result = shell("evaluate", "a", "b", *STAGING, "--opa-url", "unix:///nonexistent/opa.sock", "--format", "jsonl")
    assert result.code == 8
    assert [d["problems"][0]["code"] for d in lines_of(result)] == ["engine.unreachable"] * 2


def test_an_engine_that_hangs_is_not_waited_for_by_everybody(shell_at: At) -> None:
    shell = shell_at("bare")
    for n in range(5):
        write(f"agents/{n}/behavior.intent")
    with closing(Server(Visit.hang)) as server:
        options = ("--opa-url", server.url, "--engine-deadline-s", "0.3", "--format", "jsonl")
        result = shell("evaluate", "agents", *STAGING, *options)
        assert len(server.requests) == FAILURES
    assert result.code == 8
    assert [d["problems"][0]["code"] for d in lines_of(result)] == ["engine.timeout"] * 5


@pytest.mark.parametrize("seconds", ["0", "-1", "601", "nan"])
def test_a_deadline_out_of_range_is_refused(shell_at: At, seconds: str) -> None:
    shell = shell_at("bare")
    result = shell("evaluate", "behavior.intent", *STAGING, "--engine-deadline-s", seconds)
    assert result.code == 2
    assert "give more than 0 and at most 600 seconds" in result.err


def test_what_they_share_is_opened_once(shell_at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = shell_at("bare")
    write_many(8)
    opened: list[str] = []

    def count(name: str) -> None:
        genuine = getattr(batch, name)

        def counted(*arguments: Any) -> Any:
            opened.append(name)
            return genuine(*arguments)

        monkeypatch.setattr(batch, name, counted)

    count("open_panel")
    count("load_policy")
    shell("evaluate", "agents", *STAGING)
    assert sorted(opened) == ["load_policy", "open_panel"]


@pytest.mark.attack("A75")
@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
@pytest.mark.parametrize("verb", [("evaluate", *STAGING), ("check",)])
def test_an_engine_is_shared_only_where_the_same_may_be_run(
    shell_at: At, monkeypatch: pytest.MonkeyPatch, order: tuple[str, str], verb: tuple[str, ...]
) -> None:
    """The cache lies in one of two checkouts: what judges that one reads no code from it."""
    shell = shell_at("bare")
    for name in order:
        write(f"{name}/behavior.intent")
        Path(name, "bspec-opa.toml").touch()
    shell.variables["XDG_CACHE_HOME"] = str(Path("b", ".cache").absolute())
    opened: list[bool] = []
    genuine = CodeCache.__init__

    def watched_cache(cache: CodeCache, directory: Path, *, untrusted: Path | None = None) -> None:
        genuine(cache, directory, untrusted=untrusted)
        opened.append(bool(cache.notes))

    monkeypatch.setattr(CodeCache, "__init__", watched_cache)
    shell(*verb, *order)
    assert opened == [name == "b" for name in order]


@pytest.mark.parametrize("flag", ["--bundle", "--engine", "--opa-url", "--records", "--engine-ca"])
def test_an_empty_flag_is_no_default(shell_at: At, flag: str) -> None:
    """``--bundle "$BUNDLE"`` with nothing in it must not mean the shipped one."""
    result = shell_at("bare")("evaluate", "behavior.intent", *STAGING, flag, "")
    assert result.code == 2
    assert "is empty; is a variable unset?" in result.err


def test_each_project_has_its_own_configuration(shell_at: At) -> None:
    """Different engines are never mixed up, however alike the intents are."""
    shell = shell_at("bare")
    for name, text in {
        "a": "",
        "b": '[engine]\nurl = "unix:///nonexistent/opa.sock"\n',
        "c": "[engine]\nurll = 1\n",
    }.items():
        write(f"{name}/behavior.intent")
        Path(name, "bspec-opa.toml").write_text(text, encoding="utf-8")
    result = shell("evaluate", "a", "b", "c", *STAGING, "--format", "jsonl")
    assert [verdict(d) for d in lines_of(result)] == ["pending", "failed", "failed"]
    assert [d["exit_code"] for d in lines_of(result)] == [5, 8, 2]


def test_a_broken_configuration_beside_the_first_hides_nothing(shell_at: At) -> None:
    shell = shell_at("bare")
    write("a/behavior.intent")
    Path("a/bspec-opa.toml").write_text(f"[engine]\ndeadline_s = {'9' * 5_000}\n", encoding="utf-8")
    result = shell("evaluate", "a/behavior.intent", "behavior.intent", *STAGING, "--format", "jsonl")
    assert [d["exit_code"] for d in lines_of(result)] == [2, 5]


@pytest.mark.parametrize("verb", [("validate",), ("evaluate", *STAGING), ("check",)])
def test_an_empty_path_is_not_the_working_directory(shell_at: At, verb: tuple[str, ...]) -> None:
    shell = shell_at("bare")
    for paths in (("",), ("behavior.intent", "")):
        result = shell(*verb, *paths)
        assert result.code == 2
        assert "the path is empty; is a variable unset?" in result.err


def test_jsonl_of_a_failure_is_one_line(shell_at: At) -> None:
    shell = shell_at("bare")
    for arguments in (("evaluate", "missing", *STAGING), ("evaluate", "x"), ("verify",)):
        (line,) = shell(*arguments, "--format", "jsonl").lines
        assert json.loads(line)["schema"] == "bspec.error/v1"


def test_one_intent_has_a_line_too(shell_at: At) -> None:
    (line,) = shell_at("bare")("evaluate", "behavior.intent", *STAGING, "--format", "jsonl").lines
    assert json.loads(line)["schema"] == "bspec.evaluation/v1"


# A bar for whoever watches


def watched(shell: Shell, *arguments: str, out: bool, term: str = "xterm") -> tuple[int, str, str]:
    """Run a process with a terminal as its standard error, and as its output, too, if wanted."""
    mine, theirs = pty.openpty()
    program = [sys.executable, "-m", "bspec_opa", *arguments]
    environ = {**shell.environ, "TERM": term, "COLUMNS": "120", "NO_COLOR": "1"}
    with subprocess.Popen(program, env=environ, stdout=theirs if out else subprocess.PIPE, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                piece = os.read(mine, 65_536)
            except OSError:  # Linux says so when the other end is closed
                break
            if not piece:
                break
            seen += piece
        os.close(mine)
        printed = process.stdout.read().decode() if process.stdout else ""
    return process.returncode, printed, seen.decode()


def test_a_bar_on_the_terminal_and_results_in_the_pipe(shell_at: At) -> None:
    shell = shell_at("bare")
    write_many(12)
    code, printed, seen = watched(shell, "evaluate", "agents", *STAGING, out=False)
    assert code == 3
    assert "evaluating" in seen
    assert "12/12" in seen
    assert printed.endswith("12 intents → staging: 8 pending, 2 denied, 2 failed\n")
    assert "evaluating" not in printed


@pytest.mark.parametrize("verb", [("evaluate", "agents", *STAGING), ("validate", "agents")])
def test_results_and_the_bar_never_share_a_line(shell_at: At, verb: tuple[str, ...]) -> None:
    """The bar's line is cleared before each result, and drawn again below it."""
    shell = shell_at("bare")
    write_many(12)
    _, _, seen = watched(shell, *verb, out=True)
    assert "12/12" in seen
    lines = [line.rpartition(CLEAR_LINE)[2].strip("\r") for line in seen.split("\n")]
    told = [line for line in lines if "agents/" in line]
    assert len(told) >= 12
    assert all(line.startswith(("PENDING", "DENIED", "FAILED", "valid", " ", "agents/")) for line in told)
    assert not [line for line in lines if "%" in line and "agents/" in line]


def test_no_bar_on_a_dumb_terminal(shell_at: At) -> None:
    shell = shell_at("bare")
    write_many(12)
    _, _, seen = watched(shell, "evaluate", "agents", *STAGING, out=False, term="dumb")
    assert seen == ""


@pytest.mark.parametrize("more", [("-q",), ()])
def test_no_bar_when_quiet_or_for_a_few(shell_at: At, more: tuple[str, ...]) -> None:
    shell = shell_at("bare")
    write_many(12 if more else 3)
    _, _, seen = watched(shell, "evaluate", "agents", *STAGING, *more, out=False)
    assert seen == ""


def test_what_scrolled_away_is_named_again(shell_at: At) -> None:
    shell = shell_at("bare")
    files = write_many(21)
    lines = shell("evaluate", *files, *STAGING, "--jobs", "1").lines
    bad = [n for n in range(21) if word(n) != "pending"]
    again = lines[lines.index("not allowed:") + 1 : -2]
    assert [a.split()[:2] for a in again] == [[word(n).upper(), files[n]] for n in bad]
    assert lines[-2:] == ["", "21 intents → staging: 14 pending, 4 denied, 3 failed"]
    assert "not allowed:" not in shell("evaluate", *files[:20], *STAGING, "--jobs", "1").out


def test_of_very_many_the_rest_is_counted(shell_at: At) -> None:
    shell = shell_at("bare")
    Path("broken").mkdir()
    files = [f"broken/{n}.intent" for n in range(23)]
    for file in files:
        Path(file).write_text(BROKEN, encoding="utf-8")
    lines = shell("evaluate", "broken", *STAGING, "--jobs", "1").lines
    assert lines[-3:] == ["and 3 more", "", "23 intents → staging: 23 failed"]

"""What holds for every verb: help, failures, forms of output, streams, imports."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
import pytest

from bspec_opa.cli.main import VERBS, cli, main
from bspec_opa.cli.runtime import Runtime, tolerate
from bspec_opa.foundation.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shell import Shell

    At = Callable[[str], Shell]

PROGRAM = Path(sys.executable).with_name("bspec-opa")
STAGING = ("behavior.intent", "--env", "staging")


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with the words that it is called by."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        elif command is not None:
            yield (*path, name), command


COMMANDS = dict(commands(cli))


def test_every_verb_is_listed_once() -> None:
    assert len(set(VERBS)) == len(VERBS)
    assert {words[0] for words in COMMANDS} == set(VERBS)


def test_what_is_no_verb_has_no_command() -> None:
    assert cli.get_command(click.Context(cli), "nope") is None


@pytest.mark.parametrize("group", [(), ("key",), ("trust",), ("bundle",)], ids=" ".join)
def test_no_summary_in_a_list_of_commands_is_cut_off(group: tuple[str, ...]) -> None:
    """As it is on a terminal of 80 columns."""
    command: click.Command | None = cli
    for word in group:
        assert isinstance(command, click.Group)
        command = command.get_command(click.Context(command), word)
    assert isinstance(command, click.Group)
    settings = {**cli.context_settings, "max_content_width": 80, "terminal_width": 80}
    text = command.get_help(click.Context(command, **settings))
    listed = text.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in listed] == command.list_commands(click.Context(command))
    assert [line for line in listed if not line.endswith(".") or line.endswith("...")] == []


def test_a_wrong_option_is_told_in_one_sentence(shell_at: At) -> None:
    result = shell_at("empty")("-V")
    assert (result.code, result.err) == (2, "No such option '-V'; try bspec-opa --help [cli.usage]\n")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example_a_format_and_quiet(words: tuple[str, ...]) -> None:
    command = COMMANDS[words]
    settings = {**cli.context_settings, "max_content_width": 200, "terminal_width": 200}
    text = command.get_help(click.Context(command, info_name=words[-1], **settings))
    assert f"\n  bspec-opa {' '.join(words)}" in text
    assert "\n  --format [" in text
    assert "--quiet" in text
    undocumented = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
    assert undocumented == []


@pytest.mark.parametrize("words", [(), ("key",), ("trust",), ("bundle",)])
def test_a_group_alone_prints_its_help(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words, Runtime(environ={})) == 0
    assert capsys.readouterr().out.startswith("Usage: bspec-opa")


def test_help_has_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"], Runtime(environ={})) == 0
    listed = {line.split()[0] for line in capsys.readouterr().out.partition("Exit codes")[2].splitlines()[1:]}
    assert listed == {str(int(c)) for c in ExitCode} | {"130", "141"}


# Command lines that are not understood


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["validat"], 'did you mean "validate"?'),
        (["zzzzzz"], "known: adopt, approve, attest, "),
        (["key", "generat"], 'did you mean "generate"?'),
        (["evaluate", "--envv", "x"], "--env"),
        (["evaluate", "behavior.intent"], "Missing option '--env'"),
        (
            ["trust", "revoke", "x", "--reason", "y"],
            "'--mode'. Choose from: retired, compromised; try bspec-opa trust ",
        ),
        (["validate"], "Missing argument 'FILES...'"),
        (["show", "a", "b"], "unexpected extra argument"),
        (["validate", "x", "--format", "xml"], "'xml' is not one of"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_usage_errors_say_what_to_do(shell_at: At, arguments: list[str], said: str) -> None:
    result = shell_at("empty")(*arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert "--help [cli.usage]" in result.err


@pytest.mark.parametrize("form", [["--format", "json"], ["--format=json"]])
def test_usage_errors_are_json_when_json_is_wanted(shell_at: At, form: list[str]) -> None:
    result = shell_at("empty")("evaluate", "x", *form)
    assert (result.code, result.err) == (2, "")
    assert result.json["schema"] == "bspec.error/v1"
    assert [p["code"] for p in result.json["problems"]] == ["cli.usage"]


def test_the_last_format_counts_and_none_after_two_dashes(shell_at: At) -> None:
    shell = shell_at("empty")
    assert shell("validat", "--format", "json", "--format", "text").out == ""
    assert shell("validat", "--", "--format", "json").out == ""


# Which form a failure has


def test_failures_are_json_by_variable(shell_at: At) -> None:
    shell = shell_at("empty")
    shell.variables["BSPEC_OPA_OUTPUT_FORMAT"] = "json"
    for arguments in (["evaluat"], ["evaluate", "missing", "--env", "staging"], ["show"], ["bundle", "build"]):
        result = shell(*arguments)
        assert result.json["schema"] == "bspec.error/v1"
        assert result.json["exit_code"] == result.code
    assert shell("show", "--format", "text").out == ""


def test_results_and_failures_are_json_by_file(shell_at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = shell_at("ready")
    Path("bspec-opa.toml").write_text('[output]\nformat = "json"\n', encoding="utf-8")
    assert shell("validate", "behavior.intent").json["schema"] == "bspec.validation/v1"
    assert shell("key", "show", "keys/root.pem").json["schema"] == "bspec.key/v1"
    assert shell("evaluat").json["schema"] == "bspec.error/v1"
    monkeypatch.chdir("..")
    assert shell("show", "project/behavior.lock").json["problems"][0]["code"] == "lock.missing"
    assert shell("evaluat").out == ""


def test_a_configuration_that_is_wrong_says_so_in_the_form_that_can_be_known(shell_at: At) -> None:
    shell = shell_at("bare")
    Path("bspec-opa.toml").write_text("[output]\nformat = 3\n", encoding="utf-8")
    result = shell("validate", "behavior.intent")
    assert (result.code, result.out) == (2, "")
    assert "bspec-opa.toml:2:1: output.format has the wrong type" in result.err
    shell.variables["BSPEC_OPA_OUTPUT_FORMAT"] = "json"
    assert shell("validate", "behavior.intent").json["problems"][0]["code"] == "config.bad-value"


# Streams


class Terminal(io.StringIO):
    """A terminal, as far as anybody asks."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_only_on_a_terminal_that_wants_it(shell_at: At, variables: dict[str, str], coloured: bool) -> None:
    shell = shell_at("bare")
    shell.variables |= variables
    assert ("\x1b[1;33mPENDING\x1b[0m" in shell("evaluate", *STAGING, out=Terminal()).out) is coloured
    assert "\x1b" not in shell("evaluate", *STAGING).out


class Full(io.StringIO):
    """A file on a full disk."""

    def write(self, text: str) -> NoReturn:
        raise OSError(28, "No space left on device")


def test_results_that_cannot_be_written_are_a_failure(shell_at: At) -> None:
    result = shell_at("bare")("validate", "behavior.intent", out=Full())
    assert result.code == 9
    assert result.err.endswith("[cli.output]\n")


def test_a_reader_that_is_gone_exits_141(shell_at: At) -> None:
    class Gone(io.StringIO):
        def flush(self) -> NoReturn:
            raise BrokenPipeError(32, "Broken pipe")

    result = shell_at("bare")("validate", "behavior.intent", out=Gone())
    assert (result.code, result.err) == (141, "")


def test_several_problems_are_counted(shell_at: At) -> None:
    shell = shell_at("bare")
    text = Path("behavior.intent").read_text(encoding="utf-8")
    Path("behavior.intent").write_text(text.replace("level: full", "level: fall, levle: x"), encoding="utf-8")
    result = shell("evaluate", *STAGING)
    *problems, last = result.err.splitlines()
    assert result.code == 3
    assert last == f"{len(problems)} errors"
    assert all(p.startswith("behavior.intent:") for p in problems)


class Broken(io.StringIO):
    """Provokes what nobody foresaw."""

    def write(self, text: str) -> NoReturn:
        raise ZeroDivisionError(text[:1])


def test_a_bug_exits_1_with_its_traceback_on_standard_error(shell_at: At) -> None:
    shell = shell_at("bare")
    result = shell("validate", "behavior.intent", out=Broken())
    assert result.code == 1
    assert result.err.startswith("Traceback")
    assert "[cli.internal]" in result.err


def test_an_interrupt_exits_130(shell_at: At) -> None:
    def interrupted() -> int:
        signal.raise_signal(signal.SIGINT)
        return 0

    shell, out, err = shell_at("bare"), io.StringIO(), io.StringIO()
    code = main(["evaluate", *STAGING], Runtime(environ=shell.environ, clock=interrupted, out=out, err=err))
    assert (code, out.getvalue()) == (130, "")
    assert err.getvalue().endswith("interrupted; what was not announced was not done\n")


def test_an_interrupt_while_results_are_written_exits_130(shell_at: At) -> None:
    class Slow(io.StringIO):
        def flush(self) -> None:
            raise KeyboardInterrupt

    assert shell_at("bare")("validate", "behavior.intent", out=Slow()).code == 130


def test_a_poor_encoding_gets_plain_characters() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    tolerate(stream)
    stream.write("a → b… · ≥ ü")
    stream.flush()
    assert raw.getvalue() == b"a -> b... | >= \\xfc"
    tolerate(io.StringIO())


def test_canonical_json_stays_exact_in_a_poor_encoding(shell_at: At) -> None:
    shell = shell_at("bare")
    text = Path("behavior.intent").read_text(encoding="utf-8").replace("Answer customers", "Über customers")
    Path("behavior.intent").write_text(text, encoding="utf-8")
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    runtime = Runtime(environ=shell.environ, clock=lambda: shell.now, out=stream)
    assert main(["normalize", "behavior.intent"], runtime) == 0
    assert "Über customers".encode() in raw.getvalue()


# The real program


def run(
    *arguments: str, shell: Shell, program: tuple[str, ...] = (str(PROGRAM),), **variables: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*program, *arguments], env=shell.environ | variables, capture_output=True, check=False, timeout=60
    )


@pytest.mark.parametrize(
    "program",
    [(str(PROGRAM),), (sys.executable, "-m", "bspec_opa"), (sys.executable, "-I", "-m", "bspec_opa")],
    ids=["script", "module", "isolated"],
)
def test_the_program(shell_at: At, program: tuple[str, ...]) -> None:
    shell = shell_at("bare")
    # A checkout's own files are never imported by the isolated module.
    if "-I" in program:
        Path("yaml.py").write_text("raise SystemExit(99)", encoding="utf-8")
    done = run("evaluate", *STAGING, shell=shell, program=program)
    assert done.returncode == 5, done.stderr
    assert done.stdout.decode().startswith("PENDING  billing-support 1.0.0 → staging")


def test_an_ascii_terminal_gets_everything(shell_at: At) -> None:
    done = run("evaluate", *STAGING, shell=shell_at("bare"), PYTHONIOENCODING="ascii")
    assert done.returncode == 5
    assert done.stdout.startswith(b"PENDING  billing-support 1.0.0 -> staging")
    assert run("evaluate", "--help", shell=shell_at("bare"), PYTHONIOENCODING="ascii").returncode == 0


def test_a_reader_that_goes_away_is_no_traceback(shell_at: At) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        done = subprocess.run(
            [PROGRAM, "evaluate", *STAGING, "--format", "json"],
            env=shell_at("bare").environ, stdout=pipe, stderr=subprocess.PIPE, check=False, timeout=60,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (141, b"")


HEAVY = ("requests", "jsonschema", "securesystemslib", "urllib3")


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [(("validate", "behavior.intent"), (*HEAVY, "wasmtime", "cryptography")), (("evaluate", *STAGING), HEAVY)],
    ids=["validate", "evaluate"],
)
def test_the_first_commands_import_nothing_heavy(
    shell_at: At, arguments: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    program = (
        "import sys, json\n"
        "from bspec_opa.cli.main import main\n"
        f"code = main({list(arguments)!r} + ['-q'])\n"
        "print(json.dumps([code, sorted(sys.modules)]))\n"
    )
    done = run(shell=shell_at("bare"), program=(sys.executable, "-c", program))
    code, modules = json.loads(done.stdout)
    assert code in {0, 5}
    assert "bspec_opa.intent.load" in modules
    assert [m for m in modules if m.partition(".")[0] in absent] == []

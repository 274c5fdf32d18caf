"""Where the program starts."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

INTENT = str(Path(__file__).parents[1] / "examples" / "billing" / "v1" / "behavior.intent")

# Interrupts itself while the program is being imported, as somebody does who is quick.
EARLY = """
import builtins, sys
genuine = builtins.__import__
def interrupted(name, *rest, **named):
    if name == "bspec_opa.cli.main":
        raise KeyboardInterrupt
    return genuine(name, *rest, **named)
builtins.__import__ = interrupted
from bspec_opa.entry import run
run()
"""


def test_an_interrupt_while_it_is_loaded_is_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", EARLY], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")


# Is interrupted, and again while it says so.
TWICE = """
import sys
from bspec_opa.cli import failing, validate
def interrupt(*rest, **named):
    raise KeyboardInterrupt
failing.interrupted = validate.command.callback = interrupt
from bspec_opa.entry import run
sys.argv[1:] = ["validate", "behavior.intent"]
run()
"""


def test_a_second_interrupt_is_no_traceback_either() -> None:
    done = subprocess.run([sys.executable, "-c", TWICE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (130, "", "interrupted")


def test_it_starts() -> None:
    done = subprocess.run([sys.executable, "-m", "bspec_opa", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("bspec-opa, version ")


def program(*arguments: str, streams: str = "") -> subprocess.CompletedProcess[str]:
    """In a shell, which can close and redirect streams."""
    command = shlex.join([sys.executable, "-m", "bspec_opa", *arguments])
    return subprocess.run(["sh", "-c", f"{command} {streams}"], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [("validate", INTENT), ("evaluate", INTENT, "--env", "staging"), ("--help",)])
def test_without_an_output_nothing_is_done(arguments: tuple[str, ...]) -> None:
    done = program(*arguments, streams=">&-")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "standard output is closed, so nobody would see the result; send it to a file or to /dev/null\n"
    )


@pytest.mark.parametrize("streams", ["2>&-", "<&-", "2>&- <&-", "2>/dev/full"])
@pytest.mark.parametrize(("file", "code"), [(INTENT, 0), ("/nonexistent", 3)])
def test_a_closed_or_full_error_stream_changes_no_code(streams: str, file: str, code: int) -> None:
    assert program("validate", file, streams=streams).returncode == code
    assert program("validate", INTENT, file, streams=streams).returncode == code


def test_a_full_error_stream_changes_no_usage_error() -> None:
    assert program("validat", streams="2>/dev/full").returncode == 2


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("validate", INTENT)])
def test_a_full_output_is_a_reason_and_no_traceback(arguments: tuple[str, ...]) -> None:
    done = program(*arguments, streams=">/dev/full")
    assert done.returncode == 9
    assert done.stderr.startswith("results can't be written: No space left on device")
    assert "Traceback" not in done.stderr


def test_nobody_reads_the_help() -> None:
    done = program("--help", streams="| true")
    assert "Traceback" not in done.stderr


def test_all_streams_closed() -> None:
    assert program("validate", INTENT, streams=">&- 2>&- <&-").returncode == 2

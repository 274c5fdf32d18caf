"""Where the program starts."""

from __future__ import annotations

import subprocess
import sys

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


def test_it_starts() -> None:
    done = subprocess.run([sys.executable, "-m", "bspec_opa", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("bspec-opa, version ")

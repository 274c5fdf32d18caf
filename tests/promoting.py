"""Starts processes that promote, lets them go at once, and hears what each came to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from project import Project

SCRIPT = Path(__file__).parent / "workflow" / "promoters.py"


def start(project: Project, mode: str, *url: str) -> subprocess.Popen[str]:
    arguments = [str(project.base), str(project.cache), str(project.now), str(project.pin), mode, *url]
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def finish(processes: list[subprocess.Popen[str]], line: str = "") -> list[Any]:
    """Let them go at once, and hear what each came to."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    said = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(line + "\n")
        process.stdin.flush()
    for process in processes:
        with process:
            assert process.stdout is not None
            said.append(json.loads(process.stdout.read()))
        assert process.returncode == 0
    return said

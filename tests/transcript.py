"""Runs the ``console`` blocks of a document in order, in one shell, and compares what they print.

A line that starts with ``$ `` is a command, one with ``> `` continues it, the rest is its output. ``…`` alone on a line
stands for any lines. Digests, times and versions differ from run to run and are compared by their form.

    python tests/transcript.py docs/tutorial.md     # writes what the commands print now into the document
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OMITTED = "…"
_MARK = "=== next ==="
_MASKS = (
    (re.compile(r"[0-9a-f]{64}"), "<digest>"),
    (re.compile(r"sha256:[0-9a-f]+…"), "<digest>…"),
    (re.compile(r"(?<=\bkey )(?:[0-9a-f]{12}\b|[0-9a-f]{19}…)"), "<key>"),
    (re.compile(r"(?:(?<=--rollback-to )|(?<=bspec-opa review )|(?<=that line ))[0-9a-f]{12}\b"), "<line>"),
    (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"), "<time>"),
    (re.compile(r"wasmtime-[0-9.]+"), "<wasmtime>"),
    (re.compile(r"(?<=policy\.wasm )[0-9]+(?= bytes)"), "<size>"),
)


@dataclass(frozen=True)
class Step:
    """One command and the lines that it prints."""

    command: str
    output: tuple[str, ...]


def steps_of(document: str) -> list[Step]:
    """Every command of a document, in order."""
    return [step for block in BLOCK.findall(document) for step in _steps(block)]


def _steps(block: str) -> list[Step]:
    found: list[tuple[list[str], list[str]]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(([line[2:]], []))
        elif line == ">" or line.startswith("> "):
            found[-1][0].append(line[2:])
        else:
            found[-1][1].append(line)
    return [Step("\n".join(command), tuple(output)) for command, output in found]


def run(steps: list[Step], directory: Path) -> list[tuple[str, ...]]:
    """What each command prints, standard error included."""
    script = "".join(f"{step.command}\necho '{_MARK}'\n" for step in steps)
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environ = {"PATH": programs, "HOME": str(directory / "home"), "PYTHONIOENCODING": "utf-8"}
    (directory / "home").mkdir()
    (directory / "work").mkdir(exist_ok=True)
    done = subprocess.run(
        ["bash"], input=script, env=environ, cwd=directory / "work", text=True, timeout=300, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    *outputs, rest = done.stdout.split(f"{_MARK}\n")
    if rest or len(outputs) != len(steps):
        raise AssertionError(f"the shell ended early: {rest}")
    return [tuple(o.splitlines()) for o in outputs]


def masked(lines: tuple[str, ...]) -> str:
    """The lines with everything that differs from run to run masked."""
    text = "\n".join(lines)
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text


def fits(expected: tuple[str, ...], printed: tuple[str, ...]) -> bool:
    """Whether a command printed what the document says."""
    parts = [re.escape(p) for p in re.split(rf"^{OMITTED}$", masked(expected), flags=re.MULTILINE)]
    return re.fullmatch(r"(?:.*\n)*?.*".join(parts), masked(printed)) is not None


def rewritten(document: str, outputs: list[tuple[str, ...]]) -> str:
    """The document with these outputs; an output that leaves lines out stays as it is."""
    remaining = iter(outputs)

    def block(match: re.Match[str]) -> str:
        lines = []
        for step in _steps(match[1]):
            printed = next(remaining)
            first, *more = step.command.split("\n")
            lines += [f"$ {first}", *(f"> {m}".rstrip() for m in more)]
            lines += step.output if OMITTED in step.output else printed
        return "```console\n" + "".join(f"{line}\n" for line in lines) + "```"

    return BLOCK.sub(block, document)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        path = Path(name)
        text = path.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            path.write_text(rewritten(text, run(steps_of(text), Path(folder))), encoding="utf-8")

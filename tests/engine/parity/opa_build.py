"""Many of OPA's cases in one module: each moves, rules and data, below a name of its own.

Alone a case costs 0.3 s (OPA's runtime has to be compiled with it), among 200 others 5 ms. ``alone`` leaves a case
as OPA wrote it, unless it asks for all of ``data``, where its own question would be; the long run does that, and shows
that moving changes nothing.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bspec_opa.bundle.rego.capabilities import FILE as CAPABILITIES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.parity.opa_cases import Case

PACKAGE = "conformance"
REVISION = "r1"
QUESTION = """\
package {package}

# Sets have no order, and JSON has no sets: whether there is one says how lists are to be compared.
result := {{"rows": rows, "sets": count([1 | walk(rows, [_, v]); is_set(v)])}}

rows := [{row} | {query}]
"""
_STRING = r'"(?:[^"\\\n]|\\.)*"|`[^`]*`'
_TOKENS = re.compile(rf"(?P<template>\$(?:{_STRING}))|{_STRING}|#[^\n]*|(?<![\w.])(?P<data>data)\b(?!\s*:=)")
_INSIDE = re.compile(r"(?<![\w.])data\b(?=[.\[])")
_ALL_DATA = re.compile(r"data\b(?![.\[])")
_PACKAGE = re.compile(r"^package[ \t]+(?=\S)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Placed:
    """A case and the name below which it lies; empty if it was not moved."""

    case: Case
    name: str

    @property
    def question(self) -> str:
        """The package of its query."""
        return f"{PACKAGE}.{self.name}" if self.name else PACKAGE

    @property
    def entrypoint(self) -> str:
        return self.question.replace(".", "/") + "/result"

    @property
    def data(self) -> dict[str, Any]:
        return {self.name: self.case.data} if self.name else self.case.data

    def files(self) -> dict[str, str]:
        """Its Rego, by file name."""
        rows = "{" + ", ".join(f'"{v}": {v}' for v in self.case.variables) + "}"
        query = self._moved(self.case.query)
        modules = {f"{n}.rego": self._module(m) for n, m in enumerate(self.case.modules)}
        return modules | {"question.rego": QUESTION.format(package=self.question, row=rows, query=query)}

    def _module(self, text: str) -> str:
        return _PACKAGE.sub(f"package {self.name}.", self._moved(text), count=1) if self.name else text

    def _moved(self, text: str) -> str:
        def moved(found: re.Match[str]) -> str:
            if found["template"]:
                return _INSIDE.sub(f"data.{self.name}", found[0])
            return f"data.{self.name}" if found["data"] else found[0]

        return _TOKENS.sub(moved, text) if self.name else text


class Batch:
    """Cases in a directory, as OPA reads them."""

    def __init__(self, opa: Path, directory: Path, cases: Sequence[Case], *, alone: bool = False) -> None:
        self._opa = opa
        self._directory = directory
        names = {f"c{n}": c for n, c in enumerate(cases)}
        self.placed = {n: Placed(c, "" if alone and not _ALL_DATA.match(c.query) else n) for n, c in names.items()}
        self.refused: dict[str, str] = {}
        for name, placed in self.placed.items():
            folder = directory / name
            folder.mkdir(parents=True)
            for file, text in placed.files().items():
                (folder / file).write_text(text, encoding="utf-8")

    def keep_allowed(self) -> None:
        """Leave out, into ``refused``, what our allow-list or its types refuse; OPA says so stage by stage."""
        while wrong := self._wrong():
            for name, message in wrong.items():
                self.refused[self.placed.pop(name).case.id] = message
                for file in (self._directory / name).iterdir():
                    file.unlink()

    def _wrong(self) -> dict[str, str]:
        arguments = ["check", "--capabilities", str(CAPABILITIES), "--max-errors=0", "--format=json", "."]
        done = self._run(arguments)
        if done.returncode == 0:
            return {}
        found: dict[str, str] = {}
        for error in json.loads(done.stderr)["errors"]:
            found.setdefault(error["location"]["file"].partition("/")[0], error["message"])
        return found

    def wasm(self) -> bytes:
        """``policy.wasm`` of what is left, with an entry point for each case."""
        target = self._directory.with_name(f"{self._directory.name}-wasm.tar.gz")
        entrypoints = [f"--entrypoint={p.entrypoint}" for p in self.placed.values()]
        command = ["build", "--target=wasm", "--capabilities", str(CAPABILITIES), *entrypoints, f"--output={target}"]
        done = self._run([*command, "--bundle", "."])
        assert done.returncode == 0, done.stderr + done.stdout
        with tarfile.open(target) as archive:
            member = archive.extractfile("/policy.wasm")
            assert member is not None
            return member.read()

    def bundle(self) -> Path:
        """What is left as a bundle for a server: packed here, since ``opa build`` rewrites Rego and not always well."""
        target = self._directory.with_name(f"{self._directory.name}-server.tar.gz")
        parts = {f"{n}/{file}": text for n, p in self.placed.items() for file, text in p.files().items()}
        parts |= {f"{n}/data.json": json.dumps(p.case.data) for n, p in self.placed.items()}
        parts[".manifest"] = json.dumps({"revision": REVISION, "roots": [PACKAGE, *self.placed]})
        with tarfile.open(target, "w:gz") as archive:
            for name, text in parts.items():
                member = tarfile.TarInfo(name)
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))
        return target

    def _run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        command = [str(self._opa), *arguments]
        return subprocess.run(command, env={}, cwd=self._directory, check=False, capture_output=True, text=True)

"""Asks OPA and two WebAssembly modules for the value of each call."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from engine.strict.rewriting import NATIVE, strict

from bspec_opa.engine.reasons import FUEL, MEMORY, TRAP
from bspec_opa.engine.wasm_abi import Instance
from bspec_opa.engine.wasm_program import Limits, Program
from bspec_opa.foundation.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from engine.strict.calls import Argument, Call

ARGUMENT = """\
argument(a) := a.v

argument(a) := {x | some x in a.set} if a.set

argument(a) := {s | some l in a.sets; s := {x | some x in l}} if a.sets
"""
ROW = '{"value": v, "sets": count([1 | walk(v, [_, x]); is_set(x)])}'
"""JSON has no sets: whether there is one says how lists are to be compared."""


class Word(str):
    """What there is instead of a value."""

    __slots__ = ()


FUEL_OF_A_CALL = 50_000_000
"""The most expensive ones that end take a tenth."""
UNDEFINED, ERROR, STOPPED = Word("undefined"), Word("error"), Word("stopped")
BUILTIN_ERROR = ("eval_builtin_error", "eval_type_error")


def declarations(opa: Path) -> dict[str, Sequence[Any]]:
    """The types of the arguments of each builtin that is compiled to WebAssembly."""
    done = subprocess.run([str(opa), "capabilities", "--current"], env={}, check=True, capture_output=True)
    return {b["name"]: b["decl"]["args"] for b in json.loads(done.stdout)["builtins"] if b["name"] in NATIVE}


def expression(builtin: str, arguments: str, count: int) -> str:
    """Rego for a call's row; ``arguments`` is Rego, too."""
    parts = ", ".join(f"argument({arguments}[{n}])" for n in range(count))
    if builtin == "walk":  # a relation: its whole table is the value, in any order
        return f"{ROW} if v := {{[p, x] | walk({parts}, [p, x])}}"
    return f"{ROW} if v := {builtin}({parts})"


def compile_calls(opa: Path, folder: Path, types: Mapping[str, Sequence[Any]]) -> bytes:
    """A module with an entry point for each builtin."""
    rules = [f"{rule_of(b)} := {expression(b, 'input', len(t))}" for b, t in types.items()]
    (folder / "calls.rego").write_text("\n\n".join(["package calls", *rules, ARGUMENT]), encoding="utf-8")
    return build(opa, folder, "calls.rego", [entrypoint_of(b) for b in types])


def build(opa: Path, folder: Path, file: str, entrypoints: Sequence[str]) -> bytes:
    """The ``policy.wasm`` of a file."""
    command = [str(opa), "build", "--target=wasm", *(f"--entrypoint={e}" for e in entrypoints), "--output=calls.tar.gz"]
    done = subprocess.run([*command, file], env={}, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with tarfile.open(fileobj=io.BytesIO((folder / "calls.tar.gz").read_bytes())) as archive:
        member = archive.extractfile("/policy.wasm")
        assert member is not None
        return member.read()


def rule_of(builtin: str) -> str:
    return "r_" + builtin.replace(".", "_")


def entrypoint_of(builtin: str) -> str:
    return f"calls/{rule_of(builtin)}"


@dataclass(frozen=True)
class Row:
    """A value, and whether there is a set in it."""

    value: Any
    sets: bool


Outcome = Row | Word


def ask_opa(opa: Path, folder: Path, calls: Sequence[Call]) -> list[Outcome]:
    """What OPA makes of each call: a value, undefined, or an error where its strict mode raises.

    One run for all: each call is on a line of its own, and OPA tells the errors of strict mode with their lines
    instead of stopping at the first.
    """
    head = ["package calls", ""]
    rules = [f'out["{n}"] := {expression(c.builtin, f"input[{n}]", len(c.arguments))}' for n, c in enumerate(calls)]
    (folder / "batch.rego").write_text("\n".join([*head, *rules, "", ARGUMENT]), encoding="utf-8")
    command = [str(opa), "eval", "-f", "json", "-I", "--show-builtin-errors", "-d", "batch.rego", "data.calls.out"]
    body = json.dumps([c.arguments for c in calls], ensure_ascii=False).encode()
    done = subprocess.run(command, env={}, cwd=folder, input=body, check=False, capture_output=True)
    assert done.stdout, done.stderr.decode()[-2000:]
    answer = read(done.stdout)
    assert "result" in answer, answer
    found: list[Outcome] = [UNDEFINED] * len(calls)
    for error in answer.get("errors", ()):
        assert error["code"] in BUILTIN_ERROR, error
        found[error["location"]["row"] - len(head) - 1] = ERROR
    (result,) = answer["result"]
    for number, row in result["expressions"][0]["value"].items():
        assert found[int(number)] is UNDEFINED
        found[int(number)] = row_of(row)
    return found


def asked_strictly(opa: Path, folder: Path, call: Call) -> Outcome:
    """The same of one call, by OPA's strict mode itself."""
    rego = "\n".join(["package calls", f"out := {expression(call.builtin, 'input', len(call.arguments))}", ARGUMENT])
    (folder / "one.rego").write_text(rego, encoding="utf-8")
    command = [str(opa), "eval", "-f", "json", "-I", "--strict-builtin-errors", "-d", "one.rego", "data.calls.out"]
    body = json.dumps(call.arguments, ensure_ascii=False).encode()
    done = subprocess.run(command, env={}, cwd=folder, input=body, check=False, capture_output=True)
    answer = read(done.stdout)
    if "errors" in answer:
        assert {e["code"] for e in answer["errors"]} <= set(BUILTIN_ERROR)
        return ERROR
    return row_of(answer["result"][0]["expressions"][0]["value"]) if "result" in answer else UNDEFINED


class Module:
    """A compiled module of calls."""

    def __init__(self, wasm: bytes) -> None:
        self._program = Program(wasm, Limits(fuel=FUEL_OF_A_CALL, deadline_s=60), None)
        self._instances: dict[str, Instance] = {}

    def ask(self, calls: Iterable[Call]) -> list[Outcome]:
        """What it makes of each call."""
        return [self._ask(entrypoint_of(c.builtin), c.arguments) for c in calls]

    def _ask(self, entrypoint: str, arguments: Sequence[Argument]) -> Outcome:
        if entrypoint not in self._instances:
            for instance in self._instances.values():
                instance.close()
            self._instances = {entrypoint: Instance(self._program, b"{}", entrypoint)}
        body = json.dumps(arguments, ensure_ascii=False).encode()
        try:
            answer = read(self._instances[entrypoint].evaluate(body))
        except EngineError as e:
            if {p.reason for p in e.problems} - {TRAP, FUEL, MEMORY}:
                raise
            self._instances.pop(entrypoint).close()
            return STOPPED
        except ValueError:  # an answer that is no JSON: the product refuses it
            return STOPPED
        return row_of(answer[0]["result"]) if answer else UNDEFINED

    def close(self) -> None:
        """Give it back."""
        for instance in self._instances.values():
            instance.close()
        self._program.close()


def both_modules(wasm: bytes) -> tuple[Module, Module]:
    """The module as OPA made it, and with its builtins wrapped."""
    return Module(wasm), Module(strict(wasm))


def read(text: bytes) -> Any:
    """JSON; numbers stay as exact as they are written, and what is no UTF-8 is like nothing else."""
    return json.loads(text.decode("utf-8", "surrogateescape"), parse_float=Decimal)


def row_of(row: Any) -> Row:
    return Row(row["value"], bool(row["sets"]))


def same(one: Row, other: Row) -> bool:
    """Whether two values are equal; lists in any order where a set is among them."""
    if one.sets != other.sets:
        return False
    return bool(_form(one.value, ordered=not one.sets) == _form(other.value, ordered=not one.sets))


def _form(value: Any, *, ordered: bool) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, dict):
        return {k: _form(value[k], ordered=ordered) for k in sorted(value)}
    if isinstance(value, list):
        parts = [_form(v, ordered=ordered) for v in value]
        return parts if ordered else sorted(parts, key=repr)
    return value

"""Runs policies of conftest's form through the real OPA, many inputs at a time.

They are not ours and not checked by our build. OPA is started with an empty environment, and without the builtins
that reach a network or the process, unless a capabilities file says otherwise; a builtin that fails is an error; and
paths below ``input`` are checked against the published schema, so that ``input.intnet`` is no rule that passes.
"""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bspec_opa.bundle.conftest.answers import read_answer
from bspec_opa.bundle.conftest.meant import meant
from bspec_opa.bundle.conftest.reasons import EVALUATION
from bspec_opa.bundle.conftest.references import data_read, missing
from bspec_opa.bundle.conftest.rules import EXCEPTION, asked_rules, has_rules, is_meant
from bspec_opa.bundle.conftest.sources import read_data, read_policies
from bspec_opa.bundle.conftest.wanted import V0
from bspec_opa.bundle.contract.__main__ import rendered
from bspec_opa.bundle.reasons import FORBIDDEN_BUILTIN, OPA_FAILED
from bspec_opa.bundle.rego.capabilities import WITHHELD
from bspec_opa.bundle.rego.opa_tool import TIMEOUT_S
from bspec_opa.bundle.rego.sources import write_tree
from bspec_opa.bundle.rego.syntax import parse_modules, rule_name
from bspec_opa.foundation.errors import BspecError, ExitCode, Location, Problem, error_of
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import MAX_IMPORT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bspec_opa.bundle.conftest.answers import ForeignAnswer
    from bspec_opa.bundle.conftest.rules import ForeignRule
    from bspec_opa.bundle.conftest.wanted import Wanted
    from bspec_opa.bundle.rego.opa_tool import Opa
    from bspec_opa.bundle.rego.syntax import Module
    from bspec_opa.foundation.canonical import JsonObject

BATCH = 256
"""Inputs for one run of OPA at most: starting it takes as long as evaluating dozens of them."""
BATCH_CHARACTERS = 8_000_000
"""Of their sources, in one run, at most: large ones are not all held at once."""
PARTS = 8
"""Into how many a batch is divided to find the inputs on which a policy fails."""
_SHORT_BATCH = 32
"""As many inputs have OPA's usual time limit; more have more."""
_POLICIES, _ANSWER, _DATA = "policies", "answer", "data"
_CAPABILITIES, _SCHEMA = "capabilities.json", "input.json"
_PACKAGE = "bspec_opa_conftest"
# Variables, because "with input as x.input" leaves input undefined without a word.
_QUERY = (
    "[a | x := input.items[_]; i := x.document; f := x.file; "
    f"a := data.{_PACKAGE}.answer with input as i with data.conftest.file as f]"
)


@contextmanager
def open_runner(wanted: Wanted, opa: Opa, written: bytes = b"") -> Iterator[Runner]:
    """Read and check the policies, and keep a private copy of them for OPA.

    Args:
        wanted: which, and how they are read.
        opa: the binary.
        written: the JSON Schema of an intent as it is written, where that is their input.

    Raises:
        InvalidInputError: they can't be read, don't compile, or hold something that conftest would let through.
        EngineError: OPA can't be started.
    """
    opa.require_version()
    sources = read_policies(wanted.policies)
    with tempfile.TemporaryDirectory(prefix="bspec-opa-") as folder:
        with _located(wanted.policies, written=wanted.written):
            runner = _checked(wanted, sources, Path(folder), opa, written)
        yield runner


def _checked(wanted: Wanted, sources: Mapping[str, bytes], work: Path, opa: Opa, written: bytes) -> Runner:
    flags = ("--v0-compatible",) if wanted.rego_version == V0 else ()
    write_tree(work / _POLICIES, sources)
    modules = parse_modules(work / _POLICIES, sources, opa, flags)
    rules = asked_rules(modules, wanted.namespaces)
    modules = _needed(modules, wanted.namespaces, work)
    schema = written if wanted.written else rendered()[_SCHEMA].encode()
    write_tree(work, {_SCHEMA: schema, _CAPABILITIES: _capabilities(wanted, opa, flags)})
    data = _write_data(wanted, work)
    restricted = ("--capabilities", _CAPABILITIES, *flags)
    opa.run(["check", "-f", "json", "--max-errors", "1000", "--schema", _SCHEMA, *restricted, _POLICIES], cwd=work)
    _require_data(modules, data, work, opa)
    write_tree(work, {f"{_ANSWER}/answer.rego": _answer_source(rules, modules, _known_by(wanted)).encode()})
    return Runner(rules, wanted, work, opa, (*restricted, *data))


def _known_by(wanted: Wanted) -> tuple[str, ...]:
    """The member by which an answer says which input it is about."""
    return ("metadata",) if wanted.written else ("intent", "digest")


def _needed(modules: Sequence[Module], namespaces: Sequence[str], work: Path) -> tuple[Module, ...]:
    """The files of packages that were asked for, and those that only help; OPA sees no others."""
    needed = [is_meant(m, namespaces) or not has_rules(m) for m in modules]
    for module, kept in zip(modules, needed, strict=True):
        if not kept:
            (work / _POLICIES / module.name).unlink()
    return tuple(m for m, kept in zip(modules, needed, strict=True) if kept)


def _write_data(wanted: Wanted, work: Path) -> list[str]:
    """Copies of the data, each source in a folder of its own; returns OPA's options for them."""
    options: list[str] = []
    for number, path in enumerate(wanted.data):
        write_tree(work / _DATA / str(number), read_data(path))
        options += ["-d", f"{_DATA}/{number}"]
    return options


def _capabilities(wanted: Wanted, opa: Opa, flags: tuple[str, ...]) -> bytes:
    if wanted.capabilities is not None:
        return read_bounded(wanted.capabilities, MAX_IMPORT_BYTES)
    current: dict[str, Any] = json.loads(opa.run(["capabilities", "--current", *flags]))
    current["builtins"] = [b for b in current["builtins"] if b["name"] not in WITHHELD]
    return json.dumps({**current, "allow_net": []}).encode()


def _require_data(modules: Sequence[Module], data: list[str], work: Path, opa: Opa) -> None:
    read = data_read(modules)
    if not read:
        return
    query = '[p | p := input[_]; object.get(data, p, "missing") == object.get(data, p, "lacking")]'
    paths = json.dumps([list(p) for p in read]).encode()
    found = _value(opa.run(["eval", "-f", "json", "-I", *data, query], cwd=work, stdin=paths))
    problems = missing(read, {tuple(p) for p in cast("list[list[str]]", found)}, modules)
    if problems:
        raise error_of(problems)


def _answer_source(rules: Sequence[ForeignRule], modules: Sequence[Module], known_by: tuple[str, ...]) -> str:
    """A module that asks every rule by its name; in words that both versions of Rego understand."""
    excepting = {m.package for m in modules if any(rule_name(r) == EXCEPTION for r in m.rules)}
    asked = {r.id: (*r.package, r.name) for r in rules}
    exceptions = {".".join(p): (*p, EXCEPTION) for p in sorted({r.package for r in rules} & excepting)}
    seen = f"[{'.'.join(('input', *known_by))}, data.conftest.file]"
    members = f'"rules": {_asking(asked)}, "exceptions": {_asking(exceptions)}, "seen": {seen}'
    return f"package {_PACKAGE}\n\nanswer := {{{members}}}\n"


def _asking(paths: dict[str, tuple[str, ...]]) -> str:
    parts = [
        f"{json.dumps(name)}: [v | v := data{''.join(f'[{json.dumps(p)}]' for p in path)}]"
        for name, path in paths.items()
    ]
    return "{" + ", ".join(parts) + "}"


def _value(output: str) -> Any:
    return json.loads(output)["result"][0]["expressions"][0]["value"]


class Runner:
    """Policies that were checked.

    Attributes:
        rules: what is asked of every input.
        written: whether an input is an intent as it was written.
    """

    def __init__(
        self, rules: tuple[ForeignRule, ...], wanted: Wanted, work: Path, opa: Opa, options: tuple[str, ...]
    ) -> None:
        self.rules = rules
        self.written = wanted.written
        self._wanted = wanted
        self._work = work
        self._opa = opa
        self._options = options

    def ask(self, items: Sequence[tuple[Path, JsonObject]]) -> list[tuple[ForeignAnswer, ...] | BspecError]:
        """The rules' answers about each input, or why there are none.

        Args:
            items: the file that an input comes from, and the input.
        """
        try:
            answers = self._evaluate(items)
        except BspecError as e:
            if len(items) > 1 and e.exit_code == ExitCode.INVALID:
                step = -(-len(items) // PARTS)  # one of them is to blame
                return [a for n in range(0, len(items), step) for a in self.ask(items[n : n + step])]
            return [_failed(e)] * len(items)
        return [self._read(a) for a in answers]

    def _read(self, answer: JsonObject) -> tuple[ForeignAnswer, ...] | BspecError:
        try:
            return read_answer(self.rules, answer)
        except BspecError as e:
            return e

    def _evaluate(self, items: Sequence[tuple[Path, JsonObject]]) -> list[JsonObject]:
        document: dict[str, Any] = {"items": [{"document": d, "file": _file(f)} for f, d in items]}
        command = ["eval", "-f", "json", "-I", "--strict-builtin-errors", *self._options]
        with _located(self._wanted.policies, written=self.written):
            output = self._opa.run(
                [*command, "-d", _POLICIES, "-d", _ANSWER, _QUERY],
                cwd=self._work,
                stdin=json.dumps(document).encode(),
                timeout_s=TIMEOUT_S * max(1, len(items) / _SHORT_BATCH),
            )
        answers = cast("list[JsonObject]", _value(output))
        # A rule that doesn't see its input is quiet.
        known_by = _known_by(self._wanted)
        if [a["seen"] for a in answers] != [[_at(i["document"], known_by), i["file"]] for i in document["items"]]:
            raise OPA_FAILED.error("OPA did not answer about the inputs that it was given")
        return answers


def _at(document: Any, path: Sequence[str]) -> Any:
    for name in path:
        document = document[name]
    return document


def _file(path: Path) -> JsonObject:
    """What conftest tells policies about the file."""
    absolute = path.absolute()
    return {"name": _text(absolute.name), "dir": _text(str(absolute.parent))}


def _text(name: str) -> str:
    return name.encode("utf-8", "replace").decode()


def _failed(error: BspecError) -> BspecError:
    """What OPA says of a policy that compiled and then failed."""
    if error.exit_code != ExitCode.INVALID:
        return error
    return error_of(EVALUATION.problem(p.message, hint=EVALUATION.remedy, at=p.location) for p in error.problems)


@contextmanager
def _located(policies: Path, *, written: bool) -> Iterator[None]:
    """Give problems the place of the author's file instead of the copy's, and our words for what is withheld."""
    try:
        yield
    except BspecError as e:
        raise error_of(_relocated(p, policies, written=written) for p in e.problems) from e


def _relocated(problem: Problem, policies: Path, *, written: bool) -> Problem:
    hint, at = problem.hint, problem.location
    if problem.reason == FORBIDDEN_BUILTIN:
        hint = "misspelt, or withheld: --conftest-capabilities FILE says what policies may call"
    elif problem.message.startswith("undefined ref: input"):
        hint = meant(problem.message, written=written)
    elif "keyword is required" in problem.message:
        hint = "written before OPA 1.0? --rego-version v0 takes it as it is"
    if at is not None and at.file.endswith(".rego") and not Path(at.file).is_absolute():
        name = at.file.removeprefix(f"{_POLICIES}/")
        file = str(policies if policies.is_file() else policies / name)
        at = Location(file, at.line, at.column)
    return replace(problem, hint=hint, location=at)

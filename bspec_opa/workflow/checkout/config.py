"""bspec-opa.toml, BSPEC_OPA_ variables and flags: flag > variable > file > default.

The file holds conveniences only. Nothing in it decides: a trust pin in it is refused, because the file lies in
the checkout (attack A75).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bspec_opa.foundation.errors import Location, Problem, error_of
from bspec_opa.foundation.files import read_bounded
from bspec_opa.foundation.limits import ENGINE_DEADLINE_S, MAX_DOCUMENT_BYTES
from bspec_opa.foundation.suggest import did_you_mean
from bspec_opa.ledger.sql.url import rebased
from bspec_opa.trust.key_names import shown_key_name
from bspec_opa.workflow.checkout.ledgers import over, require_no_passwords
from bspec_opa.workflow.reasons import CONFIG_PIN, CONFIG_SYNTAX, CONFIG_UNKNOWN, CONFIG_VALUE

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME = "bspec-opa.toml"
PREFIX = "BSPEC_OPA_"
ENGINES = ("embedded", "managed", "rest")
FORMATS = ("text", "json", "jsonl")
SIGNERS = (
    *("author", "approver", "evaluator", "promoter", "reviewer", "revoker", "retirer"),
    *("gate", "ledger", "head"),
)

# name -> kind; lists are written as TOML arrays; in variables paths are separated by colons, texts by spaces.
KEYS: Mapping[str, str] = {
    "records.dirs": "paths",
    "ledger.path": "path",
    "ledger.url": "database",
    "ledger.head": "path",
    "catalogs.paths": "paths",
    "engine.name": "engine",
    "engine.url": "text",
    "engine.bundle_name": "text",
    "engine.ca": "path",
    "engine.cert": "path",
    "engine.key": "path",
    "engine.token_file": "path",
    "engine.deadline_s": "seconds",
    "bundle.path": "bundle",
    "policy.base": "bundle",
    "policy.base_revision": "text",
    "policy.owner": "text",
    "policy.path": "path",
    "output.format": "format",
    "decision_log.file": "path",
    "decision_log.url": "text",
    "decision_log.ca": "path",
    "decision_log.token_file": "path",
    "witness.urls": "texts",
    "witness.ca": "path",
    "witness.cert": "path",
    "witness.key": "path",
    "witness.token_file": "path",
    **{f"signing.{role}": "key" for role in SIGNERS},
}
# Why these must lie inside the project where the checkout names them: one is sent away, two are written to.
INSIDE: Mapping[str, str] = {
    "engine.token_file": "give --engine-token-file: a checkout must not send your files away",
    "decision_log.file": "give BSPEC_OPA_DECISION_LOG_FILE: a checkout must not write to your files",
    "ledger.head": "give BSPEC_OPA_LEDGER_HEAD: a checkout must not write to your files",
}
# Never from a checkout: who learns of decisions, or of a secret, is not for those to say whose agents are judged.
OUTSIDE = frozenset({"decision_log.url", "decision_log.ca", "decision_log.token_file", "witness.token_file"})
MAX_DEADLINE_S = 600
MAX_SHOWN = 40
# Variables that are no configuration keys.
OTHER_VARIABLES = frozenset({"TRUST_PIN", "STATE_DIR", "OPA", "PASSPHRASE"})
_OTHERS = frozenset(PREFIX + name for name in OTHER_VARIABLES)
_VARIABLES: Mapping[str, str] = {PREFIX + key.replace(".", "_").upper(): key for key in KEYS}

Value = str | float | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Config:
    """The configuration in force; paths are absolute or relative to the process.

    Attributes:
        values: key, such as ``engine.url``, to value.
        from_checkout: the keys whose value comes from ``bspec-opa.toml``, which whoever edits the checkout writes.
        place: a directory of the checkout that is judged.
    """

    values: Mapping[str, Value] = field(default_factory=dict)
    from_checkout: frozenset[str] = frozenset()
    place: Path = Path()

    def text(self, key: str) -> str | None:
        """A text value, if it is set."""
        value = self.values.get(key)
        return value if isinstance(value, str) else None

    def path(self, key: str) -> Path | None:
        """A path, if it is set."""
        value = self.text(key)
        return Path(value) if value is not None else None

    def paths(self, key: str) -> tuple[Path, ...] | None:
        """A list of paths, if it is set."""
        value = self.values.get(key)
        return tuple(Path(v) for v in value) if isinstance(value, tuple) else None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts; empty if it is not set."""
        value = self.values.get(key)
        return value if isinstance(value, tuple) else ()

    @property
    def deadline_s(self) -> float:
        """Total seconds for one decision."""
        value = self.values.get("engine.deadline_s")
        return value if isinstance(value, float) else ENGINE_DEADLINE_S


def load_config(root: Path | None, environ: Mapping[str, str], flags: Mapping[str, Value | None]) -> Config:
    """The configuration of a project.

    Args:
        root: the directory that holds ``bspec-opa.toml``, if there is one.
        environ: the process's environment.
        flags: key to value of the flags; None where a flag was not given.

    Raises:
        UsageError: unknown key, wrong value, no TOML, or a pin in the file.
    """
    filed = _from_file(root / FILE_NAME) if root is not None and (root / FILE_NAME).exists() else {}
    flagged = {k: v for k, v in flags.items() if v is not None}
    # Of all places only the environment is neither shared nor seen by every process.
    require_no_passwords({FILE_NAME: filed, "the flags": flagged})
    given = over(_from_environment(environ), flagged)
    values = over(filed, given)
    _check_words(values)
    return Config(values, frozenset(k for k in filed if k in values and k not in given))


def _check_words(values: Mapping[str, Value]) -> None:
    for key, known in (("engine.name", ENGINES), ("output.format", FORMATS)):
        value = values.get(key)
        if value is not None and value not in known:
            raise CONFIG_VALUE.error(f"{key} is {_shortened(value)}", hint=did_you_mean(str(value), known))
    deadline = values.get("engine.deadline_s")
    if deadline is not None and _seconds(deadline) is None:
        raise CONFIG_VALUE.error(
            f"engine.deadline_s is {deadline!r}", hint=f"give more than 0 and at most {MAX_DEADLINE_S} seconds"
        )


def _shortened(value: Value) -> str:
    """The beginning of a wrong value: it may be a secret that was put in the wrong place (attack A71)."""
    text = str(value)
    if shown_key_name(text) != text:
        return "no such word, but looks like a key"
    return ascii(text[:MAX_SHOWN]) + ("…" if len(text) > MAX_SHOWN else "")


def _from_file(path: Path) -> dict[str, Value]:
    data = read_bounded(path, MAX_DOCUMENT_BYTES)
    try:
        text = data.decode()
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
        raise CONFIG_SYNTAX.error(str(e), hint="correct it", at=Location(str(path))) from e
    except (ValueError, RecursionError) as e:  # a number of too many digits, or nesting without end
        raise CONFIG_SYNTAX.error("has a value that can't be read", hint="correct it", at=Location(str(path))) from e
    return _Reader(path, text).read(document)


class _Reader:
    """Turns a parsed TOML document into values, collecting every problem with its line."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()
        self._problems: list[Problem] = []

    def read(self, document: Mapping[str, object]) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for section, members in document.items():
            for name, raw in members.items() if isinstance(members, dict) else [("", members)]:
                key = f"{section}.{name}" if name else section
                value = self._value(key, raw)
                if value is not None:
                    values[key] = value
        if self._problems:
            raise error_of(self._problems)
        return values

    def _value(self, key: str, raw: object) -> Value | None:
        at = self._locate(key)
        if key in OUTSIDE:
            hint = f"set {PREFIX}{key.replace('.', '_').upper()}"
            self._problems.append(CONFIG_VALUE.problem(f"{key} is not accepted here", hint=hint, at=at))
        elif key.rpartition(".")[2] in {"pin", "trust_pin", "trust-pin"}:
            hint = "give --trust-pin or BSPEC_OPA_TRUST_PIN: the anchor never comes from the checkout"
            self._problems.append(CONFIG_PIN.problem("a trust pin is not accepted here", hint=hint, at=at))
        elif key not in KEYS:
            hint = did_you_mean(key, KEYS)
            self._problems.append(CONFIG_UNKNOWN.problem(f'unknown key "{key}"', hint=hint, at=at))
        else:
            value = _typed(KEYS[key], raw, self._path.parent)
            if value is None:
                self._problems.append(CONFIG_VALUE.problem(f"{key} has the wrong type", hint="see docs", at=at))
            elif key in INSIDE and _leaves(raw, self._path.parent):
                message = f"{key} lies outside the project"
                self._problems.append(CONFIG_VALUE.problem(message, hint=INSIDE[key], at=at))
            return value
        return None

    def _locate(self, key: str) -> Location:
        name = re.escape(key.rpartition(".")[2])
        for number, line in enumerate(self._lines, 1):
            if re.match(rf"\s*\[?\s*{name}\b", line):
                return Location(str(self._path), number, len(line) - len(line.lstrip()) + 1)
        return Location(str(self._path))


def _typed(kind: str, raw: object, base: Path) -> Value | None:
    """A value of the kind, or None when the type is wrong; paths become relative to ``base``."""
    if kind in {"paths", "texts"}:
        return _list(raw, base if kind == "paths" else None)
    if kind == "seconds":
        return _seconds(raw)
    if not isinstance(raw, str) or not raw:
        return None
    if kind in {"path", "database"}:
        return str(base / raw) if kind == "path" else rebased(raw, base)
    if kind == "bundle":
        return raw if is_shipped_name(raw) else str(base / raw)
    return _key_uri(raw, base) if kind == "key" else raw


def _list(raw: object, base: Path | None) -> tuple[str, ...] | None:
    """Texts; paths, where there is a directory that they are relative to."""
    if isinstance(raw, list) and raw and all(isinstance(r, str) and r for r in raw):
        return tuple(raw) if base is None else tuple(str(base / r) for r in raw)
    return None


def _seconds(raw: object) -> float | None:
    """A finite time to wait, or None; a flag is checked like everything else."""
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return None
    return float(raw) if 0 < raw <= MAX_DEADLINE_S else None


def _leaves(raw: object, base: Path) -> bool:
    """Whether a path leads out of the project, also by a link."""
    return not (base / str(raw)).resolve().is_relative_to(base.resolve())


def is_shipped_name(bundle: str) -> bool:
    """Whether a bundle is named like a shipped one (``default``) and not like a file."""
    return re.fullmatch(r"[a-z][a-z0-9_-]*", bundle) is not None


def _key_uri(raw: str, base: Path) -> str:
    """A signer's URI; a bare path or ``file:`` path is relative to the configuration."""
    scheme, separator, rest = raw.partition(":")
    if not separator:
        return str(base / raw)
    return f"file:{base / rest}" if scheme == "file" else raw


def _from_environment(environ: Mapping[str, str]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for variable in sorted(v for v in environ if v.startswith(PREFIX) and v not in _OTHERS):
        if variable not in _VARIABLES:
            raise CONFIG_UNKNOWN.error(f"unknown variable {variable}", hint=did_you_mean(variable, _VARIABLES))
        value = _parse_text(KEYS[_VARIABLES[variable]], environ[variable])
        if value is None:
            raise CONFIG_VALUE.error(f"{variable} has a wrong value", hint="see docs/reference.md")
        values[_VARIABLES[variable]] = value
    return values


def _parse_text(kind: str, text: str) -> Value | None:
    if kind == "paths":
        return _typed(kind, text.split(":"), Path())
    if kind == "texts":
        return _typed(kind, text.split(), Path())
    if kind == "seconds":
        try:
            return _typed(kind, float(text), Path())
        except ValueError:
            return None
    return _typed(kind, text, Path())

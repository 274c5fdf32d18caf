"""Flag over variable over file; nothing in the file decides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.foundation.limits import ENGINE_DEADLINE_S
from bspec_opa.workflow.checkout.config import KEYS, load_config

if TYPE_CHECKING:
    from bspec_opa.foundation.errors import Problem
    from bspec_opa.workflow.checkout.config import Config


def config(directory: Path, text: str = "", environ: dict[str, str] | None = None, **flags: Any) -> Config:
    (directory / "bspec-opa.toml").write_text(text, encoding="utf-8")
    return load_config(directory, environ or {}, {k.replace("__", "."): v for k, v in flags.items()})


def problems(directory: Path, text: str = "", environ: dict[str, str] | None = None, **flags: Any) -> list[Problem]:
    with pytest.raises(BspecError) as raised:
        config(directory, text, environ, **flags)
    assert raised.value.exit_code == ExitCode.USAGE
    return list(raised.value.problems)


def codes(directory: Path, text: str = "", environ: dict[str, str] | None = None, **flags: Any) -> list[str]:
    return [p.reason.code for p in problems(directory, text, environ, **flags)]


def test_precedence(tmp_path: Path) -> None:
    text = '[engine]\nurl = "http://file"\n'
    environ = {"BSPEC_OPA_ENGINE_URL": "http://variable"}
    assert config(tmp_path, text).text("engine.url") == "http://file"
    assert config(tmp_path, text, environ).text("engine.url") == "http://variable"
    assert config(tmp_path, text, environ, engine__url="http://flag").text("engine.url") == "http://flag"
    assert config(tmp_path, text, environ, engine__url=None).text("engine.url") == "http://variable"


def test_what_comes_from_the_checkout_is_known(tmp_path: Path) -> None:
    text = '[engine]\nurl = "http://file"\nname = "rest"\n'
    assert config(tmp_path, text).from_checkout == {"engine.url", "engine.name"}
    assert config(tmp_path, text, {"BSPEC_OPA_ENGINE_URL": "http://v"}).from_checkout == {"engine.name"}
    assert config(tmp_path, text, engine__url="http://f", engine__name="rest").from_checkout == frozenset()


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    found = config(
        tmp_path,
        '[records]\ndirs = ["a", "/b"]\n[ledger]\npath = "l"\n[bundle]\npath = "dir/x.tar.gz"\n'
        '[signing]\nauthor = "k.pem"\ngate = "file:g.pem"\nledger = "envvar:KEY"\n[engine]\ntoken_file = "t"\n',
    )
    assert found.paths("records.dirs") == (tmp_path / "a", Path("/b"))
    assert found.path("ledger.path") == tmp_path / "l"
    assert found.text("bundle.path") == str(tmp_path / "dir" / "x.tar.gz")
    assert found.text("signing.author") == str(tmp_path / "k.pem")
    assert found.text("signing.gate") == f"file:{tmp_path / 'g.pem'}"
    assert found.text("signing.ledger") == "envvar:KEY"
    assert found.path("engine.token_file") == tmp_path / "t"


def test_variables(tmp_path: Path) -> None:
    found = config(
        tmp_path,
        environ={
            "BSPEC_OPA_RECORDS_DIRS": "a:b",
            "BSPEC_OPA_ENGINE_DEADLINE_S": "1.5",
            "BSPEC_OPA_BUNDLE_PATH": "default",
            "BSPEC_OPA_TRUST_PIN": "x",
            "BSPEC_OPA_STATE_DIR": "x",
            "BSPEC_OPA_OPA": "x",
            "BSPEC_OPA_PASSPHRASE": "x",
            "BSPECOPA": "not ours",
        },
    )
    assert found.values == {
        "records.dirs": ("a", "b"),
        "engine.deadline_s": 1.5,
        "bundle.path": "default",
    }
    assert found.deadline_s == 1.5


def test_nothing_is_set(tmp_path: Path) -> None:
    found = load_config(None, {}, {})
    assert (found.text("engine.url"), found.path("ledger.path"), found.paths("records.dirs")) == (None, None, None)
    assert found.deadline_s == ENGINE_DEADLINE_S


def test_every_unknown_key_is_told_with_its_line_and_the_nearest_name(tmp_path: Path) -> None:
    found = problems(tmp_path, '[engine]\nulr = "x"\n\n[signing]\nautor = "k"\n')
    assert [(p.reason.code, p.location.line if p.location else 0) for p in found] == [
        ("config.unknown-key", 2),
        ("config.unknown-key", 5),
    ]
    assert "engine.url" in found[0].hint
    assert "signing.author" in found[1].hint
    assert codes(tmp_path, 'engine = "x"\n') == ["config.unknown-key"]
    (variable,) = problems(tmp_path, environ={"BSPEC_OPA_ENGINE_ULR": "x"})
    assert variable.reason.code == "config.unknown-key"
    assert "BSPEC_OPA_ENGINE_URL" in variable.hint


@pytest.mark.attack("A75")
@pytest.mark.parametrize("text", ['trust_pin = "x"', '[trust]\npin = "x"', "[trust]\ntrust-pin = 1"])
def test_a_pin_is_refused(tmp_path: Path, text: str) -> None:
    assert codes(tmp_path, text) == ["config.pin-in-checkout"]


@pytest.mark.parametrize(
    "text",
    [
        "[engine]\nurl = 1",
        '[engine]\nurl = ""',
        '[records]\ndirs = "a"',
        "[records]\ndirs = []",
        "[records]\ndirs = [1]",
        '[records]\ndirs = [""]',
        "[engine]\ndeadline_s = 0",
        "[engine]\ndeadline_s = -1",
        "[engine]\ndeadline_s = 601",
        "[engine]\ndeadline_s = nan",
        "[engine]\ndeadline_s = inf",
        "[engine]\ndeadline_s = true",
        '[engine]\ndeadline_s = "5"',
        '[engine]\nname = "managd"',
        '[output]\nformat = "xml"',
        '[engine]\ntoken_file = "../t"',
        '[engine]\ntoken_file = "/t"',
    ],
)
def test_a_wrong_value(tmp_path: Path, text: str) -> None:
    assert codes(tmp_path, text) == ["config.bad-value"]


@pytest.mark.attack("A71")
@pytest.mark.parametrize("key", ["engine.name", "output.format"])
def test_a_secret_in_the_wrong_place_is_not_told(tmp_path: Path, key: str) -> None:
    for value, told in (
        ("MC4CAQAwBQYDK2VwBCIEI" + "Ab1+" * 20, "no such word, but looks like a key"),
        ("token \x1b[31m" + "ab1." * 20, "'token \\x1b[31mab1.ab1.ab1.ab1.ab1.ab1.ab1.a'…"),
    ):
        flags: Any = {key.replace(".", "__"): value}
        (problem,) = problems(tmp_path, **flags)
        assert problem.message == f"{key} is {told}"
        assert problem.hint.startswith("known: ")


@pytest.mark.parametrize("value", ["", "soon", "nan", "inf", "0", "-1", "601"])
def test_a_wrong_value_in_a_variable(tmp_path: Path, value: str) -> None:
    assert codes(tmp_path, environ={"BSPEC_OPA_ENGINE_DEADLINE_S": value}) == ["config.bad-value"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 601.0, True])
def test_a_wrong_flag(tmp_path: Path, value: float) -> None:
    """A deadline that never comes would wait for a sidecar for ever."""
    assert codes(tmp_path, engine__deadline_s=value) == ["config.bad-value"]


@pytest.mark.parametrize("text", ["[engine", "a = 1\na = 2", "\x00"])
def test_no_toml(tmp_path: Path, text: str) -> None:
    assert codes(tmp_path, text) == ["config.syntax"]


def test_no_utf8(tmp_path: Path) -> None:
    (tmp_path / "bspec-opa.toml").write_bytes(b"\xff")
    with pytest.raises(BspecError) as raised:
        load_config(tmp_path, {}, {})
    assert raised.value.code == "config.syntax"


def test_a_key_that_stands_nowhere_alone_is_told_by_its_file(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, 'x = {y = "1"}\n')
    assert problem.location is not None
    assert problem.location.line is None


def test_every_key_can_be_set_by_a_variable(tmp_path: Path) -> None:
    values = {"seconds": "5", "engine": "rest", "format": "json"}
    environ = {f"BSPEC_OPA_{k.replace('.', '_').upper()}": values.get(kind, "x") for k, kind in KEYS.items()}
    assert config(tmp_path, environ=environ).values.keys() == KEYS.keys()


@pytest.mark.parametrize("text", ["deadline_s = " + "9" * 5_000, "x = " + "[" * 3_000], ids=["digits", "nesting"])
def test_what_the_toml_reader_chokes_on_is_no_traceback(tmp_path: Path, text: str) -> None:
    (tmp_path / "bspec-opa.toml").write_text(f"[engine]\n{text}\n", encoding="utf-8")
    with pytest.raises(BspecError) as raised:
        load_config(tmp_path, {}, {})
    assert raised.value.code == "config.syntax"

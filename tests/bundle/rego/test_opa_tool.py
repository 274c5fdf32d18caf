from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bspec_opa.bundle.rego.capabilities import ALLOWED, FILE, NUMERIC, capabilities, capabilities_text
from bspec_opa.bundle.rego.opa_tool import Opa
from bspec_opa.foundation.errors import BspecError, EngineError, InvalidInputError

if TYPE_CHECKING:
    from pathlib import Path


def script(path: Path, text: str) -> Opa:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return Opa(path)


def test_the_version_is_exact(opa: Opa, tmp_path: Path) -> None:
    opa.require_version()
    with pytest.raises(EngineError) as error:
        script(tmp_path / "opa", "echo 'Version: 1.22.20'").require_version()
    assert error.value.code == "bundle.opa-failed"


def test_no_binary(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as error:
        Opa(tmp_path / "none").run(["version"])
    assert error.value.code == "bundle.opa-failed"


def test_a_run_has_a_time_limit(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as error:
        script(tmp_path / "opa", "while :; do :; done").run(["version"], timeout_s=0.05)
    assert error.value.code == "bundle.opa-failed"


def test_a_failure_without_words(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as error:
        script(tmp_path / "opa", "exit 3").run(["check"])
    assert error.value.code == "bundle.opa-failed"


@pytest.mark.parametrize(
    ("said", "message", "place"),
    [
        ("something broke", "something broke", "None"),
        ('{"errors": 7}', '{"errors": 7}', "None"),
        ('{"errors": [{"message": "no place"}]}', "no place", "None"),
        ("1 error occurred: a.rego:3: rego_compile_error: bad", "rego_compile_error: bad", "a.rego:3"),
    ],
)
def test_whatever_it_says_is_a_problem(said: str, message: str, place: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as error:
        script(tmp_path / "opa", f"echo '{said}' >&2; exit 1").run(["check"])
    assert [(p.reason.code, p.message, str(p.location)) for p in error.value.problems] == [
        ("bundle.rego-invalid", message, place)
    ]


def test_the_environment_is_empty(opa: Opa, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "s3cr3t")
    found = json.loads(opa.run(["eval", "-f", "raw", "opa.runtime().env"]))
    assert "SECRET" not in found
    assert set(found) <= {"HOME", "PATH"}


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ('deny contains sprintf("%d", [1])', "bundle.forbidden-builtin", "allow-list"),
        ('deny contains {"msg": "m": 1} if true', "bundle.rego-invalid", ""),
        ('deny {"msg": "m"} if true', "bundle.rego-invalid", '"contains" forgotten'),
        ("deny contains x if x > 5", "bundle.rego-invalid", ""),
    ],
)
def test_messages_in_an_authors_words(text: str, code: str, hint: str, tmp_path: Path, opa: Opa) -> None:
    (tmp_path / "a.rego").write_text(f"package a\n\n{text}\n")
    with pytest.raises(InvalidInputError) as error:
        opa.run(["check", "--strict", "-f", "json", "--capabilities", str(FILE), "a.rego"], cwd=tmp_path)
    first = error.value.problems[0]
    assert first.reason.code == code
    assert hint in first.hint
    assert str(first.location).startswith("a.rego:3")
    assert "__local" not in str(error.value)


def test_the_allow_list_is_opas_own_narrowed(opa: Opa) -> None:
    assert capabilities().decode() == capabilities_text(opa)
    document = json.loads(capabilities())
    assert {b["name"] for b in document["builtins"]} == ALLOWED
    assert document["allow_net"] == []
    assert document["features"] == ["keywords_in_refs", "rego_v1", "template_strings"]
    for builtin in document["builtins"]:
        if builtin["name"] in NUMERIC:
            assert builtin["decl"]["args"] == [{"type": "number"}, {"type": "number"}]


def test_nothing_that_compiles_differently_is_lost_from_a_builtin(opa: Opa) -> None:
    """Without ``relation``, ``walk`` gave a server many results and WebAssembly one list of them, with no word."""
    words = {"decl", "description", "categories"}
    own = {b["name"]: b for b in json.loads(opa.run(["capabilities", "--current"]))["builtins"]}
    kept = {b["name"]: b for b in json.loads(capabilities())["builtins"]}
    for name, builtin in kept.items():
        assert {k: v for k, v in own[name].items() if k not in words} == {
            k: v for k, v in builtin.items() if k not in words
        }
    assert kept["walk"]["relation"] is True


@pytest.mark.attack("A69")
@pytest.mark.parametrize(
    "call",
    [
        'http.send({"method": "get", "url": "http://localhost"})', 'net.lookup_ip_addr("localhost")', "opa.runtime()",
        "time.now_ns()", 'rand.intn("x", 9)', 'uuid.rfc4122("x")', 'sprintf("%d", [1])', 'regex.match("a", "b")',
        "input.n / 2", "input.n % 2", 'json.unmarshal("{}")', 'print("x")', "rego.metadata.rule()",
    ],
)  # fmt: skip
def test_impure_or_partial_builtins_do_not_compile(call: str, tmp_path: Path, opa: Opa) -> None:
    (tmp_path / "a.rego").write_text(f"package a\n\np contains x if x := {call}\n")
    with pytest.raises(BspecError) as error:
        opa.run(["check", "-f", "json", "--capabilities", str(FILE), "a.rego"], cwd=tmp_path)
    assert {p.reason.code for p in error.value.problems} == {"bundle.forbidden-builtin"}


@pytest.mark.parametrize("comparison", ["<", "<=", ">", ">="])
def test_text_is_not_compared_with_numbers(comparison: str, tmp_path: Path, opa: Opa) -> None:
    (tmp_path / "a.rego").write_text(f'package a\n\np if "later" {comparison} 5\n')
    opa.run(["check", "a.rego"], cwd=tmp_path)
    with pytest.raises(InvalidInputError) as error:
        opa.run(["check", "-f", "json", "--capabilities", str(FILE), "a.rego"], cwd=tmp_path)
    assert error.value.code == "bundle.rego-invalid"


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ('concat(", ", {"a", "b"})', False),
        ('concat(", ", [1])', False),
        ('concat(", ", ["a", "b"])', True),
        ('concat(", ", sort({"b", "a"}))', True),
        ('$"{ {"a"} }"', False),
        ('$"{ ["a"] }"', False),
        ('$"{input.x}{count([1])}{true}{null}"', True),
    ],
)
def test_a_text_is_not_made_of_what_has_no_order(text: str, fits: bool, tmp_path: Path, opa: Opa) -> None:
    """WebAssembly joins a set in another order than OPA: the same rule would say two things."""
    (tmp_path / "a.rego").write_text(f"package a\n\np := {text}\n")
    arguments = ["check", "-f", "json", "--capabilities", str(FILE), "a.rego"]
    if fits:
        opa.run(arguments, cwd=tmp_path)
        return
    with pytest.raises(InvalidInputError) as error:
        opa.run(arguments, cwd=tmp_path)
    assert error.value.code == "bundle.rego-invalid"
    assert "concat(" in error.value.problems[0].hint

"""docs/security/threats.md and the tests agree, in both directions."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "security" / "threats.md"
ALL = [f"A{n:02}" for n in range(1, 91)]
LATER = "## Not in this version"


def rows(text: str) -> dict[str, list[str]]:
    """The tests that each row names, by attack; an attack stands in one row."""
    found: dict[str, list[str]] = {}
    for attack, rest in re.findall(r"^\| (A[0-9]{2}) \|(.*)$", text, re.MULTILINE):
        assert attack not in found, f"{attack} has two rows"
        found[attack] = re.findall(r"`([\w/]+\.py::[\w:]+)`", rest)
    return found


@cache
def marks_of(file: Path) -> dict[str, set[str]]:
    """The attacks that each test of a file is marked with.

    Where the marks of a table of cases are made from the cases' names (``"A33 escaped"``), they are those names'.
    """
    text = file.read_text(encoding="utf-8")
    if "attack(" not in text:
        return {name: set() for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}
    tree = ast.parse(text)
    texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    of_cases = {t[:3] for t in texts if re.match(r"A[0-9]{2}( |\Z)", t)}
    made = [n for n in ast.walk(tree) if is_mark(n) and not constants(n)]
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            own = {a for d in node.decorator_list if is_mark(d) for a in constants(d)}
            # A decorator that is no mark and takes a table which this module has marked.
            by_table = made and not own and any("parametrize" in ast.dump(d) for d in node.decorator_list)
            found[node.name] = own | (of_cases if by_table else set())
    return found


def is_mark(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "attack"


def constants(mark: ast.AST) -> list[str]:
    assert isinstance(mark, ast.Call)
    return [a.value for a in mark.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]


def faults_of(text: str) -> list[str]:
    """What is wrong with a page."""
    found = rows(text)
    later = rows(text.partition(LATER)[2])
    wrong = [f"{a}: no row" for a in ALL if a not in found]
    wrong += [f"{a}: no such attack" for a in found if a not in ALL]
    wrong += [
        f"{a}: no test, and no reason under {LATER!r}" for a, tests in found.items() if not tests and a not in later
    ]
    wrong += [f"{a}: tested, and said not to be" for a, tests in later.items() if tests]
    for attack, tests in found.items():
        for test in tests:
            name, _, function = test.partition("::")
            file = TESTS / name
            marks = marks_of(file).get(function) if file.is_file() else None
            if marks is None:
                wrong.append(f"{attack}: there is no {test}")
            elif attack not in marks:
                wrong.append(f"{attack}: {test} is not marked with it")
    return wrong


def test_every_attack_names_tests_that_exist_and_are_marked_with_it() -> None:
    assert faults_of(PAGE.read_text(encoding="utf-8")) == []


def test_every_mark_has_a_row_that_names_a_test() -> None:
    marked = {a for file in TESTS.rglob("test_*.py") for marks in marks_of(file).values() for a in marks}
    named = {a for a, tests in rows(PAGE.read_text(encoding="utf-8")).items() if tests}
    assert marked == named


def test_a_page_that_claims_what_no_test_shows_is_found_out() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for old, new, said in (
        ("| A05 |", "| A95 |", ["A05: no row", "A95: no such attack"]),
        ("::test_a_lying_sidecar`", "::test_a_truthful_sidecar`", ["A86: there is no"]),
        (
            "`engine/test_crosscheck.py::test_a_lie_is_found`",
            "`engine/test_gone.py::test_a_lie_is_found`",
            ["A86: there is no"],
        ),
        ("::test_a_lying_sidecar`", "::test_a_truthful_sidecar_is_cross_checked`", ["A86: workflow"]),
    ):
        assert text.count(old) == 1, old
        found = faults_of(text.replace(old, new))
        assert [f for f in found if any(f.startswith(s) for s in said)], found
    bare = re.sub(r"^(\| A15 \|[^`]*)`.*$", r"\1 |", text, flags=re.MULTILINE)
    assert faults_of(bare) == [f"A15: no test, and no reason under {LATER!r}"]

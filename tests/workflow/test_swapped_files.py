"""Attack A43: what is checked is what is used, although somebody swaps the files in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from intents import TEXT
from world import key_of

from bspec_opa.foundation.digest import digest_json
from bspec_opa.foundation.errors import InvalidInputError
from bspec_opa.workflow.checkout.intents import open_intent
from bspec_opa.workflow.promote import Keys, promote
from bspec_opa.workflow.verifying.showing import open_lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from project import Project

    from bspec_opa.workflow.promote import Outcome


class Swapping:
    """A signer; before it signs for the first time, somebody swaps files."""

    def __init__(self, name: str, swap: Callable[[], object]) -> None:
        self._key, self._swap = key_of(name), [swap]
        self.keyid, self.public = self._key.keyid, self._key.public

    def sign(self, message: bytes) -> bytes:
        while self._swap:
            self._swap.pop()()
        return self._key.sign(message)


def swap(project: Project) -> None:
    """Every file of the checkout that a decision is about."""
    project.write_intent(TEXT.replace("list_invoices, get_invoice", "list_invoices, get_invoice, send_invoice"))
    prompts = [p for p in project.root.glob("*/*") if p.suffix in {".md", ".txt"}]
    others = [
        p for name in ("bindings", "catalogs", "records") for p in (project.state / name).rglob("*") if p.is_file()
    ]
    assert len(others) > 3
    for path in (*prompts, *others):
        path.write_bytes(b"swapped")


def promote_with(project: Project, **signers: Any) -> Outcome:
    keys = {"gate": key_of("gate"), "ledger": key_of("ledger")} | signers
    return promote(project.session(), "staging", Keys(**keys))


@pytest.mark.attack("A43")
def test_files_swapped_between_decision_and_line_change_nothing(signed: Project) -> None:
    intent, binding = open_intent(signed.intent).digest, signed.binding_digest()
    outcome = promote_with(signed, gate=Swapping("gate", lambda: swap(signed)))
    (line,) = open_lock(signed.lock)
    assert line.digest == outcome.line
    assert digest_json(line.binding) == binding
    assert line.statement.digest_of("behavior.intent") == intent
    assert open_intent(signed.intent).digest != intent
    signed.verify()


@pytest.mark.attack("A43")
def test_files_swapped_while_records_are_sequenced_are_not_mixed_with_what_was_read(signed: Project) -> None:
    """The intent was read before and the binding is read after: together they decide nothing."""
    with pytest.raises(InvalidInputError):
        promote_with(signed, ledger=Swapping("ledger", lambda: swap(signed)))
    assert not signed.lock.exists()
    assert "promotion" not in {e.kind for e in signed.ledger().entries}

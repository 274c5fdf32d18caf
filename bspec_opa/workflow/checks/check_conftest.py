"""What conftest policies say beside our own rules."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bspec_opa.bundle.conftest.runner import open_runner
from bspec_opa.bundle.rego.opa_tool import Opa
from bspec_opa.engine.toolchain import find_opa
from bspec_opa.foundation.document.load import load_document
from bspec_opa.foundation.errors import BspecError
from bspec_opa.intent.schema import PUBLISHED
from bspec_opa.workflow.checkout.deciding import untrusted
from bspec_opa.workflow.facts.checked import CONFTEST, CheckedRule, Found
from bspec_opa.workflow.facts.spot import Spot, lasting_path, spot_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bspec_opa.bundle.conftest.answers import ForeignAnswer, Message
    from bspec_opa.bundle.conftest.runner import Runner
    from bspec_opa.bundle.conftest.wanted import Wanted
    from bspec_opa.foundation.canonical import JsonObject
    from bspec_opa.foundation.document.document import Document
    from bspec_opa.workflow.facts.checked import Asked, Checked


@contextmanager
def open_conftest(wanted: Wanted, environ: Mapping[str, str], files: Iterable[Path]) -> Iterator[Runner]:
    """Policies of conftest's form, ready to be asked; the OPA never comes from a checkout with one of the files.

    Raises:
        BspecError: as :func:`bspec_opa.bundle.conftest.runner.open_runner`; no OPA of the exact version.
    """
    checkouts = {untrusted(directory, environ) for directory in {Path(), *(f.parent for f in files)}}
    with open_runner(wanted, Opa(find_opa(environ, None, untrusted=checkouts)), PUBLISHED.read_bytes()) as runner:
        yield runner


def with_conftest(asked: Sequence[Asked], runner: Runner) -> list[Checked]:
    """What our own rules and the others say together; where the others fail, so does the intent."""
    answers = runner.ask([(Path(a.checked.file), _seen(a) if runner.written else a.request) for a in asked])
    return [_joined(a, answer) for a, answer in zip(asked, answers, strict=True)]


def _seen(asked: Asked) -> JsonObject:
    """The intent as it was written; that it is an object was checked before our own rules were asked."""
    return cast("JsonObject", load_document(asked.text.encode(), asked.checked.file).value)


def _joined(asked: Asked, answers: tuple[ForeignAnswer, ...] | BspecError) -> Checked:
    checked = asked.checked
    if isinstance(answers, BspecError):
        return replace(checked, problems=(*checked.problems, *answers.problems))
    located = any(m.path for a in answers for m in a.messages)
    document = load_document(asked.text.encode(), checked.file) if located else None
    return replace(checked, rules=(*checked.rules, *(_rule(a, checked.file, document) for a in answers)))


def _rule(answer: ForeignAnswer, file: str, document: Document | None) -> CheckedRule:
    found = tuple(_found(m, file, document) for m in answer.messages)
    denies = answer.rule.denies and not answer.lifted
    return CheckedRule(
        id=answer.rule.id,
        origin=CONFTEST,
        title=f"data.{answer.rule.namespace}.{answer.rule.name}",
        denied=found if denies else (),
        warned=() if denies or answer.lifted else found,
        excepted=found if answer.lifted else (),
        lifted=answer.lifted,
    )


def _found(message: Message, file: str, document: Document | None) -> Found:
    spot, lasting = Spot(file), ""
    if message.path and document is not None:
        spot, lasting = spot_of(document, message.path), lasting_path(document.value, message.path)
    return Found(message.text, message.path, spot, lasting, details=message.details)

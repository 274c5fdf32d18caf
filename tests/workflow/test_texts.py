"""The texts behind the digests that an approver signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.digest import hex_of
from bspec_opa.workflow.checkout.texts import TextChange, text_changes
from bspec_opa.workflow.evaluate import situation_of

if TYPE_CHECKING:
    from project import Project

NEW = "You may now do more.\n"


def changes_of(project: Project) -> list[TextChange]:
    session = project.session()
    situation = situation_of(session, session.environment("staging"), with_inbox=True)
    return text_changes(session.project, situation, session.objects)


def prompt(project: Project) -> tuple[str, str]:
    """The component's id and text."""
    path = next((project.root / "components").iterdir())
    return path.stem, path.read_text()


def rewrite(project: Project) -> None:
    path = next((project.root / "components").iterdir())
    path.write_text(NEW)
    project.resolve()


def test_a_first_promotion_shows_the_whole_prompt(resolved: Project) -> None:
    name, text = prompt(resolved)
    assert changes_of(resolved) == [TextChange(f"component {name}", "", text, known=True)]


def test_nothing_differs_from_what_is_current(staged: Project) -> None:
    assert changes_of(staged) == []


def test_a_changed_prompt_is_shown_against_the_promoted_one(staged: Project) -> None:
    name, before = prompt(staged)
    rewrite(staged)
    assert changes_of(staged) == [TextChange(f"component {name}", before, NEW, known=True)]


def test_an_earlier_text_that_was_not_kept_is_said_to_be_unknown(staged: Project) -> None:
    name, _ = prompt(staged)
    session = staged.session()
    head = session.history.head("staging")
    assert head is not None
    components = head.binding["components"]
    assert isinstance(components, list)
    for component in components:
        assert isinstance(component, dict)
        (staged.state / "objects" / "sha256" / hex_of(component["digest"])).unlink()  # type: ignore[arg-type]
    rewrite(staged)
    assert changes_of(staged) == [TextChange(f"component {name}", "", NEW, known=False)]


def test_a_text_that_is_no_longer_the_bound_one_is_not_shown(resolved: Project) -> None:
    name, _ = prompt(resolved)
    next((resolved.root / "components").iterdir()).write_text(NEW)
    assert changes_of(resolved) == [TextChange(f"component {name}", "", "", known=False)]


def test_without_a_binding_there_is_nothing_to_show(resolved: Project) -> None:
    (resolved.state / "bindings" / "billing-support.json").unlink()
    assert changes_of(resolved) == []

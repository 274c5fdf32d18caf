"""The text of a new rule: METADATA that the build takes, a body that compiles, and a test that fails.

The rule looks for the word ``TODO`` and its test for a real one: so the test is red until somebody has said what the
rule is about, and the first edit turns it green. Nothing here reads or writes a file.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from bspec_opa.bundle.index import GLOBAL

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from bspec_opa.authoring.place import Place

CODE_PREFIX = "ORG"
_ON_ONE_LINE = 2
_CODE = re.compile(rb"^#\s+code:\s*[\"']?([A-Z][A-Z0-9]*(?:-[0-9]+)?)", re.MULTILINE)
_NEEDS: Mapping[str, Mapping[str, str | int]] = {
    "approval": {"kind": "approval", "role": "security", "count": 1},
    "evidence": {"kind": "evidence", "question": "boundary", "method": "functional", "count": 1},
}


@dataclass(frozen=True, slots=True)
class Draft:
    """What a new rule is.

    Attributes:
        place: where it stands.
        code: its short code, free so far.
        title: one line.
        severity: ``critical``, ``high``, ``medium`` or ``low``.
        warn: whether it warns instead of denying.
        pending: the kind of need that would lift its denials, or empty.
    """

    place: Place
    code: str
    title: str
    severity: str = "high"
    warn: bool = False
    pending: str = ""


def draft_files(draft: Draft) -> dict[str, str]:
    """Rule and test, by their path below the policies folder, in the form of ``opa fmt``."""
    return {draft.place.rule: _rule(draft), draft.place.test: _test(draft)}


def codes_in(sources: Collection[bytes]) -> set[str]:
    """The codes that Rego files say in METADATA, as far as can be told without parsing them."""
    return {m.decode("ascii") for source in sources for m in _CODE.findall(source)}


def free_code(taken: Collection[str], place: Place, elsewhere: Collection[str] = ()) -> str:
    """The first code that nobody has: ``ORG-01``, or ``ORGP-01`` where ``ORG`` is another collection's prefix.

    Args:
        taken: every code that is in use.
        place: where the new rule will stand.
        elsewhere: the codes of other collections among them; one prefix tells people one place.
    """
    others = {code.partition("-")[0] for code in elsewhere}
    letters = re.sub("[^A-Z0-9]", "", place.collection.upper())
    longer = (CODE_PREFIX + letters[:n] for n in range(len(letters) + 1))
    prefix = next((p for p in longer if p not in others), CODE_PREFIX)
    return next(code for n in count(1) if (code := f"{prefix}-{n:02}") not in taken)


def _rule(draft: Draft) -> str:
    place = draft.place
    name = "warn" if draft.warn else "deny"
    pending = f"#   pending: {draft.pending}\n" if draft.pending else ""
    message, path, body = _looks_for(place)
    finding = _object(f'"msg": {message}', f'"path": {path}', *_needs(draft))
    return f"""\
# METADATA
# title: {_quoted(draft.title)}
# description: TODO, one sentence that says what must hold.
# custom:
#   code: {draft.code}
#   severity: {draft.severity}
#   remediation: TODO, what the author of an intent does about it.
#   controls: [INTERNAL:{draft.code}]
#   collections: [{place.collection}]
#   waivable: true
{pending}package {place.package}

# Every item of the input carries its own path. bspec-opa normalize prints what there is.
{name} contains {finding} if {{
{body}}}
"""


def _looks_for(place: Place) -> tuple[str, str, str]:
    """Message, path and conditions of the first draft."""
    if place.kind == GLOBAL:
        body = '\tsome t in input.intent.tools\n\tt.class == "TODO"\n'
        return '$"tool {t.id} is of class {t.class}"', '$"{t.path}/class"', body
    body = '\tsome r in input.requester\n\tr.group == "TODO"\n'
    return '$"{r.principal} of group {r.group} requests it"', '""', body


def _test(draft: Draft) -> str:
    place = draft.place
    name = "warn" if draft.warn else "deny"
    if place.kind == GLOBAL:
        change = '{"class": "shell"}'
        replaced = f"with input.intent.tools as [object.union(testing.allowed.intent.tools[0], {change})]"
        finding = ('"msg": "tool billing_read_api is of class shell"', '"path": "/tools/0/class"')
    else:
        change = '{"group": "contractors"}'
        replaced = f"with input.requester as [object.union(testing.allowed.requester[0], {change})]"
        finding = ('"msg": "person:pat of group contractors requests it"', '"path": ""')
    item = _object(*finding, *_needs(draft), indent="\t")
    return f"""\
package {_test_package(place)}

import data.{place.package} as rule
import data.bspec.testing

# Red until the rule looks for something. Say here what it must find, and where; whole sets, so that nothing else does.
test_fail_{place.name} if {{
	found := rule.{name} with input as testing.allowed
		{replaced}
	found == {{{item}}}
}}

test_success_allowed if {{
	found := rule.{name} with input as testing.allowed
	found == set()
}}
"""


def _test_package(place: Place) -> str:
    return f"{place.package}_test"


def _needs(draft: Draft) -> tuple[str, ...]:
    """The member of a finding that says what would lift it."""
    if not draft.pending:
        return ()
    return (f'"needs": {json.dumps(_NEEDS.get(draft.pending, {"kind": draft.pending}))}',)


def _object(*members: str, indent: str = "") -> str:
    """An object on one line, or with needs on several."""
    if len(members) <= _ON_ONE_LINE:
        return f"{{{', '.join(members)}}}"
    return "{\n" + "".join(f"{indent}\t{m},\n" for m in members) + f"{indent}}}"


def _quoted(title: str) -> str:
    """A title as YAML takes it: as it is, or in quotes where a character could mean something."""
    return title if re.fullmatch(r"[A-Za-z][A-Za-z0-9 ,_/-]*", title) and not _is_word(title) else json.dumps(title)


def _is_word(title: str) -> bool:
    """Whether YAML 1.1 would read something else than text."""
    return title.lower() in {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}

"""A gate whose trust root is older than one that the ledger names decides and signs nothing."""

from __future__ import annotations

import base64
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from project import HOUR
from world import digest, key_of

from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.errors import ExitCode
from bspec_opa.ledger.entry import Entry
from bspec_opa.trust.dsse import IN_TOTO_PAYLOAD_TYPE, sign_envelope
from bspec_opa.trust.statement import STATEMENT_TYPE
from bspec_opa.workflow.facts.claims import claims_of, may_name_above

if TYPE_CHECKING:
    from project import Project


def forgotten(project: Project) -> None:
    """As on another machine, which has seen nothing before."""
    shutil.rmtree(project.base / "state", ignore_errors=True)


@pytest.mark.attack("A76")
def test_a_gate_with_an_older_root_signs_no_line(staged: Project) -> None:
    staged.now += HOUR
    newer = staged.next_root()
    staged.now += HOUR
    staged.attest("constraint", "functional")
    staged.record()
    seq, kept = staged.ledger().size - 1, newer.read_bytes()
    newer.unlink()
    forgotten(staged)
    named = f"the trust root is version 1; ledger entry {seq}, evidence, names version 2"
    for action in (staged.promote, staged.evaluate, staged.record, staged.verify):
        with staged.refused("ledger.root-rolled-back", ExitCode.TRUST, named):
            action()
    newer.write_bytes(kept)
    assert [v.current for v in staged.verify().lines] == [True]
    staged.promote()


def planted(project: Project, **changed: object) -> tuple[str, bytes]:
    """A genuine record, changed and signed by nobody whom the root knows."""
    genuine = next(e for e in project.ledger().entries if e.kind == "evidence")
    statement: Any = json.loads(base64.b64decode(str(genuine.body["payload"])))
    statement["predicate"].update(changed)
    payload = canonical_bytes(statement)
    return "evidence", sign_envelope(payload, IN_TOTO_PAYLOAD_TYPE, [key_of("nobody")]).to_bytes()


def test_what_a_thief_of_the_ledger_key_made_up_holds_until_the_next_version(staged: Project) -> None:
    staged.now += HOUR
    made_up = {"digest": f"sha256:{'9' * 64}", "version": 9}
    staged.append(planted(staged, domain="other.example", trust_root=made_up))
    assert staged.verify().lines
    staged.append(planted(staged, trust_root=made_up))
    with staged.refused("ledger.root-rolled-back", ExitCode.TRUST, "names version 9"):
        staged.verify()
    staged.now += HOUR
    staged.next_root()
    assert staged.verify().lines


CLAIMED = (
    *(
        {"trust_root": {"digest": "x", "version": v}}
        for v in (-1, 0, 2, 3, 4, 10, 29, 300, 10**14, True, "4", None, 4.5)
    ),
    {"trust_root": {"version": 4, "z": {"version": 2}}},
    {"trust_root": {"version": 2, "z": {"version": 4}}},
    {"a": '"version":4', "trust_root": {"version": 3}},
    {"trust_root": [{"version": 4}]},
    {"version": 4},
    {},
)


def test_what_is_left_out_unread_names_no_newer_version() -> None:
    """A byte of the payload in another spelling, and it is no statement: it claims nothing either way."""
    subject = {"digest": {"sha256": "0" * 64}, "name": "intent"}
    named = []
    for said in CLAIMED:
        statement: Any = {"_type": STATEMENT_TYPE, "predicate": said, "predicateType": "t", "subject": [subject]}
        text = json.dumps(statement, sort_keys=True, separators=(",", ":"))
        others = (text.replace("version", "\\u0076ersion"), text.replace(":4", ": 4"), text.replace(":4", ":4e0"))
        for spelt in {text, *others}:
            body: Any = {"payload": base64.b64encode(spelt.encode()).decode()}
            entry = Entry(0, 1, "evidence", body, digest(spelt))
            claims = claims_of(entry)
            newer = claims is not None and claims.root_version > 3
            assert not newer or may_name_above(entry, 3), spelt
            named += [claims.root_version] if claims and newer else []
    assert named == [4, 10, 29, 300, 10**14, 4]
    assert not may_name_above(Entry(0, 1, "evidence", {"payload": ""}, digest("")), 0)

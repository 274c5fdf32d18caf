"""Waivers: one lifts what it names, where it names it, while it lasts; and nothing else (attacks A79, A84)."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project import DAY, HOUR, Project, reasons_of
from tampering import payload, set_in
from waiving import LOGGING, LOGS, forge, lift, standing, waivable
from world import key_of

from bspec_opa.foundation.digest import ZERO_DIGEST
from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.foundation.times import format_time
from bspec_opa.gate.request import check_request
from bspec_opa.lock.line import parse_line
from bspec_opa.report.decision.text import render_evaluation
from bspec_opa.workflow.checkout.deciding import ask, open_replay
from bspec_opa.workflow.evaluate import evaluate
from bspec_opa.workflow.life.waiving import Wish, intend

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from project import Shelf


SAID = "tier high demands logging level full, not decision"
OPEN = {
    "floor.no-independent-approval",
    "floor.no-request",
    "promotion.all.approvals",
    "promotion.all.non_author_approval",
    "promotion.all.requested",
}


EVERYWHERE = dict.fromkeys(("intent", "binding", "environment", "base"), True)


@pytest.fixture(scope="session")
def prepared(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return waivable(tmp_path_factory.mktemp("waivable"), shelf.cache)


@pytest.fixture
def project(shelf: Shelf, prepared: Project, tmp_path: Path) -> Project:
    """Everything for staging but approvals and request lies in the inbox; the logging rule denies."""
    return shelf.copy(prepared, tmp_path)


@pytest.fixture(scope="session")
def genuine(shelf: Shelf, prepared: Project, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A waiver that counts, for a fortnight."""
    return lift(shelf.copy(prepared, tmp_path_factory.mktemp("genuine"))).envelope


@pytest.fixture(scope="session")
def promoted(shelf: Shelf, prepared: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """In staging by a waiver."""
    project = shelf.copy(prepared, tmp_path_factory.mktemp("promoted"))
    lift(project)
    project.sign_all("staging", "environment-admin")
    project.allowed()
    return project


def denying(project: Project, environment: str = "staging") -> set[str]:
    """What denies besides approvals and request."""
    return set(reasons_of(project.evaluate(environment))) - OPEN


def waived(project: Project, environment: str = "staging") -> bool:
    """Whether the logging rule's finding is lifted."""
    rules = {r.id: r for r in project.evaluate(environment).decision.rules}
    return bool(rules[LOGS].waived) and not rules[LOGS].denied


def states(project: Project, environment: str = "staging") -> list[str]:
    return [s.status for s in standing(project, environment)]


def test_a_waiver_lifts_its_finding_and_the_lock_says_so(shelf: Shelf, promoted: Project, tmp_path: Path) -> None:
    project = shelf.copy(promoted, tmp_path)
    (line,) = project.verify().lines
    (one,) = standing(project)
    assert line.waivers == (one.waiver.id,)
    assert (one.status, one.soon) == ("used", False)
    assert project.ledger().entries[one.entry].kind == "waiver"
    project.now += 8 * DAY
    assert [(s.status, s.soon) for s in standing(project)] == [("used", True)]
    project.now += 6 * DAY
    (one,) = standing(project)
    assert (one.status, one.why) == (
        "expired",
        f"it ended at {one.waiver.expires}, and the current line of staging still rests on it",
    )
    assert project.verify().lines == (line,)


def waivable_in(project: Project) -> list[str]:
    """What evaluate says may be waived."""
    text = render_evaluation(project.evaluate(), [])
    return [line.strip() for line in text.splitlines() if line.startswith("  waivable ")]


def test_only_what_denies_and_may_be_waived_is_said_to_be_waivable(project: Project) -> None:
    told = [f"waivable  {LOGS}: for a while, by a waiver-approver (bspec-opa waive)"]
    assert waivable_in(project) == told
    project.change_intent(("tier: high", "tier: medium"))
    assert "global.baseline.exposure_tier" in denying(project)  # which no waiver lifts
    assert waivable_in(project) == []


def test_without_it_the_rule_denies_and_a_denial_names_no_waiver(project: Project) -> None:
    assert denying(project) == {LOGS}
    lift(project)
    assert denying(project) == set()
    assert set(project.denied()) == OPEN


# What moves, and the waiver is void: a row of the protocol's table each.


MOVES: dict[str, tuple[Callable[[Project], object], str]] = {
    "the surface": (lambda p: p.change_intent(("max_steps: 20", "max_steps: 19")), "another version of the intent"),
    "metadata only": (lambda p: p.change_intent(("version: 1.0.0", "version: 1.0.1")), "another version of the intent"),
    "promotion rules only": (lambda p: p.change_intent(("min_cases: 30", "min_cases: 31")), "another version of the"),
    "an x- key": (lambda p: p.write_intent(p.intent.read_text() + "x-note: told\n"), "another version of the intent"),
}


@pytest.mark.attack("A84")
@pytest.mark.parametrize("moved", MOVES)
def test_another_intent_voids_it(project: Project, moved: str) -> None:
    lift(project)
    change, why = MOVES[moved]
    change(project)
    project.resolve()
    assert LOGS in denying(project)
    (one,) = standing(project)
    assert one.status == "void"
    assert why in one.why


@pytest.mark.attack("A84")
def test_another_binding_voids_it(project: Project) -> None:
    lift(project)
    assert waived(project)
    (prompt,) = project.root.glob("**/system-prompt*")
    prompt.write_text("Another prompt.\n", encoding="utf-8")
    project.resolve()
    assert LOGS in denying(project)
    (one,) = standing(project)
    assert (one.status, one.why) == ("void", "it is for another binding: what the intent is bound to has changed")


@pytest.mark.attack("A84")
def test_another_environment_needs_its_own(shelf: Shelf, promoted: Project, tmp_path: Path) -> None:
    project = shelf.copy(promoted, tmp_path)
    assert LOGS in denying(project, "production")
    lift(project, environment="production")
    assert waived(project, "production")
    assert states(project, "staging") == ["used"]
    assert states(project, "production") == ["in-force"]


def test_what_leaves_it_in_force(project: Project) -> None:
    """More evidence, a newer trust root, and another bundle with the same source of the rule."""
    record = lift(project)
    project.now += HOUR
    project.next_root()
    project.attest("boundary", "functional")
    project.flags["bundle.path"] = "elevated"
    assert waived(project)
    assert project.evaluate().decision.waivers == (record.id,)


@pytest.mark.attack("A84")
def test_a_new_head_voids_it(shelf: Shelf, promoted: Project, tmp_path: Path) -> None:
    """The same version would need a waiver for the new base, and so would the next one."""
    project = shelf.copy(promoted, tmp_path)
    evaluation = project.evaluate()
    assert LOGS in reasons_of(evaluation)
    assert [(s.status, s.line) for s in evaluation.waivers] == [("used", True)]
    assert evaluation.request["waivers"] == []


@pytest.mark.attack("A84")
def test_a_new_finding_is_not_lifted(project: Project, genuine: bytes) -> None:
    """Genuine signatures over findings that the rule does not raise: orphaned, and the rule denies."""
    forge(project, genuine, findings=[{"path": "/tools/0", "msg": SAID}])
    forge(project, genuine, findings=[{"path": LOGGING, "msg": SAID.replace("decision", "none")}])
    evaluation = project.evaluate()
    assert set(reasons_of(evaluation)) - OPEN == {LOGS}
    why = f"{LOGS} raises none of its findings now"
    assert [(s.status, s.why) for s in evaluation.waivers] == [("orphaned", why)] * 2
    assert evaluation.decision.waivers == ()


def digest_of_rule(project: Project, rule: str) -> str:
    entry = project.session().policy.bundle.index.rule(rule)
    assert entry is not None
    return entry.digest


FORGED: list[tuple[dict[str, Any], str, str]] = [
    ({"rule": {"id": LOGS, "digest": ZERO_DIGEST}}, "waiver.rule-changed", "void"),
    ({"rule": {"id": "global.tools.nothing", "digest": ZERO_DIGEST}}, "waiver.rule-changed", "void"),
    ({"requester": "sam"}, "waiver.own", "refused"),
    ({"requester": "nobody"}, "waiver.own", "refused"),
    ({"expires": "2026-08-30T12:00:01Z"}, "waiver.too-long", "refused"),
    ({"renewal": [ZERO_DIGEST]}, "waiver.renewal", "refused"),
]


@pytest.mark.attack("A84")
def test_what_a_key_holder_signs_with_another_tool_is_refused(project: Project, genuine: bytes) -> None:
    """Another source of the rule, no such rule, asked for by its signer or nobody, too long, a renewal of nothing."""
    for members, _, _ in FORGED:
        forge(project, genuine, **members)
    evaluation = project.evaluate()
    assert set(reasons_of(evaluation)) - OPEN == {LOGS}
    assert sorted(r.code for r in evaluation.rejected) == sorted(code for _, code, _ in FORGED)
    told: Any = evaluation.request["rejected"]
    assert {(r["id"], r["reason"]) for r in told} == {(r.id, r.code) for r in evaluation.rejected}
    assert sorted(s.status for s in evaluation.waivers) == sorted(status for _, _, status in FORGED)


def test_the_bound_of_the_organisation_is_the_last_second(project: Project) -> None:
    lift(project, expires="2026-08-30T12:00:00Z")
    assert waived(project)


def test_an_author_may_not_waive(project: Project, genuine: bytes) -> None:
    with project.refused("waiver.own", ExitCode.TRUST, "is an author of the change"):
        lift(project, by="alice")
    forge(project, genuine, by="alice")
    evaluation = project.evaluate()
    assert [r.code for r in evaluation.rejected] == ["waiver.own"]
    assert set(reasons_of(evaluation)) - OPEN == {LOGS}


def test_another_role_may_not_waive(project: Project, genuine: bytes) -> None:
    with project.refused("trust.role-not-granted", ExitCode.TRUST):
        lift(project, by="dana")
    for other in ("dana", "eve", "pat", "gate", "ledger", "root-1"):
        forge(project, genuine, by=other, nonce=other.encode().hex().ljust(32, "0"))
    evaluation = project.evaluate()
    assert sorted(r.code for r in evaluation.rejected) == ["trust.role-not-granted"] * 4 + ["trust.wrong-purpose"] * 2
    assert set(reasons_of(evaluation)) - OPEN == {LOGS}
    assert evaluation.waivers == ()


ELSEWHERE: list[tuple[dict[str, Any], str]] = [
    ({"domain": "elsewhere"}, "trust.foreign-domain"),
    ({"agent": "unknown-agent"}, "trust.foreign-scope"),
    ({"signed_at": "2026-06-01T12:00:01Z"}, "trust.bad-moment"),
    ({"environment": "elsewhere"}, "trust.foreign-scope"),
    ({"findings": []}, "trust.bad-predicate"),
]


def test_of_another_domain_agent_or_moment(project: Project, genuine: bytes) -> None:
    for members, _ in ELSEWHERE:
        forge(project, genuine, **members)
    forge(project, genuine, agent="other-agent")
    evaluation = project.evaluate()
    assert sorted(r.code for r in evaluation.rejected) == sorted(code for _, code in ELSEWHERE)
    assert set(reasons_of(evaluation)) - OPEN == {LOGS}
    assert evaluation.waivers == ()


def test_an_edited_waiver_counts_for_nothing(project: Project) -> None:
    lift(project)
    project.swap("waiver", payload(set_in("predicate", "reason", to="another")))
    assert [r.code for r in project.evaluate().rejected] == ["trust.bad-signature"]
    assert denying(project) == {LOGS}


def test_an_expired_waiver_lifts_nothing(project: Project) -> None:
    lift(project, valid_for="PT12H")
    project.now += 12 * HOUR - 1
    assert waived(project)
    project.now += 1
    assert not waived(project)
    (one,) = project.evaluate().waivers
    assert (one.status, one.why) == ("expired", "it ended at 2026-06-02T00:00:00Z")
    assert project.evaluate().rejected == ()


def test_a_revoked_signers_waiver_lifts_nothing_and_undoes_no_line(
    shelf: Shelf, prepared: Project, promoted: Project, tmp_path: Path
) -> None:
    project = shelf.copy(prepared, tmp_path / "before")
    lift(project)
    project.revoke("key", key_of("sam").public.keyid, "lost")
    assert "trust.revoked" in [r.code for r in project.evaluate().rejected]
    assert denying(project) == {LOGS}
    after = shelf.copy(promoted, tmp_path / "after")
    after.revoke("key", key_of("sam").public.keyid, "lost")
    assert [v.current for v in after.verify().lines] == [True]


# Approvals


def test_an_approval_of_before_does_not_cover_it(project: Project) -> None:
    """And one of now lists it: what its signer was shown is in the signature."""
    project.sign_all("staging", "environment-admin")
    record = lift(project)
    evaluation = project.evaluate()
    assert set(reasons_of(evaluation)) == {
        "floor.no-independent-approval",
        "promotion.all.approvals",
        "promotion.all.non_author_approval",
    }
    assert any("dana approved as environment-admin before" in n and record.id in n for n in evaluation.notes)
    project.now += 1
    approval = project.approve("environment-admin")
    assert approval.record.predicate["waivers"] == [record.id]
    project.allowed()


@pytest.mark.parametrize("listed", [[], [ZERO_DIGEST]])
def test_an_approval_that_lists_other_waivers_than_its_view_has(project: Project, listed: list[str]) -> None:
    lift(project)
    project.sign_all("staging", "environment-admin")
    project.swap("approval", lambda data: project.reforge(data, lambda p: p.update(waivers=listed), by="dana"))
    assert "promotion.all.approvals" in project.denied()


def test_an_approval_outlives_a_waiver_that_it_saw(project: Project) -> None:
    """Without it more is denied, not less; and the approver saw both."""
    lift(project, valid_for="PT12H")
    project.sign_all("staging", "environment-admin")
    project.now += 12 * HOUR
    assert project.denied(code=ExitCode.DENIED) == [LOGS]


# Renewals


def test_renewals_are_counted_whatever_they_say(project: Project) -> None:
    first = lift(project, valid_for="P10D")
    with project.refused("waiver.renewal", ExitCode.TRUST, "and does not say so"):
        lift(project, valid_for="P11D")
    project.now += DAY
    lift(project, valid_for="P9D")
    project.now += 1
    second = lift(project, valid_for="P20D", renews=first.id)
    project.now += 1
    third = lift(project, valid_for="P30D", renews=second.id, by="rita")
    assert [s.waiver.renewals for s in standing(project)] == [0, 0, 1, 2]
    with project.refused(
        "waiver.renewal", ExitCode.TRUST, "it is renewal 3 of a finding, and the organisation allows 2"
    ):
        lift(project, valid_for="P40D", renews=third.id)
    with project.refused("waiver.renewal", ExitCode.TRUST):
        lift(project, valid_for="P40D", renews=first.id)
    assert states(project) == ["in-force"] * 4


def test_another_version_renews_what_was_waived_before(shelf: Shelf, promoted: Project, tmp_path: Path) -> None:
    """Until the same moment it is no renewal: the organisation has borne it until then."""
    project = shelf.copy(promoted, tmp_path)
    (before,) = standing(project)
    project.change_intent(("version: 1.0.0", "version: 1.0.1"))
    project.submit()
    with project.refused("waiver.renewal", ExitCode.TRUST):
        lift(project, valid_for="P20D")
    lift(project, expires=before.waiver.expires)
    assert [s.waiver.renewals for s in standing(project)] == [0, 0]
    assert waived(project)


# The verb


@pytest.mark.parametrize(
    ("rule", "finding", "code", "message"),
    [
        (LOGS, "/nothing", "waive.no-such-finding", f"{LOGS} raises no finding /nothing now"),
        (LOGS, "", "waive.no-such-finding", f"{LOGS} raises no finding / now"),
        ("global.tools.no_admin", "/tools/0", "waive.no-such-finding", "raises no finding /tools/0 now"),
        ("global.tools.nothing", "/tools/0", "waive.no-such-finding", "no rule global.tools.nothing ran"),
        ("global.tools.unbounded_range", "/tools/0/version", "waive.no-such-finding", "a warning needs no waiver"),
        ("promotion.all.approvals", "", "waiver.not-waivable", "can't be waived"),
    ],
)
def test_only_what_a_rule_raises_now_can_be_waived(
    project: Project, rule: str, finding: str, code: str, message: str
) -> None:
    with pytest.raises(BspecError) as raised:
        lift(project, finding, rule=rule)
    assert raised.value.code == code
    assert message in raised.value.problems[0].message
    assert states(project) == []


def test_a_refused_finding_is_answered_with_what_there_is(project: Project) -> None:
    with pytest.raises(BspecError) as raised:
        lift(project, "/nothing")
    assert raised.value.problems[0].hint == f"it raises {LOGGING}={SAID}"
    lift(project, f"{LOGGING}={SAID}")
    assert waived(project)


@pytest.mark.parametrize(
    "term", [{"expires": "", "valid_for": ""}, {"expires": "2026-07-01T00:00:00Z", "valid_for": "P1D"}]
)
def test_it_has_exactly_one_end(project: Project, term: dict[str, str]) -> None:
    with project.refused("waive.bad-term", ExitCode.USAGE):
        intend(project.session(), "staging", Wish(LOGS, (LOGGING,), "r", "pat", **term))


# The floor


MIRRORS = ("approvals", "non_author_approval", "evidence", "separation", "submitted", "requested")


@pytest.mark.attack("A79")
def test_a_waiver_of_what_mirrors_the_floor_lifts_nothing(project: Project, genuine: bytes) -> None:
    """Quorum, evidence, separation: genuine signatures over what no tool of ours signs."""
    rules = {r.id: r for r in project.evaluate().decision.rules}
    for name in MIRRORS:
        rule = f"promotion.all.{name}"
        findings = [{"path": f.path, "msg": f.message} for f in rules[rule].denied] or [{"path": "", "msg": "0 of 1"}]
        forge(project, genuine, rule={"id": rule, "digest": digest_of_rule(project, rule)}, findings=findings)
    evaluation = project.evaluate()
    assert [r.code for r in evaluation.rejected] == ["waiver.not-waivable"] * len(MIRRORS)
    assert set(reasons_of(evaluation)) == OPEN | {LOGS}


# Whatever is sent


@pytest.mark.attack("A84")
def test_a_waiver_never_lifts_what_it_does_not_name(prepared: Project) -> None:
    """The shipped policies, on waivers of every kind: what is lifted is named, and nothing else changes."""
    policy, request = prepared.session().policy, prepared.evaluate().request
    with open_replay(policy, prepared.environ, prepared.root) as panel:
        before = {r.id: r for r in ask(panel, policy, request).decision.rules}
        raised = [(r.id, f.path, f.message) for r in before.values() for f in (*r.denied, *r.warned)]
        named = st.tuples(*(st.sampled_from(sorted({n[i] for n in raised})) for i in range(3)))
        places = st.fixed_dictionaries(dict.fromkeys(("intent", "binding", "environment", "base"), st.booleans()))
        ends = st.sampled_from([request["now_unix"], request["now_unix"] + 1])  # type: ignore[operator]
        waivers = st.lists(st.tuples(st.sampled_from(raised) | named, places | st.just(EVERYWHERE), ends), max_size=6)

        @settings(max_examples=40, deadline=None)
        @given(waivers)
        def check(drawn: list[Any]) -> None:
            sent = [
                {"id": f"sha256:{n:064}", "rule": rule, "path": path, "msg": msg, "binds": binds, "expires_unix": end}
                for n, ((rule, path, msg), binds, end) in enumerate(drawn)
            ]
            asked = {**request, "waivers": sent}
            check_request(asked)  # type: ignore[arg-type]
            waivable = {r.id for r in policy.bundle.index.rules if r.waivable}
            lifting = {
                (w["rule"], w["path"], w["msg"])
                for w in sent
                if all(w["binds"].values()) and w["expires_unix"] > request["now_unix"] and w["rule"] in waivable
            }
            for rule in ask(panel, policy, asked).decision.rules:  # type: ignore[arg-type]
                was = before[rule.id]
                lifted = {f for f in was.denied if (rule.id, f.path, f.message) in lifting}
                assert set(rule.waived) == lifted
                assert set(rule.denied) == set(was.denied) - lifted
                assert rule.warned == was.warned

        check()


def test_the_moment_is_told_in_the_record(project: Project) -> None:
    record = lift(project, valid_for="P2D")
    assert record.predicate["expires"] == format_time(project.now + 2 * DAY)


# What a line rests on


def test_a_revoked_line_is_not_promoted_again_by_its_old_waiver(
    shelf: Shelf, promoted: Project, tmp_path: Path
) -> None:
    """The base is what it was, so nothing but that tells the waiver from one that counts."""
    project = shelf.copy(promoted, tmp_path)
    head = project.session().history.head("staging")
    assert head is not None
    project.revoke("record", head.record.id, "a mistake")
    project.lock.unlink()
    assert {LOGS, "promotion.all.approvals", "promotion.all.requested"} <= set(reasons_of(project.evaluate()))
    assert LOGS in project.denied("staging", "history.spent", "trust.revoked", code=ExitCode.DENIED)
    lift(project)
    project.sign_all("staging", "environment-admin")
    project.allowed()
    assert [v.current for v in project.verify().lines] == [True]


def test_a_line_that_rests_on_a_waiver_of_a_compromised_key_is_void(
    shelf: Shelf, promoted: Project, tmp_path: Path
) -> None:
    project = shelf.copy(promoted, tmp_path)
    (one,) = standing(project)
    last_good = {"tree_size": one.entry, "root_hash": project.ledger().root_at(one.entry)}
    stolen = {
        "kind": "key",
        "id": key_of("sam").keyid,
        "reason": "stolen",
        "mode": "compromised",
        "last_good": last_good,
    }
    project.now += HOUR
    project.next_root(lambda root: root["revoked"].append(stolen))
    with project.refused("trust.revoked", ExitCode.TRUST, "rests on the record of ledger entry"):
        project.verify()


@pytest.mark.attack("A76")
@pytest.mark.parametrize("claimed", [[], [ZERO_DIGEST]])
def test_a_line_that_hides_its_waiver_or_invents_one(
    shelf: Shelf, promoted: Project, tmp_path: Path, claimed: list[str]
) -> None:
    """Signed by the stolen gate key, over otherwise genuine facts, in its place in the ledger."""
    project = shelf.copy(promoted, tmp_path)
    ledger = project.ledger()
    forged = project.reforge(project.lines()[-1] + b"\n", lambda p: p.update(waivers=claimed), by="gate")
    before = [(e.kind, e.record_bytes()) for e in ledger.entries[:-1]]
    shutil.rmtree(project.state / "ledger")
    shutil.rmtree(project.base / "state", ignore_errors=True)
    for entry, (kind, data) in zip(ledger.entries, [*before, ("promotion", forged)], strict=True):
        project.now = entry.at
        project.append((kind, data))
    project.lock.write_bytes(forged)
    with pytest.raises(BspecError) as raised:
        project.verify()
    assert raised.value.code in {"verify.replay-differs", "verify.facts-differ"}


@pytest.mark.soak
def test_a_waiver_for_going_back_is_for_that_line_alone(shelf: Shelf, promoted: Project, tmp_path: Path) -> None:
    """The newest version logs everything, so it is the recorded intents of the two before it that need a waiver."""
    project = shelf.copy(promoted, tmp_path)
    (before,) = standing(project)
    for number, change in enumerate((("max_steps: 20", "max_steps: 19"), ("level: decision", "level: full"))):
        project.now += HOUR
        project.change_intent((f"version: 1.0.{number}", f"version: 1.0.{number + 1}"), change)
        project.submit()
        project.attest_all()
        if number == 0:
            lift(project, expires=before.waiver.expires)
        project.sign_all("staging", "environment-admin", "security", "risk-owner")
        project.allowed()
    first, second = (parse_line(line + b"\n", "lock").digest for line in project.lines()[:2])

    def denied(line: str) -> bool:
        found = evaluate(project.going_back(line, "staging"), "staging")
        return LOGS in reasons_of(found)

    assert [denied(first), denied(second)] == [True, True]
    with pytest.raises(BspecError, match="raises no finding"):
        lift(project)  # what is in the checkout needs none
    made = lift(project, expires=before.waiver.expires, to=first)
    assert [denied(first), denied(second)] == [False, True]
    assert made.predicate["base"] == parse_line(project.lines()[2] + b"\n", "lock").digest
    project.sign_rollback(first, "environment-admin", "security", "risk-owner", environment="staging")
    outcome = project.rollback(first, "staging")
    assert outcome.line is not None
    last = project.verify().lines[3]
    assert (last.kind, last.target, last.waivers) == ("rollback", first, (made.id,))

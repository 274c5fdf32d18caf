"""Evidence packs: whole, reproducible, verified with nothing but the pin; whatever is changed in one is found."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from intents import TEXT
from jsonschema import Draft202012Validator
from project import AGENT, DAY, HOUR, Project, Shelf
from world import key_of

from bspec_opa.foundation.digest import digest_of
from bspec_opa.foundation.errors import BspecError, ExitCode
from bspec_opa.foundation.times import format_time
from bspec_opa.ledger.checkpoint import parse_checkpoint
from bspec_opa.ledger.merkle import leaf_hash, verify_inclusion
from bspec_opa.report.audit.pack import pack_text, pages
from bspec_opa.report.writing.style import PLAIN
from bspec_opa.workflow.audit import folder
from bspec_opa.workflow.audit.packing import verify_pack, write_pack
from bspec_opa.workflow.verifying.checking import verify_file

if TYPE_CHECKING:
    from collections.abc import Callable

from bspec_opa.workflow.audit.packing import Pack

OTHER = "other-agent"


class OtherAgent(Project):
    """The same project, and another agent of it beside the first."""

    @property
    def intent(self) -> Path:
        return self.root / "other.intent"

    @property
    def lock(self) -> Path:
        return self.root / "other.lock"


@pytest.fixture(scope="module")
def packed(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Path]:
    """Two agents, three lines and a denial of one, a line of the other; and their pack."""
    project = shelf.project("grown", tmp_path_factory.mktemp("packed"))
    other = OtherAgent(project.base, project.cache, project.now + HOUR, project.pin)
    other.write_intent(TEXT.replace(AGENT, OTHER))
    other.resolve()
    other.submit()
    other.attest_all()
    other.sign_all("staging", "environment-admin")
    assert other.promote().line is not None
    later = replace(project, now=other.now)
    target = project.base / "pack"
    write_pack(target, later.root, later.world, pages)
    return later, target


@pytest.fixture
def pack(packed: tuple[Project, Path], tmp_path: Path) -> tuple[Project, Path]:
    """A copy to tamper with, and a machine that knows nothing of the project."""
    project, made = packed
    shutil.copytree(made, tmp_path / "pack")
    (tmp_path / "elsewhere").mkdir()
    return replace(project, base=tmp_path / "elsewhere"), tmp_path / "pack"


def verified(project: Project, directory: Path) -> Pack:
    return verify_pack(directory, project.world, pages)


def refused(project: Project, directory: Path) -> list[tuple[str, str]]:
    """Code and file of each problem."""
    with pytest.raises(BspecError) as raised:
        verified(project, directory)
    problems = raised.value.problems
    return [
        (p.reason.code, Path(p.location.file).relative_to(directory).as_posix() if p.location else "") for p in problems
    ]


def files(directory: Path) -> dict[str, bytes]:
    return {p.relative_to(directory).as_posix(): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def reseal(directory: Path) -> None:
    """What a thorough forger does: the manifest is no secret, and is made again over what is there now."""
    path = directory / "manifest.json"
    manifest = json.loads(path.read_bytes())
    there = {n: d for n, d in files(directory).items() if n != "manifest.json"}
    manifest["files"] = [{"path": n, "bytes": len(d), "digest": digest_of(d)} for n, d in sorted(there.items())]
    path.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def test_a_pack_is_verified_where_nothing_else_is(pack: tuple[Project, Path]) -> None:
    project, directory = pack
    found = verified(project, directory)
    assert [(a.agent, [p.line.entry for p in a.lines], [d.entry for d in a.denials]) for a in found.agents] == [
        (AGENT, [8, 13, 25], [14]),
        (OTHER, [34], []),
    ]
    assert [(p.version, p.line.environment, p.current) for p in found.agents[0].lines] == [
        ("1.0.0", "staging", False),
        ("1.0.0", "production", True),
        ("1.1.0", "staging", True),
    ]
    assert (found.tree_size, format_time(found.until), found.root_version) == (35, "2026-06-05T14:00:00Z", 1)
    assert found.notes == ("no memory of this ledger: whether there is a newer one could not be told",)
    text = pack_text(found, PLAIN, verified=True)
    assert "    ledger     35 entries until 2026-06-05T14:00:00Z" in text.splitlines()
    assert list((project.base).iterdir()) == []


def test_the_same_record_gives_the_same_bytes(packed: tuple[Project, Path], tmp_path: Path) -> None:
    project, made = packed
    write_pack(tmp_path / "again", project.root, replace(project, now=project.now + DAY).world, pages)
    assert files(tmp_path / "again") == files(made)


def test_nothing_that_it_does_not_take_is_in_it(packed: tuple[Project, Path]) -> None:
    """And no key, no inbox, no catalog: only what the record consists of."""
    _, made = packed
    tops = {name.partition("/")[0] for name in files(made)}
    assert tops == {"manifest.json", "index.md", "trust", "ledger", "locks", "schemas"}


def test_what_is_in_it_has_the_form_that_its_schemas_say(packed: tuple[Project, Path]) -> None:
    _, made = packed

    def fits(name: str, value: Any) -> list[Any]:
        schema = json.loads((made / "schemas" / f"{name}.json").read_bytes())
        Draft202012Validator.check_schema(schema)
        return list(Draft202012Validator(schema).iter_errors(value))

    assert fits("evidence-pack.v1", json.loads((made / "manifest.json").read_bytes())) == []
    proofs = sorted((made / "ledger" / "proofs").iterdir(), key=lambda p: int(p.stem))
    assert [p.stem for p in proofs] == ["8", "13", "14", "25", "34"]
    assert [fits("inclusion-proof.v1", json.loads(p.read_bytes())) for p in proofs] == [[]] * 5


def test_a_proof_stands_by_itself(packed: tuple[Project, Path]) -> None:
    """With the checkpoint, and the line of the log that it is about."""
    _, made = packed
    log = (made / "ledger" / "log.jsonl").read_bytes().splitlines()
    checkpoint = parse_checkpoint((made / "ledger" / "checkpoint").read_bytes(), "checkpoint")
    for path in (made / "ledger" / "proofs").iterdir():
        proof = json.loads(path.read_bytes())
        steps = [bytes.fromhex(h.removeprefix("sha256:")) for h in proof["path"]]
        leaf = leaf_hash(log[proof["entry"]])
        assert proof["leaf_hash"] == f"sha256:{leaf.hex()}"
        assert verify_inclusion(leaf, proof["entry"], checkpoint.size, steps, checkpoint.root)


def test_without_a_pin_it_only_agrees_with_itself(pack: tuple[Project, Path]) -> None:
    project, directory = pack
    project.pin = None
    with pytest.raises(BspecError) as raised:
        verified(project, directory)
    assert (raised.value.code, raised.value.exit_code) == ("pack.not-authenticated", ExitCode.TRUST)
    assert raised.value.problems[0].message == (
        "the pack is self-consistent, not authenticated: "
        "a ledger of 35 entries until 2026-06-05T14:00:00Z, domain billing"
    )
    (directory / "index.md").write_text("# All is well", encoding="utf-8")
    assert refused(project, directory) == [("pack.altered", "index.md")]


@pytest.mark.attack("A75")
def test_a_pack_of_another_trust_root(pack: tuple[Project, Path]) -> None:
    project, directory = pack
    project.pin = digest_of(b"another root")
    assert refused(project, directory) == [("trust.pin-mismatch", "trust/1.root.json")]


def test_every_file_altered_removed_or_added_is_named(pack: tuple[Project, Path]) -> None:
    project, directory = pack
    names = sorted(files(directory).keys() - {"manifest.json"})
    assert len(names) > 30
    for name in names:
        path = directory / name
        data = path.read_bytes()
        path.write_bytes(data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
        assert refused(project, directory) == [("pack.altered", name)]
        path.unlink()
        assert refused(project, directory) == [("pack.altered", name)]
        path.write_bytes(data)
        beside = path.with_name("more")
        beside.write_bytes(data)
        assert refused(project, directory) == [("pack.altered", beside.relative_to(directory).as_posix())]
        beside.unlink()
    assert verified(project, directory).tree_size == 35


def test_all_that_was_altered_is_named_at_once(pack: tuple[Project, Path]) -> None:
    project, directory = pack
    (directory / "index.md").unlink()
    (directory / "more.md").write_bytes(b"")
    (directory / "locks" / f"{AGENT}.lock").write_bytes(b"")
    assert sorted(refused(project, directory)) == [
        ("pack.altered", "index.md"),
        ("pack.altered", f"locks/{AGENT}.lock"),
        ("pack.altered", "more.md"),
    ]


def swap(one: str, other: str) -> Callable[[Path], object]:
    def swapped(directory: Path) -> None:
        first, second = (directory / n for n in (one, other))
        a, b = first.read_bytes(), second.read_bytes()
        first.write_bytes(b)
        second.write_bytes(a)

    return swapped


def write(name: str, data: bytes) -> Callable[[Path], object]:
    return lambda directory: (directory / name).write_bytes(data)


def drop(name: str) -> Callable[[Path], object]:
    return lambda directory: (directory / name).unlink()


def cut(directory: Path) -> None:
    """The last entry is left out, with everything that is about it."""
    log = directory / "ledger" / "log.jsonl"
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:-1]))
    (directory / "ledger" / "proofs" / "34.json").unlink()
    (directory / "locks" / f"{OTHER}.lock").unlink()


def an_object(directory: Path) -> Path:
    return min((directory / "ledger" / "objects" / "sha256").iterdir())


def object_dropped(directory: Path) -> None:
    an_object(directory).unlink()


def object_altered(directory: Path) -> None:
    an_object(directory).write_bytes(b"{}")


def entry_altered(directory: Path) -> None:
    log = directory / "ledger" / "log.jsonl"
    head, _, tail = log.read_bytes().rpartition(b'"at":"2026-06-05T14:00:00Z"')
    log.write_bytes(head + b'"at":"2026-06-05T14:00:01Z"' + tail)


EXTRA = f"ledger/objects/sha256/{digest_of(b'extra').removeprefix('sha256:')}"
PAGES: dict[str, Callable[[Path], object]] = {
    "index.md": write("index.md", b"# All is well\n"),
    "schemas/record-denial.v1.json": write("schemas/record-denial.v1.json", b"{}\n"),
    "schemas/record-submit.v1.json": drop("schemas/record-submit.v1.json"),
    "schemas/x.json": write("schemas/x.json", b"{}\n"),
    "locks/third.lock": write("locks/third.lock", b"x\n"),
    "ledger/proofs/14.json": drop("ledger/proofs/14.json"),
    "ledger/proofs/3.json": write("ledger/proofs/3.json", b"{}\n"),
    EXTRA: write(EXTRA, b"extra"),
}
"""File to what is done to it; none of it hinders verifying the decisions."""


@pytest.mark.parametrize("whole", [False, True])
def test_a_manifest_made_again_hides_nothing(pack: tuple[Project, Path], whole: bool) -> None:
    """Also when the files of two agents, or of two decisions, change places."""
    project, directory = pack
    names = {"manifest.json", f"locks/{AGENT}.lock", f"locks/{OTHER}.lock"}
    swap(f"locks/{AGENT}.lock", f"locks/{OTHER}.lock")(directory)
    if whole:
        swap("ledger/proofs/8.json", "ledger/proofs/34.json")(directory)
        names |= {"ledger/proofs/8.json", "ledger/proofs/34.json", *PAGES}
        for tamper in PAGES.values():
            tamper(directory)
    reseal(directory)
    found = refused(project, directory)
    assert sorted(found) == sorted(("pack.altered", n) for n in names)


RESEALED: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "an object removed": (object_dropped, "pack.not-proven", ""),
    "an object altered": (object_altered, "pack.not-proven", ""),
    "an entry altered": (entry_altered, "ledger.altered", "ledger/log.jsonl"),
    "entries cut off": (cut, "ledger.truncated", "ledger/log.jsonl"),
    "the checkpoint removed": (drop("ledger/checkpoint"), "pack.altered", "ledger/log.jsonl"),
    "the log emptied": (write("ledger/log.jsonl", b""), "pack.altered", "ledger/log.jsonl"),
    "the root removed": (drop("trust/1.root.json"), "pack.altered", "trust"),
    "a root added": (write("trust/2.root.json", b"{}\n"), "trust.bad-envelope", "trust/2.root.json"),
    "a root beside the chain": (write("trust/4.root.json", b"{}\n"), "pack.altered", "trust"),
}


@pytest.mark.parametrize("case", RESEALED)
def test_a_record_that_was_tampered_with(pack: tuple[Project, Path], case: str) -> None:
    project, directory = pack
    tamper, code, name = RESEALED[case]
    tamper(directory)
    reseal(directory)
    with pytest.raises(BspecError) as raised:
        verified(project, directory)
    assert (raised.value.code, raised.value.exit_code) == (code, ExitCode.TRUST), raised.value
    at = raised.value.problems[0].location
    assert at is not None
    assert at.file.startswith("ledger entry ") if not name else Path(at.file) == directory / name


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m["ledger"].update(tree_size=9, until="2026-06-01T12:00:00Z"),
        lambda m: m["agents"][0].update(lines=2),
    ],
)
def test_a_manifest_that_says_something_else(pack: tuple[Project, Path], change: Callable[[Any], object]) -> None:
    project, directory = pack
    path = directory / "manifest.json"
    manifest = json.loads(path.read_bytes())
    change(manifest)
    path.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert refused(project, directory) == [("pack.altered", "manifest.json")]


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"schema": "bspec.evidence-pack/v2"}'])
def test_what_has_no_manifest_is_no_pack(pack: tuple[Project, Path], text: str | None) -> None:
    project, directory = pack
    path = directory / "manifest.json"
    path.unlink() if text is None else path.write_text(text, encoding="utf-8")
    assert refused(project, directory) == [("pack.none", "manifest.json")]
    assert refused(project, directory / "nowhere") == [("pack.none", ".")]


def test_links_are_not_followed(pack: tuple[Project, Path], tmp_path: Path) -> None:
    project, directory = pack
    index = directory / "index.md"
    shutil.move(index, tmp_path / "index.md")
    index.symlink_to(tmp_path / "index.md")
    assert refused(project, directory) == [("pack.altered", "index.md")]


@pytest.mark.attack("A66")
def test_a_folder_that_is_no_pack_of_ours(pack: tuple[Project, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Too deep, too much, a pipe: each is refused before anything is believed."""
    project, directory = pack
    deep = directory / "/".join(["d"] * 100)
    deep.mkdir(parents=True)
    assert [code for code, _ in refused(project, directory)] == ["pack.altered"]
    shutil.rmtree(directory / "d")
    os.mkfifo(directory / "pipe")
    assert refused(project, directory) == [("pack.altered", "pipe")]
    (directory / "pipe").unlink()
    monkeypatch.setattr(folder, "MOST_FILES", 20)
    assert refused(project, directory) == [("file.too-large", ".")]


@pytest.mark.attack("A72")
def test_files_by_hostile_names(pack: tuple[Project, Path]) -> None:
    project, directory = pack
    (directory / "x\x1b[1m\n::set-env.md").write_bytes(b"")
    assert refused(project, directory) == [("pack.altered", "x\x1b[1m\n::set-env.md")]


def test_a_pack_of_another_version_of_the_program(pack: tuple[Project, Path]) -> None:
    """Its pages may be worded otherwise; what is proven stays proven, and what was not compared is said."""
    project, directory = pack
    manifest = directory / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"bspec-opa 0.1.0"', b'"bspec-opa 9.0.0"'))
    (directory / "index.md").write_bytes(b"# Otherwise\n")
    reseal(directory)
    assert verified(project, directory).notes[0] == (
        "made by bspec-opa 9.0.0, verified by bspec-opa 0.1.0: index.md and schemas are worded by that version and "
        "were not compared: do not rely on them"
    )
    (directory / "locks" / f"{AGENT}.lock").write_bytes(b"")
    reseal(directory)
    assert ("pack.altered", f"locks/{AGENT}.lock") in refused(project, directory)


@pytest.mark.attack("A55")
def test_a_pack_of_an_older_ledger_is_named(live: Project, tmp_path: Path) -> None:
    """It is genuine, and says nothing about what came after: its time and size stand in every output."""
    write_pack(tmp_path / "pack", live.root, live.world, pages)
    live.now += HOUR
    live.submit("bob")
    live.record()
    verify_file(live.lock, live.world, None)
    found = verified(live, tmp_path / "pack")
    assert (found.tree_size, format_time(found.until)) == (14, "2026-06-04T12:00:00Z")
    assert found.notes == ("an OLDER ledger: this machine has seen 15 entries, the pack has 14",)


@pytest.mark.attack("A18")
def test_a_pack_with_an_older_trust_root_is_named(live: Project, tmp_path: Path) -> None:
    write_pack(tmp_path / "pack", live.root, live.world, pages)
    live.revoke("key", key_of("eve").keyid, "harness broken into")
    verify_file(live.lock, live.world, None)
    assert verified(live, tmp_path / "pack").notes == (
        "an OLDER trust root: this machine has seen version 2, the pack has 1",
    )


@pytest.mark.attack("A53")
def test_a_pack_of_another_history(live: Project, shelf: Shelf, tmp_path: Path) -> None:
    """The same keys signed two ledgers; this machine has seen one of them."""
    twin = shelf.project("ready", tmp_path / "twin")
    twin.now += HOUR
    twin.allowed("production")
    write_pack(tmp_path / "pack", twin.root, twin.world, pages)
    live.verify()
    live.now = twin.now
    with pytest.raises(BspecError) as raised:
        verified(live, tmp_path / "pack")
    assert (raised.value.code, raised.value.exit_code) == ("ledger.forked", ExitCode.TRUST)


def test_what_became_known_later_is_in_it(live: Project, tmp_path: Path) -> None:
    """A revoked line and a compromised evaluator don't make the past unprovable."""
    live.revoke("key", key_of("eve").keyid, "harness broken into")
    live.revoke("record", live.ledger().entries[13].record_id, "approved in error")
    write_pack(tmp_path / "pack", live.root, live.world, pages)
    (agent, *_) = verified(live, tmp_path / "pack").agents
    assert [(p.line.environment, p.current) for p in agent.lines] == [("staging", True), ("production", False)]
    said = {of for p in agent.lines for of, _ in p.line.everything_since}
    assert said == {"evidence by eve", "promotion line 2"}
    page = (tmp_path / "pack" / "index.md").read_text(encoding="utf-8")
    assert (
        page.count("**Since then:** evidence by eve \\(5 records\\): its key was revoked by trust root version 2 of ")
        == 2
    )
    assert page.count("**Since then:** promotion line 2: it was revoked by trust root version 3 of ") == 1
    assert "### Line 2: 1.0.0 to production, no longer current" in page


@pytest.mark.attack("A76")
def test_a_forged_line_is_not_packed(live: Project, tmp_path: Path) -> None:
    live.now += HOUR
    line = live.lock.read_bytes().splitlines()[-1] + b"\n"

    def invented(predicate: Any) -> None:
        moment = format_time(live.now)
        predicate.update(now=moment, signed_at=moment, nonce="0" * 32, decided_on=live.ledger().head())

    live.append(("promotion", live.reforge(line, invented, by="gate")))
    with live.refused("pack.not-proven", ExitCode.TRUST, "the promotion is not proven: "):
        write_pack(tmp_path / "pack", live.root, live.world, pages)
    assert not (tmp_path / "pack").exists()


@pytest.mark.attack("A76")
def test_a_forged_denial_is_not_packed(grown: Project, tmp_path: Path) -> None:
    """The gate's key, stolen: what was allowed is said to have been denied, by a rule that passed."""
    denial = grown.ledger().entries[14]

    def another(predicate: Any) -> None:
        predicate.update(nonce="0" * 32)
        rule = next(r for r in predicate["decision"]["rules"] if r["status"] == "pass")
        rule["status"] = "deny"

    grown.append(("denial", grown.reforge(denial.record_bytes(), another, by="gate")))
    with grown.refused("pack.not-proven", ExitCode.TRUST, "the denial is not proven: deciding again gives another"):
        write_pack(tmp_path / "pack", grown.root, grown.world, pages)


def test_an_entry_that_never_counted_is_named(live: Project, tmp_path: Path) -> None:
    line = live.lock.read_bytes().splitlines()[-1] + b"\n"
    live.append(("promotion", live.reforge(line, lambda p: p.update(nonce="0" * 32), by="dana")))
    write_pack(tmp_path / "pack", live.root, live.world, pages)
    (agent, *_) = verified(live, tmp_path / "pack").agents
    assert [(v.entry, v.kind) for v in agent.void] == [(14, "promotion")]
    assert "dana doesn't hold role gate" in agent.void[0].why
    assert "Entry 14 claims to be a promotion and never counted" in (tmp_path / "pack" / "index.md").read_text("utf-8")


def test_a_trust_root_that_has_expired_since(pack: tuple[Project, Path]) -> None:
    project, directory = pack
    project.now += 400 * DAY
    assert verified(project, directory).notes[-1] == (
        "trust root version 1 expired at 2027-05-31T12:00:00Z: what was revoked since is not in the pack"
    )


def test_a_directory_that_is_in_use(live: Project, tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "mine").write_bytes(b"")
    for target in (tmp_path / "pack", tmp_path / "pack" / "mine"):
        with live.refused("pack.directory-in-use", ExitCode.USAGE):
            write_pack(target, live.root, live.world, pages)
    assert files(tmp_path / "pack") == {"mine": b""}

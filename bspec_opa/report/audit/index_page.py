"""The page of an evidence pack for people: what was decided, by whom, and how to verify all of it. Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bspec_opa.foundation.times import format_time
from bspec_opa.report.writing.counting import by, count
from bspec_opa.report.writing.printable import printable
from bspec_opa.workflow.audit.keys import revoked_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bspec_opa.trust.root import TrustRoot
    from bspec_opa.workflow.audit.examining import Examined, ProvenLine, Record
    from bspec_opa.workflow.audit.lines import PastLine

_BOUNDARY = (
    "This folder proves what was declared, reviewed, approved and bound, and what was denied. It says nothing about "
    "what the agents did at run time, and nothing about what came after the moment above."
)
_VERIFY = """\
## How to verify it

Nothing on this page has to be believed. With the pin, the digest of version 1 of the trust root, from whoever signed it
and not from this folder:

```sh
bspec-opa verify --pack . --trust-pin sha256:…
```

That walks the trust root from the pin and verifies the signed checkpoint over the whole ledger. For each line it
rebuilds the facts from the ledger as it was then and replays the decision on the very policies that decided; each
denial is decided again on its recorded input. Every file of this folder is made again and compared. No network is
needed. Without a pin all of this only shows that the folder agrees with itself.

| here | what it is |
| --- | --- |
| `trust/` | every version of the trust root: who might sign what, what is revoked |
| `ledger/log.jsonl` | the whole ledger, one signed record a line |
| `ledger/checkpoint` | the signed tree head (C2SP tlog-checkpoint) |
| `ledger/proofs/` | the inclusion proof of each decision (RFC 9162) |
| `ledger/objects/` | intents, catalog entries, policy inputs and policy bundles, by their SHA-256 |
| `locks/` | the lines of each agent, as `behavior.lock` has them |
| `schemas/` | JSON Schemas of the records, of the intent and of this folder's own files |
| `manifest.json` | size and digest of every file |
"""


def index_page(record: Record, examined: Sequence[Examined]) -> str:
    """The whole page."""
    root, ledger = record.roots[-1], record.ledger
    entries = count(ledger.size, "entry", "entries")
    parts = [
        f"# The record of {cell(root.domain)}\n",
        f"As of {format_time(ledger.last_at)}: {entries} in the ledger `{ledger.origin}`.\n",
        f"Root hash `{ledger.root_hash}`, trust root version {root.version}.\n",
        f"{_BOUNDARY}\n",
        _VERIFY,
        "## Who could sign what\n",
        *_roots(record.roots),
        *(text for one in examined for text in _agent(one)),
    ]
    return "\n".join(parts).rstrip("\n") + "\n"


def _roots(roots: Sequence[TrustRoot]) -> Iterator[str]:
    yield "| version | issued | expires | revokes | digest |\n| --- | --- | --- | --- | --- |"
    for root in roots:
        revoked = "; ".join(f"{r.kind} {r.id[:19]}… ({r.reason})" for r in root.revoked) or "nothing"
        yield (
            f"| {root.version} | {format_time(root.issued_unix)} | {format_time(root.expires_unix)} | "
            f"{cell(revoked)} | `{root.digest}` |"
        )
    yield ""
    yield from (f"- {cell(key.said)}" for key in revoked_keys(roots))
    yield ""


def _agent(one: Examined) -> Iterator[str]:
    yield f"## {cell(one.agent)}\n"
    for proven in one.lines:
        yield from _line(proven)
    if one.denials:
        yield "### Not allowed\n"
        yield "| entry | where to | version | when | verdict | rules |\n| --- | --- | --- | --- | --- | --- |"
        for d in one.denials:
            rules = ", ".join(f"`{r}`" for r in d.rules) or "the floor"
            yield f"| {d.entry} | {cell(d.environment)} | {cell(d.version)} | {d.at} | {d.verdict} | {rules} |"
        yield ""
    if one.withdrawn:
        yield "### Revoked and retired\n"
        yield "| entry | what | where | when | by | why |\n| --- | --- | --- | --- | --- | --- |"
        for w in one.withdrawn:
            yield (
                f"| {w.seq} | {cell(w.what)} | {cell(w.record.environment or 'everywhere')} | {format_time(w.at)} | "
                f"{cell(w.record.principal)} | {cell(w.reason)} |"
            )
        yield ""
    for void in one.void:
        yield f"Entry {void.entry} claims to be a {cell(void.kind)} and never counted: {cell(void.why)}\n"
    if not (one.lines or one.denials or one.void or one.withdrawn):
        yield "Nothing was decided.\n"


def _line(proven: ProvenLine) -> Iterator[str]:
    line = proven.line
    state = "current" if proven.current else "no longer current"
    yield f"### Line {line.number}: {cell(proven.version)} to {cell(line.environment)}, {state}\n"
    facts = [
        ("decided", f"{line.at}, ledger entry {line.entry}; {proven.rules} rules replayed, {line.assurance}"),
        *_rollback(line),
        ("line", line.digest),
        ("intent", line.intent),
        ("binding", line.binding),
        ("policy", f"{line.bundle.name} {line.bundle.digest}"),
        ("submitted by", ", ".join(r.principal for r in line.submits)),
        ("evaluated", "; ".join(sorted(f"{r.about} by {r.principal}" for r in line.runs))),
        ("approved by", ", ".join(sorted(by(r.principal, r.role) for r in line.approvals))),
        *(("waived", f"{w.about} ({by(w.principal, w.role)}, until {w.expires})") for w in line.waivers),
        ("requested by", line.request.principal),
        ("signed by", line.gate),
        *(("adopted", f"in {a.environment} since {a.at}: it ran before it was promoted") for a in line.adopted),
        ("changed", f"{line.change.verdict}, {count(len(line.change.items), 'difference')}"),
    ]
    yield "| | |\n| --- | --- |"
    yield from (f"| {label} | {cell(text)} |" for label, text in facts)
    yield ""
    yield from (f"**Since then:** {cell(said)}\n" for said in line.said_since)
    yield "It allowed:\n"
    yield from (f"- {cell(text)}" for text in proven.capabilities)
    yield ""
    if line.change.verdict != "initial":
        yield "It changed:\n"
        yield from (f"- {verdict}: {cell(what)}" for verdict, _, what in line.change.items)
        yield ""


def _rollback(line: PastLine) -> Iterator[tuple[str, str]]:
    if line.target:
        yield ("rolled back to", line.target)
    if line.emergency:
        reviewed = ", ".join(sorted({r.principal for r in line.reviews}))
        yield (
            "EMERGENCY",
            f"by the quorum for emergencies; {f'reviewed by {reviewed}' if reviewed else 'NOT REVIEWED'}",
        )


def cell(text: str) -> str:
    """Text of others inside Markdown: it opens no cell, link, tag or code of its own (attack A73)."""
    escaped = "".join(f"\\{c}" if c in r"\`*_{}[]()#|!~" else c for c in printable(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

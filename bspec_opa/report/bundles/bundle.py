"""Bundles for people and as JSON."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, cast

from bspec_opa.bundle.describe import describe
from bspec_opa.report.bundles.signing import unverified_json, unverified_text
from bspec_opa.report.decision.text import next_lines
from bspec_opa.report.writing.folding import WIDTH, fold, short
from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from bspec_opa.bundle.signing.token import Signature
    from bspec_opa.foundation.canonical import JsonObject, JsonValue
    from bspec_opa.report.writing.style import Style
    from bspec_opa.workflow.checkout.deciding import Policy


def built_text(policy: Policy, target: Path, notes: Iterable[str], style: Style) -> str:
    """What was built, and what is not finished in it."""
    said = "".join(f"  note      {printable(n)}\n" for n in notes)
    return f"{style.mark('BUILT', 'bold', 'green')}  {printable(str(target))}\n" + _identity(policy) + said


def built_json(policy: Policy, target: Path, notes: Iterable[str]) -> JsonObject:
    """``bspec.bundle-built/v1``."""
    parts = {**_file(policy, target), **_owners(policy), "notes": cast("list[JsonValue]", [*notes])}
    return {"schema": "bspec.bundle-built/v1", "exit_code": 0, **parts}


def exported_text(policy: Policy, target: Path, style: Style) -> str:
    """What was exported, and how an OPA loads it."""
    load = f"opa run --server --set bundles.bspec.resource={shlex.quote(target.absolute().as_uri())}"
    lines = [f"{style.mark('EXPORTED', 'bold', 'green')}  {printable(str(target))}", _identity(policy).rstrip("\n")]
    if policy.bundle.signature:
        lines.append("  note      it is signed: OPA loads it only with the publisher's key, here KEY.pub.pem")
        load += _verifying(policy.bundle.signature)
    return "\n".join([*lines, *next_lines([load])]) + "\n"


def _verifying(signature: Signature) -> str:
    """What tells an OPA server to verify a bundle that it loads; ``--verification-key`` is for ``--bundle`` alone."""
    name = signature.key_id or "publisher"
    key = f"keys.{name.replace('.', chr(92) + '.')}"
    signing = "bundles.bspec.signing"
    given = [f"--set {key}.algorithm={signature.algorithm}", f"--set-file {key}.key=KEY.pub.pem"]
    given.append(f"--set {signing}.keyid={name}")
    given += [f"--set {signing}.scope={signature.scope}"] if signature.scope else []
    return "".join(f" {flag} {shlex.quote(value)}" for flag, _, value in (g.partition(" ") for g in given))


def exported_json(policy: Policy, target: Path) -> JsonObject:
    """``bspec.bundle-exported/v1``."""
    return {"schema": "bspec.bundle-exported/v1", "exit_code": 0, **_file(policy, target)}


def _file(policy: Policy, target: Path) -> JsonObject:
    return {
        "file": str(target),
        "name": policy.ref.name,
        "revision": policy.ref.revision,
        "digest": policy.ref.digest,
        "rules": len(policy.bundle.index.rules),
    }


def _owners(policy: Policy) -> JsonObject:
    bundle = policy.bundle
    rules = {o: [r.id for r in bundle.index.rules if r.owner == o] for o in bundle.index.owners()}
    return {
        "base": [b.to_json() for b in bundle.base],
        "owners": [{"owner": o, "rules": cast("list[JsonValue]", ids)} for o, ids in rules.items()],
    }


def _identity(policy: Policy) -> str:
    bundle = policy.bundle
    owned = ", ".join(f"{count} of {owner}" for owner, count in bundle.index.owners().items())
    owners = "\n".join(fold("  owners    ", owned, 12))
    bases = "".join(f"  base      revision {short(b.revision)}, digest {short(b.digest)}\n" for b in bundle.base)
    return (
        f"  digest    {bundle.digest}\n"
        f"  revision  {bundle.revision}\n"
        f"  rules     {len(bundle.index.rules)}  {short(bundle.rules_digest)}\n"
        f"{owners}\n"
        f"{bases}"
        f"  data      {bundle.organisation['name']}  {short(bundle.data_digest)}\n"
        f"  compiled  by OPA {bundle.opa_version}; policy.wasm {len(bundle.wasm)} bytes\n"
    )


def described_text(policy: Policy, style: Style) -> str:
    """Identity and rules."""
    lines = [f"{style.mark('BUNDLE', 'bold')}  {policy.ref.name}"]
    signature = unverified_text(policy.bundle.signature)
    return "\n".join(lines) + "\n" + _identity(policy) + signature + "\n" + "\n".join(_rules(policy)) + "\n"


def _rules(policy: Policy) -> Iterator[str]:
    """Who owns which rule; a title that is too long is cut, because the id says which rule it is."""
    index = policy.bundle.index
    for owner in index.owners():
        yield f"rules of {printable(owner)}"
        for rule in (r for r in index.rules if r.owner == owner):
            kind = "deny" if rule.has_deny else "warn"
            line = f"  {kind}  {rule.severity:<8}  {rule.id}  {printable(rule.title)}"
            yield line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"


def described_json(policy: Policy) -> JsonObject:
    """``bspec.bundle/v1``."""
    signature = unverified_json(policy.bundle.signature)
    return {"schema": "bspec.bundle/v1", "exit_code": 0, **describe(policy.bundle), "signature": signature}

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from policy_tree import organisation_data

from bspec_opa.bundle.archive import compress, decompress, read_tar, write_tar
from bspec_opa.bundle.build.building import pack
from bspec_opa.bundle.index import Index
from bspec_opa.bundle.read import Bundle, read_bundle, require_accepted
from bspec_opa.foundation.canonical import canonical_bytes
from bspec_opa.foundation.digest import digest_json, digest_of
from bspec_opa.foundation.errors import InvalidInputError, TrustError

if TYPE_CHECKING:
    from collections.abc import Callable

    Files = dict[str, bytes]

NO_ADMIN = "bspec/rules/global/tools/no_admin/no_admin.rego"


def spoiled(data: bytes, change: Callable[[Files], object]) -> bytes:
    files = read_tar(decompress(data))
    change(files)
    return compress(write_tar(files))


def edited(name: str, change: Callable[[Any], object]) -> Callable[[Files], None]:
    def apply(files: Files) -> None:
        value = json.loads(files[name])
        change(value)
        files[name] = canonical_bytes(value)

    return apply


def test_a_bundle_says_what_it_is(bundle: Bundle, bundle_bytes: bytes) -> None:
    tar = decompress(bundle_bytes)
    assert bundle.name == "good"
    assert bundle.digest == digest_of(tar)
    assert bundle.organisation == organisation_data()
    assert bundle.data == {
        "bspec": {
            "org": organisation_data(),
            "build": {"revision": bundle.revision, "data_digest": bundle.data_digest},
        }
    }
    assert bundle.wasm.startswith(b"\0asm")
    assert bundle.opa_version == "1.22.2"
    assert [r.id for r in bundle.index.rules] == [
        "global.tools.no_admin",
        "global.tools.unbounded",
        "promotion.all.requested",
        "promotion.production.carried",
    ]


def test_the_digests_are_those_of_the_contract(bundle: Bundle) -> None:
    rego = [n for n in bundle.files if n.endswith(".rego") and not n.startswith("bspec/gate/")]
    covered = sorted([*rego, "schemas/build.json", "schemas/input.json", "schemas/org.json"])
    assert bundle.rules_digest == digest_json([[n, digest_of(bundle.files[n])] for n in covered])
    assert bundle.data_digest == digest_json({"bspec": {"org": organisation_data()}})
    assert bundle.revision == digest_json(
        {
            "rules_digest": bundle.rules_digest,
            "data_digest": bundle.data_digest,
            "contract": "bspec.decision/v1",
            "opa_version": "1.22.2",
        }
    )
    assert json.loads(bundle.files[".manifest"]) == {"revision": bundle.revision, "roots": ["bspec"], "rego_version": 1}


CONTENTS, MISMATCH, ARCHIVE = "bundle.bad-contents", "bundle.digest-mismatch", "bundle.bad-archive"
CHANGES: dict[str, tuple[Callable[[Files], object], str]] = {
    "a rule changed": (lambda f: f.update({NO_ADMIN: f[NO_ADMIN] + b"\n"}), MISMATCH),
    "a library changed": (lambda f: f.update({"bspec/lib/order/order.rego": b"package bspec.lib.order\n"}), MISMATCH),
    "a rule gone": (lambda f: f.pop(NO_ADMIN), MISMATCH),
    "a rule more": (lambda f: f.update({"bspec/rules/global/a/b/b.rego": b"package b\n"}), MISMATCH),
    "a library more": (lambda f: f.update({"bspec/lib/more/more.rego": b"package b\n"}), MISMATCH),
    "a schema changed": (lambda f: f.update({"schemas/input.json": b"{}"}), MISMATCH),
    "data changed": (edited("bspec/org/data.json", lambda d: d.update(name="other")), MISMATCH),
    "build data changed": (edited("bspec/build/data.json", lambda d: d.update(revision="x")), MISMATCH),
    "manifest of another revision": (edited(".manifest", lambda d: d.update(revision="x")), MISMATCH),
    "manifest with more roots": (edited(".manifest", lambda d: d.update(roots=[""])), MISMATCH),
    "manifest with wasm": (edited(".manifest", lambda d: d.update(wasm=[])), MISMATCH),
    "index says another OPA": (edited("index.json", lambda d: d.update(opa_version="1.0.0")), MISMATCH),
    "index says another rules digest": (edited("index.json", lambda d: d.update(rules_digest="x")), MISMATCH),
    "index says another data digest": (edited("index.json", lambda d: d.update(data_digest="x")), MISMATCH),
    "index lacks a rule": (edited("index.json", lambda d: d["rules"].pop()), MISMATCH),
    "index says another rule's digest": (
        edited("index.json", lambda d: d["rules"][0].update(digest=d["rules"][1]["digest"])),
        MISMATCH,
    ),
    "index without a base": (edited("index.json", lambda d: d.pop("base")), CONTENTS),
    "index with a base that is no list": (edited("index.json", lambda d: d.update(base={})), CONTENTS),
    "index with a base without a digest": (
        edited("index.json", lambda d: d["base"].append({"revision": d["rules_digest"]})),
        CONTENTS,
    ),
    "index with bases without end": (
        edited("index.json", lambda d: d.update(base=[dict.fromkeys(("revision", "digest"), d["rules_digest"])] * 17)),
        CONTENTS,
    ),
    "index with a rule of nobody": (edited("index.json", lambda d: d["rules"][0].update(owner="")), CONTENTS),
    "index of another contract": (edited("index.json", lambda d: d.update(contract="bspec.decision/v2")), CONTENTS),
    "index with a member more": (edited("index.json", lambda d: d.update(more=1)), CONTENTS),
    "index with a rule's member less": (edited("index.json", lambda d: d["rules"][0].pop("severity")), CONTENTS),
    "index with a rule twice": (edited("index.json", lambda d: d["rules"].append(d["rules"][-1])), CONTENTS),
    "index out of order": (edited("index.json", lambda d: d["rules"].reverse()), CONTENTS),
    "index with a rule of another kind": (
        edited("index.json", lambda d: d["rules"][0].update(kind="promotion")),
        CONTENTS,
    ),
    "index that is no object": (lambda f: f.update({"index.json": b"[]"}), CONTENTS),
    "data with a duplicate key": (
        lambda f: f.update({"bspec/org/data.json": f["bspec/org/data.json"].replace(b'{"contact"', b'{"name":1,"contact"', 1)}),
        CONTENTS,
    ),
    "data with spaces": (lambda f: f.update({"bspec/org/data.json": f["bspec/org/data.json"] + b"\n"}), CONTENTS),
    "data that is no JSON": (lambda f: f.update({"bspec/org/data.json": b"{"}), CONTENTS),
    "data with a float": (lambda f: f.update({"bspec/org/data.json": b'{"a":1.5}'}), CONTENTS),
    "data nested too deeply": (lambda f: f.update({"bspec/org/data.json": b"[" * 100_000}), CONTENTS),
    "no wasm": (lambda f: f.pop("policy.wasm"), CONTENTS),
    "no manifest": (lambda f: f.pop(".manifest"), CONTENTS),
    "no gate": (lambda f: f.pop("bspec/gate/gate.rego"), CONTENTS),
    "no guard": (lambda f: f.pop("bspec/gate/shape/shape.rego"), CONTENTS),
    "no index": (lambda f: f.pop("index.json"), CONTENTS),
    "another type of file": (lambda f: f.update({"bspec/x.so": b""}), CONTENTS),
    "a test": (lambda f: f.update({"bspec/lib/order/order_test.rego": b""}), CONTENTS),
    "data at a rule's place": (lambda f: f.update({"bspec/rules/global/data.json": b"{}"}), CONTENTS),
    "Rego outside": (lambda f: f.update({"other/x.rego": b""}), CONTENTS),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_bundle_is_refused(name: str, bundle_bytes: bytes) -> None:
    change, code = CHANGES[name]
    with pytest.raises(TrustError) as error:
        read_bundle(spoiled(bundle_bytes, change), "it")
    assert error.value.code == code
    assert str(error.value.problems[0].location) == "it"


@pytest.mark.attack("A41")
def test_a_bundle_without_rules_is_refused(bundle: Bundle) -> None:
    files = {n: d for n, d in bundle.files.items() if not n.startswith("bspec/rules/")}
    empty = pack(files, Index(()), bundle.organisation, bundle.wasm, bundle.opa_version)
    with pytest.raises(InvalidInputError) as error:
        read_bundle(empty, "empty")
    assert error.value.code == "bundle.no-rules"


@pytest.mark.attack("A28")
@pytest.mark.attack("A31")
def test_a_bundle_is_accepted_by_its_digest_only(bundle: Bundle, bundle_bytes: bytes) -> None:
    require_accepted(bundle, {bundle.digest})
    swapped = read_bundle(spoiled(bundle_bytes, lambda f: f.update({"policy.wasm": b"\0asm other"})), "swapped")
    assert swapped.revision == bundle.revision
    with pytest.raises(TrustError) as error:
        require_accepted(swapped, {bundle.digest})
    assert error.value.code == "bundle.not-accepted"
    with pytest.raises(TrustError):
        require_accepted(bundle, set())


def test_reading_loads_nothing_heavy() -> None:
    heavy = "{'jsonschema', 'requests', 'securesystemslib', 'wasmtime', 'pydantic', 'yaml', 'tarfile', 'cryptography'}"
    code = f"import sys; import bspec_opa.bundle.shipped; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

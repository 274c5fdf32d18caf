from __future__ import annotations

import base64
import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from publishers import RealOpa, key, write_keys

from bspec_opa.bundle.signing.hashing import file_hash
from bspec_opa.foundation.errors import TrustError

if TYPE_CHECKING:
    from pathlib import Path

ODD = {
    "escapes": '{"a": "\\u0000\\u0001\\b\\f\\n\\r\\t\\u001f\\"\\\\\\/ \\u007f"}',
    "html": '{"<a href=\\"&\\">": "<>&\'"}',
    "separators": '{"\\u2028": "\\u2029 \u2028"}',
    "planes": '{"\\ud83d\\ude00": "\U0001f600", "\uffff": "\ue000", "é": "e\u0301"}',
    "numbers": "[0, -0, 1.0, 1e2, 1E+2, 1.50, -0.0, 123456789012345678901234567890, 1e-7, 0.1]",
    "order": '{"b": 1, "a": 2, "B": 3, "aa": 4, "a b": 5, "": 6, "\u00e9": 7, "z": 8}',
    "empty": '{"a": {}, "b": [], "c": [[], {}], "d": ""}',
    "words": '{"a": true, "b": false, "c": null}',
    "spaces": ' \n{ "a" :\t[ 1 , 2 ] }\r\n ',
    "byte order mark": '\ufeff{"a": 1}',
    "no object": '["a", {"b": "c"}]',
}


def generated(count: int) -> list[str]:
    """Documents of all kinds, the same in every run."""
    source = random.Random(5)  # noqa: S311 - the same in every run is what is wanted
    letters = ["a", "Z", "0", '"', "\\", "/", "<", "&", "é", "\u2028", "\u007f", "\U0001f600", "\t", "\x02", "\x1f"]

    def value(depth: int) -> Any:
        kind = source.randrange(7 if depth else 5)
        if kind == 5:
            return [value(depth - 1) for _ in range(source.randrange(4))]
        if kind == 6:
            return {text(): value(depth - 1) for _ in range(source.randrange(4))}
        return [text(), source.randrange(-(10**6), 10**18), source.random() * 10**9, None, True][kind]

    def text() -> str:
        return "".join(source.choices(letters, k=source.randrange(5)))

    return [json.dumps({"v": value(4)}, ensure_ascii=source.random() < 0.5) for _ in range(count)]


def test_it_is_opas_hash(opa_path: Path, tmp_path: Path) -> None:
    """One run of ``opa sign`` over odd and generated documents: each of our hashes is the one that it signed."""
    documents = {f"d{n}/data.json": d.encode() for n, d in enumerate([*ODD.values(), *generated(300)])}
    documents |= {
        "x/raw.json": b'{"b": 1, "a": 2}',
        ".manifest": b'{"roots": [""], "revision": "<r>"}',
        "p.rego": b"package p\n",
    }
    for name, data in documents.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    private, _ = write_keys(tmp_path, key())
    opa = RealOpa(opa_path, tmp_path / "tree")
    done = opa.run("sign", "--signing-key", str(private), "--signing-alg", "ES256", "-b", ".", "-o", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (token,) = json.loads((tmp_path / ".signatures.json").read_bytes())["signatures"]
    payload = token.split(".")[1]
    signed = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["files"]
    assert {f["name"]: f["hash"] for f in signed} == {n: file_hash(n, d) for n, d in documents.items()}
    assert len(signed) == len(documents) > 300


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        '{"a": 1, "\\u0061": 2}',
        '{"a": NaN}',
        '{"a": 1} {"b": 2}',
        "a: 1",
        "",
        '{"a": "\\ud800"}',
        '{"a": "\xff"}',
        "[" * 100 + "]" * 100,
        "[" * 100_000,
    ],
)
@pytest.mark.attack("A33")
def test_what_parsers_would_not_agree_on(text: str) -> None:
    """OPA keeps the last of two members, and reads YAML where it finds no JSON."""
    data = text.encode("latin-1") if "\xff" in text else text.encode()
    with pytest.raises(TrustError) as error:
        file_hash("a/data.json", data)
    assert error.value.code == "bundle.signed-files"


@pytest.mark.parametrize("name", ["data.yaml", "a/data.yml"])
def test_yaml_data(name: str) -> None:
    with pytest.raises(TrustError, match="the hash of YAML depends on who parses it"):
        file_hash(name, b"a: 1")


def test_layout_does_not_count_and_bytes_do() -> None:
    assert file_hash("a/data.json", b'{"a":1,"b":2}') == file_hash("a/data.json", b'{ "b": 2, "a": 1 }\n')
    assert file_hash("index.json", b'{"a":1,"b":2}') != file_hash("index.json", b'{ "b": 2, "a": 1 }\n')

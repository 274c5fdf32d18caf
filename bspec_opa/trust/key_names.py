"""How errors call a key: by its file, unless what was given as a file's name is a key itself (attack A71)."""

from __future__ import annotations

import re

# How the base64 of a PKCS#8 or SEC 1 private key begins: Ed25519 of both versions, P-256, encrypted.
_BEGINS = re.compile(r"MC4CAQAw|MFECAQEw|MIG[HT]AgEAMBM|MHcCAQEE|MIGbMFcG|PRIVATE KEY")
_TAIL = re.compile(r"(?<![A-Za-z0-9+/=\s])[A-Za-z0-9+/=\s]{41,}\Z")
_LAST = re.compile(r"[A-Za-z0-9+=_\s-]{41,}\Z")


def shown_key_name(text: str) -> str:
    """A key's file or variable as errors may tell it; a text that looks like key material isn't repeated.

    Too much is hidden rather than too little: a long name without a dot, or a long path of letters and digits of
    all kinds, may be the body of a PEM file that was pasted in place of its name.
    """
    tail = _TAIL.search(text)
    mixed = tail is not None and all(re.search(kind, tail[0]) for kind in ("[A-Z]", "[a-z]", "[0-9]"))
    last = _LAST.fullmatch(text.rpartition("/")[2])
    return "the key named here" if mixed or last or _BEGINS.search(text) else text

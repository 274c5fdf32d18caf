"""Bytes to values: the only way in for every document that people or tools write.

JSON is read by the standard library and, at the slightest doubt, by the scanner that keeps positions; YAML by a
reader of its plain forms and, at the slightest doubt, by PyYAML's parser, which costs an import.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from bspec_opa.foundation.document.document import Document, Mark
from bspec_opa.foundation.document.json_text import Scanner, parse_quickly
from bspec_opa.foundation.document.text import Source, check_visible, decode
from bspec_opa.foundation.document.yaml_plain import DoubtError, read_quickly
from bspec_opa.foundation.limits import MAX_DOCUMENT_BYTES, MAX_IMPORT_BYTES

if TYPE_CHECKING:
    from bspec_opa.foundation.canonical import JsonValue

_BLANK = b" \t\r\n"


def load_yaml(data: bytes, name: str, *, limit: int = MAX_DOCUMENT_BYTES) -> Document:
    """One document in the YAML subset.

    Args:
        data: UTF-8.
        name: what messages call the file.
        limit: at most so many bytes.

    Raises:
        InvalidInputError: it is refused; all problems up to the first that stops reading are listed.
    """
    source = Source(name, decode(data, name, limit))
    check_visible(source)
    value, mark = _read_yaml(source)
    return Document(name, value, source, lambda: mark)


def _read_yaml(source: Source) -> tuple[JsonValue, Mark]:
    try:
        return read_quickly(source.text)
    except DoubtError:
        from bspec_opa.foundation.document.yaml_subset import YamlReader

        return YamlReader(source).read()


def load_json(data: bytes, name: str, *, text: bool = True, limit: int = MAX_DOCUMENT_BYTES) -> Document:
    """One JSON document, with the place of every value.

    Args:
        data: UTF-8.
        name: what messages call the file.
        text: whether people read it; see :func:`parse_json`.
        limit: at most so many bytes.

    Raises:
        InvalidInputError: it is refused; all problems up to the first that stops reading are listed.
    """
    value, source = _read_json(data, name, text=text, limit=limit)

    @cache
    def marks() -> Mark:
        return Scanner(source, text=text).read()[1]

    return Document(name, value, source, marks)


def load_document(data: bytes, name: str, *, limit: int = MAX_DOCUMENT_BYTES) -> Document:
    """JSON if the first character that is no blank is a brace or a bracket, the YAML subset otherwise.

    Raises:
        InvalidInputError: it is refused; all problems up to the first that stops reading are listed.
    """
    load = load_json if data.lstrip(_BLANK)[:1] in {b"{", b"["} else load_yaml
    return load(data, name, limit=limit)


def parse_json(data: bytes, name: str, *, text: bool = True, limit: int = MAX_IMPORT_BYTES) -> JsonValue:
    """The value of one JSON document: RFC 8259, no duplicate keys, integers below 10^15 only.

    Args:
        data: UTF-8.
        name: what messages call the file.
        text: whether people read it. Then hidden characters, text that is not in normalization form C and
            strings over the limit are refused; machines' documents may carry them.
        limit: at most so many bytes.

    Raises:
        InvalidInputError: it is refused; all problems up to the first that stops reading are listed.
    """
    return _read_json(data, name, text=text, limit=limit)[0]


def _read_json(data: bytes, name: str, *, text: bool, limit: int) -> tuple[JsonValue, Source]:
    source = Source(name, decode(data, name, limit))
    if text:
        check_visible(source, json=True)
    try:
        return parse_quickly(source.text, text=text), source
    except (ValueError, RecursionError):
        return Scanner(source, text=text).read()[0], source

"""Reasons why a document is refused before anybody looks at what it says."""

from bspec_opa.foundation.errors import ExitCode, Reason


def _reason(name: str, summary: str, remedy: str) -> Reason:
    return Reason(f"document.{name}", ExitCode.INVALID, summary, remedy)


TOO_LARGE = _reason("too-large", "a document has more bytes than the limit", "split it or make it smaller")
NOT_UTF8 = _reason("not-utf8", "a document is not UTF-8", "save it as UTF-8")
BYTE_ORDER_MARK = _reason("byte-order-mark", "a document starts with a byte order mark", "save it as UTF-8 without BOM")
HIDDEN_CHARACTER = _reason(
    "hidden-character",
    "a control, bidirectional, zero-width or other invisible character, as it is or as an escape",
    "remove it; lines end with LF or CRLF and are indented with spaces",
)
NOT_NFC = _reason(
    "not-nfc",
    "text is not in Unicode normalization form C, so that equal-looking names could differ",
    "type the character again or normalize the file to NFC",
)
LONE_SURROGATE = _reason(
    "lone-surrogate", "an escape names half of a surrogate pair, which is no character", "write the character itself"
)
SYNTAX = _reason("syntax", "a document is no YAML or no JSON", "correct the place that the message names")
EMPTY = _reason("empty", "a document says nothing", "write the document")
SEVERAL_DOCUMENTS = _reason("several-documents", "a file holds more than one document", "keep one document per file")
DIRECTIVE = _reason("directive", "a YAML directive such as %YAML or %TAG", "remove the line")
TAG = _reason("tag", "a YAML tag such as !!binary", "remove the tag and write a plain JSON value")
ANCHOR = _reason("anchor", "a YAML anchor or alias", "write the value out at each place")
MERGE_KEY = _reason("merge-key", "a YAML merge key <<", "write the members out")
DUPLICATE_KEY = _reason("duplicate-key", "a key stands twice in one object", "keep one of them")
KEY_NOT_STRING = _reason("key-not-string", "a key is no string", "quote the key")
AMBIGUOUS_SCALAR = _reason(
    "ambiguous-scalar",
    "an unquoted YAML value that parsers read differently or that is no JSON type, such as NO, 010 or 2026-01-01",
    "quote it if it is text; write true, false or a plain decimal integer if it is not",
)
EMPTY_VALUE = _reason(
    "empty-value", "a YAML key or list item without a value", 'write a value, [], {} or "", or remove it'
)
NOT_AN_INTEGER = _reason(
    "not-an-integer",
    "a JSON number with a fraction or an exponent, -0, NaN or Infinity",
    "write an integer, or a string if it is text",
)
INTEGER_RANGE = _reason(
    "integer-range", "an integer of magnitude 10^15 or more", "write a smaller integer, or a string if it is text"
)
TOO_DEEP = _reason("too-deep", "a document nests deeper than the limit", "nest less")
TOO_MANY_NODES = _reason("too-many-nodes", "a document holds more values than the limit", "split it or make it smaller")
TOO_LONG = _reason("too-long", "one string is longer than the limit", "shorten it")

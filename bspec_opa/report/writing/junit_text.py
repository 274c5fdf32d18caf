"""What every JUnit document of ours is made of."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from bspec_opa.report.writing.printable import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

# https://www.w3.org/TR/xml/#charsets; noncharacters are no controls and pass printable().
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    """One line that any XML parser takes: no control character, no noncharacter, no surrogate."""
    return _NOT_XML.sub(lambda m: f"\\u{ord(m[0]):04x}", printable(text))


def total(element: ET.Element, suites: Sequence[ET.Element]) -> None:
    """Write the numbers of suites into an element; the whole document has no place for what was skipped."""
    cases = [c for s in suites for c in s.iter("testcase")]
    element.set("tests", str(len(cases)))
    counted = [("failures", "failure"), ("errors", "error")]
    for name, child in [*counted, ("skipped", "skipped")] if element.tag == "testsuite" else counted:
        element.set(name, str(sum(c.find(child) is not None for c in cases)))


def document(root: ET.Element) -> str:
    """The document, in ASCII."""
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="us-ascii", xml_declaration=True)
    return text.decode("ascii") + "\n"

from __future__ import annotations

import pytest

from bspec_opa.bundle.serving.log import Event
from bspec_opa.report.bundles.serving import event_text


@pytest.mark.parametrize(
    ("before", "told"),
    [
        ("", "sha256:1111aaaaaaaa…"),
        ("sha256:2222bbbbbbbbcccc", "sha256:2222bbbbbbbb… → sha256:1111aaaaaaaa…"),
        ("sha256:1111aaaaaaaacccc", "sha256:1111aaaaaaaa…, as before in another file or signature"),
    ],
)
def test_a_switch_of_a_served_bundle(before: str, told: str) -> None:
    event = Event("switched", 0, "acme", revision="sha256:1111aaaaaaaacccc", before=before)
    assert event_text(event) == f"1970-01-01T00:00:00Z  switched     acme  {told}\n"

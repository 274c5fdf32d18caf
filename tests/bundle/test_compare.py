from __future__ import annotations

from typing import TYPE_CHECKING

from policy_tree import good_tree, write

from bspec_opa.bundle.build.building import build_bundle
from bspec_opa.bundle.compare import Difference, compare
from bspec_opa.bundle.read import read_bundle
from bspec_opa.report.bundles.signing import diff_json, diff_text
from bspec_opa.report.writing.style import Style

if TYPE_CHECKING:
    from pathlib import Path

    from bspec_opa.bundle.read import Bundle
    from bspec_opa.bundle.rego.opa_tool import Opa

ADMIN, UNBOUNDED, CARRIED, MORE = (
    f"bspec/rules/{n}.rego"
    for n in (
        "global/tools/no_admin/no_admin",
        "global/tools/unbounded/unbounded",
        "promotion/production/carried/carried",
        "global/tools/more/more",
    )
)
LIBRARY = "bspec/lib/order/order.rego"


def test_what_differs(bundle: Bundle, opa: Opa, tmp_path: Path) -> None:
    tree = good_tree()
    tree[MORE] = tree[UNBOUNDED].replace("unbounded", "more").replace("TOL-10", "TOL-99")
    del tree[CARRIED]
    tree[ADMIN] = tree[ADMIN].replace("severity: high", "severity: low").replace("Do something", "Do more")
    tree[UNBOUNDED] += "\n# more of it\n"
    tree[LIBRARY] += "\n# more of it\n"
    data = tree["bspec/org/data.json"]
    changed = data.replace("security@example.com", "x@example.com")
    tree["bspec/org/data.json"] = changed.replace('"min_probe_cases": 1', '"min_probe_cases": 2')
    newer = read_bundle(build_bundle(write(tmp_path / "newer", tree), None, opa), "newer")
    found = compare(bundle, newer)
    assert found.rules == (
        Difference("added", "global.tools.more"),
        Difference("changed", "global.tools.no_admin", ("severity", "remediation")),
        Difference("changed", "global.tools.unbounded"),
        Difference("removed", "promotion.production.carried"),
    )
    assert found.libraries == (Difference("changed", LIBRARY),)
    assert found.data == (Difference("changed", "/contact"), Difference("changed", "/min_probe_cases"))
    assert not found.same
    assert diff_text(found, Style(colour=False)).splitlines()[1:] == [
        "  + rule     global.tools.more",
        "  ~ rule     global.tools.no_admin  code, severity, remediation",
        "  ~ rule     global.tools.unbounded  code",
        "  - rule     promotion.production.carried",
        f"  ~ library  {LIBRARY}",
        "  ~ data     /contact",
        "  ~ data     /min_probe_cases",
    ]
    changes = [(r["change"], r["code"]) for r in diff_json(found)["rules"]]  # type: ignore[union-attr, index, call-overload]
    assert changes == [("added", False), ("changed", True), ("changed", True), ("removed", False)]
    back = compare(newer, bundle)
    assert [d.change for d in back.rules] == ["removed", "changed", "changed", "added"]


def test_a_bundle_is_the_same_as_itself(bundle: Bundle) -> None:
    found = compare(bundle, bundle)
    assert (found.same, found.rules, found.libraries, found.data) == (True, (), (), ())

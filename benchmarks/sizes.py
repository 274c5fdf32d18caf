"""Decision time against the number of rules and the size of the input: the embedded engine and REST, per cell.

The rules are generated: each looks at every tool for a privilege, an operation or a kind of data. The input is the
smallest that the closed schema takes (about 2 kB), with tools added until it has the size.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.decisions import embedded_engine
from benchmarks.measure import compare, timed
from benchmarks.servers import OPA, ROOT, opa_server
from bspec_opa.bundle.build.building import build_bundle
from bspec_opa.bundle.contract.definitions import input_schema
from bspec_opa.bundle.rego.opa_tool import Opa
from bspec_opa.engine.rest import RestEngine
from bspec_opa.workflow.checkout.deciding import policy_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.measure import Figure

RULES = (50, 200, 1_000)
KILOBYTES = (1, 10, 100)

_METADATA = """\
# METADATA
# title: Rule {number}
# description: Generated.
# custom:
#   code: GEN-{number}
#   severity: high
#   remediation: None.
#   controls: [NONE:1]
#   collections: [generated]
#   waivable: true
package bspec.rules.global.generated.rule_{number}

"""
_FORMS = (
    """\
deny contains {{"msg": $"tool {{t.id}} may not be admin {number}", "path": $"{{t.path}}/privilege"}} if {{
	some t in input.intent.tools
	t.privilege == "admin"
}}
""",
    """\
deny contains {{"msg": $"tool {{t.id}} has operation {number}", "path": $"{{t.path}}/operations"}} if {{
	some t in input.intent.tools
	"operation_{number}" in t.operations
}}
""",
    """\
deny contains {{"msg": $"tool {{t.id}} sees data {number}", "path": $"{{t.path}}/data"}} if {{
	some t in input.intent.tools
	t.data == "restricted"
	t.world == "open"
	t.class == "class_{number}"
}}
""",
)


def sizes(rounds: int, rules: Sequence[int] = RULES, kilobytes: Sequence[int] = KILOBYTES) -> Iterator[Figure]:
    """The figures: embedded against REST, our engines both, in the same run."""
    with tempfile.TemporaryDirectory() as directory:
        for number in rules:
            yield from _row(Path(directory) / str(number), number, kilobytes, rounds)


def _row(folder: Path, number: int, kilobytes: Sequence[int], rounds: int) -> Iterator[Figure]:
    archive = build_bundle(policies(folder / "policies", number), None, Opa(OPA))
    file = folder / "bundle.tar.gz"
    file.write_bytes(archive)
    policy = policy_of(archive, file.name)
    with (
        opa_server(file) as url,
        RestEngine(url, revision=policy.ref.revision) as rest,
        embedded_engine(policy) as embedded,
    ):
        for size in kilobytes:
            request = request_of(size * 1000)
            yield compare(
                f"embedded, {number} rules, {size} kB",
                "rest, the same decision",
                ours=timed(_decision(embedded.decide, request)),
                rival=timed(_decision(rest.decide, request)),
                rounds=rounds,
            )


def _decision(decide: Callable[[Any], object], request: Any) -> Callable[[], object]:
    return lambda: decide(request)


def policies(folder: Path, number: int) -> Path:
    """The shipped policies with so many generated rules instead of their own."""
    shutil.copytree(
        ROOT / "policies" / "bspec", folder / "bspec", ignore=shutil.ignore_patterns("rules", "*_test.rego")
    )
    data = folder / "bspec" / "org" / "data.json"
    organisation = json.loads(data.read_text(encoding="utf-8")) | {"controls": []}  # they name the shipped rules
    data.write_text(json.dumps(organisation), encoding="utf-8")
    for n in range(number):
        name = f"rule_{n}"
        path = folder / "bspec" / "rules" / "global" / "generated" / name / f"{name}.rego"
        path.parent.mkdir(parents=True)
        path.write_text((_METADATA + _FORMS[n % len(_FORMS)]).format(number=n), encoding="utf-8")
    return folder


def request_of(size: int) -> Any:
    """An input of at least so many bytes as JSON."""
    schema: Any = input_schema()
    request = sample(schema, schema, 0)
    request["action"] = "check"
    tool = sample(schema, schema["properties"]["intent"]["properties"]["tools"]["items"], 1)
    missing = size - len(json.dumps(request))
    request["intent"]["tools"] = [tool] * max(0, -(-missing // len(json.dumps(tool))))
    return request


def sample(root: Any, schema: Any, items: int) -> Any:
    """A value that fits a closed schema, with so many items in each list."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    if schema["type"] == "object":
        return {name: sample(root, part, items) for name, part in schema["properties"].items()}
    if schema["type"] == "array":
        count = max(schema.get("minItems", 0), min(items, schema.get("maxItems", items)))
        return [sample(root, schema["items"], items)] * count
    if "enum" in schema:
        return schema["enum"][0]
    return {"string": "word", "integer": schema.get("minimum"), "boolean": True}[schema["type"]]

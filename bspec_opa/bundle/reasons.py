"""Reasons that building and reading policy bundles raise."""

from bspec_opa.foundation.errors import ExitCode, Reason

OPA_FAILED = Reason(
    "bundle.opa-failed",
    ExitCode.ENGINE,
    "the OPA binary can't be started, is another version or took too long",
    "install the OPA version that doctor names",
)
REGO_INVALID = Reason(
    "bundle.rego-invalid",
    ExitCode.INVALID,
    "OPA refuses the policies: syntax, types or references",
    "correct the place that is named; paths are checked against the input schema",
)
FORBIDDEN_BUILTIN = Reason(
    "bundle.forbidden-builtin",
    ExitCode.INVALID,
    "a policy calls a builtin that is not on the allow-list",
    "use pure, total builtins; times, ranges and statistics are computed into the input",
)
NO_RULES = Reason(
    "bundle.no-rules",
    ExitCode.INVALID,
    "there is no rule at all",
    "name the policies folder itself, the one that holds bspec/",
)
LAYOUT = Reason(
    "bundle.layout",
    ExitCode.INVALID,
    "a file or package is not where the layout puts it",
    "see docs/rego.md for the layout of policies/",
)
BASE = Reason(
    "bundle.base",
    ExitCode.INVALID,
    "a pack says nothing usable about its base or its owner",
    "in bspec-opa.toml, section [policy], write base, base_revision and owner; policy new writes all three",
)
BASE_REVISION = Reason(
    "bundle.base-revision",
    ExitCode.TRUST,
    "the base of a pack has another revision than the pack is pinned to",
    "get the base with that revision, or review the new one (bundle inspect) and pin it",
)
PACK = Reason(
    "bundle.pack",
    ExitCode.INVALID,
    "a pack redefines something of its base",
    "add rules under names of your own; select or exclude the base's in the organisation's data",
)
METADATA_MISSING = Reason(
    "bundle.metadata-missing",
    ExitCode.INVALID,
    "a package has no METADATA, or OPA dropped it silently",
    'write "# METADATA" in capitals, without a blank line inside, right above the package',
)
METADATA_INVALID = Reason(
    "bundle.metadata-invalid",
    ExitCode.INVALID,
    "a package's METADATA has another form than expected",
    "see docs/rego.md for the members of METADATA",
)
DEAD_CHECK = Reason(
    "bundle.schema-check-dead",
    ExitCode.ENGINE,
    "a misspelt path or a forbidden builtin went through: the checks are not live",
    "don't use the bundle; check that policies/bspec/bspec.rego names the schemas",
)
SCHEMAS = Reason(
    "bundle.schema-annotation",
    ExitCode.INVALID,
    "the schema annotation is not exactly the one in bspec.rego",
    "leave bspec/bspec.rego as it is; a schemas block anywhere else switches checks off",
)
ORGANISATION = Reason(
    "bundle.organisation-data",
    ExitCode.INVALID,
    "an organisation's data does not fit its schema, or contradicts itself or the rules",
    "correct the data at the place that is named",
)
WASM_FAILED = Reason(
    "bundle.no-wasm",
    ExitCode.ENGINE,
    "OPA compiled no policy.wasm",
    "use the OPA version that doctor names",
)
ARCHIVE = Reason(
    "bundle.bad-archive",
    ExitCode.TRUST,
    "an archive is not one that bundle build writes: links, devices, strange names, duplicates, trailing bytes",
    "get the bundle from its publisher again, or build it",
)
ARCHIVE_SIZE = Reason(
    "bundle.archive-too-large",
    ExitCode.TRUST,
    "an archive unpacks to more than the limit",
    "don't use the bundle",
)
CONTENTS = Reason(
    "bundle.bad-contents",
    ExitCode.TRUST,
    "a bundle lacks a file, has one too many, or one has another form",
    "get the bundle from its publisher again, or build it",
)
MISMATCH = Reason(
    "bundle.digest-mismatch",
    ExitCode.TRUST,
    "what a bundle says about itself is not what it contains",
    "don't use the bundle: it was changed after it was built",
)
NOT_ACCEPTED = Reason(
    "bundle.not-accepted",
    ExitCode.TRUST,
    "the bundle is none of those that the trust root accepts",
    "use an accepted bundle, or have the trust root accept this one",
)
ENVIRONMENT = Reason(
    "bundle.unknown-environment",
    ExitCode.INVALID,
    "the organisation's data of the bundle does not know the environment",
    "add it to environments in the organisation's data",
)
SELECTION = Reason(
    "bundle.bad-selection",
    ExitCode.INVALID,
    "the organisation's selectors name nothing, or select no rule",
    "name a rule, @collection or * in select",
)
TIER_GUARD = Reason(
    "bundle.tier-guard",
    ExitCode.INVALID,
    "which rules run depends on the tier, but what checks the tier does not run at every tier",
    "let no pack and no exclude drop a rule of the collection tier_guard",
)
CONTROL = Reason(
    "bundle.bad-control",
    ExitCode.INVALID,
    "a control of the organisation's data names no rule, or is there twice",
    "name rules, @collections or framework:NAME; write no rules for a control that none covers",
)
NO_BUNDLE = Reason(
    "bundle.not-shipped",
    ExitCode.USAGE,
    "no bundle of this name is shipped",
    "name default or elevated, or give the path of a bundle",
)
RULE_FORM = Reason(
    "bundle.rule-form",
    ExitCode.INVALID,
    "a rule is no partial set of deny or warn, or defines a name that nothing uses",
    "write: deny contains {...} if {...}; a misspelt deny is a rule that never denies",
)
ITEM_FORM = Reason(
    "bundle.item-form",
    ExitCode.INVALID,
    "a finding is not an object with msg and path, or its needs don't fit the METADATA",
    'write: deny contains {"msg": $"...", "path": $"..."} if {...}',
)
CONSTRUCT = Reason(
    "bundle.forbidden-construct",
    ExitCode.INVALID,
    "a policy uses a construct behind which OPA checks no types",
    "use some ... in, comprehensions, and functions of scalars",
)
REFERENCE = Reason(
    "bundle.unknown-reference",
    ExitCode.INVALID,
    "a policy refers to something that no bundle has; it would be undefined, and the rule quiet",
    "refer to input, data.bspec.org and what a library under bspec/lib defines",
)
LITERAL = Reason(
    "bundle.unknown-literal",
    ExitCode.INVALID,
    "a policy compares with a word that the schema does not have there",
    "use one of the schema's words",
)
TEST_FORM = Reason(
    "bundle.test-form",
    ExitCode.INVALID,
    "a test never runs, or replaces something that does not exist",
    "name tests test_..., and targets of with as the schema does",
)
UNFINISHED = Reason(
    "bundle.unfinished",
    ExitCode.INVALID,
    "a rule has no test, or its METADATA still says TODO: it is not to decide yet",
    "write <rule>_test.rego beside the rule and what METADATA lacks, or say --allow-unfinished; it is then named",
)

"""Reasons of the binding room: catalogs, importers, components, resolution and bindings."""

from bspec_opa.foundation.errors import ExitCode, Reason


def _reason(code: str, summary: str, remedy: str) -> Reason:
    return Reason(code, ExitCode.INVALID, summary, remedy)


BAD_CATALOG = _reason(
    "catalog.bad-shape",
    "a catalog has another shape than bspec.catalog/v1",
    "compare it with the example in docs/reference.md; unknown members are refused",
)
DUPLICATE_ENTRY = _reason(
    "catalog.duplicate-entry", "the same entry stands twice in the catalogs", "keep one of the entries"
)
NO_IDENTITY = _reason(
    "catalog.no-identity",
    "a version, model id or package URL is empty, a placeholder, a range, or a name that may point elsewhere tomorrow",
    "name an exact version, commit or digest",
)
KIND_MISMATCH = _reason(
    "catalog.kind-mismatch",
    "a model identity doesn't have what its kind or immutability promises",
    "give hf-commit ids as name@<40 hex>, oci-digest ids as name@sha256:<64 hex>, an oms-root a digest; "
    "a vendor-snapshot is provider-asserted",
)
NO_CONTRACT = _reason(
    "catalog.no-contract",
    "a release says neither by a document nor by operations what the tool can do",
    "name an imported document, or write the operations by hand",
)
UNKNOWN_REVIEWED = _reason(
    "catalog.unknown-operation",
    "a reviewed operation does not exist in the release's document",
    "correct the operation's name",
)
FLOOR_LOWERED = _reason(
    "catalog.floor-lowered",
    "a reviewed privilege floor lies below what an untrusted publisher's tool gets",
    "raise the floor, or mark the publisher trusted after reviewing it",
)
BAD_PATH = _reason(
    "catalog.bad-path",
    "a path in a catalog is absolute or could leave its directory",
    "name a file below, without .. or a leading slash",
)
BAD_IMPORT = _reason(
    "import.bad-document",
    "an imported document is not what its importer reads",
    "save the complete answer of the server, unchanged",
)
EMPTY_IMPORT = _reason(
    "import.no-tools",
    "an imported document names no tool; nothing to check is never the same as checked",
    "import the list that the server really serves",
)
INCOMPLETE_IMPORT = _reason(
    "import.incomplete",
    "an imported document is one page of several",
    "save the list with all its pages joined, without nextCursor",
)
DUPLICATE_TOOL = _reason(
    "import.duplicate-tool", "an imported document names a tool twice", "ask the publisher which one is meant"
)
COMPONENT_UNREADABLE = _reason(
    "component.unreadable",
    "a component is missing, a link, neither file nor directory, or has a name that can't be written down",
    "name a regular file or a directory of regular files",
)
COMPONENT_TOO_LARGE = _reason(
    "component.too-large", "a component has more bytes, files or levels than the limit", "split it or make it smaller"
)
COMPONENT_EMPTY = _reason(
    "component.empty", "a component's directory holds no file", "name the directory with the files"
)
UNKNOWN_TOOL = _reason("resolve.unknown-tool", "no catalog has a tool of this id", "add the tool to a catalog")
CLASS_DIFFERS = _reason(
    "resolve.class-differs",
    "the intent declares a tool under another class than the catalog",
    "declare the catalog's class; the class decides which rules apply",
)
NO_RELEASE = _reason(
    "resolve.no-release",
    "no active release of a tool lies in the declared range",
    "widen the range in the intent, or add the release to the catalog",
)
AMBIGUOUS_RELEASE = _reason(
    "resolve.ambiguous-release",
    "two releases in the range differ in build metadata only, which has no order",
    "declare the exact release with ==",
)
UNKNOWN_OPERATION = _reason(
    "resolve.unknown-operation", "a declared operation does not exist in the release", "correct the operation's name"
)
UNKNOWN_MODEL = _reason(
    "resolve.unknown-model-class", "no catalog has a model class of this id", "add the class to a catalog"
)
NO_MODEL = _reason(
    "resolve.no-model",
    "no active identity of a model class is of an allowed provider and region",
    "allow the provider or region in the intent, or add an identity to the catalog",
)
AMBIGUOUS_MODEL = _reason(
    "resolve.ambiguous-model",
    "several active identities of a model class are allowed, and order in a catalog is no choice",
    "narrow providers or regions in the intent, or mark all but one deprecated in the catalog",
)
UNKNOWN_COMPONENT = _reason(
    "resolve.unknown-component", "no catalog has a path for a declared component", "add its path to a catalog"
)
BAD_BINDING = _reason(
    "binding.bad-shape",
    "a binding has another shape than bspec.binding/v1, or its parts contradict each other",
    "make it again with bspec-opa resolve",
)
CONTRACT_DIGEST = _reason(
    "binding.contract-digest",
    "a tool's contract digest does not belong to the contract's document",
    "make the binding again with bspec-opa resolve",
)

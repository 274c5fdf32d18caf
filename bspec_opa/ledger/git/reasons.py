"""Reasons that the ledger in a Git ref raises."""

from bspec_opa.foundation.errors import ExitCode, Reason

GIT_URL = Reason(
    "ledger.git-url",
    ExitCode.USAGE,
    "the ledger's URL is no address of a Git repository with a ref",
    "write git+ssh://USER@HOST/PATH#refs/heads/NAME, git+https://… or git+file:///PATH, see docs/ledger-git.md",
)
GIT_MISSING = Reason(
    "ledger.git-missing",
    ExitCode.USAGE,
    "the program git is needed for a ledger in a Git ref, and there is none",
    "install git 2.39 or newer",
)
GIT_PLACE = Reason(
    "ledger.git-no-place",
    ExitCode.USAGE,
    "a ledger in a Git ref needs a private directory for its copy, and this user has none",
    "set HOME or BSPEC_OPA_STATE_DIR",
)
GIT_FAILED = Reason(
    "ledger.git-failed",
    ExitCode.STORE,
    "git could not do what the ledger needs, such as reach the repository or be let in; nothing was recorded",
    "read what git says; try git ls-remote with the same address and as the same user",
)
GIT_REFUSED = Reason(
    "ledger.git-refused",
    ExitCode.STORE,
    "the repository refused the push although nobody else had gone on; nothing was recorded",
    "read what git says; the gate needs the right to push to the ref, and nobody else does",
)
GIT_UNKNOWN = Reason(
    "ledger.git-outcome-unknown",
    ExitCode.STORE,
    "a push failed, and the repository could not be asked since whether it was recorded",
    "run it again once the repository answers: it goes on from what is there, and records nothing twice",
)
GIT_LAYOUT = Reason(
    "ledger.git-layout",
    ExitCode.TRUST,
    "the ref holds something that no ledger has",
    "give the ledger a ref of its own, to which gates alone can push",
)

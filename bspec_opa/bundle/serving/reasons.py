"""Reasons that serving bundles raises."""

from bspec_opa.foundation.errors import ExitCode, Reason

NOT_INSTALLED = Reason(
    "serving.not-installed",
    ExitCode.USAGE,
    "bundle serve needs libraries that are not installed",
    "install them: pip install 'bspec-opa[serve]'",
)
BAD_NAME = Reason(
    "serving.bad-name",
    ExitCode.USAGE,
    "a served bundle is not written as NAME=FILE, or the name has another form or is there twice",
    "write acme/production=FILE: lower-case letters, digits, dash and underscore between slashes",
)
NOTHING = Reason(
    "serving.nothing",
    ExitCode.USAGE,
    "there is no bundle to serve",
    "give NAME=FILE, or --dir with an existing directory",
)
BAD_ADDRESS = Reason(
    "serving.bad-address",
    ExitCode.USAGE,
    "an address to listen on is not HOST:PORT, belongs to another machine or is taken",
    "write 127.0.0.1:8282, and see who listens there already",
)
BAD_CREDENTIALS = Reason(
    "serving.bad-credentials",
    ExitCode.USAGE,
    "a certificate, key, authority or token file of the server can't be used, or would be given away",
    "see docs/bundle-server.md for the form of each file",
)
OLDER = Reason(
    "serving.older-bundle",
    ExitCode.TRUST,
    "a bundle with a higher signed sequence was served under this name before",
    "serve the newer bundle; to go back to older rules, sign them under a new sequence",
)
REUSED = Reason(
    "serving.sequence-reused",
    ExitCode.TRUST,
    "another revision was served under this name with the same signed sequence",
    "sign each bundle under a sequence of its own",
)
BAD_STATE = Reason(
    "serving.bad-state",
    ExitCode.TRUST,
    "the file of --state can't be relied on: damaged, a link, or others may read or write it",
    "make it private (chmod 600); if it is damaged, find out why before removing it",
)
STATE_IN_USE = Reason(
    "serving.state-in-use",
    ExitCode.STORE,
    "another server holds the file of --state",
    "give each server a file of its own, or stop the other one",
)

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

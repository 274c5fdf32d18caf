"""A server of bundles that OPA sidecars poll: files are watched, checked and switched as a whole."""

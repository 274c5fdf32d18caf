"""``policy lint``: every check of a build as a named rule, OPA's own checks, and rules written in Rego."""

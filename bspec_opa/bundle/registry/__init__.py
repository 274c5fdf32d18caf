"""Bundles in OCI registries and image layouts, in the form that OPA's ``type: oci`` service loads."""

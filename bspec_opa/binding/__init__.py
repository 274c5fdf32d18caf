"""The identities: catalogs, importers and the resolution of an intent into exact artifacts."""

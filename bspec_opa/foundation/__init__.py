"""What every room needs: errors, limits, canonical bytes, digests, strict documents, safe files."""

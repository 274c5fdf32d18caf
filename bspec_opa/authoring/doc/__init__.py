"""``policy doc``: a page for each rule, from METADATA, source and tests; what people write into it is kept."""

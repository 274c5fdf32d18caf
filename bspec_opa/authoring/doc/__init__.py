"""``policy doc``: a page for each rule, from its METADATA, its source and its tests; what people write into it is kept."""

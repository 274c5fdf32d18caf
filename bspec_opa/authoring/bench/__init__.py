"""``policy bench``: what each rule costs."""

"""From checked sources to a bundle: index, generated gate and guard, compiled policy, archive."""

"""Policy bundles: generated gate and guard, deterministic archives, index."""

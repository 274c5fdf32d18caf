"""What ``check`` found, one module a format."""

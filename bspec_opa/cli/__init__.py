"""One file a verb; errors become exit codes in one table."""

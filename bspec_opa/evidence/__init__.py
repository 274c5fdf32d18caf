"""Evaluation evidence: the record, pooled runs and exact statistical bounds."""

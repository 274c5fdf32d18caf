"""The record read again: lines of the past, what was authorised at a moment, packs for auditors."""

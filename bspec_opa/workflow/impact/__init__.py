"""What a candidate bundle would change: recorded inputs decided beside the bundle in use. Nothing is written."""

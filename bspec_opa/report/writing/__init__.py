"""What every report is written with: lines that fit, colour, safe text, excerpts, parts of schemas."""

"""The decisions that a framework's controls are held against."""

"""What is current: head statements made, read and demanded."""

"""What the tools of authors print."""

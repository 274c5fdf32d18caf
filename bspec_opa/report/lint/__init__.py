"""What ``policy lint`` prints: text, JSON, SARIF and GitHub's annotations."""

"""Reports of a run: JSON for programs, text for a terminal, one HTML page. Each renders values and measures nothing."""

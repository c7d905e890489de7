"""Conduct floor: running the trial."""

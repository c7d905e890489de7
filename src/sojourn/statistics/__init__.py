"""Statistics floor."""

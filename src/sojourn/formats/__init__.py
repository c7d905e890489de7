"""Formats floor."""

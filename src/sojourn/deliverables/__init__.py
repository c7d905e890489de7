"""Deliverables floor."""

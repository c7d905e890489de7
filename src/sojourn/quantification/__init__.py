"""Quantification floor."""

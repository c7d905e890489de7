"""Exact inference for small samples: nothing here falls back to an asymptotic number."""

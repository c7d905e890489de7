"""Several ways to leave a state: cumulative incidence, Gray's test, multi-state models."""

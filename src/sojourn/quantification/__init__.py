"""Amounts, retention and decay from signal, each an Estimate under a stated model."""

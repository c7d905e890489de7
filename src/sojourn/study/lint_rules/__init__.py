"""Rules of the record linter: each module defines `RULES`, a tuple of `Rule`."""

"""Operating characteristics: what a design can show, before the first patient."""

"""Posterior distributions in closed form or on a grid; historical controls as priors."""

"""How sure an image is: noise of its rows, standard deviations, recovery; for every method."""

"""One image, or several, from several calibrations, patches or times at once."""

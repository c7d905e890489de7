"""Times to an event: risk sets, product limit, intervals, quantiles, tests, landmark."""

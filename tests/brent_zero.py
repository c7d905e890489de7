"""Brent's root finder as R's `uniroot` runs it: to show that a golden value stops at its tolerance.

Written from the algorithm: Brent, Algorithms for minimization without derivatives, 1973, chapter 4,
in the form of netlib's zeroin with a bracket, no iteration limit.
"""

R_TOLERANCE = 2.0**-13  # .Machine$double.eps^0.25, the default of uniroot
EPSILON = 2.0**-52


def r_uniroot(function, lower, upper, tolerance=R_TOLERANCE):
    """Return the root that `uniroot(function, c(lower, upper))` returns, tolerance and all."""
    a, b, c = lower, upper, lower
    fa, fb = function(a), function(b)
    fc = fa
    if fa == 0:
        return a
    while fb != 0:
        before = b - a
        if abs(fc) < abs(fb):
            a, b, c = b, c, b
            fa, fb, fc = fb, fc, fb
        least = 2 * EPSILON * abs(b) + tolerance / 2
        step = (c - b) / 2
        if abs(step) <= least:
            break
        if abs(before) >= least and abs(fa) > abs(fb):
            step = _interpolated(a, b, c, (fa, fb, fc), before, least, step)
        if abs(step) < least:
            step = least if step > 0 else -least
        a, fa = b, fb
        b += step
        fb = function(b)
        if (fb > 0) == (fc > 0) and fb != 0:
            c, fc = a, fa
    return b


def _interpolated(a, b, c, values, before, least, halved):
    fa, fb, fc = values
    width = c - b
    if a == c:
        p, q = width * fb / fa, 1 - fb / fa
    else:
        q, t1, t2 = fa / fc, fb / fc, fb / fa
        p = t2 * (width * q * (q - t1) - (b - a) * (t1 - 1))
        q = (q - 1) * (t1 - 1) * (t2 - 1)
    p, q = (p, -q) if p > 0 else (-p, q)
    small = p < 0.75 * width * q - abs(least * q) / 2 and p < abs(before * q / 2)
    return p / q if small else halved

"""Retention: the share of what was given that still signals inside the joint cavity.

Signal retained, not cells alive: free tracer and tracer in other cells signals too.
"""

import math
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.quantification.amount import Amount
from sojourn.quantification.uncertainty import fieller_interval, normal_quantile

NOT_CELLS = "share of tracer signal retained; not a share of cells alive"


class Denominator(StrEnum):
    """What counts as all that was given: an explicit choice of the study."""

    POST_INJECTION_SCAN = "post_injection_scan"
    SYRINGE_ASSAY = "syringe_assay"


def estimate_retention(
    follow_up: Amount,
    baseline: Amount | Estimate,
    *,
    region: str,
    denominator: Denominator,
    denominator_regions: tuple[str, ...] = (),
    level: float = 0.95,
) -> Estimate:
    """Return the share of the amount given that is in `region` at follow-up.

    Parameters
    ----------
    follow_up
        the amount at the follow-up visit, with `region` among its compartments, or without
        compartments (its total then stands for the region).
    baseline
        for `post_injection_scan` the amount of the scan right after injection, whose
        `denominator_regions` (its total where none are named) are summed; for `syringe_assay`
        the iron assayed in the syringe less the residual, in the amount's unit.
    region
        name of the cavity.
    denominator
        which of the two `baseline` is.
    denominator_regions
        regions of the baseline amount to sum; empty for its total.
    level
        coverage of the interval.

    Returns
    -------
        dimensionless, 1 is all. Interval by Fieller; where both are one and the same scan, with
        the covariance of its compartments, else with none. The error of the calibration sample's
        iron is common to both scans and cancels; against a syringe assay it does not. Session
        gain, noise, background and texture are independent from scan to scan and stay. Nothing is
        clipped: a share above 1 or below 0 is said to be so.

    Raises
    ------
    DataError
        if units differ, a region is missing, or an amount has no bounded interval.

    References
    ----------
    Fieller, J. R. Stat. Soc. B 16 (1954) 175.
    """
    numerator, variance = _part(follow_up, (region,))
    notes = [NOT_CELLS]
    if denominator is Denominator.POST_INJECTION_SCAN:
        if not isinstance(baseline, Amount):
            raise DataError(
                "denominator 'post_injection_scan' takes the amount of a scan, got an estimate; "
                "for an assay of the syringe state denominator 'syringe_assay'"
            )
        base, base_variance = _part(baseline, denominator_regions)
        if not _share_calibration(follow_up, baseline):
            variance += (follow_up.common_relative * numerator) ** 2
            base_variance += (baseline.common_relative * base) ** 2
        unit = baseline.estimate.unit
        notes += _shared_notes(follow_up, baseline)
    else:
        if isinstance(baseline, Amount):
            raise DataError(
                "denominator 'syringe_assay' takes the assayed iron as an estimate, got a scan"
            )
        base, base_variance = baseline.value, _variance(baseline)
        unit = baseline.unit
        variance += (follow_up.common_relative * numerator) ** 2
        notes.append(
            "against an assay: the calibration sample's error and the tracer's state in the body "
            "(signal per iron) do not cancel; the latter is not in the interval"
        )
    if unit != follow_up.estimate.unit:
        raise DataError(
            f"retention needs one unit; the follow-up is in {follow_up.estimate.unit}, the "
            f"denominator in {unit}"
        )
    if base <= 0:
        raise DataError(
            f"the denominator is {base:.4g} {unit}: there is no amount given that a share could "
            "be taken of"
        )
    covariance = 0.0
    if baseline is follow_up:
        covariance = _shared(follow_up, (region,), denominator_regions)
        notes.append("numerator and denominator are one scan: their common errors cancel")
    lower, upper = fieller_interval(
        numerator, variance, base, base_variance, covariance, level=level
    )
    share = numerator / base
    return Estimate(
        value=share,
        unit="1",
        lower=min(lower, share),
        upper=max(upper, share),
        level=level,
        method=f"ratio to the {denominator.value.replace('_', ' ')}, Fieller",
        components={
            "follow-up": math.sqrt(variance) / base,
            "denominator": abs(share) * math.sqrt(base_variance) / base,
        },
        notes=tuple(notes + _range_notes(share, lower, upper)),
    )


def _shared(amount: Amount, left: tuple[str, ...], right: tuple[str, ...]) -> float:
    """Return the covariance between two sums over compartments of one scan."""
    names = tuple(amount.by_compartment)
    if not names:
        return _part(amount, left)[1]
    first, second = (
        np.array([1.0 if not regions or name in regions else 0.0 for name in names])
        for regions in (left, right)
    )
    return float(first @ amount.covariance @ second)


def _part(amount: Amount, regions: tuple[str, ...]) -> tuple[float, float]:
    """Return the sum of some compartments and its variance, without the common error."""
    names = tuple(amount.by_compartment)
    if not names:
        common = amount.common_relative * amount.estimate.value
        return amount.estimate.value, max(_variance(amount.estimate) - common**2, 0.0)
    if missing := [region for region in regions if region not in names]:
        raise DataError(f"the amount has no compartment {missing}; it has {', '.join(names)}")
    used: NDArray[np.float64] = np.array(
        [1.0 if not regions or name in regions else 0.0 for name in names]
    )
    values = np.array([estimate.value for estimate in amount.by_compartment.values()])
    return float(used @ values), float(used @ amount.covariance @ used)


def _share_calibration(follow_up: Amount, baseline: Amount) -> bool:
    return (
        follow_up.grade == baseline.grade and follow_up.common_relative == baseline.common_relative
    )


def _variance(estimate: Estimate) -> float:
    half_width = (estimate.upper - estimate.lower) / 2
    if not math.isfinite(half_width):
        raise DataError(
            f"an amount with the interval {estimate.lower:.4g} to {estimate.upper:.4g} "
            f"{estimate.unit} bounds no share; use a source model that bounds it"
        )
    return (half_width / normal_quantile(estimate.level)) ** 2


def _shared_notes(follow_up: Amount, baseline: Amount) -> list[str]:
    notes = []
    if follow_up.common_relative != baseline.common_relative:
        notes.append("the two amounts state different scale errors: neither cancels")
    if follow_up.source_model != baseline.source_model:
        notes.append(f"source models differ: {follow_up.source_model}; {baseline.source_model}")
    for amount, which in ((follow_up, "follow-up"), (baseline, "denominator")):
        if amount.misfit is not None and amount.misfit.is_flagged:
            notes.append(f"MISFIT flagged on the {which} scan")
    if follow_up.grade != "A" or baseline.grade != "A":
        notes.append(f"grades: follow-up {follow_up.grade}, denominator {baseline.grade}")
    return notes


def _range_notes(share: float, lower: float, upper: float) -> list[str]:
    notes = []
    if share > 1:
        notes.append("estimate above 1: not possible as a share; shown as measured, not clipped")
    if share < 0:
        notes.append("estimate below 0: not possible as a share; shown as measured, not clipped")
    if math.isinf(lower) or math.isinf(upper):
        notes.append("the denominator does not differ from zero: the data do not bound the share")
    return notes

"""Amounts that a site's software gave: a reconstructed volume with a mask (B), a number (C).

The raw signal (A) is measured in `amount`. What a vendor exports carries less, and its interval
says so, or it is refused with the reason.
"""

import math

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.ndimage import gaussian_filter

from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate
from sojourn.core.images import IronMap, Mask
from sojourn.quantification.amount import Amount
from sojourn.quantification.uncertainty import normal_quantile


class ImageQuality(BaseModel):
    """What must be known of a vendor's volume to bound an amount from it.

    `blur` is the full width at half maximum of its point spread, in m: None where unknown.
    `voxel_noise` is the standard deviation of a voxel in kg/m^3, from a blank scan or a region
    without tracer, `noise_length` the distance over which its noise is alike, in m.
    `scale_sd` is the relative standard uncertainty of its iron scale. `source` says where the
    numbers come from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    voxel_noise: float = Field(ge=0, allow_inf_nan=False)
    noise_length: float = Field(gt=0, allow_inf_nan=False)
    scale_sd: float = Field(ge=0, lt=1, allow_inf_nan=False)
    blur: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    source: str = Field(min_length=1)


FWHM_PER_SIGMA = 2.3548200450309493

UNKNOWN_RECOVERY = (0.3, 1.0)
"""Share of a region's iron that a mask around it keeps where the blur is not known.

A tight mask at 10 mm blur keeps 37 % (computed for this project's scanner model); none keeps
more than all.
"""


def measure_iron_in_image(
    image: IronMap,
    mask: Mask,
    *,
    region: str,
    quality: ImageQuality | None,
    level: float = 0.95,
) -> Amount:
    """Return the iron in a region of a reconstructed volume (grade B), spill-out allowed for.

    The sum over the mask is divided by the share of a region's iron that stays in the mask once
    blurred. With the blur known that share is computed for an even filling, and uncertain by the
    relative half of what spills; without, it lies anywhere between 0.3 and 1. Iron that spills in
    from elsewhere is not known and not in the interval.

    Parameters
    ----------
    image
        the vendor's volume, on the mask's grid.
    mask
        named regions.
    region
        the one to measure.
    quality
        noise, scale and blur of the volume; None is refused.
    level
        coverage of the interval.

    Returns
    -------
        in kg; `naive_sum` is the plain sum over the mask.

    Raises
    ------
    DataError
        if `quality` is None, grids differ, or the region is empty.

    References
    ----------
    GUM (JCGM 100:2008) 4.3.7 for uniform bounds.
    """
    if quality is None:
        raise DataError(
            "a reconstructed volume without its noise and the uncertainty of its iron scale gives "
            "no interval: state them (from a blank scan and the vendor's calibration), or give the "
            "raw signal"
        )
    if not image.grid.is_same_as(mask.grid, tolerance=1e-5):
        raise DataError(
            f"the volume has grid {image.grid.shape}, the mask {mask.grid.shape}, or they lie "
            "elsewhere; resample the mask to the volume's grid"
        )
    inside = mask.region(region)
    if not inside.any():
        raise DataError(f"region {region!r} of the mask has no voxel")
    voxel = image.grid.voxel_volume
    total = float(image.values[inside].sum()) * voxel
    n = int(inside.sum())
    alike = min(max(quality.noise_length**3 / voxel, 1.0), n)
    noise = quality.voxel_noise * voxel * math.sqrt(n * alike)
    recovery, note = _recovery(inside, image, quality.blur)
    return _imported(total, noise, quality, recovery, level=level, region=region, notes=(note,))


def _recovery(
    inside: NDArray[np.bool_], image: IronMap, blur: float | None
) -> tuple[tuple[float, float, float], str]:
    """Return the least, likely and greatest share of a region's iron that stays in the mask."""
    if blur is None:
        low, high = UNKNOWN_RECOVERY
        note = (
            f"the volume's blur is not known: between {low:g} and {high:g} of the region's iron is "
            "taken to lie in the mask, which makes the interval wide"
        )
        return (low, (low + high) / 2, high), note
    sigma = np.array([blur / FWHM_PER_SIGMA / spacing for spacing in image.grid.spacing])
    filled = inside.astype(np.float64)
    spread = gaussian_filter(filled, sigma, mode="constant", truncate=4.0)
    kept = float(spread[inside].sum() / filled.sum())
    doubt = (1 - kept) / 2
    note = (
        f"with {1e3 * blur:g} mm blur the mask keeps {100 * kept:.0f} % of an even filling; the "
        "sum is divided by that"
    )
    return (kept * (1 - doubt), kept, min(kept * (1 + doubt), 1.0)), note


def _imported(
    total: float,
    noise: float,
    quality: ImageQuality,
    recovery: tuple[float, float, float],
    *,
    level: float,
    region: str,
    notes: tuple[str, ...],
) -> Amount:
    low, share, high = recovery
    value = total / share
    reach = normal_quantile(level) * math.hypot(noise / share, quality.scale_sd * value)
    ends = (total / high, total / low)
    spread = (high - low) / math.sqrt(12) / share * abs(value)
    estimate = Estimate(
        value=value,
        unit="kg",
        lower=min(*ends, value) - reach,
        upper=max(*ends, value) + reach,
        level=level,
        method="sum over the mask over the share that a blur leaves in it",
        components={
            "noise": noise / share,
            "iron scale": quality.scale_sd * abs(value),
            "spill-out": spread,
        },
        notes=(*notes, f"noise and scale: {quality.source}"),
    )
    sd = (estimate.upper - estimate.lower) / 2 / normal_quantile(level)
    common = quality.scale_sd
    return Amount(
        estimate=estimate,
        grade="B",
        source_model=f"sum over region {region} of a reconstructed volume",
        statement="even filling of the region, no iron spilling in from outside it",
        misfit=None,
        naive_sum=total,
        by_compartment={region: estimate},
        covariance=np.array([[max(sd**2 - (common * value) ** 2, 0.0)]]),
        common_relative=common,
        detection_limit=3.3 * noise / share,
        settings={**quality.model_dump(mode="json"), "region": region},
        notes=estimate.notes,
    )


def accept_typed_amount(
    value: float,
    standard_uncertainty: float | None,
    *,
    region: str,
    source: str,
    level: float = 0.95,
) -> Amount:
    """Return a number typed in by a site as an amount of grade C.

    Parameters
    ----------
    value
        iron in kg.
    standard_uncertainty
        of `value`, in kg; None is refused.
    region
        what it is the amount of.
    source
        where the number comes from.
    level
        coverage of the interval.

    Raises
    ------
    DataError
        if there is no positive standard uncertainty, no source, or a value is not finite.
    """
    if standard_uncertainty is None:
        raise DataError(
            f"the amount {value:.4g} kg of {region} was typed in without a standard uncertainty: a "
            "number without one cannot enter the endpoint. State it, or give the raw signal"
        )
    if not (math.isfinite(value) and 0 < standard_uncertainty < math.inf):
        raise DataError(
            f"typed amount {value} kg needs a finite value and a positive standard uncertainty, "
            f"got {standard_uncertainty}"
        )
    if not source.strip():
        raise DataError("a typed amount needs its source: who read it from what")
    reach = normal_quantile(level) * standard_uncertainty
    estimate = Estimate(
        value=value,
        unit="kg",
        lower=value - reach,
        upper=value + reach,
        level=level,
        method="typed in with its standard uncertainty",
        components={"stated": standard_uncertainty},
        notes=(f"grade C, not checked against any signal: {source}",),
    )
    return Amount(
        estimate=estimate,
        grade="C",
        source_model="none: a number typed in",
        statement="as the site states it",
        misfit=None,
        naive_sum=None,
        by_compartment={region: estimate},
        covariance=np.array([[standard_uncertainty**2]]),
        common_relative=0.0,
        detection_limit=None,
        settings={"source": source, "region": region},
        notes=estimate.notes,
    )

"""Stages of an organ in acute graft-versus-host disease, and grades from the stages."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from math import isfinite

from sojourn.core.errors import DataError

UMOL_PER_L_IN_1_MG_PER_DL = 17.1
"""Bilirubin: 1 mg/dL is 17.1 umol/L."""

HIGHEST_STAGE = {"SKIN": 4, "LIVER": 4, "UPPER_GI": 1, "LOWER_GI": 4}
"""Highest stage of each organ; the lowest is 0."""


def skin_stage(bsa_percent: float, *, has_blisters: bool = False) -> int:
    """Return the stage of a rash.

    Parameters
    ----------
    bsa_percent
        share of the body surface with active rash, percent, 0 to 100.
    has_blisters
        bullae or desquamation of more than 5 % of the surface.

    Returns
    -------
        0 none, 1 below 25 %, 2 from 25 to 50 %, 3 above 50 %, 4 the same with blisters.

    Raises
    ------
    DataError
        if the share lies outside 0 to 100.

    References
    ----------
    Harris et al., Biol Blood Marrow Transplant 2016;22:4 (MAGIC).

    Examples
    --------
    >>> skin_stage(24.9), skin_stage(25), skin_stage(50), skin_stage(50.1)
    (1, 2, 2, 3)
    """
    _check("bsa_percent", bsa_percent, "%", 100.0)
    if bsa_percent > 50:
        return 4 if has_blisters else 3
    if bsa_percent >= 25:
        return 2
    return 1 if bsa_percent > 0 else 0


def bilirubin_mg_per_dl(umol_per_l: float) -> float:
    """Return a bilirubin in mg/dL, not rounded, from umol/L.

    Raises
    ------
    DataError
        if it is negative or no number.
    """
    _check("bilirubin", umol_per_l, " umol/L")
    return umol_per_l / UMOL_PER_L_IN_1_MG_PER_DL


def liver_stage(mg_per_dl: float) -> int:
    """Return the stage of the liver from total bilirubin, mg/dL, rounded to 0.1 first.

    A half is rounded up, as written (1.95 is 2.0).

    Returns
    -------
        0 below 2.0, 1 up to 3.0, 2 up to 6.0, 3 up to 15.0, 4 above.

    Raises
    ------
    DataError
        if it is negative or no number.

    References
    ----------
    Harris et al., Biol Blood Marrow Transplant 2016;22:4 (MAGIC).

    Examples
    --------
    >>> liver_stage(1.94), liver_stage(1.96), liver_stage(3.04), liver_stage(3.06)
    (0, 1, 1, 2)
    """
    _check("bilirubin", mg_per_dl, " mg/dL")
    # Twelve digits first: a quotient such as 53.1 / 17.1 must not lie beside its own decimal.
    exact = Decimal(f"{mg_per_dl:.12g}")
    tenths = exact.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
    if tenths < 2:
        return 0
    limits = (Decimal(3), Decimal(6), Decimal(15))
    return 1 + sum(tenths > limit for limit in limits)


def upper_gi_stage(*, is_persistent: bool) -> int:
    """Return 1 for persistent nausea, vomiting or anorexia, else 0.

    References
    ----------
    Harris et al., Biol Blood Marrow Transplant 2016;22:4 (MAGIC).
    """
    return int(is_persistent)


def mean_stool_volume(ml_per_day: Sequence[float], *, is_mixed: bool = False) -> float:
    """Return the mean volume over the days given (three are usual), mL a day.

    Parameters
    ----------
    ml_per_day
        volumes of successive days, mL, shape (n,), n at least 1.
    is_mixed
        stool and urine were collected together: half of it counts as stool.

    Raises
    ------
    DataError
        if there is no day, or a volume is negative or no number.

    References
    ----------
    Harris et al., Biol Blood Marrow Transplant 2016;22:4 (MAGIC), guidance on staging.
    """
    if not ml_per_day:
        raise DataError("no stool volume is given; expected at least one day, three are usual")
    for volume in ml_per_day:
        _check("stool volume", volume, " mL")
    return sum(ml_per_day) / len(ml_per_day) * (0.5 if is_mixed else 1.0)


def lower_gi_stage(ml_per_day: float, *, is_severe: bool = False) -> int:
    """Return the stage of the lower gut of an adult from the volume of stool.

    Parameters
    ----------
    ml_per_day
        mean volume, mL a day; `mean_stool_volume`.
    is_severe
        severe abdominal pain with or without ileus, or grossly bloody stool: stage 4.

    Returns
    -------
        0 below 500, 1 below 1000, 2 up to 1500, 3 above, 4 where `is_severe`.

    Raises
    ------
    DataError
        if the volume is negative or no number.

    References
    ----------
    Harris et al., Biol Blood Marrow Transplant 2016;22:4 (MAGIC).
    """
    _check("stool volume", ml_per_day, " mL")
    if is_severe:
        return 4
    return (ml_per_day >= 500) + (ml_per_day >= 1000) + (ml_per_day > 1500)


def lower_gi_stage_by_episodes(per_day: float, *, is_severe: bool = False) -> int:
    """Return the stage of the lower gut of an adult from the episodes of diarrhea a day.

    Parameters
    ----------
    per_day
        mean number of episodes a day.
    is_severe
        severe abdominal pain with or without ileus, or grossly bloody stool: stage 4.

    Returns
    -------
        0 below 3, 1 below 5, 2 up to 7, 3 above, 4 where `is_severe`.

    Raises
    ------
    DataError
        if the number is negative or no number.

    References
    ----------
    Harris et al., Biol Blood Marrow Transplant 2016;22:4 (MAGIC).
    """
    _check("episodes", per_day, " a day")
    return 4 if is_severe else (per_day >= 3) + (per_day >= 5) + (per_day > 7)


def magic_grade(skin: int, liver: int, upper_gi: int, lower_gi: int) -> int:
    """Return the MAGIC grade, 0 to 4, of the stages of four organs.

    Raises
    ------
    DataError
        if a stage does not exist.

    References
    ----------
    Harris et al., Biol Blood Marrow Transplant 2016;22:4 (MAGIC).

    Examples
    --------
    >>> magic_grade(0, 0, 0, 4), keystone_grade(0, 0, 0, 4)
    (4, 3)
    """
    _check_stages(skin, liver, upper_gi, lower_gi)
    if max(skin, liver, lower_gi) == 4:
        return 4
    return _up_to_three(skin, liver, max(upper_gi, lower_gi))


def keystone_grade(skin: int, liver: int, upper_gi: int, lower_gi: int) -> int:
    """Return the modified Glucksberg grade, 0 to 4, of the stages of four organs.

    The gut's stage is the higher of upper and lower; alone it gives grade 3 at most.

    Raises
    ------
    DataError
        if a stage does not exist.

    References
    ----------
    Przepiorka et al., 1994 consensus conference on acute GVHD grading (Keystone), Bone Marrow
    Transplant 1995;15:825.
    """
    _check_stages(skin, liver, upper_gi, lower_gi)
    if max(skin, liver) == 4:
        return 4
    return _up_to_three(skin, liver, max(upper_gi, lower_gi))


def _up_to_three(skin: int, liver: int, gut: int) -> int:
    if max(liver, gut) >= 2:
        return 3
    if skin == 3 or max(liver, gut) == 1:
        return 2
    return int(skin >= 1)


def _check_stages(*stages: int) -> None:
    for (organ, highest), stage in zip(HIGHEST_STAGE.items(), stages, strict=True):
        if stage not in range(highest + 1):
            raise DataError(f"{organ} has stage {stage}; expected a whole number, 0 to {highest}")


def _check(name: str, value: float, unit: str, high: float = float("inf")) -> None:
    if not (isfinite(value) and 0 <= value <= high):
        most = "" if high == float("inf") else f", at most {high:g}{unit}"
        raise DataError(f"{name} is {value}{unit}; expected a number, not negative{most}")

"""A proportion as a posterior distribution, with a historical control where one is named."""

import math

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from sojourn.core.analyses import Analysis, GroupEstimate
from sojourn.core.estimates import Estimate
from sojourn.statistics._groups import Group, split_groups
from sojourn.statistics.bayes.beta import BetaMixture, predictive_probability, robust_prior


class Control(BaseModel):
    """A historical control: `successes` of `n`, `vague_weight` and `discount` of the prior."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    successes: int = Field(ge=0)
    n: int = Field(ge=1)
    vague_weight: float = Field(default=0.2, ge=0, le=1)
    discount: float = Field(default=1.0, ge=0, le=1)


class Settings(BaseModel):
    """Which prior, and what is asked of the posterior.

    `success`: the values of AVALC that count. `prior`: a and b of a beta, vague by default;
    `control`: a historical control {successes, n, vague_weight, discount} in its place, as a robust
    mixture with `prior` before it and as the vague part. `p0`: the proportion to exceed.
    `planned`: subjects of a group at the end, for the predictive probability that P(p > p0) will
    then be above `threshold`. `level` of the intervals.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    success: tuple[str, ...] = Field(default=("Y",), min_length=1)
    prior: tuple[float, float] = (1.0, 1.0)
    control: Control | None = None
    p0: float = Field(default=0.5, gt=0, lt=1)
    planned: int | None = Field(default=None, ge=1, le=10_000)
    threshold: float = Field(default=0.975, gt=0, lt=1)
    level: float = Field(default=0.95, gt=0, lt=1)


def estimate_bayes_proportion(outcomes: pl.DataFrame, settings: Settings) -> list[GroupEstimate]:
    """Return each group's posterior of a proportion, and the probability that it exceeds `p0`.

    Parameters
    ----------
    outcomes
        `OUTCOME` and GROUP, one row for each subject; a null AVALC is not in the denominator.
    settings
        what counts, prior or historical control, `p0`, planned number, level.

    Returns
    -------
        for each group "posterior_mean" with the central interval (the shortest among the notes),
        "probability_above_p0", and "predictive_probability" where a number is planned. Nobody
        evaluable gives a reason: a prior alone is no result.

    Raises
    ------
    DataError
        if the rows are not one for each subject, a prior is not positive, or the control's counts
        cannot be.

    References
    ----------
    Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.4. Schmidli et al., Biometrics 70
    (2014) 1023.
    """
    prior = _prior(settings)
    return [
        each
        for group in split_groups(outcomes, "AVALC")
        for each in _of_group(group, prior, settings)
    ]


def _prior(settings: Settings) -> BetaMixture:
    control = settings.control
    if control is None:
        return BetaMixture(((1.0, *settings.prior),))
    return robust_prior(
        control.successes,
        control.n,
        vague_weight=control.vague_weight,
        discount=control.discount,
        initial=settings.prior,
        vague=settings.prior,
    )


def _of_group(group: Group, prior: BetaMixture, settings: Settings) -> list[GroupEstimate]:
    n, label = group.rows.height, f"proportion with {' or '.join(settings.success)}"
    if n == 0:
        operations = ["posterior_mean", "probability_above_p0"]
        operations += ["predictive_probability"] if settings.planned else []
        return [
            GroupEstimate(group.name, operation, label, None, 0, reason=group.nothing)
            for operation in operations
        ]
    successes = int(group.rows["AVALC"].is_in(settings.success).sum())
    posterior = prior.updated(successes, n)
    lower, upper = posterior.central_interval(settings.level)
    shortest = posterior.shortest_interval(settings.level)
    notes = (
        f"{successes} of {n}",
        f"shortest interval {shortest[0]:.4f} to {shortest[1]:.4f}",
        f"prior worth {prior.effective_size:.3g} subjects: {_words(prior)}",
        *([f"posterior {_words(posterior)}"] if settings.control else []),
        *group.missing_note,
    )
    mean = posterior.mean
    estimate = Estimate(
        value=mean,
        unit="1",
        # A heavy tail may put the mean outside a central interval of low level.
        lower=min(lower, mean),
        upper=max(upper, mean),
        level=settings.level,
        method="posterior mean, central credible interval",
        n=n,
        components={"posterior deviation": math.sqrt(posterior.variance)},
        notes=notes,
    )
    made = [GroupEstimate(group.name, "posterior_mean", label, estimate, n)]
    asked = f"posterior probability that the proportion exceeds {settings.p0:g}"
    value = posterior.above(settings.p0)
    made.append(_probability(group, "probability_above_p0", asked, value, settings))
    if settings.planned is not None:
        made.append(_predicted(group, prior, successes, settings))
    return made


def _predicted(
    group: Group, prior: BetaMixture, successes: int, settings: Settings
) -> GroupEstimate:
    n, planned = group.rows.height, settings.planned or 0
    label = (
        f"probability that with {planned} subjects P(p > {settings.p0:g}) will exceed "
        f"{settings.threshold:g}"
    )
    if planned < n:
        reason = f"{n} subjects are there already, {planned} were planned"
        return GroupEstimate(group.name, "predictive_probability", label, None, n, reason=reason)
    value = predictive_probability(
        prior, successes, n, planned=planned, p0=settings.p0, threshold=settings.threshold
    )
    return _probability(group, "predictive_probability", label, value, settings)


def _probability(
    group: Group, operation: str, label: str, value: float, settings: Settings
) -> GroupEstimate:
    """Return a probability, which has no interval of its own."""
    n = group.rows.height
    estimate = Estimate(
        value=value,
        unit="1",
        lower=value,
        upper=value,
        level=settings.level,
        method="probability under prior and data, no interval",
        n=n,
        notes=group.missing_note,
    )
    return GroupEstimate(group.name, operation, label, estimate, n)


def _words(mixture: BetaMixture) -> str:
    parts = [f"{weight:.3g} Beta({a:g}, {b:g})" for weight, a, b in mixture.components]
    return " + ".join(parts).removeprefix("1 ")


ANALYSIS = Analysis(
    label="Proportion, Bayesian (beta, robust mixture with a historical control)",
    settings=Settings,
    estimate=estimate_bayes_proportion,
)

"""Regression of times to events: Cox, and Fine and Gray."""

from sojourn.statistics.regression._terms import ChiSquaredTest, NotEstimableError, Terms
from sojourn.statistics.regression.baseline import CumulativeHazard, cumulative_hazards
from sojourn.statistics.regression.concordance import Concordance, estimate_concordance
from sojourn.statistics.regression.cox_model import CoxFit, fit_cox
from sojourn.statistics.regression.fine_gray_model import FineGrayFit, fit_fine_gray
from sojourn.statistics.regression.proportionality import Proportionality, test_proportionality
from sojourn.statistics.regression.residuals import robust_covariance, score_residuals
from sojourn.statistics.regression.splitting import SplitRows, split_at

__all__ = [
    "ChiSquaredTest",
    "Concordance",
    "CoxFit",
    "CumulativeHazard",
    "FineGrayFit",
    "NotEstimableError",
    "Proportionality",
    "SplitRows",
    "Terms",
    "cumulative_hazards",
    "estimate_concordance",
    "fit_cox",
    "fit_fine_gray",
    "robust_covariance",
    "score_residuals",
    "split_at",
    "test_proportionality",
]

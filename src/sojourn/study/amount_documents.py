"""Amounts and estimates as JSON documents and back: what the store keeps of them."""

from dataclasses import asdict
from typing import Any

import numpy as np

from sojourn.core.estimates import Estimate
from sojourn.quantification.amount import Amount, Misfit


def estimate_document(estimate: Estimate) -> dict[str, Any]:
    """Return `estimate` as plain values; infinite bounds become None."""
    return {
        "value": estimate.value,
        "unit": estimate.unit,
        "lower": estimate.lower if np.isfinite(estimate.lower) else None,
        "upper": estimate.upper if np.isfinite(estimate.upper) else None,
        "level": estimate.level,
        "method": estimate.method,
        "n": estimate.n,
        "components": dict(estimate.components),
        "notes": list(estimate.notes),
    }


def read_estimate(document: dict[str, Any]) -> Estimate:
    """Return the estimate that `estimate_document` wrote."""
    lower, upper = document["lower"], document["upper"]
    return Estimate(
        value=document["value"],
        unit=document["unit"],
        lower=-np.inf if lower is None else lower,
        upper=np.inf if upper is None else upper,
        level=document["level"],
        method=document["method"],
        n=document["n"],
        components=document["components"],
        notes=tuple(document["notes"]),
    )


def amount_document(amount: Amount) -> dict[str, Any]:
    """Return `amount` as plain values."""
    return {
        "estimate": estimate_document(amount.estimate),
        "grade": amount.grade,
        "source_model": amount.source_model,
        "statement": amount.statement,
        "misfit": None if amount.misfit is None else asdict(amount.misfit),
        "naive_sum": amount.naive_sum,
        "by_compartment": {
            name: estimate_document(part) for name, part in amount.by_compartment.items()
        },
        "regions": list(amount.by_compartment),
        "covariance": np.asarray(amount.covariance).tolist(),
        "common_relative": amount.common_relative,
        "detection_limit": amount.detection_limit,
        "settings": dict(amount.settings),
        "notes": list(amount.notes),
        "place": None if amount.place is None else list(amount.place),
        "is_simulated": amount.is_simulated,
    }


def read_amount(document: dict[str, Any]) -> Amount:
    """Return the amount that `amount_document` wrote."""
    n = len(document["regions"])
    place = document["place"]
    return Amount(
        estimate=read_estimate(document["estimate"]),
        grade=document["grade"],
        source_model=document["source_model"],
        statement=document["statement"],
        misfit=None if document["misfit"] is None else Misfit(**document["misfit"]),
        naive_sum=document["naive_sum"],
        by_compartment={
            name: read_estimate(document["by_compartment"][name]) for name in document["regions"]
        },
        covariance=np.asarray(document["covariance"], dtype=np.float64).reshape(n, n),
        common_relative=document["common_relative"],
        detection_limit=document["detection_limit"],
        settings=document["settings"],
        notes=tuple(document["notes"]),
        place=None if place is None else (place[0], place[1], place[2]),
        is_simulated=document["is_simulated"],
    )

"""What an analysis is: outcomes and groups in, estimates out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from pydantic import BaseModel, ValidationError

from sojourn.core.errors import DataError
from sojourn.core.estimates import Estimate

GROUP = "GROUP"
"""Column that analyses read beside the outcome's own: the subject's group, never null."""


@dataclass(frozen=True, slots=True)
class GroupEstimate:
    """One number of an analysis: which group, which operation, and the estimate.

    `estimate` is None where the data do not allow one, and `reason` then says why.
    """

    group: str
    operation: str
    label: str
    estimate: Estimate | None
    n: int
    p_value: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Analysis:
    """One method of inference: its settings and its function.

    `estimate` takes outcome rows (columns of `OUTCOME` and `GROUP`) and the settings, and returns
    the estimates; it is defined for no subject, one subject, all events and none. An analysis that
    `imputes` assumes something of subjects without a value: they count, and change its numbers.
    """

    label: str
    settings: type[BaseModel]
    estimate: Callable[[pl.DataFrame, Any], list[GroupEstimate]]
    imputes: bool = False

    def __call__(
        self, outcomes: pl.DataFrame, *, settings: Mapping[str, Any] | None = None
    ) -> list[GroupEstimate]:
        """Analyse `outcomes` under `settings` if given, else the registered defaults.

        Raises
        ------
        DataError
            if a key is unknown or a value does not fit, naming it and the accepted keys.
        """
        try:
            valid = self.settings.model_validate(dict(settings or {}))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise DataError(
                f"settings of {self.label}: {where}: {first['msg']}; "
                f"accepted keys: {', '.join(self.settings.model_fields)}"
            ) from error
        return self.estimate(outcomes, valid)

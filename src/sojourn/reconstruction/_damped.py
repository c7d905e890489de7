"""A method whose lambda is a number, or the name of a rule that finds it for each scan."""

from collections.abc import Callable, Mapping
from typing import Any

from sojourn.reconstruction._prepared import PreparedMethod, Solver
from sojourn.reconstruction._regularization import (
    Regularization,
    RegularizationRule,
    automatic_solvers,
)
from sojourn.reconstruction._rows import PreparedRows


def damped_method(
    stage: str,
    rows: PreparedRows,
    regularization: Regularization,
    build: Callable[[float], Solver],
    extra: Mapping[str, Any] | None = None,
) -> PreparedMethod:
    """Return the method with lambda as `regularization` says.

    Parameters
    ----------
    stage
        name of the method in the provenance.
    rows
        prepared rows of the calibration.
    regularization
        relative to the mean squared norm of a column, or a rule.
    build
        from an absolute lambda to the solver; called now for a number, for each scan by a rule.
    extra
        what the method derived, for the provenance.

    Raises
    ------
    DataError
        as `build` does, or a rule where every row is zero.
    """
    derived = dict(extra or {})
    if isinstance(regularization, RegularizationRule):
        solver, scan_solver = automatic_solvers(regularization, rows, build)
        return PreparedMethod(stage, rows, solver, derived, scan_solver)
    damping = rows.lambda_absolute(regularization)
    return PreparedMethod(stage, rows, build(damping), {"lambda_absolute": damping, **derived})

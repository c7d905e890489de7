"""What a study's analyses can show, before the first patient: what `sojourn design` does."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.files import write_text
from sojourn.deliverables.design_page import render_design_page
from sojourn.statistics.exact.simon import simon_designs
from sojourn.statistics.exact.single_stage import single_stage_power
from sojourn.statistics.operating.characteristics import COLUMNS, Characteristic, as_row
from sojourn.statistics.operating.means import mean_design, two_arm_design
from sojourn.statistics.operating.single_arm import proportion_design
from sojourn.statistics.operating.stages import (
    one_stage_rejection,
    two_stage_characteristics,
)
from sojourn.statistics.operating.survival_arm import survival_design
from sojourn.study._definition_planning import PlannedAnalysis
from sojourn.study.definition import Study, StudyAnalysis

Progress = Callable[[str], None]

_KINDS = {
    "proportion": "proportion",
    "binomial_test": "proportion",
    "mean": "mean",
    "sign_flip": "mean",
    "mean_difference": "difference",
    "permutation_test": "difference",
    "hodges_lehmann": "difference",
    "kaplan_meier": "survival",
}

_REJECTS = "the test rejects the reference"


@dataclass(frozen=True, slots=True)
class Run:
    """How the simulated part is run; the numbers depend on `replicates` and `seed` only."""

    replicates: int
    seed: int
    jobs: int
    progress: Progress | None


@dataclass(frozen=True, slots=True)
class DesignTable:
    """The characteristics of every planned analysis, and the analyses without any, with why."""

    characteristics: tuple[Characteristic, ...]
    without: tuple[tuple[str, str], ...]


def design_study(
    study: Study,
    *,
    replicates: int = 20_000,
    seed: int = 0,
    jobs: int = 1,
    progress: Progress | None = None,
) -> DesignTable:
    """Return what the analyses that the study file plans for can show.

    Parameters
    ----------
    study
        its ``planning`` names the truths; nothing is assumed that does not stand there.
    replicates
        simulated trials for each truth, where no exact sum exists.
    seed
        same seed, same numbers, for any number of `jobs`.
    jobs
        processes.
    progress
        told what is being done.

    Returns
    -------
        numbers in the order of the file, and every primary or secondary analysis without them.

    Raises
    ------
    DataError
        if the file plans nothing, or lacks what a method needs.
    """
    if not study.planning:
        raise DataError(
            f"{study.id}: the study file has no [[planning]]; name an analysis, the truths to look "
            "at and their reason (docs/design.md)"
        )
    run = Run(replicates, seed, jobs, progress)
    made: list[Characteristic] = []
    planned = {entry.analysis for entry in study.planning}
    for entry in study.planning:
        analysis = next(a for a in study.analyses if a.id == entry.analysis)
        made += _characteristics(study, analysis, entry, run)
    without = tuple(
        (a.id, "no truth is planned for it" if a.use in _KINDS else f"none are known for {a.use}")
        for a in study.analyses
        if a.role in {"primary", "secondary"} and a.id not in planned
    )
    return DesignTable(tuple(made), without)


def _characteristics(
    study: Study, analysis: StudyAnalysis, plan: PlannedAnalysis, run: Run
) -> Iterator[Characteristic]:
    kind = _KINDS.get(analysis.use)
    if kind is None:
        raise DataError(
            f"planning of {analysis.id}: no characteristics are known for {analysis.use}; known "
            f"are those of {', '.join(_KINDS)}"
        )
    sizes = plan.n or _sizes(study, analysis)
    if run.progress is not None:
        run.progress(f"design: {analysis.id}")
    if kind == "proportion":
        yield from _proportions(analysis, plan, sizes)
        yield from _tests(analysis, plan, sizes)
    elif kind == "mean":
        yield from _means(analysis, plan, sizes, run)
    elif kind == "difference":
        yield from _differences(analysis, plan, sizes, run)
    else:
        yield from _survival(analysis, plan, sizes, run)


def _sizes(study: Study, analysis: StudyAnalysis) -> tuple[int, ...]:
    enrollment = study.design.enrollment if study.design else None
    if not enrollment:
        raise DataError(
            f"planning of {analysis.id}: neither n nor the design's enrollment is stated"
        )
    is_whole = analysis.by == "all" and _KINDS.get(analysis.use) != "difference"
    return (enrollment if is_whole else enrollment // max(1, len(study.arms)),)


def _needed(plan: PlannedAnalysis, name: str, what: str) -> tuple[float, ...]:
    values: tuple[float, ...] = getattr(plan, name)
    if not values:
        raise DataError(f"planning of {plan.analysis}: {name} is empty; expected {what}")
    return values


def _proportions(
    analysis: StudyAnalysis, plan: PlannedAnalysis, sizes: tuple[int, ...]
) -> Iterator[Characteristic]:
    truths = _needed(plan, "truths", "true proportions")
    level = _level(analysis)
    for n in sizes:
        made = proportion_design(n, truths, reference=plan.reference, level=level)
        numbers = {"half width": made.half_width, "coverage": made.coverage}
        if made.above_reference is not None:
            numbers[f"lower bound above {plan.reference:g}"] = made.above_reference
        for quantity, values in numbers.items():
            for truth, value in zip(truths, values.tolist(), strict=True):
                yield Characteristic(
                    analysis.id,
                    "exact interval (Clopper-Pearson)",
                    str(n),
                    truth,
                    "true proportion",
                    f"level {level:g}",
                    quantity,
                    value,
                    "1",
                )


def _tests(
    analysis: StudyAnalysis, plan: PlannedAnalysis, sizes: tuple[int, ...]
) -> Iterator[Characteristic]:
    """Yield what one-stage and Simon's two-stage tests of the reference do at each truth."""
    if plan.reference is None or plan.target is None:
        return
    p0, p1, alpha = plan.reference, plan.target, plan.one_sided_alpha
    given = f"against {p0:g}, one-sided {alpha:g}"
    made: list[tuple[str, str, str, NDArray[np.float64]]] = []
    for n in sizes:
        one = single_stage_power(n, p0, p1, alpha=alpha)
        words = f"one stage, reject from {one.reject_from}"
        made.append((str(n), words, _REJECTS, one_stage_rejection(one, plan.truths)))
    searched = simon_designs(p0, p1, alpha=alpha, beta=1 - plan.power, largest=max(100, *sizes))
    for name, two in (("optimal", searched.optimal), ("minimax", searched.minimax)):
        rejects, expected = two_stage_characteristics(two, plan.truths)
        words = f"Simon {name}, stop at {two.r1} of {two.n1}, reject above {two.r}"
        made.append((str(two.n), words, _REJECTS, rejects))
        made.append((str(two.n), words, "expected number of subjects", expected))
    for n_words, words, quantity, values in made:
        for truth, value in zip(plan.truths, values.tolist(), strict=True):
            unit = "1" if quantity == _REJECTS else "subjects"
            yield Characteristic(
                analysis.id,
                "exact tests of a proportion",
                n_words,
                truth,
                "true proportion",
                f"{words}; {given}",
                quantity,
                value,
                unit,
            )


def _means(
    analysis: StudyAnalysis, plan: PlannedAnalysis, sizes: tuple[int, ...], run: Run
) -> Iterator[Characteristic]:
    deviations = _needed(plan, "standard_deviations", "standard deviations of a subject's value")
    level, unit = _level(analysis), _unit(analysis)
    for n in sizes:
        for shape in plan.shapes:
            made = mean_design(
                n,
                replicates=run.replicates,
                seed=run.seed,
                shape=shape,
                level=level,
                jobs=run.jobs,
            )
            for sd in deviations:
                for quantity, i, scale, of in (
                    ("half width", 1, sd, unit),
                    ("coverage", 0, 1.0, "1"),
                ):
                    yield Characteristic(
                        analysis.id,
                        "t interval of a mean",
                        str(n),
                        sd,
                        f"standard deviation, {unit}",
                        f"{shape} values, level {level:g}",
                        quantity,
                        float(made.mean[i]) * scale,
                        of,
                        float(made.error[i]) * scale,
                        made.replicates,
                    )


def _differences(
    analysis: StudyAnalysis, plan: PlannedAnalysis, sizes: tuple[int, ...], run: Run
) -> Iterator[Characteristic]:
    truths = _needed(plan, "truths", "true differences of means")
    deviations = _needed(plan, "standard_deviations", "standard deviations of a subject's value")
    level, unit = _level(analysis), _unit(analysis)
    for n in sizes:
        for shape in plan.shapes:
            for sd in deviations:
                for truth in truths:
                    made = two_arm_design(
                        (n, n),
                        truth / sd,
                        replicates=run.replicates,
                        seed=run.seed,
                        shape=shape,
                        alpha=1 - level,
                        jobs=run.jobs,
                    )
                    for key, quantity, scale, of in (
                        ("permutation", "exact permutation test rejects", 1.0, "1"),
                        ("welch", "Welch's interval excludes 0", 1.0, "1"),
                        ("half_width", "half width of Welch's interval", sd, unit),
                        ("coverage", "coverage of Welch's interval", 1.0, "1"),
                    ):
                        value, error = made[key]
                        yield Characteristic(
                            analysis.id,
                            "two small arms",
                            f"{n} + {n}",
                            truth,
                            f"true difference, {unit}",
                            f"standard deviation {sd:g}, {shape} values, level {level:g}",
                            quantity,
                            value * scale,
                            of,
                            error * scale,
                            run.replicates,
                        )


def _survival(
    analysis: StudyAnalysis, plan: PlannedAnalysis, sizes: tuple[int, ...], run: Run
) -> Iterator[Characteristic]:
    truths = _needed(plan, "truths", "true survival at the analysis' times")
    level = _level(analysis)
    for at in analysis.settings.get("at", [365.0]):
        for n in sizes:
            for lost in plan.lost:
                for truth in truths:
                    made = survival_design(
                        n,
                        truth,
                        lost=lost,
                        replicates=run.replicates,
                        seed=run.seed,
                        at=float(at),
                        level=level,
                        jobs=run.jobs,
                    )
                    usable = float(made.mean[0])
                    for quantity, i in (("half width", 2), ("coverage", 1)):
                        yield Characteristic(
                            analysis.id,
                            f"Kaplan-Meier at day {at:g}, log-log interval",
                            str(n),
                            truth,
                            f"true survival at day {at:g}",
                            f"{lost:.0%} lost by then, level {level:g}",
                            quantity,
                            float(made.mean[i]) / usable,
                            "1",
                            float(made.error[i]) / usable,
                            made.replicates,
                        )


def _level(analysis: StudyAnalysis) -> float:
    return float(analysis.settings.get("level", 0.95))


def _unit(analysis: StudyAnalysis) -> str:
    return str(analysis.settings.get("unit", "1"))


def design_text(made: DesignTable) -> str:
    """Return the characteristics as lines of text, analysis by analysis."""
    lines: list[str] = []
    heading = ("", "", "", "")
    for m in made.characteristics:
        if (m.analysis, m.n, m.given, m.quantity) != heading:
            heading = (m.analysis, m.n, m.given, m.quantity)
            unit = "" if m.unit == "1" else f", {m.unit}"
            lines.append(f"{m.analysis}: {m.quantity}{unit} (n = {m.n}; {m.given}; {m.method})")
        error = f"  MC error {m.error:.1g}" if m.error > 0 else ""
        lines.append(f"    {m.truth_unit} {m.truth:<8g} {m.value:.4g}{error}")
    lines += [f"{name}: no number here: {reason}" for name, reason in made.without]
    lines.append("Every truth is an assumption of the study file; trials were SIMULATED from it.")
    return "\n".join(lines) + "\n"


def write_design(study: Study, made: DesignTable, out: Path) -> Path:
    """Write ``design.html`` and ``design.csv`` into the folder `out`; return the page's path.

    Raises
    ------
    PluginError
        if jinja2 is not installed.
    """
    labels = {analysis.id: analysis.label for analysis in study.analyses}
    page = render_design_page(
        study.id, study.title, made.characteristics, made.without, labels=labels
    )
    out.mkdir(parents=True, exist_ok=True)
    rows = [as_row(m) for m in made.characteristics]
    table = pl.DataFrame(rows, schema=list(COLUMNS), orient="row")
    write_text(out / "design.csv", table.write_csv())
    write_text(out / "design.html", page)
    return out / "design.html"

"""What the made-up studies of the report's tests share; all of it is synthetic."""

from typing import Any

from sojourn.core.provenance import digest
from sojourn.core.results import Listing, Result, Step

VERSIONS = {"numpy": "2.4.6", "scipy": "1.17.1", "polars": "2.1.0", "sojourn": "0.1.0"}


def key(name: str) -> str:
    return digest(name.encode())


def result(analysis: str, group: str, operation: str, value: float | None, **fields: Any) -> Result:
    given = {"unit": "share", "level": 0.95, "n": 5, "provenance": key("estimate"), **fields}
    return Result(
        id=f"{analysis}/{group}/{operation}",
        analysisId=analysis,
        groupId=group,
        operationId=operation,
        analysisSetId=given.pop("analysisSetId", "ALL"),
        methodId=given.pop("methodId", "mean with t interval"),
        rawValue=value,
        **given,
    )


def listing(
    name: str, title: str, columns: str, rows: list[tuple[Any, ...]], keys: str = "", **fields: Any
) -> Listing:
    return Listing(
        id=name,
        title=title,
        columns=tuple(columns.split()),
        rows=tuple(rows),
        keys=tuple(keys.split()),
        provenance=fields.pop("provenance", key("derive")),
        **fields,
    )


def steps(stage: str, rules: dict[str, dict[str, Any]]) -> tuple[Step, ...]:
    files = [("tables/subjects.csv", ()), ("study.toml", ()), ("scans/S01/DAY7.mdf", ())]
    made = [Step(key=key(name), kind="file", label=name) for name, _ in files]
    inputs = tuple(step.key for step in made)
    code = key("code")
    made.append(
        Step(key=key("derive"), kind="stage", label=stage, inputs=inputs, parameters={}, code=code)
    )
    for name, rule in rules.items():
        made.append(
            Step(
                key=key(name),
                kind="stage",
                label=f"derive {name}",
                inputs=inputs[:1],
                parameters={"rule": rule, "tables": ["counts"]},
                code=code,
            )
        )
    made.append(
        Step(
            key=key("estimate"),
            kind="stage",
            label="estimate mean",
            inputs=(key("derive"), *(key(name) for name in rules)),
            parameters={"by": "arm", "settings": {"level": 0.95}},
            code=code,
        )
    )
    return tuple(made)


def shared_listings(dose_rows: list[tuple[Any, ...]]) -> list[Listing]:
    """Return listings that both studies have."""
    assumptions = [
        (
            "imaging",
            "the post-injection scan is the denominator",
            "assumption",
            "A share of what was drawn up would count what stays in the syringe.",
        ),
        (
            "endpoints[1].rule",
            "WOMAC is the Likert version, items 0 to 4",
            "assumption",
            "The record gives 0 to 96 for the total, which only that version has.",
        ),
        (
            "arms[0].dose_window_days",
            "a dose may fall two days off its day",
            "assumption",
            "The record gives no window; two days is common practice at weekly doses.",
        ),
    ]
    lint = [
        (
            "MASKING_CONTRADICTED",
            "error",
            "protocolSection.designModule.designInfo.maskingInfo",
            "Masking is NONE, yet an arm's text has blinded evaluators.",
            "Outcome assessors are masked.",
        ),
        (
            "PROMISE_NOT_OUTCOME",
            "warning",
            "protocolSection.armsInterventionsModule.armGroups[0].description",
            "An assessment is promised in text and registered nowhere as an outcome.",
            "Bound as exploratory.",
        ),
    ]
    return [
        listing(
            "doses",
            "Doses given",
            "USUBJID GROUP DAY LOT CELLS WEIGHT CELLS_PER_KG IRON RESIDUAL",
            dose_rows,
            "USUBJID DAY",
        ),
        listing(
            "assumptions",
            "Assumptions of the study file",
            "WHERE STATEMENT FROM GROUNDS",
            assumptions,
            "WHERE",
        ),
        listing(
            "open",
            "Open items",
            "PATH WHAT DECISION",
            [
                (
                    "protocolSection.outcomesModule",
                    "structural MRI is promised, no outcome is defined",
                    "Define the reading and its scale, or drop it.",
                )
            ],
            "PATH",
        ),
        listing("lint", "Findings", "CODE SEVERITY PATH MESSAGE DECISION", lint, "CODE"),
        listing(
            "criteria",
            "Eligibility criteria",
            "ID KIND TEXT STATUS N_MET N_FAILED N_UNKNOWN",
            [
                ("age", "inclusion", "Age 18 to 75 years", "rule", 10, 0, 0),
                ("consent", "inclusion", "Written consent", "judgement", 9, 0, 1),
            ],
            "ID",
        ),
        listing(
            "methods",
            "Methods",
            "TITLE TEXT",
            [
                (
                    "Amounts",
                    "Each scan was fitted as a sum of stated sources.\n\n"
                    "The interval holds noise, calibration repeatability and misfit.",
                ),
                ("Inference", "Means have t intervals. Intervals are read before p-values."),
            ],
            "TITLE",
        ),
    ]

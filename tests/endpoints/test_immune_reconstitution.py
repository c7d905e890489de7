import pytest

from blood_counts import doses, events, follow_up, on, table
from sojourn.core.errors import DataError
from sojourn.core.tables import LYMPHOCYTES
from sojourn.endpoints.immune_reconstitution import ENDPOINT, SUBSETS


def cells(*measured, subset="CD4", subject="01"):
    """Return counts of one subset from (day, value in 1e9/L)."""
    at = SUBSETS.index(subset)
    return table(
        LYMPHOCYTES,
        [
            (subject, on(d), *(None if i != at or v is None else v * 1e9 for i in range(5)))
            for d, v in measured
        ],
    )


def follow(*measured, subset="CD4", rule=None, **tables):
    inputs = {"lymphocytes": cells(*measured, subset=subset), "doses": doses(), **tables}
    outcome = ENDPOINT(inputs, rule=rule)
    return {(row["PARAMCD"], row["AVISIT"]): row for row in outcome.iter_rows(named=True)}


@pytest.mark.parametrize(
    ("measured", "value", "day"),
    [
        pytest.param([(30, 0.3)], 0.3, 30, id="on-the-day"),
        pytest.param([(23, 0.3)], 0.3, 23, id="first-day-of-the-window"),
        pytest.param([(37, 0.3)], 0.3, 37, id="last-day-of-the-window"),
        pytest.param([(22, 0.3)], None, None, id="before-the-window"),
        pytest.param([(38, 0.3)], None, None, id="after-the-window"),
        pytest.param([(25, 0.1), (33, 0.3)], 0.3, 33, id="the-nearest"),
        pytest.param([(27, 0.1), (33, 0.3)], 0.1, 27, id="of-two-as-near-the-earlier"),
        pytest.param([(30, 0.3), (30, 0.2)], 0.2, 30, id="the-lowest-of-a-date"),
        pytest.param([(30, None), (33, 0.3)], 0.3, 33, id="null-is-not-measured"),
    ],
)
@pytest.mark.parametrize("subset", ["CD4", "CD19"])
def test_the_value_nearest_to_a_planned_day_within_its_window(measured, value, day, subset):
    row = follow(*measured, subset=subset)[subset, "DAY30"]
    assert row["AVAL"] == (None if value is None else value * 1e9)
    assert row["DAY"] == day


def test_every_subset_has_a_row_for_every_planned_day():
    rows = follow((30, 0.3))
    visits = [f"DAY{day}" for day in (30, 60, 100, 180, 365)]
    assert list(rows) == [*((s, v) for s in SUBSETS for v in visits), ("CD4REC", None)]
    assert rows["CD8", "DAY30"]["REASON"] == "CD8 not measured on days 23 to 37"


@pytest.mark.parametrize(
    ("measured", "base"),
    [
        pytest.param([(-14, 0.1), (30, 0.3)], 0.1, id="14-days-before"),
        pytest.param([(-15, 0.1), (30, 0.3)], None, id="15-days-before"),
        pytest.param([(-9, 0.1), (0, 0.2), (30, 0.3)], 0.2, id="the-last-on-day-0"),
        pytest.param([(1, 0.1), (30, 0.3)], None, id="after-day-0"),
    ],
)
def test_baseline(measured, base):
    row = follow(*measured)["CD4", "DAY30"]
    assert row["BASE"] == (None if base is None else base * 1e9)


@pytest.mark.parametrize(
    ("measured", "happened", "time"),
    [
        pytest.param([(30, 0.19), (60, 0.2)], None, (60, 0), id="reaching-counts"),
        pytest.param([(30, 0.199)], None, (30, 1), id="censored-at-the-last-value"),
        pytest.param([(-2, 0.3), (30, 0.1)], None, (30, 1), id="before-day-0-is-no-event"),
        pytest.param([(30, 0.1)], events((50, "DEATH")), (50, 2), id="death-competes"),
        pytest.param([(30, 0.1), (51, 0.3)], events((50, "DEATH")), (50, 2), id="after-death"),
        pytest.param([], None, (None, None), id="never-measured"),
    ],
)
def test_first_day_of_enough_cd4(measured, happened, time):
    row = follow(*measured, events=happened)["CD4REC", None]
    assert (row["DAY"], row["CNSR"]) == time


def test_two_values_in_a_row_may_be_asked_for():
    measured = [(30, 0.3), (60, 0.1), (90, 0.3), (120, 0.3)]
    assert follow(*measured)["CD4REC", None]["DAY"] == 30
    assert follow(*measured, rule={"measurements": 2})["CD4REC", None]["DAY"] == 90
    assert follow(*measured, rule={"cd4_per_l": 0.4e9})["CD4REC", None]["CNSR"] == 1


def test_reason_and_evidence():
    rows = follow((-2, 0.1), (30, 0.25))
    row = rows["CD4", "DAY30"]
    assert (row["REASON"], row["EVIDENCE"]) == ("CD4 0.25e9/L on day 30", "lymphocytes:2,3")
    row = rows["CD4REC", None]
    assert row["EVIDENCE"] == "lymphocytes:3"
    gone = follow((5, 0.1), events=events((20, "DEATH")), follow_up=follow_up(20))
    assert gone["CD4", "DAY30"]["REASON"].endswith("not measured on days 23 to 37; died on day 20")


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        ({"days": [30, 60], "window_days": [7]}, "one number for each"),
        ({"days": [30, 40], "window_days": [5, 5]}, "days 30 and 40 overlap"),
        ({"days": [5], "window_days": [5]}, "after day 0"),
        ({"days": [30], "window_days": [-1]}, "negative"),
        ({"cd4_per_l": 0}, "cd4_per_l"),
    ],
)
def test_windows_that_do_not_fit_are_refused(rule, part):
    with pytest.raises(DataError, match=part):
        ENDPOINT.check_rule(rule)
    assert ENDPOINT.check_rule({"days": [30, 41], "window_days": [5, 5]})

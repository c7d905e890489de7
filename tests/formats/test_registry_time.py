"""Time frames: what the grammar covers, and what it must leave unparsed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sojourn.formats.registry_record import TimeFrame, Unparsed, parse_time_frame

MONTH = 365 / 12


@pytest.mark.parametrize(
    ("text", "kind", "days", "from_baseline", "anchor"),
    [
        ("Day 7", "point", (7,), False, None),
        ("Day +100", "point", (100,), False, None),
        ("12th Week", "point", (84,), False, None),
        ("Post-treatment at Week 8", "point", (56,), False, None),
        ("At 8 weeks.", "point", (56,), False, None),
        ("One year", "duration", (365,), False, None),
        ("12 months", "duration", (365,), False, None),
        ("36 hours", "duration", (1.5,), False, None),
        ("1 year after transplantation", "point", (365,), False, "transplantation"),
        ("3 months post-op", "point", (3 * MONTH,), False, "op"),
        ("Day 1, 3, 7, and 30 post-injection", "points", (1, 3, 7, 30), False, "injection"),
        ("Day 29, Day 57, and Day 85", "points", (29, 57, 85), False, None),
        ("3, 6 and 12 months", "points", (3 * MONTH, 6 * MONTH, 365), False, None),
        ("Baseline, week 8", "point", (56,), True, None),
        ("Baseline, Day 29, 57, 85, and 115", "points", (29, 57, 85, 115), True, None),
        ("Baseline to Week 6 post-injection", "range", (0, 42), True, "injection"),
        ("Baseline (pre-injection) to Day 7 post-injection", "range", (0, 7), True, "injection"),
        ("Change from Baseline to Post-treatment at Week 8", "range", (0, 56), True, None),
        ("20~40 days after transplantation", "range", (20, 40), False, "transplantation"),
        ("20 to 40 days", "range", (20, 40), False, None),
        ("Week 4 to week 8", "range", (28, 56), False, None),
        ("Up to 28 days after CAR-T cell infusion", "up_to", (0, 28), False, "car-t cell infusion"),
        ("Every two weeks up to 12 weeks", "up_to", (0, 84), False, None),
        ("Baseline to 4 weeks; Baseline to 8 weeks", "points", (28, 56), True, None),
    ],
)
def test_windows_are_days_counted_by_hand(text, kind, days, from_baseline, anchor):
    frame = parse_time_frame(text)
    assert isinstance(frame, TimeFrame)
    assert (frame.kind, frame.from_baseline, frame.anchor) == (kind, from_baseline, anchor)
    assert frame.days == pytest.approx(days)
    assert frame.text == text


@pytest.mark.parametrize(
    ("text", "days", "tolerance"),
    [
        ("15 ± 3 days after surgery", 15, 3),
        ("6 weeks ± 2 weeks", 42, 14),
        ("Week 6 ± 3 days", 42, 3),
    ],
)
def test_a_tolerance_is_kept_beside_the_day(text, days, tolerance):
    frame = parse_time_frame(text)
    assert (frame.end_day, frame.tolerance_days) == (days, tolerance)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        None,
        "at H0+2H",
        "until progression",
        "through study completion, an average of 1 year",
        "within the initial 30 to 60 days or further",
        "first: 18 months after inclusion, afterwards annually up to 10 years",
        "up to approximately 7 months",
        "3, 6",
        "Week",
        "20-40 days ± 3 days",
        "Baseline",
        "Performed at baseline, every 4 weeks until Week 12",
        "Week 104 / Early Termination",
        "Change from Baseline at 4 weeks; Change from Baseline to 8 weeks",
    ],
)
def test_what_is_no_window_stays_unparsed_with_a_reason(text):
    frame = parse_time_frame(text)
    assert isinstance(frame, Unparsed)
    assert frame.reason


def test_windows_open_at_zero_only_from_baseline_or_for_a_duration():
    assert parse_time_frame("20-40 days").start_day == 20
    assert parse_time_frame("Baseline to Day 7").start_day == 0
    assert parse_time_frame("12 weeks").start_day == 0
    assert parse_time_frame("Day 1, 3").start_day == 1


@given(st.text(max_size=60))
def test_any_text_is_answered_without_an_error(text):
    assert isinstance(parse_time_frame(text), TimeFrame | Unparsed)


@given(st.integers(0, 999), st.sampled_from(["day", "week", "month", "year"]))
def test_label_and_amount_name_the_same_day(number, unit):
    label, amount = parse_time_frame(f"{unit} {number}"), parse_time_frame(f"{number} {unit}s")
    assert label.end_day == amount.end_day


def test_most_time_frames_of_real_records_are_parsed(shared):
    frames = [
        parse_time_frame(outcome.get("timeFrame"))
        for path in sorted((shared / "data" / "registry").glob("NCT*.json"))
        for members in json.loads(path.read_text(encoding="utf-8"))["protocolSection"]
        .get("outcomesModule", {})
        .values()
        for outcome in members
    ]
    distinct = {frame.text: isinstance(frame, TimeFrame) for frame in frames}
    assert sum(distinct.values()) / len(distinct) > 0.7

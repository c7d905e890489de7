"""Hostile tables through a whole run: one clear error each, or a number that says what is missing.

Expectations by hand (OURS).
"""

import re

import pytest

from small_trial import day, items, write_trial
from sojourn.core.errors import DataError
from sojourn.study.run import run_study


def changed(folder, name, old, new):
    path = folder / "tables" / f"{name}.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def added(folder, name, *rows):
    path = folder / "tables" / f"{name}.csv"
    path.write_text(path.read_text() + "\n".join(rows) + "\n")


def made(folder, name, *rows):
    (folder / "tables" / f"{name}.csv").write_text("\n".join(rows) + "\n")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(
            lambda f: added(f, "womac", f"P1,DAY40,{day(39)},{items(1)}"),
            ["womac.csv", "P1", "DAY40"],
            id="two-baselines",
        ),
        pytest.param(
            lambda f: added(f, "subjects", "P1,F,40"),
            ["subjects.csv", "P1"],
            id="duplicate-subject",
        ),
        pytest.param(
            lambda f: added(f, "allocation", "P1,ALPHA,"),
            ["allocation.csv", "P1"],
            id="allocated-twice",
        ),
        pytest.param(
            lambda f: changed(f, "allocation", "P2,BETA,", "P2,BETA,GAMMA"),
            ["allocation.csv", "P2", "GAMMA", "ACTARMCD", "ALPHA, BETA"],
            id="treated-as-an-unknown-arm",
        ),
        pytest.param(
            lambda f: changed(f, "deviations", "MAJOR", "HUGE"),
            ["deviations.csv", "HUGE", "MAJOR"],
            id="unknown-severity",
        ),
        pytest.param(
            lambda f: made(f, "events", "USUBJID,ADT,EVENT", f"P1,{day(9)},DIED"),
            ["events.csv", "DIED", "DEATH"],
            id="unknown-status",
        ),
        pytest.param(
            lambda f: made(f, "counts", "USUBJID,ADT,HGB [g/L]", f"P1,{day(0)},8.1"),
            ["counts.csv", "P1", "8.1", "30"],
            id="g/dL-under-g/L",
        ),
        pytest.param(
            lambda f: changed(f, "counts", f"P1,{day(0)},0.1", f"P1,{day(0)},-0.1"),
            ["counts.csv", "P1", "-0.1"],
            id="negative-count",
        ),
        pytest.param(
            lambda f: changed(f, "womac", items(3), items(5)),
            ["P1", "5", "0 to 4"],
            id="score-above-the-range",
        ),
    ],
)
def test_one_clear_error(tmp_path, spoil, says):
    folder = write_trial(tmp_path / "trial")
    spoil(folder)
    with pytest.raises(DataError) as caught:
        run_study(folder, tmp_path / "out", is_unblinded=True)
    for word in says:
        assert re.search(re.escape(word), str(caught.value)), (word, str(caught.value))
    assert not (tmp_path / "out").exists()


def test_all_missing_gives_reasons_and_no_number(tmp_path):
    folder = write_trial(tmp_path / "trial")
    made(folder, "counts", "USUBJID,ADT,ANC [10^9/L]", *(f"P{i},{day(40)}," for i in range(1, 6)))
    empty = ",".join([""] * 24)
    head = (folder / "tables" / "womac.csv").read_text().splitlines()[0]
    made(folder, "womac", head, *(f"P{i},WEEK6,{day(42)},{empty}" for i in range(1, 6)))
    results = run_study(folder, tmp_path / "out", is_unblinded=True).results
    for number in results.results:
        if number.analysisId == "recovered_itt":
            # The plan counts who has no result as not recovered, and the number says so.
            assert number.rawValue == 0.0
            assert any("3 of 3 without a value counted as N" in note for note in number.notes)
        else:
            assert number.rawValue is None
            assert number.boundNote


def test_two_counts_of_one_date_give_the_lowest_and_no_error(tmp_path):
    folder = write_trial(tmp_path / "trial")
    added(folder, "counts", *(f"P1,{day(d)},0.2" for d in range(0, 42, 2)))
    results = run_study(folder, tmp_path / "out", is_unblinded=True).results
    rows = [r for r in results.listing("outcomes").records() if r["PARAMCD"] == "ANCREC40"]
    assert [r["AVALC"] for r in rows if r["USUBJID"] == "P1"] == ["N"]


def test_a_death_before_the_first_dose_contradicts_and_is_no_result(tmp_path):
    folder = write_trial(tmp_path / "trial")
    made(folder, "events", "USUBJID,ADT,EVENT", f"P1,{day(-3)},DEATH")
    results = run_study(folder, tmp_path / "out", is_unblinded=True).results
    rows = [r for r in results.listing("outcomes").records() if r["PARAMCD"] == "ANCREC40"]
    own = next(r for r in rows if r["USUBJID"] == "P1")
    assert own["AVALC"] is None
    assert "before" in own["REASON"]

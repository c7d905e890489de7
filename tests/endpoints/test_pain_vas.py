import pytest

from blood_counts import doses, on, table
from sojourn.core.errors import DataError
from sojourn.core.tables import PAIN_VAS
from sojourn.endpoints.pain_vas import ENDPOINT


def changes(*rows):
    visits = table(PAIN_VAS, [("01", v, on(d), mm) for v, d, mm in rows])
    outcome = ENDPOINT({"pain_vas": visits, "doses": doses()})
    return {row["PARAMCD"]: row for row in outcome.iter_rows(named=True)}


@pytest.mark.parametrize(
    ("before", "after", "change", "percent"),
    [
        pytest.param(60.0, 45.0, -15.0, -25.0, id="better"),
        pytest.param(40.0, 50.0, 10.0, 25.0, id="worse"),
        pytest.param(0.0, 10.0, 10.0, None, id="no-percentage-of-0"),
        pytest.param(100.0, 0.0, -100.0, -100.0, id="bounds-are-in"),
        pytest.param(None, 10.0, None, None, id="baseline-missing"),
        pytest.param(10.0, None, None, None, id="follow-up-missing"),
        pytest.param(100.5, 10.0, None, None, id="above-100"),
        pytest.param(10.0, -0.5, None, None, id="below-0"),
    ],
)
def test_change_in_mm_and_percent(before, after, change, percent):
    got = changes(("BASELINE", 0, before), ("WEEK6", 42, after))
    assert (got["VASCHG"]["AVAL"], got["VASPCT"]["AVAL"]) == (change, percent)


def test_reasons():
    got = changes(("BASELINE", 0, 60.0), ("WEEK6", 42, 45.0))
    assert got["VASCHG"]["REASON"] == "60 mm at BASELINE, 45 mm at WEEK6"
    assert (got["VASCHG"]["DAY"], got["VASCHG"]["EVIDENCE"]) == (42, "pain_vas:2,3")
    assert (got["VASBL"]["AVAL"], got["VASFU"]["AVAL"]) == (60.0, 45.0)
    got = changes(("BASELINE", 0, 0.0), ("WEEK6", 42, 45.0))
    assert got["VASPCT"]["REASON"] == "baseline is 0: no percentage exists"
    got = changes(("WEEK6", 42, None))
    assert got["VASCHG"]["REASON"] == "no pain_vas at BASELINE; no pain score at WEEK6"


def test_a_change_needs_two_visits():
    with pytest.raises(DataError, match="must differ"):
        ENDPOINT.check_rule({"visit": "BASELINE"})
    with pytest.raises(DataError, match="two rows for BASELINE"):
        changes(("BASELINE", 0, 1.0), ("BASELINE", 1, 2.0))

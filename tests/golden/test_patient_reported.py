"""Questionnaires, form by form.

Oracles: the ten published SF-36 forms are EXTERNAL (test cases of the Mario Negri institute). The
simulated forms were scored by our own R program (`shared/data/hsct/r/70_pro.R`), which reproduces
those ten; for WOMAC, RAND-36, SF-36 v2 and OMERACT-OARSI it is OURS, a second writing of the rules
in `shared/reference/oa-outcomes.md`, and needs a named person's sign-off.
"""

import csv

import pytest

from golden_walk import SOFTWARE, Golden
from sojourn.endpoints._responder import judge_response
from sojourn.endpoints._sf36 import score_sf36
from sojourn.endpoints.womac import ITEMS, Rule, mean_of_subscales, score_womac

COVERS = ["pro_scores.json", "golden_omeract_oarsi.csv"]
CODES = [code for codes in ITEMS.values() for code in codes]
FORMS = {
    "LK3.1": ("womac_lk_items_sim.csv", "womac_lk_0_4", 40),
    "VAS3.1": ("womac_vas_items_sim.csv", "womac_vas_0_100", 20),
    "NRS3.1": ("womac_nrs_items_sim.csv", "womac_nrs_0_10", 20),
}
SF36 = {
    "sf36_v1": "sf36_v1_items_sim.csv",
    "sf36_v2": "sf36_v2_items_sim.csv",
    "rand36_any_item": "sf36_v1_items_sim.csv",
    "rand36_half_rule": "sf36_v1_items_sim.csv",
}
TOLERANCE = 1e-12
"""The golden files carry 15 digits and the scores are sums of at most 24 numbers."""


def rows_of(shared, name):
    with (shared / "data/hsct" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def answers(row, codes):
    return {code: int(row[code]) if row[code] else None for code in codes}


def womac_scores(items, version):
    raw = score_womac(items, Rule(version=version))
    percent = score_womac(items, Rule(version=version, scale="0_100"))
    named = {"pain": "pain", "stiffness": "stiffness", "function": "func", "total": "total"}
    scores = {named[name]: value for name, value in raw.items()}
    scores |= {f"{named[name]}_0_100": value for name, value in percent.items()}
    return scores | {
        "total_mean_of_subscales_0_100": mean_of_subscales(items, Rule(version=version))
    }


def test_every_simulated_form(shared):
    golden = Golden(shared / "data/hsct/golden/pro_scores.json")
    for version, (file, key, size) in FORMS.items():
        forms = [answers(row, CODES) for row in rows_of(shared, file)]
        assert len(forms) == size
        golden.check([womac_scores(f, version) for f in forms], key, tolerance=TOLERANCE)
    numbers = [f"Q{i}" for i in range(1, 37)]
    for version, file in SF36.items():
        forms = [answers(row, numbers) for row in rows_of(shared, file)]
        assert len(forms) == 40
        golden.check([score_sf36(f, version) for f in forms], version, tolerance=TOLERANCE)
    golden.read("item_order_sf36")
    golden.read("omeract_oarsi_csv")
    golden.leave_out("seed", reason="of the simulated forms, which are files of their own")
    golden.leave_out("software", reason=SOFTWARE)
    golden.finish()


def test_every_published_form_to_its_printed_digits(shared):
    forms = rows_of(shared, "sf36_v1_items_sample.csv")
    published = rows_of(shared, "sf36_v1_scores_published.csv")
    assert [f["id"] for f in forms] == [p["id"].zfill(2) for p in published]
    assert len(forms) == 10
    order = list(forms[0])[1:]
    assert (order[0], order[19], order[31:]) == ("GH1", "SF1", ["SF2", "GH2", "GH3", "GH4", "GH5"])
    for form, line in zip(forms, published, strict=True):
        items = {f"Q{i}": int(form[c]) if form[c] else None for i, c in enumerate(order, start=1)}
        scores = score_sf36(items, "sf36_v1")
        for name, text in line.items():
            if name != "id":
                expected = pytest.approx(float(text), abs=2e-5) if text else None
                assert scores[name] == expected, (form["id"], name)


def test_every_response(shared):
    rows = rows_of(shared, "golden_omeract_oarsi.csv")
    assert len(rows) == 60
    names = {"pain": "pain", "func": "function", "pga": "global"}
    for row in rows:
        before, after = (
            {domain: float(row[f"{short}{at}"]) for short, domain in names.items()} for at in "01"
        )
        response = judge_response(before, after)
        found = {
            "high": str(response.is_high).upper(),
            "moderate_count": str(response.moderate_count),
            "responder": str(response.is_responder).upper(),
        }
        expected = {key: row[key] for key in found}
        assert found == expected, row
        assert set(row) == {"id", *expected, *(f"{s}{at}" for s in names for at in "01")}

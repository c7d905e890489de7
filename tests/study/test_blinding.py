"""Groups of a blinded run: who holds the results only cannot compute which arm is which."""

from datetime import date

import polars as pl
import pytest

from sojourn.core.results import Listing, Result, Results, Step
from sojourn.study.blinding import blinding_secret, cover_arms, keyed
from sojourn.study.bundled import bundled_study
from sojourn.study.definition import read_study
from sojourn.study.groups import assign_groups
from sojourn.study.ledger import Ledger


def test_keyed_digest_is_hmac_sha_256():
    # RFC 4231, test case 2.
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert keyed("Jefe", "what do ya want for nothing?") == expected


@pytest.fixture
def trial(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/allocation.csv").write_text("USUBJID,ARMCD\n1,MSC\n")
    (tmp_path / "tables/doses.csv").write_text("USUBJID,ADT\n1,2030-01-01\n")
    return tmp_path


@pytest.mark.parametrize("name", ["allocation", "doses"])
def test_the_secret_follows_from_allocation_and_doses(trial, name):
    before = blinding_secret(Ledger(trial))
    assert blinding_secret(Ledger(trial)) == before
    path = trial / f"tables/{name}.csv"
    path.write_text(path.read_text().replace("1", "2"))
    assert blinding_secret(Ledger(trial)) != before


def test_the_secret_does_not_follow_from_other_tables(trial):
    before = blinding_secret(Ledger(trial))
    (trial / "tables/subjects.csv").write_text("USUBJID\n1\n")
    assert blinding_secret(Ledger(trial)) == before


def test_a_folder_without_doses_has_a_secret(trial):
    (trial / "tables/doses.csv").unlink()
    assert len(blinding_secret(Ledger(trial))) == 64


def test_either_arm_may_be_the_first_group():
    study = read_study(bundled_study("NCT07313020"))
    subjects = pl.DataFrame({"USUBJID": ["1"], "ADT": [date(2030, 1, 1)]})
    allocation = pl.DataFrame({"ROW": [2], "USUBJID": ["1"], "ARMCD": ["MSC"]})
    codes = {assign_groups(study, subjects, allocation, secret=str(i)).of["1"] for i in range(20)}
    # The same group 20 times by chance: one in 500 000.
    assert codes == {"A", "B"}


def results():
    return Results(
        studyId="X",
        title="",
        isSimulated=True,
        isBlinded=True,
        groups={},
        primaryResultId="",
        answer="",
        results=(
            Result(
                id="a/A/mean",
                analysisId="a",
                groupId="A",
                operationId="mean",
                analysisSetId="ALL",
                methodId="mean",
                label="",
                rawValue=1.0,
                unit="",
                provenance="estimate",
            ),
        ),
        listings=(
            Listing(
                id="l",
                title="",
                columns=("X",),
                rows=((1,),),
                provenance="scan",
                rowProvenance=("estimate",),
            ),
        ),
        steps=(
            Step(key="allocation", kind="file", label="tables/allocation.csv"),
            Step(key="estimate", kind="stage", label="mean", inputs=("allocation", "scan")),
            Step(key="scan", kind="file", label="scans/1.mdf"),
        ),
    )


def test_what_the_allocation_reaches_is_covered_and_nothing_else():
    covered = cover_arms(results(), "secret")
    hidden = {key: keyed("secret", key) for key in ("allocation", "estimate")}
    by_label = {step.label: step for step in covered.steps}
    assert by_label["tables/allocation.csv"].key == hidden["allocation"]
    assert "keyed" in by_label["tables/allocation.csv"].parameters["digest"]
    assert by_label["scans/1.mdf"] == results().steps[2]
    assert by_label["mean"].key == hidden["estimate"]
    assert by_label["mean"].inputs == (hidden["allocation"], "scan")
    assert by_label["mean"].parameters == {}
    assert covered.results[0].provenance == hidden["estimate"]
    assert covered.listings[0].provenance == "scan"
    assert covered.listings[0].rowProvenance == (hidden["estimate"],)
    assert [step.key for step in covered.steps] == sorted(step.key for step in covered.steps)

"""A trial folder of two arms with the same schedule and no imaging, written as a site would."""

from datetime import timedelta

from plan_material import DAY_0, STUDY

SUBJECTS = ("P1", "P2", "P3", "P4", "P5", "P6")
ARMS = ("ALPHA", "BETA", "BETA", "ALPHA", "BETA", "ALPHA")
SWAPPED = {"ALPHA": "BETA", "BETA": "ALPHA"}

WOMAC_ENDPOINT = """
[[endpoints]]
id = "womac_total"
use = "womac"
role = "secondary"
rule = {version = "LK3.1", baseline = "DAY40", visit = "WEEK6"}
from = "assumption"
reason = "small"

[[analyses]]
id = "womac_contrast"
label = "WOMAC change"
endpoint = "womac_total"
param = "WOMTOT"
use = "mean_difference"
role = "secondary"
by = "arm"
from = "assumption"
reason = "small"

[[analyses]]
id = "recovered_pp"
label = "Recovered, per protocol"
endpoint = "anc"
param = "ANCREC40"
use = "proportion"
role = "secondary"
population = "PP"
by = "arm"
from = "assumption"
reason = "small"

[[analyses]]
id = "recovered_safety"
label = "Recovered, as treated"
endpoint = "anc"
param = "ANCREC40"
use = "proportion"
role = "safety"
population = "SAFETY"
by = "arm"
from = "assumption"
reason = "small"
"""

TESTS = 'procedure = "holm"\nalpha = 0.05\nfamily = ["womac_contrast", "recovered_pp"]'


def day(n):
    return (DAY_0 + timedelta(n)).isoformat()


def items(value):
    return ",".join([str(value)] * 24)


def write_trial(folder, *, arms=ARMS, treated=("",) * 6, swap=False):
    """Write the folder; `swap` gives every subject the other arm, as treated too."""
    tables = folder / "tables"
    tables.mkdir(parents=True)
    study = STUDY.replace('procedure = "none"', TESTS) + WOMAC_ENDPOINT
    (folder / "study.toml").write_text(study)
    if swap:
        arms = [SWAPPED[arm] for arm in arms]
        treated = [SWAPPED.get(arm, "") for arm in treated]
    lines = {
        "subjects": ["USUBJID,SEX,AGE", *(f"{s},F,{40 + i}" for i, s in enumerate(SUBJECTS))],
        "allocation": [
            "USUBJID,ARMCD,ACTARMCD",
            *(f"{s},{a},{t}" for s, a, t in zip(SUBJECTS, arms, treated, strict=True)),
        ],
        # P6 was never dosed, P5 got one dose of two, P4 the second one late.
        "doses": [
            "USUBJID,ADT",
            *(f"{s},{day(0)}\n{s},{day(7)}" for s in SUBJECTS[:3]),
            f"P4,{day(0)}\nP4,{day(11)}",
            f"P5,{day(0)}",
        ],
        "deviations": ["USUBJID,ADT,DVTERM,SEVERITY", f"P1,{day(2)},wrong drug,MAJOR"],
        "counts": [
            "USUBJID,ADT,ANC [10^9/L]",
            *(
                f"{s},{day(d)},{0.1 if d < 10 + i else 0.9}"
                for i, s in enumerate(SUBJECTS)
                for d in range(0, 42, 2)
            ),
        ],
        "transfusions": ["USUBJID,ADT,PRODUCT", f"P2,{day(3)},RBC"],
        "womac": [
            "USUBJID,VISIT,ADT," + ",".join(_items("P", 5) + _items("S", 2) + _items("F", 17)),
            *(f"{s},DAY40,{day(40)},{items(3)}" for s in SUBJECTS[:5]),
            *(f"{s},WEEK6,{day(42)},{items(i % 4)}" for i, s in enumerate(SUBJECTS[:5])),
        ],
    }
    for name, rows in lines.items():
        (tables / f"{name}.csv").write_text("\n".join(rows) + "\n")
    return folder


def _items(prefix, n):
    return [f"{prefix}{i}" for i in range(1, n + 1)]

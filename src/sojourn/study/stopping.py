"""What the stopping rules of a study say of the data: for people to act on, no analysis uses it."""

from sojourn.conduct.stopping import evaluate_stopping
from sojourn.core.results import Listing
from sojourn.core.stopping import StoppingRule
from sojourn.study.analysed import Material
from sojourn.study.listings import make_listing
from sojourn.study.populations import first_doses

COLUMNS = (
    "RULE",
    "EVENT",
    "AT_LEAST",
    "OF_FIRST",
    "VERDICT",
    "N",
    "WITH_EVENT",
    "REASON",
    "EVIDENCE",
)


def stopping_listing(material: Material) -> Listing | None:
    """Return what each stopping rule of the study file says; None where it states none.

    All arms together: what is met is met whoever got what.
    """
    dosed = first_doses(material.tables)
    rows: list[tuple[object, ...]] = []
    key = ""
    for endpoint in material.study.endpoints:
        stated = endpoint.rule.get("stopping", ())
        if endpoint.use != "adverse_events" or endpoint.id not in material.outcomes:
            continue
        rules = [StoppingRule.model_validate(rule) for rule in stated]
        outcomes = material.outcomes[endpoint.id]
        key = outcomes.key
        for found in evaluate_stopping(outcomes.table, dosed, rules):
            rule = found.rule
            rows.append(
                (
                    f"{endpoint.id} {len(rows) + 1}",
                    rule.what.replace("_", " "),
                    rule.at_least,
                    rule.of_first,
                    found.verdict,
                    found.n_subjects,
                    len(found.subjects),
                    found.reason,
                    found.evidence,
                )
            )
    if not rows:
        return None
    return make_listing(
        "stopping",
        "Stopping rules for safety, all arms together",
        COLUMNS,
        rows,
        key,
        keys=("RULE",),
    )

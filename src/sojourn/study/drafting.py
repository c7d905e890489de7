"""The first version of a study file, made from a registry record alone.

It binds what can be bound with certainty and lists everything else as open: a draft guesses
nothing and drops nothing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sojourn.formats.registry_record import (
    Outcome,
    RegistryRecord,
    TimeFrame,
    parse_time_frame,
    unescape_markdown,
)
from sojourn.study._draft_criteria import draft_criteria, unsorted_lines
from sojourn.study._record_items import (
    SHARING,
    RecordItem,
    outcome_days,
    outcome_list,
    record_items,
    short,
)
from sojourn.study._toml_text import Value, toml_comment, toml_root, toml_table
from sojourn.study.linting import lint_record

Entry = dict[str, Value]

_ALLOCATION = {"RANDOMIZED": "randomized", "NON_RANDOMIZED": "non_randomized", "NA": "single_group"}
_MASKED = ("PARTICIPANT", "CARE_PROVIDER", "INVESTIGATOR", "OUTCOMES_ASSESSOR")
_SHARED = ("YES", "NO", "UNDECIDED")
_NO_WINDOW = "the record gives no window; the day itself until one is stated"

_SPAN = r"(?:(?:\d+|one|two|three|five)[- ](?:year|month)s? )?"
_AND = r"(?: \(\w+\))?(?: rates?)?"
_SURVIVAL = {
    "overall_survival": re.compile(
        rf"{_SPAN}overall survival{_AND}(?: and disease[- ]free survival{_AND})?", re.IGNORECASE
    ),
    "disease_free_survival": re.compile(
        rf"{_SPAN}(?:overall survival{_AND} and )?disease[- ]free survival{_AND}", re.IGNORECASE
    ),
}
_SURVIVAL_PARAM = {"overall_survival": "OS", "disease_free_survival": "DFS"}
_WOMAC_TOTAL = re.compile(
    r"(?:change (?:in|of|from baseline in) )?(?:the )?womac total(?: score)?", re.I
)
_WOMAC_RANGE = re.compile(r"\b0\b[^.]{0,40}\b96\b")

_CANDIDATES = {
    "cavity_retention": r"\bretention\b",
    "acute_gvhd": r"graft[- ]versus[- ]host|\b[ac]?gvhd\b",
    "hemogram_response": r"hemogram|poor graft function",
    "infection": r"\binfect",
    "neutrophil_recovery": r"neutrophil|\banc\b|engraftment",
    "overall_survival": r"overall survival|\bos\b|survival rate",
    "disease_free_survival": r"disease[- ]free survival|\bdfs\b",
    "vas_pain": r"\bvas\b|visual analog",
    "platelet_response": r"platelet",
    "womac": r"\bwomac\b",
}
"""Endpoints that an open outcome might use; a person decides."""


@dataclass
class _Draft:
    """Tables of the file under construction, in their order."""

    design: Entry | None = None
    arms: list[Entry] = field(default_factory=list)
    visits: list[Entry] = field(default_factory=list)
    endpoints: list[Entry] = field(default_factory=list)
    analyses: list[Entry] = field(default_factory=list)
    criteria: list[Entry] = field(default_factory=list)
    sharing: Entry | None = None
    open: list[Entry] = field(default_factory=list)


def draft_study(record: RegistryRecord) -> str:
    """Return a first study file for `record`, as TOML text.

    Bound with certainty: design facts, arms with their interventions, visits from days that time
    frames and texts name, overall and disease-free survival, the WOMAC total with its range, ages,
    sex, body mass index and Karnofsky bounds, data sharing. Criteria in other words become
    judgements. Every other outcome, promise and line, and every lint finding, becomes ``[[open]]``.

    Parameters
    ----------
    record
        any registry record.

    Returns
    -------
        text of a file that `read_study` accepts and in which `check_study` finds nothing
        undeclared; the same record always gives the same text.
    """
    items = record_items(record)
    draft = _Draft(
        design=_design(record, items),
        arms=_arms(record),
        visits=_visits(record, items),
        criteria=draft_criteria(record),
        sharing=_sharing(record),
    )
    for path, outcome in outcome_list(record):
        _outcome(path, outcome, draft)
    bound = {path for entry in draft.endpoints for path in _texts(entry["binds"])}
    draft.open += _open_items(record, items, bound, draft)
    draft.open += _open_findings(record)
    return _written(record, draft)


def _design(record: RegistryRecord, items: Sequence[RecordItem]) -> Entry | None:
    module = record.protocol_section.design_module
    paths = [item.path for item in items if item.kind == "design"]
    if not paths:
        return None
    info = module.design_info
    made: Entry = {"allocation": _ALLOCATION.get(info.allocation or "", "not_stated")}
    if module.enrollment_info.count is not None:
        made["enrollment"] = module.enrollment_info.count
    masked = [who for who in info.masking_info.who_masked if who in _MASKED]
    if masked:
        made["masked"] = masked
    return {**made, "binds": paths, "from": "record", "cites": "designModule"}


def _arms(record: RegistryRecord) -> list[Entry]:
    module = record.protocol_section.arms_interventions_module
    made: list[Entry] = []
    for i, arm in enumerate(module.arm_groups):
        given = [
            f"armsInterventionsModule.interventions[{j}]"
            for j, member in enumerate(module.interventions)
            if arm.label is not None and arm.label in member.arm_group_labels
        ]
        path = f"armsInterventionsModule.armGroups[{i}]"
        name = unescape_markdown(arm.label or "").strip() or f"arm {i + 1}"
        code = _code(name, {str(entry["code"]) for entry in made}, i + 1)
        made.append(
            {"code": code, "name": name, "binds": [path, *given], "from": "record", "cites": path}
        )
    return made


def _code(name: str, taken: set[str], number: int) -> str:
    """Return a short arm code: the name's first words in capitals, made unique."""
    words = re.findall(r"[A-Za-z0-9]+", name.upper())
    code = ""
    for word in words:
        if len(code) + len(word) + 1 > 16:
            break
        code = f"{code}_{word}" if code else word
    if not code or not code[0].isalpha() or code in taken:
        code = f"ARM{number}"
    return code


def _visits(record: RegistryRecord, items: Sequence[RecordItem]) -> list[Entry]:
    sources: dict[int, str] = {}
    baseline = None
    for path, outcome in outcome_list(record):
        frame = parse_time_frame(outcome.time_frame)
        if isinstance(frame, TimeFrame) and frame.from_baseline:
            baseline = baseline or f"{path}.timeFrame"
        for day in outcome_days(outcome):
            sources.setdefault(day, f"{path}.timeFrame")
    for item in items:
        if item.kind == "day" and item.day is not None:
            sources.setdefault(item.day, item.path)
    visits = [_visit("BASELINE", 0, baseline)] if baseline else []
    return visits + [_visit(f"DAY{day}", day, path) for day, path in sorted(sources.items())]


def _visit(name: str, day: int, path: str) -> Entry:
    return {
        "name": name,
        "day": day,
        "window_days": [day, day],
        "from": "record",
        "cites": path,
        "assumes": {"window_days": _NO_WINDOW},
    }


def _outcome(path: str, outcome: Outcome, draft: _Draft) -> None:
    """Bind an outcome if its measure is certain; otherwise leave it for `_open_items`."""
    measure = unescape_markdown(outcome.measure or "").strip(" .")
    description = unescape_markdown(outcome.description or "").strip(" .")
    days = outcome_days(outcome)
    if not days:
        return
    for use, pattern in _SURVIVAL.items():
        if pattern.fullmatch(measure) or pattern.fullmatch(description):
            settings: Entry = {"at": [float(days[-1])], "level": 0.95}
            _add(draft, path, use, {}, _SURVIVAL_PARAM[use], "kaplan_meier", settings)
    baseline = any(visit["name"] == "BASELINE" for visit in draft.visits)
    if _WOMAC_TOTAL.fullmatch(measure) and _WOMAC_RANGE.search(description) and baseline:
        rule: Entry = {"version": "LK3.1", "visit": f"DAY{days[-1]}", "baseline": "BASELINE"}
        _add(draft, path, "womac", rule, "WOMTOT", "mean", {"unit": "1", "level": 0.95})


def _add(
    draft: _Draft, path: str, use: str, rule: Entry, param: str, statistic: str, settings: Entry
) -> None:
    role = "primary" if ".primaryOutcomes[" in path else "secondary"
    role = "exploratory" if ".otherOutcomes[" in path else role
    name = f"{use}_{len(draft.endpoints) + 1}"
    grounds: Entry = {"from": "record", "cites": path}
    draft.endpoints.append(
        {"id": name, "use": use, "role": role, "rule": rule, "binds": [path], **grounds}
    )
    draft.analyses.append(
        {
            "id": f"{name}_{statistic}",
            "label": use.replace("_", " "),
            "endpoint": name,
            "param": param,
            "use": statistic,
            "role": role,
            "by": "arm" if len(draft.arms) > 1 else "all",
            "settings": settings,
            "from": "assumption",
            "reason": "drafted: the record states the outcome, not its analysis",
        }
    )


def _sharing(record: RegistryRecord) -> Entry | None:
    module = record.protocol_section.ipd_sharing_statement_module
    if module.ipd_sharing is None:
        return None
    stated = module.ipd_sharing if module.ipd_sharing in _SHARED else "NOT_STATED"
    made: Entry = {"individual_data": stated}
    if module.info_types:
        made["documents"] = list(module.info_types)
    if access := unescape_markdown(module.access_criteria or "").strip():
        made["access"] = access
    return {**made, "binds": [SHARING], "from": "record", "cites": SHARING}


def _open_items(
    record: RegistryRecord, items: Sequence[RecordItem], bound: set[str], draft: _Draft
) -> Iterator[Entry]:
    given = {path for arm in draft.arms for path in _texts(arm["binds"])}
    outcomes = dict(outcome_list(record))
    for item in items:
        if item.kind == "outcome" and item.path not in bound:
            yield _open(item.path, item.what, _outcome_decision(outcomes[item.path]))
        elif item.kind == "intervention" and item.path not in given:
            yield _open(item.path, item.what, "name the arm that gets it")
        elif item.kind == "promise":
            yield _open(
                item.path, item.what, "make it an exploratory endpoint with its days, or drop it"
            )
    for path, text in unsorted_lines(record):
        what = f"a line in neither list of criteria: {_one_line(text)}"
        yield _open(path, what, "a criterion, and of which list, or an introduction?")


def _outcome_decision(outcome: Outcome) -> str:
    words = f"{outcome.measure or ''} {outcome.description or ''}"
    near = [name for name, p in _CANDIDATES.items() if re.search(p, words, re.IGNORECASE)]
    hint = f"; look at the endpoints {', '.join(near)}" if near else ""
    return f"name its rule, its day and its analysis{hint}"


def _open_findings(record: RegistryRecord) -> Iterator[Entry]:
    for finding in lint_record(record):
        made = _open(short(finding.path), finding.message, finding.decision)
        yield {"binds": made["binds"], "finding": finding.code, **made}


def _open(path: str, what: str, decision: str) -> Entry:
    return {"binds": [path], "what": _one_line(what), "decision": _one_line(decision)}


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip() or "(empty)"


def _texts(value: Value) -> list[str]:
    return [str(member) for member in value] if isinstance(value, list) else []


_ABOUT = """\
Draft of a study file, made from the registry record alone. Nothing in it was decided by a person.
What each key means: docs/study-file.md. Check it: sojourn study check FILE --record RECORD.json

Next: give arms their doses and days, visits their windows, and turn each [[open]] entry into an
endpoint, a criterion, an answer, or a statement that it stays open."""

_SECTIONS = {
    "arms": "What is given: add dose_cells or dose_cells_per_kg, days and dose_window_days.",
    "visits": "Days that the record names. Only the plan knows the windows.",
    "endpoints": "Outcomes that a rule computes.",
    "analyses": "How each outcome is summarised.",
    "criteria": "Who may take part. A rule is tested; a judgement is recorded by a person.",
    "open": "Not decided yet: outcomes, promises and lint findings.",
}


def _written(record: RegistryRecord, draft: _Draft) -> str:
    title = record.protocol_section.identification_module.brief_title
    root: Entry = {
        "id": record.nct_id,
        "title": _one_line(unescape_markdown(title or record.nct_id)),
        "data_status": "PLANNED",
        "record": "record.json",
    }
    primary = next((a["id"] for a in draft.analyses if a["role"] == "primary"), None)
    if primary is not None:
        root["headline"] = primary
    day_zero: Entry = {
        "event": "first_dose",
        "from": "assumption",
        "reason": "drafted: confirm the event that the record's time frames count from",
    }
    parts = [toml_comment(_ABOUT) + "\n" + toml_root(root)]
    parts += [toml_table("[design]", draft.design)] if draft.design else []
    parts.append(toml_table("[day_zero]", day_zero))
    for name in ("arms", "visits", "endpoints", "analyses", "criteria"):
        parts += _section(name, getattr(draft, name))
    parts += [toml_table("[sharing]", draft.sharing)] if draft.sharing else []
    parts += _section("open", draft.open)
    return "\n".join(parts)


def _section(name: str, entries: Sequence[Entry]) -> list[str]:
    if not entries:
        return []
    tables = [toml_table(f"[[{name}]]", entry) for entry in entries]
    return [toml_comment(_SECTIONS[name]) + "\n" + tables[0], *tables[1:]]

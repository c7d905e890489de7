"""The results as the report reads them: groups, roles of analyses, anchors, cited numbers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sojourn.core.results import Cell, Listing, Result, Results
from sojourn.deliverables._markup import Html, element, escaped, joined
from sojourn.deliverables._numbers import (
    decimals_of,
    display,
    exact,
    format_level,
    format_number,
    format_p,
    is_share,
)
from sojourn.deliverables._operations import is_share_operation, operation_words
from sojourn.deliverables._palette import GroupStyle, group_style

_PLAIN = re.compile(r"mean|rate|difference|mean of \S+ minus \S+|proportion( with [A-Z]+)?")
"""Operations that go without saying after a label's last colon; other words there are kept."""

_PLAIN_OPERATIONS = frozenset({"mean", "proportion", "rate", "difference", "shift"})

_FITS = 24
"""Characters of a group's label that fit above one subject's drawing."""


@dataclass(frozen=True)
class Book:
    """Results with the look-ups that every section needs."""

    results: Results

    @property
    def is_simulated(self) -> bool:
        """Whether every section and figure must say SIMULATED."""
        return self.results.isSimulated

    @cached_property
    def anchors(self) -> Mapping[str, str]:
        """The anchor of each number's row in the table of all numbers."""
        return {r.id: f"n-{i}" for i, r in enumerate(self.results.results, start=1)}

    @cached_property
    def steps(self) -> Mapping[str, str]:
        """The anchor of each provenance step, by key."""
        return {s.key: f"step-{i}" for i, s in enumerate(self.results.steps, start=1)}

    @cached_property
    def primary(self) -> Result | None:
        """The one number of the answer box."""
        return self.results.result(self.results.primaryResultId)

    def role(self, result: Result) -> str:
        """Return the role of a result's analysis; where none is stated it is told from the id."""
        if result.role:
            return result.role
        first = self.primary.analysisId if self.primary else ""
        if result.analysisId == first:
            return "primary"
        is_near = bool(first) and result.analysisId.startswith(first)
        return "sensitivity" if is_near or "sensitivity" in result.analysisId else "secondary"

    def with_role(self, *roles: str) -> tuple[Result, ...]:
        """Return the results of all analyses that have one of `roles`, in order."""
        return tuple(r for r in self.results.results if self.role(r) in roles)

    def questions(self, analysis_id: str) -> tuple[str, ...]:
        """Return the main analyses of the estimands for which an analysis is a sensitivity one."""
        return tuple(
            str(row["MAIN"])
            for row in self.rows("estimands")
            if analysis_id in str(row["SENSITIVITY"] or "").replace(" (not run)", "").split(", ")
        )

    def is_of_primary(self, result: Result) -> bool:
        """Tell whether a sensitivity analysis asks a primary question; it does if nobody says."""
        mains = self.questions(result.analysisId)
        own = [r for r in self.results.results if r.analysisId in mains]
        return not own or any(self.role(r) == "primary" for r in own)

    def label(self, result: Result) -> str:
        """Return what a result is called: its analysis, and its operation unless that is plain."""
        whole = self.analysis_label(result)
        words = self.operation(result)
        is_mean = result.operationId.startswith("restricted_mean_") and "mean" in whole.lower()
        if result.operationId in _PLAIN_OPERATIONS or words in {"", whole} or is_mean:
            return whole
        return f"{whole}, {words}"

    def analysis_label(self, result: Result) -> str:
        """Return what a result's analysis is called, without any operation."""
        first = self._first_labels.get(result.analysisId, result.label)
        if not result.label.startswith(first):
            first = result.label
        start, _, operation = first.rpartition(": ")
        return start if start and _PLAIN.fullmatch(operation) else first

    def operation(self, result: Result) -> str:
        """Return what was computed, in words; an operation that is unknown keeps its own words."""
        causes = {
            str(row["CAUSE"]): str(row["NAME"] or "")
            for row in self.rows(f"cif_{result.analysisId}")
            if row.get("NAME")
        }
        known = operation_words(result.operationId, causes, is_signal=self.has("retention"))
        first = self._first_labels.get(result.analysisId, "")
        own = result.label.removeprefix(f"{first}: ") if first else ""
        return known or (own if own != result.label else result.operationId.replace("_", " "))

    @cached_property
    def _first_labels(self) -> Mapping[str, str]:
        """The label of each analysis: that of its first number."""
        return {r.analysisId: r.label for r in reversed(self.results.results)}

    @cached_property
    def _sets(self) -> Mapping[str, str]:
        """Who is meant by each analysis set, from the methods."""
        start = "Analysis set "
        return {
            str(row["TITLE"]).removeprefix(start): str(row["TEXT"])
            for row in self.rows("methods")
            if str(row.get("TITLE")).startswith(start)
        }

    def denominator(self, result: Result) -> str:
        """Return among whom a number was computed, in words and with the code of the set."""
        code, words = result.analysisSetId, self._sets.get(result.analysisSetId, "")
        return f"Among: {words} ({code})" if words else f"Analysis set: {code}"

    def group(self, code: Cell) -> str:
        """Return a group's label as given; a code that is no group stands for itself."""
        if code is None:
            return "not stated"
        known, word = self.results.groups, str(code)
        if word in known:
            return known[word]
        if parts := self._contrast(word):
            return f"{known[parts[0]]} minus {known[parts[1]]}"
        return "All" if word == "ALL" else word

    def short(self, code: Cell) -> str:
        """Return a group's label for a drawing: its code where the label would not fit."""
        label = self.group(code)
        return str(code) if len(label) > _FITS and str(code) in self.results.groups else label

    def _contrast(self, code: str) -> tuple[str, str] | None:
        """Return the two groups whose difference `code` names, or None."""
        for a in self.results.groups:
            for b in self.results.groups:
                if a != b and re.fullmatch(
                    f"{re.escape(a)}(-|_vs_|_minus_| - ){re.escape(b)}", code
                ):
                    return a, b
        return None

    def is_contrast(self, result: Result) -> bool:
        """Tell whether a result compares groups instead of describing one."""
        return result.groupId not in self.results.groups and result.groupId != "ALL"

    def unit(self, result: Result) -> str:
        """Return the unit in which a result is shown; a difference of shares is no share."""
        unit = result.unit
        if unit == "1" and is_share_operation(result.operationId):
            unit = "share"
        return "difference of shares" if self.is_contrast(result) and is_share(unit) else unit

    def style(self, code: Cell) -> GroupStyle:
        """Return how a group is drawn."""
        codes = list(self.results.groups)
        return group_style(codes.index(str(code)) if str(code) in codes else 0)

    def rows(self, listing_id: str) -> list[dict[str, Cell]]:
        """Return a listing's rows, none if it does not exist."""
        listing = self.results.listing(listing_id)
        return listing.records() if listing else []

    def has(self, *listing_ids: str) -> bool:
        """Tell whether any of the listings exists."""
        return any(self.results.listing(name) is not None for name in listing_ids)

    def step_link(self, key: str) -> Html:
        """Return a link to a provenance step, or its short key if the graph lacks it."""
        short = element("code", {}, key[:12])
        anchor = self.steps.get(key)
        return element("a", {"href": f"#{anchor}", "title": key}, short) if anchor else short

    def source(self, listing: Listing) -> Html:
        """Return where a listing's numbers come from."""
        name = element("code", {}, listing.id)
        return joined(["Listing ", name, ", made by step ", self.step_link(listing.provenance)])

    def value(self, result: Result) -> Html:
        """Return a result's value as a link to its row, or the words why there is none."""
        if result.rawValue is None:
            why = "; ".join(filter(None, (result.boundNote, *result.notes)))
            words = f"not estimable: {why or 'no reason was recorded'}"
            return element("span", {"class": "absent alarm", "data-id": result.id}, words)
        decimals = decimals_of(result.lower, result.upper, self.unit(result))
        return element(
            "a",
            {
                "class": "number long" if self._is_long(result) else "number",
                "href": f"#{self.anchors[result.id]}",
                "data-id": result.id,
                "data-value": exact(result.rawValue),
                "title": f"exact value {exact(result.rawValue)} {result.unit}; id {result.id}",
            },
            format_number(result.rawValue, self.unit(result), decimals),
        )

    def interval(self, result: Result, *, has_name: bool = True) -> Html:
        """Return a result's interval; a bound that the data do not give says so."""
        if result.lower is None and result.upper is None:
            why = result.boundNote or "no interval was recorded"
            return element("span", {"class": "absent"}, f"no interval: {why}")
        if result.lower == result.upper == result.rawValue:
            return element("span", {"class": "absent"}, "none: exact, no estimate")
        kind = "credible interval" if "credible" in result.methodId else "CI"
        name = f"{format_level(result.level)} {kind} " if has_name else ""
        low, high = self._bound(result, "lower"), self._bound(result, "upper")
        words = joined([name, low, " to ", high])
        if result.boundNote:
            words = joined([words, " ", element("small", {}, f"({result.boundNote})")])
        is_long = self._is_long(result) or bool(result.boundNote)
        return element("span", {"class": "interval long" if is_long else "interval"}, words)

    def _is_long(self, result: Result) -> bool:
        return len(display(self.unit(result))[1]) > 7

    def _bound(self, result: Result, side: str) -> Html:
        value = result.lower if side == "lower" else result.upper
        if value is None:
            return escaped("no lower bound" if side == "lower" else "no upper bound")
        decimals = decimals_of(result.lower, result.upper, self.unit(result))
        is_bare = side == "lower" and result.upper is not None
        attributes = {
            "data-id": result.id,
            "data-field": side,
            "data-value": exact(value),
            "title": f"exact value {exact(value)} {result.unit}",
        }
        return element(
            "span", attributes, format_number(value, self.unit(result), decimals, is_bare=is_bare)
        )

    def p_value(self, result: Result) -> Html:
        """Return a result's p-value, or a dash where none was computed."""
        if result.pValue is None:
            return escaped("\u2013")
        attributes = {
            "data-id": result.id,
            "data-field": "pValue",
            "data-value": exact(result.pValue),
            "title": f"exact value {exact(result.pValue)}",
        }
        return element("span", attributes, format_p(result.pValue))

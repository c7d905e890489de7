"""Contradictions, gaps and uncomputable statements of a registry record.

Each rule is one `Rule` in a module of `lint_rules`; a rule reads the record alone, quotes no
trial, and says which decision the study file must take. `docs/linting.md` lists every code.
"""

from collections.abc import Iterable
from functools import cache

from sojourn.core.registry import Registry
from sojourn.formats.registry_record import RegistryRecord
from sojourn.study.lint_rules._rule import Finding, Rule

__all__ = ["Finding", "findings_document", "lint_record", "lint_rules"]

rule_modules: Registry[tuple[Rule, ...]] = Registry("sojourn.study.lint_rules", "RULES")

_ORDER = {"error": 0, "warning": 1, "note": 2}


@cache
def lint_rules() -> tuple[Rule, ...]:
    """Return every rule there is, by code."""
    rules = (rule for name in rule_modules.names() for rule in rule_modules.get(name))
    return tuple(sorted(rules, key=lambda rule: rule.code))


def lint_record(record: RegistryRecord) -> list[Finding]:
    """Return what is contradictory, missing or uncomputable in a record.

    Parameters
    ----------
    record
        one study record, as `read_registry_record` gives it.

    Returns
    -------
        findings, errors first, then by code and in the order of the record; the same record
        always gives the same list.
    """
    findings = [
        Finding(
            code=rule.code,
            severity=rule.severity,
            path=path,
            message=message,
            decision=rule.decision,
        )
        for rule in lint_rules()
        for path, message in rule.find(record)
    ]
    return sorted(findings, key=lambda finding: (_ORDER[finding.severity], finding.code))


def findings_document(findings: Iterable[Finding]) -> dict[str, list[dict[str, str]]]:
    """Return findings as the JSON document that `sojourn lint --json` prints."""
    return {"findings": [finding.model_dump(mode="json") for finding in findings]}

"""What a blinded run must not tell: digests of tables that hold the arms.

A digest hides nothing where few contents are possible. Who sees the groups A and B need try only
two allocations to find the one whose SHA-256 is printed. So a blinded run orders its groups by a
secret, and prints keyed digests for the tables that tell the arms and for all that they reach.
"""

import hmac
from collections.abc import Mapping

from sojourn.core.provenance import digest
from sojourn.core.results import Listing, Result, Results, Step
from sojourn.study.ledger import Ledger, file_names

SECRET = ("tables/allocation.csv", "tables/doses.csv")
"""Tables that hold the arms; whoever reads results of a blinded run must not hold them."""

TELLING = (*SECRET, "tables/lots.csv")
"""Tables whose digests are covered; the order of lots tells what the first subjects got."""

COVERED = "keyed digest: while arms are blinded the SHA-256 would let a reader test guesses"


def blinding_secret(ledger: Ledger) -> str:
    """Return a secret that follows from the allocation and the doses: equal files, equal secret.

    It is as hard to guess as those two files together: assayed iron and residuals protect it, a
    doses table with nothing but two planned doses does not.
    """
    hasher = b"sojourn blinding"
    for name in SECRET:
        path = ledger.root / name
        hasher += digest(b"secret\0" + (path.read_bytes() if path.is_file() else b"")).encode()
    return digest(hasher)


def keyed(secret: str, text: str) -> str:
    """Return the HMAC-SHA-256 of `text` under `secret`, hexadecimal."""
    return hmac.new(secret.encode(), text.encode(), "sha256").hexdigest()


def cover_arms(results: Results, secret: str) -> Results:
    """Return `results` with a keyed digest for each step that the arms reach.

    The graph keeps its shape; keys of what holds no arm, such as scans, stay what they are.
    """
    steps = {step.key: step for step in results.steps}
    reached: dict[str, bool] = {}
    new = {key: keyed(secret, key) for key in steps if _is_reached(key, steps, reached)}
    return results.model_copy(
        update={
            "steps": tuple(sorted((_step(s, new) for s in results.steps), key=lambda s: s.key)),
            "results": tuple(_result(result, new) for result in results.results),
            "listings": tuple(_listing(listing, new) for listing in results.listings),
        }
    )


def _is_reached(key: str, steps: Mapping[str, Step], known: dict[str, bool]) -> bool:
    if key not in known:
        step = steps[key]
        is_telling = step.kind == "file" and not set(file_names(step)).isdisjoint(TELLING)
        known[key] = is_telling or any(_is_reached(i, steps, known) for i in step.inputs)
    return known[key]


def _step(step: Step, new: Mapping[str, str]) -> Step:
    changed: dict[str, object] = {
        "key": new.get(step.key, step.key),
        "inputs": tuple(new.get(i, i) for i in step.inputs),
    }
    if step.kind == "file" and step.key in new:
        changed["parameters"] = {"digest": COVERED}
    return step.model_copy(update=changed)


def _result(result: Result, new: Mapping[str, str]) -> Result:
    return result.model_copy(update={"provenance": new.get(result.provenance, result.provenance)})


def _listing(listing: Listing, new: Mapping[str, str]) -> Listing:
    return listing.model_copy(
        update={
            "provenance": new.get(listing.provenance, listing.provenance),
            "rowProvenance": tuple(new.get(key, key) for key in listing.rowProvenance),
        }
    )

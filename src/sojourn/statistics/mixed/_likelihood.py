"""The restricted likelihood of a linear model with correlated values, and its derivatives."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.statistics.mixed.structures import Structure

Floats = NDArray[np.float64]

NEGLIGIBLE = 1e-5
"""A covariance in which the others leave so little of a value's deviation counts as singular."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Subjects whose rows share one `design`: `values` (m, n), `fixed` (m, n, p)."""

    design: Floats
    values: Floats
    fixed: Floats


def make_blocks(
    values: Floats, fixed: Floats, subjects: NDArray[np.int64], design: Floats
) -> tuple[Block, ...]:
    """Return rows of subjects gathered by equal design; rows of a subject in the order given."""
    gathered: dict[bytes, list[NDArray[np.intp]]] = {}
    for subject in np.unique(subjects):
        rows = np.flatnonzero(subjects == subject)
        gathered.setdefault(design[rows].tobytes(), []).append(rows)
    return tuple(
        Block(design[rows[0]], values[np.array(rows)], fixed[np.array(rows)])
        for rows in gathered.values()
    )


@dataclass(frozen=True, slots=True, eq=False)
class Curvature:
    """Everything that the likelihood and small-sample inference need at one theta.

    `deviance` is minus twice the log likelihood without its constant; `gradient` (q) and `hessian`
    (q, q) its derivatives by theta; `expected` (q, q) the expectation of the Hessian. `beta` (p),
    its covariance `phi` (p, p); `p_parts` (q, p, p) and `q_parts` (q, q, p, p) are the P and Q
    of Kenward and Roger (P with the sign of X' W V_k W X), `r_parts` their R or None.
    """

    deviance: float
    gradient: Floats
    hessian: Floats
    expected: Floats
    beta: Floats
    phi: Floats
    p_parts: Floats
    q_parts: Floats
    r_parts: Floats | None


def evaluate(
    structure: Structure, theta: Floats, blocks: Sequence[Block], *, restricted: bool
) -> Curvature | None:
    """Return the likelihood and its derivatives at `theta`; None where no covariance is positive.

    References
    ----------
    Patterson and Thompson, Biometrika 58 (1971) 545. Kenward and Roger, Biometrics 53 (1997) 983.
    """
    solved = _solve(structure, theta, blocks, restricted=restricted)
    if solved is None:
        return None
    sums = _sums(structure, theta, blocks, solved.weights, solved.beta)
    deviance = solved.log_volume + sums.squares
    return _assemble(sums, solved.beta, solved.phi, deviance, restricted=restricted)


def deviance_alone(
    structure: Structure, theta: Floats, blocks: Sequence[Block], *, restricted: bool
) -> float:
    """Return the deviance of `evaluate` alone; infinite where no covariance is positive."""
    solved = _solve(structure, theta, blocks, restricted=restricted)
    if solved is None:
        return math.inf
    total = solved.log_volume
    for block, weight in zip(blocks, solved.weights, strict=True):
        residual = block.values - block.fixed @ solved.beta
        total += float(np.sum((residual @ weight) * residual))
    return total


@dataclass(slots=True, eq=False)
class _Solved:
    """Generalized least squares at one theta; `log_volume` the log determinants of the deviance."""

    weights: list[Floats]
    beta: Floats
    phi: Floats
    log_volume: float


def _solve(
    structure: Structure, theta: Floats, blocks: Sequence[Block], *, restricted: bool
) -> _Solved | None:
    inverses = _inverses(structure, theta, blocks)
    if inverses is None:
        return None
    weights, log_volume = inverses
    p = blocks[0].fixed.shape[2]
    information, score = np.zeros((p, p)), np.zeros(p)
    for block, weight in zip(blocks, weights, strict=True):
        weighted = weight @ block.fixed
        information += np.einsum("mip,miq->pq", weighted, block.fixed)
        score += np.einsum("mip,mi->p", weighted, block.values)
    try:
        root = np.linalg.cholesky(information)
    except np.linalg.LinAlgError:
        return None
    phi = np.linalg.inv(information)
    phi = (phi + phi.T) / 2
    if restricted:
        log_volume += 2 * float(np.log(np.diag(root)).sum())
    return _Solved(weights, phi @ score, phi, log_volume)


def _inverses(
    structure: Structure, theta: Floats, blocks: Sequence[Block]
) -> tuple[list[Floats], float] | None:
    """Return the inverse of each block's covariance, and the sum of the log determinants."""
    weights, log_volume = [], 0.0
    for block in blocks:
        covariance = structure.covariance(theta, block.design)
        try:
            root = np.linalg.cholesky(covariance)
        except np.linalg.LinAlgError:
            return None
        diagonal = np.diag(root)
        # What a value adds to those before it, as a share of its own deviation.
        if not np.all(diagonal >= NEGLIGIBLE * np.sqrt(np.diag(covariance))):
            return None
        inverse = np.linalg.inv(covariance)
        weights.append((inverse + inverse.T) / 2)
        log_volume += 2 * len(block.values) * float(np.log(diagonal).sum())
    return weights, log_volume


@dataclass(slots=True, eq=False)
class _Sums:
    """Sums over subjects: traces, quadratic forms of the residuals, and parts of P, Q, R."""

    squares: float
    trace: Floats
    trace_pairs: Floats
    trace_second: Floats
    form: Floats
    form_pairs: Floats
    form_second: Floats
    cross: Floats
    p_parts: Floats
    q_parts: Floats
    r_parts: Floats | None


def _sums(
    structure: Structure,
    theta: Floats,
    blocks: Sequence[Block],
    weights: Sequence[Floats],
    beta: Floats,
) -> _Sums:
    q, p = len(theta), len(beta)
    pairs = (q, q)
    is_curved = structure.second(theta, blocks[0].design) is not None
    total = _Sums(
        0.0,
        np.zeros(q),
        np.zeros(pairs),
        np.zeros(pairs),
        np.zeros(q),
        np.zeros(pairs),
        np.zeros(pairs),
        np.zeros((q, p)),
        np.zeros((q, p, p)),
        np.zeros((q, q, p, p)),
        np.zeros((q, q, p, p)) if is_curved else None,
    )
    for block, weight in zip(blocks, weights, strict=True):
        _add(total, structure, theta, block, weight, beta)
    return total


def _add(
    total: _Sums, structure: Structure, theta: Floats, block: Block, weight: Floats, beta: Floats
) -> None:
    slopes = structure.first(theta, block.design)
    bends = structure.second(theta, block.design)
    m = len(block.values)
    residual = block.values - np.einsum("mip,p->mi", block.fixed, beta)
    scaled = residual @ weight
    weighted = np.einsum("ij,mjp->mip", weight, block.fixed)
    left = np.einsum("ij,kjl->kil", weight, slopes)
    moved = np.einsum("kij,mj->kmi", slopes, scaled)
    turned = np.einsum("kij,mjp->kmip", slopes, weighted)
    total.squares += float(np.einsum("mi,mi->", residual, scaled))
    total.trace += m * np.einsum("kii->k", left)
    total.trace_pairs += m * np.einsum("kij,lji->kl", left, left)
    total.form += np.einsum("kmi,mi->k", moved, scaled)
    total.form_pairs += np.einsum("kmi,ij,lmj->kl", moved, weight, moved, optimize=True)
    total.cross += np.einsum("kmi,mip->kp", moved, weighted)
    total.p_parts += np.einsum("kmip,miq->kpq", turned, weighted)
    total.q_parts += np.einsum("kmip,ij,lmjq->klpq", turned, weight, turned, optimize=True)
    if bends is not None and total.r_parts is not None:
        total.trace_second += m * np.einsum("ij,klji->kl", weight, bends)
        total.form_second += np.einsum("mi,klij,mj->kl", scaled, bends, scaled, optimize=True)
        total.r_parts += np.einsum("mip,klij,mjq->klpq", weighted, bends, weighted, optimize=True)


def _assemble(
    sums: _Sums, beta: Floats, phi: Floats, deviance: float, *, restricted: bool
) -> Curvature:
    spread = np.einsum("ab,kbc->kac", phi, sums.p_parts)
    lost = np.einsum("kaa->k", spread)
    lost_pairs = -2 * np.einsum("ab,klba->kl", phi, sums.q_parts)
    lost_pairs = lost_pairs + np.einsum("kab,lba->kl", spread, spread)
    lost_second = np.zeros_like(lost_pairs)
    if sums.r_parts is not None:
        lost_second = -np.einsum("ab,klba->kl", phi, sums.r_parts)
    trace, pairs, second = sums.trace, sums.trace_pairs, sums.trace_second
    if restricted:
        trace, pairs, second = trace - lost, pairs + lost_pairs, second + lost_second
    forms = sums.form_pairs - np.einsum("ka,ab,lb->kl", sums.cross, phi, sums.cross)
    hessian = -pairs + second + 2 * forms - sums.form_second
    return Curvature(
        deviance=deviance,
        gradient=trace - sums.form,
        hessian=(hessian + hessian.T) / 2,
        expected=sums.trace_pairs + lost_pairs,
        beta=beta,
        phi=phi,
        p_parts=sums.p_parts,
        q_parts=sums.q_parts,
        r_parts=sums.r_parts,
    )

"""Additive noise and background drift of each row, from the frames of the empty bore."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.reconstruction._background import Background

OWN_REPLICATES = 8
"""Complex degrees of freedom within blocks from which a file's noise is taken from it alone."""

Choice = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Frames of one file: the object's, and the empty bore's in blocks.

    `empty` (block, row) block means, `sizes` and `places` (block,); `squares` (row,) is the
    sum of squared deviations from block means, with `replicates` complex degrees of freedom.
    `full` (row,) is the mean of the object's frames at `place`, of which there are `n_full`.
    """

    empty: NDArray[np.complex128]
    sizes: NDArray[np.float64]
    places: NDArray[np.float64]
    squares: NDArray[np.float64]
    replicates: int
    full: NDArray[np.complex128]
    place: float
    n_full: int

    def steps(self) -> NDArray[np.float64]:
        """Return squared differences of neighbouring block means, shape (block - 1, row)."""
        differences: NDArray[np.float64] = np.abs(np.diff(self.empty, axis=0)) ** 2
        return differences

    def step_noise(self) -> NDArray[np.float64]:
        """Return 1/n + 1/n' of neighbouring blocks, shape (block - 1,)."""
        noise: NDArray[np.float64] = 1 / self.sizes[1:] + 1 / self.sizes[:-1]
        return noise

    def choices(self) -> dict[str, Choice]:
        """Return every way to take the background: weights of the blocks, by name."""
        if len(self.sizes) == 0:
            return {}
        ways = {"own_mean": self.sizes / self.sizes.sum()}
        if len(self.sizes) > 1:
            eye = np.eye(len(self.sizes))
            ways["own_linear"] = np.array([np.interp(self.place, self.places, e) for e in eye])
            before = np.flatnonzero(self.places < self.place)
            after = np.flatnonzero(self.places > self.place)
            if len(before):
                ways["before"] = eye[before[-1]]
            if len(after):
                ways["after"] = eye[after[0]]
        return ways


def read_frames(
    rows: NDArray[np.complex128],
    is_background: NDArray[np.bool_],
    *,
    picked: Sequence[int] | None = None,
) -> Frames:
    """Return the frames (frame, row) of one file, sorted into object and empty blocks.

    `picked` names the frames of the object to average, all by default. Background frames that
    follow each other are one block.

    Raises
    ------
    DataError
        if there is no frame of the object, or a picked one is none.
    """
    empty = np.flatnonzero(is_background)
    full = np.flatnonzero(~is_background)
    if len(full) == 0:
        raise DataError("every frame is a background frame; there is no signal to measure")
    if picked is not None:
        if not picked or (wrong := sorted(set(picked) - {int(f) for f in full})):
            raise DataError(
                f"frames {list(picked)} asked for; {wrong if picked else 'none'} are no frames of "
                f"the object; the file has {len(full)} of them, {len(is_background)} frames in all"
            )
        full = np.array(sorted(set(picked)))
    blocks = np.split(empty, np.flatnonzero(np.diff(empty) > 1) + 1) if len(empty) else []
    means = [rows[block].mean(axis=0) for block in blocks]
    squares = np.zeros(rows.shape[1])
    for block, mean in zip(blocks, means, strict=True):
        squares += (np.abs(rows[block] - mean) ** 2).sum(axis=0)
    return Frames(
        empty=np.array(means, dtype=np.complex128).reshape(len(blocks), rows.shape[1]),
        sizes=np.array([len(block) for block in blocks], dtype=np.float64),
        places=np.array([block.mean() for block in blocks], dtype=np.float64),
        squares=squares,
        replicates=len(empty) - len(blocks),
        full=rows[full].mean(axis=0),
        place=float(full.mean()),
        n_full=len(full),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """Variances E|.|^2 per row: of one frame, and of the drift from one block to the next."""

    frame: NDArray[np.float64]
    drift: NDArray[np.float64]


def estimate_noise(scan: Frames, matrix: Frames) -> tuple[Noise, Noise, tuple[str, ...]]:
    """Return the noise of a scan and of its calibration, and what a reader must know.

    Frames within a block give the noise, steps between blocks the drift. Where a file has few
    repeated frames, noise cannot be told from drift: the frames and steps of both files are
    then pooled, and all of it counts as noise. Small numbers are allowed for by nu / (nu - 1),
    nu complex degrees of freedom (mean of the variance's posterior, Jeffreys prior).
    """
    if min(scan.replicates, matrix.replicates) >= OWN_REPLICATES:
        notes = []
        noises = []
        for frames, what in ((scan, "scan"), (matrix, "calibration")):
            frame = frames.squares / (frames.replicates - 1)
            noises.append(Noise(frame, _drift(frames, frame)))
            if len(frames.sizes) < 2:
                notes.append(
                    f"the {what} has one block of background frames: its drift is not known, and "
                    "not in the interval"
                )
        return noises[0], noises[1], tuple(notes)
    n = scan.replicates + matrix.replicates + len(scan.steps()) + len(matrix.steps())
    if n < 2:
        raise DataError(
            "noise cannot be estimated: scan and calibration together need at least three "
            f"background frames beyond one per file, found {n + 2 if n else 'fewer'}; an amount "
            "without its noise has no honest interval"
        )
    squares = scan.squares + matrix.squares
    for frames in (scan, matrix):
        squares = squares + (frames.steps() / frames.step_noise()[:, None]).sum(axis=0)
    pooled = Noise(squares / (n - 1), np.zeros_like(squares))
    note = (
        f"noise from {n} differences of background frames of scan and calibration, pooled; drift "
        "and noise are not told apart"
    )
    return pooled, pooled, (note,)


def _drift(frames: Frames, noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the drift variance per step: half the row's own, half the mean of all rows.

    One step per row is too few to trust the row alone; drift is shared among rows by its
    ratio to their noise.
    """
    if len(frames.sizes) < 2:
        return np.zeros_like(noise)
    excess = frames.steps() - frames.step_noise()[:, None] * noise
    safe = np.where(noise > 0, noise, 1.0)
    shared = max(float(np.mean(excess / safe)), 0.0)
    own = np.maximum(excess.mean(axis=0), 0.0)
    drift: NDArray[np.float64] = (own + shared * noise) / 2
    return drift


def background_variance(frames: Frames, noise: Noise, choice: Choice) -> NDArray[np.float64]:
    """Return the variance (row,) of a background taken by `choice` at the object's place.

    Noise of the averaged frames, and drift as a random walk from block to block: the variance
    of a contrast c of its values is -1/2 sum c_i c_j |p_i - p_j|, in steps.
    """
    used = choice != 0
    share = float((choice[used] ** 2 / frames.sizes[used]).sum())
    if len(frames.places) < 2:
        return noise.frame * share
    gap = float(np.mean(np.diff(frames.places)))
    places = np.append(frames.places, frames.place) / gap
    contrast = np.append(-choice, 1.0)
    distance = np.abs(places[:, None] - places[None, :])
    walk = max(-0.5 * float(contrast @ distance @ contrast), 0.0)
    return noise.frame * share + noise.drift * walk


def pick_choice(frames: Frames, background: Background, name: str) -> Choice:
    """Return the block weights that `background` names.

    Raises
    ------
    DataError
        if there are no background frames for it.
    """
    if background is Background.NONE:
        return np.zeros(len(frames.sizes))
    ways = frames.choices()
    if background.value == "own_linear" and len(frames.sizes) == 1:
        return ways["own_mean"]
    if background.value not in ways:
        raise DataError(
            f"{name}: background {background.value!r} cannot be taken; its background frames "
            f"allow {', '.join(sorted(ways)) or 'none'}. Give scans with background frames, or "
            "state background 'none' for a scan that is corrected already"
        )
    return ways[background.value]

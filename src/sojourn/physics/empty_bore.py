"""What a scanner receives without any tracer: noise, drift and feed-through, as one background."""

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.physics.noise import Drift, ReceiverNoise, simulate_drift, simulate_noise_spectra
from sojourn.physics.scanners import Scanner

QUIET = Drift()
"""No drift."""


def simulate_empty_bore(
    scanner: Scanner,
    times: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    noise: ReceiverNoise,
    drift: Drift = QUIET,
    feedthrough: NDArray[np.complex128] | None = None,
    n_averages: int = 1,
) -> NDArray[np.complex128]:
    """Return the spectra of an empty bore, one frame at each time.

    Noise is in every bin. Drift and feed-through come from the drive, so that they lie on its
    frequencies and their harmonics, and pass the receive chain's transfer function; noise is that
    of the receiver's input and passes it too.

    Parameters
    ----------
    scanner
        gives channels, bins and the transfer function.
    times
        start of each frame, s since switching on, rising, shape (frame,).
    rng
        source of noise and drift.
    noise
        at the receiver's input.
    drift
        of each harmonic, amplitude at the receiver's input.
    feedthrough
        shape (channel, bin): constant amplitude of a sine at the receiver's input, V; counts at
        every bin as stated. None is none.
    n_averages
        periods averaged in a frame.

    Returns
    -------
        shape (frame, channel, bin), V, unnormalised rFFT of a period: the `background` of
        `simulation.simulate_measurement`.

    Raises
    ------
    DataError
        if `feedthrough` has another shape, or as noise and drift say.

    Examples
    --------
    >>> from sojourn.physics.scanner_presets import human_head
    >>> rng = np.random.default_rng(0)
    >>> empty = simulate_empty_bore(
    ...     human_head(), np.arange(3.0), rng, noise=ReceiverNoise(amplifier=1e-9)
    ... )
    >>> empty.shape
    (3, 1, 77)
    """
    sequence = scanner.sequence
    bins = (scanner.n_channels, scanner.n_bins)
    times = np.asarray(times, dtype=np.float64)
    steady = np.zeros(bins, dtype=np.complex128) if feedthrough is None else feedthrough
    if steady.shape != bins or not np.isfinite(steady).all():
        raise DataError(f"feedthrough has shape {steady.shape}, expected finite {bins}")
    spectra = simulate_noise_spectra(
        noise,
        (len(times), scanner.n_channels),
        rng,
        n_samples=sequence.n_samples,
        cycle=sequence.drive_field.cycle,
        n_averages=n_averages,
    )
    amplitude = steady + simulate_drift(times, drift, bins, rng) * drive_harmonics(scanner)
    spectra = spectra + amplitude * (sequence.n_samples / 2)
    if scanner.transfer is not None:
        spectra = spectra * scanner.transfer
    spectra.imag[..., 0] = 0.0
    if sequence.n_samples % 2 == 0:
        spectra.imag[..., -1] = 0.0
    return spectra


def drive_harmonics(scanner: Scanner) -> NDArray[np.bool_]:
    """Return which rFFT bins are a drive frequency or one of its harmonics, shape (bin,).

    Bin 0 is none; mixtures of several drive frequencies need tracer and are none either.
    """
    drive = scanner.sequence.drive_field
    found = np.zeros(scanner.n_bins, dtype=np.bool_)
    cycles = np.rint(drive.cycle * drive.base_frequency / drive.divider).astype(int)
    for each in np.unique(cycles):
        found[each :: int(each)] = True
    return found

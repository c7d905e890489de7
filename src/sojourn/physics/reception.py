"""Reception by reciprocity: from moments over time to voltages, and what feeds through."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.arrays import frozen
from sojourn.core.errors import DataError
from sojourn.core.signals import TransferFunction
from sojourn.physics.coils import Coil, GradiometerPair, mutual_inductance
from sojourn.physics.field_sources import FieldSource


def receive_sensitivities(
    coils: tuple[FieldSource, ...], positions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the sensitivity of every receive coil: by reciprocity its own field per ampere.

    Parameters
    ----------
    coils
        one source (a coil, a gradiometer pair) for each receive channel.
    positions
        shape (n, 3), LPS, m.

    Returns
    -------
        shape (n, channel, 3), T/A.

    Raises
    ------
    DataError
        if there is no coil.

    References
    ----------
    Hoult and Richards, Journal of Magnetic Resonance 24 (1976) 71 (reciprocity).
    """
    if not coils:
        raise DataError("reception needs at least one coil")
    return np.stack([coil.flux_density(positions) for coil in coils], axis=1)


def spectral_derivative(n_samples: int, cycle: float) -> NDArray[np.complex128]:
    """Return the factors that take a period's rFFT to that of its time derivative.

    Parameters
    ----------
    n_samples
        of the period.
    cycle
        of the period, s.

    Returns
    -------
        i 2 pi f, shape (n_samples // 2 + 1,), 1/s; 0 in the last bin of an even number of samples,
        where a real derivative has no part.

    Raises
    ------
    DataError
        if there are fewer than 2 samples or the period is not positive.
    """
    if n_samples < 2 or not cycle > 0:
        raise DataError(f"{n_samples} samples in {cycle} s are no period")
    factors = np.asarray(2j * np.pi * np.arange(n_samples // 2 + 1) / cycle, dtype=np.complex128)
    if n_samples % 2 == 0:
        factors[-1] = 0.0
    return factors


@dataclass(frozen=True, slots=True, eq=False)
class Reception:
    r"""Moments over one period to received spectra, a linear operator with its adjoint.

    .. math:: u_c(t) = -\frac{d}{dt} \sum_n p_c(r_n) \cdot m_n(t)

    `sensitivity` (n, channel, 3), T/A: of `receive_sensitivities`. `n_samples`, `cycle` (s): of the
    period. `transfer` (channel, bin): received over induced voltage; None is 1.
    `domain` (n, 3, sample), A m^2; `range` (channel, bin), V, unnormalised rFFT.
    """

    sensitivity: NDArray[np.float64]
    n_samples: int
    cycle: float
    transfer: NDArray[np.complex128] | None = None

    def __post_init__(self) -> None:
        sensitivity = np.asarray(self.sensitivity, dtype=np.float64)
        if sensitivity.ndim != 3 or sensitivity.shape[2] != 3:
            raise DataError(f"sensitivity has shape {sensitivity.shape}, expected (n, channel, 3)")
        object.__setattr__(self, "sensitivity", frozen(sensitivity))
        bins = len(spectral_derivative(self.n_samples, self.cycle))
        if self.transfer is not None:
            transfer = np.asarray(self.transfer, dtype=np.complex128)
            if transfer.shape != (sensitivity.shape[1], bins):
                raise DataError(
                    f"transfer has shape {transfer.shape}, expected "
                    f"{(sensitivity.shape[1], bins)} (channel, bin)"
                )
            object.__setattr__(self, "transfer", frozen(transfer))

    @property
    def domain(self) -> tuple[int, ...]:
        """Shape (n, 3, sample) of the moments."""
        return len(self.sensitivity), 3, self.n_samples

    @property
    def range(self) -> tuple[int, ...]:
        """Shape (channel, bin) of the spectra."""
        return self.sensitivity.shape[1], self.n_samples // 2 + 1

    def forward(self, x: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Return the spectra, V, that moments `x` (n, 3, sample), A m^2, induce."""
        flux = np.tensordot(self.sensitivity, x, axes=((0, 2), (0, 1)))
        spectra: NDArray[np.complex128] = self._gain() * np.fft.rfft(flux, axis=-1)
        return spectra

    def adjoint(self, y: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Return the back-projection (n, 3, sample) of spectra `y` (channel, bin)."""
        weighted = np.conj(self._gain()) * y
        # The adjoint of rFFT counts every bin once, irFFT the inner ones twice.
        weighted[:, 1 : (self.n_samples + 1) // 2] /= 2.0
        waves = np.fft.irfft(weighted, n=self.n_samples, axis=-1) * self.n_samples
        moments: NDArray[np.float64] = np.einsum("nca,ct->nat", self.sensitivity, waves)
        return moments

    def voltages(self, moments: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the received voltages over the period, shape (channel, sample), V."""
        return np.fft.irfft(self.forward(moments), n=self.n_samples, axis=-1)

    def _gain(self) -> NDArray[np.complex128]:
        induced = -spectral_derivative(self.n_samples, self.cycle)
        transfer = 1.0 if self.transfer is None else self.transfer
        gain: NDArray[np.complex128] = np.broadcast_to(induced * transfer, self.range)
        return gain


def transfer_on_bins(
    transfer: TransferFunction, frequencies: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Return a measured transfer function at rFFT bins, 0 where it was not measured.

    Parameters
    ----------
    transfer
        of the receive chain.
    frequencies
        of the bins, Hz, shape (bin,), from 0.

    Returns
    -------
        shape (channel, bin), received over induced voltage. A bin outside the measured range is
        one that a simulation must not claim to receive: its value is 0, nothing is extrapolated.
        Where the induction factor is known it is not applied: it takes moments, not voltages.

    Raises
    ------
    DataError
        if no bin lies within the measured range.
    """
    bins = np.asarray(frequencies, dtype=np.float64)
    inside = (bins >= transfer.frequencies[0]) & (bins <= transfer.frequencies[-1])
    if not inside.any():
        raise DataError(
            f"{transfer.name} was measured from {transfer.frequencies[0]:.6g} to "
            f"{transfer.frequencies[-1]:.6g} Hz; none of {len(bins)} bins lies there"
        )
    values = np.zeros((len(transfer.values), len(bins)), dtype=np.complex128)
    values[:, inside] = transfer.at(bins[inside])
    return values


def feedthrough_voltage(
    receive: Coil | GradiometerPair, drive: tuple[Coil, ...], *, amplitude: float, frequency: float
) -> float:
    r"""Return the peak voltage that a sine through the drive coils induces in a receive coil.

    .. math:: \hat u = 2 \pi f |M| \hat I

    Parameters
    ----------
    receive
        a coil, or a gradiometer pair that suppresses it.
    drive
        coils in series.
    amplitude
        peak current, A.
    frequency
        in Hz.

    Returns
    -------
        V; without shielding, tissue or stray capacitance.
    """
    if isinstance(receive, GradiometerPair):
        coupling = receive.coupling(drive)
    else:
        coupling = sum(mutual_inductance(coil, receive) for coil in drive)
    return abs(2 * np.pi * frequency * coupling * amplitude)

"""The signal of iron at a place: calibrations and scans of a simulated knee scanner."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.core.geometry import Grid
from sojourn.core.provenance import digest
from sojourn.core.signals import Acquisition, ArraySpectra, Scan, SystemMatrix
from sojourn.physics.fields import KneeScanner, drive_waveform, selection_field
from sojourn.physics.particles import (
    BODY_TEMPERATURE,
    FERUMOXYTOL,
    TracerParticles,
    mean_magnetization,
)
from sojourn.physics.receive import (
    QUIET_ROOM,
    Interference,
    simulate_interference,
    transfer_function,
)

ROOM_TEMPERATURE = 295.15
"""K: where the calibration is taken [assumption]."""

CALIBRATION_GRID = Grid.centered((12, 8, 12), (0.01, 0.01, 0.01))
"""120 x 80 x 120 mm in voxels of 10 mm, as wide as the calibration sample."""

_OVERSAMPLING = 2
_TABLE_SIZE = 16384
_CHUNK = 512


def simulate_response(
    positions: NDArray[np.float64],
    scanner: KneeScanner,
    particles: TracerParticles,
    *,
    temperature: float = BODY_TEMPERATURE,
) -> NDArray[np.complex128]:
    """Return the received spectrum of 1 kg of iron at each position.

    The moment follows the field without delay along its direction (Langevin equilibrium); the
    received voltage is the transfer function times the moment's rFFT. The moment is sampled twice
    as densely as the receiver does and the upper half of the band dropped, as an anti-alias
    filter does.

    Parameters
    ----------
    positions
        shape (n, 3), LPS, m from the isocentre.
    scanner
        fields and receive coils.
    particles
        the tracer.
    temperature
        of the tracer, in K.

    Returns
    -------
        shape (n, channel, bin), V/kg, unnormalised rFFT of a period.

    References
    ----------
    Knopp and Buzug, Magnetic Particle Imaging, Springer 2012, chapter 2.
    """
    drive = drive_waveform(scanner.drive_field, _OVERSAMPLING * scanner.n_samples)
    static = selection_field(positions, scanner.gradient)
    reach = np.linalg.norm(np.abs(static).max(axis=0) + np.abs(drive).max(axis=1))
    table = np.linspace(0.0, 1.01 * float(reach), _TABLE_SIZE)
    ratio = np.empty(_TABLE_SIZE)
    magnetization = mean_magnetization(table, particles, temperature=temperature)
    ratio[1:] = magnetization[1:] / table[1:]
    ratio[0] = ratio[1]
    gain = transfer_function(scanner) * (particles.moment_per_iron / _OVERSAMPLING)
    response = np.empty((len(positions), 3, scanner.n_bins), dtype=np.complex128)
    for start in range(0, len(positions), _CHUNK):
        field = static[start : start + _CHUNK, :, None] + drive
        strength = np.sqrt(np.einsum("nct,nct->nt", field, field))
        field *= np.interp(strength, table, ratio)[:, None, :]
        spectrum = np.fft.rfft(field, axis=-1)[..., : scanner.n_bins]
        response[start : start + _CHUNK] = spectrum * gain
    return response


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedResponse:
    """The simulated spectra as a linear operator: iron (n,), kg, to spectra (channel, bin), V."""

    values: NDArray[np.complex128]

    @property
    def domain(self) -> tuple[int, ...]:
        """Shape (n,) of the iron at each position."""
        return self.values.shape[:1]

    @property
    def range(self) -> tuple[int, ...]:
        """Shape (channel, bin) of the spectra."""
        return self.values.shape[1:]

    def forward(self, x: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Return the spectra, V, of the iron `x` (n,), kg."""
        spectra: NDArray[np.complex128] = np.tensordot(x, self.values, axes=1)
        return spectra

    def adjoint(self, y: NDArray[np.complex128]) -> NDArray[np.float64]:
        """Return the back-projection (n,) of spectra `y` (channel, bin)."""
        return np.tensordot(self.values.conj(), y, axes=2).real


def scanner_acquisition(scanner: KneeScanner, *, start_time: str = "") -> Acquisition:
    """Return what a file of this scanner says of its acquisition."""
    return Acquisition(
        drive_field=scanner.drive_field,
        n_channels=3,
        n_samples=scanner.n_samples,
        bandwidth=scanner.bandwidth,
        unit="V",
        n_averages=scanner.frame_averages,
        gradient=np.diag(scanner.gradient),
        start_time=start_time,
    )


@dataclass(frozen=True, slots=True)
class CalibrationProtocol:
    """How the calibration is taken: a robot moves a cube of tracer from voxel to voxel.

    `sample_iron`, kg, in a cube of the voxel's size (1 mL of 1 g/L) [assumption].
    `frames_per_voxel`, averaged, and `background_frames`, each as well averaged [assumption].
    """

    sample_iron: float = 1e-6
    frames_per_voxel: int = 10
    background_frames: int = 48


def simulate_calibration(
    rng: np.random.Generator,
    *,
    grid: Grid = CALIBRATION_GRID,
    scanner: KneeScanner | None = None,
    particles: TracerParticles = FERUMOXYTOL,
    interference: Interference = QUIET_ROOM,
    protocol: CalibrationProtocol | None = None,
    name: str = "SIMULATED calibration",
    start_time: str = "",
) -> SystemMatrix:
    """Return a calibration as a robot would take it, with noise, its background subtracted.

    The cube is integrated by 2 x 2 x 2 Gauss points (exact for cubic fields). The background is
    tracked by frequent empty measurements, so that only white noise is left; background frames
    follow the voxels.

    Parameters
    ----------
    rng
        source of the noise.
    grid
        positions of the sample; the cube is as large as a voxel.
    scanner
        the standard `KneeScanner` unless stated.
    particles
        the calibration's tracer, at room temperature.
    interference
        whose white noise is averaged over the frames of a voxel.
    protocol
        iron and averaging.
    name, start_time
        what the matrix says of itself.

    Returns
    -------
        in V, frames in voxel order, then background frames; SNR filled in where there is noise.
    """
    scanner = scanner or KneeScanner()
    protocol = protocol or CalibrationProtocol()
    response = _cube_response(grid, scanner, particles)
    n_frames = grid.n_voxels + protocol.background_frames
    spectra = np.zeros((n_frames, 3, scanner.n_bins), dtype=np.complex128)
    spectra[: grid.n_voxels] = protocol.sample_iron * response
    white = Interference(
        noise=interference.noise / np.sqrt(protocol.frames_per_voxel),
        offset=0.0,
        warming=0.0,
        wander=0.0,
    )
    spectra += simulate_interference(np.zeros(n_frames), scanner, white, rng)
    is_background = np.arange(n_frames) >= grid.n_voxels
    return SystemMatrix(
        spectra=ArraySpectra(spectra),
        acquisition=scanner_acquisition(scanner, start_time=start_time),
        is_background=is_background,
        grid=grid,
        name=name,
        source=digest(spectra.tobytes()),
        snr=_signal_to_noise(spectra, is_background),
        sample_iron=protocol.sample_iron,
        is_simulated=True,
        is_background_corrected=True,
    )


def _cube_response(
    grid: Grid, scanner: KneeScanner, particles: TracerParticles
) -> NDArray[np.complex128]:
    """Return the response averaged over the voxel's cube, shape (voxel, channel, bin)."""
    centers = grid.centers()
    step = np.array(grid.spacing) / (2 * np.sqrt(3.0))
    total = np.zeros((grid.n_voxels, 3, scanner.n_bins), dtype=np.complex128)
    for corner in np.ndindex(2, 2, 2):
        shifted = centers + step * (2 * np.array(corner) - 1)
        total += simulate_response(shifted, scanner, particles, temperature=ROOM_TEMPERATURE) / 8
    return total


def _signal_to_noise(
    spectra: NDArray[np.complex128], is_background: NDArray[np.bool_]
) -> NDArray[np.float64] | None:
    """Return (channel, bin): median signal above 90 % of the maximum, over mean noise.

    None where a bin has no noise: no ratio exists.
    """
    empty = spectra[is_background]
    noise = np.abs(empty - empty.mean(axis=0)).mean(axis=0)
    if not noise.all():
        return None
    signal = np.abs(spectra[~is_background] - empty.mean(axis=0))
    strong = np.where(signal >= 0.9 * signal.max(axis=0), signal, np.nan)
    snr: NDArray[np.float64] = np.nanmedian(strong, axis=0) / noise
    return snr


@dataclass(frozen=True, slots=True)
class ScanProtocol:
    """How a knee is scanned: empty bore, knee, empty bore, with minutes between [assumption].

    Frames of 1 s: `background_frames` before and as many after, `frames` with the knee.
    `pause`, s: between two blocks, to place the knee. `warm_up`, s: since switching on.
    """

    frames: int = 20
    background_frames: int = 10
    pause: float = 110.0
    warm_up: float = 300.0

    def times(self) -> NDArray[np.float64]:
        """Return the start of every frame, s since switching on."""
        block = np.arange(self.background_frames, dtype=np.float64)
        knee = self.background_frames + self.pause + np.arange(self.frames)
        last = self.background_frames + self.frames + 2 * self.pause + block
        return self.warm_up + np.concatenate((block, knee, last))

    def is_background(self) -> NDArray[np.bool_]:
        """Return the mask of empty-bore frames."""
        empty = np.ones(self.background_frames, dtype=np.bool_)
        return np.concatenate((empty, np.zeros(self.frames, dtype=np.bool_), empty))


def simulate_scan(
    signal: NDArray[np.complex128],
    rng: np.random.Generator,
    *,
    scanner: KneeScanner | None = None,
    interference: Interference = QUIET_ROOM,
    protocol: ScanProtocol | None = None,
    name: str = "SIMULATED scan",
    start_time: str = "",
    metadata: Mapping[str, str] | None = None,
) -> Scan:
    """Return a scan of a knee whose tracer alone would give `signal`.

    Parameters
    ----------
    signal
        shape (channel, bin), V, unnormalised rFFT: from `simulate_response` times iron.
    rng
        source of noise and background.
    scanner, interference, protocol
        the standard ones unless stated.
    name, start_time, metadata
        what the scan says of itself.

    Returns
    -------
        frames before, with and after the knee; only the middle block holds `signal`.

    Raises
    ------
    DataError
        if `signal` does not have the scanner's channels and bins.
    """
    scanner = scanner or KneeScanner()
    protocol = protocol or ScanProtocol()
    if signal.shape != (3, scanner.n_bins):
        raise DataError(f"signal has shape {signal.shape}, expected (3, {scanner.n_bins})")
    spectra = simulate_interference(protocol.times(), scanner, interference, rng)
    is_background = protocol.is_background()
    spectra[~is_background] += signal
    return Scan(
        spectra=ArraySpectra(spectra),
        acquisition=scanner_acquisition(scanner, start_time=start_time),
        is_background=is_background,
        name=name,
        source=digest(spectra.tobytes()),
        is_simulated=True,
        metadata=metadata or {},
    )

"""MDF files made dataset by dataset with h5py, apart from the package's own writer."""

import h5py
import numpy as np

from sojourn.core.signals import stored_bins
from sojourn.formats.mdf import read_system_matrix

SAMPLES, CHANNELS, VOXELS, EMPTY = 8, 2, 4, 1
FRAMES = VOXELS + EMPTY
BINS = SAMPLES // 2 + 1


def signals(seed=0, frames=FRAMES):
    """Return real samples (frame, channel, sample)."""
    return np.random.default_rng(seed).standard_normal((frames, CHANNELS, SAMPLES))


def datasets(seed=0):
    """Return a calibration of 2 x 2 x 1 voxels and one background frame, time domain."""
    return {
        "/time": "2026-01-02T03:04:05.678",
        "/uuid": "11111111-2222-4333-8444-555555555555",
        "/version": "2.1.0",
        "/study/description": "hand made",
        "/study/name": "study",
        "/study/number": 7,
        "/study/uuid": "21111111-2222-4333-8444-555555555555",
        "/experiment/description": "n.a.",
        "/experiment/isSimulation": np.int8(1),
        "/experiment/name": "experiment",
        "/experiment/number": 1,
        "/experiment/subject": "01-007",
        "/experiment/uuid": "31111111-2222-4333-8444-555555555555",
        "/tracer/batch": ["B1"],
        "/tracer/concentration": np.array([0.1]),
        "/tracer/name": ["tracer"],
        "/tracer/solute": ["Fe"],
        "/tracer/vendor": ["vendor"],
        "/tracer/volume": np.array([2e-6]),
        "/scanner/facility": "n.a.",
        "/scanner/manufacturer": "n.a.",
        "/scanner/name": "scanner",
        "/scanner/operator": "n.a.",
        "/scanner/topology": "FFP",
        "/acquisition/numAverages": 3,
        "/acquisition/numFrames": FRAMES,
        "/acquisition/numPeriodsPerFrame": 1,
        "/acquisition/startTime": "2026-01-02T03:04:00.000",
        "/acquisition/drivefield/baseFrequency": 2.5e6,
        "/acquisition/drivefield/cycle": 12 / 2.5e6,
        "/acquisition/drivefield/divider": np.array([[4], [6]]),
        "/acquisition/drivefield/numChannels": 2,
        "/acquisition/drivefield/phase": np.zeros((1, 2, 1)),
        "/acquisition/drivefield/strength": np.full((1, 2, 1), 0.012),
        "/acquisition/drivefield/waveform": [["sine"], ["sine"]],
        "/acquisition/receiver/bandwidth": SAMPLES / 2 / (12 / 2.5e6),
        "/acquisition/receiver/numChannels": CHANNELS,
        "/acquisition/receiver/numSamplingPoints": SAMPLES,
        "/acquisition/receiver/unit": "V",
        "/measurement/data": signals(seed)[:, None],
        "/measurement/isBackgroundCorrected": np.int8(0),
        "/measurement/isBackgroundFrame": np.array([0, 0, 0, 0, 1], np.int8),
        "/measurement/isFastFrameAxis": np.int8(0),
        "/measurement/isFourierTransformed": np.int8(0),
        "/measurement/isFramePermutation": np.int8(0),
        "/measurement/isFrequencySelection": np.int8(0),
        "/measurement/isSparsityTransformed": np.int8(0),
        "/measurement/isSpectralLeakageCorrected": np.int8(0),
        "/measurement/isTransferFunctionCorrected": np.int8(0),
        "/calibration/fieldOfView": np.array([0.004, 0.006, 0.001]),
        "/calibration/fieldOfViewCenter": np.array([0.01, 0.02, 0.03]),
        "/calibration/method": "robot",
        "/calibration/size": np.array([2, 2, 1]),
    }


def fourier(seed=0, bins=None, fast=True):
    """Return what makes `datasets` a calibration in the Fourier domain."""
    spectra = np.fft.rfft(signals(seed), axis=-1)
    changes = {"/measurement/isFourierTransformed": np.int8(1)}
    if bins is not None:
        spectra = spectra[:, :, bins]
        changes["/measurement/isFrequencySelection"] = np.int8(1)
        changes["/measurement/frequencySelection"] = np.array(bins) + 1
    data = spectra[:, None]
    if fast:
        changes["/measurement/isFastFrameAxis"] = np.int8(1)
        data = np.moveaxis(data, 0, -1)
    return {**changes, "/measurement/data": data}


def write(path, changes=None, *, base=None, without=(), **options):
    """Write `base` (or `datasets()`) with some datasets changed or left out; return `path`."""
    found = {**(datasets() if base is None else base), **(changes or {})}
    with h5py.File(path, "w") as file:
        for name, value in found.items():
            if name not in without and not any(name.startswith(f"{w}/") for w in without):
                file.create_dataset(name, data=value, **(options if name in options else {}))
    return path


SPECTRA = np.fft.rfft(signals(), axis=-1)
"""The spectra of `datasets()`, (frame, channel, bin)."""


def read_all(path, reader=read_system_matrix):
    spectra = reader(path).spectra
    return np.stack([spectra.read(c, stored_bins(spectra)) for c in range(2)], axis=1)

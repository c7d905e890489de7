"""Scans, and MDF files of the package's own writer, that tests of several ideas need."""

from dataclasses import replace

import numpy as np

import synthetic_mpi as synthetic
from mdf_headers import HEADER
from sojourn.formats.mdf import MdfLayout, MdfTracer, write_system_matrix

EVERY = np.arange(17)


def written(tmp_path, **changes):
    tracer = MdfTracer.with_iron(1e-8, 2e-6, name="ferrite", batch="7")
    matrix = synthetic.matrix(
        sample_iron=1e-8, snr=np.ones((2, 17)), **{"is_simulated": True, **changes}
    )
    path = tmp_path / "strict.mdf"
    layout = MdfLayout(fast_frame_axis=True, bins=(3, 4, 9))
    write_system_matrix(
        path,
        matrix,
        replace(HEADER, tracer=tracer),
        layout=layout,
        method="simulation",
        delta_sample_size=(0.001, 0.002, 0.001),
    )
    return path


def spectra_of(source, bins=EVERY):
    channels = range(source.acquisition.n_channels)
    return np.stack([source.spectra.read(c, bins) for c in channels], axis=1)


def patch(number, frames=3, **changes):
    """Return one patch of a scan; patches differ in offset field, gradient and strength."""
    drive = replace(synthetic.acquisition().drive_field, strength=np.array([[0.01 + number]]))
    taken = synthetic.acquisition(
        drive_field=drive,
        gradient=np.diag([-1.0, -1.0, 2.0]) * (1 + number),
        offset_field=np.array([number, 0.0, 0.5]),
        **changes,
    )
    rng = np.random.default_rng(number)
    return synthetic.scan(
        synthetic.random_spectra(rng, frames, taken), [False, True, False], acquisition=taken
    )

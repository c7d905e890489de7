"""Where an MDF file's values contradict the specification, or each other."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from sojourn.core.errors import DataError
from sojourn.formats._isolation import Limits
from sojourn.formats._mdf_acquisition import (
    DRIVE,
    RELATIVE_TOLERANCE,
    common_period,
    read_acquisition,
)
from sojourn.formats._mdf_calibration import check_positions, read_box, voxel_order
from sojourn.formats._mdf_check import (
    FUNCTION,
    INDICES,
    Deviation,
    Examined,
    printable,
    structure,
)
from sojourn.formats._mdf_data import DCT_TYPES, read_layout
from sojourn.formats._mdf_header import is_time
from sojourn.formats._mdf_layout import FIELDS, VERSION, group_of
from sojourn.formats._mdf_legacy import DATA
from sojourn.formats._mdf_receiver import RECEIVER
from sojourn.formats._mdf_selection import GRADIENT, SUM_TOLERANCE
from sojourn.formats._mdf_spectra import FileSpectra
from sojourn.formats._mdf_tree import Tree, open_tree

LIMITS = Limits()
ROWS_AT_ONCE = 256
MAX_INDICES = 1 << 28
CHOICES = {
    f"{DRIVE}/waveform": ("sine", "triangle", "custom"),
    "/scanner/topology": ("FFP", "FFL", "MPS"),
    "/calibration/method": ("robot", "hybrid", "simulation"),
}
POSITIVE = (
    "/acquisition/numAverages",
    "/acquisition/numFrames",
    "/acquisition/numPeriodsPerFrame",
    f"{DRIVE}/baseFrequency",
    f"{DRIVE}/cycle",
    f"{DRIVE}/divider",
    f"{DRIVE}/numChannels",
    f"{RECEIVER}/bandwidth",
    f"{RECEIVER}/numChannels",
    f"{RECEIVER}/numSamplingPoints",
    "/scanner/boreSize",
    "/calibration/size",
    "/calibration/fieldOfView",
    "/reconstruction/size",
    "/reconstruction/fieldOfView",
)
SEVERITIES = ("deviation", "note", "extension")


def check_mdf(path: Path, *, limits: Limits = LIMITS) -> tuple[Deviation, ...]:
    """Return every difference of a file from MDF 2.1.0: deviations first, then notes, extensions.

    Names, presence, types, shapes and values of every dataset are compared with the
    specification, and the datasets with each other. Measured numbers themselves are not judged.

    Raises
    ------
    DataError
        if the file cannot be opened, is not HDF5, reaches outside itself, or exceeds `limits`.

    References
    ----------
    Knopp et al., MDF: Magnetic Particle Imaging Data Format, arXiv:1602.06072, version 2.1.0.
    """
    return check_tree(open_tree(Path(path), limits=limits))


def check_tree(tree: Tree) -> tuple[Deviation, ...]:
    """Return every difference of an opened file from MDF 2.1.0."""
    examined = Examined(tree)
    found = [*structure(examined)]
    for rule in RULES:
        found += rule(examined)
    unique = dict.fromkeys(found)
    places = {name: place for place, name in enumerate(FIELDS)}
    return tuple(
        sorted(
            unique,
            key=lambda d: (
                SEVERITIES.index(d.severity),
                places.get(d.dataset, len(places)),
                d.dataset,
            ),
        )
    )


def _version(examined: Examined) -> Iterator[Deviation]:
    for version in examined.texts("/version"):
        if version != VERSION:
            yield Deviation("/version", repr(printable(version)), repr(VERSION), section="/")


def _texts(examined: Examined) -> Iterator[Deviation]:
    for name in FIELDS:
        section = group_of(name)
        for text in examined.texts(name):
            shown = repr(printable(text))
            if name.endswith("/uuid"):
                yield from _uuid(name, text, section)
            elif name.lower().endswith("time") and not is_time(text):
                yield Deviation(name, shown, "yyyy-mm-ddThh:mm:ss.ms, UTC")
            elif name in CHOICES and text not in CHOICES[name]:
                severity = "deviation" if name.endswith("waveform") else "note"
                known = ", ".join(CHOICES[name])
                yield Deviation(name, shown, f"one of {known}", severity, section)  # type: ignore[arg-type]
            elif name.endswith("/order") and sorted(text) != ["x", "y", "z"]:
                yield Deviation(name, shown, "an order of x, y and z", section=section)


def _uuid(name: str, text: str, section: str) -> Iterator[Deviation]:
    try:
        uuid = UUID(text)
        fits = str(uuid) == text.lower()
    except ValueError:
        fits = False
    if not fits:
        yield Deviation(name, repr(printable(text)), "RFC 4122 text, 8-4-4-4-12", section=section)
    elif uuid.version != 4:
        found = f"a UUID of version {uuid.version or 'unknown'}"
        yield Deviation(name, found, "version 4 is recommended", "note", section)


def _numbers(examined: Examined) -> Iterator[Deviation]:
    for name, field in FIELDS.items():
        values = (
            None
            if field.kind in ("string", "number") or name == INDICES
            else (examined.values(name))
        )
        if values is None:
            continue
        section = group_of(name)
        if not np.isfinite(values).all():
            bad = int(np.sum(~np.isfinite(values)))
            severity = "note" if name == FUNCTION else "deviation"
            yield Deviation(name, f"{bad} values not finite", "finite", severity, section)  # type: ignore[arg-type]
            continue
        if field.kind == "flag" and not np.isin(values, (0, 1)).all():
            yield Deviation(name, f"{np.unique(values)[:5].tolist()}", "0 or 1", section=section)
        if name in POSITIVE and np.any(values <= 0):
            yield Deviation(name, f"{values.min()}", "above 0", section=section)


def _drive(examined: Examined) -> Iterator[Deviation]:
    divider = examined.values(f"{DRIVE}/divider")
    base = examined.number(f"{DRIVE}/baseFrequency")
    cycle = examined.number(f"{DRIVE}/cycle")
    bandwidth = examined.number(f"{RECEIVER}/bandwidth")
    samples = examined.number(f"{RECEIVER}/numSamplingPoints")
    is_whole = divider is not None and divider.dtype.kind == "i" and divider.size > 0
    if divider is not None and is_whole and base and cycle and divider.min() > 0:
        expected = common_period(divider, base)
        if not math.isclose(cycle, expected, rel_tol=RELATIVE_TOLERANCE):
            rule = f"{expected:.9g} = lcm(divider) / baseFrequency"
            yield Deviation(f"{DRIVE}/cycle", f"{cycle:.9g} s", rule, section=DRIVE)
            cycle = expected if _fit(samples, bandwidth, expected) else cycle
    if samples and bandwidth and cycle and bandwidth > 0 and cycle > 0:
        expected = 2 * bandwidth * cycle
        if not _fit(samples, bandwidth, cycle):
            rule = f"{expected:.9g} = 2 x bandwidth x cycle"
            name = f"{RECEIVER}/numSamplingPoints"
            yield Deviation(name, f"{samples:.9g}", rule, section=RECEIVER)
    phase = examined.values(f"{DRIVE}/phase")
    if phase is not None and np.any((phase < -np.pi) | (phase >= np.pi)):
        yield Deviation(f"{DRIVE}/phase", "outside", "[-pi, pi) rad", section=DRIVE)


def _fit(samples: float | None, bandwidth: float | None, cycle: float) -> bool:
    """Tell whether samples = 2 x bandwidth x cycle."""
    if not samples or not bandwidth:
        return False
    return math.isclose(samples, 2 * bandwidth * cycle, rel_tol=RELATIVE_TOLERANCE)


def _field(examined: Examined) -> Iterator[Deviation]:
    gradient = examined.values(GRADIENT)
    if gradient is None or gradient.shape[-2:] != (3, 3) or not np.isfinite(gradient).all():
        return
    scale = SUM_TOLERANCE * np.abs(gradient).max(initial=0)
    if np.any(np.abs(np.trace(gradient, axis1=-2, axis2=-1)) > scale) or np.any(
        np.abs(gradient - np.swapaxes(gradient, -1, -2)) > scale
    ):
        expected = "symmetric, trace 0, as of a field without sources"
        yield Deviation(GRADIENT, "another Jacobian", expected, "note", "/acquisition")


def _tracer(examined: Examined) -> Iterator[Deviation]:
    concentration = examined.values("/tracer/concentration")
    volume = examined.values("/tracer/volume")
    for name, values in (("concentration", concentration), ("volume", volume)):
        if values is not None and np.any(values <= 0):
            found = f"{values.ravel()[:5].tolist()}"
            expected = "above 0; an empty bore has no /tracer"
            yield Deviation(f"/tracer/{name}", found, expected, "note", "/tracer")


def _unusable(examined: Examined) -> Iterator[Deviation]:
    """Yield numbers that the specification allows and nobody can use."""
    edges = examined.values("/calibration/deltaSampleSize")
    if edges is not None and np.any(edges <= 0):
        name, found = "/calibration/deltaSampleSize", f"{edges.ravel()[:5].tolist()} m"
        yield Deviation(name, found, "edges above 0", "note", "/calibration")
    factors = examined.values(f"{RECEIVER}/dataConversionFactor")
    if factors is not None and factors.ndim == 2 and np.any(factors[:, 0] == 0):
        name, channel = f"{RECEIVER}/dataConversionFactor", int(np.argmin(factors[:, 0] != 0))
        found = f"a scale of 0 for channel {channel + 1}, which makes its data a constant"
        yield Deviation(name, found, "scales other than 0", "note", RECEIVER)


def _data(examined: Examined) -> Iterator[Deviation]:
    item = examined.items.get(DATA)
    if item is None or item.blocked:
        return
    section = "/measurement"
    is_fourier = examined.flag("/measurement/isFourierTransformed")
    if item.kind in ("int", "float", "complex") and is_fourier != (item.kind == "complex"):
        wanted = "complex" if is_fourier else "real"
        yield Deviation(DATA, f"type {item.type}", f"{wanted}, by its flag", section=section)
    is_selected = examined.flag("/measurement/isFrequencySelection")
    if is_selected and not is_fourier:
        name = "/measurement/isFrequencySelection"
        yield Deviation(name, "1", "0 for data in the time domain", section=section)
    axis = 2 if examined.flag("/measurement/isFastFrameAxis") else 3
    samples = examined.dims.get("V", 0)
    if not is_fourier and len(item.shape) == 4 and item.shape[axis] > samples > 0:
        found = f"{item.shape[axis]} samples"
        yield Deviation(DATA, found, f"at most {samples}, those received", section=section)
    for flag, name in (
        ("isFramePermutation", "framePermutation"),
        ("isFrequencySelection", "frequencySelection"),
        ("isSparsityTransformed", "sparsityTransformation"),
        ("isSparsityTransformed", "subsamplingIndices"),
    ):
        path = f"/measurement/{name}"
        if path in examined.items and not examined.flag(f"/measurement/{flag}"):
            yield Deviation(path, f"present though {flag} is 0", "absent", "note", section)


def _indices(examined: Examined) -> Iterator[Deviation]:
    section, n_frames = "/measurement", examined.dims.get("N", 0)
    permutation = examined.values("/measurement/framePermutation")
    if permutation is not None and examined.flag("/measurement/isFramePermutation"):
        wanted = np.arange(1, permutation.size + 1)
        if not np.array_equal(np.sort(permutation.ravel()), wanted):
            rule = f"each of 1 to {n_frames}, once"
            name = "/measurement/framePermutation"
            yield Deviation(name, _range(permutation), rule, section=section)
    selection = examined.values("/measurement/frequencySelection")
    n_bins = examined.dims["V"] // 2 + 1 if "V" in examined.dims else math.inf
    if selection is not None and examined.flag("/measurement/isFrequencySelection"):
        is_in_range = bool(selection.size) and selection.min() > 0 and selection.max() <= n_bins
        if not is_in_range or len(np.unique(selection)) != selection.size:
            rule = "different bins from 1" + (f" to {n_bins}" if "V" in examined.dims else "")
            name = "/measurement/frequencySelection"
            yield Deviation(name, _range(selection), rule, section=section)


def _range(values: NDArray[np.int64]) -> str:
    if not values.size:
        return "empty"
    return f"{values.size} values, {values.min()} to {values.max()}"


def _background(examined: Examined) -> Iterator[Deviation]:
    background = examined.values("/measurement/isBackgroundFrame")
    if background is None or not examined.has("/calibration"):
        return
    flags, n_empty = background.ravel() != 0, examined.dims.get("E", 0)
    if flags[: len(flags) - n_empty].any():
        found = "background frames between others"
        name = "/measurement/isBackgroundFrame"
        yield Deviation(name, found, "background frames last, in a calibration", section=name[:12])


def _sparsity(examined: Examined) -> Iterator[Deviation]:
    section = "/measurement"
    if not examined.flag("/measurement/isSparsityTransformed"):
        return
    for flag in ("isFourierTransformed", "isFastFrameAxis"):
        if not examined.flag(f"/measurement/{flag}"):
            name = "/measurement/isSparsityTransformed"
            yield Deviation(name, "1", f"0, or {flag} 1", section=section)
    for kind in examined.texts("/measurement/sparsityTransformation"):
        if kind not in DCT_TYPES:
            name = "/measurement/sparsityTransformation"
            known = ", ".join(DCT_TYPES)
            yield Deviation(name, repr(printable(kind)), f"one of {known}", section=section)
    indices = examined.items.get(INDICES)
    rows = tuple(examined.dims.get(symbol) for symbol in "JCK")
    if indices is not None and indices.shape[:3] == rows:
        yield from _kept(examined.tree)


def _kept(tree: Tree) -> Iterator[Deviation]:
    """Yield the first row whose coefficient numbers are wrong."""
    try:
        taken = read_acquisition(tree)
        layout = read_layout(tree, taken)
    except DataError:
        return
    n_indices = layout.n_periods * taken.n_channels * len(layout.bins) * layout.n_kept
    if n_indices > MAX_INDICES:
        found, expected = f"{n_indices} numbers", f"at most {MAX_INDICES} to compare them"
        yield Deviation(INDICES, found, expected, "note", "/measurement")
        return
    try:
        for period in range(layout.n_periods):
            spectra = FileSpectra(
                tree.path, tree.stamp, tree.limits, layout.of_period(period), taken.n_samples
            )
            for channel in range(taken.n_channels):
                for start in range(0, len(layout.bins), ROWS_AT_ONCE):
                    spectra.kept(channel, np.arange(len(layout.bins))[start:][:ROWS_AT_ONCE])
    except DataError as error:
        found = printable(str(error).removeprefix(f"{tree.name}: {INDICES} "))
        expected = "different voxels, counted from 1"
        yield Deviation(INDICES, found, expected, section="/measurement")


def _places(examined: Examined) -> Iterator[Deviation]:
    n_points = examined.dims.get("O")
    yield from _size(examined, "/calibration", n_points, "foreground frames")
    yield from _size(examined, "/reconstruction", examined.dims.get("P"), "voxels")
    for group in ("/calibration", "/reconstruction"):
        known = ("positions", "size", "offsetFields")
        if examined.has(group) and not any(f"{group}/{n}" in examined.items for n in known):
            found = "neither size nor positions"
            yield Deviation(group, found, "where its voxels lie", "note", group)


def _positions(examined: Examined) -> Iterator[Deviation]:
    """Yield positions that lie elsewhere than size, field of view and its centre say."""
    for group, symbol in (("/calibration", "O"), ("/reconstruction", "P")):
        name, n_points = f"{group}/positions", examined.dims.get(symbol, 0)
        positions = examined.values(name)
        if positions is None or positions.shape != (n_points, 3):
            continue
        try:
            grid = read_box(examined.tree, group, n_points, "")
            voxel_order(examined.tree, grid.shape, group)
            examined.tree.array(name, (n_points, 3))
        except DataError:
            continue
        try:
            check_positions(examined.tree, group, grid)
        except DataError as error:
            told = str(error).removeprefix(f"{examined.tree.name}: {name} is ")
            found, _, expected = told.partition("; expected ")
            yield Deviation(name, printable(found), printable(expected), "note", group)


def _size(examined: Examined, group: str, expected: int | None, of: str) -> Iterator[Deviation]:
    size = examined.values(f"{group}/size")
    if size is None or expected is None or size.dtype.kind != "i" or np.any(size < 1):
        return
    product = math.prod(int(n) for n in size.ravel())
    if product != expected:
        found, rule = f"product {product}", f"{expected}, the number of {of}"
        yield Deviation(f"{group}/size", found, rule, section=group)


__all__ = ["Deviation", "check_mdf", "check_tree"]

RULES: tuple[Callable[[Examined], Iterator[Deviation]], ...] = (
    _version,
    _texts,
    _numbers,
    _drive,
    _field,
    _tracer,
    _unusable,
    _data,
    _indices,
    _background,
    _sparsity,
    _places,
    _positions,
)

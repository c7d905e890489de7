"""What the tracer may look like: the assumption that turns a signal into an amount.

An amount is only defined under such a model, and each result names it.
"""

from dataclasses import dataclass, field

from sojourn.core.errors import DataError
from sojourn.core.images import Mask


@dataclass(frozen=True, slots=True)
class CompactSource:
    """All tracer in one place, small against a voxel; the place is unknown.

    Prior: every place within the calibrated positions is as likely as any other, between
    voxel centres too. `subdivisions` is the number of steps per voxel along each axis, even.
    """

    subdivisions: int = 8

    def __post_init__(self) -> None:
        if self.subdivisions < 2 or self.subdivisions % 2:
            raise DataError(f"subdivisions must be even and at least 2, got {self.subdivisions}")

    @property
    def name(self) -> str:
        """Short name."""
        return "compact source, place unknown"

    @property
    def statement(self) -> str:
        """What is assumed, in words."""
        return (
            "all tracer in one place that is small against a voxel; every place within the "
            "calibrated positions equally likely beforehand; signal between calibrated positions "
            "by Gaussian-process interpolation, with its uncertainty"
        )


@dataclass(frozen=True, slots=True)
class CompactSources:
    """All tracer in a few places, each small against a voxel; places and their number unknown.

    One to `most` sources, each number equally likely beforehand; they are weighted by the
    Bayesian information criterion. `most` is at least 2: for one there is `CompactSource`.
    """

    most: int = 2

    def __post_init__(self) -> None:
        if not 2 <= self.most <= 5:
            raise DataError(f"most must lie between 2 and 5 sources, got {self.most}")

    @property
    def name(self) -> str:
        """Short name."""
        return f"up to {self.most} compact sources, places unknown"

    @property
    def statement(self) -> str:
        """What is assumed, in words."""
        return (
            f"all tracer in one to {self.most} places that are small against a voxel, within the "
            "calibrated positions; numbers of places equally likely beforehand and weighted by "
            "the Bayesian information criterion; places taken as normal about those found"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Compartments:
    """Tracer in the named regions of a mask and nowhere else, textured within each.

    Within a region the concentration is its mean times (1 + texture). The texture is smooth,
    with one of `texture_lengths` (m), and has one of the relative sizes `texture_sizes`
    (standard deviation over mean): all combinations are equally likely beforehand, and weighted
    by how well they explain the signal. No texture crosses a region's border.
    """

    mask: Mask
    regions: tuple[str, ...]
    texture_lengths: tuple[float, ...] = (0.005, 0.01, 0.02)
    texture_sizes: tuple[float, ...] = (0.1, 0.3, 1.0, 2.0)

    def __post_init__(self) -> None:
        if not self.regions or len(set(self.regions)) < len(self.regions):
            raise DataError(f"regions must be named once each, got {self.regions}")
        for region in self.regions:
            if not self.mask.region(region).any():
                raise DataError(f"region {region!r} of the mask has no voxel")
        if not self.texture_lengths or min(self.texture_lengths) <= 0:
            raise DataError(f"texture lengths must be positive (m), got {self.texture_lengths}")
        if not self.texture_sizes or min(self.texture_sizes) <= 0:
            raise DataError(f"texture sizes must be positive, got {self.texture_sizes}")

    @property
    def name(self) -> str:
        """Short name."""
        return f"compartments ({', '.join(self.regions)})"

    @property
    def statement(self) -> str:
        """What is assumed, in words."""
        lengths = ", ".join(f"{1e3 * length:g}" for length in self.texture_lengths)
        sizes = ", ".join(f"{size:g}" for size in self.texture_sizes)
        return (
            f"tracer in {', '.join(self.regions)} and nowhere else; within each, uniform but for a "
            f"smooth texture of relative size {sizes} and length {lengths} mm, equally likely "
            "beforehand"
        )


@dataclass(frozen=True, slots=True)
class UnknownDistribution:
    """Tracer anywhere on the calibrated positions, in any amounts that are not negative.

    Nothing else is assumed: the interval holds every total that some such distribution
    explains. It may be wide, and has no upper end where the scanner is blind.
    """

    name: str = field(default="unknown distribution", init=False)

    @property
    def statement(self) -> str:
        """What is assumed, in words."""
        return (
            "any non-negative distribution on the calibrated positions; the interval holds every "
            "total that some such distribution explains, so it may be wide"
        )


SourceModel = CompactSource | CompactSources | Compartments | UnknownDistribution

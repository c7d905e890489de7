"""Tracers with the source of every number, and their alternatives where the source leaves some."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sojourn.core.errors import DataError
from sojourn.physics.core_sizes import CoreSizes
from sojourn.physics.particles import FERUMOXYTOL, TracerParticles

_NEJADNIK = (
    "signal one quarter of ferucarbotran's at equal iron: Nejadnik et al., Mol Imaging Biol 2018"
)
_TAIL = (
    "sizes of cores and tail are assumed; the share of the tail is set so that the third harmonic "
    "at 20 mT is one quarter of the ferucarbotran model's. The alternatives agree there and "
    "differ sixfold at 1.5 mT: measure the batch at several amplitudes"
)


@dataclass(frozen=True, slots=True)
class TracerEntry:
    """A tracer model: `particles`, where they come from, and what in them is assumed.

    `assumption` is empty where every number is measured. `alternative_to` names the substance
    that several entries describe.
    """

    name: str
    particles: TracerParticles | CoreSizes
    source: str
    assumption: str
    alternative_to: str


FERUCARBOTRAN = TracerParticles((0.72, 0.28), (6.0e-9, 23e-9), (0.25, 0.30))
"""Ferucarbotran (Resovist) as single cores and clusters with the moment of larger ones."""


def _entries() -> dict[str, TracerEntry]:
    small = 6.7e-9
    listed = (
        TracerEntry("ferumoxytol", FERUMOXYTOL, _NEJADNIK, _TAIL, "ferumoxytol"),
        TracerEntry(
            "ferumoxytol_15nm",
            TracerParticles((0.173, 0.827), (15e-9, small), (0.25, 0.25)),
            _NEJADNIK,
            _TAIL,
            "ferumoxytol",
        ),
        TracerEntry(
            "ferumoxytol_20nm",
            TracerParticles((0.083, 0.917), (20e-9, small), (0.30, 0.25)),
            _NEJADNIK,
            _TAIL,
            "ferumoxytol",
        ),
        TracerEntry(
            "ferucarbotran",
            FERUCARBOTRAN,
            "bimodal form after Eberbeck et al., Appl. Phys. Lett. 98 (2011) 182502",
            "shares, medians and spreads are assumed (reference model of the ferumoxytol tails)",
            "ferucarbotran",
        ),
    )
    return {entry.name: entry for entry in listed}


TRACERS: Mapping[str, TracerEntry] = MappingProxyType(_entries())
"""The library, by name."""


def find_tracer(name: str) -> TracerEntry:
    """Return an entry of the library.

    Parameters
    ----------
    name
        one of `TRACERS`.

    Returns
    -------
        the entry.

    Raises
    ------
    DataError
        if there is none of that name; the message lists what there is.

    Examples
    --------
    >>> find_tracer("ferumoxytol").particles.iron_shares
    (0.102, 0.898)
    """
    if name in TRACERS:
        return TRACERS[name]
    near = get_close_matches(name, TRACERS, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise DataError(f"no tracer is named {name!r}; {hint}known: {', '.join(TRACERS)}")


@dataclass(frozen=True, slots=True)
class TracerEnsemble:
    """Models of one tracer that its measurements do not tell apart; the first is the default.

    A result that depends on the particles is computed with each; its spread over the members is
    the part of the uncertainty that comes from the particle model.

    Raises
    ------
    DataError
        if there is no member, or two have one name.
    """

    members: tuple[TracerEntry, ...]

    def __post_init__(self) -> None:
        names = [member.name for member in self.members]
        if not names or len(set(names)) < len(names):
            raise DataError(f"an ensemble needs members of different names, got {names}")

    def choose(self, rng: np.random.Generator) -> TracerEntry:
        """Return one member, all equally likely: for Monte Carlo over the particle model."""
        return self.members[int(rng.integers(len(self.members)))]


def tracer_ensemble(name: str) -> TracerEnsemble:
    """Return every model of the library that describes the same tracer as `name`.

    Parameters
    ----------
    name
        one of `TRACERS`.

    Returns
    -------
        that entry first, then its alternatives in the order of the library.

    Raises
    ------
    DataError
        if there is none of that name.

    Examples
    --------
    >>> [member.name for member in tracer_ensemble("ferumoxytol").members]
    ['ferumoxytol', 'ferumoxytol_15nm', 'ferumoxytol_20nm']
    """
    first = find_tracer(name)
    others = (
        entry
        for entry in TRACERS.values()
        if entry.alternative_to == first.alternative_to and entry.name != name
    )
    return TracerEnsemble((first, *others))


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Population(BaseModel):
    """One lognormal population of cores, as a settings file states it.

    `weighting` says what the median is a median of: of iron mass (equal to volume and to moment
    weighting for one material) or of the number of cores, as electron microscopy gives it. Both
    have the same spread; the medians differ by exp(3 spread^2) (Hatch and Choate, J. Franklin
    Inst. 207 (1929) 369).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    iron_share: Positive
    median_diameter_nm: Positive
    spread: Positive
    weighting: Literal["iron", "number"]

    @property
    def median_diameter(self) -> float:
        """Median core diameter weighted by iron mass, m."""
        factor = np.exp(3 * self.spread**2) if self.weighting == "number" else 1.0
        return float(1e-9 * self.median_diameter_nm * factor)


class TracerSettings(BaseModel):
    """A tracer that a user defines: either lognormal `populations` or discrete sizes.

    Discrete sizes: `diameters_nm` and `iron_shares` of one length; shares sum to 1. `source` is
    required; `assumption` says what in it is not measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    source: str = Field(min_length=1)
    assumption: str = ""
    saturation_a_per_m: Positive = 380e3
    populations: tuple[Population, ...] = ()
    diameters_nm: tuple[Positive, ...] = ()
    iron_shares: tuple[Annotated[float, Field(ge=0)], ...] = ()

    @model_validator(mode="after")
    def _one_description(self) -> "TracerSettings":
        if bool(self.populations) == bool(self.diameters_nm):
            raise ValueError("state either populations or diameters_nm with iron_shares")
        self.entry()
        return self

    def entry(self) -> TracerEntry:
        """Return the tracer; raises DataError where the shares do not sum to 1."""
        return TracerEntry(self.name, self._particles(), self.source, self.assumption, self.name)

    def _particles(self) -> TracerParticles | CoreSizes:
        if self.diameters_nm:
            diameters = 1e-9 * np.array(self.diameters_nm)
            return CoreSizes(diameters, np.array(self.iron_shares), self.saturation_a_per_m)
        return TracerParticles(
            tuple(population.iron_share for population in self.populations),
            tuple(population.median_diameter for population in self.populations),
            tuple(population.spread for population in self.populations),
            self.saturation_a_per_m,
        )

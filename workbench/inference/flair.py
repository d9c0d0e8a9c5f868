"""What IGN's two families of published models have in common: classes in their order, statistics, terms.

Nothing here counts by position: classes are looked up in the nomenclature's schemes, statistics go with the
name of their band.
"""

from __future__ import annotations

__all__ = [
    "FAMILIES",
    "FLAIR_HUB",
    "FLAIR_INC",
    "NOMENCLATURE",
    "UNTRAINED_OF_12",
    "UNTRAINED_OF_15",
    "Family",
    "NamedSo",
    "bands_by_count",
    "classes_of_scheme",
    "told_by_name",
]

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from workbench.errors import ModelError
from workbench.inference.card import Band
from workbench.nomenclature import load_nomenclature

NOMENCLATURE = "flair-19"
UNTRAINED_OF_15 = ("clear_cut", "mixed", "ligneous", "other")
UNTRAINED_OF_12 = ("swimming_pool", "snow", "clear_cut", "mixed", "ligneous", "greenhouse", "other")
_BANDS = {
    "rgb": ("R", "G", "B"),
    "rvb": ("R", "G", "B"),
    "rgbi": ("R", "G", "B", "NIR"),
    "rvbi": ("R", "G", "B", "NIR"),
    "rgbie": ("R", "G", "B", "NIR", "E"),
    "rvbie": ("R", "G", "B", "NIR", "E"),
    "irg": ("NIR", "R", "G"),
    "irc": ("NIR", "R", "G"),
    "ir": ("NIR", "R", "G"),
}
_BY_COUNT = {4: ("R", "G", "B", "NIR"), 5: ("R", "G", "B", "NIR", "E")}
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Models that were trained on the same ground in the same way."""

    name: str
    dataset: str
    scheme: str
    """Of the nomenclature flair-19: the order of the outputs."""
    statistics: Mapping[str, tuple[float, float]]
    """Mean and standard deviation by band, of pixel values 0–255."""
    untrained: tuple[str, ...] = UNTRAINED_OF_15
    """Classes that have no weight in its configuration, unless the model's name or file says otherwise."""
    licence: str = "Etalab 2.0 (Licence Ouverte 2.0), IGN"
    resolution: float = 0.2

    @property
    def classes(self) -> tuple[str, ...]:
        """Keys of the outputs, in their order."""
        return classes_of_scheme(self.scheme)

    def bands(self, names: tuple[str, ...]) -> tuple[Band, ...]:
        """Return bands with the statistics that the family is normalised by.

        Raises
        ------
        ModelError
            It has none of a band.
        """
        if strange := [name for name in names if name not in self.statistics]:
            raise ModelError(
                f"{self.dataset} tells no mean and standard deviation of {', '.join(strange)}; "
                f"it knows {', '.join(self.statistics)}, or give NAME:MEAN:STD"
            )
        return tuple(
            Band(name=name, mean=self.statistics[name][0], std=self.statistics[name][1]) for name in names
        )


FLAIR_INC = Family(
    name="flair-inc",
    dataset="FLAIR-INC",
    scheme="flair",
    statistics=MappingProxyType(
        {
            "R": (105.08, 52.17),
            "G": (110.87, 45.38),
            "B": (101.82, 44.0),
            "NIR": (106.38, 39.69),
            "E": (53.26, 79.3),
        }
    ),
)
FLAIR_HUB = Family(
    name="flair-hub",
    dataset="FLAIR-HUB",
    scheme="flair_hub",
    statistics=MappingProxyType(
        {
            "R": (105.66, 52.23),
            "G": (111.35, 45.62),
            "B": (102.18, 44.3),
            "NIR": (106.59, 39.78),
            "P": (125.92, 38.45),
        }
    ),
)
FAMILIES: Mapping[str, Family] = MappingProxyType({one.name: one for one in (FLAIR_INC, FLAIR_HUB)})
"""By name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedSo:
    """What the name of a file or of a repository tells of a model; None where it tells nothing."""

    family: Family | None = None
    bands: tuple[str, ...] | None = None
    untrained: tuple[str, ...] | None = None


def told_by_name(name: str) -> NamedSo:
    """Read a name as IGN gives them.

    >>> told = told_by_name("FLAIR-INC_rgbie_12cl_resnet34-unet_weights.pth")
    >>> told.bands, told.untrained == UNTRAINED_OF_12
    (('R', 'G', 'B', 'NIR', 'E'), True)
    >>> told_by_name("FLAIR-HUB_LC-A_IR_swinbase-upernet").bands
    ('NIR', 'R', 'G')
    """
    lower = name.lower().replace("_", "-")
    family = next((one for one in FAMILIES.values() if one.dataset.lower() in lower), None)
    words = _WORD.findall(lower)
    bands = next((_BANDS[word] for word in words if word in _BANDS), None)
    untrained = UNTRAINED_OF_12 if "12cl" in words else UNTRAINED_OF_15 if "15cl" in words else None
    return NamedSo(family=family, bands=bands, untrained=untrained)


def bands_by_count(count: int) -> tuple[str, ...] | None:
    """Return the bands of a network that takes so many, in FLAIR's order; None where it may be others.

    >>> bands_by_count(4), bands_by_count(3)
    (('R', 'G', 'B', 'NIR'), None)
    """
    return _BY_COUNT.get(count)


def classes_of_scheme(scheme: str) -> tuple[str, ...]:
    """Return the keys of the classes in the order of a scheme's numbers.

    >>> classes_of_scheme("flair_hub")[:3]
    ('building', 'greenhouse', 'swimming_pool')

    Raises
    ------
    ModelError
        The nomenclature has no such scheme.
    """
    nomenclature = load_nomenclature(NOMENCLATURE)
    if scheme not in nomenclature.schemes:
        known = ", ".join(nomenclature.schemes)
        raise ModelError(f"{NOMENCLATURE} has no scheme {scheme!r}; it has {known}")
    ordered = sorted(nomenclature.classes, key=lambda entry: entry.values[scheme])
    return tuple(entry.key for entry in ordered)

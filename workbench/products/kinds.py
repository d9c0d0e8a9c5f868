"""Kinds of maps: which crosswalk makes them, what their polygons are called, how small a piece may be."""

from __future__ import annotations

__all__ = ["COSIA", "KINDS", "OCSGE", "ProductKind"]

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.nomenclature import Crosswalk
from workbench.products.generalising import MinimumUnits


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductKind:
    """A kind of map."""

    name: str
    title: str
    crosswalk: str
    """Name of the crosswalk that makes it, unless another is given."""
    number_field: str
    number_is: Literal["value", "key"]
    """Whether the first field of a polygon has the crosswalk's value, or the target's key."""
    title_field: str
    units: MinimumUnits
    """Unless others are given; all 0 = nothing is generalised."""
    in_blocks: bool
    """Whether its files are blocks of 10 km that are named after a domain."""

    def columns(self, values: NDArray[np.uint8], crosswalk: Crosswalk) -> dict[str, NDArray[np.object_]]:
        """Return the fields of polygons that have some values, shape (polygon,) each."""
        targets = {target.value: target for target in crosswalk.targets}
        chosen = [targets[int(value)] for value in values]
        if self.number_is == "value":
            numbers: NDArray[np.object_] = values.astype(np.int32)
        else:
            numbers = np.array([target.key for target in chosen], dtype=object)
        titles = np.array([target.titles["fr"] for target in chosen], dtype=object)
        return {self.number_field: numbers, self.title_field: titles}

    def label(self, value: int, crosswalk: Crosswalk) -> str:
        """Return what the first field has for a value, as text."""
        if self.number_is == "value":
            return str(value)
        return next(target.key for target in crosswalk.targets if target.value == value)


COSIA: Final = ProductKind(
    name="cosia",
    title="CoSIA",
    crosswalk="flair-19-to-cosia",
    number_field="numero",
    number_is="value",
    title_field="classe",
    units=MinimumUnits(elsewhere=0.0),
    in_blocks=True,
)
OCSGE: Final = ProductKind(
    name="ocsge",
    title="OCS GE, couverture",
    crosswalk="flair-19-to-ocsge-cover",
    number_field="code_cs",
    number_is="key",
    title_field="libelle_cs",
    units=MinimumUnits(elsewhere=2500.0, named=MappingProxyType({"CS1.1.1.1": 200.0})),
    in_blocks=False,
)
KINDS: Final[Mapping[str, ProductKind]] = MappingProxyType({kind.name: kind for kind in (COSIA, OCSGE)})

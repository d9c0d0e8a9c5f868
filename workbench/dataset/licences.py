"""Licences that data may be published under: what hub, SPDX and people call them, and where they stand."""

from __future__ import annotations

__all__ = ["LICENCE", "LICENCES", "Licence", "licence_of", "licence_text"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from workbench.errors import ReleaseError


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence:
    """A licence."""

    id: str
    """As the Hugging Face hub writes it."""
    spdx: str
    """As SPDX, STAC and ``CITATION.cff`` write it."""
    name: str
    url: str
    """Where its text stands."""
    attribution: bool = True
    """Whether whoever uses the data has to say whose they are."""

    @property
    def reference(self) -> str:
        """Its page at SPDX, as Croissant recommends."""
        return f"https://spdx.org/licenses/{self.spdx}.html"


def _commons(name: str, title: str) -> Licence:
    return Licence(
        id=f"cc-{name}-4.0",
        spdx=f"CC-{name.upper()}-4.0",
        name=f"Creative Commons {title} 4.0 International",
        url=f"https://creativecommons.org/licenses/{name}/4.0/",
    )


_ALL: Final = (
    Licence(
        id="etalab-2.0",
        spdx="etalab-2.0",
        name="Licence Ouverte / Open Licence 2.0 (Etalab)",
        url="https://www.etalab.gouv.fr/licence-ouverte-open-licence/",
    ),
    _commons("by", "Attribution"),
    _commons("by-sa", "Attribution-ShareAlike"),
    _commons("by-nc", "Attribution-NonCommercial"),
    _commons("by-nc-sa", "Attribution-NonCommercial-ShareAlike"),
    _commons("by-nd", "Attribution-NoDerivatives"),
    _commons("by-nc-nd", "Attribution-NonCommercial-NoDerivatives"),
    Licence(
        id="cc0-1.0",
        spdx="CC0-1.0",
        name="Creative Commons Zero 1.0 Universal",
        url="https://creativecommons.org/publicdomain/zero/1.0/",
        attribution=False,
    ),
    Licence(
        id="odbl",
        spdx="ODbL-1.0",
        name="Open Data Commons Open Database License 1.0",
        url="https://opendatacommons.org/licenses/odbl/1-0/",
    ),
    Licence(
        id="odc-by",
        spdx="ODC-By-1.0",
        name="Open Data Commons Attribution License 1.0",
        url="https://opendatacommons.org/licenses/by/1-0/",
    ),
    Licence(
        id="pddl",
        spdx="PDDL-1.0",
        name="Open Data Commons Public Domain Dedication and License 1.0",
        url="https://opendatacommons.org/licenses/pddl/1-0/",
        attribution=False,
    ),
)
LICENCE: Final = "LICENSE"
LICENCES: Final[Mapping[str, Licence]] = {one.id: one for one in _ALL}
"""By the hub's id."""


def licence_of(name: str) -> Licence:
    """Return a licence by its id at the hub or at SPDX, in small or capital letters.

    Raises
    ------
    ReleaseError
        It is none that data are published under.

    >>> licence_of("CC-BY-4.0").id, licence_of("odbl").spdx
    ('cc-by-4.0', 'ODbL-1.0')
    """
    for one in _ALL:
        if name.strip().lower() in (one.id, one.spdx.lower()):
            return one
    raise ReleaseError(
        f"licence {name!r} is none that data are published under here; choose from {', '.join(LICENCES)}"
    )


def licence_text(name: str, licence: Licence, attribution: str) -> str:
    """Return the content of ``LICENSE``: which licence, where its text stands, and how the data are named."""
    lines = [
        f"The data of {name} are published under the",
        "",
        f"    {licence.name}",
        f"    {licence.url}",
        f"    SPDX-License-Identifier: {licence.spdx}",
        "",
        "The text at that address is the one that counts.",
    ]
    if licence.attribution:
        lines += ["", "Whoever uses the data says whose they are:", "", f"    {attribution}"]
    return "\n".join(lines) + "\n"

"""How a scripted annotator works: what they take for what, how exactly, for how long."""

from __future__ import annotations

__all__ = ["Habits", "read_habits", "write_habits"]

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np

from workbench.assessment.agreement import Agreement
from workbench.assessment.perception import Confusions
from workbench.documents import read_document, write_document
from workbench.errors import EditRefused
from workbench.nomenclature import Nomenclature
from workbench.workflows.comparing import WATCHED

_HEADER: Final = {"format": "ocs-workbench/habits", "format_version": 1}
_SECONDS: Final = ("pick_seconds", "opening_seconds", "looking_seconds", "answer_seconds")
_SHARES: Final = {"practised": (0.03, 0.08), "novice": (0.06, 0.15)}
"""Of the objects of a class: taken for any that it is said to be confused with, and for a watched one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Habits:
    """How somebody labels. As it is by default, perfectly.

    Times are those of the keystroke-level model (Card, Moran & Newell 1983) where it has any: picks to 90 and
    95 % of made scenes of 1,024² take 2.6 to 3.0 s each (``tests/benchmarks/hand_plan.py``). Opening, looking
    over and answering are assumed.
    """

    confusions: Confusions = field(default_factory=Confusions)
    extent: int = 25_000
    """Pixels of ground about which somebody makes up their mind at once: larger objects are mistaken by
    regions of about this size. 1,000 m² at 0.2 m."""
    reach: float = 0.0
    """Pixels over which they mistake objects of one class alike; 0 is each object for itself."""
    tolerance: int = 0
    """Pixels on either side of a border, as they see it, that are left as they come."""
    accuracy: float = 0.95
    """Share of what they care about that must be right in their eyes; then they stop."""
    trust: float = 0.0
    """Probability that they believe a pre-label although they would have seen something else (automation
    bias). Without it a wrong pre-label stays as often as they take the true class for its class."""
    pick_seconds: float = 2.7
    opening_seconds: float = 30.0
    """To open a zone and to hand it in."""
    looking_seconds: float = 5.0
    """To look over as much ground as a patch has, 512² pixels."""
    answer_seconds: float = 10.0
    """To mend or justify a finding of the checks."""
    seed: int = 0
    """With the zone, decides what is mistaken."""

    def __post_init__(self) -> None:
        for name in ("accuracy", "trust"):
            if not 0 <= getattr(self, name) <= 1:
                raise EditRefused(f"{name} is {getattr(self, name)}; give a share from 0 to 1")
        for name in ("reach", "tolerance", *_SECONDS):
            if not 0 <= getattr(self, name) < np.inf:
                raise EditRefused(f"{name} is {getattr(self, name)}; give a number from 0")
        if self.extent < 1 or self.seed < 0:
            raise EditRefused(
                f"extent is {self.extent} and seed {self.seed}; give whole numbers from 1 and from 0"
            )

    @classmethod
    def preset(
        cls, name: Literal["perfect", "practised", "novice"], nomenclature: Nomenclature, *, seed: int = 0
    ) -> Self:
        """Return the habits of a made person.

        *perfect* mistakes nothing. *practised* takes 3 % of the objects of each class for one that the
        nomenclature says it is confused with, and 8 % where IGN names the confusion as a weak point of its
        own annotations (crop and grass, coniferous and deciduous); *novice* 6 and 15 %. Both leave two
        pixels along borders, and mistake what is alike within 10 m alike. Over six made
        scenes two who are practised agree on 86 % of the pixels, two novices on 77 %. **All of this is
        assumed**: no measurement of IGN's classes at 0.2 m is known to us.
        Elsewhere five trained interpreters disagreed on almost 30 % of the samples of airborne video (Powell
        et al., XI Simpósio Brasileiro de Sensoriamento Remoto, 2003), and non-experts gave 78 % of the pixels
        of 10 m the class that experts agree on (Dynamic World, Brown et al., *Scientific Data* 9, 2022,
        table 5). For people of one's own see `measured`.
        """
        if name == "perfect":
            return cls(seed=seed)
        usual, watched = _SHARES[name]
        confused: dict[str, dict[str, float]] = {}
        for entry in nomenclature.classes:
            partners = {other for pair in WATCHED if entry.key in pair for other in pair} - {entry.key}
            others = [key for key in entry.confused_with if key not in partners]
            row = {key: usual / len(others) for key in others} | dict.fromkeys(partners, watched)
            if row:
                confused[entry.key] = row
        return cls(confusions=Confusions.of(nomenclature, confused), tolerance=2, reach=50.0, seed=seed)

    @classmethod
    def measured(cls, agreement: Agreement, **others: Any) -> Self:
        """Return the habits of one of two people of whom it is known how far they agree.

        Parameters
        ----------
        agreement
            Of `workbench.assessment.measure_agreement`, of as much ground as there is.
        others
            The other fields, which an agreement does not tell.
        """
        return cls(confusions=Confusions.measured(agreement), **others)

    def rng(self, zone: str, purpose: Literal["seeing", "believing"]) -> np.random.Generator:
        """Return what draws for a zone, whatever was labelled before it."""
        named = hashlib.sha256(f"{purpose} {zone}".encode()).digest()
        return np.random.default_rng([self.seed, int.from_bytes(named[:8])])

    def seconds(self, *, picks: int, answers: int, pixels: int) -> float:
        """Return how long somebody takes for a zone of so many pixels."""
        looking = self.looking_seconds * pixels / 512**2
        return self.opening_seconds + looking + self.pick_seconds * picks + self.answer_seconds * answers


def read_habits(path: Path, nomenclature: Nomenclature) -> Habits:
    """Read habits from a JSON document (``schema/habits.schema.json``), which names classes by their keys.

    Raises
    ------
    DocumentError, NomenclatureError, EditRefused
        It is none, or has other classes, or probabilities that are none.
    """
    content = read_document(path, schema="habits")
    for key in _HEADER:
        del content[key]
    return Habits(confusions=Confusions.of(nomenclature, content.pop("confusions")), **content)


def write_habits(habits: Habits, path: Path, nomenclature: Nomenclature) -> None:
    """Write habits as a JSON document."""
    content = asdict(habits) | {"confusions": habits.confusions.document(nomenclature)}
    write_document(_HEADER | content, path, schema="habits")

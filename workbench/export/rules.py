"""The rules that a release keeps, and what is found by them: kept, warned of or refused.

A release of fewer than five domains, which has no five folds, or of fewer than twenty zones is a pilot: what
is wrong with its sets and shares is warned of and not refused. What its test zones are made of is refused at
any size.
"""

from __future__ import annotations

__all__ = ["ASKS", "DEFAULTS", "Outcome", "Rules", "Verdict", "refuse"]

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal

from workbench.errors import ReleaseError

Outcome = Literal["kept", "warned", "refused"]
ASKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "zones": "every zone is accepted as it was reviewed, and named once",
        "folds": "every domain is in one fold",
        "bands": "orthophotos have the bands of the layouts",
        "scheme": "labels have numbers in the layouts",
        "classes": "labels are classes of the nomenclature",
        "modalities": "zones have what the layouts show beside orthophoto and labels",
        "patches": "patches lie on the grid, on ground of their own, with numbers of their own",
        "version": "the version follows from what changed, and what was withdrawn stays out",
        "same-ground": "no two sets of a split show the same ground, at any date",
        "distance": "sets of a split lie apart",
        "assisted-test": "no test zone is labelled by a model that saw its fold",
        "unknown-model": "it is known what the models saw that labelled test zones",
        "chosen-test": "test zones are chosen by people, or by a known probability",
        "duplicates": "no two sets of a split have one picture",
        "unlabelled-release": "little is unlabelled",
        "unlabelled-zone": "little of any zone is unlabelled",
        "unlabelled-patch": "little of any patch is unlabelled",
        "blank": "pictures show something",
        "drift": "sets of a split have alike shares of the classes",
    }
)
"""What each rule asks for."""
_MOST_CONTRAST: Final = 64.0
_SHARES: Final = ("unlabelled", "unlabelled_zone", "unlabelled_patch", "blank", "seen", "unknown", "drift")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a release is held against; the defaults are what a maintainer publishes by.

    Raises
    ------
    ReleaseError
        A limit is none.
    """

    buffer: float = 100.0
    """Least distance between patches of different sets of a split in metres: nearly a patch."""
    duplicate_bits: int = 10
    """Of 64 that the hashes of a near-duplicate differ by at most: pictures shifted by 8 pixels do by 10,
    encoded again or brightened by 4; of 31 billion pairs of other pictures about 300."""
    duplicate_correlation: float = 0.85
    """Least correlation of the two pictures: of shifted, brightened and encoded ones it is above 0.9, of
    others below 0.65."""
    least_contrast: float = 8.0
    """Standard deviation of luminance below which a picture is nobody's duplicate: that of open water is 2 to
    6, of a meadow 12."""
    drift: float = 0.25
    """Largest Jensen-Shannon distance (base 2) between the class shares of two sets of a split: between
    FLAIR's TRAIN and the test of its first challenge it is 0.10, to that of its second one, of other
    landscapes, 0.26."""
    unlabelled: float = 0.01
    """Largest share of the pixels without a label."""
    unlabelled_zone: float = 0.1
    """The same, of any zone."""
    unlabelled_patch: float = 0.5
    """The same, of any patch."""
    blank: float = 0.0
    """Largest share of patches whose picture is of one colour."""
    seen: float = 0.01
    """Largest share of a test zone's labels that a model may have given which was trained on its fold."""
    unknown: float = 0.05
    """The same, by models of which nobody knows what they were trained on."""
    assisted_test: bool = False
    """Whether zones may be test that a model labelled which saw their fold, or active learning chose."""
    test_folds: frozenset[int] = frozenset()
    """Folds that are kept for test: chance or people choose what is in them. Where none is, all are."""
    least_domains: int = 5
    """Below, a release is a pilot."""
    least_zones: int = 20
    """Below, a release is a pilot, and the class shares of a set tell nothing."""

    def __post_init__(self) -> None:
        for name in (*_SHARES, "duplicate_correlation"):
            value = getattr(self, name)
            if not 0.0 <= value <= 1.0:
                raise ReleaseError(f"{name} {value} is not between 0 and 1; give a share, such as 0.05")
        if not 0.0 <= self.buffer <= 10_000.0:
            raise ReleaseError(f"buffer {self.buffer:g} is not between 0 and 10,000 metres; give one that is")
        if not 0 <= self.duplicate_bits <= 15:
            raise ReleaseError(f"duplicate_bits {self.duplicate_bits} is not between 0 and 15; give 10")
        if not 0.0 < self.least_contrast <= _MOST_CONTRAST:
            raise ReleaseError(
                f"least_contrast {self.least_contrast:g} is not above 0 and at most {_MOST_CONTRAST:g}; give "
                "8, which leaves open water alone"
            )

    @property
    def duplicate_settings(self) -> dict[str, float]:
        """By what pictures are taken for one."""
        names = ("duplicate_bits", "duplicate_correlation", "least_contrast")
        return {name: getattr(self, name) for name in names}


DEFAULTS: Final = Rules()
"""What a release is held against unless its maintainer says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found by one rule."""

    rule: str
    """One of `ASKS`."""
    outcome: Outcome
    measured: float | None
    """The worst that was found; None where there was nothing to measure."""
    limit: float
    floor: bool = False
    """Whether the limit is the least that is kept, not the most."""
    unit: str = ""
    message: str = ""
    """What is wrong and where, where something is; it goes on a sentence."""
    way_out: str = ""
    excuse: str = ""
    """Why it is warned of and not refused, where it could be."""
    places: tuple[str, ...] = ()
    """Everything that is wrong, a line each."""
    settings: Mapping[str, float] = field(default_factory=dict)
    """What else was chosen for the rule, by name, beside its limit."""

    @property
    def asks(self) -> str:
        """Return what the rule asks for."""
        return ASKS[self.rule]

    @property
    def sentence(self) -> str:
        """Return what is wrong, why it is let pass, and the way out; empty where the rule is kept."""
        if self.outcome == "kept":
            return ""
        pardoned = f"warned of and not refused, since {self.excuse}" if self.excuse else ""
        return "; ".join(part for part in (self.message, pardoned, self.way_out) if part)

    def document(self) -> dict[str, Any]:
        """Return the JSON view of what a release keeps of it."""
        return {
            "rule": self.rule,
            "verdict": self.outcome,
            "measured": self.measured,
            "limit": self.limit,
            "least": self.floor,
            "unit": self.unit,
            **({"settings": dict(self.settings)} if self.settings else {}),
        }

    def told(self) -> dict[str, Any]:
        """Return the JSON view of all of it."""
        return self.document() | {
            "asks": self.asks,
            "message": self.sentence or None,
            "places": list(self.places),
        }


def refuse(verdicts: Iterable[Verdict]) -> None:
    """Refuse a release for what is wrong with it.

    Raises
    ------
    ReleaseError
        One sentence with everything that is wrong, and the ways out.
    """
    wrong = [one for one in verdicts if one.outcome == "refused"]
    if wrong:
        raise ReleaseError(f"no release was built: {'; '.join(one.sentence for one in wrong)}")

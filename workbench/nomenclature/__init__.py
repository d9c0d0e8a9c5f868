"""Land-cover classes, their numbers in every published scheme, and what they become elsewhere.

A class is known by its ``key`` and its ``code`` (1–254, append-only). The numbers that datasets write are its
``values`` in a *scheme*; every scheme has its own order, so values are looked up, never computed. Code 0
(unlabelled) lives in the annotation store alone: FLAIR's loaders train any value they do not know as
*building*, so unlabelled pixels are written as the scheme's *other*; only a scheme that has a value for them
writes that.

The documents lie in ``schema/nomenclatures``, ``schema/crosswalks`` and ``schema/rules``; ``schema/derived``
has classes that labels are derived to, and nobody labels in.
"""

from workbench.nomenclature.artificialisation import (
    ArtificialisationRule,
    Artificialised,
    CoverRule,
    load_artificialisation,
)
from workbench.nomenclature.classes import (
    LandCoverClass,
    Nomenclature,
    Scheme,
    UpperClass,
    load_nomenclature,
)
from workbench.nomenclature.crosswalk import Crosswalk, TargetClass, Undecided, load_crosswalk
from workbench.nomenclature.deriving import Derivation, derivation_to
from workbench.nomenclature.recoding import Landing, Recoding

__all__ = [
    "ArtificialisationRule",
    "Artificialised",
    "CoverRule",
    "Crosswalk",
    "Derivation",
    "LandCoverClass",
    "Landing",
    "Nomenclature",
    "Recoding",
    "Scheme",
    "TargetClass",
    "Undecided",
    "UpperClass",
    "derivation_to",
    "load_artificialisation",
    "load_crosswalk",
    "load_nomenclature",
]

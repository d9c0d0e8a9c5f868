"""Kinds of reasons for which zones are proposed: what people call them, and how QGIS shows them."""

from __future__ import annotations

__all__ = ["PROPOSAL_STYLE", "REASON_KINDS", "ReasonKind", "proposal_style"]

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from workbench.geo.geopackage import style_bytes
from workbench.geo.styles import style_kind

PROPOSAL_STYLE: Final = style_kind("a style of proposals", "ocs-workbench/proposals-style")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonKind:
    """A kind of reason."""

    titles: Mapping[str, str]
    """In a few words, by language: ``fr`` and ``en``."""
    colour: str
    """``#rrggbb``; apart from the others for colour-blind eyes, too (Okabe and Ito 2008)."""


REASON_KINDS: Final[Mapping[str, ReasonKind]] = MappingProxyType(
    {
        "uncertain": ReasonKind(titles={"fr": "le modèle doute", "en": "the model doubts"}, colour="#d55e00"),
        "weak": ReasonKind(
            titles={"fr": "classes mal reconnues", "en": "classes it knows badly"}, colour="#cc79a7"
        ),
        "rare": ReasonKind(titles={"fr": "classes rares", "en": "rare classes"}, colour="#f0e442"),
        "mapped": ReasonKind(
            titles={"fr": "vu sur une carte ancienne", "en": "seen on an old map"}, colour="#804020"
        ),
        "uncovered": ReasonKind(titles={"fr": "aspect nouveau", "en": "new looks"}, colour="#0072b2"),
        "scarce": ReasonKind(
            titles={"fr": "aspect peu annoté", "en": "looks with few labels"}, colour="#009e73"
        ),
        "far": ReasonKind(
            titles={"fr": "loin de ce qui est annoté", "en": "far from what is labelled"}, colour="#0000c0"
        ),
        "domain": ReasonKind(
            titles={"fr": "domaine peu annoté", "en": "domain with few labels"}, colour="#56b4e9"
        ),
        "drawn": ReasonKind(titles={"fr": "tirée au sort", "en": "drawn by lot"}, colour="#e69f00"),
    }
)
"""By the name that `Reason.kind` has. Strategies of other packages may have kinds of their own."""
_OTHER: Final = ReasonKind(titles={"fr": "autre raison", "en": "another reason"}, colour="#8a8a8a")


def proposal_style() -> bytes:
    """Return the style that QGIS opens a file of proposals with: by the main reason, seen through."""
    classes = [(kind, _both(one), one.colour) for kind, one in REASON_KINDS.items()]
    # An empty value stands for all others in QGIS.
    return style_bytes(
        PROPOSAL_STYLE,
        "main_reason",
        [*classes, ("", _both(_OTHER), _OTHER.colour)],
        numeric=False,
        outlined=True,
    )


def _both(kind: ReasonKind) -> str:
    return f"{kind.titles['fr']} ({kind.titles['en']})"

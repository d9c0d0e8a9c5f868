"""What helped to label a zone, and who chose it, where that is no person: facts that a test has to tell."""

from __future__ import annotations

__all__ = ["ASSISTED", "Assistance", "Choice"]

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from workbench.errors import CampaignError

ASSISTED: Final = ("kept", "untouched")
"""What became of pre-labels that flatters their model: somebody took them over."""
_STRATEGY = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assistance:
    """What became of the pre-labels of one model in a zone."""

    model: str
    """As its pre-labels name it, such as ``unet@1f0a2b3c4d5e``: id and first digits of its card's digest."""
    domains: tuple[str, ...] | None
    """That it was trained on; None where nobody knows."""
    folds: tuple[int, ...] | None
    """Of these domains, as far as the campaign has them; None where nobody knows."""
    pixels: Mapping[str, int]
    """Labelled pixels that it proposed something for, by what became of that: ``kept``, ``corrected``,
    ``untouched``. Of several models the one that was taken over counts, else the last."""
    agreed: int = 0
    """Other labelled pixels of the class that it had proposed, before the eyes of who labelled them. Of the
    models that saw the fold of the zone one counts for each pixel, and so of those of which nobody knows."""

    @property
    def assisted(self) -> int:
        """Pixels that have the class that the model proposed."""
        return sum(self.pixels.get(fate, 0) for fate in ASSISTED) + self.agreed

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "model": self.model,
            "domains": None if self.domains is None else list(self.domains),
            "folds": None if self.folds is None else list(self.folds),
            "pixels": dict(self.pixels),
            "agreed": self.agreed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How a zone was chosen, where that was not by a person.

    Raises
    ------
    CampaignError
        The strategy has no name, or the probability is none.
    """

    strategy: str
    """Such as ``bald`` or ``random``."""
    inclusion: float | None = None
    """Probability that the zone was chosen, above 0; None where nobody knows."""

    def __post_init__(self) -> None:
        if len(self.strategy) > 64 or _STRATEGY.fullmatch(self.strategy) is None:
            raise CampaignError(
                f"{self.strategy!r} names no strategy; use lower-case letters, digits and -, such as margin"
            )
        if self.inclusion is not None and not 0.0 < self.inclusion <= 1.0:
            raise CampaignError(
                f"inclusion {self.inclusion:g} is no probability above 0 and up to 1; give that by which the "
                "zone was chosen"
            )

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {"strategy": self.strategy, "inclusion": self.inclusion}

    def text(self) -> str:
        """Return it in a few words."""
        chance = f" with a probability of {self.inclusion:g}" if self.inclusion is not None else ""
        return f"chosen by {self.strategy}{chance}"

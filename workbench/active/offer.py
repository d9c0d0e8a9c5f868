"""What a campaign keeps of a proposal that became a zone: why it was proposed, and what was expected."""

from __future__ import annotations

__all__ = ["Offer"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from workbench.active.selection import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Why a zone is proposed to be labelled next."""

    reason: str
    """In a few words, as whoever proposed it wrote them."""
    picks: int | None = None
    """How many picks it is expected to take; None where nobody estimated that."""
    proposal: str | None = None
    """Id of the proposal that it was."""
    model: str | None = None
    """Model that was asked."""
    reasons: tuple[Reason, ...] = ()
    """The largest share first; none in what was kept before they were, which has `reason` alone."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "reason": self.reason,
            "picks": self.picks,
            "proposal": self.proposal,
            "model": self.model,
            "reasons": [one.document() for one in self.reasons],
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the offer of its JSON view."""
        return cls(
            reason=str(document["reason"]),
            picks=document.get("picks"),
            proposal=document.get("proposal"),
            model=document.get("model"),
            reasons=tuple(map(Reason.of, document.get("reasons", ()))),
        )

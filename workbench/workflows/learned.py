"""What a model's card tells of the ground that it learned from, in words: zones, their domains, and how."""

from __future__ import annotations

__all__ = ["Learned"]

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from workbench.export.ground import domain_of
from workbench.inference.card import ModelCard


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a model has seen, as far as its card tells."""

    source: str | None
    """The release, or that it was a campaign; None where the card does not say."""
    zones: tuple[str, ...]
    """Zones whose labels it learned."""
    held_out: tuple[str, ...]
    """Zones that its weights were chosen by, and that it did not learn."""
    pseudo: tuple[str, ...]
    """Zones of which it learned what another model was sure of."""
    before: tuple[str, ...]
    """Domains of none of these zones: seen by what it began with or was taught by, or named alone."""

    @classmethod
    def of(cls, card: ModelCard) -> Self:
        """Return what a card tells."""
        told = card.training
        zones, held_out = (tuple(told.get(name) or ()) for name in ("zones", "held_out"))
        pseudo = tuple((told.get("pseudo_labels") or {}).get("zones") or ())
        campaign = "zones of a campaign" if "campaign" in (told.get("source") or {}) else None
        known = set(_domains((*zones, *held_out, *pseudo)))
        return cls(
            source=card.release or campaign,
            zones=zones,
            held_out=held_out,
            pseudo=pseudo,
            before=tuple(domain for domain in card.domains if domain not in known),
        )

    @property
    def domains(self) -> tuple[str, ...]:
        """Domains that it learned from by their zones; those that the card names where it tells no zones."""
        return _domains(self.zones) if self.zones else self.before

    def text(self) -> str:
        """Return all of it in one line."""
        if not self.zones:
            named = ", ".join(self.before) or "domains not known"
            return f"{self.source or 'not said'}; {named}" if self.source or self.before else "not said"
        return "; ".join([self.source or "zones that its card names", *self.parts()])

    def parts(self) -> tuple[str, ...]:
        """Return what it learned, what was held out, and what was seen otherwise, each in a few words."""
        told = [_counted(self.zones, "learned from")] if self.zones else []
        told += [_counted(self.held_out, "held out, to choose the weights by")] if self.held_out else []
        told += [_counted(self.pseudo, "with pseudo-labels")] if self.pseudo else []
        if self.zones and self.before:
            told.append(f"seen by what it began with or was taught by: {', '.join(self.before)}")
        return tuple(told)


def _counted(zones: tuple[str, ...], how: str) -> str:
    return f"{len(zones)} zone{'s' * (len(zones) > 1)} of {', '.join(_domains(zones))} {how}"


def _domains(zones: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({domain_of(zone) for zone in zones}))

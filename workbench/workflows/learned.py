"""What a model's card tells of the ground that it has seen: in words, and as zones.

A model has seen what it learned from, and what those had seen that it began with or was taught by. Its card
names all their domains, and of each all zones that were seen, where they are known.
"""

from __future__ import annotations

__all__ = ["Learned", "SeenGround"]

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

from workbench.geo.zone import domain_of
from workbench.inference.card import ModelCard, read_card
from workbench.inference.embedded import embedded_model


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenGround:
    """The ground that a model has seen, whatever way."""

    domains: frozenset[str]
    zones: frozenset[str]
    """All that it has seen of the domains that these are of; of the others nobody knows which."""

    @classmethod
    def of(cls, card: ModelCard) -> Self:
        """Return what a card tells; nothing of zones where an earlier one may not tell them all.

        Those of what its model began with or was taught by were not written at first; the shipped model has
        seen none.
        """
        told = card.training
        begun = told.get("begun_with")
        zones = told.get("seen_zones")
        if zones is None:
            alone = not begun or begun.get("digest") == read_card(embedded_model()).digest
            known = alone and not told.get("pseudo_labels")
            zones = [*(told.get("zones") or ()), *(told.get("held_out") or ())] if known else []
        return cls(domains=frozenset(card.domains), zones=frozenset(zones))

    @classmethod
    def of_zones(cls, zones: Iterable[str]) -> Self:
        """Return the ground of zones of which nothing else was seen."""
        listed = frozenset(zones)
        return cls(domains=frozenset(map(domain_of, listed)), zones=listed)

    def joined(self, *others: SeenGround) -> SeenGround:
        """Return the ground of several together: of a domain all zones are known where each knows its own.

        >>> named = SeenGround(domains=frozenset({"D051_2019"}), zones=frozenset())
        >>> found = named.joined(SeenGround.of_zones(["D051_2019/Z1", "D055_2018/Z2"]))
        >>> sorted(found.domains), sorted(found.zones)
        (['D051_2019', 'D055_2018'], ['D055_2018/Z2'])
        """
        every = (self, *others)
        untold = {domain for one in every for domain in one.domains - set(map(domain_of, one.zones))}
        zones = {zone for one in every for zone in one.zones if domain_of(zone) not in untold}
        return SeenGround(domains=frozenset().union(*(one.domains for one in every)), zones=frozenset(zones))

    def shown_whole(self, here: Collection[str]) -> frozenset[str]:
        """Return the domains of which every zone that was seen is known, and is among those that are here."""
        lacking = self.zones - set(here)
        return frozenset(map(domain_of, self.zones)) - set(map(domain_of, lacking))


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

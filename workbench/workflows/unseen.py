"""What ground a model has seen: of several, the one that never saw a zone; and whether it is known at all.

A model has seen the domains that its card names, and their ground whatever domain shows it: the same place
at another date is no test. Which ground that is, the card does not tell; the release or the campaign at hand
does, of the domains of which it has all zones that were seen. Of a domain that it has not, or not all these
zones of, or of which nobody knows which they are, the name alone is known: another year of the same
department may be the same ground or not, and then nobody can tell.
"""

from __future__ import annotations

__all__ = ["Unseen", "namesakes", "too_sure", "unknown_ground", "unseen_model"]

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from workbench.counting import counted
from workbench.errors import ModelError
from workbench.export.ground import GroundMap
from workbench.geo.zone import Zone, departments_of
from workbench.inference.card import CARD, ModelCard, read_card
from workbench.inference.embedded import embedded_model
from workbench.workflows.learned import SeenGround


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A model that, as far as can be known, never saw a zone."""

    path: Path
    card: ModelCard
    zone: Zone
    doubt: str | None
    """Why it may have seen it after all, under the name of another year."""

    def text(self) -> str:
        """Return one line for a person."""
        doubt = f" by that name, but {self.doubt}" if self.doubt else ""
        return f"{self.zone.id}: by {self.card.id}, which never saw {self.zone.domain}{doubt}"


def unseen_model(folder: Path, zone: Zone, ground: GroundMap) -> Unseen:
    """Return the model of a folder that was trained without the domain of a zone and without its ground.

    A model may have seen any domain where its card does not tell all. Of several one is taken of which no
    doubt is left, of those the one that was trained on the most domains, and of those the first by its id.

    Parameters
    ----------
    folder
        Holds models.
    zone
        To be predicted.
    ground
        Of the campaign that the zone is of.

    Raises
    ------
    ModelError
        There is none.
    """
    paths = sorted(path.parent for path in folder.glob(f"*/{CARD}"))
    if not paths:
        raise ModelError(f"{folder} holds no models; give the folder that crossval or train wrote them to")
    found = [(read_card(path), path) for path in paths]
    silent = [card.id for card, _ in found if unknown_ground(card)]
    unseen, saw = [], set()
    for card, path in found:
        if seen := ground.seen([zone.id], card.domains):
            saw.add(str(seen[0]))
        elif card.id not in silent:
            doubt = namesakes(card.domains, [zone.domain], here=SeenGround.of(card).shown_whole(ground.zones))
            unseen.append(Unseen(path=path, card=card, zone=zone, doubt=doubt))
    if not unseen:
        hint = f" or do not say what they saw ({', '.join(silent)})" if silent else ""
        raise ModelError(
            f"of {counted(len(found), 'model')} in {folder} all were trained on "
            f"{' or '.join(sorted(saw)) or zone.domain}{hint}: none can predict "
            f"{zone.id} unseen; train one without it, or name one with --model"
        )
    return min(unseen, key=lambda one: (one.doubt is not None, -len(one.card.domains), one.card.id))


def too_sure(model: str, zone: Zone, ground: GroundMap, saw: SeenGround | None) -> str | None:
    """Return what the confidences of a zone's pre-labels have to be read with; None where that is nothing.

    Parameters
    ----------
    model
        Id of the model that predicted the zone.
    zone, ground
        As for `unseen_model`.
    saw
        Ground that the model has seen; None where that is not known.
    """
    if saw is None:
        return (
            f"what ground model {model} was trained on is not known: where it was, its confidences are too "
            "good"
        )
    if seen := ground.seen([zone.id], saw.domains):
        return f"model {model} was trained on {seen[0]}: its confidences there are too good"
    if doubt := namesakes(saw.domains, [zone.domain], here=saw.shown_whole(ground.zones)):
        return f"the confidences of model {model} in {zone.domain} may be too good: {doubt}"
    return None


def namesakes(trained_on: Collection[str], domains: Iterable[str], *, here: Collection[str]) -> str | None:
    """Return why nobody can tell whether ground of some domains was trained on; None where that is known.

    It is not where a domain that was trained on is of the same department, of another year, and the zones
    here do not show where all of it lies that was seen.

    Parameters
    ----------
    trained_on
        Domains that a model was trained on.
    domains
        Of which it is asked.
    here
        Domains of which the release or the campaign shows all ground that was seen, see
        `SeenGround.shown_whole`.

    >>> namesakes(["D055_2021", "D051_2019"], ["D055_2018"], here=["D051_2019", "D055_2018"])
    'it was trained on D055_2021, and nothing here tells whether that shows ground of D055_2018'
    >>> namesakes(["D055_2021"], ["D055_2018"], here=["D055_2018", "D055_2021"])
    """
    elsewhere = set(trained_on) - set(here)
    for domain in sorted(set(domains) - set(trained_on)):
        alike = sorted(one for one in elsewhere if departments_of(one) & departments_of(domain))
        if alike:
            return (
                f"it was trained on {', '.join(alike)}, and nothing here tells whether that shows ground of "
                f"{domain}"
            )
    return None


def unknown_ground(card: ModelCard) -> str | None:
    """Return why nobody can tell whether a model has seen a domain; None where its card's domains are all.

    The shipped model learned from synthetic scenes alone: it has seen no ground, and gives none to those that
    begin with it.
    """
    shipped = read_card(embedded_model())
    if card.source == shipped.source:
        return None
    if not card.domains:
        return "its card names no domain that it was trained on"
    pseudo = card.training.get("pseudo_labels")
    if pseudo and not pseudo["domains_known"]:
        named = ", ".join(one["id"] for one in pseudo["models"])
        return f"it learned pseudo-labels of {named}, whose domains are not known"
    begun = card.training.get("begun_with")
    if not begun or begun.get("domains_known", begun.get("digest") == shipped.digest):
        return None
    return f"it began with the weights of {begun.get('id', 'another model')}, whose domains are not known"

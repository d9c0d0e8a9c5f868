"""What ground a model has seen: of several, the one that never saw a zone; and whether it is known at all."""

from __future__ import annotations

__all__ = ["unknown_ground", "unseen_model"]

from pathlib import Path

from workbench.counting import counted
from workbench.errors import ModelError
from workbench.geo.zone import Zone
from workbench.inference.card import CARD, ModelCard, read_card
from workbench.inference.embedded import embedded_model


def unseen_model(folder: Path, zone: Zone) -> tuple[Path, ModelCard]:
    """Return the model of a folder, and its card, that was trained without the domain of a zone.

    A model may have seen any domain where its card does not tell all. Of several the one that was trained on
    the most domains is taken, and of those the first by its id.

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
    unseen = [one for one in found if one[0].id not in silent and zone.domain not in one[0].domains]
    if not unseen:
        hint = f" or do not say what they saw ({', '.join(silent)})" if silent else ""
        raise ModelError(
            f"of {counted(len(found), 'model')} in {folder} all were trained on {zone.domain}{hint}: none "
            f"can pre-label {zone.id} unseen; train one without it, or name one with --model"
        )
    card, path = min(unseen, key=lambda one: (-len(one[0].domains), one[0].id))
    return path, card


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

"""Of several models, the one that never saw a zone: cross-validation leaves one for every fold."""

from __future__ import annotations

__all__ = ["unseen_model"]

from pathlib import Path

from workbench.errors import ModelError
from workbench.geo.zone import Zone
from workbench.inference.card import CARD, ModelCard, read_card


def unseen_model(folder: Path, zone: Zone) -> tuple[Path, ModelCard]:
    """Return the model of a folder, and its card, that was trained without the domain of a zone.

    A model whose card names no domain may have seen any. Of several the one that was trained on the most
    domains is taken, and of those the first by its id.

    Raises
    ------
    ModelError
        There is none.
    """
    paths = sorted(path.parent for path in folder.glob(f"*/{CARD}"))
    if not paths:
        raise ModelError(f"{folder} holds no models; give the folder that crossval or train wrote them to")
    found = [(read_card(path), path) for path in paths]
    unseen = [one for one in found if one[0].domains and zone.domain not in one[0].domains]
    if not unseen:
        silent = [card.id for card, _ in found if not card.domains]
        hint = f" or do not say what they saw ({', '.join(silent)})" if silent else ""
        raise ModelError(
            f"all {len(found)} models of {folder} were trained on {zone.domain}{hint}: none can pre-label "
            f"{zone.id} unseen; train one without it, or name one with --model"
        )
    card, path = min(unseen, key=lambda one: (-len(one[0].domains), one[0].id))
    return path, card

"""What models gave of the labels of a zone, and what these models had seen."""

from __future__ import annotations

__all__ = ["named_model", "note_model", "zone_assistance"]

from typing import Final

from workbench.campaign import Campaign
from workbench.export.assistance import Assistance
from workbench.geo.zone import departments_of
from workbench.labels.annotation import AnnotationStore
from workbench.labels.provenance import model_fates
from workbench.workflows.predictions import PredictedBy

_DIGITS: Final = 12
"""Of the digest of a model's card, in the provenance of its edits."""


def named_model(whose: PredictedBy) -> str:
    """Return what the edits of a model call it: its id, and the first digits of its card's digest."""
    return f"{whose.model}@{whose.digest[:_DIGITS]}" if whose.digest else whose.model


def note_model(campaign: Campaign, whose: PredictedBy) -> None:
    """Have a campaign know what a model was trained on that is about to propose labels.

    Of a model without a digest, which may be another one of its name, all is kept that was ever said, and
    that nobody knows, where that was said once.
    """
    name = named_model(whose)
    domains = None if whose.saw is None else tuple(sorted(whose.saw.domains))
    known = campaign.registry.models()
    if not whose.digest and name in known:
        before = known[name]
        domains = None if before is None or domains is None else tuple(sorted({*before, *domains}))
    campaign.registry.note_models({name: domains})


def zone_assistance(campaign: Campaign, store: AnnotationStore) -> tuple[Assistance, ...]:
    """Return what models gave of the labels of a zone.

    What a model was trained on is what was noted when it proposed; of one that proposed before anything was
    noted, or in another campaign, nobody knows it.
    """
    found = model_fates(store)
    if not found:
        return ()
    models, folds = campaign.registry.models(), campaign.folds()
    return tuple(_assistance(model, models.get(model), folds, pixels) for model, pixels in found.items())


def _assistance(
    model: str, domains: tuple[str, ...] | None, folds: dict[str, int], pixels: dict[str, int]
) -> Assistance:
    seen = None
    if domains is not None:
        # All years of a department are in one fold, for they may show the same ground.
        learned = frozenset[str]().union(*map(departments_of, domains))
        seen = tuple(sorted({fold for name, fold in folds.items() if learned & departments_of(name)}))
    return Assistance(model=model, domains=domains, folds=seen, pixels=pixels)

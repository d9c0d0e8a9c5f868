"""What models gave of the labels of a zone, and what these models had seen."""

from __future__ import annotations

__all__ = ["named_model", "note_model", "zone_assistance"]

from collections.abc import Mapping
from typing import Final

import numpy as np

from workbench.campaign import Campaign
from workbench.export.assistance import Assistance
from workbench.geo.zone import Zone, departments_of
from workbench.labels.annotation import AnnotationStore
from workbench.labels.influence import Influence, influences
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


def zone_assistance(campaign: Campaign, zone: Zone, store: AnnotationStore) -> tuple[Assistance, ...]:
    """Return what models gave of the labels of a zone, and where labels say what they had said before.

    What a model was trained on is what was noted when it proposed; of one that proposed before anything was
    noted, or in another campaign, nobody knows it.
    """
    found = influences(store)
    if not found:
        return ()
    models, folds = campaign.registry.models(), campaign.folds()
    saw = {model: _folds(models.get(model), folds) for model in found}
    agreed = _agreed(found, saw, folds[zone.domain])
    return tuple(
        Assistance(
            model=model,
            domains=models.get(model),
            folds=saw[model],
            pixels=one.pixels,
            agreed=agreed[model],
        )
        for model, one in found.items()
        if one.pixels or agreed[model]
    )


def _folds(domains: tuple[str, ...] | None, folds: dict[str, int]) -> tuple[int, ...] | None:
    """Return the folds that a model has seen which was trained on some domains; None where nobody knows."""
    if domains is None:
        return None
    # All years of a department are in one fold, for they may show the same ground.
    learned = frozenset[str]().union(*map(departments_of, domains))
    return tuple(sorted({fold for name, fold in folds.items() if learned & departments_of(name)}))


def _agreed(
    found: Mapping[str, Influence], saw: Mapping[str, tuple[int, ...] | None], fold: int
) -> dict[str, int]:
    """Return the pixels in which labels agree with each model and that no model of its kind gave.

    Kinds are those that saw a fold, those of which nobody knows, and the others: shares are of a kind.
    """
    kinds = {model: None if folds is None else fold in folds for model, folds in saw.items()}
    counts = {}
    for kind in (True, None, False):
        own = {model: one for model, one in found.items() if kinds[model] is kind}
        left = ~np.logical_or.reduce([one.gave for one in own.values()]) if own else np.False_
        for model, one in own.items():
            counts[model] = int(np.count_nonzero(one.agrees & left))
            left = left & ~one.agrees
    return counts

"""A model's prediction becomes pre-labels: the regions of the zone's hierarchy that explain it, as edits.

Every region becomes one edit of the journal ``model-<id>``, with the pixels that have their class from it, so
that any of them can be accepted, replaced or left without the others. A prediction that changed replaces
those regions that changed, and nothing else; another version of the model writes its own, also where it
agrees.
"""

from __future__ import annotations

__all__ = ["Prelabelled", "prelabel_zone", "prelabel_zones", "summary"]

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.errors import CampaignError, WorkbenchError
from workbench.export.ground import GroundMap
from workbench.geo.zone import Zone
from workbench.labels.edits import AssignMask, Provenance
from workbench.labels.proposed import MODEL
from workbench.segmentation.explaining import PRICE, check_price, explain, gather_mass
from workbench.workflows.admitting import gold_zones
from workbench.workflows.assisting import named_model, note_model
from workbench.workflows.predictions import predicted_by, prediction_path, read_prediction
from workbench.workflows.proposing import Proposal
from workbench.workflows.standing import is_accepted
from workbench.workflows.unseen import too_sure

_TOOL = "prelabel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prelabelled:
    """What became of one zone."""

    zone: str
    model: str
    """Id on the model's card."""
    model_sha256: str
    """Digest of its card."""
    prediction: Path
    hierarchy: str
    """Digest of the hierarchy."""
    price: float
    regions: int
    """That the prediction is made of."""
    written: int
    """Regions of these that were not there yet, or others."""
    erased: int
    """Pixels that had a pre-label and have none now."""
    pixels: int
    """That have a pre-label."""
    contradicted: float
    """Share of the pixels that have another class than the prediction says, each by how sure it is."""
    confidence: float
    """Mean over the pixels, 0 to 1."""
    seconds: float

    @property
    def author(self) -> str:
        """Name of the journal."""
        return MODEL + self.model

    def document(self) -> dict[str, Any]:
        """Return the JSON view, a part of ``schema/outputs/prelabel.schema.json``."""
        return {
            "zone": self.zone,
            "author": self.author,
            "model": self.model,
            "model_sha256": self.model_sha256,
            "prediction": str(self.prediction),
            "hierarchy": self.hierarchy,
            "price": self.price,
            "regions": self.regions,
            "written": self.written,
            "erased_pixels": self.erased,
            "pixels": self.pixels,
            "contradicted": round(self.contradicted, 6),
            "confidence": round(self.confidence, 6),
            "seconds": round(self.seconds, 3),
        }

    def text(self) -> str:
        """Return one line for a person."""
        done = f"{self.written:,} written" if self.written or self.erased else "all there already"
        gone = f", {counted(self.erased, 'pixel has', 'pixels have')} none any more" if self.erased else ""
        return (
            f"{self.zone}: {self.author} proposes {counted(self.regions, 'region')} for "
            f"{counted(self.pixels, 'pixel')} at a mean confidence of {self.confidence:.2f}, {done}{gone}; "
            f"{self.contradicted:.1%} of its prediction is smoothed away"
        )


def summary(done: Sequence[Prelabelled]) -> dict[str, Any]:
    """Return the JSON view of a run (``schema/outputs/prelabel.schema.json``)."""
    return {"zones": [one.document() for one in done]}


def prelabel_zone(
    campaign: Campaign,
    zone: Zone,
    *,
    predict: Callable[[Zone], Path | None] = lambda zone: None,
    price: float = PRICE,
    ground: GroundMap | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Prelabelled:
    """Have a model propose labels for a zone, from its prediction.

    Nothing is proposed where the prediction says nothing, and no label changes. The second time with the same
    prediction nothing is written. In an accepted zone, which is locked, what is proposed waits.

    Parameters
    ----------
    predict
        Makes the prediction of a zone once it is known to be wanted, and returns its path, see
        `workbench.workflows.predictions`; None is the zone's own, which is there.
    price
        Pixels that a region more has to explain.
    ground
        Of the campaign's zones; read from its registry if not given.
    say
        Told if the zone is accepted, and if the model was trained on its ground or may have been, so that its
        confidences are too good.

    Raises
    ------
    HierarchyError
        The zone is not segmented, or the price is none.
    RasterError, ModelError
        The prediction cannot be read, is of another place or nomenclature, or does not say whose it is.
    CampaignError
        There is no prediction, or the zone is a gold zone.
    JournalError
        The model writes already, or its journal cannot be written to.
    """
    begun = time.perf_counter()
    check_price(price)  # before anything is predicted
    if zone.id in gold_zones(campaign):
        raise CampaignError(
            f"zone {zone.id} is a gold zone, in which people show how they label unaided; pre-label others"
        )
    if is_accepted(campaign, zone):
        say(
            f"zone {zone.id} is accepted: nothing that is proposed there can be taken over until it is sent "
            "back"
        )
    hierarchy = campaign.read_hierarchy(zone)
    path = predict(zone) or prediction_path(campaign, zone)
    if not path.exists():
        raise CampaignError(
            f"zone {zone.id} has no prediction {path}; run: workbench prelabel {campaign.path} "
            f"--zone {zone.id} --model M"
        )
    said = read_prediction(path, zone.grid)
    whose = predicted_by(said, campaign.nomenclature, path=path)
    ground = ground or GroundMap.of_zones(campaign.zones())
    if doubt := too_sure(whose.model, zone, ground, whose.saw):
        say(doubt)
    codes = np.where(zone.footprint(), said.codes, np.uint8(0))
    classes, mass = gather_mass(hierarchy.leaves, codes, said.probability, leaf_count=hierarchy.leaf_count)
    found = explain(hierarchy.s, mass, price=price)
    given = Provenance(
        tool=_TOOL,
        hierarchy_digest=hierarchy.digest,
        model=named_model(whose),
    )
    proposal = Proposal.of(found, classes, hierarchy, replace(said, codes=codes))
    author = MODEL + whose.model
    with campaign.open_store(zone, author=author) as store:
        drawn = proposal.drawn(given, store.proposals.journals(author).replayed())
        if drawn:
            note_model(campaign, whose)
            store.apply_drawn(drawn)
    known = int(proposal.sizes.sum())
    erased = [one.spans for one in drawn if isinstance(one.edit, AssignMask) and one.edit.code == 0]
    return Prelabelled(
        zone=zone.id,
        model=whose.model,
        model_sha256=whose.digest,
        prediction=path,
        hierarchy=hierarchy.digest,
        price=price,
        regions=proposal.sizes.size,
        written=len(drawn) - len(erased),
        erased=sum(int((spans[:, 2] - spans[:, 1]).sum()) for spans in erased if spans is not None),
        pixels=known,
        contradicted=found.contradicted / known if known else 0.0,
        confidence=float(proposal.confidence @ proposal.sizes / known) if known else 0.0,
        seconds=time.perf_counter() - begun,
    )


def prelabel_zones(
    campaign: Campaign,
    zones: Sequence[Zone],
    *,
    predict: Callable[[Zone], Path | None] = lambda zone: None,
    price: float = PRICE,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Prelabelled]:
    """Have a model propose labels for several zones; those that cannot be are told once the others are.

    Zones that are not segmented, gold zones and accepted ones, where nothing is left to propose, are left out
    with a sentence.

    Parameters
    ----------
    predict, price
        As for `prelabel_zone`.
    say
        Told what is left out, and what `prelabel_zone` tells, each sentence once.

    Raises
    ------
    WorkbenchError
        Some zones could not be pre-labelled.
    """
    gold, ground, failed = gold_zones(campaign), GroundMap.of_zones(campaign.zones()), []
    told = cache(say)
    for zone in zones:
        try:
            if why := _left_out(campaign, zone, gold):
                say(f"{zone.id}: left out, {why}")
                continue
            yield prelabel_zone(campaign, zone, predict=predict, price=price, ground=ground, say=told)
        except WorkbenchError as error:
            failed.append(str(error))
    if failed:
        raise CampaignError(
            f"{len(failed)} of {counted(len(zones), 'zone')} could not be pre-labelled: {'; '.join(failed)}"
        )


def _left_out(campaign: Campaign, zone: Zone, gold: Collection[str]) -> str | None:
    """Return why nothing is proposed for a zone that nobody asked for by name; None where something is."""
    if zone.id in gold:
        return "a gold zone"
    if not campaign.hierarchy_path(zone).exists():
        return "not segmented"
    return "accepted" if is_accepted(campaign, zone) else None

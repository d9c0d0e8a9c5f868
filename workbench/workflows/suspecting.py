"""Label errors: accepted labels that a model contradicts that never saw their zone, ranked for review."""

from __future__ import annotations

__all__ = ["TOLERANCE", "Suspected", "SuspectedZone", "accepted_zones", "suspect_zones"]

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.active.suspects import Suspect, Tally, find_suspects, tally
from workbench.assessment.borders import moved_borders
from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.errors import CampaignError, WorkbenchError
from workbench.export.ground import GroundMap
from workbench.geo.zone import Zone
from workbench.nomenclature import Nomenclature
from workbench.segmentation.hierarchy import Hierarchy
from workbench.workflows.predictions import (
    PredictedBy,
    Prediction,
    predicted_by,
    prediction_path,
    read_prediction,
)
from workbench.workflows.standing import is_accepted
from workbench.workflows.unseen import too_sure

TOLERANCE = 5
"""Pixels by which a border may lie elsewhere and label and model both be right, as between two people."""
_MOST_LISTED = 25
_USABLE = 0.5
"""Share of labels with which a model agrees that is worth to be heard; IGN's agree with 77 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspectedZone:
    """What a model says against the labels of one zone."""

    zone: Zone
    model: str
    """Id on the model's card."""
    model_sha256: str
    prediction: Path
    doubt: str | None
    """Why the model may have learned these labels, and their errors; None where it has not."""
    pixels: int
    """That have a label and a prediction."""
    agreed: float
    """Share of these on which the two are the same."""
    suspects: tuple[Suspect, ...]
    """Those with most wrong pixels first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspected:
    """What models say against the labels of some zones, judged together."""

    zones: tuple[SuspectedZone, ...]
    never_said: tuple[int, ...]
    """Codes that labels have and no model says: labels of them are not judged."""
    nomenclature: Nomenclature

    @property
    def ranked(self) -> tuple[tuple[SuspectedZone, Suspect], ...]:
        """The suspects of all zones, those with most wrong pixels first."""
        found = [(zone, suspect) for zone in self.zones for suspect in zone.suspects]
        return tuple(sorted(found, key=lambda one: (-one[1].wrong, one[0].zone.id, one[1].row, one[1].col)))

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/suspects.schema.json``)."""
        return {
            "zones": [
                {
                    "zone": one.zone.id,
                    "model": one.model,
                    "model_sha256": one.model_sha256,
                    "prediction": str(one.prediction),
                    "doubt": one.doubt,
                    "pixels": one.pixels,
                    "agreed": round(one.agreed, 4),
                    "suspects": len(one.suspects),
                }
                for one in self.zones
            ],
            "not_judged": [self.key(code) for code in self.never_said],
            "suspects": [
                {
                    "rank": rank,
                    "zone": zone.zone.id,
                    "label": self.key(one.label),
                    "suggested": self.key(one.suggested),
                    "pixels": one.pixels,
                    "wrong": round(one.wrong, 1),
                    "confidence": round(one.confidence, 4),
                    "share": round(one.share, 4),
                    "picks": one.picks,
                    "row": one.row,
                    "col": one.col,
                    "window": [
                        one.mask.window.row,
                        one.mask.window.col,
                        one.mask.window.height,
                        one.mask.window.width,
                    ],
                }
                for rank, (zone, one) in enumerate(self.ranked, start=1)
            ],
        }

    def text(self) -> str:
        """Return a page for a person."""
        ranked, pixels = self.ranked, sum(one.pixels for one in self.zones)
        asked = f"{counted(pixels, 'labelled pixel')} in {counted(len(self.zones), 'zone')}"
        lines = [f"{asked}: {counted(len(ranked), 'suspect')}"]
        if not ranked:
            lines = [f"{asked}: no model contradicts any of it surely, nothing is suspected"]
        lines += [
            f"  {one.zone.id}: {one.model} says the same as {one.agreed:.1%} of the labels"
            for one in self.zones
        ]
        lines += [self._line(rank, *one) for rank, one in enumerate(ranked[:_MOST_LISTED], start=1)]
        if len(ranked) > _MOST_LISTED:
            lines.append(f"  and {len(ranked) - _MOST_LISTED} more; --json lists all, -o draws them")
        if self.never_said:
            lines.append(
                f"not judged, for no model says them: {', '.join(self.key(code) for code in self.never_said)}"
            )
        return "\n".join(lines)

    def key(self, code: int) -> str:
        """Return the key of a class."""
        return self.nomenclature.by_code(code).key

    def _line(self, rank: int, zone: SuspectedZone, one: Suspect) -> str:
        picks = "" if one.picks is None else f", {counted(one.picks, 'pick')}"
        return (
            f"  {rank:3}  {zone.zone.id} at ({one.row}, {one.col}): {self.key(one.label)}, rather "
            f"{self.key(one.suggested)}; {counted(one.pixels, 'pixel')} at {one.confidence:.2f}, "
            f"{one.wrong:,.0f} expected wrong{picks}"
        )


def accepted_zones(campaign: Campaign, *, say: Callable[[str], None]) -> list[Zone]:
    """Return the zones whose labels somebody stands for; the others are told.

    Raises
    ------
    CampaignError
        There is none.
    """
    found = []
    for zone in campaign.zones():
        if is_accepted(campaign, zone):
            found.append(zone)
        else:
            say(f"{zone.id}: left out, not accepted")
    if not found:
        raise CampaignError(
            f"{campaign.path} has no accepted zone, so nobody stands for any label yet; review zones first: "
            f"workbench review {campaign.path} --zone ID --accept --author NAME"
        )
    return found


def suspect_zones(
    campaign: Campaign,
    zones: Sequence[Zone],
    *,
    predict: Callable[[Zone], Path | None] = lambda zone: None,
    tolerance: int = TOLERANCE,
    say: Callable[[str], None] = lambda _: None,
) -> Suspected:
    """Hold the accepted labels of zones against what a model says that never saw them.

    How sure a model is of each class is measured over all of the zones. No label changes.

    Parameters
    ----------
    campaign, zones
        Whose labels.
    predict
        Makes the prediction of a zone, and returns its path, see `workbench.workflows.predictions`; None is
        the zone's own, which is there.
    tolerance
        Pixels by which a border may lie elsewhere and both be right.
    say
        Told if a model was trained on a zone's ground or may have been, so that it repeats what is wrong
        there, of models that agree with less than half of the labels, and of zones that are not segmented.

    Raises
    ------
    CampaignError
        A zone is not accepted or has no labels, or some have no prediction that can be read.
    """
    for zone in zones:
        if not is_accepted(campaign, zone):
            raise CampaignError(
                f"zone {zone.id} is not accepted, so nobody stands for its labels yet; review it first: "
                f"workbench review {campaign.path} --zone {zone.id} --accept --author NAME"
            )
    ground = GroundMap.of_zones(campaign.zones())
    asked = list(_asked(campaign, zones, predict))
    total: Tally | None = None
    for one in asked:
        found = tally(*one.read(campaign))
        if not found.labelled.any():
            raise CampaignError(
                f"zone {one.zone.id} has no pixel with a label and a prediction; nothing can be judged there"
            )
        total = found if total is None else total + found
    assert total is not None  # noqa: S101 - there is a zone, and each has been counted
    judged = []
    for one in asked:
        if doubt := too_sure(one.by.model, one.zone, ground, one.by.saw):
            say(f"{doubt}, and it repeats what is wrong in labels that it learned")
        judged.append(_judged(campaign, one, total, doubt, tolerance=tolerance, say=say))
    return Suspected(zones=tuple(judged), never_said=total.never_said, nomenclature=campaign.nomenclature)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A zone whose prediction is known to be one."""

    zone: Zone
    path: Path
    by: PredictedBy

    def read(self, campaign: Campaign) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
        """Return labels, classes of the model and their probabilities, shape (row, col) each.

        What is in conflict, of an upper class or outside the zone has no label.
        """
        said: Prediction = read_prediction(self.path, self.zone.grid)
        with campaign.open_store(self.zone) as store:
            upper, _ = store.uppers()
            known = store.footprint & (upper == 0)
            labels = np.where(known, store.settled_labels(), np.uint8(0))
        return labels, said.codes, said.probability


def _asked(
    campaign: Campaign, zones: Sequence[Zone], predict: Callable[[Zone], Path | None]
) -> Iterator[_Asked]:
    """Yield the zones with their predictions; those that have none are told together, when all were asked."""
    failed = []
    for zone in zones:
        try:
            path = predict(zone) or prediction_path(campaign, zone)
            if not path.exists():
                raise CampaignError(
                    f"zone {zone.id} has no prediction {path}; name models that predict it: --models FOLDER"
                )
            by = predicted_by(read_prediction(path, zone.grid), campaign.nomenclature, path=path)
            yield _Asked(zone=zone, path=path, by=by)
        except WorkbenchError as error:
            failed.append(str(error))
    if failed:
        raise CampaignError(
            f"{len(failed)} of {counted(len(zones), 'zone')} could not be judged: {'; '.join(failed)}"
        )


def _judged(
    campaign: Campaign,
    asked: _Asked,
    total: Tally,
    doubt: str | None,
    *,
    tolerance: int,
    say: Callable[[str], None],
) -> SuspectedZone:
    labels, codes, probability = asked.read(campaign)
    both = (labels > 0) & (codes > 0)
    agreed = float((labels == codes)[both].mean())
    if agreed < _USABLE:
        say(
            f"model {asked.by.model} says the same as {agreed:.0%} of the labels of {asked.zone.id}: it is "
            "wrong more often than they are, so do not take its word"
        )
    suspects = find_suspects(
        labels,
        codes,
        probability,
        found=total,
        excused=moved_borders(labels, codes, both, distance=tolerance),
        hierarchy=_hierarchy(campaign, asked.zone, say),
    )
    return SuspectedZone(
        zone=asked.zone,
        model=asked.by.model,
        model_sha256=asked.by.digest,
        prediction=asked.path,
        doubt=doubt,
        pixels=int(np.count_nonzero(both)),
        agreed=agreed,
        suspects=suspects,
    )


def _hierarchy(campaign: Campaign, zone: Zone, say: Callable[[str], None]) -> Hierarchy | None:
    if campaign.hierarchy_path(zone).exists():
        return campaign.read_hierarchy(zone)
    say(f"zone {zone.id} is not segmented: its suspects are connected pixels, and nobody knows their picks")
    return None

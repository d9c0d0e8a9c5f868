"""Zones are proposed: candidates of the pool are measured, and a strategy chooses among them."""

from __future__ import annotations

__all__ = ["DEFAULT", "FILE", "Adviser", "ProposalOrder", "Proposed", "propose_zones"]

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from workbench.active.budget import Budget, Tariff
from workbench.active.measures import Known
from workbench.active.proposal import PROPOSALS, ZoneProposal, proposal_bytes
from workbench.active.reasons import PROPOSAL_STYLE, proposal_style
from workbench.active.registered import strategy_named
from workbench.active.selection import Chosen, Selection
from workbench.active.task import Task
from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.documents import write_files
from workbench.errors import CampaignError
from workbench.geo.dalle import Dalle, lay_zones
from workbench.geo.grid import NATIONAL_GRID
from workbench.geo.zone import Cell, Zone
from workbench.inference.segmenter import Segmenter
from workbench.nomenclature import Nomenclature
from workbench.outputs import check_older, is_known
from workbench.pool import pool
from workbench.workflows.candidates import read_candidates
from workbench.workflows.class_quality import quality_of_model
from workbench.workflows.held_ground import HeldGround, ground_of
from workbench.workflows.measured import Measured, measures_of, shared_bands
from workbench.workflows.measuring import Doubt, OldMap, Said, measure_dalle, measure_labelled

DEFAULT: Final = "value"
FILE: Final = "proposals.gpkg"
_STYLE: Final = ".qml"
Domains = Literal["any", "known", "new"]
"""Where zones may be proposed: anywhere, where some are labelled, or where none is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalOrder:
    """What is to be proposed."""

    budget: Budget
    strategy: str = DEFAULT
    zone_size: int = 5
    """Patches a side."""
    candidates: Path | None = None
    """Vector file of the zones that may be proposed, a polygon each; squares of `zone_size` if not given."""
    domains: Domains = "any"
    doubt: Doubt = "entropy"
    old_map: OldMap | None = None
    """Asked where no model is."""
    quality: Mapping[str, float] = field(default_factory=dict)
    """Cross-validated IoU by class; that of the model's card if not given."""
    tariff: Tariff = field(default_factory=Tariff)
    seed: int = 0
    """Of what is left to chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adviser:
    """The model that is asked what the pool shows."""

    model: str
    """Id."""
    digest: str
    predict: Callable[[Dalle], Path]
    """Predicts a dalle, once it is known to hold a candidate."""
    quality: Mapping[str, float] = field(default_factory=dict)
    """IoU by class where the model's training measured it."""

    @classmethod
    def of(
        cls,
        campaign: Campaign,
        segmenter: Segmenter,
        *,
        say: Callable[[str], None] = lambda _: None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> Self:
        """Return a model that predicts dalles as they are asked for.

        Raises
        ------
        ModelError
            It was trained on classes that the campaign does not have.
        """
        segmenter.card.codes(campaign.nomenclature)
        return cls(
            model=segmenter.card.id,
            digest=segmenter.digest,
            predict=partial(_predict, campaign, segmenter, say=say, progress=progress),
            quality=quality_of_model(segmenter.card),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proposed:
    """What was proposed, and out of what."""

    proposals: tuple[ZoneProposal, ...]
    path: Path
    order: ProposalOrder
    candidates: int
    domains: int
    selection: Selection
    left_out: tuple[str, ...]
    """What was left out, and why, a sentence each."""
    style: Path | None
    """What QGIS opens the file with; None where a style of somebody's own lies in its place."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/propose.schema.json``)."""
        return {
            "path": str(self.path),
            "style": str(self.style) if self.style else None,
            "strategy": self.order.strategy,
            "budget": self.order.budget.limit,
            "unit": self.order.budget.unit.value,
            "cost": round(self.selection.cost, 3),
            "reached": self.selection.reached,
            "seed": self.order.seed,
            "candidates": self.candidates,
            "left_out": list(self.left_out),
            "proposals": [one.document() for one in self.proposals],
        }

    def text(self) -> str:
        """Return a line for each zone, and what they are together."""
        picks, area = sum(one.picks for one in self.proposals), sum(one.area for one in self.proposals)
        hours = sum(one.seconds for one in self.proposals) / 3600
        bound = self.selection.reached
        sure = f", worth {bound:.0%} of the best choice at least" if bound is not None else ""
        total = (
            f"{counted(len(self.proposals), 'zone')} of {counted(self.candidates, 'candidate')} in "
            f"{counted(self.domains, 'domain')} by {self.order.strategy}: about {picks:,.0f} picks, "
            f"{hours:.1f} h, {area:.3f} km²{sure}"
        )
        lines = [f"{rank:3} {one.text()}" for rank, one in enumerate(self.proposals, start=1)]
        written = [f"written to {self.path}"]
        if self.style is None:
            style = self.path.with_suffix(_STYLE)
            written.append(f"{style} is another style than the workbench's, and stays as it is")
        return "\n".join([*lines, *self.left_out, total, *written])


def propose_zones(
    campaign: Campaign,
    order: ProposalOrder,
    *,
    adviser: Adviser | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Proposed:
    """Propose zones of the pool, and write them to the campaign's ``proposals.gpkg`` in place of others.

    The style ``proposals.qml`` beside it has QGIS show why each is proposed.

    Nothing is proposed on ground of the folds that are kept for test, or nearer to it than sets of a release
    may lie; nor where a zone lies already, at whatever date; nor twice on one ground: the newest picture
    counts.

    Parameters
    ----------
    campaign
        With a pool.
    order
        What is wanted.
    adviser
        Who says what the pool shows; nobody in a round without a model.
    progress
        Called with the candidates that are measured and all of them.

    Raises
    ------
    CampaignError
        The pool is empty, nothing of it may be proposed, the budget buys nothing, or the strategy goes by
        what was not asked.
    RasterError, ModelError
        A dalle or a prediction of it cannot be read.
    """
    strategy = strategy_named(order.strategy)
    path = campaign.path / FILE
    check_older(path, PROPOSALS, error=CampaignError)
    free, left_out = _free(campaign, order)
    if not free:
        raise CampaignError(
            f"nothing of the pool may be proposed: {'; '.join(left_out) or 'it holds no whole zone'}"
        )
    measured = list(_measured(campaign, free, order, adviser, progress))
    if not measured:
        raise CampaignError("no zone of the pool holds enough data; add other orthophotos")
    task = _task(campaign, order, measured, adviser)
    selection = strategy(task)
    homes = {zone.id: dalle for dalle, zones in free.items() for zone in zones}
    proposals = []
    for one in selection.chosen:
        chosen = measured[one.row]
        proposals.append(_proposal(chosen, homes[chosen.zone.id], one, order, adviser))
    style = _style_beside(path)
    files = {path: proposal_bytes(proposals, crs=NATIONAL_GRID.crs)}
    write_files(files | ({style: proposal_style()} if style else {}), error=CampaignError)
    return Proposed(
        proposals=tuple(proposals),
        path=path,
        order=order,
        candidates=len(measured),
        domains=len({one.zone.domain for one in measured}),
        selection=selection,
        left_out=left_out,
        style=style,
    )


def _style_beside(path: Path) -> Path | None:
    """Return where QGIS looks for the style of a file; None where something else than ours lies there."""
    style = path.with_suffix(_STYLE)
    return style if not os.path.lexists(style) or is_known(style, PROPOSAL_STYLE) else None


def _task(
    campaign: Campaign, order: ProposalOrder, measured: Sequence[Measured], adviser: Adviser | None
) -> Task:
    labelled = [measure_labelled(campaign, zone) for zone in campaign.zones()]
    bands, nomenclature = shared_bands([*measured, *labelled]), campaign.nomenclature
    quality = order.quality or (adviser.quality if adviser else {})
    return Task(
        candidates=measures_of(measured, nomenclature=nomenclature, bands=bands),
        known=Known(
            zones=measures_of(labelled, nomenclature=nomenclature, bands=bands),
            quality=_quality(quality, nomenclature),
        ),
        budget=order.budget,
        tariff=order.tariff,
        seed=order.seed,
    )


def _predict(
    campaign: Campaign,
    segmenter: Segmenter,
    dalle: Dalle,
    *,
    say: Callable[[str], None],
    progress: Callable[[int, int], None],
) -> Path:
    from workbench.workflows.predicting import predict_dalle

    return predict_dalle(campaign, dalle, segmenter, say=say, progress=progress)


def _laid(campaign: Campaign, order: ProposalOrder) -> Iterator[tuple[Dalle, Zone]]:
    dalles = pool(campaign.registry)
    if not dalles:
        raise CampaignError(
            f"{campaign.path} has no pool to propose from; add orthophotos: workbench pool add "
            f"{campaign.path} RASTER --domain D"
        )
    if order.candidates is not None:
        yield from read_candidates(order.candidates, dalles)
        return
    for dalle in dalles:
        yield from ((dalle, zone) for zone in lay_zones(dalle, size=order.zone_size))


def _free(campaign: Campaign, order: ProposalOrder) -> tuple[dict[Dalle, list[Zone]], tuple[str, ...]]:
    """Return the zones that may be proposed, by dalle, and a sentence for each kind of those that may not."""
    zones, held = campaign.zones(), HeldGround.of(campaign)
    known, shown = {zone.domain for zone in zones}, ground_of(zones)
    taken: set[Cell] = set()
    why: Counter[str] = Counter()
    free: dict[Dalle, list[Zone]] = defaultdict(list)
    # The newest picture of a place first; where that is equal, by name.
    for dalle, zone in sorted(_laid(campaign, order), key=lambda pair: (_age(pair[1]), pair[1].id)):
        ground = ground_of([zone])
        if held.holds(zone):
            why[f"on or beside {held.text()}"] += 1
        elif order.domains != "any" and (zone.domain in known) != (order.domains == "known"):
            why[f"of {'a new' if order.domains == 'known' else 'a known'} domain"] += 1
        elif ground & shown:
            why["on ground that a zone shows already"] += 1
        elif ground & taken:
            why["on ground that a newer picture shows, or another dalle"] += 1
        else:
            free[dalle].append(zone)
            taken |= ground
    told = (f"left out: {counted(many, 'candidate')} {what}" for what, many in sorted(why.items()))
    return dict(free), tuple(told)


def _age(zone: Zone) -> float:
    return -zone.acquired.toordinal() if zone.acquired else 0.0


def _measured(
    campaign: Campaign,
    free: Mapping[Dalle, Sequence[Zone]],
    order: ProposalOrder,
    adviser: Adviser | None,
    progress: Callable[[int, int], None],
) -> Iterator[Measured]:
    total, done = sum(map(len, free.values())), 0
    for dalle, zones in free.items():

        def within(here: int, _: int, before: int = done) -> None:
            progress(before + here, total)

        said = Said(
            prediction=adviser.predict(dalle) if adviser else None, doubt=order.doubt, old_map=order.old_map
        )
        yield from measure_dalle(campaign, dalle, zones, said, progress=within)
        done += len(zones)


def _quality(quality: Mapping[str, float], nomenclature: Nomenclature) -> NDArray[np.float64]:
    """Return the IoU of each class of a nomenclature, NaN where it is not known; empty where none is."""
    if not quality:
        return np.empty(0)
    return np.array([quality.get(entry.key, np.nan) for entry in nomenclature.classes])


def _proposal(
    measured: Measured,
    dalle: Dalle,
    chosen: Chosen,
    order: ProposalOrder,
    adviser: Adviser | None,
) -> ZoneProposal:
    zone, tariff = measured.zone, order.tariff
    return ZoneProposal(
        id=zone.id,
        dalle=dalle.id,
        footprint=zone.outline(),
        area=zone.area / 1e6,
        score=chosen.score,
        picks=measured.picks,
        seconds=measured.picks * tariff.seconds_per_pick + tariff.opening,
        reasons=chosen.reasons,
        strategy=order.strategy,
        inclusion=chosen.inclusion,
        model_id=adviser.model if adviser else None,
        model_sha256=adviser.digest if adviser else None,
        seed=order.seed,
    )

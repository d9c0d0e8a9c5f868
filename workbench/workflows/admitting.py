"""Gold zones: where new annotators show, blind, that they label as the others do, before they go on."""

from __future__ import annotations

__all__ = [
    "Admission",
    "GoldResult",
    "admit",
    "admitted_authors",
    "check_admitted",
    "gold_zones",
    "set_gold",
]

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from workbench.assessment.agreement import measure_agreement
from workbench.campaign import Campaign
from workbench.errors import CampaignError, EditRefused
from workbench.geo.zone import Zone
from workbench.labels.comments import one_line
from workbench.labels.op import check_author
from workbench.labels.review import zone_state
from workbench.workflows.authors import open_alone

_SEED = 1
_WHOLE = 0.99
"""Share of a gold zone that has to be labelled before it is judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldResult:
    """How an author labelled a gold zone."""

    zone: str
    minimum: float
    labelled: float
    """Share of the zone's labels that the author gave some, too."""
    overall: float | None
    """Share of those that are the same; None where there are none."""
    kappa: float | None
    worst: tuple[str, float] | None
    """The class with the least intersection over union, and how much that is."""

    @property
    def passed(self) -> bool:
        """Whether the zone speaks for the author."""
        return self.labelled >= _WHOLE and self.overall is not None and self.overall >= self.minimum


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Whether an author may label in a campaign, and why."""

    author: str
    results: tuple[GoldResult, ...]
    reason: str | None = None
    """Why they were admitted without that."""

    @property
    def passed(self) -> bool:
        """Whether they may."""
        return self.reason is not None or (bool(self.results) and all(one.passed for one in self.results))

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/gold-admit.schema.json``)."""
        return {
            "author": self.author,
            "admitted": self.passed,
            "reason": self.reason,
            "zones": [
                {
                    "zone": one.zone,
                    "minimum": one.minimum,
                    "labelled": one.labelled,
                    "overall": one.overall,
                    "kappa": one.kappa,
                    "worst": {"class": one.worst[0], "iou": one.worst[1]} if one.worst else None,
                    "passed": one.passed,
                }
                for one in self.results
            ],
        }

    def text(self) -> str:
        """Return a page for a person."""
        verdict = "admitted" if self.passed else "not admitted yet"
        lines = [f"{self.author}: {verdict}" + (f" ({one_line(self.reason)})" if self.reason else "")]
        for one in self.results:
            if one.overall is None:
                lines.append(f"  {one.zone}: nothing labelled blind yet")
                continue
            line = f"  {one.zone}: {one.overall:.1%} as in the gold zone, {one.minimum:.0%} wanted"
            line += f"; kappa {one.kappa:.2f}" if one.kappa is not None else ""
            line += f"; worst {one.worst[0]}, IoU {one.worst[1]:.2f}" if one.worst else ""
            lines.append(line + (f"; only {one.labelled:.1%} labelled" if one.labelled < _WHOLE else ""))
        return "\n".join(lines)


def gold_zones(campaign: Campaign) -> dict[str, float]:
    """Return {zone id: share of pixels that has to be right} of the gold zones."""
    return {row["zone"]: row["minimum"] for row in campaign.registry.rows("gold")}


def admitted_authors(campaign: Campaign) -> tuple[str, ...]:
    """Return who was admitted, by name; it matters only as long as there are gold zones."""
    return tuple(sorted(row["author"] for row in campaign.registry.rows("admissions")))


def set_gold(campaign: Campaign, zone: Zone, minimum: float | None) -> None:
    """Make an accepted zone a gold zone, or (None) one like the others.

    Raises
    ------
    CampaignError
        It is not accepted, or the share is not between 0 and 1; or it is no gold zone to be made another.
    """
    if minimum is None and zone.id not in gold_zones(campaign):
        raise CampaignError(f"zone {zone.id} is no gold zone; workbench zone list says which are")
    if minimum is not None:
        if not 0 < minimum <= 1:
            raise CampaignError(f"minimum {minimum} is no share above 0 and up to 1; give 0.9, say")
        with campaign.open_store(zone) as store:
            state = zone_state(store)
        if state.state != "accepted":
            raise CampaignError(f"zone {zone.id} is {state}; only an accepted zone can be a gold zone")
    with campaign.registry.writing() as connection:
        connection.execute("DELETE FROM gold WHERE zone = ?", (zone.id,))
        if minimum is not None:
            connection.execute("INSERT INTO gold VALUES (?, ?)", (zone.id, float(minimum)))


def admit(campaign: Campaign, author: str, *, reason: str | None = None) -> Admission:
    """Judge an author by the gold zones, and write down whether they may label.

    Parameters
    ----------
    campaign
        With gold zones.
    author
        Who labelled them blind.
    reason
        Admit them without that, for this reason.

    Raises
    ------
    CampaignError
        The campaign has no gold zone, so that everybody may label; or one of them is not accepted any more;
        or the reason is empty.
    """
    check_author(author)
    if reason is not None and not reason.strip():
        raise CampaignError(
            "an annotator is admitted without that for a reason that others can read; give one"
        )
    gold = gold_zones(campaign)
    if not gold:
        raise CampaignError(
            f"{campaign.path} has no gold zone, so that everybody may label; make one: workbench gold add"
        )
    results = tuple(_judged(campaign, campaign.zone(name), author, gold[name]) for name in sorted(gold))
    found = Admission(author=author, results=results, reason=reason)
    with campaign.registry.writing() as connection:
        connection.execute("DELETE FROM admissions WHERE author = ?", (author,))
        if found.passed:
            values = author, datetime.now(UTC).isoformat(), json.dumps(found.document())
            connection.execute("INSERT INTO admissions VALUES (?, ?, ?)", values)
    return found


def check_admitted(campaign: Campaign, author: str) -> None:
    """Refuse an author who has not shown yet how they label, where the campaign has gold zones for that.

    Raises
    ------
    CampaignError
        With the way out.
    """
    gold = gold_zones(campaign)
    if not gold or author in admitted_authors(campaign):
        return
    raise CampaignError(
        f"{author} is not admitted to {campaign.path} yet: label {' and '.join(sorted(gold))} with --blind, "
        f"then run workbench gold admit {campaign.path} --author {author}"
    )


def _judged(campaign: Campaign, zone: Zone, author: str, minimum: float) -> GoldResult:
    """Hold what an author labelled blind in a gold zone against its labels."""
    with campaign.open_store(zone) as store:
        state = zone_state(store)
        if state.state != "accepted":
            raise CampaignError(
                f"gold zone {zone.id} is {state}; have it accepted again, or remove it: workbench gold remove"
            )
        reference, blind = store.settled_labels(), author in store.blind_authors
    nothing = GoldResult(zone=zone.id, minimum=minimum, labelled=0.0, overall=None, kappa=None, worst=None)
    if not blind:
        return nothing
    labels = open_alone(campaign, zone, author).labels
    wanted = (reference > 0) & zone.footprint()
    try:
        found = measure_agreement(reference, labels, zone.footprint(), rng=np.random.default_rng(_SEED))
    except EditRefused:
        return nothing
    code, worst = min(found.classes.items(), key=lambda item: item[1].value)
    return GoldResult(
        zone=zone.id,
        minimum=minimum,
        labelled=float((labels[wanted] > 0).mean()),
        overall=found.overall.value,
        kappa=found.kappa.value,
        worst=(campaign.nomenclature.by_code(code).key, worst.value),
    )

"""What a release tells of a zone's labels: where they come from, and how far a second opinion bears them out.

Sums only, so that those of all zones can be added up, and nobody's name.
"""

from __future__ import annotations

__all__ = ["ORIGINS", "zone_facts"]

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.assessment.agreement import Agreement, measure_agreement
from workbench.assessment.bias import Following
from workbench.campaign import Campaign
from workbench.errors import EditRefused, HierarchyError
from workbench.geo.zone import Zone
from workbench.labels.annotation import AnnotationStore
from workbench.labels.provenance import Source, sources
from workbench.nomenclature import Nomenclature
from workbench.workflows.authors import open_alone
from workbench.workflows.bias import measure_bias
from workbench.workflows.doubling import double

ORIGINS: Final = ("drawn", "picked", "imported", "kept", "corrected", "untouched")
"""Where a labelled pixel can come from. Drawn: by brush, line or polygon; picked: any other edit of a person,
above all a region pointed at; imported: an existing map. Where its author had read what a model proposed,
what became of that, see `workbench.labels.provenance`."""
_BY_HAND: Final = frozenset({"brush", "line", "polygon"})
_SEED: Final = 1


def zone_facts(
    campaign: Campaign, zone: Zone, store: AnnotationStore, *, say: Callable[[str], None]
) -> dict[str, Any]:
    """Return what the zone's entry in ``release.json`` tells of its labels.

    Parameters
    ----------
    campaign, zone
        Which zone.
    store
        Its labels, as `Campaign.open_store` opens them.
    say
        Told where the segmentation bias cannot be measured though it should be.

    Returns
    -------
    dict
        ``origins``, pixels of each of `ORIGINS`; where somebody annotated the zone blind and is done,
        ``agreement`` of the released labels with theirs; where the zone is segmented and something was drawn
        by hand, ``bias``.

    Raises
    ------
    JournalError
        A journal cannot be read.
    """
    labels = store.settled_labels()
    origins = _origins(store, labels)
    facts: dict[str, Any] = {"origins": origins}
    second = _second(campaign, zone, store)
    compared = [_agreement(campaign, zone, labels, author) for author in second]
    if known := [one for one in compared if one is not None]:
        facts["agreement"] = known
    if (second or origins["drawn"]) and campaign.hierarchy_path(zone).exists():
        try:
            bias = _bias(campaign, zone, second)
        except HierarchyError as error:
            say(f"{zone.id} tells no segmentation bias: {error}")
        else:
            facts |= {"bias": bias} if bias else {}
    return facts


def _origins(store: AnnotationStore, labels: NDArray[np.uint8]) -> dict[str, int]:
    """Return the labelled pixels by where they come from; they add up to all that are labelled."""
    numbers, table = sources(store)
    counts = np.bincount(numbers[labels > 0], minlength=len(table) + 1)
    found = Counter[str]()
    for source in table:
        found[_origin(source)] += int(counts[source.number])
    return {origin: found[origin] for origin in ORIGINS}


def _origin(source: Source) -> str:
    if source.prelabel != "none":
        return source.prelabel
    if source.op.tool == "import":
        return "imported"
    return "drawn" if source.op.tool in _BY_HAND else "picked"


def _second(campaign: Campaign, zone: Zone, store: AnnotationStore) -> tuple[str, ...]:
    """Return who annotated the zone blind and is done, by name."""
    if not store.blind_authors:
        return ()
    return tuple(one.author for one in double(campaign, zone).authors if one.blind and one.done)


def _agreement(
    campaign: Campaign, zone: Zone, labels: NDArray[np.uint8], author: str
) -> dict[str, Any] | None:
    """Return how far the labels of a zone and a second annotation agree; None where no pixel has both."""
    second, footprint = open_alone(campaign, zone, author).labels, zone.footprint()
    try:
        found = measure_agreement(labels, second, footprint, rng=np.random.default_rng(_SEED))
    except EditRefused:
        return None
    return {
        "pixels": found.pixels,
        "same": sum(found.same.values()),
        "overall": found.overall.document(),
        "kappa": found.kappa.document(),
        "borders": {str(distance): border.document() for distance, border in found.borders.items()},
        "classes": _classes(found, campaign.nomenclature),
        "pairs": [
            {
                "classes": [campaign.nomenclature.by_code(code).key for code in pair.classes],
                "boundary": pair.boundary,
                "class": pair.label,
            }
            for pair in found.pairs
        ],
    }


def _classes(found: Agreement, nomenclature: Nomenclature) -> dict[str, dict[str, int]]:
    """Return, by class, the pixels to which both gave it, and those to which either did."""
    either = dict(found.same)
    for pair in found.pairs:
        for code in pair.classes:
            either[code] += pair.pixels
    return {
        nomenclature.by_code(code).key: {"both": found.same[code], "either": count}
        for code, count in either.items()
    }


def _bias(campaign: Campaign, zone: Zone, second: tuple[str, ...]) -> dict[str, Any] | None:
    """Return the segmentation bias: against a second annotation by hand, or against hands in the same."""
    for reference in (*second, None):
        try:
            found = measure_bias(campaign, zone, reference=reference).found
        except EditRefused:
            continue
        return {
            "against": "own" if reference is None else "second",
            "pixels": found.pixels,
            "bias": found.bias.document(),
            "unsteady": {str(pixels): round(bias, 6) for pixels, bias in found.unsteady.items()},
            "labels": _following(found.labels),
            "reference": _following(found.reference),
        }
    return None


def _following(one: Following) -> dict[str, Any]:
    return {"edgels": one.edgels, "share": round(one.share.value, 6), "chance": round(one.chance, 6)}

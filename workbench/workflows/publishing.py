"""From the zones of a campaign to a release, or to what one would be held against."""

from __future__ import annotations

__all__ = ["ReleaseOrder", "check_noting", "judge", "note_release", "publish", "release_sources"]

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version as software_version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.errors import CampaignError, ReleaseError
from workbench.export import Release, ZoneSource, build_release, open_release
from workbench.export.assistance import Assistance
from workbench.export.card import excluded_patches
from workbench.export.layouts import DEFAULT_LAYOUTS, Layout, parse_layouts, with_modalities
from workbench.export.modalities import MODALITIES, check_modalities
from workbench.export.patches import codes_digest
from workbench.export.release import check_target
from workbench.export.rules import DEFAULTS, Rules
from workbench.export.trial import Trial, try_release
from workbench.geo.areas import read_areas
from workbench.geo.grid import NATIONAL_GRID, Bounds, PatchLattice, Window
from workbench.geo.raster import ORTHO_BANDS
from workbench.geo.zone import Zone, domain_of
from workbench.labels.annotation import AnnotationStore
from workbench.labels.review import ZoneState, zone_state
from workbench.nomenclature.code_counts import code_counts
from workbench.threads import in_threads
from workbench.workflows.assisting import zone_assistance
from workbench.workflows.parent_folds import folds_apart
from workbench.workflows.views import zone_views
from workbench.workflows.zone_facts import zone_facts

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseOrder:
    """What a release of a campaign is to be."""

    name: str
    out: Path
    """Folder that it goes into."""
    layouts: Sequence[str] = DEFAULT_LAYOUTS
    """As `workbench.export.layouts.parse_layouts` reads them."""
    modalities: Sequence[str] | None = None
    """What layouts that have more than orthophoto and labels are to have; None = all that every zone has
    whole."""
    lattice: PatchLattice = NATIONAL_GRID
    """What patches are cut on."""
    parent: Path | None = None
    """Folder of a release to build on."""
    version: str | None = None
    """Such as ``1.2.0``; None = what the name ends with, or the next after the parent's."""
    exclude: Path | None = None
    """Polygons of ground that stays out, with every patch of which they cover a part; nothing else is in that
    file."""
    readmit: Sequence[str] = ()
    """Zones that were withdrawn, from the parent or another release, and are to come back."""
    rules: Rules = DEFAULTS
    """What the release is held against."""


def publish(
    campaign: Campaign,
    order: ReleaseOrder,
    *,
    say: Callable[[str], None],
    progress: Callable[[int, int], None] | None = None,
) -> Release:
    """Build a release of all accepted zones of a campaign, in ``out/name``.

    Parameters
    ----------
    campaign
        Where the zones are.
    order
        What it is to be.
    say
        Told which zones stay out, and why.
    progress
        Called with the patches done and their total after each.

    Raises
    ------
    ReleaseError
        No zone is accepted, the zones make no sound release, or the campaign cannot take note of it; nothing
        is left on disk.
    VectorError
        What stays out cannot be read, or has points or lines in it, which cover no ground.
    """
    check_target(order.out, order.name)
    check_noting(campaign)
    before = open_release(order.parent) if order.parent else None
    chosen, wanted = parse_layouts(order.layouts), _asked(order.modalities)
    sources = _cut_from(campaign, order, before, say=say)
    with in_threads() as threads:
        built = build_release(
            sources,
            name=order.name,
            out=order.out,
            nomenclature=campaign.nomenclature,
            software=software_version("ocs-workbench"),
            layouts=_shown(chosen, wanted, sources, say=say),
            lattice=order.lattice,
            parent=before,
            version=order.version,
            readmit=order.readmit,
            rules=replace(order.rules, test_folds=campaign.test_folds),
            still=partial(_still_admitted, campaign, sources, order.readmit),
            progress=progress,
            map=threads,
        )
    note_release(campaign, built, readmitted=order.readmit)
    return built


def _admitted(
    campaign: Campaign,
    sources: list[ZoneSource],
    before: Release | None,
    readmit: Iterable[str],
    *,
    say: Callable[[str], None],
) -> list[ZoneSource]:
    """Return the zones without those that were withdrawn, from whichever release, and say so."""
    known = [*campaign.registry.rows("withdrawals"), *(before.withdrawn if before else ())]
    withdrawn = {entry["zone"]: entry for entry in known}
    if strange := [zone for zone in readmit if zone not in withdrawn]:
        raise ReleaseError(f"zone {strange[0]} was never withdrawn; --readmit takes those that were")
    kept = []
    for source in sources:
        entry = withdrawn.get(source.zone.id)
        if entry is None or source.zone.id in set(readmit):
            kept.append(source)
        else:
            say(f"{source.zone.id} was withdrawn in {entry['since']} and stays out: {entry['reason']}")
    for sentence in _on_withdrawn_ground(campaign, kept, withdrawn):
        say(sentence)
    return kept


def _still_admitted(campaign: Campaign, sources: Iterable[ZoneSource], readmit: Iterable[str]) -> None:
    """Refuse a release of which a zone was withdrawn while it was built."""
    withdrawn = {entry["zone"] for entry in campaign.registry.rows("withdrawals")} - set(readmit)
    if gone := sorted(withdrawn & {source.zone.id for source in sources}):
        raise ReleaseError(
            f"no release was built: zone {gone[0]} was withdrawn while it was built; build again, without it"
        )


def _on_withdrawn_ground(
    campaign: Campaign, sources: Iterable[ZoneSource], withdrawn: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Yield a sentence for each zone on ground that was withdrawn under another name."""
    gone = [zone for zone in campaign.zones() if zone.id in withdrawn]
    for source in sources:
        for other in gone:
            if other.id != source.zone.id and other.shared(source.zone):
                entry = withdrawn[other.id]
                yield (
                    f"{source.zone.id} shows ground of {other.id}, which was withdrawn in {entry['since']}: "
                    f"{entry['reason']}; if that holds for it, too, withdraw it as well"
                )


def _covers(shape: BaseGeometry, bounds: Bounds) -> bool:
    """Tell whether ground covers some of a patch; what only lies beside it does not."""
    import shapely

    box = shapely.box(bounds.left, bounds.bottom, bounds.right, bounds.top)
    return bool(shapely.relate_pattern(shape, box, "T********"))


def check_noting(campaign: Campaign) -> None:
    """Refuse a campaign that cannot take note of a release, before one is made.

    Raises
    ------
    ReleaseError
        Its registry cannot be written.
    """
    try:
        campaign.registry.check_writable()
    except CampaignError as error:
        raise ReleaseError(
            f"no release was made, since its campaign has to know of it: {error}; or, of one that stays as "
            f"it is, work on a copy: workbench campaign backup {campaign.path} COPY"
        ) from error


def note_release(campaign: Campaign, built: Release, *, readmitted: Iterable[str] = ()) -> None:
    """Have the campaign know a release: its domains keep their folds, and what was withdrawn stays out.

    Zones that somebody let in again are withdrawn no longer.
    """
    domains = sorted({domain_of(entry["id"]) for entry in built.card["zones"]})
    row = {
        "content_sha256": built.card["content_sha256"],
        "name": built.name,
        "version": str(built.version),
        "path": str(built.path.resolve()),
        "domains": ",".join(domains),
    }
    back = {entry["id"] for entry in built.card["zones"]} & set(readmitted)
    campaign.registry.note_release(row, withdrawn=built.withdrawn, readmitted=back)


def judge(
    campaign: Campaign,
    order: ReleaseOrder,
    *,
    say: Callable[[str], None],
    progress: Callable[[int, int], None] | None = None,
) -> Trial:
    """Hold what `publish` would build against the rules, and build nothing.

    Parameters
    ----------
    campaign, order, say, progress
        As for `publish`.

    Raises
    ------
    ReleaseError
        No zone is accepted, or the name or the parent is none.
    """
    check_target(order.out, order.name)
    before = open_release(order.parent) if order.parent else None
    chosen, wanted = parse_layouts(order.layouts), _asked(order.modalities)
    sources = _cut_from(campaign, order, before, say=say)
    with in_threads() as threads:
        return try_release(
            sources,
            name=order.name,
            nomenclature=campaign.nomenclature,
            layouts=_shown(chosen, wanted, sources, say=say),
            parent=before,
            version=order.version,
            readmit=order.readmit,
            lattice=order.lattice,
            rules=replace(order.rules, test_folds=campaign.test_folds),
            progress=progress,
            map=threads,
        )


def _cut_from(
    campaign: Campaign, order: ReleaseOrder, before: Release | None, *, say: Callable[[str], None]
) -> list[ZoneSource]:
    """Return what a release is cut from: accepted zones without those and the ground that stay out."""
    sources = _admitted(campaign, release_sources(campaign, say=say), before, order.readmit, say=say)
    if not sources:
        raise ReleaseError(
            f"{campaign.path} has no accepted zone; have some accepted first: workbench review"
        )
    if before is not None:
        known = {row["content_sha256"] for row in campaign.registry.rows("releases")}
        if before.card["content_sha256"] not in known:
            say(
                f"{campaign.path} knows of no release like {before.name}, whose files are taken where "
                f"nothing changed; prove what is in them: workbench release verify --pixels {before.path}"
            )
        for sentence in folds_apart(sources, before):
            say(sentence)
    if order.exclude is None:
        return sources
    layers = read_areas(order.exclude, crs=order.lattice.crs)
    for name, area in layers.items():
        if not any(excluded_patches(one, order.lattice) for one in _without(sources, [area])):
            say(
                f"layer {name} of {order.exclude} covers no patch of an accepted zone, so nothing stays out "
                "for it; check where it lies"
            )
    return _without(sources, layers.values())


def _without(sources: Iterable[ZoneSource], areas: Iterable[BaseGeometry]) -> list[ZoneSource]:
    """Return zones without the patches that some ground covers a part of."""
    import shapely

    held_back = partial(_covers, shapely.union_all([*areas]))
    return [replace(source, excluded=held_back) for source in sources]


def _asked(modalities: Iterable[str] | None) -> tuple[str, ...] | None:
    return None if modalities is None else check_modalities(modalities)


def _shown(
    layouts: Iterable[Layout],
    modalities: Iterable[str] | None,
    sources: Sequence[ZoneSource],
    *,
    say: Callable[[str], None],
) -> list[Layout]:
    """Return layouts with the modalities that were asked for, or all that the zones have."""
    shown = _common(sources, say=say) if modalities is None else modalities
    return [with_modalities(layout, shown, _bands(sources)) for layout in layouts]


def release_sources(campaign: Campaign, *, say: Callable[[str], None]) -> list[ZoneSource]:
    """Return what a release is cut from: the accepted zones, with people under pseudonyms.

    Zones that are not accepted stay out, and are said.
    """
    folds, places, choices = campaign.folds(), campaign.registry.places(), campaign.registry.choices()
    sources = []
    for zone in campaign.zones():
        with campaign.open_store(zone, from_snapshot=False) as store:
            state = zone_state(store)
            accepted = _Accepted.of(campaign, zone, store, say=say) if state.state == "accepted" else None
        if accepted is None:
            # What was sent back is not accepted before it was submitted again.
            verbs = "--submit, then --accept" if state.state == "sent_back" else "--accept"
            say(f"{zone.id} is {state} and stays out; workbench review … --zone {zone.id} {verbs}")
            continue
        # Whole, so that its digest is checked: patches are cut from windows, which have none.
        campaign.read_image(zone)
        numbers = campaign.patch_numbers(zone)
        sources.append(
            ZoneSource(
                zone=zone,
                fold=folds[zone.domain],
                numbers=tuple(numbers[cell] for cell in zone.cells),
                image=partial(_image, campaign, zone),
                labels=partial(_labels, campaign, zone, state),
                labels_sha256=accepted.sha256,
                code_counts=accepted.counts,
                assistance=accepted.assistance,
                choice=choices.get(zone.id),
                state=state.state,
                place=places.get(zone.id),
                views=zone_views(campaign, zone),
                heads={campaign.pseudonym(head.author): head.seq for head in state.heads},
                facts=accepted.facts,
            )
        )
    return sources


@dataclass(frozen=True, slots=True, kw_only=True)
class _Accepted:
    """What is known of the labels of an accepted zone before it is cut."""

    sha256: str
    counts: tuple[int, ...]
    """Pixels of each code from 0 to 255 in the footprint."""
    assistance: tuple[Assistance, ...]
    facts: Mapping[str, Any]

    @classmethod
    def of(
        cls, campaign: Campaign, zone: Zone, store: AnnotationStore, *, say: Callable[[str], None]
    ) -> Self:
        codes = store.settled_labels()
        counts = code_counts(codes[store.footprint])
        return cls(
            sha256=codes_digest(codes),
            counts=tuple(counts.tolist()),
            assistance=zone_assistance(campaign, zone, store),
            facts=zone_facts(campaign, zone, store, say=say),
        )


def _common(sources: Iterable[ZoneSource], *, say: Callable[[str], None]) -> tuple[str, ...]:
    """Return the modalities that all zones have; say which only some have."""
    views = [(source.zone.id, source.views) for source in sources]
    for name in MODALITIES:
        lacking = [zone for zone, view in views if name not in view]
        if 0 < len(lacking) < len(views):
            many = f"{len(lacking)} of {len(views)} zones do not have it whole, the first is {lacking[0]}"
            say(f"{name} stays out: {many}")
    return tuple(name for name in MODALITIES if all(name in view for _, view in views))


def _bands(sources: Iterable[ZoneSource]) -> tuple[str, ...]:
    """Return the bands that all orthophotos have, for layouts that take any."""
    common = set.intersection(*(set(source.zone.ortho.bands) for source in sources))
    return tuple(band for band in ORTHO_BANDS[5] if band in common)


def _image(campaign: Campaign, zone: Zone, window: Window) -> NDArray[np.uint8]:
    return campaign.read_image(zone, window=window)


def _labels(campaign: Campaign, zone: Zone, accepted: ZoneState) -> NDArray[np.uint8]:
    with campaign.open_store(zone, from_snapshot=False) as store:
        if zone_state(store) != accepted:
            raise ReleaseError(
                f"{zone.id} was edited while the release was built; have it accepted and build again"
            )
        return store.settled_labels()

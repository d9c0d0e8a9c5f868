"""From the zones of a campaign to a release, or to what one would be held against."""

from __future__ import annotations

__all__ = ["judge", "publish", "release_sources"]

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.errors import ReleaseError
from workbench.export import Release, ZoneSource, build_release, open_release
from workbench.export.assistance import Assistance
from workbench.export.layouts import Layout, parse_layouts, with_modalities
from workbench.export.modalities import MODALITIES, check_modalities
from workbench.export.patches import codes_digest
from workbench.export.release import check_target
from workbench.export.rules import DEFAULTS, Rules
from workbench.export.trial import Trial, try_release
from workbench.geo.grid import NATIONAL_GRID, PatchLattice, Window
from workbench.geo.raster import ORTHO_BANDS
from workbench.geo.zone import Zone
from workbench.labels.annotation import AnnotationStore
from workbench.labels.review import ZoneState, zone_state
from workbench.threads import in_threads
from workbench.workflows.assisting import zone_assistance
from workbench.workflows.views import zone_views


def publish(
    campaign: Campaign,
    *,
    name: str,
    out: Path,
    layouts: Iterable[str] = ("flair-hub", "flair1"),
    modalities: Iterable[str] | None = None,
    lattice: PatchLattice = NATIONAL_GRID,
    parent: Path | None = None,
    rules: Rules = DEFAULTS,
    say: Callable[[str], None],
    progress: Callable[[int, int], None] | None = None,
) -> Release:
    """Build a release of all accepted zones of a campaign, in ``out/name``.

    Parameters
    ----------
    campaign
        Where the zones are.
    name, out, layouts, lattice, progress
        As `workbench.export.build_release` takes them.
    modalities
        What layouts that have more than orthophoto and labels are to have; by default all that every zone has
        whole.
    parent
        Folder of a release to build on.
    rules
        What the release is held against.
    say
        Told which zones stay out, and why.

    Raises
    ------
    ReleaseError
        No zone is accepted, or the zones make no sound release; nothing is left on disk.
    """
    check_target(out, name)
    before = open_release(parent) if parent else None
    sources, chosen = _cut_from(campaign, layouts, modalities, say=say)
    with in_threads() as threads:
        return build_release(
            sources,
            name=name,
            out=out,
            nomenclature=campaign.nomenclature,
            software=version("ocs-workbench"),
            layouts=chosen,
            lattice=lattice,
            parent=before,
            rules=rules,
            progress=progress,
            map=threads,
        )


def judge(
    campaign: Campaign,
    *,
    name: str,
    out: Path,
    layouts: Iterable[str] = ("flair-hub", "flair1"),
    modalities: Iterable[str] | None = None,
    lattice: PatchLattice = NATIONAL_GRID,
    parent: Path | None = None,
    rules: Rules = DEFAULTS,
    say: Callable[[str], None],
    progress: Callable[[int, int], None] | None = None,
) -> Trial:
    """Hold what `publish` would build against the rules, and build nothing.

    Parameters
    ----------
    campaign, name, out, layouts, modalities, lattice, parent, rules, say, progress
        As for `publish`.

    Raises
    ------
    ReleaseError
        No zone is accepted, or the name or the parent is none.
    """
    check_target(out, name)
    if parent is not None:
        open_release(parent)
    sources, chosen = _cut_from(campaign, layouts, modalities, say=say)
    with in_threads() as threads:
        return try_release(
            sources,
            name=name,
            nomenclature=campaign.nomenclature,
            layouts=chosen,
            lattice=lattice,
            rules=rules,
            progress=progress,
            map=threads,
        )


def _cut_from(
    campaign: Campaign,
    layouts: Iterable[str],
    modalities: Iterable[str] | None,
    *,
    say: Callable[[str], None],
) -> tuple[list[ZoneSource], list[Layout]]:
    """Return what a release is cut from, and the layouts that it is to have."""
    chosen = parse_layouts(layouts)
    wanted = check_modalities(modalities) if modalities is not None else None
    sources = release_sources(campaign, say=say)
    if not sources:
        raise ReleaseError(
            f"{campaign.path} has no accepted zone; have some accepted first: workbench review"
        )
    shown = _common(sources, say=say) if wanted is None else wanted
    return sources, [with_modalities(layout, shown, _bands(sources)) for layout in chosen]


def release_sources(campaign: Campaign, *, say: Callable[[str], None]) -> list[ZoneSource]:
    """Return what a release is cut from: the accepted zones, with people under pseudonyms.

    Zones that are not accepted stay out, and are said.
    """
    folds, choices = campaign.folds(), campaign.registry.choices()
    sources = []
    for zone in campaign.zones():
        with campaign.open_store(zone, from_snapshot=False) as store:
            state = zone_state(store)
            accepted = _Accepted.of(campaign, store) if state.state == "accepted" else None
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
                views=zone_views(campaign, zone),
                heads={campaign.pseudonym(head.author): head.seq for head in state.heads},
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

    @classmethod
    def of(cls, campaign: Campaign, store: AnnotationStore) -> Self:
        codes = store.settled_labels()
        counts = np.bincount(codes[store.footprint], minlength=256)
        return cls(
            sha256=codes_digest(codes),
            counts=tuple(counts.tolist()),
            assistance=zone_assistance(campaign, store),
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

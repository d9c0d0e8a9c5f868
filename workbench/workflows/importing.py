"""A published tree of patches, FLAIR#1's, FLAIR-HUB's or a release of ours, becomes a campaign again.

The whole tree is looked over before anything is written. Zones are then added one at a time, each whole or
not at all, so that memory is that of one zone and a killed import goes on where it was. The campaign has the
pixels itself: the orthophoto of a zone's patches lies in the folder of the zone.
"""

from __future__ import annotations

__all__ = ["import_release"]

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from workbench.arrivals import Arrival
from workbench.campaign import Campaign
from workbench.documents import alone, inside
from workbench.errors import CampaignError, ReleaseError
from workbench.export import verify_release
from workbench.export.trees import Tree, open_tree
from workbench.export.trees.released import ReleasedTree
from workbench.geo.zone import Zone, domain_of
from workbench.labels.op import check_author
from workbench.nomenclature import Nomenclature, load_nomenclature
from workbench.threads import Map, in_threads
from workbench.workflows.assembling import assemble_codes, assemble_rasters
from workbench.workflows.imported import ImportedTree, ImportedZone
from workbench.workflows.intake import import_labels
from workbench.workflows.surveying import Survey, ZonePlan, survey_tree

_WORK: Final = ".import"
"""Folder of a campaign in which a zone is put together; gone when the import is done."""
_LISTED: Final = 5


def import_release(
    tree: Path,
    campaign: Path,
    *,
    layout: str | None = None,
    domains: Sequence[str] | None = None,
    author: str = "import",
    nomenclature: str | None = None,
    leave_out: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ImportedTree:
    """Make a campaign of a published tree, or go on with one.

    Parameters
    ----------
    tree
        Folder of a release of ours, or of (or above) a tree of FLAIR#1, FLAIR#2 or FLAIR-HUB.
    campaign
        Directory of the campaign; made if it is not there. Zones that it has already are left as they are.
    layout
        ``flair1`` or ``flair-hub``; found out if not given, and a release is read by its index.
    domains
        Of which zones are imported; all by default.
    author
        Whose edits the labels are.
    nomenclature
        Of a new campaign: by default that of the release, or *flair-19*.
    leave_out
        Whether zones that do not fit are left out and named; by default nothing is imported then.
    progress
        Called with the zones done and their total after each, first of the look over the tree, then of the
        import.

    Raises
    ------
    ReleaseError
        There is no such tree, or some of its zones do not fit; nothing was written.
    CampaignError
        The campaign cannot be made, or is of other classes.
    """
    check_author(author)
    with in_threads() as threads:
        found = open_tree(tree, layout=layout)
        if isinstance(found, ReleasedTree):
            _check_sound(tree, threads)
        before = Campaign.open(campaign) if Campaign.is_in(campaign) else None
        classes, zones = _classes(found, before, nomenclature), _chosen(found, domains)
        others = [zone for zone in before.zones() if zone.id not in zones] if before else []
        survey = survey_tree(found, zones, classes, others=others, progress=progress, map=threads)
        if before is not None:
            _check_campaign(found, before, survey)
        if survey.unfit and not (leave_out and survey.plans):
            raise ReleaseError(_refusal(found, survey))
        campaign.parent.mkdir(parents=True, exist_ok=True)
        with alone(campaign, error=CampaignError), _opened(campaign, classes) as opened:
            importer = _Importer(opened, found, classes, author, threads)
            imported = []
            for done, plan in enumerate(survey.plans, start=1):
                imported.append(importer(plan))
                if progress is not None:
                    progress(done, len(survey.plans))
    return ImportedTree(
        source=tree,
        layout=found.layout,
        campaign=campaign,
        zones=tuple(imported),
        left_out={zone: tuple(why) for zone, why in sorted(survey.unfit.items())},
        notes=(*found.notes, *ImportedTree.told(survey.notes)),
    )


class _Importer:
    """Adds zones of a tree to a campaign."""

    def __init__(
        self,
        campaign: Campaign,
        tree: Tree,
        nomenclature: Nomenclature,
        author: str,
        map: Map,  # noqa: A002 - the house's name for what runs in parallel
    ) -> None:
        self._campaign, self._tree, self._author, self._map = campaign, tree, author, map
        self._nomenclature, self._work = nomenclature, campaign.path / _WORK
        self._there = {zone.id: zone for zone in campaign.zones()}

    def __call__(self, plan: ZonePlan) -> ImportedZone:
        """Add a zone, unless it is there; return what is there then."""
        there = plan.id in self._there
        zone = self._there[plan.id] if there else self._added(plan)
        numbers = self._campaign.patch_numbers(zone)
        return ImportedZone(
            id=plan.id,
            patches=len(plan.cells),
            labelled=plan.labelled,
            accepted=_whole(plan),
            fold=self._campaign.folds()[zone.domain],
            numbers_kept=not plan.numbers or numbers == dict(plan.numbers),
            rasters=tuple(raster.key for raster in zone.rasters),
            there=there,
        )

    def _added(self, plan: ZonePlan) -> Zone:
        shutil.rmtree(self._work, ignore_errors=True)
        self._work.mkdir()
        try:
            return self._add(plan)
        finally:
            shutil.rmtree(self._work, ignore_errors=True)

    def _add(self, plan: ZonePlan) -> Zone:
        named = {patch.name: patch for patch in self._tree.patches(plan.id)}
        patches = {cell: named[name] for cell, name in plan.cells.items()}
        domain, _, name = plan.id.partition("/")
        home = inside(self._campaign.path, "zones", domain, name)
        zone = Zone(
            domain=domain,
            name=name,
            grid=plan.grid,
            cells=tuple(plan.cells),
            rasters=assemble_rasters(plan, patches, self._work, home=home, map=self._map),
            acquired=plan.acquired,
            time_of_day=plan.time_of_day,
            camera=plan.camera,
            theme=plan.theme,
        )

        def fill(staged: Campaign, _: Zone) -> None:
            for raster in zone.rasters:
                (self._work / raster.path.name).rename(staged.zone_dir(zone) / raster.path.name)
            if plan.labelled:
                codes = assemble_codes(plan, patches, self._nomenclature, self._tree.scheme, map=self._map)
                source = self._tree.path.name
                import_labels(staged, zone, codes, author=self._author, source=source, accepted=_whole(plan))

        fold = self._tree.folds.get(domain)
        self._campaign.add_zones([Arrival(zone=zone, fold=fold, numbers=plan.numbers)], fill=fill)
        return zone


def _whole(plan: ZonePlan) -> bool:
    """Tell whether all of a zone is labelled."""
    return plan.labelled == len(plan.cells)


def _check_sound(release: Path, threads: Map) -> None:
    report = verify_release(release, map=threads)
    if not report.sound:
        raise ReleaseError(
            f"{release} is not sound ({report.problems[0]}), so nothing was imported; see workbench release "
            f"verify {release}"
        )


def _chosen(tree: Tree, domains: Sequence[str] | None) -> tuple[str, ...]:
    """Return the zones of some domains."""
    there = {domain_of(zone) for zone in tree.zones}
    if strange := [domain for domain in domains or () if domain not in there]:
        raise ReleaseError(
            f"{tree.path} has no domain {strange[0]}; it has {', '.join(sorted(there)[:_LISTED])} …"
        )
    return tuple(zone for zone in tree.zones if domains is None or domain_of(zone) in domains)


def _classes(tree: Tree, campaign: Campaign | None, named: str | None) -> Nomenclature:
    """Return the nomenclature that the campaign has, or is going to have."""
    there = campaign.nomenclature if campaign else None
    wanted = (
        load_nomenclature(named) if named else tree.nomenclature or there or load_nomenclature("flair-19")
    )
    for path, other in ((campaign.path if campaign else None, there), (tree.path, tree.nomenclature)):
        if other is not None and (other.name, other.version) != (wanted.name, wanted.version):
            raise CampaignError(
                f"{path} has the classes of {other.name} {other.version}, not of {wanted.name} "
                f"{wanted.version}; choose another campaign, or carry it over: workbench zone migrate"
            )
    if tree.scheme not in wanted.schemes:
        raise CampaignError(
            f"labels of {tree.path} are numbered as {tree.scheme}, which {wanted.name} does not have; choose "
            "another --nomenclature"
        )
    return there or wanted


def _check_campaign(tree: Tree, campaign: Campaign, survey: Survey) -> None:
    """Note zones that a campaign cannot take: of a name that it has, or of a domain in another fold."""
    folds, there = campaign.folds(), {zone.id.lower(): zone for zone in campaign.zones()}
    for plan in survey.plans:
        domain, zone = domain_of(plan.id), there.get(plan.id.lower())
        fold, wanted = folds.get(domain), tree.folds.get(domain)
        if zone is not None and not _same(zone, plan):
            why = f"{campaign.path} has a zone {zone.id} of other patches; choose another campaign"
            survey.unfit[plan.id] = [why]
        elif zone is None and fold is not None and wanted not in (None, fold):
            survey.unfit[plan.id] = [
                f"its domain is in fold {wanted}, and in {campaign.path} in fold {fold}, which it keeps for "
                "ever; choose another campaign"
            ]
    survey.plans = [plan for plan in survey.plans if plan.id not in survey.unfit]


def _same(zone: Zone, plan: ZonePlan) -> bool:
    return zone.id == plan.id and zone.cells == tuple(plan.cells) and zone.grid.coincides(plan.grid)


def _refusal(tree: Tree, survey: Survey) -> str:
    """Return one sentence about the zones that do not fit."""
    unfit = sorted(survey.unfit.items())
    listed = "; ".join(f"zone {zone}: {' and '.join(why)}" for zone, why in unfit[:_LISTED])
    more = f"; and {len(unfit) - _LISTED} more zones" if len(unfit) > _LISTED else ""
    way_out = "mend them, or pass --leave-out to import the others" if survey.plans else "mend them first"
    return f"nothing of {tree.path} was imported: {listed}{more}; {way_out}"


@contextmanager
def _opened(path: Path, nomenclature: Nomenclature) -> Iterator[Campaign]:
    """Open a campaign, or make it; what was made is gone again if it got no zone."""
    if Campaign.is_in(path):
        yield Campaign.open(path)
        return
    there = path.is_dir()
    made = Campaign.create(path, nomenclature=nomenclature)
    try:
        yield made
    except BaseException:
        if not made.zones():
            shutil.rmtree(path, ignore_errors=True)
            if there:
                path.mkdir(exist_ok=True)
        raise

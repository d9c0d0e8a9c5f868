"""The gates before a release: zones that no sound release can be made of are refused."""

from __future__ import annotations

__all__ = ["source_verdicts"]

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from workbench.counting import counted, listed
from workbench.errors import GridError
from workbench.export.folds import FOLDS
from workbench.export.layouts import Layout
from workbench.export.modalities import MODALITIES
from workbench.export.patches import ZoneSource, cut_patches, ground_cell
from workbench.export.rules import Verdict
from workbench.geo.grid import NATIONAL_GRID, PatchLattice
from workbench.geo.zone import Cell
from workbench.nomenclature import Nomenclature


def source_verdicts(
    sources: Sequence[ZoneSource],
    layouts: Sequence[Layout],
    nomenclature: Nomenclature,
    lattice: PatchLattice,
) -> list[Verdict]:
    """Return what is wrong with zones that no sound release can be made of, rule by rule."""
    modalities = [*_view_problems(sources, layouts), *_series_problems(sources, layouts)]
    verdicts = [
        _verdict("zones", _zone_problems(sources)),
        _verdict("folds", _fold_problems(sources)),
        _verdict("bands", _band_problems(sources, layouts)),
        _verdict("scheme", _scheme_problems(layouts, nomenclature)),
        _verdict("classes", _class_problems(sources, nomenclature)),
        _verdict("modalities", modalities),
    ]
    patches = list[str]()
    if all(one.outcome == "kept" for one in verdicts):
        patches = [*_patch_problems(sources)] or [*_lattice_problems(sources, layouts, lattice)]
    return [*verdicts, _verdict("patches", patches)]


def _verdict(rule: str, problems: Iterable[str]) -> Verdict:
    """Return a verdict on what must not be at all; problems name their way out."""
    found = tuple(problems)
    return Verdict(
        rule=rule,
        outcome="refused" if found else "kept",
        measured=len(found),
        limit=0,
        unit="problems",
        message="; ".join(found),
        places=found,
    )


def _zone_problems(sources: Sequence[ZoneSource]) -> Iterator[str]:
    if not sources:
        yield "there is no accepted zone; accept one: workbench review DIR --zone ID --accept --author NAME"
    ids = Counter(source.zone.id.lower() for source in sources)
    if twice := [source.zone.id for source in sources if ids[source.zone.id.lower()] > 1]:
        yield f"zones {listed(twice)} have the same name but for its case; name each zone once"
    if pending := [f"{s.zone.id} ({s.state})" for s in sources if s.state != "accepted"]:
        yield (
            f"{_zones(pending)} not accepted; review first: "
            "workbench review DIR --zone ID --accept --author NAME"
        )


def _fold_problems(sources: Sequence[ZoneSource]) -> Iterator[str]:
    folds: dict[str, set[int]] = defaultdict(set)
    for source in sources:
        folds[source.zone.domain].add(source.fold)
    if outside := [s.zone.id for s in sources if s.fold not in FOLDS]:
        yield f"{_zones(outside)} in no fold of {FOLDS[0]}–{FOLDS[-1]}; correct the registry"
    if torn := [domain for domain, found in folds.items() if len(found) > 1]:
        yield f"domains in several folds: {listed(torn)}; a domain has one fold, correct the registry"


def _band_problems(sources: Sequence[ZoneSource], layouts: Sequence[Layout]) -> Iterator[str]:
    for layout in layouts:
        lacking = [s.zone.id for s in sources if not set(layout.bands) <= set(s.zone.ortho.bands)]
        if not lacking:
            continue
        others = [
            other.name
            for other in layouts
            if all(set(other.bands) <= set(source.zone.ortho.bands) for source in sources)
        ]
        way_out = (
            f"build with --layout {','.join(others)}"
            if others
            else ("add the zones again from rasters with these bands, or name the bands: --bands R,G,B,NIR")
        )
        bands = ", ".join(layout.bands)
        yield f"layout {layout.name} needs the bands {bands}, which {listed(lacking)} lack; {way_out}"


def _scheme_problems(layouts: Sequence[Layout], nomenclature: Nomenclature) -> Iterator[str]:
    for layout in layouts:
        scheme = nomenclature.schemes.get(layout.scheme)
        if scheme is None or scheme.other is None:
            yield (
                f"layout {layout.name} numbers labels as {layout.scheme}, with an *other* for what nobody "
                f"labelled, and {nomenclature.name} has no such scheme; carry the campaign to a nomenclature "
                "that has: workbench zone migrate"
            )


def _class_problems(sources: Sequence[ZoneSource], nomenclature: Nomenclature) -> Iterator[str]:
    """Yield zones with codes that are no class; where nobody counted them, that is seen when they are cut."""
    for source in sources:
        counts = enumerate(source.code_counts or ())
        strange = [code for code, count in counts if count and code not in {0, *nomenclature.codes}]
        if strange:
            yield (
                f"labels of zone {source.zone.id} have the code {strange[0]}, which is no class of "
                f"{nomenclature.name}; check its journals: workbench journal verify DIR --zone "
                f"{source.zone.id}"
            )


def _view_problems(sources: Sequence[ZoneSource], layouts: Sequence[Layout]) -> Iterator[str]:
    for modality in dict.fromkeys(
        one for layout in layouts for one in (*layout.modalities, *layout.views) if one in MODALITIES
    ):
        if lacking := [source.zone.id for source in sources if modality not in source.views]:
            yield (
                f"{_zones(lacking)} without {modality}; add it: workbench zone add-raster DIR --zone ID, or "
                "leave the modality, or the layout that needs it, out"
            )


def _series_problems(sources: Sequence[ZoneSource], layouts: Sequence[Layout]) -> Iterator[str]:
    """Yield domains whose zones do not fit into one dataset of HDF5."""
    packed = [layout for layout in layouts if layout.container == "hdf5"]
    for modality in dict.fromkeys(one for layout in packed for one in layout.modalities if one in MODALITIES):
        depths: dict[str, set[int]] = defaultdict(set)
        for source in sources:
            if modality in source.views:
                depths[source.zone.domain].add(source.views[modality].depth(modality))
        for domain, found in depths.items():
            if len(found) > 1:
                yield (
                    f"zones of {domain} have other numbers of days of {modality}, and an HDF5 file has one "
                    "shape for all; leave the modality or the layout out"
                )


def _lattice_problems(
    sources: Sequence[ZoneSource], layouts: Sequence[Layout], lattice: PatchLattice
) -> Iterator[str]:
    if not any(True for source in sources for _ in cut_patches(source, lattice)):
        yield (
            f"no zone holds a whole patch of {lattice.pitch:g} m outside what is excluded; choose smaller "
            "patches, or add larger zones"
        )
    if lattice == NATIONAL_GRID:
        return
    if numbered := [layout.name for layout in layouts if layout.numbered]:
        yield (
            f"layout {numbered[0]} numbers the patches of {NATIONAL_GRID.pitch:g} m for ever and no "
            "others; leave it out, or build on the national grid"
        )


def _patch_problems(sources: Sequence[ZoneSource]) -> Iterator[str]:
    numbers: Counter[int | None] = Counter()
    ground: dict[tuple[str, Cell], str] = {}
    overlaps: dict[tuple[str, str], int] = Counter()
    for source in sources:
        zone = source.zone
        try:
            offset = NATIONAL_GRID.offset(zone.grid)
        except GridError as error:
            yield f"zone {zone.id}: {error}"
            continue
        if offset != (0, 0):
            yield f"zone {zone.id} starts {offset[0]} rows and {offset[1]} columns off a patch; add it again"
            continue
        if len(source.numbers) != len(zone.cells):
            yield (
                f"zone {zone.id} has {counted(len(zone.cells), 'patch', 'patches')} and "
                f"{counted(len(source.numbers), 'number')}; correct the registry"
            )
            continue
        for patch in cut_patches(source):
            numbers[patch.number] += 1
            other = ground.setdefault((zone.domain, ground_cell(patch.grid)), zone.id)
            if other != zone.id:
                overlaps[other, zone.id] += 1
    for (one, other), count in overlaps.items():
        yield f"zones {one} and {other} share {counted(count, 'patch cell')}; take one zone out"
    if twice := [str(number) for number, count in numbers.items() if count > 1 or not number or number < 1]:
        yield f"patch numbers {listed(twice)} are used twice or below 1; correct the registry"


def _zones(names: Sequence[str]) -> str:
    return f"zone {names[0]} is" if len(names) == 1 else f"zones {listed(names)} are"

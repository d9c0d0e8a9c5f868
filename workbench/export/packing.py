"""Files that hold many patches: tar files of zones, HDF5 files of domains."""

from __future__ import annotations

__all__ = ["Pack", "packs_of", "patch_json", "write_pack"]

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np

from workbench.documents import canonical_bytes, digest_file
from workbench.export.cutting import disk_told, patch_jobs
from workbench.export.encoding import Encoder, PatchJob
from workbench.export.hdf5 import write_patches
from workbench.export.index import PatchIndex
from workbench.export.layouts import Layout
from workbench.export.patches import Patch, ZoneSource
from workbench.export.pixels import PatchPixels
from workbench.export.tars import write_members
from workbench.geo.grid import PatchLattice
from workbench.threads import Map


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A file of many patches."""

    layout: Layout
    path: str
    """In the release."""
    sources: tuple[ZoneSource, ...]
    """The zones that it holds, whole."""


def packs_of(layout: Layout, sources: Sequence[ZoneSource], patches: PatchIndex) -> Iterator[Pack]:
    """Yield the files that a layout has of zones, sorted by id; none where each patch has its own."""
    if layout.container == "files":
        return
    first = {source.zone.id: patches.of_zone(source.zone.id)[:1] for source in sources}
    held = [source for source in sources if first[source.zone.id]]

    def lying(source: ZoneSource) -> str:
        return f"{layout.root}/{layout.path(first[source.zone.id][0], layout.modalities[0])}"

    for path, zones in groupby(held, key=lying):
        yield Pack(layout=layout, path=path, sources=tuple(zones))


def write_pack(
    pack: Pack,
    folder: Path,
    patches: PatchIndex,
    *,
    encoder: Encoder,
    lattice: PatchLattice,
    map: Map,  # noqa: A002
) -> str:
    """Write a file of many patches; return its SHA-256.

    Raises
    ------
    ReleaseError
        Labels or pixels cannot be read, or the disk is full.
    """
    target = folder / pack.path
    with disk_told(folder):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # it may be another release's, too, or what a killed build left
        write = _write_tar if pack.layout.container == "tar" else _write_hdf5
        write(pack, target, patches, encoder, lattice, map)
        return digest_file(target)


def _write_tar(
    pack: Pack,
    target: Path,
    patches: PatchIndex,
    encoder: Encoder,
    lattice: PatchLattice,
    map: Map,  # noqa: A002
) -> None:
    known = {patch.id: patch for source in pack.sources for patch in patches.of_zone(source.zone.id)}
    encoded = map(partial(_rasters, encoder, pack.layout), _jobs(pack, lattice))

    def members() -> Iterator[tuple[str, bytes]]:
        for patch_id, contents in encoded:
            yield from ((f"{patch_id}.{modality}.tif", content) for modality, content in contents.items())
            yield f"{patch_id}.json", patch_json(known[patch_id])

    write_members(target, members())


def _write_hdf5(
    pack: Pack,
    target: Path,
    patches: PatchIndex,
    encoder: Encoder,
    lattice: PatchLattice,
    map: Map,  # noqa: A002
) -> None:
    held = [patch for source in pack.sources for patch in patches.of_zone(source.zone.id)]
    datasets = {
        one: encoder.chunked(pack.layout, one, held[0], pack.sources[0]) for one in pack.layout.modalities
    }
    about = {
        "format": "ocs-workbench/patches",
        "bands": json.dumps(list(pack.layout.bands)),
        "scheme": pack.layout.scheme,
        "crs": lattice.crs,
        "nomenclature": f"{encoder.nomenclature.name} {encoder.nomenclature.version}",
    }
    encoded = map(partial(_chunks, encoder, pack.layout), _jobs(pack, lattice))
    write_patches(
        target,
        [patch.id for patch in held],
        np.array([tuple(patch.grid.transform)[:6] for patch in held]),
        datasets,
        (contents for _, contents in encoded),
        about,
    )


def _jobs(pack: Pack, lattice: PatchLattice) -> Iterator[PatchJob]:
    for source in pack.sources:
        yield from patch_jobs(source, lattice, {}, frozenset())


def _rasters(encoder: Encoder, layout: Layout, job: PatchJob) -> tuple[str, dict[str, bytes]]:
    pixels = PatchPixels(job.patch, job.source)
    return job.patch.id, {one: encoder.raster(layout, one, job, pixels) for one in layout.modalities}


def _chunks(encoder: Encoder, layout: Layout, job: PatchJob) -> tuple[str, dict[str, bytes]]:
    pixels = PatchPixels(job.patch, job.source)
    return job.patch.id, {one: encoder.chunk(layout, one, job, pixels) for one in layout.modalities}


def patch_json(patch: Patch) -> bytes:
    """Return what is known of a patch, for those who have a tar file alone."""
    labels = (
        {} if patch.withheld else {"class_counts": dict(patch.class_counts), "unlabelled": patch.unlabelled}
    )
    facts = {
        "id": patch.id,
        "domain": patch.domain,
        "zone": patch.zone,
        "row": patch.row,
        "col": patch.col,
        "fold": patch.fold,
        "splits": dict(patch.splits),
        "crs": patch.grid.crs,
        "transform": list(tuple(patch.grid.transform)[:6]),
        "acquired": patch.acquired.isoformat() if patch.acquired else None,
        "dates": {name: [day.isoformat() for day in days] for name, days in patch.dates.items()},
    }
    return canonical_bytes(facts | labels)

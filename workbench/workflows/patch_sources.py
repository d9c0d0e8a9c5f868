"""Patches to learn from: of a release, or of the zones of a campaign."""

from __future__ import annotations

__all__ = ["SplitPatches", "campaign_patches", "release_patches"]

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.documents import digest, inside
from workbench.errors import ModelError
from workbench.export import Release
from workbench.export.folds import PROD, splits_of_zone
from workbench.export.layouts import Layout
from workbench.geo.grid import NATIONAL_GRID, Window
from workbench.geo.raster import read_bands
from workbench.geo.zone import Zone
from workbench.labels.review import zone_state
from workbench.nomenclature import Nomenclature
from workbench.training import LabelledPixels, PatchSet, hold_out

_SIDE = NATIONAL_GRID.pixels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SplitPatches:
    """Patches, those of some zones apart, and where they come from."""

    train: PatchSet
    held_out: PatchSet
    """Of other zones, to judge on; empty where there are too few."""
    nomenclature: Nomenclature
    source: Mapping[str, Any]
    """Names and digests, as JSON."""
    release: str | None = None
    """Name of the release."""

    @property
    def domains(self) -> tuple[str, ...]:
        """Domains of all zones that a model sees, learned from or judged on."""
        return tuple(sorted({*self.train.domains, *self.held_out.domains}))


def release_patches(
    release: Release, *, split: str, seed: int = 0, say: Callable[[str], None] = lambda _: None
) -> SplitPatches:
    """Return the *train* and *valid* patches of a release; pixels are read when they are asked for.

    What is *other* in a release is not learned from: nobody can tell it from what was never labelled.

    Parameters
    ----------
    release
        Where from.
    split
        ``split_1`` … ``split_5`` or ``prod``.
    seed
        Draws zones to hold out, where the split has none or no others.
    say
        Told if that is so.

    Raises
    ------
    ModelError
        The release has no patch outside *test*.
    """
    layout = release.richest
    nomenclature = release.nomenclature
    other = nomenclature.schemes[layout.scheme].other
    unlearned = None if other is None else nomenclature.by_key(other).code
    patches = [patch for patch in release.patches() if patch.splits[split] != "test"]
    if not patches:
        raise ModelError(f"{release.path}: all zones are test in {split}; choose another with --split")
    valid = {patch.zone for patch in patches if patch.splits[split] == "valid"}
    files = [(patch.files[layout.name].image, patch.files[layout.name].label) for patch in patches]
    pixels = np.zeros((len(patches), max(nomenclature.codes) + 1), np.int32)
    for entry in nomenclature.classes:
        if entry.code != unlearned:
            pixels[:, entry.code] = [patch.class_counts.get(entry.key, 0) for patch in patches]
    whole = PatchSet(
        zones=tuple(patch.zone for patch in patches),
        bands=(layout.bands,) * len(patches),
        pixels=pixels,
        shape=(_SIDE, _SIDE),
        resolution=NATIONAL_GRID.resolution,
        read=_ReleaseReader(release.path, files, nomenclature, layout, unlearned),
    )
    train, held_out = _apart(whole, valid, seed, say)
    return SplitPatches(
        train=train,
        held_out=held_out,
        nomenclature=nomenclature,
        release=release.name,
        source={
            "release": release.name,
            "content_sha256": release.card["content_sha256"],
            "split": split,
            "layout": layout.name,
        },
    )


def campaign_patches(
    campaign: Campaign,
    *,
    split: str = PROD,
    seed: int = 0,
    unreviewed: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> SplitPatches:
    """Return the patches of a campaign's zones, labels as they are now; pixels are read when asked for.

    Labels are kept in memory, compressed: a few kB per patch. What is unlabelled is not learned from, and
    what models propose is no label.

    Parameters
    ----------
    campaign
        Whose zones.
    split
        ``split_k`` leaves out the zones of fold k, so that the model is one that never saw them.
    seed
        Draws the zones that are held out.
    unreviewed
        Whether zones count that nobody accepted yet.
    say
        Told if no zone is held out.

    Raises
    ------
    ModelError
        No zone counts.
    """
    folds, nomenclature = campaign.folds(), campaign.nomenclature
    labelled, tables, found = [], {}, []
    for zone in campaign.zones():
        if splits_of_zone(zone.id, fold=folds[zone.domain])[split] == "test":
            continue
        with campaign.open_store(zone) as store:
            state, codes = zone_state(store).state, store.settled_labels()
        if (state != "accepted" and not unreviewed) or not codes.any():
            continue
        found.append({"zone": zone.id, "state": state, "labels_sha256": digest(codes.tobytes())})
        found[-1]["pixels_sha256"] = zone.ortho.pixels_sha256
        windows = [window for _, window in zone.patch_windows()]
        tables[zone.id] = np.stack(
            [np.bincount(codes[window.slices].ravel(), minlength=256) for window in windows]
        ).astype(np.int32)
        labelled += [(zone, window, zlib.compress(codes[window.slices].tobytes(), 1)) for window in windows]
    if not labelled:
        way_out = (
            "label some" if unreviewed else "have some accepted (workbench review), or pass --unreviewed"
        )
        raise ModelError(f"{campaign.path} has no zone to learn from; {way_out}")
    whole = PatchSet(
        zones=tuple(zone.id for zone, _, _ in labelled),
        bands=tuple(zone.ortho.bands for zone, _, _ in labelled),
        pixels=np.concatenate(list(tables.values()))[:, : max(nomenclature.codes) + 1],
        shape=(_SIDE, _SIDE),
        resolution=NATIONAL_GRID.resolution,
        read=_CampaignReader(campaign, labelled),
    )
    # A patch without a label teaches nothing.
    whole = whole.chosen(np.flatnonzero(whole.pixels[:, 1:].any(axis=1)).tolist())
    train, held_out = _apart(whole, set(), seed, say)
    source = {"campaign": nomenclature.name, "split": split, "zones": found}
    return SplitPatches(train=train, held_out=held_out, nomenclature=nomenclature, source=source)


class _ReleaseReader:
    """Reads a patch of a release by its number."""

    def __init__(
        self,
        path: Path,
        files: list[tuple[str, str]],
        nomenclature: Nomenclature,
        layout: Layout,
        unlearned: int | None,
    ) -> None:
        self._path, self._files, self._layout = path, files, layout
        self._nomenclature, self._unlearned = nomenclature, unlearned

    def __call__(self, number: int) -> LabelledPixels:
        image, label = (read_bands(inside(self._path, name)) for name in self._files[number])
        codes = self._nomenclature.decode(label[0], self._layout.scheme)
        if self._unlearned is not None:
            codes[codes == self._unlearned] = 0
        return LabelledPixels(image=_bytes(image, self._files[number][0]), codes=codes)


class _CampaignReader:
    """Reads a patch of a zone by its number."""

    def __init__(self, campaign: Campaign, labelled: list[tuple[Zone, Window, bytes]]) -> None:
        self._campaign, self._labelled = campaign, labelled

    def __call__(self, number: int) -> LabelledPixels:
        zone, window, packed = self._labelled[number]
        codes = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(window.shape)
        image = self._campaign.read_image(zone, window=window)
        return LabelledPixels(image=_bytes(image, zone.id), codes=codes)


def _apart(
    whole: PatchSet, valid: set[str], seed: int, say: Callable[[str], None]
) -> tuple[PatchSet, PatchSet]:
    """Return the patches to learn from, and those of zones that are held out."""
    zones = set(whole.zone_ids)
    held = frozenset(valid)
    if not held or held == zones:
        held = hold_out(whole, seed=seed)
        if held and valid:
            say(f"all zones are valid in this split; {', '.join(sorted(held))} held out instead")
    if not held:
        say(f"{len(zones)} zone{'s' * (len(zones) > 1)}: none is held out, so nothing is judged")
    return whole.of_zones(zones - held), whole.of_zones(held)


def _bytes(image: NDArray[Any], called: str) -> NDArray[np.uint8]:
    if image.dtype != np.uint8:
        raise ModelError(
            f"{called} has {image.dtype} pixels, networks learn from uint8; convert it: gdal_translate "
            "-ot Byte -scale"
        )
    pixels: NDArray[np.uint8] = image
    return pixels

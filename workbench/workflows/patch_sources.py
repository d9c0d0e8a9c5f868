"""Patches to learn from: of a release, of the zones of a campaign, or of what a model is sure of."""

from __future__ import annotations

__all__ = ["SplitPatches", "SurePatches", "campaign_patches", "release_patches", "sure_patches"]

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.documents import digest
from workbench.errors import ModelError
from workbench.export import Release
from workbench.export.folds import PROD, splits_of_zone
from workbench.export.ground import GroundMap
from workbench.export.layouts import Layout
from workbench.export.packed import PackedFiles
from workbench.export.patches import IMAGE, Patch
from workbench.export.reading import read_modality
from workbench.export.release import read_labels
from workbench.geo.grid import NATIONAL_GRID, Window
from workbench.geo.zone import Cell, Zone, domain_of
from workbench.labels.review import zone_state
from workbench.nomenclature import Nomenclature
from workbench.nomenclature.code_counts import code_counts
from workbench.training import LabelledPixels, PatchSet, hold_out
from workbench.workflows.learned import SeenGround
from workbench.workflows.predictions import predicted_by, prediction_path, read_prediction

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
    tested: frozenset[str] = frozenset()
    """Domains of the split's test, which must not be seen."""
    apart: frozenset[Cell] = frozenset()
    """Ground of the split's test and of the zones held out, which must not be seen by any name."""
    release: str | None = None
    """Name of the release."""

    @property
    def domains(self) -> tuple[str, ...]:
        """Domains of all zones that a model sees, learned from or judged on."""
        return tuple(sorted({*self.train.domains, *self.held_out.domains}))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SurePatches:
    """Patches with pseudo-labels, and whose they are."""

    patches: PatchSet
    confidence: float
    """Least probability of each pixel's class."""
    models: tuple[tuple[str, str], ...]
    """Id and digest of the card of each model that predicted them."""
    saw: SeenGround
    """Ground of these zones, and that which the models have seen."""
    domains_known: bool
    """Whether all of these models say what they were trained on."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view, a part of the model's card."""
        return {
            "confidence": self.confidence,
            "models": [{"id": name, "digest": known} for name, known in self.models],
            "domains_known": self.domains_known,
            "zones": list(self.patches.zone_ids),
            "patches": len(self.patches),
            "pixels": int(self.patches.class_pixels.sum()),
        }


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
        The release has no patch outside *test*, or withholds labels of some.
    ReleaseError
        Its index is not the one that was built; of a patch that is said when it is read.
    """
    release.prove()
    layout = release.richest
    nomenclature = release.nomenclature
    other = nomenclature.schemes[layout.scheme].other
    unlearned = None if other is None else nomenclature.by_key(other).code
    listed = release.patches()
    patches = [patch for patch in listed if patch.splits[split] != "test"]
    tested = {patch.zone for patch in listed if patch.splits[split] == "test"}
    if not patches:
        raise ModelError(f"{release.path}: all zones are test in {split}; choose another with --split")
    if any(patch.withheld for patch in patches):
        raise ModelError(
            f"{release.path} withholds labels that {split} would learn from; train on "
            f"{release.card['withheld']['split']}, whose test they are"
        )
    valid = {patch.zone for patch in patches if patch.splits[split] == "valid"}
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
        read=_ReleaseReader(release.path, patches, nomenclature, layout, unlearned),
    )
    ground = GroundMap.of_patches(listed)
    train, held_out = _apart(whole, valid, ground, seed, say)
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
        tested=frozenset(map(domain_of, tested)),
        apart=ground.cells([*tested, *held_out.zone_ids]),
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
    folds, places, zones = campaign.folds(), campaign.registry.places(), campaign.zones()
    nomenclature = campaign.nomenclature
    tested = {
        zone.id
        for zone in zones
        if splits_of_zone(zone.id, fold=folds[zone.domain], place=places.get(zone.id))[split] == "test"
    }
    labelled, found = [], []
    for zone in zones:
        if zone.id in tested:
            continue
        with campaign.open_store(zone) as store:
            state, codes = zone_state(store).state, store.settled_labels()
        if (state != "accepted" and not unreviewed) or not codes.any():
            continue
        found.append({"zone": zone.id, "state": state, "labels_sha256": digest(codes.tobytes())})
        found[-1]["pixels_sha256"] = zone.ortho.pixels_sha256
        labelled.append(_Packed.of(zone, codes))
    if not labelled:
        way_out = (
            "label some" if unreviewed else "have some accepted (workbench review), or pass --unreviewed"
        )
        raise ModelError(f"{campaign.path} has no zone to learn from; {way_out}")
    ground = GroundMap.of_zones(zones)
    train, held_out = _apart(_of_zones(campaign, labelled), set(), ground, seed, say)
    source = {"campaign": nomenclature.name, "split": split, "zones": found}
    return SplitPatches(
        train=train,
        held_out=held_out,
        nomenclature=nomenclature,
        source=source,
        tested=frozenset(map(domain_of, tested)),
        apart=ground.cells([*tested, *held_out.zone_ids]),
    )


def sure_patches(
    campaign: Campaign,
    beside: SplitPatches,
    *,
    confidence: float,
    seed: int = 0,
    say: Callable[[str], None] = lambda _: None,
) -> SurePatches:
    """Return patches of zones that nobody labelled, with the classes that a model was sure of: pseudo-labels.

    Lee's recipe (2013), by which FLAIR's first challenge was won: what a model is sure of is learned from as
    if somebody had labelled it, by the next model. No more patches than labelled ones, so that labels are not
    drowned; nothing where people labelled something that is not learned from; no zone of the split's test,
    and none that shows ground of that or of what is held out at another date.

    Parameters
    ----------
    campaign
        Whose zones; those count that have a prediction (`workbench.workflows.predictions`).
    beside
        Patches that are learned from and judged by: their zones are left out, domains of their test, and
        the ground that is kept apart.
    confidence
        Least probability of the class, above 0 and up to 1.
    seed
        Draws the patches where there are more than labelled ones.
    say
        Told what is left out.

    Raises
    ------
    ModelError
        The confidence is none, the classes are others, or no zone has a prediction that is sure anywhere.
    """
    if not 0 < confidence <= 1:
        raise ModelError(
            f"a confidence of {confidence:g} is none; choose one above 0 and up to 1, such as 0.9"
        )
    if campaign.nomenclature.name != beside.nomenclature.name:
        raise ModelError(
            f"{campaign.path} has the classes of {campaign.nomenclature.name}, what is learned from those of "
            f"{beside.nomenclature.name}; pseudo-labels are of the same classes"
        )
    known, zones = {*beside.train.zone_ids, *beside.held_out.zone_ids}, campaign.zones()
    ground = GroundMap.of_zones(zones)
    packed, models, saw, known_ground = [], set(), [], True
    for zone in zones:
        path = prediction_path(campaign, zone)
        if zone.id in known or zone.domain in beside.tested or not path.is_file():
            continue
        if ground.zones[zone.id] & beside.apart:
            say(f"{zone.id}: no pseudo-labels are taken, it shows ground of the test or of zones held out")
            continue
        said = read_prediction(path, zone.grid)
        whose = predicted_by(said, campaign.nomenclature, path=path)
        sure = (said.probability >= math.ceil(255 * confidence)) & zone.footprint()
        with campaign.open_store(zone) as store:
            sure &= store.settled_labels() == 0
        if sure.any():
            packed.append(_Packed.of(zone, np.where(sure, said.codes, np.uint8(0))))
            models.add((whose.model, whose.digest))
            saw += [SeenGround.of_zones([zone.id]), *([whose.saw] if whose.saw else [])]
            known_ground &= whose.saw is not None
    if not packed:
        raise ModelError(
            f"{campaign.path} has no zone, beside those that are learned from, of which a model is sure; "
            "predict some (workbench prelabel), or choose a lower --confidence"
        )
    patches = _of_zones(campaign, packed)
    numbers = sorted(range(len(patches)), key=lambda number: digest(f"{seed}|{number}".encode()))
    if len(numbers) > len(beside.train):
        say(
            f"{len(numbers):,} patches have pseudo-labels: "
            f"{counted(len(beside.train), 'of them is', 'of them are')} taken, as many as are labelled"
        )
    chosen = patches.chosen(sorted(numbers[: len(beside.train)]))
    return SurePatches(
        patches=chosen,
        confidence=confidence,
        models=tuple(sorted(models)),
        saw=saw[0].joined(*saw[1:]),
        domains_known=known_ground,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Packed:
    """The codes of a zone, compressed patch by patch."""

    zone: Zone
    windows: tuple[Window, ...]
    codes: tuple[bytes, ...]
    pixels: NDArray[np.int32]
    """Shape (patch, code). Pixels of each code."""

    @classmethod
    def of(cls, zone: Zone, codes: NDArray[np.uint8]) -> Self:
        windows = tuple(window for _, window in zone.patch_windows())
        parts = [codes[window.slices] for window in windows]
        return cls(
            zone=zone,
            windows=windows,
            codes=tuple(zlib.compress(part.tobytes(), 1) for part in parts),
            pixels=np.stack([code_counts(part) for part in parts]).astype(np.int32),
        )


def _of_zones(campaign: Campaign, packed: Sequence[_Packed]) -> PatchSet:
    """Return the patches of zones that have a code anywhere: one without teaches nothing."""
    listed = [
        (one.zone, window, codes)
        for one in packed
        for window, codes in zip(one.windows, one.codes, strict=True)
    ]
    whole = PatchSet(
        zones=tuple(zone.id for zone, _, _ in listed),
        bands=tuple(zone.ortho.bands for zone, _, _ in listed),
        pixels=np.concatenate([one.pixels for one in packed])[:, : max(campaign.nomenclature.codes) + 1],
        shape=(_SIDE, _SIDE),
        resolution=NATIONAL_GRID.resolution,
        read=_CampaignReader(campaign, listed),
    )
    return whole.chosen(np.flatnonzero(whole.pixels[:, 1:].any(axis=1)).tolist())


class _ReleaseReader:
    """Reads a patch of a release by its number, and proves its files."""

    def __init__(
        self,
        path: Path,
        patches: Sequence[Patch],
        nomenclature: Nomenclature,
        layout: Layout,
        unlearned: int | None,
    ) -> None:
        self._path, self._patches, self._layout = path, patches, layout
        self._nomenclature, self._unlearned = nomenclature, unlearned
        self._packed = PackedFiles()

    def __call__(self, number: int) -> LabelledPixels:
        patch = self._patches[number]
        image = read_modality(self._path, self._layout, patch, IMAGE, packed=self._packed)
        codes = read_labels(self._path, self._layout, patch, self._nomenclature, packed=self._packed)
        if self._unlearned is not None:
            codes[codes == self._unlearned] = 0
        return LabelledPixels(image=_bytes(image, patch.files[self._layout.name][IMAGE].path), codes=codes)


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
    whole: PatchSet, valid: set[str], ground: GroundMap, seed: int, say: Callable[[str], None]
) -> tuple[PatchSet, PatchSet]:
    """Return the patches to learn from, and those of zones that are held out."""
    zones = set(whole.zone_ids)
    held = frozenset(valid)
    if not held or held == zones:
        held = hold_out(whole, seed=seed)
        if held and valid:
            say(f"all zones are valid in this split; {', '.join(sorted(held))} held out instead")
    if not held:
        say(f"{counted(len(zones), 'zone')}: none is held out, so nothing is judged")
    for zone in sorted(held):
        if twin := ground.twin(zone, zones - held):
            say(
                f"zone {zone} is held out and shows the ground of {twin}, which is learned from: scores on "
                "it are too good"
            )
    return whole.of_zones(zones - held), whole.of_zones(held)


def _bytes(image: NDArray[Any], called: str) -> NDArray[np.uint8]:
    if image.dtype != np.uint8:
        raise ModelError(
            f"{called} has {image.dtype} pixels, networks learn from uint8; convert it: gdal_translate "
            "-ot Byte -scale"
        )
    pixels: NDArray[np.uint8] = image
    return pixels

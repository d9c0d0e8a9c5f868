"""The figures of a release, as ``workbench release stats`` prints them and its report shows them."""

from __future__ import annotations

__all__ = ["ReleaseFigures", "measure_release", "percent"]

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from workbench.counting import counted
from workbench.export.folds import PROD, SPLITS, SUBSETS
from workbench.export.inventory import Inventory, Part, class_distance, take_inventory
from workbench.export.label_facts import LabelFacts, label_facts
from workbench.export.release import Release
from workbench.export.set_distances import SetDistance, set_distances
from workbench.export.statistics import BandStatistics, learning_statistics
from workbench.threads import Map


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReleaseFigures:
    """What there is to say of a release in numbers."""

    release: Release
    inventory: Inventory
    spacing: Mapping[str, tuple[SetDistance, ...]]
    """By split and ``prod``."""
    bands: Mapping[str, tuple[BandStatistics, ...]] | None
    """Of TRAIN and VALID, by split and ``prod``; None where no pixel was read."""
    labels: LabelFacts

    def between(self, split: str) -> dict[tuple[str, str], float | None]:
        """Return how unlike the classes of each two sets of a split are, None where one is empty."""
        parts = self.inventory.sets[split]
        return {
            (one, other): class_distance(parts[one].pixels, parts[other].pixels)
            for one, other in combinations(SUBSETS, 2)
        }

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/release-stats.schema.json``)."""
        release = self.release
        return {
            "path": str(release.path),
            "name": release.name,
            "version": str(release.version),
            "content_sha256": release.card["content_sha256"],
            **self.inventory.document(),
            "between_sets": {
                split: [
                    {"sets": list(pair), "distance": None if found is None else round(found, 6)}
                    for pair, found in self.between(split).items()
                ]
                for split in (*SPLITS, PROD)
            },
            "spacing": {split: [one.document() for one in found] for split, found in self.spacing.items()},
            "bands": self.bands
            and {split: [one.document() for one in found] for split, found in self.bands.items()},
            "labels": self.labels.document(),
        }

    def text(self) -> str:
        """Return a page for a person."""
        release, whole = self.release, self.inventory.whole
        lines = [
            f"{release.name} {release.version}: {whole.area:g} km², "
            f"{counted(whole.patches, 'patch', 'patches')}, {whole.all_pixels:,} pixels "
            f"({whole.unlabelled:,} unlabelled{_withheld(whole)}), {counted(whole.zones, 'zone')} in "
            f"{counted(whole.domains, 'domain')}",
            *self._domains(),
            *self._classes(),
            *self._sets(),
            *self._bands(),
            *self._labels(),
        ]
        return "\n".join(lines)

    def _domains(self) -> Iterator[str]:
        rows = [
            ("domain", "fold", "zones", "patches", "km²", "unlike", "orthophotos", "cameras", "modalities")
        ]
        for name, part in self.inventory.domains.items():
            told = self.inventory.available[name]
            days = f"{told.days[0]} – {told.days[-1]}" if told.days else "day unknown"
            unlike = _figure(class_distance(part.pixels, self.inventory.whole.pixels))
            rows.append(
                (
                    name, str(self.inventory.fold_of(name)), f"{part.zones:,}", f"{part.patches:,}",
                    f"{part.area:g}", unlike, days, ", ".join(told.cameras) or "–",
                    ", ".join(told.modalities) or "–",
                )
            )  # fmt: skip
        yield from ("", *_aligned(rows))

    def _classes(self) -> Iterator[str]:
        folds = self.inventory.folds
        rows = [("class", "pixels", "% of all", *(f"% of fold {fold}" for fold in folds))]
        whole = self.inventory.whole
        for place, key in enumerate(self.inventory.keys):
            shares = [
                percent(part.shares[place]) if part.labelled else "–" for part in (whole, *folds.values())
            ]
            rows.append((key, f"{whole.pixels[place]:,}", *shares))
        unlike = [_figure(class_distance(part.pixels, whole.pixels)) for part in folds.values()]
        rows.append(("unlike the whole", "", "", *unlike))
        yield from ("", *_aligned(rows))

    def _sets(self) -> Iterator[str]:
        rows = [("split", "set", "zones", "patches", "km²", "unlike", "nearest zone of train")]
        for split, parts in self.inventory.sets.items():
            near = {one.of: one for one in self.spacing[split] if one.to == "train"}
            for name, part in parts.items():
                if (split, name) == (PROD, "test"):
                    continue
                away = f"{near[name].nearest:,.0f} m" if name in near else ""
                unlike = _figure(class_distance(part.pixels, self.inventory.whole.pixels))
                figures = f"{part.zones:,}", f"{part.patches:,}", f"{part.area:g}", unlike, away
                rows.append((split, name, *figures))
        yield from ("", *_aligned(rows))

    def _bands(self) -> Iterator[str]:
        if self.bands is None:
            return
        rows = [("train + valid", "band", "mean", "std", "low", "high")]
        rows += [
            (split, one.band, f"{one.mean:.4f}", f"{one.std:.4f}", str(one.low), str(one.high))
            for split, found in self.bands.items()
            for one in found
        ]
        yield from ("", *_aligned(rows))

    def _labels(self) -> Iterator[str]:
        told, pixels = self.labels, sum(self.labels.origins.values())
        if pixels:
            shares = ", ".join(
                f"{name} {count / pixels:.1%}" for name, count in told.origins.items() if count
            )
            yield from ("", f"labels of {told.told} of {told.zones} zones: {shares}")
        if (agreed := told.agreed) is not None:
            yield f"agreement with a second annotation, {agreed.zones} zones: {agreed.overall}"
        for one in told.biased:
            hand = "a hand in the same zone" if one.against == "second" else "their own borders by hand"
            yield f"segmentation bias against {hand}, {one.zones} zones: {one.bias}"


def percent(share: float) -> str:
    """Write a share in percent, so that what is there is not 0.

    >>> [percent(share) for share in (0.1234, 0.004, 0.00001, 0.0)]
    ['12.3', '0.40', '<0.01', '0']
    """
    if not share:
        return "0"
    return "<0.01" if share < 0.0001 else f"{100 * share:.2f}" if share < 0.01 else f"{100 * share:.1f}"


def measure_release(
    release: Release,
    *,
    pixels: bool = True,
    progress: Callable[[int, int], None] | None = None,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
) -> ReleaseFigures:
    """Return the figures of a release, from its index and, for those of bands, its images.

    Parameters
    ----------
    release
        Any, of older formats as well.
    pixels
        Whether images are read.
    progress
        Called with the patches done and their total after each image.
    map
        Such as `workbench.threads.in_threads` gives.

    Raises
    ------
    ReleaseError
        The index or an image is not the one that was built.
    """
    release.prove()
    inventory = take_inventory(release)
    return ReleaseFigures(
        release=release,
        inventory=inventory,
        spacing={split: set_distances(inventory.sums, split) for split in (*SPLITS, PROD)},
        bands=learning_statistics(release, progress=progress, map=map) if pixels else None,
        labels=label_facts(release.card["zones"]),
    )


def _figure(distance: float | None) -> str:
    return "–" if distance is None else f"{distance:.3f}"


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _withheld(part: Part) -> str:
    return f", labels of {part.withheld:,} withheld" if part.withheld else ""

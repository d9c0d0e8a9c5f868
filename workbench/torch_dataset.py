"""A release as a data set of PyTorch: one patch per item, read when it is asked for, in any worker.

Keys of an item are those of torchgeo (``image``, ``mask``). PyTorch itself is not needed to import this.
"""

from __future__ import annotations

__all__ = ["ReleaseDataset"]

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.counting import counted
from workbench.errors import ModelError, ReleaseError
from workbench.evaluation.numberings import CHALLENGE, numberings
from workbench.export import Patch, Release, open_release
from workbench.export.chosen import ChosenPatches
from workbench.export.layouts import Layout
from workbench.export.packed import PackedFiles
from workbench.export.patches import IMAGE, LABEL, LABELS
from workbench.export.reading import read_modality
from workbench.export.release import read_labels
from workbench.export.selection import Selection
from workbench.export.statistics import band_statistics
from workbench.geo.codes import CODES
from workbench.nomenclature import Nomenclature
from workbench.nomenclature.lookup import NEVER, UNLABELLED, ranges

if TYPE_CHECKING:
    import torch


class ReleaseDataset:
    """The patches of a set of a release, for `torch.utils.data.DataLoader`.

    Map-style: it has a length, and an item is a dictionary:

    ``image``
        Shape (band, row, col), bands in the order asked for, values 0–255.
    ``mask``
        Shape (row, col), int64: numbers of classes. Not there where ``labels`` is false.
    ``modalities``
        By name, shape (band, row, col); the dates of a series follow each other, and their number is not that
        of every patch. Not there where none is asked for.
    ``id``, ``domain``
        As the index of the release has them.

    A few hundred bytes are kept of each patch, in memory that forked workers share; files are opened by the
    process that reads them, so it works with any number of workers, forked or spawned. A file of one patch is
    proven by its digest when it is read.

    Parameters
    ----------
    release
        The release, or its folder.
    split
        Which patches, as in ``split_1:train``, ``prod:valid`` or ``all``.
    bands
        Of the picture.
    scheme
        How ``mask`` is numbered: ``codes`` (of the nomenclature), a scheme such as ``flair`` or
        ``flair_hub``, ``flair-argmax`` (0–18), or ``challenge`` (0–11 the classes that the FLAIR challenges
        score, 12 all others).
    ignore_index
        Number of the pixels that nothing is to be learned from, such as −100: what the release writes as
        *other*, which is also what nobody labelled, and in ``challenge`` all that is not scored. It is the
        number of no class that is learned.
    modalities
        What else of each patch, such as ``elevation``; see `workbench.export.modalities.MODALITIES`.
    layout
        Which files are read; by default the first layout that has the bands and modalities.
    labels
        Whether there is a ``mask``; false for a test whose labels are withheld.
    dtype
        Of ``image``.
    transform
        Called with each item; what it gives takes the item's place. Workers that are spawned need one that
        can be pickled.

    Raises
    ------
    ReleaseError
        There is no release, no such set, numbering, band or modality, labels are withheld, or
        ``ignore_index`` would hide a class.
    ModelError
        PyTorch is not installed.
    """

    def __init__(
        self,
        release: Release | str | Path,
        split: str = "split_1:train",
        *,
        bands: Sequence[str] = ("R", "G", "B"),
        scheme: str = CODES,
        ignore_index: int | None = None,
        modalities: Sequence[str] = (),
        layout: str | None = None,
        labels: bool = True,
        dtype: Literal["float32", "uint8"] = "float32",
        transform: Callable[[dict[str, Any]], Any] | None = None,
    ) -> None:
        _torch()
        self.release = release if isinstance(release, Release) else open_release(release)
        self.release.prove()
        self.bands, self.modalities, self.scheme = tuple(bands), tuple(modalities), scheme
        self.labels, self.dtype, self.transform = labels, dtype, transform
        self.layout = _layout(self.release, layout, self.bands, self.modalities)
        shown = (IMAGE, *((LABEL,) if labels else ()), *self.modalities)
        self.selection = Selection.parse(split)
        self.patches = ChosenPatches(self.release, self.selection, self.layout, shown)
        _check_told(self.release, split, self.patches.withheld, shown)
        self._nomenclature = self.release.nomenclature
        self._numbers = _numbers(self._nomenclature, self.layout, scheme, ignore_index)
        self._places = [self.layout.bands.index(band) for band in self.bands]
        self._packed = PackedFiles()

    def __len__(self) -> int:
        return len(self.patches)

    def __getitem__(self, at: int) -> Any:
        """Return an item; see the class.

        Raises
        ------
        ReleaseError
            Its files are not those that were built.
        """
        torch, patch = _torch(), self.patches[at]
        image = np.ascontiguousarray(self._read(patch, IMAGE)[self._places])
        item: dict[str, Any] = {"image": torch.from_numpy(image.astype(self.dtype, copy=False))}
        if self.labels:
            root, packed = self.release.path, self._packed
            codes = read_labels(root, self.layout, patch, self._nomenclature, packed=packed)
            item["mask"] = torch.from_numpy(self._numbers[codes])
        if self.modalities:
            item["modalities"] = {
                name: torch.from_numpy(_known_to_torch(self._read(patch, name))) for name in self.modalities
            }
        item |= {"id": patch.id, "domain": patch.domain}
        return item if self.transform is None else self.transform(item)

    def mean_and_std(
        self, *, progress: Callable[[int, int], None] | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and standard deviation of each band over all items, by which to normalise images.

        Every image is read once; *test* is normalised by those of *train*, too.
        """
        patches = ChosenPatches(self.release, self.selection, self.release.richest, (IMAGE,))
        found = {one.band: one for one in band_statistics(self.release, patches, progress=progress)}
        values = np.array([(found[band].mean, found[band].std) for band in self.bands], np.float32)
        mean, std = _torch().from_numpy(values).T
        return mean, std

    def _read(self, patch: Patch, modality: str) -> NDArray[Any]:
        return read_modality(self.release.path, self.layout, patch, modality, packed=self._packed)


def _torch() -> Any:
    """Return PyTorch."""
    try:
        import torch
    except ModuleNotFoundError as error:
        raise ModelError(
            f"a data set of PyTorch needs {error.name}, which is not installed: "
            "pip install 'ocs-workbench[torch]'"
        ) from error
    return torch


def _layout(release: Release, name: str | None, bands: Sequence[str], modalities: Sequence[str]) -> Layout:
    """Return the layout that is asked for, or the first that has all that is."""
    there = {layout.name: layout for layout in release.layouts}
    if name is not None and name not in there:
        raise ReleaseError(f"{release.path} has no layout {name!r}; it has {', '.join(there)}")
    if not bands:
        raise ReleaseError("an image has at least one band; name some, such as R, G, B")
    asked = list(there.values()) if name is None else [there[name]]
    for layout in asked:
        if set(bands) <= set(layout.bands) and set(modalities) <= set(layout.modalities):
            return layout
    has = "; ".join(f"{one.name} has {', '.join([*one.bands, *one.modalities[2:]])}" for one in asked)
    raise ReleaseError(f"{release.path} has no layout with {', '.join([*bands, *modalities])}; {has}")


def _numbers(
    nomenclature: Nomenclature, layout: Layout, scheme: str, ignored: int | None
) -> NDArray[np.int64]:
    """Return the number that each code has in ``mask``, shape (256,)."""
    # Grouped as the challenges do are the classes of their nomenclature alone.
    known = numberings(nomenclature, rule=scheme if scheme == CHALLENGE else "flair")
    if scheme not in known:
        raise ReleaseError(
            f"classes of {nomenclature.name} are not numbered as {scheme!r}; choose from "
            f"{', '.join(map(str, known.values()))}"
        )
    numbers = {code: number for number, code in known[scheme].codes.items()}
    other = nomenclature.schemes[layout.scheme].other
    if other is None and ignored is None and 0 in numbers.values():
        raise ReleaseError(
            f"0 is a class in {scheme}, and no number is left for what nobody labelled; give ignore_index"
        )
    left = 0 if other is None else numbers[nomenclature.by_key(other).code]
    table = np.full(NEVER + 1, left, np.int64)
    table[list(numbers)] = list(numbers.values())
    if ignored is not None:
        unlearned = np.arange(NEVER + 1) == UNLABELLED if other is None else table == left
        learned = [code for code in nomenclature.codes if not unlearned[code]]
        _check_ignored(
            ignored, {int(table[code]): nomenclature.by_code(code).key for code in learned}, scheme
        )
        table[unlearned] = ignored
    return table


def _check_ignored(ignored: object, learned: Mapping[int, str], scheme: str) -> None:
    """Refuse what is no number, or that of a class that is to be learned."""
    told = f"classes are numbered {ranges(learned)} in {scheme}; choose another number, such as -100 or 255"
    if isinstance(ignored, bool) or not isinstance(ignored, int | np.integer):
        raise ReleaseError(f"ignore_index {ignored!r} is no whole number: {told}")
    if int(ignored) in learned:
        raise ReleaseError(f"ignore_index {ignored} is the number of {learned[int(ignored)]}: {told}")
    if not np.iinfo(np.int64).min <= ignored <= np.iinfo(np.int64).max:
        raise ReleaseError(f"ignore_index {ignored} is no number of 64 bits: {told}")


def _check_told(release: Release, split: str, withheld: int, shown: Sequence[str]) -> None:
    if withheld and (secret := [one for one in shown if one in LABELS]):
        raise ReleaseError(
            f"{release.path} withholds the {' and '.join(secret)} of "
            f"{counted(withheld, 'patch', 'patches')} of {split}; learn from "
            f"{release.card['withheld']['split']}:train, or ask for no labels (labels=False)"
        )


def _known_to_torch(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return pixels of a type that PyTorch can reckon with."""
    return (
        pixels.astype(np.int32)
        if pixels.dtype == np.uint16
        else pixels.astype(pixels.dtype.newbyteorder("="))
    )

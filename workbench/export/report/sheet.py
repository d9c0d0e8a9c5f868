"""Patches to look at: a few of a release, chosen by a rule, picture and classes as images for a page."""

from __future__ import annotations

__all__ = ["Look", "choose_patches", "look_at"]

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import repeat
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.export.patch_rows import WITHHELD
from workbench.export.patches import Patch
from workbench.export.release import Release
from workbench.geo.thumbnails import indexed_png, jpeg, picked, shrunk, three_bands

_SIDE: Final = 256
"""Pixels of an image on the page, at most."""
_SHOWN: Final = 0.01
"""Share of a patch from which on a class is worth showing there, and named."""
_NUMBERED: Final = 0.02
_RIM: Final = 0.05
"""Share of an image at its sides where no number has room."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """One patch on the page."""

    patch: Patch
    picture: bytes
    """JPEG: red, green, blue; or the first band, where the release has no colours."""
    classes: bytes
    """PNG in the colours of the nomenclature."""
    shares: tuple[tuple[int, float], ...]
    """Classes by code and their share of the patch, the largest first."""
    numbers: tuple[tuple[int, float, float], ...]
    """A code, and where its class has most room: right and down, 0–1."""


class _Candidate(NamedTuple):
    """A patch that could be looked at; ordered by its digest."""

    digest: bytes
    number: int
    """Its row in the index."""
    domain: str
    shows: tuple[str, ...]
    """Keys of the classes that are worth showing there."""


def choose_patches(release: Release, *, count: int) -> list[Patch]:
    """Choose patches so that each class and each domain is there as far as they go.

    First a patch for each class, the rarest class first, unless one that is chosen shows it; then one of each
    domain, again and again. Of several that would do, that with the least SHA-256 of its id is taken: nobody
    picks the beautiful ones, and the same release shows the same.

    Parameters
    ----------
    release
        Its index is read once, and little of it kept; no image. Patches whose labels are withheld are not
        chosen.
    count
        Patches at most.
    """
    often = Counter[str]()
    first: dict[str, _Candidate] = {}
    kept = defaultdict[str, list[_Candidate]](list)
    for one in _candidates(release):
        often.update(one.shows)
        for key in one.shows:
            first[key] = min(first.get(key, one), one)
        own = kept[one.domain]
        own.append(one)
        if len(own) > 2 * count:
            own[:] = nsmallest(count, own)
    chosen: list[_Candidate] = []
    for key in sorted(often, key=lambda key: (often[key], key))[:count]:
        if not any(key in one.shows for one in chosen):
            chosen.append(first[key])
    index = release.patches()
    return [index[number] for number in sorted(_completed(chosen, kept, count))]


def _candidates(release: Release) -> Iterator[_Candidate]:
    keys = release.nomenclature.keys
    columns, least = [f"pixels_{key}" for key in keys], _SHOWN * release.lattice.pixels**2
    index, begin = release.patches(), 0
    kept_apart = [WITHHELD] if WITHHELD in index.columns else []
    for rows in index.batches(["id", "domain", *columns, *kept_apart]):
        shown = np.stack([rows.column(name).fill_null(0).to_numpy() for name in columns], axis=1) >= least
        withheld = rows.column(WITHHELD).to_pylist() if kept_apart else repeat(False, rows.num_rows)
        told = zip(
            rows.column("id").to_pylist(), rows.column("domain").to_pylist(), shown, withheld, strict=True
        )
        for number, (name, domain, own, apart) in enumerate(told, start=begin):
            if apart:
                continue
            digest = hashlib.sha256(name.encode()).digest()
            yield _Candidate(digest, number, domain, tuple(keys[place] for place in np.flatnonzero(own)))
        begin += rows.num_rows


def _completed(
    chosen: Sequence[_Candidate], kept: Mapping[str, Sequence[_Candidate]], count: int
) -> set[int]:
    """Return the rows of chosen patches, and of more, domain by domain, until there are enough."""
    found, shown = {one.number for one in chosen}, Counter(one.domain for one in chosen)
    waiting = {
        name: sorted((one for one in own if one.number not in found), reverse=True)
        for name, own in kept.items()
    }
    while len(found) < count and any(waiting.values()):
        name = min((name for name, own in waiting.items() if own), key=lambda name: (shown[name], name))
        found.add(waiting[name].pop().number)
        shown[name] += 1
    return found


def look_at(release: Release, patch: Patch) -> Look:
    """Read a patch and make its images.

    Raises
    ------
    WorkbenchError
        Its files cannot be read.
    """
    codes = release.labels(patch, layout=release.richest.name)
    found, counts = np.unique(codes, return_counts=True)
    shares = sorted(
        ((int(code), float(n / codes.size)) for code, n in zip(found, counts, strict=True)), key=_rank
    )
    return Look(
        patch=patch,
        picture=_picture(release, patch),
        classes=indexed_png(picked(codes, _SIDE), release.nomenclature.colour_table()),
        shares=tuple(pair for pair in shares if pair[1] >= _SHOWN),
        numbers=tuple(_roomiest(codes == code, code) for code, share in shares if share >= _NUMBERED),
    )


def _rank(pair: tuple[int, float]) -> tuple[float, int]:
    return -pair[1], pair[0]


def _picture(release: Release, patch: Patch) -> bytes:
    layout = release.richest
    image = release.image(patch, layout=layout.name)
    shown = [layout.bands.index(name) for name in three_bands(layout.bands)]
    return jpeg(shrunk(image[shown], _SIDE))


def _roomiest(mask: NDArray[np.bool_], code: int) -> tuple[int, float, float]:
    """Return a code and the middle of the largest disc inside its pixels, where a number has room."""
    from scipy import ndimage

    step = max(1, mask.shape[0] // 128)
    room = ndimage.distance_transform_edt(np.pad(mask[::step, ::step], 1))[1:-1, 1:-1]
    row, col = np.unravel_index(int(room.argmax()), room.shape)
    right, down = (
        float(np.clip((at + 0.5) / size, _RIM, 1 - _RIM))
        for at, size in zip((col, row), room.shape[::-1], strict=True)
    )
    return code, round(right, 4), round(down, 4)

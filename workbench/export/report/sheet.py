"""Patches to look at: a few of a release, chosen by a rule, picture and classes as images for a page."""

from __future__ import annotations

__all__ = ["Look", "choose_patches", "look_at"]

import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workbench.export.patches import Patch
from workbench.export.release import Release

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


def choose_patches(release: Release, *, count: int) -> list[Patch]:
    """Choose patches so that each class and each domain is there as far as they go.

    First a patch for each class, the rarest class first, unless one that is chosen shows it; then one of each
    domain, again and again. Of several that would do, that with the least SHA-256 of its id is taken: nobody
    picks the beautiful ones, and the same release shows the same.

    Parameters
    ----------
    release
        Its index is read once; no image.
    count
        Patches at most.
    """
    keys = release.nomenclature.keys
    columns = [f"pixels_{key}" for key in keys]
    index = release.patches()
    ids, domains, shown = [], [], []
    area = release.lattice.pixels**2
    for rows in index.batches(["id", "domain", *columns]):
        ids += [hashlib.sha256(name.encode()).digest()[:8] for name in rows.column("id").to_pylist()]
        domains += rows.column("domain").to_pylist()
        pixels = np.stack([rows.column(name).to_numpy() for name in columns], axis=1)
        shown.append(np.packbits(pixels >= _SHOWN * area, axis=1))
    there = np.unpackbits(np.concatenate(shown), axis=1, count=len(keys)).astype(np.bool_)
    order = np.array(sorted(range(len(ids)), key=ids.__getitem__))
    chosen = _by_class(there[order], count)
    return [
        index[number] for number in _completed([int(order[place]) for place in chosen], order, domains, count)
    ]


def _by_class(there: NDArray[np.bool_], count: int) -> list[int]:
    """Return rows, the first that does for each class, the rarest class first; shape (patch, class)."""
    chosen: list[int] = []
    often = there.sum(axis=0)
    for place in np.argsort(often, kind="stable").tolist():
        if often[place] and len(chosen) < count and not there[chosen, place].any():
            chosen.append(int(there[:, place].argmax()))
    return chosen


def _completed(
    chosen: Iterable[int], order: NDArray[np.int64], domains: Sequence[str], count: int
) -> list[int]:
    """Return chosen patches and more, domain by domain, until there are enough; in the index's sequence."""
    found, held = list(dict.fromkeys(chosen)), set(chosen)
    waiting: dict[str, list[int]] = {name: [] for name in sorted(set(domains))}
    for number in reversed(order.tolist()):
        if number not in held:
            waiting[domains[number]].append(number)
    shown = {name: sum(domains[number] == name for number in found) for name in waiting}
    while len(found) < count and any(waiting.values()):
        name = min((one for one in waiting if waiting[one]), key=lambda one: (shown[one], one))
        found.append(waiting[name].pop())
        shown[name] += 1
    return sorted(found)


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
        classes=_coloured(codes, release),
        shares=tuple(pair for pair in shares if pair[1] >= _SHOWN),
        numbers=tuple(_roomiest(codes == code, code) for code, share in shares if share >= _NUMBERED),
    )


def _rank(pair: tuple[int, float]) -> tuple[float, int]:
    return -pair[1], pair[0]


def _picture(release: Release, patch: Patch) -> bytes:
    from PIL import Image

    bands = release.richest.bands
    image = release.image(patch, layout=release.richest.name)
    colours = [bands.index(name) for name in ("R", "G", "B")] if {"R", "G", "B"} <= set(bands) else [0, 0, 0]
    made = Image.fromarray(np.ascontiguousarray(np.moveaxis(image[colours], 0, -1)))
    made.thumbnail((_SIDE, _SIDE), Image.Resampling.BOX)
    content = io.BytesIO()
    made.save(content, "JPEG", quality=82, optimize=True)
    return content.getvalue()


def _coloured(codes: NDArray[np.uint8], release: Release) -> bytes:
    from PIL import Image

    made = Image.fromarray(codes)
    if max(made.size) > _SIDE:
        made = made.resize((_SIDE, _SIDE), Image.Resampling.NEAREST)
    table = np.zeros((256, 3), np.uint8)
    for code, colour in release.nomenclature.colour_table().items():
        table[code] = colour
    made.putpalette(table.tobytes())
    content = io.BytesIO()
    made.save(content, "PNG", optimize=True)
    return content.getvalue()


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

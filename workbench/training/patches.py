"""Labelled patches to learn from: what is known of all of them, and pixels when they are asked for."""

from __future__ import annotations

__all__ = ["LabelledPixels", "PatchCache", "PatchSet", "hold_out"]

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from workbench.documents import digest
from workbench.errors import ModelError
from workbench.geo.zone import domain_of

_CACHED_BYTES = 512 << 20
_HELD_OUT = 0.2
_FEWEST = 3
"""Zones of which one is held out; of fewer, none can be spared."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelledPixels:
    """The pixels of one patch."""

    image: NDArray[np.uint8]
    """Shape (band, row, col)."""
    codes: NDArray[np.uint8]
    """Shape (row, col). Codes of the nomenclature; 0 = unlabelled, and never learned from."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchSet:
    """Patches of one size, a few bytes each until their pixels are read.

    Raises
    ------
    ModelError
        Its parts are not of one length.
    """

    zones: tuple[str, ...]
    """Shape (patch,). Id of the zone of each patch, ``domain/zone``."""
    bands: tuple[tuple[str, ...], ...]
    """Shape (patch,). Bands of each patch, in the order of its image."""
    pixels: NDArray[np.int32]
    """Shape (patch, code). Pixels of each code in each patch; those of code 0 are not learned from."""
    shape: tuple[int, int]
    """Rows and columns of every patch."""
    resolution: float
    """Metres per pixel."""
    read: Callable[[int], LabelledPixels]
    """Reads a patch by its number; called from several threads."""

    def __post_init__(self) -> None:
        lengths = {len(self.zones), len(self.bands), len(self.pixels)}
        if len(lengths) != 1:
            raise ModelError(
                f"patches of {len(self.zones)} zones, {len(self.bands)} lists of bands and "
                f"{len(self.pixels)} counts are no set; each patch has one of each"
            )

    def __len__(self) -> int:
        return len(self.zones)

    @property
    def class_pixels(self) -> NDArray[np.int64]:
        """Shape (code,). Pixels of each code in all patches; none is counted as unlabelled."""
        counts: NDArray[np.int64] = self.pixels.sum(axis=0, dtype=np.int64)
        counts[:1] = 0
        return counts

    @property
    def zone_ids(self) -> tuple[str, ...]:
        """Each zone once, sorted."""
        return tuple(sorted(set(self.zones)))

    @property
    def domains(self) -> tuple[str, ...]:
        """Each domain once, sorted."""
        return tuple(sorted(set(map(domain_of, self.zones))))

    @property
    def common_bands(self) -> tuple[str, ...]:
        """Bands that every patch has, in the order of the first one."""
        kinds = set(self.bands)
        return tuple(name for name in self.bands[0] if all(name in kind for kind in kinds))

    def chosen(self, numbers: Sequence[int]) -> PatchSet:
        """Return the set of some of the patches, in the order given."""
        read = self.read
        return PatchSet(
            zones=tuple(self.zones[number] for number in numbers),
            bands=tuple(self.bands[number] for number in numbers),
            pixels=self.pixels[list(numbers)],
            shape=self.shape,
            resolution=self.resolution,
            read=lambda number: read(numbers[number]),
        )

    def joined(self, other: PatchSet) -> PatchSet:
        """Return the set of these patches and others of the same size, in this order.

        Raises
        ------
        ModelError
            They are of another size or resolution.
        """
        if (self.shape, self.resolution) != (other.shape, other.resolution):
            raise ModelError(
                f"patches of {self.shape} pixels of {self.resolution} m and of {other.shape} pixels of "
                f"{other.resolution} m are no set; cut them alike"
            )
        count = len(self)

        def read(number: int) -> LabelledPixels:
            return self.read(number) if number < count else other.read(number - count)

        return PatchSet(
            zones=(*self.zones, *other.zones),
            bands=(*self.bands, *other.bands),
            pixels=np.concatenate([self.pixels, other.pixels]),
            shape=self.shape,
            resolution=self.resolution,
            read=read,
        )

    def of_zones(self, zones: Iterable[str]) -> PatchSet:
        """Return the set of the patches of some zones."""
        wanted = set(zones)
        return self.chosen([number for number, zone in enumerate(self.zones) if zone in wanted])


class PatchCache:
    """Patches as they were read last, up to a number of bytes; many threads may ask.

    Parameters
    ----------
    read
        Reads a patch by its number.
    most
        Bytes that are kept.
    """

    def __init__(self, read: Callable[[int], LabelledPixels], *, most: int = _CACHED_BYTES) -> None:
        self._read, self._most = read, most
        self._kept: OrderedDict[int, LabelledPixels] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    @property
    def held(self) -> int:
        """Bytes that are kept now."""
        return self._bytes

    def __call__(self, number: int) -> LabelledPixels:
        """Return a patch, read again only if it was not asked for lately."""
        with self._lock:
            if number in self._kept:
                self._kept.move_to_end(number)
                return self._kept[number]
        found = self._read(number)
        size = found.image.nbytes + found.codes.nbytes
        with self._lock:
            if number not in self._kept and size <= self._most:
                self._kept[number] = found
                self._bytes += size
                while self._bytes > self._most:
                    _, oldest = self._kept.popitem(last=False)
                    self._bytes -= oldest.image.nbytes + oldest.codes.nbytes
        return found


def hold_out(patches: PatchSet, *, seed: int = 0, share: float = _HELD_OUT) -> frozenset[str]:
    """Return the zones that a model must not learn from, so that it can be judged on them.

    Whole zones: pixels beside learned ones tell nothing. One after the other, each time the zone that takes
    the fewest pixels of a class along which no other zone has, and of those alike the first by a hash of its
    id. Of fewer than three zones none is held out.
    """
    zones = patches.zone_ids
    if len(zones) < _FEWEST or share <= 0:
        return frozenset()
    numbers = {zone: number for number, zone in enumerate(zones)}
    pixels = np.zeros((len(zones), patches.pixels.shape[1]), np.int64)
    np.add.at(pixels, [numbers[zone] for zone in patches.zones], patches.pixels)
    pixels[:, :1] = 0
    order = sorted(range(len(zones)), key=lambda number: digest(f"{seed}|{zones[number]}".encode()))
    held: list[int] = []
    for _ in range(max(1, round(share * len(zones)))):
        left = [number for number in order if number not in set(held)]
        lonely = (pixels[left] > 0).sum(axis=0) == 1
        held.append(left[int(pixels[left][:, lonely].sum(axis=1).argmin())])
    return frozenset(zones[number] for number in held)

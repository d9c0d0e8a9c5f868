"""A prediction for a raster of any size: tile by tile, written part by part, resumed after a kill.

Blocks of tiles are read, given to the segmenter and written by a few threads, so that reading and writing go
on while networks run; what waits is bounded, whatever the raster's size. Each block is a part beside the
output; when all are there, they become one cloud-optimized GeoTIFF. What is asked for again after a kill goes
on from the parts that are there, and has the same bytes.
"""

from __future__ import annotations

__all__ = ["PredictedRaster", "Source", "predict_raster"]

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.counting import counted
from workbench.errors import ModelError
from workbench.geo.geotiff import encode_raster
from workbench.geo.grid import PixelGrid, Window
from workbench.geo.mosaics import Part, write_mosaic
from workbench.geo.predictions import PREDICTION, PROBABILITIES
from workbench.geo.raster import read_bands
from workbench.inference.composing import Blended, Composer, Cores
from workbench.inference.parts import NotWritten, Parts, parts_of
from workbench.inference.segmenter import Segmenter
from workbench.inference.tiles import Block, Tile, Tiling


class Source(Protocol):
    """Where pixels come from: a raster's bands in the order of the network's."""

    @property
    def grid(self) -> PixelGrid:
        """Where its pixels lie."""

    @property
    def key(self) -> Mapping[str, Any]:
        """What its pixels depend on, as JSON."""

    def read(self, window: Window) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return pixels, shape (row, col, band), and where there are any, shape (row, col)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedRaster:
    """What was done to predict a raster."""

    path: Path
    tiles: int
    """Tiles of the raster."""
    executed: int
    """Those that a network looked at now: the others were done before, or hold no pixel."""
    reused: int
    """Parts that were there already."""
    classified: int
    """Pixels that have a class: the others hold no data."""
    seconds: float
    """Until all parts were there."""
    copy_seconds: float
    """To make one file of them."""


def predict_raster(
    source: Source,
    segmenter: Segmenter,
    output: Path,
    *,
    codes: NDArray[np.uint8],
    tiling: Tiling,
    tags: Mapping[str, str],
    probabilities: Path | None = None,
    say: Callable[[str], None] = lambda sentence: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> PredictedRaster:
    """Write class, probability and entropy of each pixel of a raster.

    Parameters
    ----------
    source
        The pixels.
    segmenter
        Who tells what they show.
    output
        GeoTIFF to write, a band of 8 bits for each of the segmenter's planes; an older one is replaced.
    codes
        Shape (class,). Code of each output of the segmenter; pixels without data are 0 in all bands.
    tiling
        Sizes of tiles.
    tags
        What the file says of itself.
    probabilities
        GeoTIFF to write with the probability of each class, 0 to 255, a band each.
    say
        Told what becomes of parts that an earlier run left.
    progress
        Called with the tiles that are done and all of them, in this thread; may raise to stop.

    Raises
    ------
    ModelError
        Another process writes the same output, or what the segmenter says of a pixel is no number.
    RasterError
        Pixels cannot be read: no part stays. Or the disk is full: those that are done stay.
    """
    begun = time.perf_counter()
    grid = source.grid
    blocks = tiling.blocks(grid.height, grid.width)
    plan = {
        "source": dict(source.key),
        "model": segmenter.digest,
        "codes": codes.tolist(),
        "tiling": [tiling.size, tiling.margin, tiling.across, tiling.blended],
        "shape": list(grid.shape),
        "probabilities": probabilities is not None,
    }
    with parts_of(output, plan, say=say) as parts:
        made = Blended if tiling.blended else Cores
        composer = made(segmenter, with_all=probabilities is not None)
        work = _Work(source, segmenter, codes, parts, composer)
        missing = [block for block in blocks if block not in parts]
        work.classified = sum(_classified(parts.path(block)) for block in blocks if block in parts)
        total = sum(len(block.tiles) for block in blocks)
        done = total - sum(len(block.tiles) for block in missing)
        progress(done, total)
        with closing(work.run(missing)) as counts:
            for count in counts:
                done += count
                progress(done, total)
        written = time.perf_counter()
        told, names = composer.planes, segmenter.card.classes
        for path, kind, begun_at, described in (
            (output, PREDICTION, 0, told),
            (probabilities, PROBABILITIES, len(told), names),
        ):
            if path is not None:
                write_mosaic(
                    path,
                    [Part(path=parts.path(block), window=block.window) for block in blocks],
                    grid,
                    kind=kind,
                    bands=range(begun_at + 1, begun_at + len(described) + 1),
                    descriptions=described,
                    tags=tags,
                    folder=parts.folder,
                    error=NotWritten,
                )
    return PredictedRaster(
        path=output,
        tiles=total,
        executed=work.executed,
        reused=len(blocks) - len(missing),
        classified=work.classified,
        seconds=written - begun,
        copy_seconds=time.perf_counter() - written,
    )


class _Work:
    """Blocks in work: each by a thread that reads it, asks for its tiles and writes it."""

    def __init__(
        self,
        source: Source,
        segmenter: Segmenter,
        codes: NDArray[np.uint8],
        parts: Parts,
        composer: Composer,
    ) -> None:
        self._source, self._parts, self._composer = source, parts, composer
        self._model = segmenter.card.id
        # From the index of a class plus 1, 0 where nothing is known.
        self._codes = np.concatenate([np.zeros(1, np.uint8), codes])
        self._lanes = ThreadPoolExecutor(segmenter.lanes, "lane", initializer=segmenter.enter_lane)
        self._stopped = threading.Event()
        self._counting = threading.Lock()
        self.executed = 0
        """Tiles that the segmenter looked at."""
        self.classified = 0
        """Pixels that have a class."""

    def run(self, blocks: Sequence[Block]) -> Generator[int]:
        """Do blocks, a few at a time; yield the number of tiles of each one that is done."""
        waiting = iter(blocks)
        running: dict[Future[None], int] = {}
        with self._lanes, ThreadPoolExecutor(1 + self._composer.ahead, "block") as threads:
            try:
                while True:
                    while len(running) <= self._composer.ahead and (block := next(waiting, None)) is not None:
                        running[threads.submit(self._do, block)] = len(block.tiles)
                    if not running:
                        return
                    finished, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in finished:
                        future.result()
                        yield running.pop(future)
            finally:  # an error, or whoever listens has heard enough
                self._stopped.set()
                threads.shutdown(cancel_futures=True)

    def _do(self, block: Block) -> None:
        pixels, valid = self._source.read(block.source)
        asked = deque(
            (tiles, self._lanes.submit(self._ask, pixels, block, tiles))
            for tiles in self._batches(block, valid)
        )

        def answers() -> Iterator[tuple[Tile, Any]]:
            while asked:
                tiles, future = asked.popleft()
                yield from zip(tiles, future.result(), strict=True)

        planes = self._composer.compose(block, answers())
        held = valid[block.window.within(block.source).slices]
        planes[:, ~held] = 0
        self._check_said(held & (planes[0] == 0), block)
        planes[0] = self._codes[planes[0]]
        grid = self._source.grid.crop(block.window)
        self._parts.keep(block, encode_raster(planes, grid, compress="zstd", level=1))
        with self._counting:
            self.classified += int(np.count_nonzero(planes[0]))

    def _check_said(self, unsaid: NDArray[np.bool_], block: Block) -> None:
        """Refuse what is not said of pixels that hold something."""
        if unsaid.any():
            row, col = np.argwhere(unsaid)[0] + (block.window.row, block.window.col)
            raise ModelError(
                f"model {self._model} gives no number for "
                f"{counted(int(np.count_nonzero(unsaid)), 'pixel')}, the first at "
                f"row {row}, column {col}: its weights are damaged, or it overflows; import or train it again"
            )

    def _batches(self, block: Block, valid: NDArray[np.bool_]) -> Iterator[list[Tile]]:
        """Yield tiles to look at together, in the block's sequence: those whose cores hold pixels."""
        held = [tile for tile in block.tiles if valid[tile.core.within(block.source).slices].any()]
        size = self._composer.batch
        return (held[first : first + size] for first in range(0, len(held), size))

    def _ask(self, pixels: NDArray[np.uint8], block: Block, tiles: Sequence[Tile]) -> list[NDArray[Any]]:
        """Return what is said of the cores of tiles."""
        if self._stopped.is_set():
            raise ModelError("the prediction was stopped")
        cut = np.stack([_cut(pixels, tile.window, block.source) for tile in tiles])
        cores = [tile.core.within(tile.window) for tile in tiles]
        if len(tiles) == 1:  # what is not asked for need not be computed
            told = [*self._composer.ask(cut, cores[0])]
        else:  # they lie in their tiles each otherwise, but a device is asked for them together
            whole = self._composer.ask(cut, None)
            told = [one[:, *core.slices] for one, core in zip(whole, cores, strict=True)]
        with self._counting:
            self.executed += len(tiles)
        return told


def _classified(part: Path) -> int:
    return int(np.count_nonzero(read_bands(part, bands=(1,))))


def _cut(pixels: NDArray[np.uint8], window: Window, source: Window) -> NDArray[np.uint8]:
    """Return a tile, mirrored where a raster smaller than it ends."""
    row, col = window.row - source.row, window.col - source.col
    tile = pixels[row : row + window.height, col : col + window.width]
    short = [(0, window.height - tile.shape[0]), (0, window.width - tile.shape[1]), (0, 0)]
    return np.pad(tile, short, mode="symmetric") if any(after for _, after in short) else tile

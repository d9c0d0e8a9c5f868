"""The methods that are compared, and what one of them costs: run in a process of its own."""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SCALES = (30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0)
HIGRA_SCALE = 1000.0
"""Of the cut of higra's tree that is compared at equal region counts."""
_PIXELS_PER_REGION = 400
# Large enough for the rounds that come before the exact queue.
_WARM_SIDE = 400

Image = NDArray[np.uint8]
"""Shape (band, row, col)."""
Run = Callable[[Image], Any]
"""A hierarchy of ours, an image of labels, or `HigraTree`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A way to segment."""

    title: str
    prepare: Callable[[], Run]
    """Imports what is needed; ImportError says that it is not installed."""
    largest: float = np.inf
    """Megapixels up to which it is tried."""
    preset: str | None = None
    """Of ours."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HigraTree:
    """What `higra` returns, ready for energies."""

    tree: Any
    image: Image


def _threads() -> int:
    """Return how many threads ours may use."""
    return int(os.environ.get("WORKBENCH_THREADS", os.cpu_count() or 1))


def _ours(preset: str) -> Callable[[], Run]:
    def prepare() -> Run:
        from affine import Affine

        from workbench.geo.grid import PixelGrid
        from workbench.segmentation import SegmentationParameters, segment

        parameters = SegmentationParameters.preset(preset)
        pool = ThreadPoolExecutor(_threads())
        transform = Affine(0.2, 0.0, 650000.0, 0.0, -0.2, 6860000.0)

        def run(image: Image) -> Any:
            height, width = image.shape[1:]
            grid = PixelGrid(crs="EPSG:2154", transform=transform, height=height, width=width)
            return segment(image, grid=grid, parameters=parameters, map=pool.map)

        return run

    return prepare


def _higra() -> Run:
    import higra as hg

    def run(image: Image) -> HigraTree:
        values = np.moveaxis(image, 0, 2).reshape(-1, image.shape[0]).astype(np.float64)
        graph = hg.get_4_adjacency_graph(image.shape[1:])
        tree, _ = hg.binary_partition_tree_MumfordShah_energy(graph, values)
        return HigraTree(tree=tree, image=image)

    return run


def _felzenszwalb() -> Run:
    from skimage.segmentation import felzenszwalb

    return lambda image: felzenszwalb(image, scale=100, sigma=0.8, min_size=50, channel_axis=0)


def _slic() -> Run:
    from skimage.segmentation import slic

    # In Lab, as compactness is meant for: so of R, G and B only.
    return lambda image: slic(
        image[:3],
        n_segments=image[0].size // _PIXELS_PER_REGION,
        compactness=10,
        channel_axis=0,
        start_label=0,
    )


def _near_infrared(image: Image) -> NDArray[np.uint8]:
    """Return NIR, R and G as OpenCV takes them: of three bands, those that it does best with."""
    return np.ascontiguousarray(np.moveaxis(image[[3, 0, 1]], 0, 2))


def _seeds() -> Run:
    import cv2

    def run(image: Image) -> NDArray[np.int32]:
        height, width = image.shape[1:]
        wished = height * width // _PIXELS_PER_REGION
        found = cv2.ximgproc.createSuperpixelSEEDS(width, height, 3, wished, 4, prior=2, histogram_bins=10)
        found.iterate(_near_infrared(image), 10)
        return np.asarray(found.getLabels())

    return run


def _slico() -> Run:
    import cv2

    def run(image: Image) -> NDArray[np.int32]:
        side = round(_PIXELS_PER_REGION**0.5)
        found = cv2.ximgproc.createSuperpixelSLIC(_near_infrared(image), cv2.ximgproc.SLICO, region_size=side)
        found.iterate(10)
        found.enforceLabelConnectivity(25)
        return np.asarray(found.getLabels())

    return run


METHODS = {
    "plain": Method(title="ours, plain", prepare=_ours("plain"), preset="plain"),
    "default": Method(title="ours, default", prepare=_ours("default"), preset="default"),
    "higra": Method(title="higra BPT Mumford-Shah", prepare=_higra, largest=1.1),
    "felzenszwalb": Method(title="scikit-image felzenszwalb", prepare=_felzenszwalb, largest=4.5),
    "slic": Method(title="scikit-image slic", prepare=_slic, largest=4.5),
    "seeds": Method(title="OpenCV SEEDS", prepare=_seeds, largest=4.5),
    "slico": Method(title="OpenCV SLICO", prepare=_slico),
}


def run_case(name: str, images: list[str], out: Path, repeat: int) -> dict[str, Any]:
    """Segment images with one method, keep what came out, and return what it cost.

    A corner of the first image is segmented before, which compiles our kernels and starts thread pools. Peak
    memory is what the process held at most, less what it held with the images and libraries loaded. Of
    several runs the one with the least CPU time counts, and the first for memory.

    Returns
    -------
    dict
        JSON values; only ``missing`` where a library is not installed.
    """
    try:
        run = METHODS[name].prepare()
    except ImportError as error:
        return {"missing": error.name or str(error)}
    loaded = [np.load(path) for path in images]
    run(np.ascontiguousarray(loaded[0][:, :_WARM_SIDE, :_WARM_SIDE]))
    figures: dict[str, Any] = {"cpu_s": 0.0, "wall_s": 0.0, "peak_mb": 0.0, "regions": 0}
    for number, image in enumerate(loaded):
        costs, result = [], None
        for _ in range(repeat):
            result = None
            gc.collect()
            cost, result = _measured(run, image)
            costs.append(cost)
        best = min(costs, key=lambda cost: cost["cpu_s"])
        figures["cpu_s"] += best["cpu_s"]
        figures["wall_s"] += best["wall_s"]
        figures["peak_mb"] = max(figures["peak_mb"], costs[0]["peak_mb"])
        figures["regions"] += _keep(result, out / f"{name}-{number}")
    if METHODS[name].preset is not None:
        figures["threads"] = _threads()
    return figures


def versions() -> dict[str, str | None]:
    """Return the versions of what takes part, None where it is not installed."""
    found: dict[str, str | None] = {"python": sys.version.split()[0]}
    names = ("ocs-workbench", "numpy", "numba", "higra", "scikit-image", "opencv-contrib-python-headless")
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def _measured(run: Run, image: Image) -> tuple[dict[str, float], Any]:
    before = _forget_peak()
    start, cpu = time.perf_counter(), _cpu_seconds()
    result = run(image)
    figures = {"cpu_s": _cpu_seconds() - cpu, "wall_s": time.perf_counter() - start}
    return figures | {"peak_mb": (_peak_bytes() - before) / 1e6}, result


def _cpu_seconds() -> float:
    """Return user and system seconds of all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _forget_peak() -> int:
    """Return the bytes in memory now, and where the system can (Linux), start the peak anew from them."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return _peak_bytes()


def _peak_bytes() -> int:
    # Of this program only; ru_maxrss may hold what the process that started it had in memory.
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _keep(result: Any, stem: Path) -> int:
    """Write what a method made, for the judge; return the number of its regions."""
    if isinstance(result, HigraTree):
        from higra_energies import energies_and_labels

        energies, result = energies_and_labels(result.tree, result.image, SCALES, HIGRA_SCALE)
        stem.with_suffix(".json").write_text(json.dumps(energies))
    if not isinstance(result, np.ndarray):
        from workbench.segmentation import write_hierarchy

        write_hierarchy(result, stem.with_suffix(".h5"), saliency=False, overwrite=True)
        return int(result.leaf_count)
    labels = np.unique(result, return_inverse=True)[1].reshape(result.shape).astype(np.uint32)
    np.save(stem.with_suffix(".npy"), labels)
    return int(labels.max()) + 1

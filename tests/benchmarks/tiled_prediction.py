"""Measure predictions in tiles: CPU time over the pure forward pass of the same tiles, memory, resume.

    python tests/benchmarks/tiled_prediction.py --side 2048 --networks tiny-unet,resnet34-unet
    python tests/benchmarks/tiled_prediction.py --sparse 25000

Each method runs in a process of its own, one after the other, on the same raster: R, G, B, NIR in 8 bits, 19
classes, random weights. *CPU s* is user and system time of all threads, on tiles of 512 every 384 pixels:
compare this one on a machine that does other things. *MiB* is the most memory held, above what the process
held once the weights were loaded. Peers give classes alone, ours probability and entropy as well. MONAI and
pytorch-toolbelt run where they are installed; the margin crop of FLAIR's zone_detect is its logic, written
again. Copying the parts into one cloud-optimized GeoTIFF is timed apart.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.windows import Window as RasterWindow

_TILE, _MARGIN = 512, 64
_STRIDE = _TILE - 2 * _MARGIN
_CLASSES = 19
_BANDS = ("R", "G", "B", "NIR")
_MEANS, _STDS = (105.08, 110.87, 101.82, 106.38), (52.17, 45.38, 44.00, 39.69)
_NETWORKS = {
    "tiny-unet": ("workbench", "tiny-unet", None),
    "resnet18-unet": ("smp", "unet", "resnet18"),
    "resnet34-unet": ("smp", "unet", "resnet34"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the file."""
    options = _parser().parse_args(arguments)
    if options.one is not None:
        print(json.dumps(_METHODS[options.one](options.raster, options.model, options.output)))
        return 0
    document: dict[str, Any] = {"format": "ocs-workbench/tiled-prediction", "format_version": 1}
    with tempfile.TemporaryDirectory(prefix="tiled-prediction-") as temporary:
        work = Path(temporary)
        names = options.networks.split(",")
        models = {name: _model(name, work) for name in names}
        if options.sparse:
            raster = _sparse(work / "sparse.tif", options.sparse)
            held = f"{raster.stat().st_blocks * 512 / 2**20:.1f} MiB on disk"
            print(f"sparse raster of {options.sparse}² pixels, {held}", flush=True)
            found = _apart("ours", raster, models[names[0]], work)
            document["sparse"] = found
            print(json.dumps(found, indent=1), flush=True)
        else:
            raster = _made(work / "ortho.tif", options.side)
            document["rows"] = {}
            for name, model in models.items():
                print(
                    f"\n{name}, {options.side}², {len(_places(options.side)) ** 2} tiles\n\n{_HEAD}",
                    flush=True,
                )
                rows = document["rows"][name] = {}
                for method in options.methods.split(","):
                    runs = [_apart(method, raster, model, work) for _ in range(options.repeat)]
                    rows[method] = min(runs, key=lambda run: run.get("cpu_s", np.inf))
                    print(_row(method, rows), flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return 0


_HEAD = "| method | CPU s | ÷ forward | wall s | MiB | |\n|---|---|---|---|---|---|"


def _row(method: str, rows: dict[str, Any]) -> str:
    found = rows[method]
    if "cpu_s" not in found:
        return f"| {method} | – | – | – | – | {found['why']} |"
    ratio = found["cpu_s"] / rows["forward"]["cpu_s"] if "forward" in rows else float("nan")
    more = "".join(f"{key} {value} " for key, value in found.items() if key not in ("cpu_s", "wall_s", "mib"))
    cpu, wall, mib = (found[key] for key in ("cpu_s", "wall_s", "mib"))
    return f"| {method} | {cpu:.2f} | {ratio:.3f} | {wall:.2f} | {mib:.0f} | {more}|"


def _apart(method: str, raster: Path, model: Path, work: Path) -> dict[str, Any]:
    """Run one method in a process of its own; return what it found, or why it found nothing."""
    output = work / f"{method}.tif"
    output.unlink(missing_ok=True)
    command = [sys.executable, __file__, "--one", method, "--raster", raster, "--model", model, "-o", output]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        return {"why": (done.stderr.strip().splitlines() or ["no word"])[-1]}
    return dict(json.loads(done.stdout.splitlines()[-1]))


# What runs in a process of its own


class _Meter:
    """CPU and wall seconds, and the most memory, from when it is made."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        self._held = _status("VmRSS")
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def read(self) -> dict[str, float]:
        return {
            "cpu_s": time.process_time() - self._cpu,
            "wall_s": time.perf_counter() - self._wall,
            "mib": _status("VmHWM") - self._held,
        }


def _status(key: str) -> float:
    """Return a size of this process in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024


def _opened(model: Path) -> Any:
    from workbench.inference.network import open_segmenter

    return open_segmenter(model, device="cpu")


def _forward(raster: Path, model: Path, output: Path) -> dict[str, Any]:
    """The network alone on the tiles that ours looks at, ready in memory, a thread for each core."""
    import torch

    from workbench.inference.models import read_model
    from workbench.inference.network import NetworkSegmenter
    from workbench.inference.tiles import Tiling

    # As it was read: ours, and peers, have batch-norms folded.
    segmenter = NetworkSegmenter(*read_model(model), device="cpu")
    with rasterio.open(raster) as source:
        pixels = np.ascontiguousarray(np.moveaxis(source.read(), 0, 2))
    blocks = Tiling(size=_TILE, margin=_MARGIN).blocks(*pixels.shape[:2])
    tiles = [tile.window for block in blocks for tile in block.tiles]

    def run(window: Any) -> float:
        ready = segmenter.normalise(pixels[window.slices][np.newaxis])
        begun = time.thread_time()
        with torch.inference_mode():
            segmenter.network(ready)
        return time.thread_time() - begun

    with ThreadPoolExecutor(segmenter.lanes, initializer=segmenter.enter_lane) as lanes:
        list(lanes.map(run, tiles[:4]))
        meter = _Meter()
        spent = sum(lanes.map(run, tiles))
    return meter.read() | {"cpu_s": spent, "tiles": len(tiles)}


def _ours(raster: Path, model: Path, output: Path) -> dict[str, Any]:
    """`predict_raster`, until all parts are written, and the copy apart."""
    from workbench.geo.raster import inspect_raster
    from workbench.inference.predict import predict_raster
    from workbench.inference.source import RasterSource
    from workbench.inference.tiles import Tiling
    from workbench.nomenclature import load_nomenclature

    segmenter = _opened(model)
    tiling = Tiling(size=_TILE, margin=_MARGIN)
    codes = segmenter.card.codes(load_nomenclature("flair-19"))
    # Kernels are compiled, or read from their cache, by a tile that is not counted.
    segmenter.predict_reduced(np.zeros((1, _TILE, _TILE, len(_BANDS)), np.uint8))
    source = RasterSource.of(inspect_raster(raster), segmenter.card, bands=_BANDS)
    meter = _Meter()
    found: dict[str, float] = {}

    def told(done: int, total: int) -> None:
        if done == total and not found:
            found.update(meter.read())

    result = predict_raster(source, segmenter, output, codes=codes, tiling=tiling, tags={}, progress=told)
    whole = meter.read()
    return found | {
        "mib": whole["mib"],
        "tiles": result.executed,
        "copy_cpu_s": round(whole["cpu_s"] - found["cpu_s"], 2),
        "copy_wall_s": round(result.copy_seconds, 2),
        "output_mib": round(output.stat().st_size / 2**20, 1),
    }


def _monai(raster: Path, model: Path, output: Path) -> dict[str, Any]:
    """MONAI's sliding window with its Gaussian weights, a tile at a time."""
    import torch
    from monai.inferers import sliding_window_inference

    network = _ready(model)
    meter = _Meter()
    image = _whole_image(raster)
    with torch.inference_mode():
        logits = sliding_window_inference(
            image, (_TILE, _TILE), 1, network, overlap=1 - _STRIDE / _TILE, mode="gaussian"
        )
        classes = logits.argmax(dim=1)[0].numpy().astype(np.uint8)
    _write(raster, output, classes)
    return meter.read()


def _toolbelt(raster: Path, model: Path, output: Path) -> dict[str, Any]:
    """pytorch-toolbelt's slicer and merger with its pyramid weights."""
    import torch
    from pytorch_toolbelt.inference.tiles import ImageSlicer, TileMerger

    network = _ready(model)
    meter = _Meter()
    with rasterio.open(raster) as source:
        pixels = np.moveaxis(source.read(), 0, 2)
    slicer = ImageSlicer(pixels.shape, tile_size=_TILE, tile_step=_STRIDE, weight="pyramid")
    merger = TileMerger(slicer.target_shape, _CLASSES, slicer.weight, device="cpu")
    with torch.inference_mode():
        for tile, crop in zip(slicer.split(pixels), slicer.crops, strict=True):
            merger.integrate_batch(network(_normalised(tile)), [crop])
        merged = slicer.crop_to_orignal_size(merger.merge().argmax(dim=0).numpy())
    _write(raster, output, merged.astype(np.uint8))
    return meter.read()


def _margin_crop(raster: Path, model: Path, output: Path) -> dict[str, Any]:
    """FLAIR's zone_detect, in its steps: boundless reads, float64, softmax and argmax by numpy, LZW."""
    import torch

    network = _ready(model)
    meter = _Meter()
    with rasterio.open(raster) as source:
        profile = source.profile | {"count": 1, "compress": "lzw", "tiled": True}
        with rasterio.open(output, "w", **profile) as target:
            for row, col in itertools.product(
                range(0, source.height, _STRIDE), range(0, source.width, _STRIDE)
            ):
                where = RasterWindow(col - _MARGIN, row - _MARGIN, _TILE, _TILE)
                pixels = source.read(window=where, boundless=True, fill_value=0).astype(np.float64)
                shaped = (-1, 1, 1)
                ready = (pixels - np.reshape(_MEANS, shaped)) / np.reshape(_STDS, shaped)
                with torch.inference_mode():
                    logits = network(torch.from_numpy(ready[np.newaxis]).float()).numpy()[0]
                powers = np.exp(logits - logits.max(axis=0))
                classes = (powers / powers.sum(axis=0)).argmax(axis=0).astype(np.uint8)
                height, width = min(_STRIDE, source.height - row), min(_STRIDE, source.width - col)
                core = classes[_MARGIN : _MARGIN + height, _MARGIN : _MARGIN + width]
                target.write(core, 1, window=RasterWindow(col, row, width, height))
    return meter.read()


_METHODS: dict[str, Callable[[Path, Path, Path], dict[str, Any]]] = {
    "forward": _forward,
    "ours": _ours,
    "monai": _monai,
    "toolbelt": _toolbelt,
    "margin-crop": _margin_crop,
}


def _ready(model: Path) -> Any:
    """Return a network as peers get it: channels first, one thread, warm."""
    import torch

    torch.set_num_threads(1)
    network = _opened(model).network.to(memory_format=torch.contiguous_format)
    with torch.inference_mode():
        network(torch.zeros(1, len(_BANDS), _TILE, _TILE))
    return network


def _normalised(tile: Any) -> Any:
    import torch

    pixels = torch.from_numpy(np.ascontiguousarray(tile)).float()
    return ((pixels - torch.tensor(_MEANS)) / torch.tensor(_STDS)).permute(2, 0, 1)[None].contiguous()


def _whole_image(raster: Path) -> Any:
    with rasterio.open(raster) as source:
        return _normalised(np.moveaxis(source.read(), 0, 2))


def _write(raster: Path, output: Path, classes: Any) -> None:
    with rasterio.open(raster) as source:
        profile = source.profile | {"count": 1, "compress": "deflate", "tiled": True}
    with rasterio.open(output, "w", **profile) as target:
        target.write(classes, 1)


# What is measured on


def _places(side: int) -> list[int]:
    return list(range(0, side, _STRIDE))


def _model(name: str, work: Path) -> Path:
    import torch

    from workbench.inference import Architecture, Band, ModelCard
    from workbench.inference.models import write_model
    from workbench.inference.networks import build_network
    from workbench.nomenclature import load_nomenclature

    provider, network, encoder = _NETWORKS[name]
    architecture = Architecture(
        provider=provider, network=network, encoder=encoder, inputs=len(_BANDS), outputs=_CLASSES
    )
    torch.manual_seed(1)
    card = ModelCard(
        id=name,
        title=name,
        architecture=architecture,
        nomenclature="flair-19",
        classes=load_nomenclature("flair-19").keys,
        bands=tuple(
            Band(name=band, mean=mean, std=std) for band, mean, std in zip(_BANDS, _MEANS, _STDS, strict=True)
        ),
        resolution=0.2,
        licence="none",
        source="random weights",
        weights_sha256="0" * 64,
    )
    write_model(card, build_network(architecture).state_dict(), work / name)
    return work / name


def _profile(side: int) -> dict[str, Any]:
    transform = rasterio.Affine(0.2, 0, 700_000.0, 0, -0.2, 6_600_000.0)
    return {
        "driver": "GTiff",
        "height": side,
        "width": side,
        "count": len(_BANDS),
        "dtype": "uint8",
        "crs": "EPSG:2154",
        "transform": transform,
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "photometric": "MINISBLACK",
    }


def _made(path: Path, side: int) -> Path:
    from sample_data import make_scene

    image = make_scene(seed=1, height=side, theme="AU").image[: len(_BANDS)]
    with rasterio.open(path, "w", **_profile(side), compress="deflate") as target:
        target.write(image)
    return path


def _sparse(path: Path, side: int) -> Path:
    """Make a raster without a block on disk: its pixels are zeros, and no nodata value says they are none."""
    with rasterio.open(path, "w", **_profile(side), sparse_ok=True, bigtiff="YES"):
        pass
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--side", type=int, default=2048, help="pixels a side of the raster")
    parser.add_argument("--networks", default="tiny-unet,resnet34-unet", help="joined by commas")
    parser.add_argument("--methods", default=",".join(_METHODS), help="joined by commas")
    parser.add_argument(
        "--repeat", type=int, default=1, help="runs, of which the one of least CPU time counts"
    )
    parser.add_argument(
        "--sparse", type=int, help="side of a sparse raster to predict by ours, in place of all"
    )
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    for name in ("one", "raster", "model"):
        parser.add_argument(f"--{name}", type=str if name == "one" else Path, help=argparse.SUPPRESS)
    parser.add_argument("-o", dest="output", type=Path, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    sys.exit(main())

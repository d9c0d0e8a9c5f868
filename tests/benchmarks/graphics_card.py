"""Exercise prediction and training on a graphics card, and measure both.

    python tests/benchmarks/graphics_card.py --side 5120 --minutes 1.5

A ResNet34-U-Net learns from synthetic scenes, is compared with itself on the processor, on the whole image
and in tiles, at other sizes of batch and with too little memory, and predicts a zone of `--side` pixels.
*Busy* is the share of the time in which a kernel or a copy ran, by torch's profiler. Needs the extra `torch`
and CUDA; runs on ``--device cpu``, too, at small sizes, so that the script itself can be tried.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
from torch.profiler import ProfilerActivity, profile

from sample_data import THEMES, make_scene
from workbench.geo.raster import inspect_raster, read_bands
from workbench.inference.committee import Committee
from workbench.inference.embedded import embedded_model
from workbench.inference.models import write_model
from workbench.inference.network import NetworkSegmenter, open_segmenter
from workbench.inference.predict import predict_raster
from workbench.inference.source import RasterSource
from workbench.inference.tiles import Tiling
from workbench.nomenclature import load_nomenclature
from workbench.training import Budget, LabelledPixels, PatchSet, Recipe
from workbench.training.loop import train
from workbench.training.preparing import prepare

_BANDS = ("R", "G", "B", "NIR", "E")
_FLAIR = load_nomenclature("flair-19")
_TILINGS = ((512, 64), (1024, 128))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure part after part; one that fails leaves the others."""
    options = _parser().parse_args(arguments)
    found: dict[str, Any] = {"device": _named(options.device), "torch": torch.__version__}
    print(json.dumps(found), flush=True)
    with tempfile.TemporaryDirectory(prefix="graphics-card-") as temporary:
        work = Path(temporary)
        parts: dict[str, Callable[[Any, Path], dict[str, Any]]] = {
            "training": _training,
            "processor": _processor,
            "whole": _whole,
            "zone": _zone,
            "batches": _batches,
            "memory": _memory,
            "committee": _committee,
            "others": _others,
        }
        for name in options.parts.split(",") if options.parts else parts:
            begun = time.perf_counter()
            try:
                found[name] = parts[name](options, work)
            except Exception:
                found[name] = {"failed": traceback.format_exc()[-1500:]}
            found[name]["took_s"] = round(time.perf_counter() - begun, 1)
            print(json.dumps({name: found[name]}, indent=1), flush=True)
            if options.json is not None:
                options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0


def _named(device: str) -> str:
    return torch.cuda.get_device_name() if device == "cuda" else device


def _training(options: Any, work: Path) -> dict[str, Any]:
    """Train the network; steps per second, and what it is worth."""
    begun = time.perf_counter()
    patches = _patches(range(5000, 5000 + options.scenes))
    held_out = _patches(range(9000, 9000 + max(3, options.scenes // 8)))
    made = time.perf_counter() - begun
    recipe = Recipe(rate=1e-3, crop=256, batch=16, validations=4)
    prepared = prepare(patches, id="r34", nomenclature=_FLAIR, recipe=recipe, network="resnet34-unet")
    done = train(
        prepared,
        patches,
        recipe=recipe,
        budget=Budget(seconds=60 * options.minutes),
        held_out=held_out,
        device=options.device,
    )
    write_model(prepared.card, done.weights, work / "r34")
    return {
        "scenes_s": round(made, 1),
        "steps": done.steps,
        "crops_per_s": round(done.steps * recipe.batch / done.seconds, 1),
        "mean_iou": done.score and round(done.score.mean_iou, 4),
        "frozen": done.frozen,
    }


def _processor(options: Any, work: Path) -> dict[str, Any]:
    """Compare classes with those of the processor, in half and in full precision."""
    tile = _image(7001, 512)[np.newaxis]
    found: dict[str, Any] = {}
    for name, model in (("tiny", embedded_model()), ("r34", work / "r34")):
        expected = open_segmenter(model, device="cpu").predict_reduced(tile)
        segmenter = open_segmenter(model, device=options.device)
        told = segmenter.predict_reduced(tile)
        exact = _exact(open_segmenter(model, device=options.device)).predict_reduced(tile)
        found[name] = {
            "classes_differ_percent": _percent(told[:, 0] != expected[:, 0]),
            "in_full_precision_percent": _percent(exact[:, 0] != expected[:, 0]),
            "entropy_differs_at_most": int(np.abs(told[:, 2].astype(int) - expected[:, 2]).max()),
        }
    return found


def _whole(options: Any, work: Path) -> dict[str, Any]:
    """Compare tiles with the whole image at several margins, in full precision."""
    found: dict[str, Any] = {}
    tilings = [(512, 64), (512, 96), (512, 128), (1024, 64), (1024, 128), (1024, 192)]
    for name, model in (("tiny", embedded_model()), ("r34", work / "r34")):
        segmenter = _exact(open_segmenter(model, device=options.device))
        rows = []
        for seed in (101, 102, 103):
            image = _image(seed, options.whole)
            whole = segmenter.predict_reduced(image[np.newaxis])[0, 0]
            rows.append([_percent(_tiled(segmenter, image, *one) != whole) for one in tilings])
        found[name] = {"size, margin": tilings, "percent": rows}
    return found


def _zone(options: Any, work: Path) -> dict[str, Any]:
    """Predict a zone, and look at the same tiles without reading them or writing what they show."""
    raster = _raster(work / "zone.tif", options.side)
    segmenter = open_segmenter(work / "r34", device=options.device)
    source = RasterSource.of(inspect_raster(raster), segmenter.card, bands=_BANDS)
    tiles = [tile for block in Tiling().blocks(*source.grid.shape) for tile in block.tiles]
    some = np.repeat(_image(1, 512)[np.newaxis], segmenter.batch, axis=0)
    for _ in range(3):
        segmenter.predict_reduced(some)
    _synchronise(options.device)
    begun = time.perf_counter()
    for first in range(0, len(tiles), segmenter.batch):
        with torch.inference_mode(), segmenter._precision():
            segmenter.network(segmenter.normalise(some[: len(tiles) - first]))
    _synchronise(options.device)
    found: dict[str, Any] = {"tiles": len(tiles), "forward_s": round(time.perf_counter() - begun, 3)}
    for size, margin in (*_TILINGS, _TILINGS[0]):
        with _busy(options.device) as busy:
            begun = time.perf_counter()
            done = predict_raster(
                source,
                segmenter,
                work / "zone-predicted.tif",
                codes=segmenter.card.codes(_FLAIR),
                tiling=Tiling(size=size, margin=margin),
                tags={},
            )
            whole = time.perf_counter() - begun
        name = f"tiles of {size}, margin {margin}"
        found[f"{name}{', again' if name in found else ''}"] = {
            "tiles_s": round(done.seconds, 2),
            "copy_s": round(done.copy_seconds, 2),
            "whole_s": round(whole, 2),
            "device_s": [round(seconds, 3) for seconds in busy],
            "device_busy_percent_of_tiles": [round(100 * seconds / done.seconds, 1) for seconds in busy],
        }
    return found


def _batches(options: Any, work: Path) -> dict[str, Any]:
    """Compare files at several sizes of batch with that of the largest."""
    raster = _raster(work / "small.tif", min(options.side, 2048))
    found: dict[str, Any] = {}
    first = None
    for batch in (16, 16, 8, 3, 1):
        segmenter = open_segmenter(work / "r34", device=options.device)
        segmenter._batches.size = batch
        told = _predicted(segmenter, raster, work / "small-predicted.tif")
        first = told if first is None else first
        found[f"batch {batch}{' again' if f'batch {batch}' in found else ''}"] = {
            "classes_differ_percent": _percent(told[0] != first[0]),
            "bytes_differ_percent": _percent(told != first),
        }
    return found


def _memory(options: Any, work: Path) -> dict[str, Any]:
    """Predict with memory for a few tiles alone."""
    if options.device != "cuda":
        return {"skipped": "no memory to run out of"}
    raster = _raster(work / "small.tif", min(options.side, 2048))
    segmenter = open_segmenter(work / "r34", device="cuda")
    segmenter._batches.size = 4
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    segmenter.predict_reduced(np.zeros((4, 512, 512, len(_BANDS)), np.uint8))
    enough = torch.cuda.max_memory_reserved()
    plenty = _predicted(open_segmenter(work / "r34", device="cuda"), raster, work / "small-predicted.tif")
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(enough / torch.cuda.get_device_properties(0).total_memory)
    try:
        segmenter = open_segmenter(work / "r34", device="cuda")
        short = _predicted(segmenter, raster, work / "small-predicted.tif")
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    return {
        "allowed_mib": enough >> 20,
        "batch_left": segmenter.batch,
        "classes_differ_percent": _percent(short[0] != plenty[0]),
    }


def _committee(options: Any, work: Path) -> dict[str, Any]:
    """Ask two networks together, each seeing a tile eight ways."""
    members = [open_segmenter(model, device=options.device) for model in (work / "r34", embedded_model())]
    raster = _raster(work / "small.tif", min(options.side, 2048))
    begun = time.perf_counter()
    told = _predicted(Committee(members, views=8), raster, work / "small-predicted.tif")
    return {"planes": len(told), "seconds": round(time.perf_counter() - begun, 2)}


def _others(options: Any, work: Path) -> dict[str, Any]:
    """Train other networks for a few steps, and predict with them."""
    patches = _patches(range(6000, 6008))
    raster = _raster(work / "small.tif", min(options.side, 2048))
    found: dict[str, Any] = {}
    for network in (
        "tu-swin_small_patch4_window7_224-upernet",
        "mit_b5-unet",
        "resnet34-deeplabv3",
        "resnet34-fpn",
        "vgg16-unet",
    ):
        recipe = Recipe(rate=1e-4, crop=512, batch=4)
        prepared = prepare(patches, id="other", nomenclature=_FLAIR, recipe=recipe, network=network)
        done = train(prepared, patches, recipe=recipe, budget=Budget(steps=10), device=options.device)
        segmenter = NetworkSegmenter(prepared.card, prepared.network, device=options.device)
        begun = time.perf_counter()
        _predicted(segmenter, raster, work / "small-predicted.tif")
        found[network] = {
            "ten_steps_s": round(done.seconds, 2),
            "losses": [done.history.losses[0]["loss"], done.history.losses[-1]["loss"]],
            "predicted_s": round(time.perf_counter() - begun, 2),
        }
    return found


# What is measured with


class _busy:
    """Seconds in which a kernel or a copy ran on the card, as the only element once it is left."""

    def __init__(self, device: str) -> None:
        self._profile = profile(activities=[ProfilerActivity.CUDA]) if device == "cuda" else nullcontext()
        self._told: list[float] = []

    def __enter__(self) -> list[float]:
        self._profile.__enter__()
        return self._told

    def __exit__(self, *raised: Any) -> None:
        self._profile.__exit__(*raised)
        if not isinstance(self._profile, profile):
            return
        spans = sorted(
            (event.time_range.start, event.time_range.end)
            for event in self._profile.events() or []
            if event.device_type == torch.autograd.DeviceType.CUDA
        )
        total, reached = 0.0, -np.inf
        for start, end in spans:
            total += max(0.0, end - max(start, reached))
            reached = max(reached, end)
        self._told.append(total / 1e6)


def _exact(segmenter: NetworkSegmenter) -> NetworkSegmenter:
    """Have a network count in 32 bits."""
    torch.backends.cudnn.allow_tf32 = False
    segmenter._precision = nullcontext  # type: ignore[method-assign]
    return segmenter


def _synchronise(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _percent(differs: Any) -> float:
    return round(100 * float(np.mean(differs)), 4)


def _tiled(segmenter: NetworkSegmenter, image: Any, size: int, margin: int) -> Any:
    found = np.zeros(image.shape[:2], np.uint8)
    for block in Tiling(size=size, margin=margin).blocks(*found.shape):
        for tile in block.tiles:
            cut = np.ascontiguousarray(image[tile.window.slices])[np.newaxis]
            told = segmenter.predict_reduced(cut, core=tile.core.within(tile.window))
            found[tile.core.slices] = told[0, 0]
    return found


def _predicted(segmenter: Any, raster: Path, output: Path) -> Any:
    source = RasterSource.of(inspect_raster(raster), segmenter.card, bands=_BANDS)
    codes = segmenter.card.codes(_FLAIR)
    predict_raster(source, segmenter, output, codes=codes, tiling=Tiling(), tags={})
    return read_bands(output)


def _scene(seed: int, side: int = 512) -> tuple[Any, Any]:
    scene = make_scene(seed=seed, height=side, theme=THEMES[seed % len(THEMES)])
    return scene.image, scene.classes


@cache
def _image(seed: int, side: int) -> Any:
    """Return an image, shape (row, col, band)."""
    return np.ascontiguousarray(np.moveaxis(_scene(seed, side)[0], 0, 2))


def _patches(seeds: range) -> PatchSet:
    with ProcessPoolExecutor() as processes:
        scenes = list(processes.map(_scene, seeds))
    found = [LabelledPixels(image=image, codes=codes) for image, codes in scenes]
    return PatchSet(
        zones=tuple(f"synthetic/{seed}" for seed in seeds),
        bands=(_BANDS,) * len(found),
        pixels=np.stack([np.bincount(one.codes.ravel(), minlength=20) for one in found]).astype(np.int32),
        shape=(512, 512),
        resolution=0.2,
        read=found.__getitem__,
    )


def _raster(path: Path, side: int) -> Path:
    """Make a raster of one scene, mirrored again and again."""
    if not path.exists():
        image = _scene(3, 1024)[0]
        both = np.concatenate([image, image[:, ::-1]], axis=1)
        both = np.concatenate([both, both[:, :, ::-1]], axis=2)
        times = -(-side // 2048)
        pixels = np.tile(both, (1, times, times))[:, :side, :side]
        profile_of = {
            "driver": "GTiff", "height": side, "width": side, "count": len(_BANDS), "dtype": "uint8",
            "crs": "EPSG:2154", "transform": rasterio.Affine(0.2, 0, 7e5, 0, -0.2, 6.6e6), "tiled": True,
            "blockxsize": 512, "blockysize": 512, "compress": "deflate", "photometric": "MINISBLACK",
        }  # fmt: skip
        with rasterio.open(path, "w", **profile_of) as target:
            target.write(pixels)
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--side", type=int, default=5120, help="pixels a side of the zone")
    parser.add_argument("--whole", type=int, default=2048, help="pixels a side of images taken whole")
    parser.add_argument("--minutes", type=float, default=1.5, help="of training")
    parser.add_argument("--scenes", type=int, default=192, help="to learn from")
    parser.add_argument("--parts", default="", help="joined by commas; training comes first")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    return parser


if __name__ == "__main__":
    sys.exit(main())

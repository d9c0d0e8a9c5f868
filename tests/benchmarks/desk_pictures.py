"""Measure what looking at a zone costs: pyramids, recipes, looks, swipes and pans in a real napari window.

    xvfb-run -a -s "-screen 0 1920x1200x24" python tests/benchmarks/desk_pictures.py CAMPAIGN

Times are CPU milliseconds of the thread of the window: of the call, and of what napari slices when it draws
next. Drawing itself is the graphics card's, and is not in them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
from napari.layers import Image, Labels
from napari.layers.base import Layer
from qtpy.QtTest import QTest

from napari_plugin.desk_rasters import desk_raster
from napari_plugin.pictures import Look, Picture, Showing, Swipe, reserve
from napari_plugin.recipes import recipes_for
from workbench.campaign import Campaign

_STEPS = 24


def main() -> None:
    """Measure one zone and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("campaign", type=Path)
    campaign = Campaign.open(parser.parse_args().campaign)
    zone = campaign.only_zone()
    found, read = timed(lambda: campaign.read_raster(zone, zone.ortho))
    desk_raster(found, zone, key="ortho")  # compiles
    raster, built = timed(lambda: desk_raster(found, zone, key="ortho"))
    recipes = recipes_for(zone.rasters)
    pictures = [Picture(raster, Showing(recipe=recipe)) for recipe in recipes]
    for picture in pictures:
        picture.levels[0][:9, :9]  # compiles
    print(f"{zone.id}, {found.pixels.shape}: read {read:.0f} ms, pyramid and samples {built:.0f} ms")
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1900, 1150)
    QTest.qWait(300)
    picture = Picture(raster, Showing(recipe=recipes[0]))
    place = {"scale": (raster.scale,) * 2, "translate": raster.translate, "units": ("m", "m")}
    layer, made = timed(lambda: Image(picture.levels, multiscale=True, rgb=True, **place))
    _, added = timed(lambda: viewer.add_layer(layer))
    print(f"canvas {viewer.canvas.size}: layer made in {made:.0f} ms, added in {added:.0f} ms")
    _, reserved = timed(lambda: reserve(*viewer.canvas.size))
    print(f"memory reserved in {reserved:.0f} ms")
    classes = Labels(np.zeros(zone.grid.shape, np.uint8), scale=(0.2, 0.2), units=("m", "m"))
    viewer.add_layer(classes)
    camera = viewer.scene.camera

    def show(view: Showing) -> None:
        picture.view = view
        layer.refresh()

    def pan(step: int) -> None:
        way = 20 / camera.zoom * (1 if step < _STEPS / 2 else -1)
        camera.center = (camera.center[-2] + way, camera.center[-1] + 1.5 * way)

    def swap(step: int) -> None:
        layer.data = pictures[step % len(pictures)].levels

    gestures: dict[str, Callable[[int], object]] = {
        "pan": pan,
        "another recipe": lambda step: show(Showing(recipe=recipes[step % len(recipes)])),
        "gamma": lambda step: show(Showing(recipe=recipes[0], look=Look(gamma=1 + 0.05 * step))),
        "swipe": lambda step: show(
            Showing(recipe=recipes[1], swipe=Swipe(hides="left", at=100 + 10.0 * step))
        ),
        "another picture's levels": swap,
    }
    meter = Meter()
    print(f"{'pixels a screen pixel':24} {'gesture':26} {'p50':>6} {'p95':>6} {'max':>6}")
    for density in (None, 1.9, 1.0, 0.25):
        for name, gesture in gestures.items():
            viewer.fit_to_view(layers=[classes])
            if density is not None:
                camera.zoom = 1 / (0.2 * density)
            QTest.qWait(150)
            costs = [meter.cost(gesture, step) for step in range(_STEPS)]
            shown = f"{1 / (0.2 * camera.zoom):.2f}{' (whole zone)' if density is None else ''}"
            row = " ".join(f"{cost:6.1f}" for cost in np.percentile(costs, (50, 95, 100)))
            print(f"{shown:24} {name:26} {row}")
            layer.data = picture.levels
    viewer.close()


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a call returns, and the CPU milliseconds that it took."""
    begun = time.thread_time()
    result = call()
    return result, 1e3 * (time.thread_time() - begun)


class Meter:
    """Adds up what napari does for a gesture, now and when it draws next."""

    def __init__(self) -> None:
        self.sliced, whole = 0.0, Layer._update_draw

        def update(layer: Layer, *arguments: Any, **options: Any) -> None:
            self.sliced += timed(lambda: whole(layer, *arguments, **options))[1]

        Layer._update_draw = update

    def cost(self, gesture: Callable[[int], object], step: int) -> float:
        """Return the milliseconds of one step."""
        self.sliced = 0.0
        _, called = timed(lambda: gesture(step))
        QTest.qWait(40)
        return called + self.sliced


if __name__ == "__main__":
    main()

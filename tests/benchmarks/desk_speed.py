"""Measure the desk: real pointer and key events on zones of many sizes, CPU time of what answers them.

    xvfb-run -a -s "-screen 0 1920x1200x24" python tests/benchmarks/desk_speed.py \
        --zones 1024,4608,5120,10240,L --cache /tmp/desk-zones --json figures.json

An event's time is the CPU time (user and system) of the window's thread, in which all handlers run, from when
Qt delivers it until they return, plus that of the pane of glass when it is painted next. napari's drawing by
OpenGL is done between events and left out, and so are the threads that do it in software under a virtual
screen: on any graphics card it is a few milliseconds. The first events of each kind are not counted: kernels
are compiled then.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from hand import MIDDLE, Hand

ZONES = "1024,4608,5120,10240,L"
_SEED, _THEME = 5, "AU"
_MAKE = 5120
"""Pixels a side of the scene that is made; larger zones are a mosaic of it and its mirror images."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the file."""
    options = _parser().parse_args(arguments)
    document: dict[str, Any] = {"format": "ocs-workbench/desk-speed", "format_version": 1, "zones": {}}
    with tempfile.TemporaryDirectory(prefix="desk-speed-") as temporary:
        cache = options.cache or Path(temporary) / "cache"
        stored = {name: stored_zone(name, cache) for name in options.zones.split(",")}
        work = {name: Path(temporary) / name for name in stored}
        for name, campaign in stored.items():
            shutil.copytree(campaign, work[name])
        for name, figures in measure(work, rounds=options.rounds):
            document["zones"][name] = figures
            print(markdown(name, figures), flush=True)
    if options.json is not None:
        options.json.write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
    return 0


def stored_zone(name: str, cache: Path) -> Path:
    """Return a campaign with one segmented zone; it is made where it is not in the cache."""
    from workbench.campaign import Campaign
    from workbench.workflows.intake import add_zone
    from workbench.workflows.segmenting import segment_zones

    cache.mkdir(parents=True, exist_ok=True)
    found = cache / f"campaign-{name}"
    if found.exists():
        return found
    side = _MAKE if name == "L" else int(name)
    raster = _raster(cache, side)
    making = cache / f"making-{name}"
    shutil.rmtree(making, ignore_errors=True)
    campaign = Campaign.create(making)
    footprint = _l_shape(cache, raster) if name == "L" else None
    add_zone(campaign, raster, domain="D055_2018", name="Z1_AU", footprint=footprint)
    list(segment_zones(campaign, None, say=_say))
    making.rename(found)
    return found


def measure(campaigns: dict[str, Path], *, rounds: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name of each zone and its figures."""
    import napari
    from qtpy.QtTest import QTest

    from napari_plugin.widgets import LabellingDock

    viewer = napari.Viewer(show=True)
    viewer.window.resize(1900, 1150)
    dock = LabellingDock(viewer)
    viewer.window.add_dock_widget(dock, name="Land cover", area="right")
    QTest.qWait(300)
    first = next(iter(campaigns.values()))
    _open(dock, first)  # whatever is compiled or loaded once
    _Driver(viewer, dock, rounds=3).all()
    for name, campaign in campaigns.items():
        opening = _open(dock, campaign)
        driver = _Driver(viewer, dock, rounds=rounds)
        session = dock.session
        yield (
            name,
            {
                "pixels": list(session.grid.shape),
                "leaves": session.hierarchy.leaf_count,
                "open": opening,
                "events": driver.all(),
            },
        )
    dock.close_session()
    viewer.close()


def _open(dock: Any, campaign: Path) -> dict[str, float]:
    """Open a zone in the running viewer; return wall and CPU seconds until it can be labelled."""
    from qtpy.QtWidgets import QApplication

    wall, cpu = time.perf_counter(), time.process_time()
    dock.open_zone(campaign, "D055_2018/Z1_AU", "marie")
    while dock.session is None:
        QApplication.processEvents()
        time.sleep(0.002)
    return {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}


class _Driver:
    """A hand on mouse and keys."""

    def __init__(self, viewer: Any, dock: Any, *, rounds: int) -> None:
        self.viewer, self.dock, self.session, self.rounds = viewer, dock, dock.session, rounds
        self.hand = Hand(viewer, dock)
        self.random = np.random.default_rng(1)
        self._painted = 0.0
        glass = dock.desk.glass
        paint = glass.paintEvent

        def timed(event: Any) -> None:
            begun = time.thread_time()
            paint(event)
            self._painted += time.thread_time() - begun

        glass.paintEvent = timed
        # napari takes a move every 5 ms: one that came too early is answered later, out of its event.
        self._moves, self._moved = viewer.mouse_move_callbacks, viewer.mouse_move_callbacks[-1]

        def counted(viewer: Any, event: Any) -> None:
            begun = time.thread_time()
            self._moved(viewer, event)
            self._late += 0.0 if self._acting else time.thread_time() - begun

        self._moves[-1] = counted
        self._late, self._acting = 0.0, False

    def all(self) -> dict[str, dict[str, float]]:
        """Do everything; return percentiles in milliseconds by kind of event."""
        desk, figures = self.dock.desk, {}
        for kind, act in self._kinds().items():
            desk.fit()
            self.hand.settle()
            times = [time_ms for _ in range(self.rounds) for time_ms in act()]
            figures[kind] = _percentiles(times[2:] if len(times) > 8 else times)
        self._moves[-1] = self._moved
        return figures

    def _kinds(self) -> dict[str, Callable[[], list[float]]]:
        scales = {"leaves": 0, "houses": 150, "fields": 200, "quarters": 230}
        kinds: dict[str, Callable[[], list[float]]] = {}
        for name, level in scales.items():
            kinds[f"hover, {name}, whole zone"] = lambda level=level: self._hovers(level, zoom=1)
        for name in ("leaves", "houses"):
            kinds[f"hover, {name}, 1:1"] = lambda level=scales[name]: self._hovers(level, zoom=0)
        kinds["scale, whole zone"] = lambda: self._wheel_scale(zoom=1)
        kinds["scale, 1:1"] = lambda: self._wheel_scale(zoom=0)
        for name, level in scales.items():
            kinds[f"pick, {name}"] = lambda level=level: self._picks(level)
            kinds[f"undo, {name}"] = lambda level=level: self._undos(level)
        kinds["drag, houses"] = self._drag
        kinds["brush"] = self._brush
        kinds["pan, whole zone"] = lambda: self._pans(zoom=1)
        kinds["pan, 1:1"] = lambda: self._pans(zoom=0)
        kinds["zoom"] = self._zooms
        return kinds

    # Gestures; each returns the milliseconds of its events

    def _hovers(self, level: int, *, zoom: int) -> list[float]:
        self._look(zoom)
        self.session.set_level(level)
        return [self._timed(lambda point=point: self.hand.step(point)) for point in self._points(20)]

    def _wheel_scale(self, *, zoom: int) -> list[float]:
        self._look(zoom)
        self.session.set_level(150)
        point = self._points(1)[0]
        self.hand.move(point)
        return [
            self._timed(lambda step=step: self.hand.wheel(point, step))
            for step in (1, 1, 1, 1, -1, -1, -1, -1)
        ]

    def _picks(self, level: int) -> list[float]:
        self.session.set_level(level)
        times = []
        for number, point in enumerate(self._points(8)):
            self.session.set_class(1 + number % 18)
            self.hand.move(point)
            times.append(self._timed(lambda point=point: self.hand.click(point)))
        return times

    def _undos(self, level: int) -> list[float]:
        self._picks(level)
        return [self._timed(lambda: self.hand.key("Ctrl+Z")) for _ in range(8)]

    def _drag(self) -> list[float]:
        self.session.set_level(150)
        points = self._line(12)
        self.hand.move(points[0])
        times = [self._timed(lambda: self.hand.press(points[0]))]
        times += [self._timed(lambda point=point: self.hand.step(point, held=True)) for point in points[1:]]
        times.append(self._timed(lambda: self.hand.release(points[-1])))
        return times

    def _brush(self) -> list[float]:
        self.dock.desk.tools.take("brush")
        self._look(0)
        times = self._drag()
        self.dock.desk.tools.take("pick")
        return times

    def _pans(self, *, zoom: int) -> list[float]:
        self._look(zoom)
        points, middle = self._line(12), MIDDLE
        self.hand.move(points[0])
        self.hand.press(points[0], middle)
        times = [
            self._timed(lambda point=point: self.hand.step(point, held=True, button=middle))
            for point in points[1:]
        ]
        self.hand.release(points[-1], middle)
        return times

    def _zooms(self) -> list[float]:
        point = self._points(1)[0]
        self.hand.move(point)
        steps = [1] * 6 + [-1] * 6
        return [self._timed(lambda step=step: self.hand.wheel(point, step, control=False)) for step in steps]

    # Below gestures

    def _timed(self, act: Callable[[], None]) -> float:
        self._painted = self._late = 0.0
        self._acting, begun = True, time.thread_time()
        act()
        spent, self._acting = time.thread_time() - begun, False
        self.hand.settle()
        return (spent + self._painted + self._late) * 1e3

    def _look(self, zoom: int) -> None:
        desk, (height, width) = self.dock.desk, self.session.grid.shape
        if zoom:
            desk.fit()
        else:
            from napari_plugin.pointed import Spot

            self.viewer.scene.camera.zoom = 1 / self.session.grid.resolution
            desk.centre(Spot(row=height * 0.3, col=width * 0.3))
        self.hand.settle()

    def _points(self, count: int) -> list[Any]:
        """Return points of the canvas that lie in the zone."""
        view, found = self.dock.desk.view(), []
        while len(found) < count:
            x, y = self.random.uniform(20, view.width - 20), self.random.uniform(20, view.height - 20)
            if self.session.inside(*view.spot(x, y).pixel):
                found.append(self.hand.point(x, y))
        return found

    def _line(self, count: int) -> list[Any]:
        view = self.dock.desk.view()
        x, y = np.linspace(0.25, 0.45, count) * view.width, np.linspace(0.3, 0.5, count) * view.height
        return [self.hand.point(*pair) for pair in zip(x, y, strict=True)]


def markdown(name: str, figures: dict[str, Any]) -> str:
    """Return the table of a zone."""
    rows, cols = figures["pixels"]
    opening = figures["open"]
    lines = [
        f"\n{name}: {rows} × {cols} px, {figures['leaves']:,} leaves; "
        f"opened in {opening['wall_s']:.2f} s ({opening['cpu_s']:.2f} CPU s)",
        "",
        "| event, CPU ms | p50 | p95 | p99 | max | n |",
        "|---|---|---|---|---|---|",
    ]
    for kind, one in figures["events"].items():
        shown = " | ".join(f"{one[name]:.1f}" for name in ("p50", "p95", "p99", "max"))
        lines.append(f"| {kind} | {shown} | {one['n']:.0f} |")
    return "\n".join(lines)


def _percentiles(times: list[float]) -> dict[str, float]:
    p50, p95, p99 = np.percentile(times, (50, 95, 99)).tolist()
    return {"p50": p50, "p95": p95, "p99": p99, "max": max(times), "n": len(times)}


def _raster(cache: Path, side: int) -> Path:
    """Return an orthophoto of so many pixels a side."""
    from workbench.geo.geotiff import write_raster
    from workbench.geo.grid import PixelGrid
    from workbench.geo.raster import inspect_raster, read_bands
    from workbench.workflows.demo import load_sample_maker

    path = cache / f"ortho-{side}.tif"
    if path.exists():
        return path
    scene = cache / "scene"
    if not scene.exists():
        _say(f"making a scene of {_MAKE} pixels a side")
        maker = load_sample_maker()
        made = maker.make_scene(seed=_SEED, height=_MAKE, theme=_THEME)
        scene.mkdir()
        maker.write_scene(made, scene)
    info, pixels = inspect_raster(scene / "ortho.tif"), read_bands(scene / "ortho.tif")
    if side > _MAKE:
        pixels = np.concatenate([pixels, pixels[:, :, ::-1]], axis=2)
        pixels = np.concatenate([pixels, pixels[:, ::-1]], axis=1)
    grid = PixelGrid(crs=info.grid.crs, transform=info.grid.transform, height=side, width=side)
    write_raster(
        path, np.ascontiguousarray(pixels[:, :side, :side]), grid, level=1, descriptions=info.descriptions
    )
    return path


def _l_shape(cache: Path, raster: Path) -> Path:
    """Return a footprint without the lower right quarter."""
    from workbench.geo.raster import inspect_raster

    bounds = inspect_raster(raster).grid.bounds
    left, bottom, right, top = bounds.left, bounds.bottom, bounds.right, bounds.top
    middle_x, middle_y = (left + right) / 2, (bottom + top) / 2
    corners = [
        (left, top),
        (right, top),
        (right, middle_y),
        (middle_x, middle_y),
        (middle_x, bottom),
        (left, bottom),
    ]
    ring = [*corners, corners[0]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    document = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2154"}},
        "features": [{"type": "Feature", "properties": {}, "geometry": shape}],
    }
    path = cache / "l-shape.geojson"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--zones", default=ZONES, help=f"sizes in pixels, and L for an L-shape (default {ZONES})"
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often each gesture is done (default 5)")
    parser.add_argument("--cache", type=Path, help="folder that keeps the made zones")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""Label zones through the window, by real pointer and key events, and tell how long a hand would take.

    xvfb-run -a -s "-screen 0 1920x1200x24" python tests/benchmarks/desk_annotator.py \
        --zones 1024 --flair ../shared/data/flair --accuracy 0.95,0.98 --json figures.json

What is done is planned from the truth (`hand_plan`), then done: classes by their keys, the scale by Ctrl +
wheel and the key to the next larger region, clicks, drags, polygons corner by corner. Counted is what was
done in the window; seconds are those of the keystroke-level model for it. In the end the labels are compared
with the truth.

With ``--prelabels 0.77`` a model has been there first that is right on so many of the pixels (`hand_model`):
the hand accepts all that it proposes, on its page, and mends the rest.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from desk_speed import stored_zone
from hand import Hand
from hand_model import propose
from hand_plan import Gesture, Times, plan
from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.geo.raster import read_bands

_ROOM = 40
"""Pixels of the canvas that are kept free at its borders."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Label, print the table, write the file."""
    options = _parser().parse_args(arguments)
    rows = []
    with tempfile.TemporaryDirectory(prefix="desk-annotator-") as temporary:
        cache = options.cache or Path(temporary) / "cache"
        for accuracy in map(float, options.accuracy.split(",")):
            for model in map(float, options.prelabels.split(",")):
                work = Path(temporary) / f"{accuracy}-{model}"
                for number, (name, campaign, truth) in enumerate(_zones(options, cache, work)):
                    row = {"zone": name, "accuracy_wanted": accuracy, "model_accuracy": model or None}
                    if model:
                        row["proposed_accuracy"] = propose(campaign, truth, accuracy=model)
                    rows.append(row | label(campaign, truth, accuracy, f"hand-{number}"))
                    print(told(rows[-1]), flush=True)
    if options.json is not None:
        document = {"format": "ocs-workbench/desk-annotator", "format_version": 1, "zones": rows}
        options.json.write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
    return 0


def label(campaign: Path, truth: NDArray[np.uint8], accuracy: float, author: str) -> dict[str, Any]:
    """Label the only zone of a campaign in a window; return what was done and what came of it."""
    import napari
    from qtpy.QtTest import QTest

    from napari_plugin.widgets import LabellingDock

    viewer = napari.Viewer(show=True)
    viewer.window.resize(1900, 1150)
    dock = LabellingDock(viewer)
    viewer.window.add_dock_widget(dock, name="Land cover", area="right")
    dock.open_zone(campaign, Campaign.open(campaign).only_zone().id, author)
    while dock.session is None:
        QTest.qWait(10)
    session = dock.session
    times = Times()
    worker, begun = _Worker(viewer, dock, times), time.perf_counter()
    if dock.appraisal.prelabels.prelabels.present:
        worker.accept_prelabels()
    there = session.labels.copy()
    wanted = plan(
        session.hierarchy, truth, accuracy=accuracy, times=times, begun=there if there.any() else None
    )
    for gesture in wanted.gestures:
        worker.do(gesture)
    labels, done = session.labels.copy(), worker.counts
    dock.close_session()
    viewer.close()
    km2 = truth.size * session.grid.resolution**2 / 1e6
    return {
        "km2": km2,
        "accuracy": float((labels == truth).mean()),
        "accepted_accuracy": float((there == truth).mean()),
        "as_planned": float((labels == wanted.labels).mean()),
        "events": dict(done),
        "picks": done["picks"],
        "drags": done["drags"],
        "polygons": done["polygons"],
        "vertices": done["vertices"],
        "seconds": worker.seconds,
        "minutes_per_km2": worker.seconds / 60 / km2,
        "driven_seconds": time.perf_counter() - begun,
    }


class _Worker:
    """Does gestures in the window, and counts what they take."""

    def __init__(self, viewer: Any, dock: Any, times: Times) -> None:
        self._hand = Hand(viewer, dock)
        self._dock, self._session, self._times = dock, dock.session, times
        self._keys = dock.preferences.keys
        self._place: int | None = None
        self._code = self._session.code
        self.counts: Counter[str] = Counter()

    @property
    def seconds(self) -> float:
        """How long a hand takes for what was done."""
        times, counts = self._times, self.counts
        return (
            times.decide * counts["decisions"]
            + times.point * counts["pointings"]
            + times.near * counts["near"]
            + times.click * counts["clicks"]
            + times.key * counts["keys"]
            + times.notch * counts["notches"]
        )

    def accept_prelabels(self) -> None:
        """Accept all that a model proposes: the page by its tab, the button, and wait."""
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        desk, pages = self._dock.appraisal.prelabels, self._dock.beside.side.pages
        bar, place = pages.tabBar(), pages.indexOf(desk.page)
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=bar.tabRect(place).center())
        while not desk.page.accept.isEnabled():
            QTest.qWait(20)
        QTest.qWait(500)
        QTest.mouseClick(desk.page.accept, Qt.MouseButton.LeftButton)
        QTest.qWait(50)
        while self._session.lent:
            QTest.qWait(20)
        self.counts.update(decisions=2, pointings=2, clicks=2)

    def do(self, gesture: Gesture) -> None:
        """Do one gesture."""
        self._go(gesture)
        self._take_class(gesture.code)
        if gesture.tool == "polygon":
            self._polygon(gesture)
        else:
            self._pick(gesture)

    def _pick(self, gesture: Gesture) -> None:
        points = [self._point(*map(int, point)) for point in gesture.points]
        self._hand.move(points[0])
        self.counts["pointings"] += 1
        self._take_scale(points[0], gesture)
        self._hand.press(points[0])
        for point in points[1:]:
            self._hand.move(point, held=True)
        self._hand.release(points[-1])
        self.counts["clicks"] += 1
        self.counts["near"] += len(points) - 1
        self.counts["picks"] += len(points)
        self.counts["drags"] += len(points) > 1

    def _polygon(self, gesture: Gesture) -> None:
        self._key("polygon")
        self.counts["decisions"] += 1
        for row, col in gesture.points:
            self._hand.click(self._point(row, col))
            self.counts["pointings"] += 1
            self.counts["clicks"] += 1
        self._key("finish")
        self._key("pick")
        self.counts["polygons"] += 1
        self.counts["vertices"] += len(gesture.points)

    def _take_class(self, code: int) -> None:
        if code == self._code:
            return
        place = self._session.nomenclature.codes.index(code)
        self.counts["decisions"] += 1
        self._key(f"class_{place + 1}")
        self._code = code

    def _take_scale(self, point: Any, gesture: Gesture) -> None:
        """Turn the wheel to the scale or below, then climb to the region."""
        session, (row, col) = self._session, map(int, gesture.points[0])
        target = session.hierarchy.node_at(row, col, gesture.scale)
        # The wheel goes by half octaves from where it is: as near as possible from below.
        notches = int(np.floor(2 * np.log2(max(gesture.scale, 1e-6) / max(session.scale, 1e-6))))
        for _ in range(abs(notches)):
            before = session.scale
            self._hand.wheel(point, 1 if notches > 0 else -1)
            if session.scale == before:
                break
            self.counts["notches"] += 1
        for _ in range(60):
            node = session.hover.node
            if (node.first, node.stop) == (target.first, target.stop):
                return
            if node.leaf_count < target.leaf_count:
                self._key("parent")
            else:
                self._hand.wheel(point, -1)
                self.counts["notches"] += 1
        raise RuntimeError(f"the region at ({row}, {col}) is not reached at scale {gesture.scale}")

    def _go(self, gesture: Gesture) -> None:
        """Have all points of a gesture on the canvas: the whole zone, or its surroundings pixel by pixel."""
        from napari_plugin.pointed import Spot

        view, whole = self._dock.desk.view(), gesture.place < 0
        if whole != (self._place is not None and self._place < 0) or self._place is None:
            if whole:
                self._key("whole_zone")
            else:
                self._hand.viewer.scene.camera.zoom = 1 / self._session.grid.resolution
            view = self._dock.desk.view()
        if self._place != gesture.place:
            self.counts["decisions"] += 1
            self.counts["keys"] += 1
        self._place = gesture.place
        places = [view.point(*point) for point in gesture.points]
        inside = all(_ROOM < x < view.width - _ROOM and _ROOM < y < view.height - _ROOM for x, y in places)
        if not whole and not inside:
            rows, cols = zip(*gesture.points, strict=True)
            self._dock.desk.centre(Spot(row=(min(rows) + max(rows)) // 2, col=(min(cols) + max(cols)) // 2))
            self._hand.settle()

    def _point(self, row: float, col: float) -> Any:
        """Return the position on the canvas of a position of the zone."""
        return self._hand.point(*self._dock.desk.view().point(row, col))

    def _key(self, action: str) -> None:
        self._hand.key(self._keys[action][0])
        self.counts["keys"] += 1


def told(row: dict[str, Any]) -> str:
    """Return one line for a person."""
    done = f"{row['accuracy']:.2%} ({row['as_planned']:.2%} as planned)"
    if row["model_accuracy"]:
        done = f"{row['accepted_accuracy']:.2%} accepted, {done}"
    picks = f"{row['picks']} picks, {row['drags']} drags"
    polygons = f"{row['polygons']} polygons of {row['vertices']} corners"
    hand = f"{row['seconds']:.0f} s by hand, {row['minutes_per_km2']:.0f} min/km²"
    return f"{row['zone']}: {done}; {picks}; {polygons}; {hand}; driven in {row['driven_seconds']:.0f} s"


def _zones(options: argparse.Namespace, cache: Path, work: Path) -> Any:
    """Yield name, campaign and truth of each zone."""
    import shutil

    from workbench.workflows.intake import add_zone
    from workbench.workflows.segmenting import segment_zones

    for side in filter(None, options.zones.split(",")):
        campaign = work / f"made-{side}"
        shutil.copytree(stored_zone(side, cache), campaign)
        truth = read_bands(cache / "scene" / "truth.tif")[0][: int(side), : int(side)]
        yield f"made, {side} px", campaign, np.ascontiguousarray(truth)
    for image in sorted(options.flair.rglob("IMG*.tif")) if options.flair else ():
        mask = next(image.parent.parent.rglob(f"MSK{image.stem[3:]}.tif"), None) or next(
            image.parent.rglob("MSK*.tif")
        )
        made = Campaign.create(work / image.stem)
        add_zone(made, image, domain="D051_2019", name="Z1_AA")
        list(segment_zones(made, None, say=lambda sentence: None))
        yield image.stem, made.path, made.nomenclature.decode(read_bands(mask)[0], "flair")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--zones", default="1024", help="pixels a side of made zones (default 1024)")
    parser.add_argument("--flair", type=Path, help="folder of FLAIR patches with their masks")
    parser.add_argument("--accuracy", default="0.95,0.98", help="shares to get right (default 0.95,0.98)")
    parser.add_argument(
        "--prelabels", default="0", help="shares that a model had right before, 0 for no model (default 0)"
    )
    parser.add_argument("--cache", type=Path, help="folder that keeps the made zones")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())

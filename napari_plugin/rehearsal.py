"""Has every kernel that the desk calls compiled once on a machine, before a hand waits for it.

numba compiles a kernel when it is called for the first time, for seconds, and keeps it on disk. The rehearsal
labels a made zone with every gesture in a process of its own; afterwards no window waits any more. It is due
again when the code has changed.
"""

from __future__ import annotations

__all__ = ["is_due", "rehearse"]

import os
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import numpy as np

import workbench
from napari_plugin.here import Here
from napari_plugin.pointed import Spot
from napari_plugin.processes import Report
from napari_plugin.screen import HOVER, View, coloured, hatched, lit_in, sampled
from napari_plugin.session import Session
from napari_plugin.tools import TOOLS, ToolBox
from napari_plugin.views import Views
from workbench.campaign import Campaign
from workbench.workflows.demo import load_sample_maker
from workbench.workflows.intake import add_zone
from workbench.workflows.segmenting import segment_zones

_SIDE = 512
_STEPS = 4


def is_due() -> bool:
    """Tell whether code has changed since the last rehearsal, or there was none."""
    try:
        last = _stamp().stat().st_mtime
    except OSError:
        return True
    folders = Path(workbench.__file__).parent, Path(__file__).parent
    return any(file.stat().st_mtime > last for folder in folders for file in folder.rglob("*.py"))


def rehearse(report: Report) -> None:
    """Label a made zone with every gesture, look at it in every way, and remember that."""
    with suppress(AttributeError, OSError):  # nobody waits for it; who labels meanwhile goes first
        os.nice(10)
    with tempfile.TemporaryDirectory(prefix="land-cover-rehearsal-") as folder:
        for step, do in enumerate((_make_zone, _label, _look)):
            report((step + 0.1) / _STEPS, "")
            do(Path(folder))
    with suppress(OSError):
        _stamp().parent.mkdir(exist_ok=True)
        _stamp().write_text("")


def _stamp() -> Path:
    """Return the file whose date is that of the last rehearsal, where numba keeps what it compiled."""
    kept = os.environ.get("NUMBA_CACHE_DIR")
    return (Path(kept) if kept else Path(workbench.__file__).parent / "__pycache__") / "rehearsed"


def _make_zone(folder: Path) -> None:
    maker = load_sample_maker()
    scene = maker.make_scene(seed=1, height=_SIDE, theme="UA")
    maker.write_scene(scene, folder / "raster")
    campaign = Campaign.create(folder / "campaign")
    add_zone(campaign, folder / "raster" / "ortho.tif", domain="D001_2026", name="Z1_UA")
    list(segment_zones(campaign, None, say=lambda message: None))


def _open(folder: Path) -> Session:
    return Session.open(folder / "campaign", zone_id=None, author="rehearsal")


def _label(folder: Path) -> None:
    with closing(_open(folder)) as session:
        tools, here = ToolBox(session), Here(session)
        session.set_level(150)
        for kind in TOOLS:
            tools.take(kind.id)
            _stroke(tools)
        tools.take("pick")
        gestures: tuple[Callable[[], object], ...] = (
            here.fill,
            here.absorb,
            here.protect,
            here.protect,
            here.climb,
            here.descend,
            here.take_class,
            here.refine,
            session.undo,
            session.redo,
        )
        for place, gesture in enumerate(gestures):
            session.hover_at(100 + 30 * place, 200)
            gesture()


def _stroke(tools: ToolBox) -> None:
    """Use the tool in hand: press, drag and let go; then corner by corner."""
    for places, dragged in (((100, 100), (180, 220)), True), (((200, 200), (260, 300), (320, 210)), False):
        for row, col in places:
            spot = Spot(row=row, col=col)
            tools.current.hover(spot)
            tools.current.press(spot)
            if dragged:
                tools.current.drag(Spot(row=row + 40, col=col + 40))
            tools.current.release(spot, dragged=dragged)
        tools.current.finish()
    tools.current.cancel()


def _look(folder: Path) -> None:
    with closing(_open(folder)) as session:
        views = Views(session, lambda title, read, done, failed: done(read()))
        for recipe in views.recipes:
            views.show(recipe.key)
            for level in views.first.levels:
                level[:64, :64]
        view = View.of((_SIDE / 10, _SIDE / 10), 5.0, (400, 600), session.grid.resolution)
        hover, hierarchy = session.hover_at(200, 200), session.hierarchy
        box = view.box(session.grid.whole)
        if hover is None or hierarchy is None or box is None:
            return
        marks = np.zeros(hierarchy.leaf_count, np.uint8)
        marks[hover.node.first : hover.node.stop] = HOVER
        coloured(lit_in(box, view, hierarchy, session.store.footprint, marks), np.zeros(256, np.uint32))
        rows, cols = view.rows(box), view.cols(box)
        codes = sampled(session.store.labels, rows, cols)
        coloured(codes, np.zeros(256, np.uint32))
        hatched(codes, np.zeros((2, 256), np.uint32), 0)

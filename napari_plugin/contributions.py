"""What the manifest names besides the dock: sample zone, reader, commands of the palette.

The sample and the reader return the orthophoto of a zone as a layer that names its campaign; the dock,
open or opened next, takes such layers up and labels that zone.
"""

from __future__ import annotations

__all__ = ["coarser", "finer", "redo", "registry_reader", "sample_zone", "undo"]

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_plugin import layers as data
from napari_plugin.opening import Backdrop, read_backdrop
from napari_plugin.session import Session
from napari_plugin.widgets import LabellingDock
from workbench.campaign import Campaign
from workbench.geo.zone import Zone
from workbench.workflows.demo import load_sample_maker
from workbench.workflows.intake import add_zone
from workbench.workflows.segmenting import segment_zones

if TYPE_CHECKING:
    import napari.viewer

LayerData = tuple[Any, dict[str, Any], str]


def sample_zone() -> list[LayerData]:
    """Make a synthetic zone in a campaign of its own and return its orthophoto; works without a network.

    The campaign lies in the machine's folder for temporary files: what is labelled in it is for trying out.
    """
    maker = load_sample_maker()
    plan = maker.sample_campaign_plan()[0]
    campaign = Campaign.create(Path(tempfile.mkdtemp(prefix="land-cover-sample-")) / "sample")
    folder = campaign.path / "rasters" / plan.domain / plan.zone
    scene = maker.make_scene(seed=plan.seed, height=plan.size, theme=plan.theme)
    maker.write_scene(scene, folder, x=plan.x, y=plan.y)
    zone = add_zone(campaign, folder / "ortho.tif", domain=plan.domain, name=plan.zone).zone
    list(segment_zones(campaign, zone.id, say=lambda message: None))
    return zone_layers(campaign, zone)


def registry_reader(path: str | Sequence[str]) -> Callable[[str | Sequence[str]], list[LayerData]] | None:
    """Return a reader for the ``registry.gpkg`` of a campaign: it shows the campaign's first zone."""
    only = path if isinstance(path, str) else path[0]
    return _read_first_zone if Path(only).name == "registry.gpkg" else None


def _read_first_zone(path: str | Sequence[str]) -> list[LayerData]:
    campaign = Campaign.open(Path(path if isinstance(path, str) else path[0]).parent)
    zones = campaign.zones()
    return zone_layers(campaign, zones[0]) if zones else []


def zone_layers(campaign: Campaign, zone: Zone) -> list[LayerData]:
    """Return the orthophoto of a zone as a layer that the dock recognises."""
    backdrop = read_backdrop(campaign, zone)
    resolution = zone.grid.resolution
    metadata = data.world_metadata(zone.grid, zone.id) | {"campaign": str(campaign.path)}
    options = {
        "name": f"Orthophoto {zone.id}",
        "rgb": True,
        "scale": (resolution, resolution),
        "translate": tuple(step * resolution for step in backdrop.offset),
        "units": ("m", "m"),
        "metadata": metadata,
    }
    return [(_natural(backdrop), options, "image")]


def undo(viewer: napari.viewer.Viewer) -> None:
    """Take back the last edit of the zone that is open."""
    _on_session(viewer, Session.undo)


def redo(viewer: napari.viewer.Viewer) -> None:
    """Do the undone edit again."""
    _on_session(viewer, Session.redo)


def coarser(viewer: napari.viewer.Viewer) -> None:
    """Make the regions of the zone that is open larger."""
    _on_session(viewer, lambda session: session.step_scale(1))


def finer(viewer: napari.viewer.Viewer) -> None:
    """Make the regions of the zone that is open smaller."""
    _on_session(viewer, lambda session: session.step_scale(-1))


def _on_session(viewer: Any, call: Callable[[Session], None]) -> None:
    from napari.utils.notifications import show_info

    for widget in viewer.window.dock_widgets.values():
        if isinstance(widget, LabellingDock) and widget.session is not None:
            call(widget.session)
            return
    show_info("No zone is open: Plugins › Land-cover labelling")


def _natural(backdrop: Backdrop) -> Any:
    image = data.composite(backdrop.pixels, backdrop.bands)
    return image if image is not None else data.grey(backdrop.pixels)

"""What the manifest names besides the dock, readers and writers: sample zone, commands of the palette.

The sample is the orthophoto of a zone as a layer that names its campaign; the dock, open or opened next,
takes such layers up and labels that zone.
"""

from __future__ import annotations

__all__ = ["sample_zone"]

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_plugin.actions import ACTIONS
from napari_plugin.language import tr
from napari_plugin.preferences import Preferences, use_language
from napari_plugin.readers import LayerData, zone_layers
from napari_plugin.widgets import LabellingDock
from workbench.campaign import Campaign
from workbench.workflows.demo import load_sample_maker
from workbench.workflows.intake import add_zone
from workbench.workflows.segmenting import segment_zones

if TYPE_CHECKING:
    import napari.viewer


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


def __getattr__(name: str) -> Callable[[napari.viewer.Viewer], None]:
    """Return the command of an action, such as ``do_undo``: napari asks for it by the manifest's name."""
    action = name.removeprefix("do_")
    if action == name or all(one.id != action for one in ACTIONS):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def do(viewer: napari.viewer.Viewer) -> None:
        _do(viewer, action)

    return do


def _do(viewer: Any, action: str) -> None:
    """Do an action on the zone that is open."""
    from napari.utils.notifications import show_info

    for widget in viewer.window.dock_widgets.values():
        if isinstance(widget, LabellingDock) and widget.session is not None:
            command = widget.commands.get(action)
            if command is not None:
                command()
            return
    use_language(Preferences().language)
    show_info(tr("No zone is open: Plugins › Land-cover labelling"))

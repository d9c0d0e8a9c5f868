"""Overlays that are laid over the picture: what is said of them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import geopandas
import pytest
import shapely
from desk_cases import heard

from napari_plugin.overlay_list import OverlayList
from napari_plugin.session import Session
from workbench.geo.vectors import read_overlay


@pytest.mark.parametrize(
    ("metres", "told"),
    [
        ([], "The overlay parcels shows nothing in this zone or around it."),
        ([20], "The overlay parcels shows 1 object here."),
        ([20, 40, 60], "The overlay parcels shows 3 objects here."),
    ],
)
def test_how_many_objects_an_overlay_has_in_the_zone_is_told(
    session: Session, tmp_path: Path, metres: list[int], told: str
) -> None:
    left, top = session.grid.xy(0, 0)
    boxes = [shapely.box(left + step, top - step - 5, left + step + 5, top - step) for step in metres]
    far = shapely.box(left + 90_000, top, left + 90_010, top + 10)
    path = tmp_path / "parcels.gpkg"
    geopandas.GeoDataFrame(geometry=[*boxes, far], crs="EPSG:2154").to_file(path)
    noticed = heard(session.noticed)
    overlays = OverlayList(SimpleNamespace(session=session, glass=None), lambda names: names)
    overlays._take(read_overlay(path, session.grid, layer="parcels"))
    assert noticed == [told]

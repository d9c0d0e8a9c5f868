"""Ground covered by the polygons of a file: all of it, in any CRS, or a sentence on what covers none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas
import pytest
import shapely

from workbench.errors import VectorError
from workbench.geo.areas import read_areas

ONE, OTHER = shapely.box(831081, 6829000, 831200, 6829179), shapely.box(832000, 6829000, 832100, 6829050)
POINT, LINE = shapely.Point(831100, 6829100), shapely.LineString([(831100, 6829100), (831300, 6829100)])


def written(path: Path, geometries: list[Any], *, crs: int | None = 2154, layer: str = "places") -> Path:
    frame = geopandas.GeoDataFrame(geometry=geometries, crs=2154)
    frame = frame.to_crs(crs) if crs else frame.set_crs(None, allow_override=True)
    mode = "a" if path.exists() else "w"
    frame.to_file(path, engine="pyogrio", layer=layer, mode=mode, geometry_type="Unknown")
    return path


@pytest.mark.parametrize("crs", [2154, 4326, 3857])
def test_polygons_are_joined_layer_by_layer_in_the_crs_that_is_asked_for(crs: int, tmp_path: Path) -> None:
    path = written(tmp_path / "places.gpkg", [ONE, None], crs=crs)
    written(path, [shapely.MultiPolygon([OTHER]), shapely.GeometryCollection([ONE])], crs=crs, layer="more")
    found = read_areas(path, crs="EPSG:2154")
    assert {*found} == {"places", "more"}
    assert found["places"].symmetric_difference(ONE).area < 1
    assert found["more"].symmetric_difference(shapely.union(ONE, OTHER)).area < 1


FLAT: dict[str, tuple[list[Any], str]] = {
    "points": ([POINT], "1 feature of 1 in layer places cover no ground"),
    "points and lines beside polygons": ([ONE, POINT, LINE], "2 features of 3 in layer places"),
    "a point in a collection": ([shapely.GeometryCollection([ONE, POINT])], "1 feature of 1"),
    "nothing": ([None], "holds no polygon"),
}


@pytest.mark.parametrize("case", FLAT)
def test_what_covers_no_ground_is_refused_with_the_way_out(case: str, tmp_path: Path) -> None:
    geometries, told = FLAT[case]
    with pytest.raises(VectorError, match=told) as refusal:
        read_areas(written(tmp_path / "places.gpkg", geometries), crs="EPSG:2154")
    assert "\n" not in str(refusal.value)
    assert "polygons" in str(refusal.value) or "polygon" in str(refusal.value)


@pytest.mark.parametrize("content", ["not a vector", '{"type": "FeatureCollection", "features": []}', None])
def test_a_file_that_is_none_gets_one_sentence(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "places.geojson"
    if content is not None:
        path.write_text(content)
    with pytest.raises(VectorError, match=r"places\.geojson"):
        read_areas(path, crs="EPSG:2154")


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_a_file_without_a_crs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VectorError, match="layer places has no CRS"):
        read_areas(written(tmp_path / "places.gpkg", [ONE], crs=None), crs="EPSG:2154")


def test_ground_that_the_crs_does_not_reach_is_refused(tmp_path: Path) -> None:
    frame = geopandas.GeoDataFrame(geometry=[shapely.box(-179, -90, 179, -89.9)], crs=4326)
    frame.to_file(tmp_path / "pole.gpkg", engine="pyogrio", layer="places")
    with pytest.raises(VectorError, match="lies where EPSG:2154 does not reach"):
        read_areas(tmp_path / "pole.gpkg", crs="EPSG:2154")

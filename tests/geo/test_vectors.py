"""Vector files over a zone: exact places from any CRS, all that files may hold, and what is near a point."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyogrio.raw
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import VectorError
from workbench.geo import vectors
from workbench.geo.grid import PixelGrid
from workbench.geo.overlays import Overlay
from workbench.geo.vectors import list_layers, read_overlay

LEFT, TOP = 831081.6, 6829179.2
GRID = PixelGrid(crs="EPSG:2154", transform=Affine(0.2, 0, LEFT, 0, -0.2, TOP), height=512, width=1024)


def on_ground(geometry: Any) -> Any:
    """Return a geometry in pixels (x the column, y the row, whole at pixel centres) as Lambert-93 has it."""
    return shapely.transform(
        geometry, lambda xy: np.stack([LEFT + (xy[:, 0] + 0.5) * 0.2, TOP - (xy[:, 1] + 0.5) * 0.2], axis=1)
    )


ROAD = shapely.LineString([(-700.0, 40.0), (3.0, 40.0), (250.5, 99.25), (900.0, 511.0)])
PARCEL = shapely.Polygon(
    [(100, 100), (300, 100), (300, 260), (100, 260)], [[(150, 150), (150, 200), (220, 200), (220, 150)]]
)
TREE = shapely.Point(17.0, 23.0)
FAR = shapely.Point(20_000, 20_000)


def written(
    path: Path, geometries: list[Any], *, crs: int | None = 2154, layer: str | None = None, **columns: Any
) -> Path:
    """Write features that are given in pixels, in another CRS if need be."""
    frame = geopandas.GeoDataFrame(columns, geometry=[on_ground(one) for one in geometries], crs=2154)
    frame = frame.to_crs(crs) if crs else frame.set_crs(None, allow_override=True)
    options: dict[str, Any] = {"layer": layer} if layer else {}
    if path.suffix == ".geojson":
        options["COORDINATE_PRECISION"] = 15
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a file without a CRS
        frame.to_file(path, engine="pyogrio", **options)
    return path


@pytest.mark.parametrize("crs", [2154, 4326, 3857, 32631])
@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".fgb", ".geojson"])
@pytest.mark.parametrize("shape", [ROAD, PARCEL, TREE], ids=["road", "parcel", "tree"])
def test_a_known_place_comes_to_the_known_pixel(tmp_path: Path, crs: int, suffix: str, shape: Any) -> None:
    path = written(tmp_path / f"made{suffix}", [shape, FAR if shape is TREE else shape], crs=crs, n=[1, 2])
    (layer,) = list_layers(path)
    assert (layer.name, layer.crs) == ("made", f"EPSG:{crs}")
    overlay = read_overlay(path, GRID)
    assert overlay.notices == ()
    assert len(overlay) == (1 if shape is TREE else 2)
    found = overlay.geometries[0]
    assert found.geom_type == shape.geom_type
    # A file may turn rings round; a hundredth of a millimetre is float noise of two projections.
    assert shapely.hausdorff_distance(found, shape) < 1e-4
    assert found.symmetric_difference(shape).area < 0.1
    assert overlay.told(0) == {"n": "1"}


def test_vertices_are_rows_and_columns_of_pixel_centres(tmp_path: Path) -> None:
    overlay = read_overlay(written(tmp_path / "road.gpkg", [ROAD, TREE]), GRID)
    paths = overlay.paths((-1000, 1000), (-1000, 2000))
    assert paths.vertices == pytest.approx(
        np.array([(40, -700), (40, 3), (99.25, 250.5), (511, 900)]), abs=1e-6
    )
    assert paths.points == pytest.approx(np.array([(23, 17)]), abs=1e-6)
    assert (paths.features.tolist(), paths.point_features.tolist()) == ([0], [1])


def test_only_what_meets_the_zone_and_its_margin_is_read(tmp_path: Path) -> None:
    corner = shapely.LineString(
        [(-1500, -600), (-600, -600), (-600, 1500)]
    )  # its box holds the zone's corner
    beside = shapely.Point(-200, 10)
    path = written(
        tmp_path / "made.gpkg", [FAR, corner, beside, TREE], name=["far", "corner", "beside", "tree"]
    )
    assert read_overlay(path, GRID).attributes["name"].tolist() == ["beside", "tree"]
    assert read_overlay(path, GRID, margin=0).attributes["name"].tolist() == ["tree"]
    assert read_overlay(path, GRID, margin=700).attributes["name"].tolist() == ["corner", "beside", "tree"]


def test_nothing_there_is_an_empty_overlay(tmp_path: Path) -> None:
    overlay = read_overlay(written(tmp_path / "far.gpkg", [FAR], n=[1]), GRID)
    assert (len(overlay), overlay.notices, overlay.identify(3, 3, tolerance=9)) == (0, (), ())
    paths = overlay.paths((0, 512), (0, 1024), tolerance=2)
    assert (paths.vertices.shape, paths.starts.tolist(), paths.points.shape) == ((0, 2), [0], (0, 2))


def test_a_layer_of_several_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "made.gpkg", [ROAD], layer="roads")
    written(path, [PARCEL, PARCEL], crs=4326, layer="parcels")
    pyogrio.raw.write(path, None, [np.array(["x"], object)], ["owner"], layer="owners", driver="GPKG")
    assert [(one.name, one.geometry, one.features, one.crs) for one in list_layers(path)] == [
        ("roads", "LineString", 1, "EPSG:2154"),
        ("parcels", "Polygon", 2, "EPSG:4326"),
    ]
    overlay = read_overlay(path, GRID, layer="parcels")
    assert (overlay.name, overlay.layer, len(overlay)) == ("parcels", "parcels", 2)
    assert read_overlay(path, GRID, layer="parcels", name="Parcelles").name == "Parcelles"
    with pytest.raises(VectorError, match=r"several layers; say which; its layers .* roads, parcels"):
        read_overlay(path, GRID)
    with pytest.raises(VectorError, match="no layer owners; its layers with geometries are: roads, parcels"):
        read_overlay(path, GRID, layer="owners")


def binary(kind: int, *content: bytes) -> bytes:
    return struct.pack("<BII", 1, kind, len(content)) + b"".join(content)


def pairs(*places: tuple[float, float]) -> list[bytes]:
    return [struct.pack("<dd", *on_ground(shapely.Point(place)).coords[0]) for place in places]


ARC = binary(8, *pairs((0, 0), (100, 100), (200, 0)))
BOW_TIE = shapely.Polygon([(0, 0), (100, 100), (100, 0), (0, 100)])
DEEP = shapely.GeometryCollection([shapely.GeometryCollection([TREE, ROAD]), PARCEL])
ODD: dict[str, tuple[bytes | None, Callable[[Overlay], bool] | None]] = {
    "none": (None, None),
    "empty": (shapely.to_wkb(shapely.Polygon()), None),
    "surface of triangles": (
        binary(16, binary(17, struct.pack("<I", 4) + b"".join(pairs((0, 0), (9, 0), (0, 9), (0, 0))))),
        None,
    ),
    "heights": (
        shapely.to_wkb(shapely.force_3d(on_ground(ROAD), 99.0), output_dimension=3),
        lambda found: not found.geometries[0].has_z and len(found.paths((0, 512), (0, 900)).vertices) == 4,
    ),
    "arc": (ARC, lambda found: abs(found.geometries[0].length - 100 * np.pi) < 0.1),
    "area in arcs": (
        binary(10, binary(8, *pairs((0, 0), (100, 100), (200, 0), (100, -100), (0, 0)))),
        lambda found: abs(found.geometries[0].area - 1e4 * np.pi) < 50,
    ),
    "bow tie": (
        shapely.to_wkb(on_ground(BOW_TIE)),
        lambda found: found.geometries[0].is_valid and abs(found.geometries[0].area - 5000) < 1e-3,
    ),
    "collection in a collection": (
        shapely.to_wkb(on_ground(DEEP)),
        lambda found: (
            [len(found.paths((0, 512), (0, 900)).starts), len(found.paths((0, 512), (0, 900)).points)]
            == [4, 1]
        ),
    ),
}


@pytest.mark.parametrize("case", ODD)
def test_whatever_a_file_holds_is_shown_or_said(tmp_path: Path, case: str) -> None:
    content, holds = ODD[case]
    path = tmp_path / "odd.gpkg"
    encoded = np.array([shapely.to_wkb(on_ground(TREE)), content], object)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.raw.write(
            path, encoded, [np.array([1, 2])], ["n"], driver="GPKG", geometry_type="Unknown", crs="EPSG:2154"
        )
    overlay = read_overlay(path, GRID)
    if holds is None:
        assert overlay.attributes["n"].tolist() == [1]
        # A layer is asked for a box, in which there is nothing of what has no place.
        said = "1 of 2 features there have no geometry that can be shown"
        assert overlay.notices == ((said,) if case == "surface of triangles" else ())
    else:
        assert overlay.attributes["n"].tolist() == [1, 2]
        assert overlay.notices == ()
        assert holds(Overlay.of(overlay.geometries[1:], {}, name="", layer=""))


def without_crs(path: Path) -> Path:
    return written(path, [ROAD], crs=None, n=[1])


def vrt(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


SOURCE = '<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>/vsicurl/http://x</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'
REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "no file": (lambda folder: folder / "made.gpkg", "is not a vector file"),
    "a folder": (lambda folder: folder, "is not a vector file"),
    "another suffix": (lambda folder: vrt(folder / "made.kml", "<kml/>"), r"is not a vector file \(.gpkg"),
    "text": (lambda folder: vrt(folder / "made.gpkg", "roads"), "not what its name says"),
    "a virtual source": (lambda folder: vrt(folder / "made.json", SOURCE), "not what its name says"),
    "a virtual source in disguise": (
        lambda folder: vrt(folder / "made.json", '{"a": "' + SOURCE + '"}'),
        "not what its name says",
    ),
    "other JSON": (lambda folder: vrt(folder / "made.json", '{"a": 1}'), "cannot be read"),
    "cut short": (
        lambda folder: vrt(folder / "made.gpkg", "SQLite format 3\0" + "x" * 4000),
        "cannot be read .*; look at it in QGIS",
    ),
    "shapefile without CRS": (lambda folder: without_crs(folder / "made.shp"), "no CRS.*ogr2ogr -a_srs"),
    "GeoPackage without CRS": (lambda folder: without_crs(folder / "made.gpkg"), "ogr2ogr"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_file_that_cannot_be_shown_is_refused_with_the_way_out(tmp_path: Path, case: str) -> None:
    make, reason = REFUSED[case]
    path = make(tmp_path)
    with pytest.raises(VectorError, match=reason) as caught:
        read_overlay(path, GRID)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_large_geojson_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "made.geojson", [ROAD], crs=4326)
    monkeypatch.setattr(vectors, "_LARGEST_JSON", 100)
    with pytest.raises(VectorError, match=r"all of which would be held in memory; .* ogr2ogr made.gpkg"):
        read_overlay(path, GRID)


def test_more_than_can_be_drawn_is_cut_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "made.gpkg", [TREE] * 6 + [ROAD] * 6, n=list(range(12)))
    monkeypatch.setattr(vectors, "_MOST_VERTICES", 15)
    overlay = read_overlay(path, GRID)
    assert overlay.attributes["n"].tolist() == list(range(8))
    assert "more than 15 vertices there, the first 8 of 12 features are shown" in overlay.notices[0]
    monkeypatch.setattr(vectors, "_MOST_VERTICES", 4)
    overlay = read_overlay(path, GRID)
    assert overlay.attributes["n"].tolist() == [0, 1, 2, 3]
    assert "more than 4 features there" in overlay.notices[0]


@pytest.mark.parametrize("says", [True, False], ids=["cpg", "no cpg"])
@pytest.mark.parametrize("encoding", ["UTF-8", "cp1252", "ISO-8859-1", "cp1252 called UTF-8"])
def test_text_of_old_shapefiles_is_read(tmp_path: Path, encoding: str, says: bool) -> None:
    names = ["Forêt à l'été", "Œuvre"] if encoding != "ISO-8859-1" else ["Forêt à l'été", "Prés"]
    path = tmp_path / "made.shp"
    frame = geopandas.GeoDataFrame({"nom": names}, geometry=[on_ground(TREE)] * 2, crs=2154)
    frame.to_file(path, encoding=encoding.split()[0])
    table = path.with_suffix(".dbf")
    content = bytearray(table.read_bytes())
    content[29] = 0  # the code page in the file itself
    table.write_bytes(content)
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if says:
        path.with_suffix(".cpg").write_text(encoding.split()[-1])
    assert read_overlay(path, GRID).attributes["nom"].tolist() == names


def test_attributes_are_told_as_text(tmp_path: Path) -> None:
    path = written(
        tmp_path / "made.gpkg",
        [TREE, TREE],
        name=["chêne", None],
        height=[12.5, np.nan],
        count=[3, 4],
        living=[True, False],
        seen=np.array(["2019-08-26T10:00", "NaT"], "datetime64[ms]"),
    )
    overlay = read_overlay(path, GRID)
    told = overlay.told(0)
    assert (told["name"], told["height"], told["count"], told["living"]) == ("chêne", "12.5", "3", "True")
    assert told["seen"].startswith("2019-08-26T10:00")
    assert overlay.told(1) | {"count": "", "living": ""} == dict.fromkeys(told, "")


def overlay_of(*geometries: Any, **columns: Any) -> Overlay:
    attributes = {name: np.array(values, object) for name, values in columns.items()}
    return Overlay.of(np.array(geometries, object), attributes, name="made", layer="made")


def test_identify_tells_what_is_under_a_point_or_near_it_nearest_first() -> None:
    town, house = shapely.box(0, 0, 500, 500), shapely.box(10, 10, 30, 30)
    overlay = overlay_of(town, PARCEL, house, TREE, ROAD, name=["town", "parcel", "house", "tree", "road"])

    def names(row: float, col: float, tolerance: float = 0) -> list[str]:
        return [one.attributes["name"] for one in overlay.identify(row, col, tolerance=tolerance)]

    assert names(20, 20) == ["house", "town"]
    assert names(23, 17) == ["tree", "house", "town"]
    assert names(20, 17, 3) == ["house", "town", "tree"]
    assert names(110, 110) == ["parcel", "town"]
    assert names(170, 170) == ["town"], "a hole is not in a parcel"
    assert names(-9, -9, 5) == []
    assert names(38, 505, 9) == ["town"]
    (near, *_) = overlay.identify(43, -50, tolerance=4)
    assert (near.index, near.distance) == (4, pytest.approx(3))


@st.composite
def overlays(draw: st.DrawFn) -> Overlay:
    place = st.tuples(st.integers(0, 60), st.integers(0, 60))
    shapes = st.one_of(
        place.map(shapely.Point),
        st.lists(place, min_size=2, max_size=9, unique=True).map(shapely.LineString),
        st.tuples(place, st.integers(1, 20), st.integers(1, 20)).map(
            lambda box: shapely.box(*box[0], box[0][0] + box[1], box[0][1] + box[2])
        ),
        st.lists(place, min_size=1, max_size=4, unique=True).map(shapely.MultiPoint),
    )
    return overlay_of(*draw(st.lists(shapes, max_size=8)))


@given(overlay=overlays(), row=st.floats(-5, 65), col=st.floats(-5, 65), tolerance=st.floats(0, 20))
def test_identify_finds_what_is_within_the_tolerance(
    overlay: Overlay, row: float, col: float, tolerance: float
) -> None:
    found = overlay.identify(row, col, tolerance=tolerance)
    distances = [shapely.Point(col, row).distance(one) for one in overlay.geometries]
    sure = {index for index, distance in enumerate(distances) if distance < tolerance - 1e-9}
    maybe = {index for index, distance in enumerate(distances) if distance <= tolerance + 1e-9}
    assert sure <= {one.index for one in found} <= maybe
    assert [one.distance for one in found] == sorted(one.distance for one in found)


@given(
    overlay=overlays(),
    rows=st.tuples(st.integers(0, 60), st.integers(0, 60)),
    cols=st.tuples(st.integers(0, 60), st.integers(0, 60)),
)
def test_a_view_holds_each_line_and_point_that_it_shows(
    overlay: Overlay, rows: tuple[int, int], cols: tuple[int, int]
) -> None:
    rows, cols = tuple(sorted(rows)), tuple(sorted(cols))
    view = shapely.box(cols[0], rows[0], cols[1], rows[1])
    paths = overlay.paths(rows, cols)
    drawn: dict[int, list[Any]] = {}
    for path, feature in enumerate(paths.features):
        part = paths.vertices[paths.starts[path] : paths.starts[path + 1], ::-1]
        drawn.setdefault(int(feature), []).append(shapely.LineString(part))
    for point, feature in zip(paths.points, paths.point_features, strict=True):
        drawn.setdefault(int(feature), []).append(shapely.Point(point[::-1]))
    for index, shape in enumerate(overlay.geometries):
        outline = shape.boundary if shape.geom_type == "Polygon" else shape
        shown = shapely.union_all(drawn.get(index, []))
        assert outline.intersection(view).difference(shown.buffer(1e-9)).is_empty
        assert shown.difference(outline.buffer(1e-9)).is_empty


def test_a_view_takes_no_more_of_a_long_line_than_its_pieces() -> None:
    along = np.arange(5000) * 0.5
    coast = np.stack([along, 50 * np.sin(along)], axis=1)
    overlay = overlay_of(shapely.LineString(coast), TREE)
    whole = overlay.paths((-60, 60), (0, 2500))
    assert len(whole.starts) - 1 == 20
    joined = [whole.vertices[whole.starts[path] + (path > 0) : whole.starts[path + 1]] for path in range(20)]
    assert (np.concatenate(joined) == coast[:, ::-1]).all()
    assert (whole.features == 0).all()
    part = overlay.paths((0, 30), (1000, 1100)).vertices
    assert len(part) <= 3 * 257
    assert part[:, 1].min() <= 1000 < 1100 <= part[:, 1].max()


@settings(max_examples=60)
@given(
    steps=st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3)), min_size=2, max_size=700),
    tolerance=st.floats(0.01, 8),
)
def test_a_thinned_line_moves_by_no_more_than_the_tolerance(
    steps: list[tuple[float, float]], tolerance: float
) -> None:
    line = np.cumsum(np.array([(0, 0), *steps]), axis=0)
    overlay = overlay_of(shapely.LineString(line))
    everywhere = ((-5000.0, 5000.0), (-5000.0, 5000.0))
    kept, whole = overlay.paths(*everywhere, tolerance=tolerance), overlay.paths(*everywhere)
    assert kept.starts.size == whole.starts.size
    for path in range(len(kept.features)):
        thin, full = (one.vertices[one.starts[path] : one.starts[path + 1]] for one in (kept, whole))
        assert (thin[[0, -1]] == full[[0, -1]]).all()
        apart = np.hypot(*(full[:, None] - thin).transpose(2, 0, 1)).min(axis=1)
        assert apart.max() < tolerance
        steps_kept = np.hypot(*np.diff(thin, axis=0).T)
        assert (steps_kept[:-1] >= tolerance).all()

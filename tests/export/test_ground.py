"""Ground: which zones lie on the same cells, whatever their domains and footprints are called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from made_zones import L_SHAPE, ONE, build, grid_of, make_zone

from workbench.export.ground import GroundMap, Seen
from workbench.geo.zone import Cell, Zone

PLACES = st.lists(
    st.tuples(st.sampled_from(["D055_2018", "D055_2021", "D036_2020"]), st.integers(0, 3), st.integers(0, 3)),
    min_size=1,
    max_size=5,
)


def painted(zone: Zone) -> np.ndarray:
    """Return where a zone lies on a map of the places that are tried, a pixel for 51.2 m of ground."""
    canvas = np.zeros((16, 16), np.bool_)
    origin = grid_of(ONE, east=0, south=0).transform
    for _, window in zone.patch_windows():
        corner = zone.grid.crop(window).transform
        row, col = (origin.f - corner.f) / 51.2, (corner.c - origin.c) / 51.2
        canvas[round(row) : round(row) + 2, round(col) : round(col) + 2] = True
    return canvas


def test_zones_of_a_campaign_and_patches_of_its_release_lie_on_the_same_cells(tmp_path: Path) -> None:
    zones = [make_zone(cells=L_SHAPE), make_zone("D036_2020", fold=2, east=7, south=3, first_number=9)]
    release = build(zones, tmp_path)
    by_zone = GroundMap.of_zones(zone.source.zone for zone in zones).zones
    assert by_zone == GroundMap.of_patches(release.patches()).zones
    assert sum(len(cells) for cells in by_zone.values()) == len(release.patches())


@settings(max_examples=40)
@given(places=PLACES)
def test_zones_share_ground_where_their_pixels_overlap_and_nowhere_else(
    places: list[tuple[str, int, int]],
) -> None:
    zones = [
        make_zone(
            domain, f"Z{number}", cells=L_SHAPE if number % 2 else ONE, east=east, south=south
        ).source.zone
        for number, (domain, east, south) in enumerate(places)
    ]
    ground = GroundMap.of_zones(zones)
    shown = {zone.id: painted(zone) for zone in zones}
    for zone in zones:
        over = [other for other in shown if other != zone.id and (shown[zone.id] & shown[other]).any()]
        assert ground.twin(zone.id, ground.zones) == min(over, default=None)
        assert ground.twin(zone.id, over[1:]) == min(over[1:], default=None)


def test_a_domain_is_seen_by_its_name_or_by_its_ground_and_the_zones_are_named() -> None:
    here, there, apart = Cell(row=0, col=0), Cell(row=5, col=5), Cell(row=9, col=9)
    ground = GroundMap(
        zones={
            "D055_2018/Z1": frozenset({apart}),
            "D055_2018/Z2": frozenset({here}),
            "D055_2021/Z7": frozenset({here, there}),
            "D036_2020/Z1": frozenset({there}),
        }
    )
    assert ground.seen(["D055_2018/Z1", "D055_2018/Z2", "D036_2020/Z1"], ["D055_2021"]) == (
        Seen(domain="D036_2020", here="D036_2020/Z1", there="D055_2021/Z7"),
        Seen(domain="D055_2018", here="D055_2018/Z2", there="D055_2021/Z7"),
    )
    assert ground.seen(["D055_2018/Z1"], ["D055_2021"]) == (), "no zone that is asked for shows it"
    assert ground.seen(["D055_2018/Z2"], ["D055_2018", "D055_2021"]) == (Seen(domain="D055_2018"),)
    assert ground.seen(["D055_2018/Z2"], ["D001_2020"]) == ()

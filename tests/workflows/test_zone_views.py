"""What a zone has beside its orthophoto comes into a release on the pixels that FLAIR-HUB has."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from click.testing import CliRunner
from made_orthos import MakeOrtho
from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.cli import workbench as command
from workbench.errors import ReleaseError
from workbench.export import open_release, verify_release
from workbench.geo.geotiff import write_raster
from workbench.geo.grid import PixelGrid
from workbench.geo.zone import Zone
from workbench.workflows.intake import add_zone
from workbench.workflows.publishing import ReleaseOrder, publish
from workbench.workflows.rasters import add_raster

ZONE = "D051_2019/Z1_AA"


@pytest.fixture
def zone(campaign: Campaign, make_ortho: MakeOrtho) -> Zone:
    image, mask = make_ortho(512, 512)
    return add_zone(campaign, image, domain="D051_2019", name="Z1_AA", mask=mask, author="marie").zone


def around(zone: Zone, step: float) -> PixelGrid:
    """Return a grid of whole pixels over a zone and some more."""
    bounds = zone.grid.bounds
    left, top = bounds.left // step * step - 3 * step, -(-bounds.top // step) * step + 3 * step
    side = int((bounds.right - left) / step) + 5
    transform = Affine(step, 0.0, left, 0.0, -step, top)
    return PixelGrid(crs="EPSG:2154", transform=transform, height=side, width=side)


def plane(grid: PixelGrid) -> NDArray[np.float64]:
    """Return heights that rise by 1 m every 10 m eastwards and 20 m southwards."""
    col, row = np.meshgrid(np.arange(grid.width) + 0.5, np.arange(grid.height) + 0.5)
    x, y = grid.transform.c + col * grid.transform.a, grid.transform.f + row * grid.transform.e
    return (x - 800_000) / 10 - (y - 6_700_000) / 20


def put(
    campaign: Campaign, folder: Path, role: str, pixels: NDArray[Any], grid: PixelGrid, day: str = ""
) -> None:
    path = folder / f"{role}{day}.tif"
    write_raster(path, pixels, grid)
    found = campaign.zone(ZONE)
    add_raster(campaign, found, path, role=role, acquired=date.fromisoformat(day) if day else None)


def built(campaign: Campaign, folder: Path, **options: Any) -> Any:
    said: list[str] = []
    release = publish(
        campaign,
        ReleaseOrder(name="V1", out=folder / "out", layouts=["flair-hub"], **options),
        say=said.append,
    )
    assert verify_release(release.path).sound
    return release, release.patches()[0], said


def test_heights_are_interpolated_and_tell_how_high_the_ground_is(
    campaign: Campaign, zone: Zone, tmp_path: Path
) -> None:
    for role, step, above in (("dsm", 0.5, 7.0), ("dtm", 1.0, 0.0)):
        grid = around(zone, step)
        put(campaign, tmp_path, role, (plane(grid) + above).astype(np.float32), grid)
    release, patch, _ = built(campaign, tmp_path)
    dsm, dtm = release.view(patch, "elevation")
    assert np.abs(dtm - plane(patch.grid)).max() < 0.01
    assert np.abs(dsm - dtm - 7).max() < 0.01
    assert patch.ground == pytest.approx(plane(patch.grid)[255:257, 255:257].mean(), abs=0.06)


def test_a_series_has_the_bands_of_its_days_one_after_the_other(
    campaign: Campaign, zone: Zone, tmp_path: Path
) -> None:
    grid = around(zone, 10.0)
    for number, day in ((2, "2019-08-20"), (1, "2019-05-02")):
        pixels = np.stack([np.full(grid.shape, 1000 * number + band) for band in range(10)])
        put(campaign, tmp_path, "sentinel2", pixels.astype(np.uint16), grid, day)
    release, patch, _ = built(campaign, tmp_path)
    series = release.view(patch, "sentinel2")
    assert series.shape == (20, 10, 10)
    assert series[:, 4, 4].tolist() == [*range(1000, 1010), *range(2000, 2010)]
    assert patch.dates["sentinel2"] == (date(2019, 5, 2), date(2019, 8, 20))


def test_of_several_pictures_the_one_nearest_to_the_orthophoto_counts(
    campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    image, mask = make_ortho(512, 512)
    taken = date(2019, 6, 1)
    zone = add_zone(campaign, image, domain="D051_2019", name="Z1_AA", mask=mask, acquired=taken).zone
    grid = around(zone, 1.5)
    for value, day in ((11, "2019-01-01"), (22, "2019-06-20"), (33, "2020-06-01")):
        put(campaign, tmp_path, "spot", np.full((4, *grid.shape), value, np.uint16), grid, day)
    release, patch, _ = built(campaign, tmp_path)
    assert np.unique(release.view(patch, "spot")).tolist() == [22]
    assert patch.dates["spot"] == (date(2019, 6, 20),)


def test_crops_are_told_in_three_levels(campaign: Campaign, zone: Zone, tmp_path: Path) -> None:
    grid = around(zone, 0.2)
    crops = np.full(grid.shape, 45, np.uint8)
    crops[: grid.height // 2] = 9
    put(campaign, tmp_path, "lpis", crops, grid)
    release, patch, _ = built(campaign, tmp_path)
    levels = release.view(patch, "parcels")
    # Winter durum wheat is one of the other winter cereals, these of the other cereals.
    assert levels[:, 0, 0].tolist() == [4, 5, 9]
    assert levels[:, -1, -1].tolist() == [22, 30, 45]


@pytest.mark.parametrize(
    ("role", "pixels", "day", "told"),
    [
        ("lpis", np.full((1, 1), 46, np.uint8), "", r"unknown value 46 .* third level of crops, 0 to 45"),
        ("spot", np.full((4, 1, 1), 7, np.float32), "", "has float32 pixels, spot of .* are uint16"),
        ("sentinel2", np.full((10, 1, 1), 7, np.uint16), "", "has no date, and a series needs one"),
    ],
)
def test_raster_that_makes_no_modality_is_refused(
    campaign: Campaign, zone: Zone, tmp_path: Path, role: str, pixels: NDArray[Any], day: str, told: str
) -> None:
    grid = around(zone, 0.2 if role == "lpis" else 10.0)
    put(campaign, tmp_path, role, pixels.repeat(grid.height, -2).repeat(grid.width, -1), grid, day)
    with pytest.raises(ReleaseError, match=told):
        built(campaign, tmp_path)
    assert not (tmp_path / "out").exists()


def test_modality_that_one_zone_lacks_stays_out_and_is_said_unless_it_is_asked_for(
    campaign: Campaign, zone: Zone, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    image, mask = make_ortho(512, 512, row=4096, name="other")
    add_zone(campaign, image, domain="D051_2019", name="Z2_AA", mask=mask, author="marie")
    grid = around(zone, 0.4)
    put(campaign, tmp_path, "historical", np.full(grid.shape, 9, np.uint8), grid)
    release, _, said = built(campaign, tmp_path)
    assert said == ["historical stays out: 1 of 2 zones do not have it whole, the first is D051_2019/Z2_AA"]
    assert release.layouts[0].modalities == ("image", "label")
    with pytest.raises(ReleaseError, match="zone D051_2019/Z2_AA is without historical; add it"):
        built(campaign, tmp_path / "out", modalities=["historical"])
    with pytest.raises(ReleaseError, match="modality 'histrical' is unknown; choose from elevation"):
        built(campaign, tmp_path / "out", modalities=["histrical"])


def test_command_takes_modalities_and_sizes_of_patches(
    campaign: Campaign, zone: Zone, tmp_path: Path
) -> None:
    base = ["release", "build", str(campaign.path), "-o", str(tmp_path / "out"), "--layout", "flair-hub"]
    options = ["--name", "SMALL", "--grid", "25.6@0.4", "--modality", "none"]
    small = CliRunner().invoke(command, [*base, *options])
    assert small.exit_code == 0, small.output
    bounds, patches = zone.grid.bounds, open_release(tmp_path / "out/SMALL").patches()
    rows = int(bounds.top // 25.6) - int(-(-bounds.bottom // 25.6))
    cols = int(bounds.right // 25.6) - int(-(-bounds.left // 25.6))
    assert len(patches) == rows * cols > 1
    assert {patch.grid.shape for patch in patches} == {(64, 64)}
    wrong = CliRunner().invoke(command, [*base, "--name", "V", "--grid", "100@0.3"])
    assert wrong.exit_code == 2
    assert "no whole number of 16 to 4,096 pixels" in wrong.output

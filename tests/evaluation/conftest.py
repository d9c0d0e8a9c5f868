"""A small release of made zones in several domains, and patches to judge predictors by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from made_orthos import made_grid, made_image, made_truth

from workbench.campaign import Campaign
from workbench.export import Release
from workbench.geo.geotiff import write_raster
from workbench.workflows.intake import add_zone
from workbench.workflows.publishing import ReleaseOrder, publish

DOMAINS = ("D036_2020", "D051_2019", "D055_2018")


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Two patches in each of three domains, of folds 1, 2 and 3; tests must not change it."""
    folder = tmp_path_factory.mktemp("release")
    campaign = Campaign.create(folder / "campaign")
    for number, domain in enumerate(DOMAINS):
        truth, grid = made_truth(512, 1024, number), made_grid(512, 1024, col=2048 * number)
        image, mask = folder / f"{domain}.tif", folder / f"{domain}-mask.tif"
        write_raster(image, made_image(truth, number), grid, level=1)
        write_raster(mask, truth, grid)
        add_zone(campaign, image, domain=domain, name="Z1_UF", mask=mask)
    return publish(campaign, ReleaseOrder(name="FR_V0.1", out=folder), say=lambda sentence: None)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes an array as a raster on the national grid, and returns its path."""

    def write(name: str, pixels, **place: int) -> Path:
        path = tmp_path / f"{name}.tif"
        path.unlink(missing_ok=True)
        write_raster(path, pixels, made_grid(*pixels.shape[-2:], **place), level=1)
        return path

    return write

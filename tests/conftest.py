"""Fixtures of all tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from made_orthos import MakeOrtho, made_grid, made_image, made_truth

from workbench.campaign import Campaign
from workbench.geo.geotiff import write_raster

# No timing is asserted: machines are busy with other things, too.
settings.register_profile("workbench", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("workbench")


@pytest.fixture
def make_ortho(tmp_path: Path) -> MakeOrtho:
    """Return a function that writes an orthophoto and its FLAIR mask and returns both paths."""

    def make(
        height: int = 512, width: int = 512, *, row: int = 0, col: int = 0, seed: int = 1, name: str = "scene"
    ) -> tuple[Path, Path]:
        truth, grid = made_truth(height, width, seed), made_grid(height, width, row=row, col=col)
        image, mask = tmp_path / f"{name}.tif", tmp_path / f"{name}-mask.tif"
        write_raster(image, made_image(truth, seed), grid, level=1)
        write_raster(mask, truth, grid)
        return image, mask

    return make


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    return Campaign.create(tmp_path / "campaign")


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Have torch use one thread: with more, small networks wait for each other on busy processors."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

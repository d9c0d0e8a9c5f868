from __future__ import annotations

from pathlib import Path

import pytest
from made_editions import HOSTILE, edition
from made_zones import MadeZone, build, make_zones

from workbench.dataset import PublishedDataset, publish_dataset
from workbench.export import Release


@pytest.fixture(scope="session")
def zones() -> list[MadeZone]:
    return make_zones()


@pytest.fixture(scope="session")
def release(zones: list[MadeZone], tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release in layouts of each kind; tests must not change it."""
    folder = tmp_path_factory.mktemp("releases")
    return build(zones, folder, layouts=("flair-hub", "flair1", "hdf5", "shards"))


@pytest.fixture(scope="session")
def published(release: Release, tmp_path_factory: pytest.TempPathFactory) -> PublishedDataset:
    """The release as a data set, whose makers left nothing out; tests must not change it."""
    said = edition(
        title=HOSTILE,
        authors=("IGN", "A & B"),
        contact="Land cover <cover@example.org>",
        url="https://example.org/FR_V0.1",
        doi="https://doi.org/10.5281/zenodo.1234567",
        biases=("Roofs of slate are rare.", HOSTILE),
    )
    return publish_dataset(release.path, tmp_path_factory.mktemp("published"), edition=said)


@pytest.fixture
def folder(published: PublishedDataset) -> Path:
    return published.directory

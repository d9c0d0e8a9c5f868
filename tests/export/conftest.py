from __future__ import annotations

from pathlib import Path

import pytest
from made_zones import MadeZone, build, make_zones

from workbench.export.release import Release


@pytest.fixture(scope="session")
def zones() -> list[MadeZone]:
    return make_zones()


@pytest.fixture(scope="session")
def release(zones: list[MadeZone], tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release in both layouts; tests must not change it."""
    return build(zones, tmp_path_factory.mktemp("releases"))


@pytest.fixture
def damaged(release: Release, tmp_path: Path) -> Path:
    """A copy of the release, for tests that spoil it."""
    import shutil

    return Path(shutil.copytree(release.path, tmp_path / release.name))

"""What can be told, shown and published of a release that withholds labels."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from made_zones import build, make_zones

from workbench.dataset import publish_dataset, read_edition
from workbench.errors import ReleaseError
from workbench.export import Release, subset_release, verify_release
from workbench.export.choosing import choose_patches
from workbench.export.diff import diff_releases
from workbench.export.figures import measure_release
from workbench.export.leakage import leaks_of
from workbench.export.rules import DEFAULTS
from workbench.export.wanted import Wanted
from workbench.workflows.reporting import write_report

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return build(make_zones(), tmp_path_factory.mktemp("releases"))


@pytest.fixture(scope="module")
def shown(whole: Release, tmp_path_factory: pytest.TempPathFactory) -> Release:
    out = tmp_path_factory.mktemp("challenge")
    return subset_release(whole, name="OPEN", out=out, wanted=Wanted(), withhold_test=True).release


@pytest.fixture(scope="module")
def apart(shown: Release) -> set[str]:
    """Return the ids of the patches whose labels are withheld."""
    return {patch.id for patch in shown.patches() if patch.splits["split_1"] == "test"}


def test_figures_count_the_labels_that_are_here_and_say_how_many_are_not(
    whole: Release, shown: Release, apart: set[str]
) -> None:
    figures = measure_release(shown, pixels=False)
    found, before = figures.inventory, measure_release(whole, pixels=False).inventory
    assert found.whole.withheld == len(apart) * 512**2 > 0
    assert found.whole.all_pixels == before.whole.all_pixels
    assert found.sets["split_1"]["train"].pixels.tolist() == before.sets["split_1"]["train"].pixels.tolist()
    assert not found.sets["split_1"]["test"].pixels.any()
    assert f"labels of {found.whole.withheld:,} withheld" in figures.text()


def test_no_patch_is_looked_at_whose_labels_nobody_may_see(
    shown: Release, apart: set[str], tmp_path: Path
) -> None:
    looked = {patch.id for patch in choose_patches(shown, wanted=100)}
    assert looked == {patch.id for patch in shown.patches()} - apart
    write_report(shown.path, tmp_path / "report.html", pixels=False, say=lambda _: None)
    assert "kept apart in OPEN-SEALED" in (tmp_path / "report.html").read_text()


def test_it_is_published_and_says_what_is_withheld(shown: Release, apart: set[str], tmp_path: Path) -> None:
    edition = read_edition(title="A challenge", published=date(2026, 1, 31), licence="etalab-2.0")
    done = publish_dataset(shown.path, tmp_path, edition=edition)
    assert verify_release(done.directory).sound
    previewed = pq.read_table(done.directory / "preview.parquet", columns=["id"]).column("id").to_pylist()
    assert set(previewed) == {patch.id for patch in shown.patches()} - apart
    for name in ("README.md", "datasheet.md"):
        told = (done.directory / name).read_text()
        assert "withheld, for a challenge" in told
        assert "Every pixel is labelled" not in told


def test_leaks_are_found_in_it_and_no_difference_is_made_up(whole: Release, shown: Release) -> None:
    assert leaks_of(shown, rules=DEFAULTS).leaks == leaks_of(whole, rules=DEFAULTS).leaks
    for pair in ((whole, shown), (shown, whole)):
        with pytest.raises(ReleaseError, match="withholds labels, so nobody can tell what changed"):
            diff_releases(*pair)

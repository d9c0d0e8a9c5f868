from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from workbench.campaign import Campaign
from workbench.documents import validate
from workbench.errors import CampaignError
from workbench.export import open_release
from workbench.workflows.demo import free_directory, load_sample_maker, run_demo


@pytest.fixture
def maker(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the sample data maker with a plan of two zones of one patch, so that the test stays short."""
    maker = load_sample_maker()
    plans = [replace(plan, size=512) for plan in maker.sample_campaign_plan()[1:3]]
    monkeypatch.setattr(maker, "sample_campaign_plan", lambda: tuple(plans))
    return maker


def test_the_demo_ends_with_a_verified_release_of_accepted_zones(maker: ModuleType, tmp_path: Path) -> None:
    said: list[str] = []
    outcome = run_demo(tmp_path / "demo", say=said.append)
    assert outcome.verified
    document = {"format": "ocs-workbench/demo", "format_version": 1} | outcome.document()
    validate(document, "outputs/demo", source="demo")
    assert all(zone["accuracy"] >= 0.95 for zone in outcome.zones)
    release = open_release(outcome.release)
    campaign = Campaign.open(tmp_path / "demo" / "campaign")
    assert [patch.zone for patch in release.patches()] == [zone.id for zone in campaign.zones()]
    for patch in release.patches():
        zone = campaign.zone(patch.zone)
        with campaign.open_store(zone) as store:
            assert (release.labels(patch) == store.labels[patch.window.slices]).all()
    assert all("scripted" not in path.read_text() for path in outcome.release.glob("*.json"))
    assert "workbench annotate" in outcome.text()


def test_the_demo_leaves_a_full_directory_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(CampaignError, match="not an empty directory"):
        run_demo(tmp_path, say=lambda message: None)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_second_demo_goes_beside_the_first(tmp_path: Path) -> None:
    wish = tmp_path / "workbench-demo"
    assert free_directory(wish) == wish
    wish.mkdir()
    assert free_directory(wish) == tmp_path / "workbench-demo-2"

"""A report is written: what is refused before any work, what the campaign adds, what lies beside it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from made_orthos import MakeOrtho
from made_zones import sealed_again

from workbench.campaign import Campaign
from workbench.errors import ReleaseError
from workbench.export import verify_release
from workbench.export.release import Release
from workbench.geo.zone import Zone
from workbench.workflows.intake import add_zone
from workbench.workflows.labelling import label_zone
from workbench.workflows.publishing import ReleaseOrder, publish
from workbench.workflows.release_comparing import compare_releases
from workbench.workflows.reporting import write_report
from workbench.workflows.standing import review_zone

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")


def quiet(message: str) -> None:
    """Say nothing."""


@pytest.fixture
def zone(campaign: Campaign, make_ortho: MakeOrtho) -> Zone:
    image, mask = make_ortho()
    return add_zone(campaign, image, domain="D051_2019", name="Z1_AA", mask=mask, author="marie").zone


@pytest.fixture
def release(campaign: Campaign, zone: Zone, tmp_path: Path) -> Release:
    return publish(campaign, ReleaseOrder(name="FR_V0.1", out=tmp_path / "releases"), say=quiet)


def untold(release: Release) -> None:
    """Have a release be one that knew nothing of the origin of labels."""
    path = release.path / "release.json"
    card = json.loads(path.read_text())
    for entry in card["zones"]:
        del entry["origins"]
    path.write_text(json.dumps(card))
    sealed_again(release.path)


def test_a_missing_library_is_one_sentence_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "jinja2" else there(name))
    with pytest.raises(
        ReleaseError, match=r"needs jinja2; install them: pip install ocs-workbench\[release\]"
    ):
        write_report(tmp_path / "nothing", tmp_path / "report.html", say=quiet)


def test_nothing_is_replaced_that_is_no_page(release: Release, tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    output.write_text("my notes")
    for overwrite, told in (
        (False, "exists already"),
        (True, "does not say that it is a report"),
    ):
        with pytest.raises(ReleaseError, match=told):
            write_report(release.path, output, overwrite=overwrite, say=quiet)
    assert output.read_text() == "my notes"
    output.unlink()
    write_report(release.path, output, say=quiet)
    first = output.read_bytes()
    write_report(release.path, output, overwrite=True, say=quiet)
    assert output.read_bytes() == first


def test_the_campaign_tells_what_an_older_release_does_not(
    campaign: Campaign, release: Release, tmp_path: Path
) -> None:
    untold(release)
    output = tmp_path / "report.html"
    write_report(release.path, output, say=quiet)
    assert "No zone of this release tells" in output.read_text()
    write_report(release.path, output, campaign=campaign, overwrite=True, say=quiet)
    page = output.read_text()
    assert "The campaign told of the labels of 1 of its zones." in page
    assert "in 1 of 1 zone;" in page
    assert "marie" not in page


def test_labels_that_changed_since_are_not_told_as_those_of_the_release(
    campaign: Campaign, zone: Zone, release: Release, tmp_path: Path
) -> None:
    untold(release)
    review_zone(campaign, zone, author="paul", verdict="send-back", reason="a pond")
    line = json.dumps({"polygon": [[0, 0], [0, 90], [90, 90], [90, 0]], "class": "water"})
    label_zone(campaign, zone, author="paul", lines=[line], on_edit=lambda *_: None)
    said: list[str] = []
    write_report(release.path, tmp_path / "report.html", campaign=campaign, say=said.append)
    assert said == ["D051_2019/Z1_AA has other labels now than were released, or the release does not tell"]
    assert "No zone of this release tells" in (tmp_path / "report.html").read_text()


def test_releases_before_it_are_found_beside_it(
    campaign: Campaign, release: Release, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    image, mask = make_ortho(row=9 * 512, seed=2, name="other")
    add_zone(campaign, image, domain="D052_2019", name="Z1_AA", mask=mask)
    built = publish(
        campaign, ReleaseOrder(name="FR_V0.2", out=tmp_path / "releases", parent=release.path), say=quiet
    )
    write_report(built.path, tmp_path / "report.html", say=quiet)
    page = (tmp_path / "report.html").read_text()
    assert "1 came: D052_2019/Z1_AA" in page
    assert page.index('<td class="w">FR_V0.1</td>') < page.index('<td class="w">FR_V0.2</td>')
    release.path.rename(tmp_path / "gone")
    write_report(built.path, tmp_path / "report.html", overwrite=True, say=quiet)
    assert "FR_V0.1 is not beside this release" in (tmp_path / "report.html").read_text()


def test_a_page_is_not_written_under_the_name_of_something_else(release: Release, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"x.pdf would be a page of HTML .*; name it x\.html, and print"):
        write_report(release.path, tmp_path / "x.pdf", say=quiet)
    with pytest.raises(ReleaseError, match=r"name it x\.html"):
        compare_releases(release.path, release.path, page=tmp_path / "x.png")
    assert not [*tmp_path.glob("x.*")]


def test_a_page_is_not_written_into_a_release(release: Release, tmp_path: Path) -> None:
    inside = release.path / "FLAIR1"
    with pytest.raises(ReleaseError, match="which never changes; choose a folder beside it"):
        write_report(release.path, inside / "report.html", say=quiet)
    for name in ("notes", "page"):
        output = inside / {"notes": "changes.md", "page": "diff.html"}[name]
        with pytest.raises(ReleaseError, match="which never changes; choose a folder beside it"):
            compare_releases(release.path, release.path, **{name: output})
    assert verify_release(release.path).sound

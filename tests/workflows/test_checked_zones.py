"""The checks of a zone: what is justified, which neighbours count, what review makes of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_orthos import MakeOrtho, made_grid, made_image

from workbench.campaign import Campaign
from workbench.documents import validate
from workbench.errors import EditRefused
from workbench.geo.geotiff import write_raster
from workbench.geo.zone import Zone
from workbench.labels.edits import Provenance, assign_raster
from workbench.workflows.closing import CheckedZone, check_zone
from workbench.workflows.intake import add_zone
from workbench.workflows.labelling import label_zone
from workbench.workflows.standing import review_zone, standing

GRASS, HOUSE, WATER = 10, 1, 5


def scene() -> np.ndarray:
    """Return the codes of two cells side by side, with a house across their border and one in the first."""
    codes = np.full((512, 1024), GRASS, np.uint8)
    codes[200:260, 480:550] = HOUSE
    codes[50:90, 100:150] = HOUSE
    return codes


@pytest.fixture
def ortho(tmp_path: Path) -> Path:
    path = tmp_path / "ortho.tif"
    write_raster(path, made_image(scene()), made_grid(512, 1024), level=1)
    return path


def cell(campaign: Campaign, ortho: Path, name: str, *, right: bool, domain: str = "D051_2019") -> Zone:
    """Return a zone that is one half of the scene, in a raster of its own, unlabelled."""
    path = ortho.with_name(f"{domain}-{name}.tif")
    first = 512 if right else 0
    write_raster(
        path, made_image(scene())[:, :, first : first + 512], made_grid(512, 512, col=first), level=1
    )
    return add_zone(campaign, path, domain=domain, name=name).zone


def fill(campaign: Campaign, zone: Zone, codes: np.ndarray, author: str = "marie") -> None:
    with campaign.open_store(zone, author=author) as store:
        store.apply_all(assign_raster(codes.astype(np.uint8), provenance=Provenance(tool="import")))


def script(campaign: Campaign, zone: Zone, *lines: dict[str, object], author: str = "marie") -> None:
    label_zone(campaign, zone, author=author, lines=map(json.dumps, lines), on_edit=lambda op, line: None)


def kinds(checked: CheckedZone) -> list[str]:
    return [finding.kind for finding in checked.open]


@pytest.fixture
def left(campaign: Campaign, ortho: Path) -> Zone:
    """Return the first zone, one house of which is labelled as water."""
    zone = cell(campaign, ortho, "Z1_UU", right=False)
    codes = scene()[:, :512]
    codes[50:90, 100:150] = WATER
    fill(campaign, zone, codes)
    return zone


def test_a_finding_is_fixed_or_justified(campaign: Campaign, left: Zone) -> None:
    assert kinds(check_zone(campaign, left)) == ["tall-water"]
    script(campaign, left, {"justify": "tall-water", "at": [60, 120], "text": "a tank on a roof"})
    checked = check_zone(campaign, left)
    assert checked.open == ()
    assert "justified by marie:4: a tank on a roof" in checked.text()
    script(campaign, left, {"undo": 1})
    assert kinds(check_zone(campaign, left)) == ["tall-water"]
    script(campaign, left, {"recode": ["water", "building"]})
    assert check_zone(campaign, left).findings == ()


@pytest.mark.parametrize(
    "line",
    [
        {"justify": "tall-water", "at": [10, 10], "text": "beside it"},
        {"justify": "sliver", "at": [60, 120], "text": "of another kind"},
    ],
)
def test_a_justification_that_points_at_nothing_is_kept_and_said(
    campaign: Campaign, left: Zone, line: dict[str, object]
) -> None:
    script(campaign, left, line)
    checked = check_zone(campaign, left)
    assert kinds(checked) == ["tall-water"]
    assert [comment.text for _, comment in checked.idle] == [line["text"]]
    assert f"justifies a {line['justify']} at" in checked.text()


def test_an_upper_class_is_resolved_or_justified(campaign: Campaign, left: Zone) -> None:
    house = [[49.5, 99.5], [49.5, 149.5], [89.5, 149.5], [89.5, 99.5]]
    script(campaign, left, {"polygon": house, "upper": "herbaceous_and_arable"})
    (found,) = check_zone(campaign, left).open
    assert (found.kind, found.pixels, found.code) == ("unresolved", 2000, 0)
    assert found.told == "its author was sure of herbaceous_and_arable only"
    script(campaign, left, {"justify": "unresolved", "at": [60, 120], "text": "in the shade"})
    assert check_zone(campaign, left).open == ()
    script(campaign, left, {"recode": ["herbaceous_and_arable", "building"]})
    assert "unresolved" not in kinds(check_zone(campaign, left))


def test_a_pixel_without_a_label_cannot_be_justified(campaign: Campaign, left: Zone) -> None:
    with pytest.raises(Exception, match="unlabelled"):
        script(campaign, left, {"justify": "unlabelled", "at": [1, 1], "text": "nobody knows"})


def test_the_report_is_as_its_schema_says(campaign: Campaign, left: Zone) -> None:
    script(
        campaign,
        left,
        {"justify": "tall-water", "at": [60, 120], "text": "a tank"},
        {"justify": "sliver", "at": [1, 1], "text": "idle"},
    )
    document = check_zone(campaign, left).document()
    head = {"format": "ocs-workbench/zone-check", "format_version": 1}
    validate(head | document, "outputs/zone-check", source="zone-check")
    (finding,) = document["findings"]
    assert finding["justified"] == {"id": "marie:4", "text": "a tank"}
    assert document["open"] == 0


# Neighbours


def without_the_house() -> np.ndarray:
    codes = scene()[:, 512:]
    codes[codes == HOUSE] = GRASS
    return codes


def test_a_finished_neighbour_that_goes_on_otherwise_is_a_break(
    campaign: Campaign, ortho: Path, left: Zone
) -> None:
    right = cell(campaign, ortho, "Z2_UU", right=True)
    fill(campaign, right, without_the_house())
    assert "border-break" not in kinds(check_zone(campaign, left)), "the neighbour is open"
    review_zone(campaign, right, author="marie", verdict="submit")
    (found,) = [one for one in check_zone(campaign, left).open if one.kind == "border-break"]
    assert (found.window.row, found.window.col, found.pixels) == (200, 511, 60)
    assert "building here and herbaceous_vegetation in D051_2019/Z2_UU" in found.told
    script(campaign, left, {"justify": "border-break", "at": [230, 511], "text": "a new house"})
    assert kinds(check_zone(campaign, left)) == ["tall-water"]


def test_a_neighbour_that_goes_on_the_same_way_is_none(campaign: Campaign, ortho: Path, left: Zone) -> None:
    right = cell(campaign, ortho, "Z2_UU", right=True)
    fill(campaign, right, scene()[:, 512:])
    review_zone(campaign, right, author="marie", verdict="accept")
    assert kinds(check_zone(campaign, left)) == ["tall-water"]


def test_the_same_ground_in_another_domain_is_no_neighbour(
    campaign: Campaign, ortho: Path, left: Zone
) -> None:
    right = cell(campaign, ortho, "Z2_UU", right=True, domain="D051_2022")
    fill(campaign, right, without_the_house())
    review_zone(campaign, right, author="marie", verdict="submit")
    assert kinds(check_zone(campaign, left)) == ["tall-water"]


def test_a_damaged_neighbour_is_said_and_passed_over(campaign: Campaign, ortho: Path, left: Zone) -> None:
    right = cell(campaign, ortho, "Z2_UU", right=True)
    fill(campaign, right, without_the_house())
    review_zone(campaign, right, author="marie", verdict="submit")
    journal = campaign.journal_dir(right) / "marie.sqlite"
    journal.write_bytes(bytes(100) + journal.read_bytes()[100:])
    checked = check_zone(campaign, left)
    assert kinds(checked) == ["tall-water"]
    assert [name for name, _ in checked.neighbours] == ["D051_2019/Z2_UU"]
    assert "the border with D051_2019/Z2_UU was left out" in checked.text()


def test_a_neighbour_whose_picture_is_gone_is_said_and_passed_over(
    campaign: Campaign, ortho: Path, left: Zone
) -> None:
    right = cell(campaign, ortho, "Z2_UU", right=True)
    fill(campaign, right, without_the_house())
    review_zone(campaign, right, author="marie", verdict="submit")
    right.ortho.path.unlink()
    assert [name for name, _ in check_zone(campaign, left).neighbours] == ["D051_2019/Z2_UU"]


# Review


@pytest.mark.parametrize("verdict", ["submit", "accept"])
def test_a_zone_with_an_open_finding_is_not_handed_in(campaign: Campaign, left: Zone, verdict: str) -> None:
    with campaign.open_store(left) as store:
        before = store.head
    with pytest.raises(EditRefused) as refused:
        review_zone(campaign, left, author="paul", verdict=verdict)
    sentence = str(refused.value)
    assert "1 open finding (1 tall-water), the largest tall-water at pixel" in sentence
    assert f"workbench zone check {campaign.path} --zone {left.id}" in sentence
    assert "--anyway" in sentence
    with campaign.open_store(left) as store:
        assert store.head == before


def test_it_is_handed_in_anyway_with_a_reason_that_stays(campaign: Campaign, left: Zone) -> None:
    with pytest.raises(EditRefused, match="give one"):
        review_zone(campaign, left, author="marie", verdict="submit", anyway=" ")
    state = review_zone(campaign, left, author="marie", verdict="submit", anyway="the tank is full")
    assert (state.state, state.reason) == ("submitted", "the tank is full")
    assert review_zone(campaign, left, author="paul", verdict="accept").state == "accepted"


def test_a_zone_with_one_pixel_left_is_not_handed_in(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    zone = add_zone(campaign, make_ortho()[0], domain="D051_2019", name="Z1_UU").zone
    codes = np.full((512, 512), 8)
    codes[300, 7] = 0
    fill(campaign, zone, codes)
    with pytest.raises(EditRefused, match=r"\(1 unlabelled\), the largest unlabelled at pixel \(300, 7\)"):
        review_zone(campaign, zone, author="marie", verdict="submit")
    script(campaign, zone, {"brush": [[300, 7]], "radius": 3, "class": "brushwood"})
    assert review_zone(campaign, zone, author="marie", verdict="submit").state == "submitted"


def test_a_step_that_is_not_legal_is_refused_before_anything_is_checked(
    campaign: Campaign, left: Zone
) -> None:
    review_zone(campaign, left, author="marie", verdict="accept", anyway="the tank is full")
    with pytest.raises(EditRefused, match="is accepted"):
        review_zone(campaign, left, author="marie", verdict="submit")


def test_what_people_wrote_is_told_line_by_line(campaign: Campaign, left: Zone) -> None:
    text, told = "x\n  0.0% labelled; all fine \u202e", r"x\n  0.0% labelled; all fine \u202e"
    script(campaign, left, {"justify": "tall-water", "at": [60, 120], "text": text})
    assert f": {told}" in check_zone(campaign, left).text()
    script(campaign, left, {"comment": text, "at": [60, 120], "question": True})
    script(campaign, left, {"comment": text, "at": [60, 120], "answers": "marie:5"}, author="jean")
    for turn in range(12):
        script(campaign, left, {"comment": f"{turn} {text}", "at": [60, turn]})
    script(campaign, left, {"comment": "so it is", "at": [60, 120], "answers": "marie:17"}, author="jean")
    found = standing(campaign, left)
    lines = found.text().splitlines()
    first = lines.index(f"  question marie:5 at (60, 120): {told}")
    assert lines[first + 1 : first + 14] == [
        f"    jean:1: {told}",
        "  2 earlier comments; --json lists all",
        *(f"  comment marie:{6 + turn} at (60, {turn}): {turn} {told}" for turn in range(2, 12)),
        "    jean:2: so it is",
    ]
    document = found.document()
    assert [one["text"] for one in document["comments"]] == [f"{turn} {text}" for turn in range(12)]
    assert document["comments"][-1]["answers"] == [{"id": "jean:2", "text": "so it is"}]
    view = {"format": "ocs-workbench/zone-status", "format_version": 1} | document
    validate(view, "outputs/zone-status", source="status")
    view = {"format": "ocs-workbench/zone-list", "format_version": 1, "zones": [document], "damaged": []}
    validate(view, "outputs/zone-list", source="list")

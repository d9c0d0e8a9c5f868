"""Why a release changed: each pixel by the edit that it is due to, or by none that anybody knows."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_orthos import MakeOrtho
from made_zones import sealed_again

from workbench.campaign import Campaign
from workbench.errors import CampaignError
from workbench.export import Release, build_release
from workbench.export.diff import diff_releases
from workbench.export.patches import codes_digest
from workbench.geo.grid import Window, parse_lattice
from workbench.geo.zone import Zone
from workbench.labels.edits import Provenance, assign
from workbench.workflows.intake import add_zone
from workbench.workflows.labelling import label_zone
from workbench.workflows.publishing import ReleaseOrder, publish, release_sources
from workbench.workflows.release_reasons import Reasons, explain
from workbench.workflows.standing import review_zone
from workbench.workflows.zone_history import Cause

BOX = Window(row=40, col=60, height=30, width=50)
Edit = Callable[[Campaign, Zone], object]


def quiet(*_: object) -> None:
    """Say nothing."""


@pytest.fixture
def zone(campaign: Campaign, make_ortho: MakeOrtho) -> Zone:
    image, mask = make_ortho()
    return add_zone(campaign, image, domain="D051_2019", name="Z1_AA", mask=mask).zone


def released(campaign: Campaign, tmp_path: Path, name: str, **options: object) -> Release:
    return publish(
        campaign, ReleaseOrder(name=name, out=tmp_path / "out", layouts=["flair-hub"], **options), say=quiet
    )


def edited(campaign: Campaign, zone: Zone, *edits: Edit) -> None:
    """Have an accepted zone sent back, edited, and accepted again."""
    review_zone(campaign, zone, author="paul", verdict="send-back", reason="<b>a pond</b> is missing")
    for edit in edits:
        edit(campaign, zone)
    review_zone(campaign, zone, author="jean", verdict="submit", anyway="a made zone")
    review_zone(campaign, zone, author="paul", verdict="accept")


def script(author: str, *lines: dict[str, object]) -> Edit:
    def edit(campaign: Campaign, zone: Zone) -> None:
        label_zone(campaign, zone, author=author, lines=map(json.dumps, lines), on_edit=quiet)

    return edit


def box(window: Window) -> list[list[int]]:
    """Return the polygon that holds the pixels of a window."""
    top, left, bottom, right = window.row, window.col, window.row_stop - 1, window.col_stop - 1
    return [[top, left], [top, right], [bottom, right], [bottom, left]]


def painted(window: Window, code: int, tool: str, *, author: str = "jean", model: str | None = None) -> Edit:
    def edit(campaign: Campaign, zone: Zone) -> None:
        with campaign.open_store(zone, author=author) as store:
            made = Provenance(tool=tool, model=model)
            store.apply(assign(np.ones(window.shape, dtype=bool), window, code, made))

    return edit


def undo(campaign: Campaign, zone: Zone) -> None:
    with campaign.open_store(zone, author="jean") as store:
        store.undo()


def codes(campaign: Campaign, zone: Zone) -> np.ndarray:
    with campaign.open_store(zone) as store:
        return store.labels.copy()


def pixels(reasons: Reasons) -> dict[Cause, int]:
    return {one.cause: one.pixels for one in reasons.explained if one.pixels}


@pytest.mark.parametrize(
    ("edit", "cause"),
    [
        (painted(BOX, 14, "brush"), Cause(kind="hand", about="brush")),
        (painted(BOX, 14, "import", author="import"), Cause(kind="import")),
        (painted(BOX, 14, "recode"), Cause(kind="recoding")),
        (painted(BOX, 14, "accept-all", model="unet@1"), Cause(kind="prelabels", about="unet@1")),
        (painted(BOX, 14, "accept", model="unet@1"), Cause(kind="prelabels", about="unet@1")),
        (painted(BOX, 0, "brush"), Cause(kind="hand", about="brush")),
    ],
    ids=["hand", "import", "recoding", "pre-labels", "one pre-label", "erased"],
)
def test_a_change_is_told_by_the_edit_that_made_it(
    campaign: Campaign, zone: Zone, tmp_path: Path, edit: Edit, cause: Cause
) -> None:
    before = released(campaign, tmp_path, "V0.1")
    edited(campaign, zone, edit)
    reasons = explain(diff_releases(before, released(campaign, tmp_path, "V0.2")), campaign)
    assert pixels(reasons) == {cause: BOX.height * BOX.width}
    assert [one.ops for one in reasons.explained] == [1]
    assert reasons.unexplained == 0


def test_each_pixel_counts_for_the_edit_that_stands_on_it(
    campaign: Campaign, zone: Zone, tmp_path: Path
) -> None:
    before, there = released(campaign, tmp_path, "V0.1"), codes(campaign, zone)
    inner = Window(row=50, col=70, height=5, width=8)
    same = Window(row=45, col=62, height=2, width=2)
    edits = [painted(BOX, 14, "brush"), painted(inner, 13, "polygon", author="anne")]
    edits.append(painted(same, int(there[45, 62]), "line"))
    edited(campaign, zone, *edits)
    diff = diff_releases(before, released(campaign, tmp_path, "V0.2"))
    reasons, now = explain(diff, campaign), codes(campaign, zone)
    back = int((now[same.slices] == there[same.slices]).sum())
    assert pixels(reasons) == {
        Cause(kind="hand", about="brush"): BOX.height * BOX.width - inner.height * inner.width - 4,
        Cause(kind="hand", about="polygon"): inner.height * inner.width,
        **({Cause(kind="hand", about="line"): 4 - back} if back < 4 else {}),
    }
    assert sum(pixels(reasons).values()) == diff.transitions.changed == int((now != there).sum())


def test_what_is_undone_after_a_release_is_told_as_that(
    campaign: Campaign, zone: Zone, tmp_path: Path
) -> None:
    edited(campaign, zone, painted(BOX, 14, "brush"))
    before = released(campaign, tmp_path, "V0.1")
    edited(campaign, zone, undo)
    reasons = explain(diff_releases(before, released(campaign, tmp_path, "V0.2")), campaign)
    assert pixels(reasons) == {Cause(kind="undo"): BOX.height * BOX.width}
    assert reasons.unexplained == 0


def test_an_edit_that_is_undone_again_changes_nothing(campaign: Campaign, zone: Zone, tmp_path: Path) -> None:
    before = released(campaign, tmp_path, "V0.1")
    edited(campaign, zone, painted(BOX, 14, "brush"), undo)
    diff = diff_releases(before, released(campaign, tmp_path, "V0.2"))
    reasons = explain(diff, campaign)
    assert (len(diff.changed), pixels(reasons), reasons.unexplained) == (0, {}, 0)
    assert {one.cause.kind: one.ops for one in reasons.explained} == {"hand": 1, "undo": 1}


def test_what_a_ruling_asked_for_is_told_by_it_and_nothing_else(
    campaign: Campaign, zone: Zone, tmp_path: Path
) -> None:
    """The label where it was asked, given the ruled class by who had read it; elsewhere it is a hand."""
    edited(campaign, zone, painted(BOX, 14, "brush"))
    before = released(campaign, tmp_path, "V0.1")
    elsewhere = Window(row=300, col=300, height=4, width=4)
    edited(
        campaign,
        zone,
        script("jean", {"comment": "snow or a roof?", "at": [50, 80], "question": True}),
        script("anne", {"comment": "a roof", "at": [50, 80], "answers": "jean:3", "ruling": "building"}),
        script("jean", {"polygon": box(BOX), "class": "building"}),
        script("jean", {"polygon": box(elsewhere), "class": "swimming_pool"}),
    )
    reasons = explain(diff_releases(before, released(campaign, tmp_path, "V0.2")), campaign)
    assert pixels(reasons) == {
        Cause(kind="ruling", about="building"): BOX.height * BOX.width,
        Cause(kind="hand", about="polygon"): 16,
    }


def test_who_had_not_read_a_ruling_does_not_follow_it(campaign: Campaign, zone: Zone, tmp_path: Path) -> None:
    edited(campaign, zone, painted(BOX, 14, "brush"))
    before = released(campaign, tmp_path, "V0.1")
    edited(
        campaign,
        zone,
        script("jean", {"comment": "snow or a roof?", "at": [50, 80], "question": True}),
        script("jean", {"polygon": box(BOX), "class": "building"}),
        script("anne", {"comment": "a roof", "at": [50, 80], "answers": "jean:3", "ruling": "building"}),
    )
    reasons = explain(diff_releases(before, released(campaign, tmp_path, "V0.2")), campaign)
    assert pixels(reasons) == {Cause(kind="hand", about="polygon"): BOX.height * BOX.width}


def test_people_and_their_reasons_are_told_under_pseudonyms(
    campaign: Campaign, zone: Zone, tmp_path: Path
) -> None:
    edited(campaign, zone, painted(BOX, 13, "brush"))  # before the first release: told of no more
    before = released(campaign, tmp_path, "V0.1")
    edited(
        campaign,
        zone,
        script("jean", {"comment": "snow?", "at": [50, 80], "question": True}),
        script("anne", {"comment": "a roof", "at": [50, 80], "answers": "jean:3", "ruling": "building"}),
        script("anne", {"comment": "never mind", "at": [9, 9], "answers": "jean:3", "ruling": "water"}),
        script("anne", {"undo": 1}),
        painted(BOX, 14, "brush"),
    )
    reasons = explain(diff_releases(before, released(campaign, tmp_path, "V0.2")), campaign)
    (found,) = reasons.zones
    paul, anne, jean = (campaign.pseudonym(name) for name in ("paul", "anne", "jean"))
    assert [(one.kind, one.by, one.text) for one in found.remarks] == [
        ("sent_back", paul, "<b>a pond</b> is missing"),
        ("ruling", anne, "a roof"),
        ("submitted", jean, "a made zone"),
    ]
    assert found.remarks[1].question == "snow?"
    text = json.dumps(reasons.document())
    assert not any(name in text for name in ("paul", "anne", "jean"))


def tampered(campaign: Campaign, tmp_path: Path, name: str, code: int) -> Release:
    """Return a release in which one pixel is none of the journals'."""
    sources = []
    for source in release_sources(campaign, say=quiet):
        labels = source.labels()
        labels[7, 9] = code
        sources.append(
            replace(source, labels=lambda labels=labels: labels.copy(), labels_sha256=codes_digest(labels))
        )
    return build_release(
        sources,
        name=name,
        out=tmp_path / "out",
        nomenclature=campaign.nomenclature,
        software="0",
        layouts=["flair-hub"],
    )


def test_a_pixel_that_no_journal_explains_is_counted(campaign: Campaign, zone: Zone, tmp_path: Path) -> None:
    before = released(campaign, tmp_path, "V0.1")
    edited(campaign, zone, painted(BOX, 14, "brush"))
    diff = diff_releases(before, tampered(campaign, tmp_path, "V0.2", 13))
    reasons = explain(diff, campaign)
    assert pixels(reasons) == {Cause(kind="hand", about="brush"): BOX.height * BOX.width}
    assert (reasons.unexplained, reasons.unexplained_pixels) == (1, 1)
    assert reasons.zones[0].unexplained[0].patch == "D051-2019_Z1--AA_1-1"


def test_an_edit_does_not_explain_another_class_than_it_gave(
    campaign: Campaign, zone: Zone, tmp_path: Path
) -> None:
    before = released(campaign, tmp_path, "V0.1")
    edited(campaign, zone, painted(Window(row=0, col=0, height=20, width=20), 14, "brush"))
    reasons = explain(diff_releases(before, tampered(campaign, tmp_path, "V0.2", 13)), campaign)
    assert pixels(reasons) == {Cause(kind="hand", about="brush"): 399}
    assert reasons.unexplained_pixels == 1


def test_a_release_that_was_no_state_of_the_journals_is_explained_by_none(
    campaign: Campaign, zone: Zone, tmp_path: Path
) -> None:
    before = tampered(campaign, tmp_path, "V0.1", 13)
    edited(campaign, zone, painted(Window(row=0, col=0, height=20, width=20), 14, "brush"))
    reasons = explain(diff_releases(before, released(campaign, tmp_path, "V0.2")), campaign)
    assert (pixels(reasons)[Cause(kind="hand", about="brush")], reasons.unexplained_pixels) == (399, 1)


def test_the_journals_of_another_campaign_explain_nothing(
    campaign: Campaign, zone: Zone, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    before = released(campaign, tmp_path, "V0.1")
    edited(campaign, zone, painted(BOX, 14, "brush"))
    diff = diff_releases(before, released(campaign, tmp_path, "V0.2"))
    other = Campaign.create(tmp_path / "other")
    reasons = explain(diff, other)
    assert reasons.zones[0].problem == f"{other.path} has no zone {zone.id}"
    image, mask = make_ortho(name="again")
    add_zone(other, image, domain="D051_2019", name="Z1_AA", mask=mask)
    reasons = explain(diff, other)
    assert "no journal of person-" in reasons.zones[0].problem
    assert (reasons.unexplained, reasons.unexplained_pixels) == (1, BOX.height * BOX.width)
    ours = Campaign.create(tmp_path / "third", nomenclature="ign-urbain")
    with pytest.raises(CampaignError, match=r"labels with ign-urbain .* V0.2 with flair-19"):
        explain(diff, ours)


def test_a_zone_that_was_cut_anew_since_is_explained_by_nothing(
    campaign: Campaign, zone: Zone, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    """The campaign has a zone of that name, on other ground than the release's patches."""
    before = released(campaign, tmp_path, "V0.1")
    edited(campaign, zone, painted(BOX, 14, "brush"))
    diff = diff_releases(before, released(campaign, tmp_path, "V0.2"))
    again = Campaign.create(tmp_path / "again", carries_on=campaign)
    image, mask = make_ortho(1024, 512, row=2048, name="elsewhere")
    other = add_zone(again, image, domain="D051_2019", name="Z1_AA", mask=mask).zone
    edited(again, other, painted(BOX, 14, "brush"))
    reasons = explain(diff, again)
    assert "reaches outside the raster" in reasons.zones[0].problem
    assert (reasons.unexplained, reasons.unexplained_pixels) == (1, BOX.height * BOX.width)


def test_releases_the_wrong_way_round_are_said(campaign: Campaign, zone: Zone, tmp_path: Path) -> None:
    before = released(campaign, tmp_path, "V0.1")
    edited(campaign, zone, painted(BOX, 14, "brush"))
    diff = diff_releases(released(campaign, tmp_path, "V0.2"), before)
    reasons = explain(diff, campaign)
    assert "give the older release first" in reasons.zones[0].problem
    assert reasons.unexplained == 1


def test_journals_know_what_layouts_show_alike(campaign: Campaign, zone: Zone, tmp_path: Path) -> None:
    """Some *other*, some unlabelled pixels: no label shows which of them changed."""
    first, second = (Window(row=row, col=60, height=5, width=8) for row in (40, 50))
    edited(campaign, zone, painted(first, 0, "brush"), painted(second, 19, "brush"))
    before = released(campaign, tmp_path, "V0.1")
    edited(campaign, zone, painted(first, 19, "line"), painted(second, 0, "line"))
    diff = diff_releases(before, released(campaign, tmp_path, "V0.2"))
    assert (diff.transitions.changed, diff.transitions.untold, diff.patches.labels) == (0, 80, 1)
    reasons = explain(diff, campaign)
    assert (pixels(reasons), reasons.unexplained) == ({Cause(kind="hand", about="line"): 80}, 0)


def test_a_class_of_another_name_is_due_to_the_nomenclature(
    campaign: Campaign, zone: Zone, tmp_path: Path
) -> None:
    """The release before was made when water was called otherwise; nobody touched it, but for a box of it."""
    old = released(campaign, tmp_path, "V0.1")
    water = int((codes(campaign, zone) == 5).sum())
    document = json.loads((old.path / "nomenclature.json").read_text().replace('"water"', '"open_water"'))
    (old.path / "nomenclature.json").write_text(json.dumps(document | {"version": "0.9.0"}))
    index = old.path / "index.parquet"
    import pyarrow.parquet as pq

    table = pq.read_table(index)
    names = [one.replace("pixels_water", "pixels_open_water") for one in table.column_names]
    pq.write_table(table.rename_columns(names), index)
    edited(campaign, zone, painted(BOX, 14, "brush"))
    inside = int((old.labels(old.patches()[0])[BOX.slices] == 5).sum())
    diff = diff_releases(sealed_again(old.path), released(campaign, tmp_path, "V0.2"))
    assert water > 0
    reasons = explain(diff, campaign)
    expected = {
        Cause(kind="hand", about="brush"): BOX.height * BOX.width,
        Cause(kind="nomenclature"): water - inside,
    }
    assert (pixels(reasons), reasons.unexplained) == (expected, 0)


def test_coarser_pixels_are_explained_by_the_edit_with_most_ground_in_them(
    campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    image, mask = make_ortho(1024, 1024)
    zone = add_zone(campaign, image, domain="D051_2019", name="Z1_AA", mask=mask).zone
    lattice = parse_lattice("25@0.5")
    before = released(campaign, tmp_path, "V0.1", lattice=lattice)
    edited(campaign, zone, painted(Window(row=300, col=300, height=101, width=77), 14, "brush"))
    diff = diff_releases(before, released(campaign, tmp_path, "V0.2", lattice=lattice))
    reasons = explain(diff, campaign)
    assert diff.transitions.changed > 1000
    assert (pixels(reasons), reasons.unexplained) == (
        {Cause(kind="hand", about="brush"): diff.transitions.changed},
        0,
    )


def test_a_picture_of_the_same_raster_that_is_another_one_is_unexplained(
    campaign: Campaign, zone: Zone, tmp_path: Path
) -> None:
    first = released(campaign, tmp_path, "V0.1")
    copy = Path(shutil.copytree(first.path, tmp_path / "V0.2"))
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(copy / "index.parquet")
    place = table.column_names.index("image_sha256")
    changed = table.set_column(place, "image_sha256", pa.array(["1" * 64] * len(table)))
    pq.write_table(changed, copy / "index.parquet")
    diff = diff_releases(first, sealed_again(copy))
    reasons = explain(diff, campaign)
    assert (diff.patches.pictures, reasons.unexplained, reasons.unexplained_pixels) == (1, 1, 0)
    assert reasons.zones[0].unexplained[0].picture


def test_causes_of_zones_add_up(campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path) -> None:
    zones = []
    for number in (1, 2):
        image, mask = make_ortho(col=1024 * number, name=f"scene{number}")
        zones.append(add_zone(campaign, image, domain="D051_2019", name=f"Z{number}_AA", mask=mask).zone)
    before = released(campaign, tmp_path, "V0.1")
    for zone in zones:
        edited(campaign, zone, painted(BOX, 14, "brush"))
    reasons = explain(diff_releases(before, released(campaign, tmp_path, "V0.2")), campaign)
    summed: Counter[Cause] = Counter()
    for one in (one for zone in reasons.zones for one in zone.explained):
        summed[one.cause] += one.pixels
    assert dict(summed) == pixels(reasons) == {Cause(kind="hand", about="brush"): 2 * BOX.height * BOX.width}
    assert [zone.zone for zone in reasons.zones] == [zone.id for zone in zones]

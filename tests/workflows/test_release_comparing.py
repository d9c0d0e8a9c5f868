"""What a maintainer gets of two releases: words, a changelog, a page."""

from __future__ import annotations

import base64
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from made_orthos import MakeOrtho

from workbench.campaign import Campaign
from workbench.documents import validate
from workbench.errors import ReleaseError
from workbench.export import open_release
from workbench.export.subset import subset_release
from workbench.export.wanted import Wanted
from workbench.export.withdrawing import release_without
from workbench.geo.zone import Zone
from workbench.workflows.changelog import changelog
from workbench.workflows.intake import add_zone
from workbench.workflows.labelling import label_zone
from workbench.workflows.publishing import ReleaseOrder, publish
from workbench.workflows.recoding import recode
from workbench.workflows.release_comparing import compare_releases
from workbench.workflows.standing import review_zone

EVIL = "</p><script>alert('x')</script> | <img src=http://x.org/y.png>"
SQUARE = [[10, 10], [10, 49], [49, 49], [49, 10]]


def quiet(*_: object) -> None:
    """Say nothing."""


def edit(campaign: Campaign, zone: Zone, *lines: dict[str, object]) -> None:
    review_zone(campaign, zone, author="paul", verdict="send-back", reason=EVIL)
    label_zone(campaign, zone, author="jean", lines=map(json.dumps, lines), on_edit=quiet)
    review_zone(campaign, zone, author="jean", verdict="submit", anyway="a made zone")
    review_zone(campaign, zone, author="paul", verdict="accept")


@pytest.fixture
def campaign(campaign: Campaign, make_ortho: MakeOrtho) -> Campaign:
    """A campaign of a zone of two patches and one of one, released; then a square in each patch is snow."""
    for name, height in (("Z1_AA", 1024), ("Z2_AA", 512)):
        image, mask = make_ortho(height, 512, col=512 * len(campaign.zones()), name=name)
        add_zone(campaign, image, domain="D051_2019", name=name, mask=mask)
    out = campaign.path.parent / "R"
    publish(campaign, ReleaseOrder(name="V0.1", out=out), say=quiet)
    first, second = campaign.zones()
    lower = [[row + 600, col] for row, col in SQUARE[:2]] + [
        [row + 600, col // 2 + 5] for row, col in SQUARE[2:]
    ]
    edit(campaign, first, {"polygon": SQUARE, "class": "snow"}, {"polygon": lower, "class": "snow"})
    edit(campaign, second, {"polygon": [[9, 9], [9, 12], [12, 12], [12, 9]], "class": "swimming_pool"})
    publish(
        campaign, ReleaseOrder(name="V0.1.1", out=out, layouts=["flair-hub"], parent=out / "V0.1"), say=quiet
    )
    return campaign


@pytest.fixture
def folder(campaign: Campaign) -> Path:
    return campaign.path.parent / "R"


class Page(HTMLParser):
    """The tags and words of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


def test_the_changelog_says_what_changed_where_and_why(
    campaign: Campaign, folder: Path, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.md"
    found = compare_releases(folder / "V0.1", folder / "V0.1.1", campaign=campaign, notes=notes)
    text, changed = notes.read_text(), found.diff.transitions.changed
    assert text.partition("\n\n")[2].startswith("# V0.1.1: what changed since V0.1\n")
    assert f"labels changed in 3 patches (100 %): {changed:,} pixels" in text
    largest = found.diff.transitions.moves()[0]
    assert f"| {largest.before} | snow | {largest.pixels:,} |" in text
    assert "| D051_2019/Z1_AA | 2 | 0 |" in text
    assert f"labelled by hand (polygon) | 3 | {changed:,} |" in text
    assert "layout flair1 removed" in text
    assert "Every patch that changed is explained by the journals." in text
    assert text.index("D051_2019/Z1_AA") < text.index("D051_2019/Z2_AA")


def test_a_changelog_of_nothing_explains_nothing(campaign: Campaign, folder: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.md"
    compare_releases(folder / "V0.1.1", folder / "V0.1.1", campaign=campaign, notes=notes)
    assert "nothing changed" in notes.read_text()
    assert "explained" not in notes.read_text()
    assert "## Why" not in notes.read_text()


def test_two_changelogs_of_the_same_have_the_same_bytes(
    campaign: Campaign, folder: Path, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        compare_releases(
            folder / "V0.1",
            folder / "V0.1.1",
            campaign=campaign,
            notes=tmp_path / f"{name}.md",
            page=tmp_path / f"{name}.html",
        )
    assert (tmp_path / "a.md").read_bytes() == (tmp_path / "b.md").read_bytes()
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_without_a_campaign_the_cards_say_whose_heads_moved(
    campaign: Campaign, folder: Path, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.md"
    found = compare_releases(folder / "V0.1", folder / "V0.1.1", notes=notes)
    assert found.sound
    assert f"heads moved: {campaign.pseudonym('jean')} 0 → 2" in notes.read_text()
    assert f"heads moved: {campaign.pseudonym('jean')} 0 → 1" in found.text()
    assert "## Why" not in notes.read_text()


def test_the_page_is_one_file_that_fetches_and_runs_nothing_of_others(
    campaign: Campaign, folder: Path, tmp_path: Path
) -> None:
    compare_releases(folder / "V0.1", folder / "V0.1.1", campaign=campaign, page=tmp_path / "p.html")
    text = (tmp_path / "p.html").read_text()
    page = Page(text)
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert any("<script>alert('x')</script>" in words for words in page.words)
    links = [value for _, attrs in page.tags for name, value in attrs.items() if name in ("src", "href")]
    assert links
    assert all((link or "").startswith("data:image/") for link in links)
    assert "default-src 'none'" in text
    assert not re.search(r"url\(|@import", text)


def test_the_page_shows_the_largest_changes_and_lists_the_others(
    campaign: Campaign, folder: Path, tmp_path: Path
) -> None:
    page = tmp_path / "p.html"
    found = compare_releases(folder / "V0.1", folder / "V0.1.1", campaign=campaign, page=page, thumbnails=2)
    read, changed = Page(page.read_text()), list(found.diff.changed)
    assert [attrs.get("class") for tag, attrs in read.tags if tag == "section"] == ["patch", "patch"]
    pictures = [attrs["src"] or "" for tag, attrs in read.tags if tag == "img"]
    assert len(pictures) == 2 * 4
    for kind, begin in (("jpeg", b"\xff\xd8\xff"), ("png", b"\x89PNG")):
        drawn = [
            base64.b64decode(one.partition(",")[2])
            for one in pictures
            if one.startswith(f"data:image/{kind}")
        ]
        assert len(drawn) == 4
        assert all(content.startswith(begin) for content in drawn)
    places = [read.words.index(patch.id) for patch in changed]
    assert places == sorted(places)
    assert "1 more patch" in read.words
    assert changed[0].pixels > changed[1].pixels > changed[2].pixels


def test_the_matrix_of_the_page_has_the_classes_that_changed(
    campaign: Campaign, folder: Path, tmp_path: Path
) -> None:
    page = tmp_path / "p.html"
    found = compare_releases(folder / "V0.1", folder / "V0.1.1", page=page, thumbnails=0)
    told = re.findall(r'title="([\d,]+) pixels"', page.read_text())
    moves = found.diff.transitions.moves()
    assert sorted(int(one.replace(",", "")) for one in told) == sorted(move.pixels for move in moves)
    shown = Page(page.read_text())
    assert not [attrs for tag, attrs in shown.tags if tag == "img"]


def test_nothing_is_written_over_and_nothing_before_all_is_known(
    campaign: Campaign, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "kept.md").write_text("my own notes")
    two = folder / "V0.1", folder / "V0.1.1"
    with pytest.raises(ReleaseError, match="exists already"):
        compare_releases(*two, notes=tmp_path / "kept.md", page=tmp_path / "p.html")
    with pytest.raises(ReleaseError, match="does not say that it is a changelog of the workbench"):
        compare_releases(*two, notes=tmp_path / "kept.md", page=tmp_path / "p.html", overwrite=True)
    assert not (tmp_path / "p.html").exists()
    assert (tmp_path / "kept.md").read_text() == "my own notes"
    for _ in range(2):
        compare_releases(*two, notes=tmp_path / "n.md", page=tmp_path / "p.html", overwrite=True)


def test_without_jinja2_one_sentence_says_what_to_install(
    campaign: Campaign, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(ReleaseError, match=r"pip install 'ocs-workbench\[release\]'"):
        compare_releases(folder / "V0.1", folder / "V0.1.1", page=tmp_path / "p.html")
    assert not (tmp_path / "p.html").exists()
    compare_releases(folder / "V0.1", folder / "V0.1.1", notes=tmp_path / "n.md")


def test_what_is_told_fits_its_schema_and_has_no_names(campaign: Campaign, folder: Path) -> None:
    for asked in (None, campaign):
        found = compare_releases(folder / "V0.1", folder / "V0.1.1", campaign=asked)
        document = {"format": "ocs-workbench/release-diff", "format_version": 1} | found.document()
        validate(document, "outputs/release-diff", source="diff")
        assert "paul" not in json.dumps(document) + found.text()


def test_a_version_that_is_too_low_for_what_changed_is_said(
    campaign: Campaign, make_ortho: MakeOrtho, folder: Path
) -> None:
    image, mask = make_ortho(row=2048, name="more")
    add_zone(campaign, image, domain="D051_2019", name="Z3_AA", mask=mask)
    publish(campaign, ReleaseOrder(name="V0.1.2", out=folder), say=quiet)
    text = compare_releases(folder / "V0.1", folder / "V0.1.2").text()
    assert "its version is 0.1.2, and what changed makes it 0.2.0 at least" in text
    assert "added: D051_2019/Z3_AA (1 patch, 1.05 ha)" in text


def test_a_release_of_derived_labels_is_said_to_be_and_its_version_blames_nobody(
    campaign: Campaign, folder: Path
) -> None:
    recode(folder / "V0.1.1", name="COSIA", out=folder, goal="cosia")
    found = compare_releases(folder / "V0.1", folder / "COSIA")
    told = "COSIA is derived from V0.1.1 by the table flair-19-to-cosia 1.0.0: its classes are those of"
    assert told in found.text()
    assert "derived from V0.1.1" in changelog(found.diff, None)
    for blame in ("at least", "no head"):
        assert blame not in found.text() + changelog(found.diff, None)
    (origin,) = found.document()["origins"]
    assert (origin["kind"], origin["release"], origin["of"]) == ("recode", "COSIA", "V0.1.1")


def test_a_part_of_a_release_says_which_part_it_is_on_either_side(campaign: Campaign, folder: Path) -> None:
    wanted = Wanted(zones=("D051_2019/Z1_AA",))
    subset_release(open_release(folder / "V0.1"), name="PART", out=folder, wanted=wanted)
    for pair in (("V0.1", "PART"), ("PART", "V0.1")):
        text = compare_releases(*(folder / name for name in pair)).text()
        assert "PART is a part of V0.1, with that one's version, of D051_2019/Z1_AA" in text
        assert "at least" not in text


def test_a_release_without_withdrawn_zones_says_which_went(campaign: Campaign, folder: Path) -> None:
    zones = ["D051_2019/Z1_AA"]
    release_without(open_release(folder / "V0.1"), zones, reason="asked for", name="V0.2", out=folder)
    text = compare_releases(folder / "V0.1", folder / "V0.2").text()
    assert "V0.2 is V0.1 without 1 zone that had to go (D051_2019/Z1_AA)" in text

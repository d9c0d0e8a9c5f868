"""The page of a release: whole in itself, escaped, the same bytes twice, and there for odd releases, too."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_zones import MadeZone, build, make_zone

from workbench.export.choosing import choose_patches
from workbench.export.figures import measure_release
from workbench.export.release import Release, open_release
from workbench.export.report.changes import changes_since
from workbench.export.report.sheet import look_at

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from workbench.export.report import Sheet, report_page
from workbench.workflows.recoding import recode

GOLDEN = Path(__file__).parent.parent / "golden" / "release_v1" / "release_v1"
HOSTILE = "<script>alert('$x_1$ & 2')</script>"
AGAIN = """
import sys
from pathlib import Path
from workbench.export.figures import measure_release
from workbench.export.release import open_release
from workbench.export.report import Sheet, report_page
from workbench.export.choosing import choose_patches
from workbench.export.report.sheet import look_at
release = open_release(Path(sys.argv[1]))
looks = [look_at(release, patch) for patch in choose_patches(release, wanted=4)]
sys.stdout.buffer.write(report_page(measure_release(release), Sheet(looks=looks)))
"""


class Page(HTMLParser):
    """The tags, addresses and words of a page."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta", "img", "input", "br"):
            self.open.append(tag)
        for name, value in attrs:
            assert not name.startswith("on"), "nothing is run"
            if name in ("src", "href", "data", "action"):
                self.links.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.words += " " if tag in ("td", "th", "p", "dd") else ""

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words += data


def page(release: Release, *, count: int = 4, pixels: bool = True, **shown: Any) -> bytes:
    looks = [look_at(release, patch) for patch in choose_patches(release, wanted=count)]
    return report_page(measure_release(release, pixels=pixels), Sheet(looks=looks, **shown))


def told(content: bytes) -> str:
    return " ".join(Page(content).words.split())


def camera(zone: MadeZone, name: str) -> MadeZone:
    return replace(zone, source=replace(zone.source, zone=replace(zone.source.zone, camera=name)))


def test_a_page_needs_nothing_from_anywhere(release: Release) -> None:
    content = page(release)
    found = Page(content)
    assert found.open == [], "every tag is closed"
    assert "script" not in found.tags
    assert len(found.links) > 8
    assert all(link.startswith("data:image/") for link in found.links)
    assert not re.search(r"url\(|@import|https?://", content.decode())


def test_a_page_says_what_the_release_is(release: Release) -> None:
    words = told(page(release))
    assert words.count(release.card["content_sha256"]) == 1
    assert f"{release.card['counts']['pixels']:,}" in words
    for warning in release.card["warnings"]:
        assert warning["message"] in words
    for zone in release.card["zones"]:
        assert zone["id"].partition("/")[0] in words
    for one in ("split_1", "prod", "NIR mean", "herbaceous vegetation", "Jensen-Shannon"):
        assert one in words


def test_names_and_reasons_are_text_and_nothing_else(tmp_path: Path) -> None:
    release = build([camera(make_zone(), HOSTILE)], tmp_path)
    card = {
        **release.card,
        "withdrawn": [{"zone": "D001_2020/Z1", "reason": HOSTILE, "since": "0.1.0"}],
        "warnings": [{"kind": "odd", "message": HOSTILE}],
        "parent": {"name": "OLD", "version": "0.0.1", "content_sha256": "0" * 64},
    }
    content = page(replace(release, card=card), notes=[HOSTILE])
    assert "script" not in Page(content).tags
    assert told(content).count(HOSTILE) == 4


def test_titles_of_classes_are_drawn_as_they_are(tmp_path: Path) -> None:
    """Matplotlib takes text between dollars for a formula, and a broken one for an error."""
    release = build([make_zone()], tmp_path)
    figures = measure_release(release, pixels=False)
    known = release.nomenclature
    entry = replace(known.classes[0], titles={"en": r"$\frac$ <b>", "fr": "x"})

    class Titled(Release):
        nomenclature = replace(known, classes=(entry, *known.classes[1:]))

    titled = Titled(path=release.path, card=release.card)
    content = report_page(replace(figures, release=titled), Sheet())
    assert r"$\frac$ <b>" in told(content)


def test_the_same_release_is_the_same_page_in_any_process(release: Release) -> None:
    pages = {page(release)}
    for seed in ("1", "2"):
        env = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", AGAIN, release.path], capture_output=True, check=True, env=env
        )
        pages.add(done.stdout)
    assert len(pages) == 1


def test_a_release_of_format_1_has_a_page() -> None:
    words = told(page(open_release(GOLDEN)))
    assert "format 1" in words
    assert "No zone of this release tells where its labels come from." in words
    assert "how far two people agree is not known" in words


def test_one_class_and_empty_sets_have_a_page(tmp_path: Path) -> None:
    made = make_zone()
    labels = np.full(made.labels.shape, 5, np.uint8)
    one = replace(made, source=replace(made.source, labels=lambda: labels.copy()))
    words = told(page(build([one], tmp_path)))
    assert "5 water 100.0 %" in words
    assert "nothing to learn from" in words, "split_1 is all test"


def test_a_zone_without_any_label_has_a_page(tmp_path: Path) -> None:
    made = make_zone()
    none = np.zeros(made.labels.shape, np.uint8)
    empty = replace(made, source=replace(made.source, labels=lambda: none.copy()))
    assert "262,144 pixels (100.0 %), written as other" in told(page(build([empty], tmp_path)))


def test_pixels_that_were_not_read_are_told_so(release: Release) -> None:
    assert "The pixels were not read for this page." in told(page(release, pixels=False))


def test_what_zones_tell_of_labels_is_shown(release: Release) -> None:
    interval = {"value": 0.91, "low": 0.9, "high": 0.92}
    following = {"edgels": 500, "share": 0.7, "chance": 0.2}
    facts = {
        "origins": {"drawn": 25, "picked": 25, "imported": 0, "kept": 40, "corrected": 10, "untouched": 0},
        "agreement": [{
            "pixels": 100, "same": 91, "overall": interval, "kappa": interval, "borders": {},
            "classes": {"water": {"both": 91, "either": 100}},
            "pairs": [{"classes": ["snow", "water"], "boundary": 3, "class": 6}],
        }],
        "bias": {
            "against": "second", "pixels": 100, "bias": interval, "unsteady": {}, "labels": following,
            "reference": {**following, "share": 0.5},
        },
    }  # fmt: skip
    first, *others = release.card["zones"]
    words = told(page(replace(release, card={**release.card, "zones": [{**first, **facts}, *others]})))
    for one in (
        "in 1 of 6 zones",
        "In 1 zone somebody annotated again",
        "91.0 % have the same class (95 % interval 90.0 – 92.0)",
        "33.3 % is moved borders",
        "snow / water 6 3",
        "0.910 0.900 – 0.920 70.0 50.0",
    ):
        assert one in words


def test_what_changed_since_the_parent_is_told() -> None:
    zone = {"fold": 1, "labels_sha256": "a", "pixels_sha256": "p"}
    before = {
        "zones": [
            {"id": "D001_2020/A", **zone},
            {"id": "D001_2020/B", **zone},
            {"id": "D002_2020/A", **zone},
        ],
        "class_pixels": {"water": 30, "snow": 10, "mixed": 0},
    }
    now = {
        "zones": [
            {"id": "D001_2020/A", **zone, "labels_sha256": "b"},
            {"id": "D002_2020/A", **zone, "fold": 3},
            {"id": "D003_2020/A", **zone},
        ],
        "class_pixels": {"water": 30, "snow": 30, "mixed": 0},
    }
    found = changes_since(before, now)
    assert found.zones_added == ("D003_2020/A",)
    assert found.zones_removed == ("D001_2020/B",)
    assert found.labels_changed == ("D001_2020/A",)
    assert found.pictures_changed == ()
    assert (found.domains_added, found.domains_removed) == (("D003_2020",), ())
    assert found.moved == (("D002_2020", 1, 3),)
    assert found.shares == (("water", 0.75, 0.5), ("snow", 0.25, 0.5))


def test_patches_to_look_at_show_each_class_and_each_domain_if_they_can(release: Release) -> None:
    chosen = choose_patches(release, wanted=3)
    assert len({patch.domain for patch in chosen}) == 3
    every = choose_patches(release, wanted=99)
    assert [patch.id for patch in every] == [patch.id for patch in release.patches()]
    assert choose_patches(release, wanted=0) == []


def test_a_rare_class_is_looked_at(tmp_path: Path) -> None:
    zones = [make_zone("D001_2020", f"Z{n}", east=9 * n, first_number=9 * n + 1) for n in range(8)]
    plain = [np.full((512, 512), 5, np.uint8) for _ in zones]
    plain[6][:100] = 14
    made = [
        replace(zone, source=replace(zone.source, labels=labels.copy))
        for zone, labels in zip(zones, plain, strict=True)
    ]
    chosen = choose_patches(build(made, tmp_path), wanted=2)
    assert "D001_2020/Z6" in {patch.zone for patch in chosen}


def test_a_number_stands_inside_its_class(release: Release) -> None:
    patch = release.patches()[0]
    codes = release.labels(patch)
    codes = np.full_like(codes, 5)
    codes[300:, 200:400] = 14
    shown = replace_labels(release, codes)
    look = look_at(shown, patch)
    assert [code for code, _ in look.shares] == [5, 14]
    for code, right, down in look.numbers:
        assert codes[int(down * 512), int(right * 512)] == code
    assert look.patch.acquired == date(2018, 9, 16)


def replace_labels(release: Release, codes: np.ndarray) -> Release:
    class Labelled(Release):
        def labels(self, patch: Any, *, layout: str | None = None) -> np.ndarray:
            return codes

    return Labelled(path=release.path, card=release.card)


def test_a_page_of_derived_labels_begins_with_it(tmp_path: Path) -> None:
    parent = build([make_zone()], tmp_path, layouts=["flair1"])
    assert "DERIVED" not in report_page(measure_release(parent), Sheet()).decode()
    derived = recode(parent.path, name="FR_15", out=tmp_path, goal="15").release
    page = report_page(measure_release(derived), Sheet()).decode()
    head = page[page.index("<h1>") : page.index("<dl>")]
    assert "The labels are DERIVED" in head
    assert "the release FR_V0.1" in head

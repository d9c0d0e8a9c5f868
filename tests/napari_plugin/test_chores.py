"""Long work of the desk, without Qt: what each piece does, and that a process of its own does it."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_orthos import MakeOrtho

from napari_plugin import chores
from napari_plugin.language import language, speak
from napari_plugin.processes import Report, in_process
from workbench.campaign import Campaign
from workbench.geo.raster import inspect_raster, read_bands
from workbench.workflows.intake import add_zone
from workbench.workflows.segmenting import segment_zones

ONE, TWO = "D051_2019/Z1_AA", "D051_2019/Z2_AA"


@pytest.fixture
def two(campaign: Campaign, make_ortho: MakeOrtho) -> Campaign:
    for place, zone in enumerate((ONE, TWO)):
        image, mask = make_ortho(row=1024 * place, name=f"scene{place}")
        scheme = {"mask": mask, "scheme": "flair"} if place == 0 else {}
        add_zone(campaign, image, domain="D051_2019", name=zone.partition("/")[2], **scheme)
    return campaign


class Told:
    """What work reported."""

    def __init__(self) -> None:
        self.shares: list[float] = []
        self.steps: list[str] = []

    def __call__(self, share: float, what: str) -> None:
        self.shares.append(share)
        self.steps.append(what)


def test_segmenting_reports_how_far_it_is_and_does_nothing_twice(two: Campaign) -> None:
    told = Told()
    assert chores.segment_zone(two.path, ONE, told) > 0
    assert told.shares == sorted(told.shares)
    assert 0 <= told.shares[0] < 0.1 < told.shares[-1] <= 1
    assert all(step.startswith(ONE) for step in told.steps)
    assert chores.segment_zone(two.path, ONE, told) == 0


def test_only_zones_without_regions_are_segmented(two: Campaign) -> None:
    list(segment_zones(two, ONE, say=lambda sentence: None))
    written = two.hierarchy_path(two.zone(ONE)).stat().st_mtime_ns
    told = Told()
    assert chores.segment_missing(two.path, told) == 1
    assert two.hierarchy_path(two.zone(ONE)).stat().st_mtime_ns == written
    assert all(step.startswith(TWO) for step in told.steps)
    assert chores.segment_missing(two.path, told) == 0


def test_progress_over_several_zones_is_that_of_all_of_them(two: Campaign) -> None:
    shares: list[float] = []
    list(
        segment_zones(two, None, say=lambda sentence: None, progress=lambda step, share: shares.append(share))
    )
    assert shares == sorted(shares)
    assert shares[-1] > 0.5 > shares[0]


@pytest.mark.parametrize(("scheme", "other"), [("flair", 19), ("flair_hub", 18)])
def test_labels_are_exported_in_the_numbers_of_a_scheme(
    two: Campaign, tmp_path: Path, scheme: str, other: int
) -> None:
    output = tmp_path / "labels.tif"
    for _ in range(2):  # the file dialog has asked whether to replace it
        told = chores.export_labels(two.path, ONE, output, scheme, Told())
    assert f"100.0% labelled, numbered as {scheme}" in told
    values = read_bands(output)[0]
    with two.open_store(two.zone(ONE)) as store:
        assert (values == two.nomenclature.encode(store.labels, scheme)).all()
    assert inspect_raster(output).grid.coincides(two.zone(ONE).grid)
    chores.export_labels(two.path, TWO, output, scheme, Told())
    assert (read_bands(output) == other).all()


def test_a_release_says_what_it_holds_and_what_stays_out(two: Campaign, tmp_path: Path) -> None:
    told = Told()
    text, left_out = chores.build_release(two.path, "FR_V0.1", tmp_path / "out", ("flair-hub",), told)
    assert "1 patch" in text
    assert len(left_out) == 1
    assert TWO in left_out[0]
    assert (tmp_path / "out" / "FR_V0.1" / "release.json").is_file()
    assert told.shares[-1] == 1


# A process of its own


def answer(number: int, report: Report) -> tuple[int, str]:
    report(0.5, f"half of {number}")
    return number + 1, language()


def test_another_process_gives_the_result_in_the_language_of_this_one() -> None:
    told = Told()
    speak("fr")
    try:
        assert in_process(answer, 41)(told) == (42, "fr")
    finally:
        speak("en")
    assert (0.5, "half of 41") in list(zip(told.shares, told.steps, strict=True))

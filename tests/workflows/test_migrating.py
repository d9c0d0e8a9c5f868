"""Campaigns carried to another nomenclature: whole or nothing, and the old one stays as it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_orthos import MakeOrtho, made_grid, made_image, made_truth

from workbench.campaign import Campaign
from workbench.documents import read_document, shipped, validate, write_document
from workbench.errors import CampaignError, DocumentError, JournalError, NomenclatureError, WorkbenchError
from workbench.export import verify_release
from workbench.geo.geotiff import write_raster
from workbench.geo.grid import Window
from workbench.geo.raster import read_bands
from workbench.geo.zone import Zone
from workbench.labels.edits import AssignMask, Provenance, assign
from workbench.labels.review import zone_state
from workbench.nomenclature import load_crosswalk, load_nomenclature
from workbench.workflows import migrating
from workbench.workflows.admitting import admit, gold_zones, set_gold
from workbench.workflows.intake import add_zone
from workbench.workflows.journals import verify_journals
from workbench.workflows.labelling import export_labels, label_zone
from workbench.workflows.migrating import find_recoding, migrate
from workbench.workflows.migration import Migration
from workbench.workflows.publishing import ReleaseOrder, publish
from workbench.workflows.segmenting import segment_zones
from workbench.workflows.standing import review_zone, standing

TABLE = "ign-urbain-to-flair-19"
MINERAL = {"mineraux": "mineral_ground"}
SQUARE = '{"polygon": [[%d, 10], [%d, 90], [80, 90], [80, 10]], "class": "%s"}'
FLAIR_OF_URBAIN = np.array(
    [0, 1, 17, 10, 3, 0, 4, 5, 13], np.uint8
)  # mineraux unlabelled, below mineral_ground


def quiet(*_: object) -> None:
    """Say nothing."""


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def label(campaign: Campaign, zone: Zone, author: str, *lines: str) -> None:
    label_zone(campaign, zone, author=author, lines=lines, on_edit=quiet)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a campaign of two zones in two domains, one of them labelled in *urbain*; it is only copied."""
    place = tmp_path_factory.mktemp("made")
    campaign = Campaign.create(place / "old", nomenclature="ign-urbain")
    blocks = np.random.default_rng(5).integers(0, 9, (32, 32))
    write_raster(place / "mask.tif", np.kron(blocks, np.ones((16, 16))).astype(np.uint8), made_grid(512, 512))
    for col, name in ((0, "west"), (2048, "east")):
        write_raster(place / f"{name}.tif", made_image(made_truth(512, 512)), made_grid(512, 512, col=col))
    options = {"mask": place / "mask.tif", "scheme": "urbain", "author": "ign"}
    zone = add_zone(campaign, place / "west.tif", domain="D051_2019", name="Z1_AA", **options).zone
    add_zone(campaign, place / "east.tif", domain="D055_2018", name="Z2_UF")
    review_zone(campaign, zone, author="zoe", verdict="send-back", reason="there is a pond")
    label(campaign, zone, "marie", SQUARE % (20, 20, "eau"), SQUARE % (30, 30, "piscine"), '{"undo": 1}')
    label(
        campaign,
        zone,
        "paul",
        '{"comment": "gravel or concrete?", "at": [50, 50], "question": true}',
        '{"comment": "gravel", "at": [50, 50], "answers": "paul:1", "ruling": "mineraux"}',
    )
    return campaign.path


@pytest.fixture
def old(made: Path, tmp_path: Path) -> Campaign:
    return Campaign.open(Path(shutil.copytree(made, tmp_path / "old")))


def carry(old: Campaign, new: Path, *ids: str, table: str | None = TABLE, **options: Any) -> Migration:
    zones = [old.zone(name) for name in ids] if ids else old.zones()
    to, decisions = options.pop("to", None), options.pop("decisions", MINERAL)
    recoding = find_recoding(old, new, table=table, to=to)
    return migrate(old, new, zones=zones, recoding=recoding, decisions=decisions, **options)


def test_labels_arrive_as_the_table_says_and_the_old_campaign_stays(old: Campaign, tmp_path: Path) -> None:
    list(segment_zones(old, "D051_2019/Z1_AA", say=quiet))
    before = files(old.path)
    done = carry(old, tmp_path / "new")
    assert files(old.path) == before
    new = Campaign.open(tmp_path / "new")
    assert new.zones() == old.zones()
    for zone in new.zones():
        assert verify_journals(new, zone, author=None).sound
        with old.open_store(zone) as was, new.open_store(zone) as store:
            assert np.array_equal(store.labels, FLAIR_OF_URBAIN[was.labels])
            assert store.head == was.head
    zone = new.zone("Z1_AA")
    with old.open_store(zone) as was, new.open_store(zone) as store:
        woody, mineral = (int(np.count_nonzero(was.labels == code)) for code in (2, 5))
        assert store.unresolved() == {"mineral_ground": mineral, "woody_vegetation": woody}
    assert new.read_hierarchy(zone).digest == old.read_hierarchy(zone).digest
    with new.open_store(zone) as store:
        assert [(op.id, said.text, said.ruling) for op, said in store.comments()] == [
            ("paul:1", "gravel or concrete?", None),
            ("paul:2", "gravel", "mineral_ground"),
        ]
    with new.open_store(zone, author="marie") as store:
        assert store.redo() is not None
        assert store.labels[35, 50] == 13
    (first, second) = done.zones
    pixels = {one.key: one.pixels for one in first.classes}
    assert pixels["mineraux"] == mineral
    assert pixels == {key: pixels[key] for key in pixels} | standing(old, zone).counts
    journals = [(one.author, one.ops) for one in first.journals]
    assert journals == [("ign", 9), ("marie", 3), ("paul", 2), ("zoe", 1)]
    assert second.classes == second.journals == ()


def test_what_arrives_can_be_exported_and_released(old: Campaign, tmp_path: Path) -> None:
    zone = old.zone("Z1_AA")
    review_zone(old, zone, author="marie", verdict="submit", anyway="of a few squares")
    review_zone(old, zone, author="zoe", verdict="accept")
    carry(old, tmp_path / "new")
    new = Campaign.open(tmp_path / "new")
    export_labels(new, zone, tmp_path / "labels.tif", scheme="flair", overwrite=False)
    values = read_bands(tmp_path / "labels.tif")[0]
    with old.open_store(zone) as store:
        expected = FLAIR_OF_URBAIN[store.labels]
    assert np.array_equal(values, np.where(expected == 0, 19, expected))
    with new.open_store(zone) as store:
        assert zone_state(store).by == "zoe"
    assert verify_release(publish(new, ReleaseOrder(name="V1", out=tmp_path / "out"), say=quiet).path).sound
    with pytest.raises(
        WorkbenchError, match=r"layout flair1 numbers labels as flair.*ign-urbain has no such.*migrate"
    ):
        publish(old, ReleaseOrder(name="V1", out=tmp_path / "none"), say=quiet)
    assert not (tmp_path / "none").exists()
    assert new.pseudonym("zoe") == old.pseudonym("zoe")


def test_folds_and_numbers_go_along(old: Campaign, tmp_path: Path, make_ortho: MakeOrtho) -> None:
    done = carry(old, tmp_path / "new", "Z2_UF")
    new, zone = Campaign.open(tmp_path / "new"), old.zone("Z2_UF")
    assert new.folds() == {"D055_2018": old.folds()["D055_2018"]} == {"D055_2018": 2}
    assert new.patch_numbers(zone) == old.patch_numbers(zone)
    assert done.zones[0].numbers_kept
    carry(old, tmp_path / "new", "Z1_AA")
    assert new.folds() == old.folds()
    assert new.patch_numbers(old.zone("Z1_AA")) == old.patch_numbers(old.zone("Z1_AA"))
    added = add_zone(new, make_ortho(col=8192, name="far")[0], domain="D001_2020", name="Z1").zone
    assert list(new.patch_numbers(added).values()) == [3]


def test_folds_that_are_kept_for_test_go_along_to_a_new_campaign(old: Campaign, tmp_path: Path) -> None:
    old.registry.keep_for_test([2])
    carry(old, tmp_path / "new", "Z2_UF")
    new = Campaign.open(tmp_path / "new")
    assert new.test_folds == {2}
    new.registry.keep_for_test([3])
    carry(old, new.path, "Z1_AA")
    assert new.test_folds == {3}, "a campaign that is there says itself what it tests on"


def test_numbers_that_are_taken_are_given_anew_and_said(
    old: Campaign, tmp_path: Path, make_ortho: MakeOrtho
) -> None:
    new = Campaign.create(tmp_path / "new")
    add_zone(new, make_ortho(col=8192, name="far")[0], domain="D001_2020", name="Z1")
    done = carry(old, new.path)
    assert [one.numbers_kept for one in done.zones] == [False, True]
    numbers = [n for zone in new.zones() for n in new.patch_numbers(zone).values()]
    assert sorted(numbers) == [1, 2, 3]
    assert "new numbers" in done.text()


def test_a_domain_of_another_fold_is_refused(old: Campaign, tmp_path: Path, make_ortho: MakeOrtho) -> None:
    new = Campaign.create(tmp_path / "new")
    add_zone(new, make_ortho(col=8192, name="far")[0], domain="D055_2018", name="Z9")
    before = files(new.path)
    with pytest.raises(CampaignError, match="comes with fold 2, but its domain is in fold 1"):
        carry(old, new.path)
    assert files(new.path) == before


def test_each_undecided_class_is_listed_with_what_uses_it(old: Campaign, tmp_path: Path) -> None:
    document = read_document(shipped("schema") / "crosswalks" / f"{TABLE}.json", schema="crosswalk")
    del document["table"]["eau"]
    document["undecided"]["eau"] = {"candidates": [], "reason": "nobody knows"}
    write_document(document, tmp_path / "table.json", schema="crosswalk")
    with old.open_store(old.zone("Z1_AA")) as store:
        counts = store.counts()
    with pytest.raises(NomenclatureError) as refused:
        carry(old, tmp_path / "new", table=str(tmp_path / "table.json"), decisions={})
    sentence = str(refused.value)
    assert f"mineraux ({counts[5]:,} pixels, 2 ops; could be pervious_surface, " in sentence
    assert f"eau ({counts[7]:,} pixels, 2 ops; no candidate: nobody knows)" in sentence
    assert "--decide mineraux=pervious_surface" in sentence
    assert "--decide eau=CLASS" in sentence
    assert not (tmp_path / "new").exists()


def test_an_undecided_class_that_is_in_no_zone_does_not_block(old: Campaign, tmp_path: Path) -> None:
    done = carry(old, tmp_path / "new", "Z2_UF", decisions={})
    assert list(done.recoding.undecided) == ["mineraux"]
    assert "undecided, and in no zone: mineraux" in done.text()


def test_an_undecided_class_that_was_undone_blocks(old: Campaign, tmp_path: Path) -> None:
    zone = old.zone("Z2_UF")
    label(old, zone, "marie", SQUARE % (20, 20, "mineraux"), '{"undo": 1}')
    with pytest.raises(NomenclatureError, match=r"mineraux \(0 pixels, 1 op;"):
        carry(old, tmp_path / "new", "Z2_UF", decisions={})


def test_merged_classes_settle_conflicts_and_are_said(old: Campaign, tmp_path: Path) -> None:
    zone = old.zone("Z2_UF")
    with old.open_store(zone, author="anne") as anne, old.open_store(zone, author="jean") as jean:
        for store, code in ((anne, 6), (jean, 5)):
            store.apply(square(code))
    done = carry(old, tmp_path / "new", "Z2_UF", decisions={"mineraux": "bare_soil"})
    (found,) = done.zones
    assert (found.conflicts_before, found.conflicts_after) == (100, 0)
    assert done.merged == {"bare_soil": ["sol_nus", "mineraux"]}
    assert "merged into bare_soil: sol_nus, mineraux" in done.text()
    kept = carry(old, tmp_path / "other", "Z2_UF", decisions={"mineraux": "pervious_surface"})
    assert kept.zones[0].conflicts_after == 100
    assert kept.merged == {}


def square(code: int) -> AssignMask:
    window = Window(row=5, col=5, height=10, width=10)
    return assign(np.ones(window.shape, np.bool_), window, code, Provenance(tool="brush"))


def damaged(old: Campaign, tmp_path: Path) -> None:
    journal = old.journal_dir(old.zone("Z1_AA")) / "marie.sqlite"
    journal.write_bytes(journal.read_bytes()[:2000] + bytes(300) + journal.read_bytes()[2300:])


def missing(old: Campaign, tmp_path: Path) -> None:
    (old.journal_dir(old.zone("Z1_AA")) / "ign.sqlite").unlink()


def taken(old: Campaign, tmp_path: Path) -> None:
    carry(old, tmp_path / "new", "Z1_AA")


def full(old: Campaign, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "thesis.txt").write_text("years of work")


BAD_RUNS: dict[str, tuple[Callable[[Campaign, Path], None], str, type[WorkbenchError], str]] = {
    "a damaged journal": (damaged, "new", JournalError, "marie.sqlite.*journal doctor"),
    "a journal that is gone": (
        missing,
        "new",
        JournalError,
        "no journal holds op ign:.*put the newer ign.sqlite back",
    ),
    "a zone that is there": (
        taken,
        "new",
        CampaignError,
        "new has D051_2019/Z1_AA already, carried",
    ),
    "a full directory": (full, "new", CampaignError, "not an empty directory"),
    "inside the old one": (quiet, "old/zones/new", CampaignError, "lies inside the campaign"),
    "the old one": (quiet, "old", CampaignError, "is labelled with ign-urbain"),
    "around the old one": (quiet, ".", CampaignError, "holds the campaign"),
}


@pytest.mark.parametrize("case", BAD_RUNS)
def test_a_refused_run_changes_nothing(old: Campaign, tmp_path: Path, case: str) -> None:
    prepare, place, error, reason = BAD_RUNS[case]
    prepare(old, tmp_path)
    before = files(tmp_path)
    with pytest.raises(error, match=reason) as refused:
        carry(old, tmp_path / place)
    assert "\n" not in str(refused.value)
    assert files(tmp_path) == before


def test_one_failing_zone_leaves_nothing_of_the_others(
    old: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    label(old, old.zone("Z2_UF"), "marie", SQUARE % (20, 20, "eau"))
    real = migrating.write_journal

    def full_disk(path: Path, meta: Any, rows: Any) -> None:
        if "Z2_UF" in meta.subject.zone:
            raise OSError(28, "No space left on device")
        real(path, meta, rows)

    monkeypatch.setattr(migrating, "write_journal", full_disk)
    for there in (False, True):
        if there:
            (tmp_path / "new").mkdir()
        with pytest.raises(OSError, match="No space left"):
            carry(old, tmp_path / "new")
        assert (tmp_path / "new").exists() == there
        assert files(tmp_path / "new") == {}
    (tmp_path / "new").rmdir()
    monkeypatch.undo()
    carry(old, tmp_path / "new", "Z1_AA")
    monkeypatch.setattr(migrating, "write_journal", full_disk)
    before = files(tmp_path / "new")
    with pytest.raises(OSError, match="No space left"):
        carry(old, tmp_path / "new", "Z2_UF")
    assert files(tmp_path / "new") == before


def test_an_edit_meanwhile_is_noticed(old: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Campaign.create

    def slow(*arguments: Any, **options: Any) -> Campaign:
        label(old, old.zone("Z1_AA"), "marie", SQUARE % (40, 40, "batiment"))
        return real(*arguments, **options)

    monkeypatch.setattr(Campaign, "create", slow)
    with pytest.raises(CampaignError, match="was edited while it was carried over; run it again"):
        carry(old, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_zone_that_would_show_something_else_is_not_written(
    old: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "recoded", lambda op, recoding: op)
    with pytest.raises(CampaignError, match="would not show what ign-urbain-to-flair-19"):
        carry(old, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def version(path: Path, number: str, change: Callable[[dict[str, Any]], object] = quiet) -> str:
    document = load_nomenclature("flair-19").document() | {"version": number}
    change(document)
    write_document(document, path / f"flair-{number}.json", schema="nomenclature")
    return str(path / f"flair-{number}.json")


def one_more(document: dict[str, Any]) -> None:
    last = dict(document["classes"][0], code=20, key="solar_panel", confused_with=[])
    document["classes"].append(last | {"values": {"flair": 20, "flair_hub": 20, "cosia_numero": 20}})


@pytest.fixture
def flair(tmp_path: Path, make_ortho: MakeOrtho) -> Campaign:
    campaign = Campaign.create(tmp_path / "flair")
    image, mask = make_ortho()
    zone = add_zone(campaign, image, domain="D051_2019", name="Z1_AA", mask=mask).zone
    review_zone(campaign, zone, author="zoe", verdict="send-back", reason="there are trees")
    label(
        campaign, zone, "marie", '{"brush": [[70, 20], [75, 40]], "radius": 4, "upper": "woody_vegetation"}'
    )
    return campaign


def test_a_later_version_of_the_same_nomenclature_takes_no_table(flair: Campaign, tmp_path: Path) -> None:
    to = version(tmp_path, "1.1.0", one_more)
    carry(flair, tmp_path / "new", table=None, to=to, decisions={})
    new = Campaign.open(tmp_path / "new")
    assert new.nomenclature.version == "1.1.0"
    (zone,) = new.zones()
    with flair.open_store(zone) as before, new.open_store(zone) as after:
        assert np.array_equal(after.labels, before.labels)
        assert after.unresolved() == before.unresolved() != {}
    label(new, zone, "marie", SQUARE % (20, 20, "solar_panel"))
    assert verify_journals(new, zone, author=None).sound
    with pytest.raises(
        NomenclatureError, match=r"1.0.0 is no continuation of 1.1.0: solar_panel \(20\) is missing"
    ):
        carry(new, tmp_path / "back", table=None, to="flair-19", decisions={})


def test_a_version_that_breaks_its_promise_is_refused_class_by_class(flair: Campaign, tmp_path: Path) -> None:
    def shuffle(document: dict[str, Any]) -> None:
        document["classes"][0]["code"], document["classes"][1]["code"] = 2, 1
        snow = document["classes"].pop(13)
        assert snow["key"] == "snow"
        document["classes"][3]["confused_with"].remove("snow")

    to = version(tmp_path, "2.0.0", shuffle)
    with pytest.raises(NomenclatureError) as refused:
        carry(flair, tmp_path / "new", table=None, to=to, decisions={})
    assert str(refused.value) == (
        "flair-19 2.0.0 is no continuation of 1.0.0: building (1) has code 2, "
        "pervious_surface (2) has code 1, snow (14) is missing; say by a table what these classes become"
    )
    document = read_document(shipped("schema") / "crosswalks" / "flair-19-to-15.json", schema="crosswalk")
    document |= {"name": "flair-1-to-2", "target": "flair-19", "groups": [], "undecided": {}}
    keys = [entry.key for entry in load_nomenclature(to).classes]
    document["targets"] = [
        dict(document["targets"][0], key=entry.key, value=entry.code) | {"parent": None}
        for entry in load_nomenclature(to).classes
    ]
    document["table"] = {key: key for key in keys} | {"snow": "other"}
    write_document(document, tmp_path / "table.json", schema="crosswalk")
    with pytest.raises(
        NomenclatureError, match=r"woody_vegetation \(.*an upper class that flair-1-to-2 does not name"
    ):
        carry(flair, tmp_path / "new", table=str(tmp_path / "table.json"), to=to, decisions={})
    decisions = {"woody_vegetation": "woody_vegetation"}
    carry(flair, tmp_path / "new", table=str(tmp_path / "table.json"), to=to, decisions=decisions)
    new = Campaign.open(tmp_path / "new")
    (zone,) = new.zones()
    assert standing(new, zone).counts == standing(flair, zone).counts
    assert standing(new, zone).unresolved == standing(flair, zone).unresolved


def changed_table(path: Path, change: Callable[[dict[str, Any]], object]) -> str:
    document = read_document(shipped("schema") / "crosswalks" / f"{TABLE}.json", schema="crosswalk")
    change(document)
    (path / "table.json").write_text(json.dumps(document))
    return str(path / "table.json")


BAD_TABLES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "an unknown key": (
        lambda d: d["table"].update(forest="water"),
        "there is no class of ign-urbain 'forest'",
    ),
    "an unknown target": (lambda d: d["table"].update(eau="sea"), "there is no target 'sea'"),
    "a class left out": (lambda d: d["table"].pop("eau"), "'eau' has no target and is not undecided"),
    "another source": (lambda d: d.update(source="ign-naf"), "starts from ign-naf, not from ign-urbain"),
    "another target": (lambda d: d.update(target="flair-15"), "no nomenclature 'flair-15'"),
    "another code": (
        lambda d: d["targets"][4].update(value=99),
        "'water' has value 99, its code in flair-19 is 5",
    ),
    "a target of nobody": (
        lambda d: d["targets"].append({**d["targets"][4], "key": "sea", "value": 77}),
        "'sea'",
    ),
    "a group of nobody": (lambda d: d["groups"].append({**d["groups"][0], "key": "hills"}), "'hills'"),
    "no table": (lambda d: d.clear(), "'table' is a required property"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_a_bad_table_is_refused(old: Campaign, tmp_path: Path, case: str) -> None:
    change, reason = BAD_TABLES[case]
    path = changed_table(tmp_path, change)
    with pytest.raises((DocumentError, NomenclatureError), match=reason):
        carry(old, tmp_path / "new", table=path)
    assert not (tmp_path / "new").exists()


def test_only_what_is_undecided_is_decided_and_only_for_what_is_there(old: Campaign, tmp_path: Path) -> None:
    for decisions, reason in (
        ({"eau": "bare_soil"}, "'eau' is not undecided; undecided: mineraux"),
        ({"forest": "water"}, "'forest' is not undecided"),
        ({"mineraux": "sea"}, "flair-19 has no class or upper class 'sea'; it has building, "),
    ):
        with pytest.raises(NomenclatureError, match=reason):
            carry(old, tmp_path / "new", decisions=decisions)
    assert not (tmp_path / "new").exists()


def test_a_campaign_of_another_nomenclature_is_no_target(old: Campaign, tmp_path: Path) -> None:
    naf = Campaign.create(tmp_path / "naf", nomenclature="ign-naf")
    with pytest.raises(CampaignError, match=r"labelled with ign-naf 1.0.0, not with flair-19;"):
        carry(old, naf.path)
    later = Campaign.create(tmp_path / "later", nomenclature=version(tmp_path, "1.1.0", one_more))
    with pytest.raises(CampaignError, match=r"labelled with flair-19 1.1.0, not with flair-19 1.0.0"):
        carry(old, later.path, to="flair-19")
    carry(old, later.path)  # the table holds for a nomenclature that only grew
    assert len(later.zones()) == 2


def test_another_nomenclature_takes_a_table(old: Campaign, tmp_path: Path) -> None:
    with pytest.raises(NomenclatureError, match="flair-19 is no version of ign-urbain; say by a table"):
        carry(old, tmp_path / "new", table=None, to="flair-19")


def test_a_campaign_of_an_earlier_version_is_carried(tmp_path: Path) -> None:
    golden = Path(__file__).resolve().parents[1] / "golden" / "campaign_v1"
    old = Campaign.open(Path(shutil.copytree(golden, tmp_path / "old")))
    (zone,) = old.zones()
    carry(old, tmp_path / "new", table=None, to="flair-19", decisions={})
    new = Campaign.open(tmp_path / "new")
    with old.open_store(zone) as before, new.open_store(zone) as after:
        assert np.array_equal(after.labels, before.labels)
        assert [op.id for op in after.ops] == [op.id for op in before.ops]
        assert replace(zone_state(after), heads=()) == replace(zone_state(before), heads=())
    assert new.read_image(zone).shape == (1, 512, 512), "a picture inside the old campaign stays there"


@pytest.mark.parametrize("name", ["ign-naf", "ign-urbain"])
def test_the_shipped_tables_hold_against_flair(name: str, tmp_path: Path) -> None:
    flair, crosswalk = load_nomenclature("flair-19"), load_crosswalk(f"{name}-to-flair-19")
    assert {target.key: target.value for target in crosswalk.targets} == {
        c.key: c.code for c in flair.classes
    }
    assert {group.key: group.fallback for group in crosswalk.groups} == {
        g.key: g.fallback for g in flair.groups
    }
    for target in crosswalk.targets:
        entry = flair.by_key(target.key)
        assert (target.titles, target.colour, target.parent) == (entry.titles, entry.colour, entry.parent)
    recoding = find_recoding(
        Campaign.create(tmp_path / "c", nomenclature=name), tmp_path / "n", table=crosswalk.name, to=None
    )
    assert len(recoding.undecided) == 1


def gold_and_admitted(old: Campaign) -> None:
    """Make a zone gold, admit two people and have half of the zones annotated twice."""
    zone = old.zone("Z1_AA")
    review_zone(old, zone, author="marie", verdict="submit", anyway="for the test")
    review_zone(old, zone, author="paul", verdict="accept")
    set_gold(old, zone, 0.8)
    old.draw(0.5)
    for author in ("marie", "paul"):
        admit(old, author, reason="was there from the first day")


def test_gold_zones_admissions_and_double_annotation_go_along(old: Campaign, tmp_path: Path) -> None:
    gold_and_admitted(old)
    done = carry(old, tmp_path / "new")
    new = Campaign.open(tmp_path / "new")
    assert gold_zones(new) == gold_zones(old) == {"D051_2019/Z1_AA": 0.8}
    assert new.registry.rows("admissions") == old.registry.rows("admissions")
    assert new.double_share == 0.5
    assert list(map(new.drawn, new.zones())) == list(map(old.drawn, old.zones()))
    label(new, new.zone("Z2_UF"), "marie", SQUARE % (20, 20, "water"))
    with pytest.raises(CampaignError, match="jean is not admitted"):
        label(new, new.zone("Z2_UF"), "jean", SQUARE % (20, 20, "water"))
    document = {"format": "ocs-workbench/zone-migrate", "format_version": 1} | done.document()
    validate(document, "outputs/zone-migrate", source="migrate")
    assert [one["gold"] for one in document["zones"]] == [0.8, None]
    assert (document["admitted"], document["not_admitted"]) == (["marie", "paul"], [])
    assert document["double_share"] == {"source": 0.5, "target": 0.5}
    told = done.text()
    for line in (
        "    a gold zone here, too: 80% of",
        "  admitted here, too: marie, paul",
        "  a share of 0.5 of",
    ):
        assert line in told


def test_what_does_not_go_along_to_a_campaign_that_was_there_is_said(old: Campaign, tmp_path: Path) -> None:
    gold_and_admitted(old)
    new = Campaign.create(tmp_path / "new")
    done = carry(old, new.path)
    assert gold_zones(new) == {"D051_2019/Z1_AA": 0.8}
    assert new.registry.rows("admissions") == []
    assert new.double_share == 0
    assert (done.admitted, done.not_admitted, done.double_share) == ((), ("marie", "paul"), (0.5, 0))
    told = done.text()
    assert f"  admitted in {old.path} and not here: marie, paul; as long as" in told
    assert f"here 0 are: workbench campaign double {new.path} --share 0.5" in told


def test_of_what_was_never_decided_nothing_is_said(old: Campaign, tmp_path: Path) -> None:
    told = carry(old, tmp_path / "new").text()
    for word in ("gold zone", "admitted", "double annotation"):
        assert word not in told

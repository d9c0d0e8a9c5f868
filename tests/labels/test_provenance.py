"""Provenance: every pixel names its edit, and time is counted as a person would."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from label_cases import FOOTPRINT, PICK, open_store, rectangle

from workbench.errors import EditRefused
from workbench.geo.grid import Window
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import AssignMask, Protect, Provenance, assign_raster
from workbench.labels.influence import influences
from workbench.labels.prelabels import Chosen
from workbench.labels.proposed import Group
from workbench.labels.provenance import effort, prelabel_fates, sources
from workbench.labels.review import accept

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_each_pixel_names_the_edit_that_gave_its_class(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        store.apply(rectangle(5, 6, 4, 4, 7))
        store.apply(rectangle(5, 6, 4, 4, 3))  # nothing of the first is left
        store.apply(rectangle(7, 6, 2, 2, 8))
    with open_store(tmp_path, "jean") as store:
        store.apply(rectangle(5, 6, 1, 1, 2))
        numbers, table = sources(store)
        assert [source.op.id for source in table] == ["marie:2", "marie:3", "jean:1"]
        assert [source.pixels for source in table] == [11, 4, 1]
        for source in table:
            assert (store.labels[numbers == source.number] == source.code).all()
            assert (numbers == source.number).sum() == source.pixels
        assert np.array_equal(numbers > 0, store.last_op > 0)
        assert table[0].op.scale == PICK.scale


def test_pauses_are_no_work_and_a_clock_that_goes_back_costs_nothing(tmp_path: Path) -> None:
    seconds = [0, 30, 90, 90 + 3600, 60, 100]
    times = iter([NOON + timedelta(seconds=second) for second in (0, *seconds, 0)])
    with open_store(tmp_path, "marie", clock=lambda: next(times)) as store:
        for code in (7, 7, 3, 3, 7, 3):
            store.apply(rectangle(5, 6, 2, 2, code))
        total, classes = effort(store.ops, sources(store)[1])
        assert total.minutes == pytest.approx((30 + 60 + 40) / 60)
        assert classes[7].minutes == pytest.approx(0.5)
        assert classes[3].minutes == pytest.approx(100 / 60)
        assert (total.gestures, dict(total.tools)) == (6, {"pick": 6})
        assert (classes[3].pixels, classes[7].pixels) == (4, 0)
        # The order of ops is that of the lamports, whatever the clock says.
        assert (store.labels[5:7, 6:8] == 3).all()
    with open_store(tmp_path, "marie") as again:
        assert (again.labels[5:7, 6:8] == 3).all()
        again.undo()
        assert (again.labels[5:7, 6:8] == 7).all()


def test_an_import_costs_nobodys_time_and_a_gesture_counts_once(tmp_path: Path) -> None:
    codes = np.where(FOOTPRINT, 5, 0).astype(np.uint8)
    with open_store(tmp_path, "marie") as store:
        store.apply_all(assign_raster(codes, provenance=Provenance(tool="import"), tile=5))
        store.apply_all([rectangle(5, 6, 1, 1, 7), rectangle(9, 9, 1, 1, 7)])
        total, classes = effort(store.ops, sources(store)[1])
        assert total.gestures == classes[7].gestures == 1
        assert classes[5].gestures == 0
        assert total.pixels == FOOTPRINT.sum()


def fates(store: AnnotationStore) -> dict[str, int]:
    found: Counter[str] = Counter()
    for source in sources(store)[1]:
        found[source.prelabel] += source.pixels
    return dict(found)


def test_what_became_of_a_prelabel_stands_whatever_its_model_does_later(tmp_path: Path) -> None:
    with open_store(tmp_path, "model-unet") as model:
        model.apply(rectangle(5, 6, 4, 4, 7))
    with open_store(tmp_path, "marie") as marie:
        proposed = marie.prelabels()
        region = Window(row=5, col=6, height=4, width=2), np.ones((4, 2), np.bool_)
        marie.apply_drawn(proposed.accepting(Chosen(region=region, pointed=True)))
        marie.apply(rectangle(5, 8, 4, 1, 3))  # by hand, another class
        marie.apply(rectangle(5, 9, 4, 1, 7))  # by hand, the same
        marie.apply(rectangle(9, 6, 1, 1, 7))  # where nothing was proposed
        assert fates(marie) == {"kept": 12, "corrected": 4, "none": 1}
    with open_store(tmp_path, "model-unet") as model:
        model.undo()
        model.apply(rectangle(5, 6, 5, 4, 3))
    with open_store(tmp_path) as reader:
        assert fates(reader) == {"kept": 12, "corrected": 4, "none": 1}


def test_a_prelabel_that_nobody_had_read_is_none(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as marie:
        with open_store(tmp_path, "model-unet") as model:
            model.apply(rectangle(5, 6, 4, 4, 7))
        marie.apply(rectangle(5, 6, 2, 2, 7))
        marie.refresh()
        marie.apply(rectangle(7, 6, 2, 2, 7))
        assert fates(marie) == {"none": 4, "kept": 4}


def test_of_two_models_the_later_one_counts_that_was_read(tmp_path: Path) -> None:
    for model, code in (("model-a", 7), ("model-b", 3)):
        with open_store(tmp_path, model) as store:
            store.apply(rectangle(5, 6, 2, 2, code))
    with open_store(tmp_path, "marie") as marie:
        marie.apply(rectangle(5, 6, 1, 2, 3))
        marie.apply(rectangle(6, 6, 1, 2, 7))
        assert fates(marie) == {"kept": 2, "corrected": 2}


def test_accepting_leaves_a_label_of_an_upper_class_alone(tmp_path: Path) -> None:
    with open_store(tmp_path, "model-unet") as model:
        model.apply(rectangle(5, 6, 4, 4, 7))
    with open_store(tmp_path, "marie") as marie:
        marie.apply(replace(rectangle(5, 6, 2, 4, 0), upper="herbaceous_and_arable"))
        marie.apply_drawn(marie.prelabels().accepting(Chosen()))
        assert marie.unresolved() == {"herbaceous_and_arable": 8}
        assert (marie.labels[7:9, 6:10] == 7).all()
        marie.apply_drawn(marie.prelabels().accepting(Chosen(over=True)))
        assert marie.unresolved() == {}


def test_a_prelabel_of_an_upper_class_is_listed_and_accepted_like_others(tmp_path: Path) -> None:
    with open_store(tmp_path, "model-unet") as model:
        model.apply(replace(rectangle(5, 6, 2, 2, 0), upper="mineral_ground", confidence=0.7))
        model.apply(replace(rectangle(7, 6, 2, 2, 17), upper="woody_vegetation"))
        model.apply(rectangle(9, 6, 1, 2, 17))
    with open_store(tmp_path, "marie") as marie:
        waiting = [(one.code, one.upper, one.pixels, one.confidence) for one in marie.prelabels().waiting()]
        assert waiting == [
            (0, "mineral_ground", 4, (0.7, 0.7)), (17, "woody_vegetation", 4, None), (17, None, 2, None)
        ]  # fmt: skip
        marie.apply_drawn(marie.prelabels().accepting(Chosen(code=17)))  # the class, not the upper class
        assert np.count_nonzero(marie.labels) == 2
        marie.apply_drawn(marie.prelabels().accepting(Chosen()))
        assert marie.unresolved() == {"mineral_ground": 4, "woody_vegetation": 4}
        assert marie.prelabels().waiting() == ()
        with pytest.raises(EditRefused, match="is what the labels are already"):
            marie.prelabels().accepting(Chosen(over=True))
        marie.apply(rectangle(7, 6, 2, 2, 17))
        marie.apply_drawn(marie.prelabels().accepting(Chosen(over=True)))
        assert marie.unresolved() == {"mineral_ground": 4, "woody_vegetation": 4}


def test_many_prelabels_under_one_pick_and_recoding_are_not_looked_at(tmp_path: Path) -> None:
    with open_store(tmp_path, "model-unet") as model:
        for row in range(5, 9):
            model.apply(rectangle(row, 6, 1, 4, 7))
    one = Window(row=5, col=6, height=1, width=4), np.ones((1, 4), np.bool_)
    two = Window(row=6, col=6, height=2, width=4), np.ones((2, 4), np.bool_)
    with open_store(tmp_path, "marie") as marie:
        marie.apply_drawn(marie.prelabels().accepting(Chosen(region=one, pointed=True)))
        marie.apply_drawn(marie.prelabels().accepting(Chosen(region=two, pointed=True)))
        assert fates(marie) == {"kept": 4, "untouched": 8}
        marie.apply(rectangle(6, 6, 1, 4, 7, Provenance(tool="recode")))
        marie.apply(rectangle(7, 6, 1, 4, 3, Provenance(tool="recode")))
        assert fates(marie) == {"kept": 4, "untouched": 4, "corrected": 4}


def test_a_gesture_of_several_classes_is_one_of_each_and_one_of_the_zone(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as marie:
        marie.apply_all([rectangle(5, 6, 1, 1, 7), rectangle(6, 6, 1, 1, 3), rectangle(7, 6, 1, 1, 3)])
        total, classes = effort(marie.ops, sources(marie)[1])
    assert (total.gestures, classes[7].gestures, classes[3].gestures) == (1, 1, 1)


def test_an_import_and_its_review_are_no_work(tmp_path: Path) -> None:
    ticks = iter(range(0, 600, 30))
    with open_store(tmp_path, "import", clock=lambda: NOON + timedelta(seconds=next(ticks))) as store:
        store.apply(rectangle(5, 6, 1, 1, 7, Provenance(tool="import")))
        accept(store)
        total, _ = effort(store.ops, sources(store)[1])
    assert total.minutes == 0


def test_pixels_in_conflict_are_counted(tmp_path: Path) -> None:
    marie, jean = open_store(tmp_path, "marie"), open_store(tmp_path, "jean")
    marie.apply(rectangle(5, 6, 3, 3, 7))
    jean.apply(rectangle(5, 7, 1, 3, 3))
    for store in (marie, jean):
        store.close()
    with open_store(tmp_path) as reader:
        found = {source.op.author: (source.pixels, source.contested) for source in sources(reader)[1]}
    assert found == {"marie": (9, 2), "jean": (1, 0)}


def test_what_is_protected_does_not_wait_to_be_accepted(tmp_path: Path) -> None:
    with open_store(tmp_path, "model-unet") as model:
        model.apply(rectangle(5, 6, 2, 4, 7))
    with open_store(tmp_path, "marie") as marie:
        marie.apply(Protect(mask=rectangle(5, 6, 1, 4, 1).mask, on=True))
        assert [one.pixels for one in marie.prelabels().waiting()] == [4]
        with pytest.raises(EditRefused, match="the surest of the 1 pre-labels there has no confidence"):
            marie.prelabels().accepting(Chosen(above=0))
        marie.apply_drawn(marie.prelabels().accepting(Chosen()))
        assert np.count_nonzero(marie.labels) == 4
        row = Window(row=5, col=6, height=1, width=4), np.ones((1, 4), bool)
        with pytest.raises(EditRefused, match="is protected or accepted"):
            marie.prelabels().accepting(Chosen(region=row))


def test_what_became_of_a_prelabel_of_an_upper_class(tmp_path: Path) -> None:
    with open_store(tmp_path, "model-unet") as model:
        model.apply(replace(rectangle(5, 6, 2, 4, 0), upper="herbaceous_and_arable"))
        model.apply(replace(rectangle(7, 6, 1, 4, 17), upper="woody_vegetation"))
    with open_store(tmp_path, "marie") as marie:
        marie.apply(replace(rectangle(5, 6, 1, 4, 0), upper="herbaceous_and_arable"))
        marie.apply(rectangle(6, 6, 1, 4, 3))
        marie.apply(rectangle(7, 6, 1, 4, 17))  # ligneous, a class
        assert fates(marie) == {"kept": 4, "corrected": 8}


def test_of_two_models_at_one_lamport_the_one_that_shows_counts(tmp_path: Path) -> None:
    stores = [open_store(tmp_path, name) for name in ("model-a", "model-b")]
    for store, code in zip(stores, (3, 7), strict=True):
        store.apply(rectangle(5, 6, 1, 4, code))
        store.close()
    with open_store(tmp_path, "marie") as marie:
        assert marie.prelabels().codes[5, 6] == 7
        marie.apply(rectangle(5, 6, 1, 4, 7))
        assert fates(marie) == {"kept": 4}


def test_fates_are_told_by_the_model_and_the_class_that_it_proposed(tmp_path: Path) -> None:
    with open_store(tmp_path, "model-unet") as model:
        model.apply(rectangle(5, 6, 2, 4, 7))
        model.apply(rectangle(7, 6, 2, 4, 3))
    with open_store(tmp_path, "model-tree") as model:
        model.apply(rectangle(9, 6, 1, 4, 3))
    with open_store(tmp_path, "marie") as marie:
        one = Window(row=5, col=6, height=1, width=4), np.ones((1, 4), bool)
        marie.apply_drawn(marie.prelabels().accepting(Chosen(region=one, pointed=True)))
        marie.apply_drawn(marie.prelabels().accepting(Chosen(code=7)))
        marie.apply(rectangle(7, 6, 1, 4, 3))  # as the model says, drawn by hand
        marie.apply(rectangle(8, 6, 2, 3, 5))  # another class than either model's
        marie.apply(rectangle(11, 6, 1, 4, 8))  # where no model says anything
        assert prelabel_fates(marie) == {
            Group(model="model-tree", code=3, upper=None): {"corrected": 3},
            Group(model="model-unet", code=3, upper=None): {"kept": 4, "corrected": 3},
            Group(model="model-unet", code=7, upper=None): {"kept": 4, "untouched": 4},
        }
        told: Counter[str] = Counter()
        for by_fate in prelabel_fates(marie).values():
            told.update(by_fate)
        assert {"none": 4, **told} == fates(marie)


def version(edit: AssignMask, model: str) -> AssignMask:
    return replace(edit, provenance=replace(edit.provenance, tool="prelabel", model=model))


def test_what_became_of_prelabels_is_told_of_each_version_of_a_model(tmp_path: Path) -> None:
    with open_store(tmp_path, "model-unet") as model:
        model.apply(version(rectangle(5, 6, 2, 2, 7), "unet@aaaaaaaaaaaa"))
    with open_store(tmp_path, "marie") as marie:
        assert influences(marie) == {}, "nobody labelled anything yet"
        region = Window(row=5, col=6, height=2, width=2), np.ones((2, 2), np.bool_)
        marie.apply_drawn(marie.prelabels().accepting(Chosen(region=region, pointed=True)))
    with open_store(tmp_path, "model-unet") as model:
        model.apply(version(rectangle(7, 6, 2, 4, 3), "unet@bbbbbbbbbbbb"))
        model.apply(rectangle(9, 6, 1, 2, 7))
    with open_store(tmp_path, "marie") as marie:
        marie.apply(rectangle(7, 6, 1, 4, 3))  # by hand, the same
        marie.apply(rectangle(8, 6, 1, 3, 8))  # by hand, another
        marie.apply(rectangle(9, 6, 1, 1, 7))
        found = {name: one.pixels for name, one in influences(marie).items()}
        assert found == {
            "unet": {"kept": 1},
            "unet@aaaaaaaaaaaa": {"kept": 4},
            "unet@bbbbbbbbbbbb": {"kept": 4, "corrected": 3},
        }
        summed: Counter[str] = Counter()
        for group in prelabel_fates(marie).values():
            summed.update(group)
        assert dict(summed) == {"kept": 9, "corrected": 3}


def test_where_no_model_proposed_nothing_is_told_of_any(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as marie:
        marie.apply(rectangle(5, 6, 4, 4, 7))
        assert influences(marie) == {}

"""flair-19 against IGN's published tables, and what a nomenclature refuses."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from workbench.documents import read_document, shipped, write_document
from workbench.errors import DocumentError, NomenclatureError
from workbench.nomenclature import LandCoverClass, Nomenclature, load_nomenclature

# Written by hand from IGN's tables, not from the JSON: FLAIR value, key, English, French, FLAIR colour,
# FLAIR-HUB index, CoSIA colour, CoSIA numero (None where IGN's is unknown).
PUBLISHED = [
    (1, "building", "building", "bâtiment", "#db0e9a", 0, "#ce7079", 1),
    (2, "pervious_surface", "pervious surface", "zone perméable", "#938e7b", 4, "#987752", 2),
    (3, "impervious_surface", "impervious surface", "zone imperméable", "#f80c00", 3, "#a6aab7", 3),
    (4, "bare_soil", "bare soil", "sol nu", "#a97101", 5, "#bbb096", 5),
    (5, "water", "water", "eau", "#1553ae", 6, "#3375a1", 6),
    (6, "coniferous", "coniferous", "conifères", "#194a26", 13, "#126421", 8),
    (7, "deciduous", "deciduous", "feuillus", "#46e483", 12, "#4c9129", 9),
    (8, "brushwood", "brushwood", "broussaille", "#f3a60d", 14, "#b5c335", 10),
    (9, "vineyard", "vineyard", "vigne", "#660082", 11, "#b08290", 11),
    (10, "herbaceous_vegetation", "herbaceous vegetation", "pelouse", "#55ff00", 8, "#8cd76a", 12),
    (11, "agricultural_land", "agricultural land", "culture", "#fff30d", 9, "#decf55", 13),
    (12, "plowed_land", "plowed land", "terre labourée", "#e4df7c", 10, "#d0a349", 14),
    (13, "swimming_pool", "swimming pool", "piscine", "#3de6eb", 2, "#62d0ff", 4),
    (14, "snow", "snow", "neige", "#ffffff", 7, "#e9effe", 7),
    (15, "clear_cut", "clear cut", "coupe", "#8ab3a0", 15, "#e48e4d", None),
    (16, "mixed", "mixed", "mixte", "#6b714f", 17, "#222222", None),
    (17, "ligneous", "ligneous", "ligneux", "#c5dc42", 16, "#222222", None),
    (18, "greenhouse", "greenhouse", "serres", "#9999ff", 1, "#b9e2d4", 15),
    (19, "other", "other", "autre / indéterminé", "#000000", 18, "#222222", None),
]
SCHEMES = ("flair", "flair_hub", "cosia_numero")

Document = dict[str, Any]


@pytest.fixture(scope="module")
def flair() -> Nomenclature:
    return load_nomenclature("flair-19")


@pytest.fixture
def document() -> Document:
    return load_nomenclature("flair-19").document()


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row[1])
def test_each_class_is_as_published(flair: Nomenclature, row: tuple[Any, ...]) -> None:
    value, key, english, french, colour, hub, cosia_colour, numero = row
    found = flair.by_key(key)
    assert flair.by_code(value) is found
    assert (found.code, found.values["flair"], found.values["flair_hub"]) == (value, value, hub)
    assert (found.titles["en"], found.titles["fr"]) == (english, french)
    assert (found.colour, found.palettes["cosia"]) == (colour, cosia_colour)
    assert numero in (None, found.values["cosia_numero"])


def test_there_are_the_19_classes_in_the_order_of_their_codes(flair: Nomenclature) -> None:
    assert flair.codes == tuple(range(1, 20))
    assert flair.keys == tuple(row[1] for row in PUBLISHED)


def test_flair_hub_has_its_own_order(flair: Nomenclature) -> None:
    in_order = [
        *("building", "greenhouse", "swimming_pool", "impervious_surface", "pervious_surface", "bare_soil"),
        *("water", "snow", "herbaceous_vegetation", "agricultural_land", "plowed_land", "vineyard"),
        *("deciduous", "coniferous", "brushwood", "clear_cut", "ligneous", "mixed", "other"),
    ]
    codes = flair.decode(np.arange(19, dtype=np.uint8), "flair_hub")
    assert [flair.by_code(code).key for code in codes.tolist()] == in_order


def test_mixed_and_ligneous_trade_places_between_flair_and_flair_hub(flair: Nomenclature) -> None:
    masks = np.array([[16, 17]], dtype=np.uint8)
    hub = flair.encode(flair.decode(masks, "flair"), "flair_hub")
    assert hub.tolist() == [[17, 16]]
    assert flair.encode(flair.decode(hub, "flair_hub"), "flair").tolist() == [[16, 17]]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_scheme_is_a_bijection(flair: Nomenclature, scheme: str) -> None:
    codes = np.arange(1, 20, dtype=np.uint8)
    values = flair.encode(codes, scheme)
    first = 0 if scheme == "flair_hub" else 1
    assert sorted(values.tolist()) == list(range(first, first + 19))
    assert flair.decode(values, scheme).tolist() == codes.tolist()


def test_only_the_gaps_of_cosia_numero_are_ours(flair: Nomenclature) -> None:
    gaps = {row[1] for row in PUBLISHED if row[-1] is None}
    assert set(flair.schemes["cosia_numero"].ours) == gaps
    assert min(flair.by_key(key).values["cosia_numero"] for key in gaps) > 15
    assert not flair.schemes["flair"].ours
    assert not flair.schemes["flair_hub"].ours


@pytest.mark.parametrize(("scheme", "other"), [("flair", 19), ("flair_hub", 18), ("cosia_numero", 17)])
def test_unlabelled_is_written_as_other(flair: Nomenclature, scheme: str, other: int) -> None:
    assert flair.schemes[scheme].other == "other"
    assert flair.encode(np.zeros((2, 3), dtype=np.uint8), scheme).tolist() == [[other] * 3] * 2
    assert flair.decode(np.array([[other]], dtype=np.uint8), scheme).tolist() == [[19]]


@pytest.mark.parametrize(("name", "scheme"), [("ign-naf", "naf"), ("ign-urbain", "urbain")])
def test_a_scheme_with_a_no_label_reads_and_writes_it_as_unlabelled(name: str, scheme: str) -> None:
    found = load_nomenclature(name)
    values = np.arange(len(found.codes) + 1, dtype=np.uint8)
    assert found.codes == tuple(range(1, len(found.codes) + 1))
    assert found.decode(values, scheme).tolist() == found.encode(values, scheme).tolist() == values.tolist()
    assert found.schemes[scheme].other is None
    with pytest.raises(NomenclatureError, match=f"scheme {scheme} of {name} allows 0–{len(found.codes)};"):
        found.decode(np.array([[len(found.codes) + 1]], np.uint8), scheme)


# In the order of IGN's fields, field 0 being no-label.
IGN_LISTS = {
    "ign-naf": "batiment zone_permeable zone_impermeable piscine sol_nu surface_eau coniferes coupe feuillus "
    "broussaille vigne culture terre_labouree",
    "ign-urbain": "batiment ligneux herbacee bitume mineraux sol_nus eau piscine",
}


@pytest.mark.parametrize("name", IGN_LISTS)
def test_igns_older_lists_have_its_names_in_its_order(name: str) -> None:
    found = load_nomenclature(name)
    assert list(found.keys) == IGN_LISTS[name].split()
    colours = [entry.colour for entry in found.classes]
    assert len(set(colours)) == len(colours)
    assert {entry.definition_status for entry in found.classes} == {"working"}


@given(
    labels=npst.arrays(np.uint8, npst.array_shapes(max_dims=3, min_side=0), elements=st.integers(0, 19)),
    scheme=st.sampled_from(SCHEMES),
)
def test_what_is_encoded_comes_back_with_unlabelled_as_other(labels: np.ndarray, scheme: str) -> None:
    flair = load_nomenclature("flair-19")
    before = labels.copy()
    values = flair.encode(labels, scheme)
    assert values.dtype == np.uint8
    assert values.shape == labels.shape
    assert not (values == 255).any()
    assert scheme == "flair_hub" or not (values == 0).any()
    np.testing.assert_array_equal(flair.decode(values, scheme), np.where(labels == 0, 19, labels))
    np.testing.assert_array_equal(labels, before)


@given(
    values=npst.arrays(
        st.sampled_from([np.int8, np.uint8, np.int16, np.uint16, np.int32, np.int64, np.uint64]),
        npst.array_shapes(min_dims=2, max_dims=2, max_side=4),
        elements=st.integers(0, 20),
    ),
    scheme=st.sampled_from(SCHEMES),
)
def test_values_of_any_integer_type_are_read_right_or_refused(values: np.ndarray, scheme: str) -> None:
    flair = load_nomenclature("flair-19")
    codes = {entry.values[scheme]: entry.code for entry in flair.classes}
    expected = [[codes.get(value) for value in row] for row in values.tolist()]
    if any(code is None for row in expected for code in row):
        with pytest.raises(NomenclatureError, match="unknown value"):
            flair.decode(values, scheme)
    else:
        assert flair.decode(values, scheme).tolist() == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (np.int8, -1),
        (np.int8, -128),
        (np.int16, 257),
        (np.int16, -255),
        (np.uint16, 256),
        (np.int64, 2**40 + 1),
        (np.uint64, 2**64 - 255),
    ],
)
def test_values_outside_a_byte_do_not_wrap_into_a_class(flair: Nomenclature, kind: type, value: int) -> None:
    for scheme in SCHEMES:
        with pytest.raises(NomenclatureError, match=f"unknown value {value} in 1 pixel"):
            flair.decode(np.array([[1, value]], dtype=kind), scheme)


def test_unknown_values_are_named_with_their_pixels_the_first_one_and_what_is_allowed(
    flair: Nomenclature,
) -> None:
    values = np.ones((40, 50), dtype=np.uint8)
    values[30, 7:10] = 0
    values[12, 34] = 255
    with pytest.raises(NomenclatureError) as refused:
        flair.decode(values, "flair")
    assert str(refused.value) == (
        "unknown values 0 in 3 pixels, 255 in 1 pixel, first at (row 12, col 34): "
        "scheme flair of flair-19 allows 1–19; correct these pixels, "
        "or name the scheme they follow (flair, flair_hub, cosia_numero)"
    )


def test_many_unknown_values_are_counted_not_all_listed(flair: Nomenclature) -> None:
    with pytest.raises(
        NomenclatureError, match=r"values 100 in 1 pixel, 101 .*, 107 in 1 pixel, 43 more values"
    ):
        flair.decode(np.arange(100, 151, dtype=np.uint8).reshape(3, 17), "flair")


def test_the_first_unknown_pixel_of_a_stack_is_given_by_its_index(flair: Nomenclature) -> None:
    stack = np.ones((2, 3, 4), dtype=np.uint16)
    stack[1, 0, 2] = 257
    with pytest.raises(NomenclatureError, match=r"unknown value 257 in 1 pixel, first at index \(1, 0, 2\)"):
        flair.decode(stack, "flair")


def test_a_code_that_no_class_has_is_not_written(flair: Nomenclature) -> None:
    with pytest.raises(
        NomenclatureError, match=r"unknown value 20 in 1 pixel, .*codes 1–19, and 0 for unlabelled"
    ):
        flair.encode(np.array([[0, 19, 20]], dtype=np.uint8), "flair")


def test_pixels_that_are_no_integers_are_refused(flair: Nomenclature) -> None:
    for kind in (np.float32, np.bool_):
        with pytest.raises(NomenclatureError, match="classes are integers"):
            flair.decode(np.ones((2, 2), dtype=kind), "flair")


def test_an_unknown_scheme_is_refused_with_the_known_ones(flair: Nomenclature) -> None:
    pixels = np.ones((1, 1), dtype=np.uint8)
    calls: list[Callable[[], object]] = [
        lambda: flair.encode(pixels, "corine"),
        lambda: flair.decode(pixels, "corine"),
        lambda: flair.colour_table("corine"),
    ]
    for call in calls:
        with pytest.raises(
            NomenclatureError, match="no scheme 'corine'; it has flair, flair_hub, cosia_numero"
        ):
            call()


def test_colours_follow_the_class_through_every_scheme(flair: Nomenclature) -> None:
    assert flair.colour_table()[1] == flair.colour_table("flair")[1] == (0xDB, 0x0E, 0x9A)
    assert flair.colour_table("flair_hub")[16] == (0xC5, 0xDC, 0x42)
    assert flair.colour_table("cosia_numero")[4] == (0x62, 0xD0, 0xFF)
    assert all(len(flair.colour_table(scheme)) == 19 for scheme in (None, *SCHEMES))


def test_no_two_classes_share_a_colour_or_take_an_upper_class_s(flair: Nomenclature) -> None:
    colours = [entry.colour for entry in (*flair.classes, *flair.groups)]
    assert len(set(colours)) == len(colours)


def test_upper_classes_have_no_code_and_every_class_but_other_has_one_above(flair: Nomenclature) -> None:
    assert not set(flair.keys) & {group.key for group in flair.groups}
    assert [entry.key for entry in flair.classes if entry.parent is None] == ["other"]
    assert all(flair.below(group.key) for group in flair.groups)


def test_ligneous_lies_beside_what_it_could_not_be_told_from(flair: Nomenclature) -> None:
    assert flair.above("coniferous") == ("tree_stand", "woody_vegetation", "with_vegetation")
    assert flair.above("ligneous") == ("woody_vegetation", "with_vegetation")
    woody = {entry.key for entry in flair.below("woody_vegetation")}
    assert woody == {"coniferous", "deciduous", "mixed", "brushwood", "vineyard", "clear_cut", "ligneous"}
    fallbacks = {group.key: group.fallback for group in flair.groups if group.fallback is not None}
    assert fallbacks == {"woody_vegetation": "ligneous", "tree_stand": "ligneous"}


def test_confusable_pairs_hold_igns_own_weak_points(flair: Nomenclature) -> None:
    assert "herbaceous_vegetation" in flair.by_key("agricultural_land").confused_with
    assert "coniferous" in flair.by_key("deciduous").confused_with
    assert not flair.by_key("other").confused_with


def test_definitions_are_marked_as_working_ones(flair: Nomenclature) -> None:
    for entry in flair.classes:
        assert (entry.definition_status, entry.definition_source) == ("working", "memory/unverified")
        assert set(entry.definition) == {"en", "fr"}


def test_a_class_is_asked_for_by_its_own_key_or_code(flair: Nomenclature) -> None:
    with pytest.raises(
        NomenclatureError, match=r"'tree_stand' is an upper class.*coniferous, deciduous, mixed$"
    ):
        flair.by_key("tree_stand")
    with pytest.raises(NomenclatureError, match="no class 'forest'; it has building,"):
        flair.by_key("forest")
    with pytest.raises(NomenclatureError, match="no class of code 0; it has 1–19"):
        flair.by_code(0)
    with pytest.raises(NomenclatureError, match="no class or upper class 'forest'"):
        flair.above("forest")
    with pytest.raises(NomenclatureError, match="no upper class 'mixed'"):
        flair.below("mixed")


def test_nothing_in_a_nomenclature_can_be_changed(flair: Nomenclature) -> None:
    with pytest.raises(TypeError):
        flair.by_code(1).titles["en"] = "house"  # type: ignore[index]
    with pytest.raises(AttributeError):
        flair.name = "flair-20"  # type: ignore[misc]


def test_a_nomenclature_goes_to_other_processes_and_comes_back_equal(flair: Nomenclature) -> None:
    assert pickle.loads(pickle.dumps(flair)) == flair == copy.deepcopy(flair)


def test_the_document_loses_nothing(flair: Nomenclature, tmp_path: Any) -> None:
    for path in sorted((shipped("schema") / "nomenclatures").glob("*.json")):
        assert load_nomenclature(path.stem).document() == read_document(path, schema="nomenclature")
    write_document(flair.document(), tmp_path / "copy.json", schema="nomenclature")
    assert (
        load_nomenclature(tmp_path / "copy.json") == load_nomenclature(str(tmp_path / "copy.json")) == flair
    )


def test_every_shipped_nomenclature_has_the_name_of_its_file() -> None:
    names = [path.stem for path in (shipped("schema") / "nomenclatures").glob("*.json")]
    assert names
    assert [load_nomenclature(name).name for name in names] == names


@pytest.mark.parametrize("name", ["flair-20", "", "../nomenclatures/flair-19", "/etc/passwd"])
def test_a_name_that_is_not_shipped_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(NomenclatureError, match=r"there is no nomenclature .*choose one of flair-19"):
        load_nomenclature(name)


def _set(path: str, value: Any) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
        entry: Any = document
        for part in way:
            entry = entry[part]
        if value is KeyError:
            del entry[last]
        else:
            entry[last] = value

    return change


# What is changed in flair-19, where the problem must be reported, and which rule it breaks.
BROKEN = [
    ("two classes of one code", _set("classes/4/code", 1), "classes/4/code", "duplicate"),
    ("a class with a group's key", _set("groups/0/key", "water"), "classes/4/key", "duplicate"),
    ("a value given twice", _set("classes/4/values/flair_hub", 0), "classes/4/values/flair_hub", "duplicate"),
    ("no value in a scheme", _set("classes/4/values/flair", KeyError), "classes/4/values", "missing"),
    ("a value in no scheme", _set("classes/4/values/corine", 3), "classes/4/values/corine", "unknown"),
    ("a parent that is not there", _set("classes/4/parent", "sea"), "classes/4/parent", "unknown"),
    ("a parent that is a class", _set("classes/5/parent", "ligneous"), "classes/5/parent", "unknown"),
    ("a group above itself", _set("groups/4/parent", "tree_stand"), "groups/4/parent", "cycle"),
    ("a pair of one side", _set("classes/4/confused_with", []), "classes/12/confused_with/0", "asymmetric"),
    ("a pair with nobody", _set("classes/4/confused_with/0", "sea"), "classes/4/confused_with/0", "unknown"),
    (
        "a pair with itself",
        _set("classes/4/confused_with/0", "water"),
        "classes/4/confused_with/0",
        "reflexive",
    ),
    ("an other that is not there", _set("schemes/flair/other", "rest"), "schemes/flair/other", "unknown"),
    ("ours that is not there", _set("schemes/flair/ours", ["rest"]), "schemes/flair/ours/0", "unknown"),
    ("a fallback that is a group", _set("groups/5/fallback", "tree_stand"), "groups/5/fallback", "unknown"),
    ("an other and an unlabelled", _set("schemes/flair/unlabelled", 0), "schemes/flair", "unlabelled"),
    ("neither of them", _set("schemes/cosia_numero/other", None), "schemes/cosia_numero", "unlabelled"),
    (
        "unlabelled as a class",
        _set("schemes/flair_hub/unlabelled", 0),
        "schemes/flair_hub/unlabelled",
        "duplicate",
    ),
    ("a palette with a gap", _set("classes/4/palettes", {}), "classes/4/palettes", "missing"),
]


@pytest.mark.parametrize(
    ("change", "loc", "kind"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
def test_what_a_schema_cannot_say_is_checked(
    document: Document, change: Callable[[Document], None], loc: str, kind: str
) -> None:
    change(document)
    with pytest.raises(DocumentError, match=r"^broken\.json: ") as refused:
        Nomenclature.from_document(document, source="broken.json")
    assert (loc, kind) in [("/".join(map(str, p.loc)), p.kind) for p in refused.value.problems]


def test_all_problems_between_entries_are_reported_at_once(document: Document) -> None:
    together = [row for row in BROKEN if row[0] not in ("a class with a group's key", "a pair of one side")]
    chosen = {row[2]: row for row in together}.values()  # one change per place
    for _, change, _, _ in chosen:
        change(document)
    with pytest.raises(DocumentError) as refused:
        Nomenclature.from_document(document, source="broken.json")
    found = {("/".join(map(str, problem.loc)), problem.kind) for problem in refused.value.problems}
    assert found >= {(loc, kind) for _, _, loc, kind in chosen}


def test_all_problems_against_the_schema_are_reported_at_once(document: Document) -> None:
    for path, value in [
        ("version", "1.0"),
        ("classes/0/code", 255),
        ("classes/1/colour", "red"),
        ("classes/2/titles/fr", KeyError),
        ("classes/3/values/flair", 255),
        ("classes/4/surprise", True),
        ("classes/5/definition_status", "final"),
    ]:
        _set(path, value)(document)
    with pytest.raises(DocumentError) as refused:
        Nomenclature.from_document(document, source="broken.json")
    assert [("/".join(map(str, problem.loc)), problem.kind) for problem in refused.value.problems] == [
        ("classes/0/code", "maximum"),
        ("classes/1/colour", "pattern"),
        ("classes/2/titles", "required"),
        ("classes/3/values/flair", "maximum"),
        ("classes/4", "additionalProperties"),
        ("classes/5/definition_status", "enum"),
        ("version", "pattern"),
    ]


@pytest.mark.parametrize(
    "key", json.loads((shipped("schema") / "nomenclature.schema.json").read_text())["required"]
)
def test_no_part_of_the_document_may_be_missing(document: Document, key: str) -> None:
    del document[key]
    with pytest.raises(DocumentError, match=f"'{key}' is a required property"):
        Nomenclature.from_document(document, source="broken.json")


def test_a_class_cannot_have_the_code_of_unlabelled_or_255(flair: Nomenclature) -> None:
    entries = {name: getattr(flair.by_code(1), name) for name in LandCoverClass.__slots__}
    for code in (0, 255):
        with pytest.raises(NomenclatureError, match=f"class building: code {code} is outside 1–254"):
            LandCoverClass(**{**entries, "code": code})
    with pytest.raises(NomenclatureError, match="class building: flair value 255 is outside 0–254"):
        LandCoverClass(**{**entries, "values": {"flair": 255}})

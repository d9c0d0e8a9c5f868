"""The French catalogue: complete, well set, as the code speaks; and what the core says comes back in it."""

from __future__ import annotations

import ast
import gettext
import io
import re
import tomllib
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from core_sentences import KINDS as WORDS_OF_KINDS
from core_sentences import ROOT, counted_things, templates, templates_of
from hypothesis import given
from hypothesis import strategies as st
from messages import LOCALE, MANIFEST, PLUGIN, messages, read_catalogue, updated, updated_manifest

from napari_plugin.language import CORE, LANGUAGES, count, said, speak, tr
from workbench.assessment.findings import KINDS
from workbench.campaign import Campaign
from workbench.errors import WorkbenchError
from workbench.export.layouts import parse_layouts
from workbench.export.release import check_target
from workbench.geo.raster import inspect_raster
from workbench.labels.edits import Comment, Provenance, Review
from workbench.labels.losses import lost_edits
from workbench.labels.review import ZoneState, check_judge
from workbench.labels.strokes import polygon_mask
from workbench.segmentation import read_hierarchy
from workbench.workflows.doubling import Annotator, Double

CATALOGUE = read_catalogue(LOCALE / "fr.po")
ENTRIES: list[Message] = [entry for entry in CATALOGUE if entry.id]
TEMPLATES = list(templates())
PLACE = re.compile(r"\{(\w+)\}")
SAME = {
    *(", ", "Action", "Alt", "Classes", "Classes {name}", "Contours {name}", "Ctrl", "Tab"),
    "version {version}, {lines}",
    "{share} {what}",
    *("Orthophoto {zone}", "Zone", "Zones", "image"),
}
"""What French says as English does."""
NARROW = "\u202f"


@pytest.fixture(autouse=True)
def _french() -> Iterator[None]:
    speak("fr")
    yield
    speak("en")


def forms(entry: Message) -> tuple[str, ...]:
    return (entry.string,) if isinstance(entry.string, str) else tuple(entry.string)


def sources(entry: Message) -> tuple[str, ...]:
    return (entry.id,) if isinstance(entry.id, str) else tuple(entry.id)


def known(catalogue: str) -> list[tuple[object, ...]]:
    """Return what matters of a catalogue; how its lines are broken hangs on the version of Babel."""
    entries = read_po(io.BytesIO(catalogue.encode()), locale="fr")
    return [(entry.id, entry.string, entry.auto_comments) for entry in entries if entry.id]


# The catalogue


def test_every_language_but_that_of_the_code_has_a_catalogue() -> None:
    assert {path.stem for path in LOCALE.glob("*.po")} == set(LANGUAGES) - {"en"}


def test_the_catalogue_has_what_the_code_says_and_nothing_else() -> None:
    path = LOCALE / "fr.po"
    stands, fresh = known(path.read_text(encoding="utf-8")), known(updated(path))
    assert fresh == stands, "run tests/napari_plugin/messages.py"


def test_everything_is_translated_and_sure() -> None:
    assert [entry.id for entry in ENTRIES if not all(forms(entry))] == []
    assert [entry.id for entry in ENTRIES if entry.fuzzy] == []


def test_values_are_the_same_in_both_languages() -> None:
    def places(text: str) -> set[str]:
        return set(PLACE.findall(text))

    for entry in ENTRIES:
        assert [one for one in forms(entry) if places(one) != places(sources(entry)[-1])] == []


def test_the_catalogue_counts_as_cldr_does() -> None:
    categories = ["one", "many", "other"]
    assert CATALOGUE.num_plurals == len(categories)
    place = gettext.c2py(CATALOGUE.plural_expr)
    numbers = [*range(200), 999_999, 1_000_000, 1_000_001, 2_000_000, 1_500_000]
    assert [place(n) for n in numbers] == [
        categories.index(Locale("fr").plural_form(number)) for number in numbers
    ]
    several = [entry for entry in ENTRIES if entry.pluralizable]
    assert len(several) == sum(message.plural is not None for message in messages().values()) > 5
    assert [entry.id for entry in several if len(forms(entry)) != len(categories)] == []


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0, "0 zone"),
        (1, "1 zone"),
        (2, "2 zones"),
        (1_000_000, f"1{NARROW}000{NARROW}000 de zones"),
        (1_000_001, f"1{NARROW}000{NARROW}001 zones"),
    ],
)
def test_things_are_counted_as_french_does(number: int, expected: str) -> None:
    assert count("{count} zone", "{count} zones", number) == expected


def test_french_says_hardly_anything_as_english_does() -> None:
    assert {entry.id for entry in ENTRIES if entry.string == entry.id} == SAME


@pytest.mark.parametrize(
    ("mistake", "pattern"),
    [
        ("a plain space where a narrow one stands", r"(?<! [·…]) [;:?!%»]|« "),
        ("no space at all", r"\w[;?!»]|«\w|\w:(\s|$)"),
        ("a straight apostrophe", r"'"),
        ("two spaces", r"  "),
        ("a word for what has another", r"(?i)étiquet|imagette|micro-polygone|survol|sous-zone|échelon"),
    ],
)
def test_french_is_set_as_french(mistake: str, pattern: str) -> None:
    for entry in ENTRIES:
        for text in forms(entry):
            # Commands stand as they are typed.
            assert not re.search(pattern, re.sub(r"`[^`]*`", "`", text)), f"{mistake}: {text}"


def test_the_manifest_has_the_titles_of_actions_in_the_words_of_the_catalogue() -> None:
    assert MANIFEST.read_text(encoding="utf-8") == updated_manifest(), "run tests/napari_plugin/messages.py"


def test_catalogues_are_part_of_the_package() -> None:
    there = resources.files("napari_plugin") / "locale" / "fr.po"
    assert there.read_text(encoding="utf-8").startswith("# ")
    # hatchling takes every file of a package but those that git ignores, or that are excluded by name.
    chosen = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]
    assert "napari_plugin" in chosen["targets"]["wheel"]["packages"]
    assert chosen["targets"]["sdist"]["exclude"] == [".github"]
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8")
    assert "locale" not in ignored
    assert ".po" not in ignored


# The code of the desk

SHOWS = re.compile(
    r"Q(Label|PushButton|CheckBox|Action|ListWidgetItem|TableWidgetItem|GroupBox|RadioButton)"
    r"|set(Text|ToolTip|StatusTip|WindowTitle|Title|PlaceholderText|ItemText|HorizontalHeaderLabels)"
    r"|add(Item|Action|Menu|Row|Tab|_page)|get(Text|Item|MultiLineText|\w+FileNames?|ExistingDirectory)"
    r"|question|show_(info|warning|error)|emit|drawText|start|warn|advise|notice"
)
"""What puts a text on the screen."""
LOOKED_UP = ("tr", "count", "said", "title")


def texts_shown(tree: ast.AST) -> Iterator[str]:
    """Yield the texts with words that go to the screen as they are."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and SHOWS.fullmatch(called(call)):
            for given_to_it in (*call.args, *(keyword.value for keyword in call.keywords)):
                yield from words_in(given_to_it)


def called(call: ast.Call) -> str:
    return str(getattr(call.func, "id", getattr(call.func, "attr", "")))


def words_in(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and called(node) in LOOKED_UP:
        return
    if isinstance(node, ast.JoinedStr):
        spoken = "".join(str(one.value) for one in node.values if isinstance(one, ast.Constant))
        if re.search(r"[A-Za-z]{3}", re.sub(r"<[^>]*>", "", spoken)):
            yield spoken
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        if re.search(r"[A-Za-z]{3}", re.sub(r"<[^>]*>", "", node.value)):
            yield node.value
        return
    children = node.values if isinstance(node, ast.JoinedStr) else ast.iter_child_nodes(node)
    for child in children:
        if not (isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)):
            yield from words_in(child)


def test_no_text_reaches_the_screen_without_being_looked_up() -> None:
    kept = {"FR_V0.1", " (*.gpkg *.shp *.geojson *.json *.fgb)"}
    for path in sorted(PLUGIN.glob("*.py")):
        found = set(texts_shown(ast.parse(path.read_text(encoding="utf-8")))) - kept
        assert not found, path.name


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("label.setText('No zone')", ["No zone"]),
        ("label.setText(tr('No zone'))", []),
        ("QLabel(f'<b>{tr('No zone')}</b> · {number}')", []),
        ("show_info(f'{zone} is gone')", [" is gone"]),
        ("box.setToolTip('✕' if on else 'Close')", ["Close"]),
        ("box.setObjectName('banner')", []),
    ],
)
def test_a_text_that_is_not_looked_up_is_noticed(code: str, expected: list[str]) -> None:
    assert list(texts_shown(ast.parse(code.replace("tr('No zone')}", 'tr("No zone")}')))) == expected


# What the core says


def value(name: str, number: int) -> str:
    """Return something that a value of that name may be; nothing of it is changed by a language."""
    if re.match(r"shape|window|bounds|corner|chunks|expected|found|numbers|place|transform", name):
        return f"({number}, {number + 7})"
    if re.match(r"path|folder|directory|raster|output|target|files|into|root", name):
        return f"/data/my campaign/zones/{number}.tif"
    return f"v{number}" if number % 2 else str(number + 40)


def made(template: str, values: dict[str, str]) -> str:
    return PLACE.sub(lambda place: values[place[1]], template)


def french_of(template: str) -> str:
    return forms(CATALOGUE.get(template))[0]


def test_every_sentence_of_the_core_is_found_by_its_template_with_its_values_in_place() -> None:
    for template in TEMPLATES:
        values = {name: value(name, number) for number, name in enumerate(PLACE.findall(template), start=1)}
        assert said(made(template, values)) == made(french_of(template), values)


@given(
    template=st.sampled_from(TEMPLATES),
    drawn=st.lists(st.text("xyz_/", min_size=1, max_size=9), min_size=12, max_size=12),
)
def test_values_of_any_kind_stay_as_they_are(template: str, drawn: list[str]) -> None:
    values = dict(zip(dict.fromkeys(PLACE.findall(template)), drawn, strict=False))
    assert said(made(template, values)) == made(french_of(template), values)


INNER = {
    "database or disk is full": "base ou disque plein",
    "it does not follow the op before": "elle ne suit pas l’opération d’avant",
    "op marie:3 is no refinement": "l’opération marie:3 n’est pas un affinage",
    "zone D1/Z1 is submitted by paul; accept it or send it back": (
        f"la zone D1/Z1 est soumise par paul{NARROW}; acceptez-la ou renvoyez-la"
    ),
}
"""Sentences in sentences."""


@pytest.mark.parametrize("inner", INNER)
def test_a_value_that_is_a_sentence_is_said_too(inner: str) -> None:
    passed_on = re.compile(r"error|reason|problem|problems|damage|lost|refusal|what")
    outer = [
        template
        for template in TEMPLATES
        if any(map(passed_on.fullmatch, PLACE.findall(template))) and template != "seen {text}"
    ]
    assert len(outer) > 25
    for template in outer:
        names = list(dict.fromkeys(PLACE.findall(template)))
        values = {name: value(name, number) for number, name in enumerate(names, start=1)}
        english = values | {name: inner for name in names if passed_on.fullmatch(name)}
        french = values | {name: INNER[inner] for name in names if passed_on.fullmatch(name)}
        assert said(made(template, english)) == made(french_of(template), french)


@pytest.mark.parametrize(
    "text", ["", "something that nobody knows", "a; b", "3 of 5", "x is y", "line\nline"]
)
def test_what_nobody_knows_stays_as_it_is(text: str) -> None:
    assert said(text) == text


@given(st.text())
def test_english_says_what_the_core_says(text: str) -> None:
    speak("en")
    assert said(text) == text


@pytest.mark.parametrize(
    ("cells", "french"),
    [("1 patch cell", "1 cellule de patch"), ("1,234 patch cells", f"1{NARROW}234 cellules de patch")],
)
def test_things_that_the_core_counts_are_counted_in_french_as_well(cells: str, french: str) -> None:
    assert said(f"zones D1/Z1 and D1/Z2 share {cells}; take one zone out") == (
        f"les zones D1/Z1 et D1/Z2 partagent {french}{NARROW}; retirez l’une des deux zones"
    )


def test_several_sentences_in_one_are_found_one_by_one() -> None:
    told = (
        "out.tif: D1/Z1, 12.5% labelled, numbered as flair; 1,234 pixels in conflict, unlabelled in it; "
        "edits may be lost: no journal holds op marie:7; put the newer marie.sqlite back"
    )
    assert said(told) == (
        f"out.tif{NARROW}: D1/Z1, annotée à 12,5{NARROW}%, numérotée selon flair{NARROW}; "
        f"1{NARROW}234 pixels en conflit, sans annotation dans ce fichier{NARROW}; des modifications sont "
        f"peut-être perdues{NARROW}: aucun journal n’a l’opération marie:7{NARROW}; remettez le marie.sqlite "
        "plus récent"
    )
    assert said("FR_V1 built: 2 patches, 0.5 km², 1 zone in 1 domain; layouts flair1\ncontent abc") == (
        f"FR_V1 construite{NARROW}: 2 patchs, 0,5 km², 1 zone dans 1 domaine{NARROW}; formats flair1\n"
        "contenu abc"
    )


def test_what_a_person_wrote_is_not_translated() -> None:
    state = ZoneState(state="sent_back", by="paul", reason="accepted: open")
    assert said(f"zone D1/Z1 is {state}; accept it or send it back") == (
        f"la zone D1/Z1 est renvoyée par paul{NARROW}: accepted: open{NARROW}; acceptez-la ou renvoyez-la"
    )


def test_versions_are_no_numbers() -> None:
    english = "nomenclature.json is missing, or not the flair-19 1.0 that the campaign was made with; "
    found = said(
        english + "put it back from a backup, and take another version to a new campaign: "
        "workbench zone migrate --to"
    )
    assert "flair-19 1.0" in found


# What is really said, made by the core itself


def _raises(act: Callable[[], object]) -> str:
    with pytest.raises(WorkbenchError) as caught:
        act()
    return str(caught.value)


REAL: dict[str, tuple[Callable[[Path], object], str]] = {
    "no campaign": (
        lambda folder: Campaign.open(folder),
        "{folder} n’est pas une campagne ; faites-en une : workbench campaign init {folder}",
    ),
    "no hierarchy": (
        lambda folder: read_hierarchy(folder / "h.h5"),
        "{folder}/h.h5 : ce fichier n’existe pas ; refaites-le avec `workbench segment`",
    ),
    "no raster": (
        lambda folder: inspect_raster(folder / "o.tif"),
        "{folder}/o.tif n’est pas un fichier de cette machine ; vérifiez le chemin",
    ),
    "no layout": (
        lambda folder: parse_layouts(["x"]),
        "le format 'x' est inconnu ; choisissez parmi flair-hub, flair1, flair2, hdf5, shards",
    ),
    "no name of a release": (
        lambda folder: check_target(folder, "a b"),
        "'a b' ne peut pas nommer une livraison : il faut jusqu’à 64 lettres, chiffres et . _ - sans .., et "
        "aucun mot réservé de Windows ; écrivez-le comme FR_V0.1",
    ),
    "a scale": (
        lambda folder: Provenance(tool="pick", scale=-1.5),
        "l’échelle -1,5 n’est pas un nombre fini, 0 ou plus",
    ),
    "an empty comment": (
        lambda folder: Comment(row=1, col=1, text=" "),
        "un commentaire vide ne dit rien ; écrivez ce qu’il y a à dire",
    ),
    "a reason that is missing": (
        lambda folder: Review(state="sent_back", heads=()),
        "une zone se renvoie avec un motif, pour que l’on sache quoi corriger ; donnez-en un",
    ),
    "a polygon beside": (
        lambda folder: polygon_mask([(-9, -9), (-8, -9), (-8, -8)], (20, 10)),
        "le polygone ne couvre aucun des 20 × 10 pixels de la zone",
    ),
    "a model that judges": (
        lambda folder: check_judge("model-x"),
        "model-x est un modèle et ne juge pas d’annotations ; relisez sous votre propre nom",
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_errors_of_the_core_are_told_in_french(name: str, tmp_path: Path) -> None:
    act, expected = REAL[name]
    french = said(_raises(lambda: act(tmp_path)))
    assert french == expected.format(folder=tmp_path).replace(" ;", f"{NARROW};").replace(" :", f"{NARROW}:")


@pytest.mark.parametrize("state", ["open", "submitted", "accepted", "sent_back"])
def test_states_of_zones_are_told_in_french(state: str) -> None:
    told = ZoneState(state=state, by=None if state == "open" else "paul")  # type: ignore[arg-type]
    if state != "sent_back":  # that has a reason
        assert tr(str(told).split(" by ")[0]) in said(str(told))
    reasoned = ZoneState(state=state, by="paul", reason="why")  # type: ignore[arg-type]
    assert state == "open" or said(str(reasoned)).endswith(f"par paul{NARROW}: why")


def test_who_is_not_done_is_told_in_french() -> None:
    annotators = tuple(
        Annotator(author=author, blind=blind, labelled=labelled, state="open")
        for author, blind, labelled in (("marie", False, 1.0), ("paul", True, 0.93))
    )
    hidden = Double(zone="D1/Z1", drawn=True, authors=annotators).hidden(["marie", "paul"])
    assert said(hidden) == (
        f"cachées jusqu’à ce que les deux soient soumises{NARROW}: marie en est à 100{NARROW}% et paul en "
        f"est à 93{NARROW}% à l’aveugle"
    )
    assert said(f"zone D1/Z1 is {hidden}") == f"les annotations de la zone D1/Z1 sont {said(hidden)}"


def test_lost_edits_are_told_in_french() -> None:
    assert said(lost_edits({"marie": 7, "paul": 2})) == (
        f"des modifications sont peut-être perdues{NARROW}: aucun journal n’a les opérations marie:7, "
        f"paul:2{NARROW}; remettez les marie.sqlite, paul.sqlite plus récents"
    )


def test_kinds_of_findings_are_those_that_the_core_has() -> None:
    assert set(WORDS_OF_KINDS) == set(KINDS)


# How templates are read off the code


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("raise EditRefused('there is nothing there')", {"there is nothing there"}),
        ("raise EditRefused(f'zone {self.zone_id} was closed')", {"zone {zone} was closed"}),
        (
            "raise GridError(f'{shape[0]} × {shape[1]} pixels are too many')",
            {"{height} × {width} pixels are too many"},
        ),
        ("raise GridError(f'{one.shape} is not like {other.shape}')", {"{shape} is not like {shape2}"}),
        ("raise GridError(f'{path} is as {path} always was')", {"{path} is as {path} always was"}),
        (
            'raise GridError(f\'there {"is" if n == 1 else "are"} {n} of them\')',
            {"there is {n} of them", "there are {n} of them"},
        ),
        (
            "way = 'try again' if a else f'ask {who}'\n    raise GridError(f'nothing was found; {way}')",
            {"nothing was found; try again", "nothing was found; ask {who}"},
        ),
        (
            "reason = str(e)\n    raise GridError(f'it was not written ({reason})')",
            {"it was not written ({reason})"},
        ),
        (
            "raise GridError(f'{len(found)} patches between {\" and \".join(found)}')",
            {"{count} patches between {names}"},
        ),
        (
            'raise GridError(f\'there {counted(len(found), "is a patch", "are patches")} too many\')',
            {"there {patches} too many"},
        ),
        ("return 'said by nobody'", set()),
        ("raise KeyError", set()),
    ],
)
def test_templates_are_read_off_the_code(code: str, expected: set[str]) -> None:
    assert set(templates_of(f"def act():\n    {code}\n")) == expected


def test_functions_that_say_something_are_read_whole() -> None:
    code = """
def told():
    'Say it.'
    many = f'{n} ops'
    return f'{many} were lost' if n else 'nothing is lost'
"""
    assert set(templates_of(code, told=("told",))) == {"{n} ops were lost", "nothing is lost"}
    assert set(templates_of(code)) == set()


def test_marks_tell_what_the_core_says() -> None:
    marked = {entry.id for entry in ENTRIES if any(one.startswith(CORE) for one in entry.auto_comments)}
    assert marked == {*TEMPLATES, *counted_things()}

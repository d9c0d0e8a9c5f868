"""``README.md``, datasheet, citation and licence: read as others read them, true, and nothing but text."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from huggingface_hub import DatasetCard
from made_editions import HOSTILE, edition
from made_zones import MadeZone, build, changed, make_zone
from markdown_it import MarkdownIt

from workbench.dataset import PublishedDataset, publish_dataset, statements
from workbench.dataset.survey import survey
from workbench.export import Release
from workbench.markdown import plain
from workbench.workflows.recoding import recode

PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.fixture
def card(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def rows(text: str, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading, without its head."""
    part = text.split(f"\n## {heading}\n")[1]
    lines = [line for line in part.split("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_the_hubs_library_reads_its_head(folder: Path) -> None:
    data = DatasetCard.load(folder / "README.md").data.to_dict()
    assert data["pretty_name"] == HOSTILE
    assert data["license"] == "etalab-2.0"
    assert data["task_categories"] == ["image-segmentation"]
    assert data["size_categories"] == ["n<1K"]
    (preview,) = [one for one in data["configs"] if one["config_name"] == "preview"]
    assert preview["data_files"] == [{"split": "preview", "path": "preview.parquet"}]
    for one in data["configs"]:
        assert all((folder / file["path"]).is_file() for file in one["data_files"])


def run_example(code: str, folder: Path) -> None:
    shown = code.replace(".show()", ".load()")  # there is nobody to show it to
    command = [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", shown]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{code}\n{done.stderr}"


def test_every_example_of_python_runs_where_the_card_lies(folder: Path, card: str) -> None:
    examples = [code for code in PYTHON.findall(card) if "torchgeo" not in code]
    assert len(examples) == 7
    before = sorted(folder.rglob("*"))
    for code in examples:
        run_example(code, folder)
    assert sorted(folder.rglob("*")) == before, "the folder stays as it is"


def test_torchgeo_reads_it_as_the_card_says(folder: Path, card: str) -> None:
    pytest.importorskip("torchgeo", reason="torchgeo is not installed")
    (code,) = [code for code in PYTHON.findall(card) if "torchgeo" in code]
    run_example(code + "assert batch['mask'].shape == (512, 512)", folder)


def test_the_classes_have_their_counts_and_all_pixels_are_told(card: str, release: Release) -> None:
    found = rows(card, "Classes")
    assert [cells[1].strip("`") for cells in found[:-1]] == list(release.nomenclature.keys)
    for cells in found[:-1]:
        entry = release.nomenclature.by_key(cells[1].strip("`"))
        assert cells[2] == f"`{entry.colour}`"
        assert [int(cells[3]), int(cells[4])] == [entry.values["flair"], entry.values["flair_hub"]]
        assert int(cells[5].replace(",", "")) == release.card["class_pixels"][entry.key]
    assert sum(int(cells[5].replace(",", "")) for cells in found) == release.card["counts"]["pixels"]
    assert sum(float(cells[6]) for cells in found) == pytest.approx(100, abs=0.2)


def test_splits_folds_and_domains_are_those_of_the_release(card: str, release: Release) -> None:
    splits = rows(card, "Splits and folds")
    for cells in splits[:6]:
        sizes = release.card["splits"]["columns"][cells[0].strip("`")]
        assert [int(cell) for cell in cells[1:]] == [sizes["train"], sizes["valid"], sizes["test"]]
    domains = rows(card, "Domains")
    assert [cells[0] for cells in domains] == ["D036\\_2020", "D051\\_2019", "D055\\_2018"]
    assert sum(int(cells[3]) for cells in domains) == release.card["counts"]["patches"]
    area = sum(float(cells[4]) for cells in domains)
    assert area == pytest.approx(release.card["counts"]["area_km2"], abs=0.002)


def test_warnings_and_known_biases_are_in_it(card: str, release: Release) -> None:
    for warning in release.card["warnings"]:
        assert warning["kind"] == "unlabelled" or plain(warning["message"]) in card
    assert "- Roofs of slate are rare." in card


@pytest.mark.parametrize("name", ["README.md", "datasheet.md"])
def test_what_people_say_is_text_wherever_it_stands(folder: Path, name: str) -> None:
    """By a parser of Markdown: no tag, link or emphasis comes of it, and the words are all there."""
    text = (folder / name).read_text(encoding="utf-8").split("---\n", 2)[-1]
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inside = [child for token in tokens for child in (token.children or [])]
    assert not [one for one in [*tokens, *inside] if one.type in ("html_block", "html_inline")]
    links = [one.attrs["href"] for one in inside if one.type == "link_open"]
    assert all(link.startswith("https://") for link in links)
    headings = [
        "".join(child.content for child in after.children or [])
        for token, after in pairwise(tokens)
        if token.type == "heading_open" and token.tag == "h1"
    ]
    assert headings == [HOSTILE if name == "README.md" else f"Datasheet: {HOSTILE}"]


def test_the_description_is_taken_as_it_is(release: Release, tmp_path: Path) -> None:
    (tmp_path / "about.md").write_text("\ufeffTaken *from above*.\n\n- one\n", encoding="utf-8")
    said = edition(description=tmp_path / "about.md")
    done = publish_dataset(release.path, tmp_path / "out", edition=said)
    assert "\n\nTaken *from above*.\n\n- one\n\n" in (done.directory / "README.md").read_text(
        encoding="utf-8"
    )


def test_a_release_of_one_layout_without_labels_missing_has_no_empty_sentence(
    zones: list[MadeZone], tmp_path: Path
) -> None:
    release = build(zones[2:3], tmp_path, layouts=("flair-hub",))
    done = publish_dataset(release.path, tmp_path / "out", edition=edition())
    text = (done.directory / "README.md").read_text(encoding="utf-8")
    assert "None" not in text.replace("(None)", "")
    assert "| made by |" not in text
    assert "its makers" in text


def test_questions_that_nobody_answered_are_said_to_be_open(folder: Path) -> None:
    text = (folder / "datasheet.md").read_text(encoding="utf-8")
    questions = re.findall(r"^\*\*(.*\?)\*\*$", text, re.MULTILINE)
    assert len(questions) == len(set(questions)) > 30
    open_ones = text.count("*Not answered:")
    assert 5 < open_ones < len(questions) / 2
    for heading in ("Motivation", "Composition", "Collection process", "Uses", "Distribution", "Maintenance"):
        assert f"\n## {heading}\n" in text


def test_the_citation_is_a_data_set_with_its_makers(folder: Path, published: PublishedDataset) -> None:
    found = yaml.safe_load((folder / "CITATION.cff").read_text(encoding="utf-8"))
    assert found["cff-version"] == "1.2.0"
    assert (found["type"], found["title"], found["license"]) == ("dataset", HOSTILE, "etalab-2.0")
    assert found["authors"] == [{"name": "IGN"}, {"name": "A & B"}]
    assert found["contact"] == [{"name": "Land cover <cover@example.org>", "email": "cover@example.org"}]
    assert (found["doi"], found["date-released"]) == ("10.5281/zenodo.1234567", "2026-01-31")
    assert found["identifiers"][0]["value"] == f"sha256:{published.survey.card['content_sha256']}"


def test_the_licence_names_itself_and_how_to_name_the_data(folder: Path) -> None:
    text = (folder / "LICENSE").read_text(encoding="utf-8")
    assert "Licence Ouverte" in text
    assert "SPDX-License-Identifier: etalab-2.0" in text
    assert f"{HOSTILE}, IGN, A & B, 2026-01-31, https://doi.org/10.5281/zenodo.1234567, etalab-2.0." in text


def test_what_is_published_of_derived_labels_says_so_at_once(release: Release, tmp_path: Path) -> None:
    assert "DERIVED" not in statements.summary(survey(release))
    derived = recode(release.path, name="FR_15", out=tmp_path, goal="15").release
    told = statements.summary(survey(derived))
    assert "16 classes of flair-15 1.0.0. The labels are DERIVED: nobody annotated in these classes." in told


def test_a_single_zone_is_one_zone_in_one_domain(tmp_path: Path) -> None:
    one = survey(build([make_zone(acquired=None)], tmp_path))
    assert "of 1 zone in 1 domain (department and year)" in statements.summary(one)
    assert "of 1 of 1 zone the year alone is known" in statements.period(one)
    assert "in 1 domain and 1 zone; nothing outside" in statements.spatial_bias(one)


def test_proposals_that_nobody_touched_are_a_known_bias_where_zones_tell_them(
    zones: list[MadeZone], tmp_path: Path
) -> None:
    assert statements.proposals(survey(build(zones, tmp_path, name="UNTOLD"))) is None
    origins = dict.fromkeys(("drawn", "picked", "imported", "kept", "corrected"), 0)
    told = {"origins": origins | {"drawn": 300, "untouched": 700}}
    made = build([changed(zones[0], facts=told), *zones[1:]], tmp_path)
    sentence = "70 % of the labelled pixels of 1 of 6 zones are proposals of models that nobody touched"
    assert sentence in str(statements.proposals(survey(made)))
    done = publish_dataset(made.path, tmp_path / "public", edition=edition())
    for name in ("README.md", "datasheet.md"):
        assert sentence in (done.directory / name).read_text()

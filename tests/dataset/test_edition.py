"""What whoever publishes says: taken, or refused in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_editions import edition

from workbench.dataset.licences import LICENCES, licence_of
from workbench.errors import ReleaseError

REFUSED = {
    "licence": ({"licence": "WTFPL"}, "'WTFPL' is none .*choose from etalab-2.0, cc-by-4.0"),
    "two lines": ({"title": "Land\ncover"}, "title is no line"),
    "empty": ({"title": " "}, "title is empty"),
    "null": ({"contact": "a\x00b"}, r"contact has the sign '\\x00', which is no text"),
    "half a pair": ({"authors": ("IGN", "\ud800")}, "author 2 has the sign"),
    "long": ({"biases": ("x" * 1001,)}, "known bias 1 is no line of up to 1000"),
    "address": ({"url": "javascript:alert(1)"}, "is no address of the web"),
    "address with a space": ({"url": "https://example.org/a b"}, "is no address of the web"),
    "broken address": ({"url": "https://[::1"}, "is no address of the web"),
    "doi": ({"doi": "zenodo.1234567"}, "is no DOI; write it like 10.5281"),
    "description": ({"description": Path("nowhere.md")}, "cannot be read as text"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_written_is_refused(name: str) -> None:
    said, sentence = REFUSED[name]
    with pytest.raises(ReleaseError, match=sentence):
        edition(**said)


def test_a_description_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "picture.md").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(ReleaseError, match="not UTF-8"):
        edition(description=tmp_path / "picture.md")


@pytest.mark.parametrize(
    "written", ["10.5281/zenodo.1", "https://doi.org/10.5281/zenodo.1", "DOI:10.5281/zenodo.1"]
)
def test_a_doi_may_be_written_with_its_address(written: str) -> None:
    said = edition(doi=written, url="https://example.org")
    assert (said.doi, said.link) == ("10.5281/zenodo.1", "https://doi.org/10.5281/zenodo.1")


@pytest.mark.parametrize(
    ("contact", "mail"),
    [("Jo <jo@ign.fr>", "jo@ign.fr"), ("jo@ign.fr", "jo@ign.fr"), ("at the desk", None), (None, None)],
)
def test_the_address_in_a_contact_is_found(contact: Any, mail: Any) -> None:
    assert edition(contact=contact).mail == mail


def test_licences_are_known_to_the_hub_and_to_spdx_by_ids_of_their_own() -> None:
    assert len({one.spdx for one in LICENCES.values()}) == len(LICENCES)
    for one in LICENCES.values():
        assert licence_of(one.spdx) == licence_of(one.id.upper()) == one
        assert one.url.startswith("https://")

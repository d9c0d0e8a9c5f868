"""Edits that somebody had seen and that are gone are said wherever one looks."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from made_orthos import MakeOrtho

from workbench.campaign import Campaign
from workbench.cli import workbench as command
from workbench.workflows.intake import add_zone
from workbench.workflows.labelling import label_zone

SQUARE = '{"polygon": [[9, 9], [9, 20], [20, 20]], "class": "%s"}'


@pytest.fixture
def lost(campaign: Campaign, make_ortho: MakeOrtho) -> Campaign:
    """Return a campaign where an old copy of a journal was put back after another author had read more."""
    zone = add_zone(campaign, make_ortho()[0], domain="D051_2019", name="Z1_AA").zone

    def label(author: str, key: str) -> None:
        label_zone(campaign, zone, author=author, lines=[SQUARE % key], on_edit=lambda *_: None)

    label("marie", "water")
    path = campaign.journal_dir(zone) / "marie.sqlite"
    old = path.read_bytes()
    label("marie", "snow")
    label("jean", "building")
    path.write_bytes(old)
    return campaign


@pytest.mark.parametrize(
    "call",
    [
        ("zone", "list"),
        ("zone", "status", "--zone", "Z1_AA"),
        ("journal", "doctor", "--zone", "Z1_AA"),
        ("journal", "verify", "--zone", "Z1_AA"),
    ],
    ids=" ".join,
)
def test_a_lost_end_is_said(lost: Campaign, call: tuple[str, ...], tmp_path: Path) -> None:
    group, verb, *options = call
    done = CliRunner().invoke(command, [group, verb, str(lost.path), *options])
    assert "somebody had seen op marie:2" in done.output
    assert "marie.sqlite back" in done.output
    assert done.exit_code == (0 if verb == "status" else 1)

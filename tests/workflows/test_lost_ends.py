"""Edits that somebody had seen and that are gone are said wherever one looks."""

from __future__ import annotations

import json
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
    assert_said(done.output)
    assert done.exit_code == (0 if verb == "status" else 1)


def test_a_pack_and_a_backup_say_what_they_are_without(lost: Campaign, tmp_path: Path) -> None:
    run = CliRunner().invoke
    pack, backup = str(tmp_path / "zone.wbzone"), str(tmp_path / "backup")
    packed = run(command, ["zone", "pack", str(lost.path), "--zone", "Z1_AA", "-o", pack])
    assert_said(packed.output)
    assert packed.exit_code == 0
    copied = run(command, ["campaign", "backup", str(lost.path), backup])
    assert_said(copied.output)
    assert copied.exit_code == 1
    again = run(command, ["campaign", "backup", backup, f"{backup}-2", "--json"])
    assert json.loads(again.output)["missing"] == {"D051_2019/Z1_AA": {"marie": 2}}


def assert_said(output: str) -> None:
    assert "edits are lost: somebody had seen op marie:2" in output
    assert "marie.sqlite back" in output

"""Edits that were there once and that are gone are said wherever one looks, and their ids not given again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from made_orthos import MakeOrtho

from workbench.campaign import Campaign
from workbench.cli import workbench as command
from workbench.documents import validate
from workbench.errors import EditRefused, JournalError
from workbench.geo.zone import Zone
from workbench.workflows.intake import add_zone
from workbench.workflows.journals import mend_journals
from workbench.workflows.labelling import label_zone
from workbench.workflows.migrating import find_recoding, migrate
from workbench.workflows.standing import review_zone, standing

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
    call = ["zone", "pack", str(lost.path), "--zone", "Z1_AA", "-o", pack]
    refused = run(command, call)
    assert_said(str(refused.exception))
    assert "or pack it --anyway" in str(refused.exception)
    assert not Path(pack).exists()
    packed = run(command, [*call, "--anyway"])
    assert_said(packed.output)
    assert packed.exit_code == 0
    copied = run(command, ["campaign", "backup", str(lost.path), backup])
    assert_said(copied.output)
    assert copied.exit_code == 1
    again = run(command, ["campaign", "backup", backup, f"{backup}-2", "--json"])
    assert json.loads(again.output)["missing"] == {"D051_2019/Z1_AA": {"marie": 2}}


def assert_said(output: str) -> None:
    assert "edits may be lost: no journal holds op marie:2;" in output
    assert "marie.sqlite back" in output


# Of what the doctor mends


@pytest.fixture
def home(campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path) -> tuple[Campaign, Zone]:
    """Return a campaign where marie made three edits, with a backup of it beside."""
    zone = add_zone(campaign, make_ortho()[0], domain="D051_2019", name="Z1_AA").zone
    lines = [SQUARE % key for key in ("water", "snow", "building")]
    label_zone(campaign, zone, author="marie", lines=lines, on_edit=lambda *_: None)
    assert run(campaign, "campaign", "backup", str(tmp_path / "backup")).exit_code == 0
    return campaign, zone


def run(campaign: Campaign, group: str, verb: str, *options: str) -> Result:
    return CliRunner().invoke(command, [group, verb, str(campaign.path), *options])


def ruined(campaign: Campaign, zone: Zone, size: int) -> Path:
    """Cut marie's journal short, and have the doctor find nothing left of it; return where it was."""
    path = campaign.journal_dir(zone) / "marie.sqlite"
    path.write_bytes(path.read_bytes()[:size])
    told = run(campaign, "journal", "doctor", "--zone", "Z1_AA")
    assert "0 ops are there" in told.output
    assert told.exit_code == 1
    return path


def put_into_quarantine(campaign: Campaign, zone: Zone, content: Path) -> None:
    folder = campaign.journal_dir(zone) / "quarantine" / "marie-backup"
    folder.mkdir(parents=True)
    shutil.copyfile(content, folder / "marie.sqlite")


def copy_in(backup: Path, campaign: Campaign, zone: Zone) -> Path:
    return backup / (campaign.journal_dir(zone) / "marie.sqlite").relative_to(campaign.path)


@pytest.mark.parametrize("size", [6144, 0])
@pytest.mark.parametrize(
    "verb", [("zone", "list"), ("zone", "status"), ("journal", "doctor"), ("journal", "verify")], ids=" ".join
)
def test_a_journal_of_which_nothing_is_left_is_said_for_good(
    home: tuple[Campaign, Zone], size: int, verb: tuple[str, str]
) -> None:
    campaign, zone = home
    ruined(campaign, zone, size)
    named = () if verb == ("zone", "list") else ("--zone", "Z1_AA")
    for _ in range(2):
        done = run(campaign, *verb, *named)
        assert "edits may be lost: no journal holds op marie:1; put the newer marie.sqlite" in done.output
        assert done.exit_code == (0 if verb == ("zone", "status") else 1)
    with pytest.raises(JournalError, match=r"ends before op marie:1, .* such as marie-2"):
        label_zone(campaign, zone, author="marie", lines=[SQUARE % "snow"], on_edit=lambda *_: None)


@pytest.mark.parametrize("author", [(), ("--author", "marie")])
def test_it_comes_back_as_the_doctor_says(
    home: tuple[Campaign, Zone], tmp_path: Path, author: tuple[str, ...]
) -> None:
    campaign, zone = home
    doctor = ("journal", "doctor", "--zone", "Z1_AA", *author, "--json")
    ruined(campaign, zone, 6144)
    found = json.loads(run(campaign, *doctor).output)
    validate(found, "outputs/journal-doctor", source="doctor")
    assert [(one["author"], one["ops"], one["first_lost"]) for one in found["journals"]] == [
        ("marie", 0, "marie:1")
    ]
    put_into_quarantine(campaign, zone, copy_in(tmp_path / "backup", campaign, zone))
    found = json.loads(run(campaign, *doctor).output)
    assert (found["journals"][0]["head"], found["journals"][0]["first_lost"]) == ("marie:3", None)
    assert found["missing"] == {"marie": 4}
    told = run(campaign, *doctor[:-1])
    assert told.exit_code == 1
    assert "edits may be lost: no journal holds op marie:4;" in told.output
    for mark in campaign.journal_dir(zone).glob("quarantine/*/lost"):
        assert str(mark) in told.output
        with pytest.raises(JournalError, match=r"ends before op marie:4, .*is missing, remove"):
            label_zone(campaign, zone, author="marie", lines=[SQUARE % "snow"], on_edit=lambda *_: None)
        mark.unlink()
    assert run(campaign, *doctor).exit_code == 0
    assert run(campaign, "journal", "verify", "--zone", "Z1_AA").exit_code == 0
    label_zone(campaign, zone, author="marie", lines=[SQUARE % "snow"], on_edit=lambda *_: None)
    assert standing(campaign, zone).heads == {"marie": 4}


def test_an_empty_journal_is_the_doctors(home: tuple[Campaign, Zone]) -> None:
    campaign, zone = home
    (campaign.journal_dir(zone) / "marie.sqlite").write_bytes(b"")
    with pytest.raises(JournalError, match=r"marie\.sqlite: of the journal only 0 bytes are left; .* doctor"):
        standing(campaign, zone)


def test_a_copy_that_goes_another_way_is_named_until_it_is_gone(
    home: tuple[Campaign, Zone], tmp_path: Path
) -> None:
    campaign, zone = home
    path = ruined(campaign, zone, 0)
    shutil.rmtree(path.parent / "quarantine")  # as an earlier version left it
    label_zone(campaign, zone, author="marie", lines=[SQUARE % "water"], on_edit=lambda *_: None)
    put_into_quarantine(campaign, zone, copy_in(tmp_path / "backup", campaign, zone))
    for _ in range(2):
        told = run(campaign, "journal", "doctor", "--zone", "Z1_AA")
        assert told.exit_code == 1
        assert "marie: sound, 1 op\n" in told.output
        assert "marie-backup goes another way from op marie:1 on, and none of its 3 ops" in told.output
    found = json.loads(run(campaign, "journal", "doctor", "--zone", "Z1_AA", "--json").output)
    validate(found, "outputs/journal-doctor", source="doctor")
    folder = path.parent / "quarantine" / "marie-backup"
    assert found["journals"][0]["forks"] == [{"first": "marie:1", "ops": 3, "quarantine": str(folder)}]
    shutil.rmtree(folder)
    assert run(campaign, "journal", "doctor", "--zone", "Z1_AA").exit_code == 0


def test_what_only_another_journal_knew_is_known_without_it(lost: Campaign) -> None:
    zone = lost.only_zone()
    folder = lost.journal_dir(zone)
    for _ in range(2):
        assert_said(run(lost, "journal", "doctor", "--zone", "Z1_AA").output)
        (mark,) = folder.glob("quarantine/marie-*/lost")
        assert mark.read_text() == "marie:2\n"
    (folder / "jean.sqlite").write_bytes(bytes(4096) + bytes(4096))
    run(lost, "journal", "doctor", "--zone", "Z1_AA")
    assert set(standing(lost, zone).heads) == {"marie"}
    with pytest.raises(JournalError, match=r"ends before op marie:2, .*remove"):
        label_zone(lost, zone, author="marie", lines=[SQUARE % "snow"], on_edit=lambda *_: None)
    told = run(lost, "journal", "verify", "--zone", "Z1_AA").output
    assert f"if it is known that nothing is missing, remove {mark.parent.parent}" in told.replace("\n", "")


def test_a_loss_that_cannot_be_noted_is_said(lost: Campaign) -> None:
    (lost.journal_dir(lost.only_zone()) / "quarantine").write_text("in the way")
    with pytest.raises(JournalError, match=r"could not be noted that op marie:2 is lost .*again"):
        mend_journals(lost, lost.only_zone(), author=None)


def test_verify_of_one_author_speaks_of_their_lost_edits_only(lost: Campaign) -> None:
    verify = ("journal", "verify", "--zone", "Z1_AA", "--author")
    assert_said(run(lost, *verify, "marie").output)
    assert "lost" not in run(lost, *verify, "jean").output


@pytest.mark.parametrize("loss", ["seen", "marked"])
def test_a_zone_is_accepted_without_lost_edits_for_a_reason(
    request: pytest.FixtureRequest, loss: str, tmp_path: Path
) -> None:
    if loss == "seen":
        campaign = request.getfixturevalue("lost")
        zone = campaign.only_zone()
    else:
        campaign, zone = request.getfixturevalue("home")
        ruined(campaign, zone, 0)
        label_zone(campaign, zone, author="marie-2", lines=[SQUARE % "snow"], on_edit=lambda *_: None)

    def accept(anyway: str | None) -> None:
        review_zone(campaign, zone, author="paul", verdict="accept", anyway=anyway)

    with pytest.raises(
        EditRefused, match=r"open finding.*besides, edits may be lost: no journal holds op marie:"
    ):
        accept(None)
    review_zone(campaign, zone, author="marie-2", verdict="submit", anyway="it is a test")
    with pytest.raises(EditRefused, match=r"edits may be lost.* back, or say why .*--anyway REASON"):
        accept(None)
    with pytest.raises(EditRefused, match="for a reason"):
        accept(" ")
    assert run(campaign, "zone", "list").exit_code == 1
    accept("they are gone for good")
    assert str(standing(campaign, zone).state) == "accepted by paul: they are gone for good"
    listed = run(campaign, "zone", "list")
    assert "edits may be lost: no journal holds op marie:" in listed.output
    assert listed.exit_code == 0


def test_marks_are_in_backups_and_in_the_way_of_migrating(
    home: tuple[Campaign, Zone], tmp_path: Path
) -> None:
    campaign, zone = home
    ruined(campaign, zone, 0)
    again = run(campaign, "campaign", "backup", str(tmp_path / "again"), "--json")
    assert json.loads(again.output)["missing"] == {zone.id: {"marie": 1}}
    copy = Campaign.open(tmp_path / "again")
    assert standing(copy, copy.only_zone()).missing == {"marie": 1}
    packed = run(campaign, "zone", "pack", "--zone", "Z1_AA", "-o", str(tmp_path / "zone.wbzone"))
    exported = run(
        campaign,
        "labels",
        "export",
        "--zone",
        "Z1_AA",
        "--scheme",
        "flair",
        "-o",
        str(tmp_path / "labels.tif"),
    )
    for done in (packed, exported):
        assert "edits may be lost: no journal holds op marie:1;" in done.output
        assert done.exit_code == 0
    new = tmp_path / "new"
    recoding = find_recoding(campaign, new, table=None, to=None)
    with pytest.raises(JournalError, match="edits may be lost: no journal holds op marie:1"):
        migrate(campaign, new, zones=[zone], recoding=recoding, decisions={})

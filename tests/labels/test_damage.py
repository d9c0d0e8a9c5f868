"""Every file of a zone cut short at every 512 bytes, and one bit in each 512 flipped: nothing is silent."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from forks import Forker
from label_cases import SUBJECT, any_edit, open_store
from made_orthos import MakeOrtho

from workbench.campaign import Campaign
from workbench.errors import CampaignError, JournalError
from workbench.labels.doctor import mend_journal
from workbench.labels.reading import read_journal
from workbench.workflows.intake import add_zone

BLOCK = 512


def damages(content: bytes, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """Yield a file cut at each block, and with one bit of each block another."""
    chance = random.Random(seed)
    for start in range(0, len(content), BLOCK):
        yield f"cut at {start}", content[:start]
        at = start + chance.randrange(min(BLOCK, len(content) - start))
        flipped = bytearray(content)
        flipped[at] ^= 1 << chance.randrange(8)
        yield f"flipped in {at}", bytes(flipped)


def left_by_a_kill(home: Path) -> Path:
    """Make a zone of two authors as a kill leaves it: some of marie's ops are in her WAL only."""
    folder, snapshots = home / "live" / "journal", home / "live" / "snapshots"
    with open_store(folder, "jean", snapshots=snapshots) as store:
        for turn in range(6):
            any_edit(store, turn)
    with open_store(folder, "marie", snapshots=snapshots) as store:
        for turn in range(12):
            any_edit(store, turn)
        store.snapshot()
    with open_store(folder, "marie", snapshots=snapshots) as store:
        for turn in range(12):
            any_edit(store, turn)
        shutil.copytree(home / "live", home / "left")
    return home / "left"


@pytest.fixture(scope="module")
def zone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return left_by_a_kill(tmp_path_factory.mktemp("zone"))


def check_sentence(sentence: str, file: str) -> None:
    """It names the file, and the way out."""
    assert file in sentence
    ways = ("journal doctor", "no journal of the workbench", "restore it", "newer", "is not a campaign")
    assert any(way in sentence for way in ways), sentence


def shown(home: Path) -> tuple[bytes, list[str]]:
    with open_store(home / "journal", snapshots=home / "snapshots") as store:
        return store.labels.tobytes(), [op.id for op in store.ops]


@pytest.mark.parametrize(
    "name", ["marie.sqlite", "marie.sqlite-wal", "marie.sqlite-shm", "marie.lock", "jean.sqlite", "snapshot"]
)
def test_labels_are_true_or_the_file_is_named(zone: Path, tmp_path: Path, name: str) -> None:
    truth, rows = shown(shutil.copytree(zone, tmp_path / "truth")), {}
    for author in ("marie", "jean"):
        rows[author] = read_journal(tmp_path / "truth" / "journal" / f"{author}.sqlite").rows
    (path,) = zone.glob("snapshots/*.npz") if name == "snapshot" else [zone / "journal" / name]
    named = 0
    for what, content in damages(path.read_bytes() or b"lock"):
        home = shutil.copytree(zone, tmp_path / "damaged")
        (home / path.relative_to(zone)).write_bytes(content)
        for author in (None, "marie"):  # who only looks must not hide it from who labels
            try:
                if author is None:
                    assert shown(home) == truth, what
                else:
                    open_store(home / "journal", author).close()
            except JournalError as error:
                named += 1
                check_sentence(str(error), name.split("-", maxsplit=1)[0])
                continue
            assert shown(home) == truth, what
        if name.endswith(("sqlite", "wal")):
            journal = home / "journal" / name.removesuffix("-wal")
            treatment = mend_journal(journal, SUBJECT)
            own = rows[journal.stem]
            found = read_journal(journal).rows if journal.exists() else ()
            assert found == own[: len(found)], what
            assert found == own or treatment.first_lost == f"{journal.stem}:{len(found) + 1}", what
        shutil.rmtree(home)
    assert bool(named) == name.endswith(("sqlite", "wal"))


def test_a_registry_is_as_it_was_or_is_named(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    image, _ = make_ortho()
    add_zone(campaign, image, domain="D051_2019", name="Z15_UN")
    path = campaign.path / "registry.gpkg"

    def known() -> tuple[object, ...]:
        opened = Campaign.open(campaign.path)
        zones = [replace(zone, acquired=None, camera=None, theme=None) for zone in opened.zones()]
        return zones, opened.folds(), [opened.patch_numbers(zone) for zone in zones], opened.registry.facts()

    truth, content, named = known(), path.read_bytes(), 0
    for what, damaged in damages(content):
        path.write_bytes(damaged)
        try:
            assert known() == truth, what
        except CampaignError as error:
            check_sentence(str(error), str(campaign.path))
            named += 1
    assert named >= len(content) / BLOCK, "each cut, and some bits"


@pytest.mark.skipif(sys.platform == "win32", reason="children are forked")
def test_a_wal_is_not_taken_for_damaged_while_its_author_writes(tmp_path: Path) -> None:
    with Forker("faults:session") as forker:
        forker.start(directory=tmp_path / "journal", turns=400)
        for seen, _ in enumerate(forker.said(most=300)):
            if seen % 5 == 0:
                with open_store(tmp_path / "journal") as store:
                    assert len(store.ops) >= seen
        list(forker.said())
    assert forker.status == 0

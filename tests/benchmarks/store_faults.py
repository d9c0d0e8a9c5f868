"""Everything that can happen to a disk or a process, done to the label store: a table of what it costs.

`label_store.py` runs it; see README.md beside this file. Each row is one kind of fault: how often it was
done, how many edits had been acknowledged, how many of them are lost or wrong, how many stores cannot be read
even after the doctor, and how often a sentence named what is damaged.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "labels")]

from faults import CALLS, Outcome, counted, failing, lost, run, traced  # noqa: E402
from forks import Forker  # noqa: E402
from kills import kill_command, killed, run_command  # noqa: E402
from label_cases import SUBJECT, open_store  # noqa: E402
from made_orthos import made_grid, made_image, made_truth  # noqa: E402
from recorded_disk import RECORDING, disk_after, events_of, has_strace  # noqa: E402
from test_clocks import STEPS, labelled  # noqa: E402
from test_damage import damages, left_by_a_kill, shown  # noqa: E402
from test_power_cuts import lost as lost_in_power_cut  # noqa: E402
from test_power_cuts import recorded  # noqa: E402

from workbench.campaign import Campaign  # noqa: E402
from workbench.errors import JournalError, WorkbenchError  # noqa: E402
from workbench.export import verify_release  # noqa: E402
from workbench.geo.geotiff import write_raster  # noqa: E402
from workbench.labels.doctor import mend_journal  # noqa: E402
from workbench.labels.reading import read_journal, verify_journal  # noqa: E402
from workbench.workflows.intake import add_zone  # noqa: E402
from workbench.workflows.segmenting import segment_zones  # noqa: E402


@dataclass(slots=True)
class Row:
    """One kind of fault."""

    fault: str
    trials: int = 0
    acknowledged: int = 0
    lost: int = 0
    unreadable: int = 0
    named: int = 0


def fault_rows(
    work: Path, *, kills: int, power_cuts: bool, say: Callable[[dict[str, Any]], None]
) -> Iterator[dict[str, Any]]:
    """Do everything, and yield row by row."""
    for rows in (
        lambda: journal_kills(work / "kills", kills),
        lambda: hdf5_kills(work / "hdf5", min(kills, 200)),
        lambda: killed_commands(work / "commands", max(10, kills // 25)) if kills else (),
        lambda: power_cut_rows(work / "power") if power_cuts and has_strace() else (),
        lambda: failing_calls(work / "calls") if has_strace() else (),
        lambda: full_disks(work / "full"),
        lambda: damaged_files(work / "damage"),
        lambda: clocks(work / "clocks"),
    ):
        for row in rows():
            say(asdict(row))
            yield asdict(row)


def journal_kills(home: Path, kills: int) -> Iterator[Row]:
    """Kill a labelling process, open its zone, and look for each acknowledged edit."""
    programs = (
        ("journal", kills, "killed while labelling"),
        ("snapshots", kills // 4, "killed while writing snapshots"),
    )
    for program, times, fault in programs if kills else ():
        row, directory = Row(fault), home / program / "journal"
        for count, said in enumerate(killed(program, directory, times, seed=5)):
            row.trials += 1
            ids = {line.split()[0] for line in said}
            row.acknowledged += len(ids)
            path = directory / "marie.sqlite"
            try:
                if path.exists():
                    row.unreadable += not verify_journal(path).ok
                    with (
                        open_store(directory, snapshots=directory.parent / "snapshots") as store,
                        open_store(directory) as replayed,
                    ):
                        ids -= {op.id for op in store.ops}
                        row.unreadable += store.labels.tobytes() != replayed.labels.tobytes()
                row.lost += len(ids)
            except JournalError:
                row.unreadable += 1
                shutil.move(directory, home / f"broken-{count}")
            if count % 50 == 49:  # a fresh zone, so that checking does not grow without end
                shutil.rmtree(directory.parent)
        yield row


def hdf5_kills(home: Path, kills: int) -> Iterator[Row]:
    """Do the same to labels in an HDF5 file that is changed in place."""
    import h5py

    row = Row("killed: labels in HDF5 in place, flushed each edit (to compare)")
    for count, said in enumerate(killed("hdf5", home, kills, seed=6)):
        row.trials += 1
        ids, path = set(said), home / "labels.h5"
        row.acknowledged += len(ids)
        try:
            if path.exists():
                with h5py.File(path, "r") as file:
                    file["labels"][()]
                    ids -= set(file["edits"])
        except (OSError, KeyError, RuntimeError, ValueError):
            row.unreadable += 1
            path.rename(home / f"broken-{count}.h5")
        row.lost += len(ids)
    if kills:
        yield row


def killed_commands(home: Path, kills: int) -> Iterator[Row]:
    """Kill commands at random instants; the old output is there, or the new one."""
    home.mkdir(parents=True)
    chance = random.Random(1)
    campaign = _campaign(home)
    zone = campaign.only_zone()
    out, name = home / "out", ("--zone", zone.id)
    out.mkdir()
    add = ("zone", "add", campaign.path, home / "b.tif", "--domain", "D051_2019", "--zone", "Z2_UN")
    journal = campaign.journal_dir(zone) / "import.sqlite"
    content, ops = journal.read_bytes(), verify_journal(journal).ops
    commands: list[tuple[str, tuple[object, ...], Callable[[], bool], Callable[[], object]]] = [
        (
            "labels export",
            (
                "labels",
                "export",
                campaign.path,
                *name,
                "--scheme",
                "flair",
                "-o",
                out / "l.tif",
                "--overwrite",
            ),
            lambda: _whole(out / "l.tif"),
            lambda: None,
        ),
        (
            "labels provenance",
            ("labels", "provenance", campaign.path, *name, "-o", out / "p.tif", "--overwrite"),
            lambda: _whole(out / "p.tif"),
            lambda: None,
        ),
        (
            "release build",
            ("release", "build", campaign.path, "--name", "R1", "-o", out),
            lambda: not (out / "R1").exists() or verify_release(out / "R1").sound,
            lambda: shutil.rmtree(out / "R1", ignore_errors=True),
        ),
        (
            "zone add --labels",
            (*add, "--labels", home / "b-mask.tif"),
            lambda: _all_labelled(campaign),
            lambda: _restore_registry(campaign, home),
        ),
        (
            "journal doctor",
            ("journal", "doctor", campaign.path, *name),
            lambda: verify_journal(journal).ops == ops or bool(_refusal(campaign)),
            lambda: journal.write_bytes(bytes(100) + content[100:]),
        ),
    ]
    with Forker("kills:command") as forker:
        for called, arguments, is_whole, prepare in commands:
            row = Row(f"killed during {called}")
            for _ in range(2):  # the second time it is warm
                prepare()
                start = time.perf_counter()
                run_command(forker, *arguments)
                lasts = time.perf_counter() - start
            for _ in range(5 * kills):
                if row.trials < kills:
                    prepare()
                    row.trials += kill_command(forker, chance.uniform(0, lasts), *arguments)
                    row.unreadable += not is_whole()
            prepare()
            row.unreadable += run_command(forker, *arguments)["code"] != (called == "journal doctor")
            yield row


def _campaign(home: Path) -> Campaign:
    """Make a campaign of a segmented, accepted zone, and the rasters of a second one."""
    for name, col in (("a", 0), ("b", 512)):
        truth, grid = made_truth(512, 512, col), made_grid(512, 512, col=col)
        write_raster(home / f"{name}.tif", made_image(truth, col), grid, level=1)
        write_raster(home / f"{name}-mask.tif", truth, grid)
    campaign = Campaign.create(home / "campaign")
    add_zone(campaign, home / "a.tif", domain="D051_2019", name="Z1_UN", mask=home / "a-mask.tif")
    list(segment_zones(campaign, None, say=lambda sentence: None))
    shutil.copyfile(campaign.path / "registry.gpkg", home / "registry.gpkg")
    return campaign


def _restore_registry(campaign: Campaign, home: Path) -> None:
    for path in campaign.path.glob("registry.gpkg*"):
        path.unlink()
    shutil.copyfile(home / "registry.gpkg", campaign.path / "registry.gpkg")
    shutil.rmtree(campaign.path / "zones" / "D051_2019" / "Z2_UN", ignore_errors=True)


def _all_labelled(campaign: Campaign) -> bool:
    covered = []
    for zone in Campaign.open(campaign.path).zones():
        with campaign.open_store(zone) as store:
            covered.append(store.coverage())
    return set(covered) == {1.0}


def _refusal(campaign: Campaign) -> str:
    try:
        campaign.open_store(campaign.zone("Z1_UN")).close()
    except JournalError as error:
        return str(error)
    return ""


def _whole(path: Path) -> bool:
    from workbench.geo.raster import read_bands

    return not path.exists() or read_bands(path).any()


def power_cut_rows(home: Path) -> Iterator[Row]:
    """Cut the power after each thing that a labelling process did to its files."""
    for mode in ("FULL", "NORMAL", "OFF"):
        folder, chance = home / mode, random.Random(1)
        folder.mkdir(parents=True)
        events = recorded(folder, *([] if mode == "FULL" else [mode]))
        row = Row("power cut" if mode == "FULL" else f"power cut, synchronous={mode} (to compare)")
        row.acknowledged = sum(event.kind == "say" for event in events)
        for count in range(1, len(events) + 1):
            for luck in (None, chance, chance):
                shutil.rmtree(folder / "disk", ignore_errors=True)
                row.trials += 1
                try:
                    row.lost += lost_in_power_cut(events, count, folder / "disk", luck)
                except (JournalError, AssertionError):
                    row.unreadable += 1
        yield row


def failing_calls(home: Path) -> Iterator[Row]:
    """Let every call of a session fail once, or from then on for good; cut the power after failed syncs."""
    home.mkdir(parents=True)
    log = home / "log"
    with Forker("faults:session") as forker:
        clean = traced(forker, home / "clean" / "journal", log, "-e", f"trace={','.join(CALLS)}")
        counts = counted(clean.log)
        for error, ever, fault in (
            ("EIO", False, "each call fails once (EIO)"),
            ("EIO", True, "each call fails from then on (EIO)"),
            ("ENOSPC", False, "each write finds no room once (ENOSPC)"),
        ):
            row = Row(fault)
            for call in CALLS if error == "EIO" else ("pwrite64", "write"):
                for number in range(1, counts[call] + 1):
                    directory = home / f"{error}-{ever}-{call}-{number}" / "journal"
                    outcome = traced(forker, directory, log, *failing(call, number, error, ever=ever))
                    _take(row, directory, outcome)
                    shutil.rmtree(directory.parent, ignore_errors=True)
            yield row
        row = Row("a sync fails, then a kill")
        for number in range(1, counts["fdatasync"] + 1):
            directory = home / f"deadly-{number}" / "journal"
            outcome = traced(forker, directory, log, *failing("fdatasync", number), deadly=True)
            _take(row, directory, outcome, wrong=bool(outcome.refusals))
        yield row
        row = Row("a sync fails and forgets, then a power cut")
        for call in ("fsync", "fdatasync"):
            for number in range(1, counts[call] + 1):
                _cut_after_failure(row, forker, home / f"gate-{call}-{number}", call, number)
        yield row


def _cut_after_failure(row: Row, forker: Forker, root: Path, call: str, number: int) -> None:
    import json

    fault = ("-e", f"inject={call}:error=EIO:when={number}")
    root.mkdir()
    outcome = traced(forker, root / "zone" / "journal", root / "log", *RECORDING, *fault)
    events = events_of(outcome.log, root / "zone")
    for count in (place + 1 for place, event in enumerate(events) if event.kind == "say"):
        said = [json.loads(event.data[1:-1]) for event in events[:count] if event.kind == "say"]
        disk_after(events, count, root / "disk")
        (root / "disk" / "journal").mkdir(parents=True, exist_ok=True)
        _take(row, root / "disk" / "journal", Outcome(said=said, status=0))
        shutil.rmtree(root / "disk")
    shutil.rmtree(root)


def _take(row: Row, directory: Path, outcome: Outcome, *, wrong: bool = False) -> None:
    """Count one session; with ``wrong`` an edit that is there after the last acknowledged one is one too."""
    row.trials += 1
    row.acknowledged += len(outcome.acknowledged)
    row.named += bool(outcome.refusals)
    directory.mkdir(parents=True, exist_ok=True)
    try:
        row.lost += lost(directory, outcome)
        last = int(outcome.acknowledged[-1].split(":")[1]) if outcome.acknowledged else 0
        with open_store(directory) as store:
            row.lost += wrong and len(store.ops) > last
    except JournalError:
        row.unreadable += 1


def full_disks(home: Path) -> Iterator[Row]:
    """Label until the disk is full, make room, and go on: on a small disk where one may be mounted."""
    home.mkdir(parents=True)
    with Forker("faults:session") as forker:
        row = Row("disk full, by a limit on the size of files")
        for number, limit in enumerate(range(1_000, 121_000, 4_000)):
            directory = home / str(number) / "journal"
            _take(row, directory, run(forker, directory, turns=60, limit=limit))
        yield row
        row = Row("disk full, tmpfs")
        for kilobytes in range(340, 640, 10):
            disk = home / "disk"
            disk.mkdir(exist_ok=True)
            mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(disk)]
            if subprocess.run(mount, capture_output=True, check=False).returncode:
                return
            try:
                _take(row, disk / "journal", run(forker, disk / "journal", turns=60, ballast=300_000))
            finally:
                subprocess.run(["umount", str(disk)], check=True)
        yield row


def damaged_files(home: Path) -> Iterator[Row]:
    """Cut every file of a zone at each 512 bytes, and flip a bit in each 512 of it, eight times."""
    home.mkdir(parents=True)
    zone = left_by_a_kill(home / "zone")
    truth = shown(shutil.copytree(zone, home / "truth"))
    (snapshot,) = zone.glob("snapshots/*.npz")
    ends = ("jean.sqlite", "marie.sqlite", "marie.sqlite-wal", "marie.sqlite-shm", "marie.lock")
    for path in (*(zone / "journal" / end for end in ends), snapshot):
        cut, flipped = Row(f"cut short: {_kind(path)}"), Row(f"one bit flipped: {_kind(path)}")
        for seed in range(8):
            for what, content in damages(path.read_bytes() or b"lock", seed):
                row = flipped if what.startswith("flipped") else cut
                if row is flipped or seed == 0:
                    _take_damage(row, shutil.copytree(zone, home / "damaged"), zone, path, content, truth)
                    shutil.rmtree(home / "damaged")
        yield from (cut, flipped)
    campaign = _campaign(home)
    for path in (campaign.hierarchy_path(campaign.only_zone()), campaign.path / "registry.gpkg"):
        yield from _damaged_campaign(campaign, path)


def _kind(path: Path) -> str:
    names = {"jean.sqlite": "journal", "marie.sqlite": "journal with a -wal", "marie.lock": "lock"}
    return "snapshot" if path.suffix == ".npz" else names.get(path.name, path.suffix.removeprefix(".sqlite"))


def _take_damage(
    row: Row, home: Path, zone: Path, path: Path, content: bytes, truth: tuple[bytes, list[str]]
) -> None:
    """Count one damaged zone: what is shown is true, or named and mended by what can be proven."""
    (home / path.relative_to(zone)).write_bytes(content)
    row.trials += 1
    row.acknowledged += len(truth[1])
    author = "jean" if path.name == "jean.sqlite" else "marie"
    journal = home / "journal" / f"{author}.sqlite"
    try:
        row.lost += len(set(truth[1]) - set(shown(home)[1])) + (shown(home)[0] != truth[0])
    except JournalError:
        row.named += 1
        try:
            mend_journal(journal, SUBJECT)
            found = [f"{author}:{one.seq}" for one in read_journal(journal).rows] if journal.exists() else []
            shown(home)
            row.unreadable += found != [name for name in truth[1] if name in found]
        except JournalError:
            row.unreadable += 1


def _damaged_campaign(campaign: Campaign, path: Path) -> Iterator[Row]:
    def known() -> tuple[object, ...]:
        opened = Campaign.open(campaign.path)
        (zone,) = opened.zones()
        hierarchy = opened.read_hierarchy(zone)
        return zone.grid, zone.cells, opened.folds(), opened.patch_numbers(zone), hierarchy.s.tobytes()

    truth, content = known(), path.read_bytes()
    cut, flipped = Row(f"cut short: {path.name}"), Row(f"one bit flipped: {path.name}")
    for what, damaged in damages(content):
        row = flipped if what.startswith("flipped") else cut
        path.write_bytes(damaged)
        row.trials += 1
        try:
            row.lost += known() != truth
        except WorkbenchError:
            row.named += 1
    path.write_bytes(content)
    yield from (cut, flipped)


def clocks(home: Path) -> Iterator[Row]:
    """Let two authors label by clocks that go back, stand still and jump."""
    row = Row("clock goes back, stands still, jumps")
    with labelled(home / "true", STEPS["steady"]) as true:
        for name, steps in STEPS.items():
            with labelled(home / name, steps) as store:
                row.trials += 1
                row.acknowledged += len(store.ops)
                row.lost += len(true.ops) - len(store.ops)
                row.unreadable += store.labels.tobytes() != true.labels.tobytes()
                row.unreadable += store.conflicts().found != true.conflicts().found
    yield row


if __name__ == "__main__":
    sys.exit(f"{os.path.basename(__file__)} is run by label_store.py")

"""Commands that are killed, or meet a full disk: the old output or the new one is there, never a half one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from forks import Forker
from kills import run_command
from made_orthos import MakeOrtho
from recorded_disk import has_strace

from workbench.campaign import Campaign
from workbench.export import verify_release
from workbench.labels.reading import verify_journal
from workbench.workflows.intake import add_zone

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="children are forked")
needs_strace = pytest.mark.skipif(not has_strace(), reason="needs strace")
_CALLS = "pwrite64,write,fsync,fdatasync,rename,unlink,ftruncate,mkdir"
ZONE = ("--zone", "Z15_UN")


@pytest.fixture(scope="module")
def forker() -> Iterator[Forker]:
    with Forker("kills:command") as started:
        yield started


@pytest.fixture
def directory(campaign: Campaign, make_ortho: MakeOrtho) -> Path:
    image, mask = make_ortho()
    add_zone(campaign, image, domain="D051_2019", name="Z15_UN", mask=mask)
    return campaign.path


def kill_at_calls(
    forker: Forker, log: Path, prepare: Callable[[], object], check: Callable[[], object], *arguments: object
) -> int:
    """Kill a command before some of the calls by which it changes the disk; return how often."""

    def trace(*options: str) -> str:
        prepare()
        pid = forker.start(held=True, arguments=[str(argument) for argument in arguments])
        command = ["strace", "-f", "-p", str(pid), "-o", str(log), "-e", f"trace={_CALLS}", *options]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
            assert tracer.stderr is not None
            tracer.stderr.readline()
            forker.release()
            list(forker.said())
        return log.read_text(errors="replace")

    calls = [line.split(maxsplit=1)[1].partition("(")[0] for line in trace().splitlines()]
    check()
    kills = 0
    for call in _CALLS.split(","):
        count = calls.count(call)
        for number in range(1, count + 1, 1 + count // 5):
            trace("-e", f"inject={call}:signal=KILL:when={number}")
            kills += forker.status == -signal.SIGKILL
            check()
    return kills


@needs_strace
def test_killed_exports_leave_the_old_file_or_the_new_one(
    forker: Forker, directory: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    labels, origins = out / "labels.tif", out / "provenance.tif"
    export = ("labels", "export", directory, *ZONE, "--scheme", "flair", "-o", labels, "--overwrite")
    provenance = ("labels", "provenance", directory, *ZONE, "-o", origins, "--overwrite")
    for arguments, paths in ((export, [labels]), (provenance, [origins, origins.with_suffix(".csv")])):
        assert run_command(forker, *arguments)["code"] == 0
        new = [path.read_bytes() for path in paths]
        old = [content + b"an older one" for content in new]  # of its kind: readers stop before that

        def prepare(paths: list[Path] = paths, old: list[bytes] = old) -> None:
            for path in out.iterdir():
                path.unlink()
            for path, content in zip(paths, old, strict=True):
                path.write_bytes(content)

        def check(paths: list[Path] = paths, old: list[bytes] = old, new: list[bytes] = new) -> None:
            for path, before, after in zip(paths, old, new, strict=True):
                assert path.read_bytes() in (before, after)
            others = [path.name for path in out.iterdir() if path not in paths]
            assert all(name.startswith(".") and ".part" in name for name in others)

        assert kill_at_calls(forker, tmp_path / "log", prepare, check, *arguments) >= 5
        for path in out.iterdir():
            os.utime(path, (0, 0))  # a day later
        assert run_command(forker, *arguments)["code"] == 0
        assert sorted(out.iterdir()) == sorted(paths), "what the killed ones left is gone"


@needs_strace
def test_a_killed_release_is_whole_or_not_there(forker: Forker, directory: Path, tmp_path: Path) -> None:
    out = tmp_path / "releases"
    build = ("release", "build", directory, "--name", "R1", "-o", out)

    def check() -> None:
        if (out / "R1").exists():
            assert verify_release(out / "R1").sound

    def prepare() -> None:
        if (out / "R1").exists():
            (out / "R1").rename(tmp_path / f"built-{len(list(tmp_path.iterdir()))}")

    assert kill_at_calls(forker, tmp_path / "log", prepare, check, *build) >= 10
    prepare()
    for path in out.iterdir():
        os.utime(path, (0, 0))  # a day later
    assert run_command(forker, *build)["code"] == 0
    assert verify_release(out / "R1").sound
    assert [path.name for path in out.iterdir()] == ["R1"], "what the killed ones left is gone"


@needs_strace
def test_a_killed_intake_adds_the_zone_or_nothing(
    forker: Forker, directory: Path, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    image, mask = make_ortho(col=512, seed=2, name="second")
    again = Campaign.open(directory)
    counted = iter(range(1000))
    add = ["zone", "add", directory, image, "--domain", "D051_2019", "--zone", "Z16_UN", "--labels", mask]

    def check() -> None:
        names = {zone.name for zone in again.zones()}
        assert {"Z15_UN"} <= names <= {"Z15_UN", "Z16_UN"}
        for zone in again.zones():
            with again.open_store(zone) as store:
                assert store.coverage() == 1
        assert run_command(forker, *add)["code"] == (1 if "Z16_UN" in names else 0), "it can be done again"
        left = [path.name for path in (directory / "zones").rglob("*") if path.name[0] == "."]
        assert [name for name in left if name != ".adding"] == []

    def prepare() -> None:
        registry = directory / "registry.gpkg"
        if not (tmp_path / "before.gpkg").exists():
            (tmp_path / "before.gpkg").write_bytes(registry.read_bytes())
        registry.write_bytes((tmp_path / "before.gpkg").read_bytes())
        home = directory / "zones" / "D051_2019" / "Z16_UN"
        if home.exists():
            home.rename(tmp_path / f"added-{next(counted)}")

    assert kill_at_calls(forker, tmp_path / "log", prepare, check, *add) >= 20


@needs_strace
def test_a_killed_doctor_loses_nothing(forker: Forker, directory: Path, tmp_path: Path) -> None:
    campaign = Campaign.open(directory)
    zone = campaign.only_zone()
    path = campaign.journal_dir(zone) / "import.sqlite"
    content, ops = path.read_bytes(), verify_journal(path).ops
    doctor = ("journal", "doctor", directory, *ZONE)

    def prepare() -> None:
        for old in path.parent.rglob("*"):
            if old.is_file():
                old.unlink()
        path.write_bytes(bytes(100) + content[100:])

    def check() -> None:
        run_command(forker, *doctor)
        assert verify_journal(path).ops == ops
        assert verify_journal(path).ok
        with campaign.open_store(zone, from_snapshot=False) as store:
            assert store.coverage() == 1

    assert kill_at_calls(forker, tmp_path / "log", prepare, check, *doctor) >= 8


def test_a_full_disk_leaves_no_half_output(
    forker: Forker, directory: Path, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    image, mask = make_ortho(col=512, seed=2, name="second")
    out = tmp_path / "out"
    out.mkdir()
    campaign = Campaign.open(directory)
    commands: list[list[object]] = [
        ["labels", "export", directory, *ZONE, "--scheme", "flair", "-o", out / "labels.tif"],
        ["labels", "provenance", directory, *ZONE, "-o", out / "provenance.tif"],
        ["release", "build", directory, "--name", "R1", "-o", out],
        ["segment", directory, *ZONE],
        ["segment", image, "-o", out / "hierarchy.h5"],
        ["zone", "add", directory, image, "--domain", "D051_2019", "--zone", "Z16_UN", "--labels", mask],
        ["campaign", "init", out / "new"],
    ]
    before = sorted(str(path) for path in (*directory.rglob("*"), *out.rglob("*")))
    for arguments in commands:
        for limit in (1, 600):
            ended = run_command(forker, *arguments, limit=limit)
            assert ended["code"] == 1, arguments
            assert "disk" in ended["said"] or "cannot be written" in ended["said"], ended["said"]
            assert "\n" not in ended["said"].strip()
            left = sorted(str(path) for path in (*directory.rglob("*"), *out.rglob("*")))
            assert [path for path in left if os.path.basename(path) != "new"] == before
    assert [zone.name for zone in campaign.zones()] == ["Z15_UN"]
    for arguments in commands[:3]:
        assert run_command(forker, *arguments)["code"] == 0

"""What a challenge costs: a subset with labels under seal, its proof, scores; and a tree imported again.

A campaign of made zones is released once; each command then runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "workflows")]

from trees import put_zone  # noqa: E402

from workbench.campaign import Campaign  # noqa: E402
from workbench.export import Release, open_release  # noqa: E402
from workbench.geo.geotiff import write_raster  # noqa: E402
from workbench.workflows.publishing import ReleaseOrder, publish  # noqa: E402


def made_release(folder: Path, zones: int, side: int) -> Release:
    """Return a release of zones of side × side patches, of five domains in five folds."""
    if (folder / "releases" / "FR_V0.1" / "release.json").is_file():
        return open_release(folder / "releases" / "FR_V0.1")
    shutil.rmtree(folder / "campaign", ignore_errors=True)
    campaign = Campaign.create(folder / "campaign")
    places = [(row, col) for row in range(side) for col in range(side)]
    for number in range(zones):
        fold = number % 5
        zone = f"D{10 + fold:03d}_2020/Z{number}_UU"
        first = 1 + number * len(places)
        put_zone(
            campaign, folder, zone, places, at=number * (side + 1), fold=fold + 1, first=first, seed=number
        )
    return publish(campaign, ReleaseOrder(name="FR_V0.1", out=folder / "releases"), say=print)


def measured(*arguments: object) -> dict[str, Any]:
    """Run a command; return seconds and the most memory that it held."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", *map(str, arguments)],
        stdout=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"workbench {' '.join(map(str, arguments))} failed")
    return {
        "command": " ".join(map(str, arguments[:2])),
        "wall_s": round(time.monotonic() - began, 2),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
        "mb": round(usage.ru_maxrss / 1024),
    }


def predicted(sealed: Release, folder: Path) -> Path:
    """Write a prediction of each sealed patch: its labels, moved by some pixels."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for patch in sealed.patches():
        values = np.roll(sealed.labels(patch), 5, axis=1)
        write_raster(folder / f"PRED_IMG_{patch.number:06d}.tif", values, patch.grid, level=1)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, help="folder for what is made; kept")
    parser.add_argument("--zones", type=int, default=20)
    parser.add_argument("--side", type=int, default=5, help="patches a side of a zone")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    release, out = made_release(options.work, options.zones, options.side), options.work / "out"
    shutil.rmtree(out, ignore_errors=True)
    subset = ("release", "subset", release.path, "-o", out)
    rows = [
        measured(*subset, "--name", "PART", "--domain", "D010_2020,D011_2020,D012_2020"),
        measured(*subset, "--name", "OPEN", "--withhold-test"),
        measured("release", "verify", out / "OPEN", "--sealed", out / "OPEN-SEALED"),
    ]
    sealed = open_release(out / "OPEN-SEALED")
    submission = predicted(sealed, out / "submission")
    rows.append(measured("release", "score", sealed.path, submission, "--scheme", "flair"))
    rows.append(measured("release", "import", release.path / "FLAIR1", "-o", out / "tree"))
    rows.append(measured("release", "import", release.path, "-o", out / "again"))
    patches = len(release.patches())
    counts = [patches * 3 // 5, patches, patches, len(sealed.patches()), patches, patches]
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    )
    print(f"{patches} patches in {options.zones} zones, layouts flair-hub and flair1\n")
    print("| command | patches | wall s | CPU s | CPU ms a patch | MB |\n|---|--:|--:|--:|--:|--:|")
    for row, count in zip(rows, counts, strict=True):
        each = 1000 * row["cpu_s"] / count
        print(f"| {row['command']} | {count} | {row['wall_s']} | {row['cpu_s']} | {each:.1f} | {row['mb']} |")
    if options.json:
        options.json.write_text(json.dumps({"patches": patches, "rows": rows}, indent=2))


if __name__ == "__main__":
    main()

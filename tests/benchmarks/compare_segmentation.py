"""Compare our segmentation with others: CPU, memory, and quality at equal region counts.

Each method runs in a process of its own. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from methods import METHODS, SCALES, run_case, versions
from pictures import Picture, flair_patches, made_scene


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison, print its tables, write its files."""
    options = _parser().parse_args(arguments)
    if options.case is not None:
        case = json.loads(options.case)
        print(json.dumps(run_case(case["method"], case["images"], Path(case["out"]), case["repeat"])))
        return 0
    with tempfile.TemporaryDirectory(prefix="compare-") as temporary:
        cache = options.cache or Path(temporary)
        cache.mkdir(parents=True, exist_ok=True)
        document = compare(options, cache, Path(temporary))
    from reporting import markdown, plot

    print(markdown(document))
    if options.json is not None:
        options.json.write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
    if options.plot is not None:
        plot(document, options.plot)
    return 0


def compare(options: argparse.Namespace, cache: Path, work: Path) -> dict[str, Any]:
    """Run and judge all cases; return everything as JSON values."""
    subjects = [(f"{size:g} Mpx", [made_scene(size, cache, say=_say)]) for size in options.sizes]
    if options.flair is not None:
        patches = flair_patches(options.flair, cache)
        subjects.append((f"{len(patches)} FLAIR patches", patches))
    load = os.getloadavg()
    results = []
    for number, (title, pictures) in enumerate(subjects):
        out = work / str(number)
        out.mkdir()
        rows = _run_all(title, pictures, out, options)
        done = list(dict.fromkeys(row["method"] for row in rows if "cpu_s" in row))
        _say(f"{title}: judging")
        from judging import judge_case

        results.append(
            {
                "title": title,
                "made": pictures[0].objects is not None,
                "pictures": [picture.document() for picture in pictures],
                "megapixels": sum(picture.pixels for picture in pictures) / 1e6,
                "cases": rows,
                # Curves are for the plot: of the smallest scene, which has the most methods.
                "judged": judge_case(pictures, done, out, curve=number == 0) if done else {},
            }
        )
    return {
        "format": "ocs-workbench/segmentation-comparison",
        "format_version": 1,
        "machine": {
            "cpu": _processor(),
            "cpus": os.cpu_count(),
            "load_before": load,
            "load_after": os.getloadavg(),
        },
        "versions": versions(),
        "scales": list(SCALES),
        "results": results,
    }


def _run_all(
    title: str, pictures: list[Picture], out: Path, options: argparse.Namespace
) -> list[dict[str, Any]]:
    rows = []
    largest = max(picture.pixels for picture in pictures) / 1e6
    for name in options.methods:
        method = METHODS[name]
        if largest > method.largest:
            continue
        for threads in options.threads if method.preset is not None else (None,):
            _say(f"{title}: {method.title}{f', threads: {threads}' if threads else ''}")
            case = {
                "method": name,
                "images": [picture.image for picture in pictures],
                "out": str(out),
                "repeat": options.repeat,
            }
            figures = _in_process(case, threads, options.timeout)
            rows.append({"method": name, "title": method.title, "threads_asked": threads} | figures)
    return rows


def _in_process(case: dict[str, Any], threads: int | None, timeout: float) -> dict[str, Any]:
    """Run a case with this script in a fresh process; a failure is a figure too."""
    environment = dict(os.environ)
    if threads is not None:
        environment["WORKBENCH_THREADS"] = str(threads)
    command = [sys.executable, __file__, "--case", json.dumps(case)]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"not finished after {timeout:g} s"}
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        return {"failed": lines[-1] if lines else f"ended with {done.returncode}"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=_numbers, default=[1.0, 4.0], help="megapixels, such as 1,4,22")
    parser.add_argument(
        "--flair", type=Path, help="folder of real patches with their masks, in FLAIR's layout"
    )
    parser.add_argument("--methods", type=_names, default=list(METHODS), help="of " + ",".join(METHODS))
    parser.add_argument(
        "--threads", type=_threads, default=[None], help="of ours, such as 1,2; all processors"
    )
    parser.add_argument("--repeat", type=int, default=1, help="runs of each case; the least CPU time counts")
    parser.add_argument("--timeout", type=float, default=900.0, help="seconds that one case may take")
    parser.add_argument("--cache", type=Path, help="folder that keeps made scenes")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument("--plot", type=Path, help="draw two panels to this file")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    return parser


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",") if part]


def _threads(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in METHODS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {', '.join(METHODS)}")
    return names


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""Compare arms on the pools: 20 seeds, frozen features, a linear head.

    PYTHONPATH=. python tests/benchmarks/active_learning/run.py --pools redundant,diverse,hidden_rare \
        --seeds 20 --arms random,stratified --set development --cache DIR --json OUT --plot figure.png

What was run is kept in the cache by pool, seed and arm, and not run again until the code that it depends on
changes. ``--set reported`` is for the end: who tunes on it has no figures left to report.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import itertools
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import Any

from arms import ARMS, ORACLES
from linear_head import Settings
from loop import BUDGETS, ROUNDS, Course, Field, Point, Score, full_pool, open_field, run_arm
from pools import POOLS, SETS, PoolSet, digest, make_pool
from report import draw, rows_of, table
from zone_tables import load_tables

import workbench
from workbench import documents

_MODULES = ("annotator", "linear_head", "loop", "pools", "region_features", "views", "zone_tables")
_TASKS = Path(__file__).with_name("tasks.py")
_ACTIVE = Path(workbench.__file__).with_name("active")
_FIELDS: dict[tuple[str, str], Field] = {}
"""The pool that this process works on; one at a time."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make tables, run what was not run, report."""
    options = _parser().parse_args(arguments)
    begun = time.perf_counter()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        # For the processes that are started: each has a core of its own, and sums come in one order.
        os.environ.setdefault(variable, "1")
    pools, arms = options.pools.split(","), options.arms.split(",")
    unknown = [arm for arm in arms if arm not in ARMS and arm not in ORACLES]
    if unknown:
        print(f"no arm is called {unknown[0]}; there are {', '.join([*ARMS, *ORACLES])}", file=sys.stderr)
        return 2
    for name in pools:
        pool = make_pool(name, options.set)
        load_tables([*pool.candidates, *pool.tested], options.cache, processes=options.processes)
    wanted = [
        (name, options.set, arm, seed, options.cache)
        for name in pools
        for arm, seed in [("full", 0), *itertools.product(arms, range(options.seeds))]
    ]
    missing = [job for job in wanted if not _kept(*job).exists()]
    with multiprocessing.get_context("spawn").Pool(options.processes) as workers:
        for number, _ in enumerate(workers.imap(_run, missing), start=1):
            if number % 20 == 0 or number == len(missing):
                print(f"{number} of {len(missing)} runs, {time.perf_counter() - begun:.0f} s", flush=True)
    full = {job[0]: _score(_read(job)["score"]) for job in wanted if job[2] == "full"}
    courses = [_course(_read(job)) for job in wanted if job[2] != "full"]
    rows = rows_of(courses, full)
    print(_heading(full, options.set))
    print(table(rows))
    if options.json is not None:
        document = {
            "format": "ocs-workbench/active-learning-benchmark",
            "format_version": 1,
            "set": options.set,
            "pools": digest(options.set),
            "settings": asdict(Settings()),
            "rounds": ROUNDS,
            "full_pool": {name: asdict(score) for name, score in full.items()},
            "rows": [asdict(row) for row in rows],
            "courses": [asdict(course) for course in courses],
        }
        options.json.write_text(json.dumps(document, indent=1), encoding="utf-8")
    if options.plot is not None:
        draw(courses, full, rows, options.plot)
    return 0


def _run(job: tuple[str, PoolSet, str, int, Path]) -> None:
    name, which, arm, seed, folder = job
    if (name, which) not in _FIELDS:
        _FIELDS.clear()
        _FIELDS[name, which] = open_field(name, which, folder, processes=1)
    field = _FIELDS[name, which]
    if arm == "full":
        document: dict[str, Any] = {"score": asdict(full_pool(field, Settings()))}
    else:
        document = asdict(run_arm(field, arm, seed, settings=Settings(), budget=BUDGETS[name]))
    path = _kept(*job)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}")
    beside.write_text(json.dumps(document), encoding="utf-8")
    beside.replace(path)


def _kept(name: str, which: PoolSet, arm: str, seed: int, folder: Path) -> Path:
    """Return where the course of an arm is kept: another code, another place."""
    code = [_code(Path(__file__).with_name(f"{module}.py")) for module in _MODULES]
    if arm != "full":
        code += sorted(_made_of(ARMS.get(arm) or ORACLES[arm]))
    budget = None if arm == "full" else (BUDGETS[name], ROUNDS)
    made_of = {"code": code, "pools": digest(which), "budget": budget, "settings": asdict(Settings())}
    mark = documents.digest(documents.canonical_bytes(made_of))[:12]
    return folder / "runs" / f"{which}-{name}-{arm}-{seed:03}-{mark}.json"


def _made_of(function: Callable[..., Any]) -> set[str]:
    """Return the sources that an arm is made of: all of ``workbench.active`` for its strategies."""
    if isinstance(function, partial):
        return {function.args[0].__name__, _code(_TASKS), *map(_code, _ACTIVE.rglob("*.py"))}
    found = {inspect.getsource(function)}
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if inspect.isfunction(value) and value.__globals__ is function.__globals__:
            found |= _made_of(value)
        elif isinstance(value, (int, float, str, tuple)):
            found.add(f"{name} = {value!r}")
    return found


@cache
def _code(path: Path) -> str:
    """Return the digest of a module's statements, docstrings and all, without comments and layout."""
    return documents.digest(ast.dump(ast.parse(path.read_text(encoding="utf-8"))).encode())


def _read(job: tuple[str, PoolSet, str, int, Path]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_kept(*job).read_text(encoding="utf-8"))
    return found


def _score(entry: dict[str, Any]) -> Score:
    return Score(
        miou=entry["miou"],
        iou={int(code): value for code, value in entry["iou"].items()},
        domains=entry["domains"],
    )


def _course(entry: dict[str, Any]) -> Course:
    points = tuple(
        Point(
            picks=point["picks"],
            score=_score(point["score"]),
            zones=tuple(point["zones"]),
            costs=tuple(point["costs"]),
        )
        for point in entry["points"]
    )
    return Course(**{**entry, "points": points})


def _heading(full: dict[str, Score], which: PoolSet) -> str:
    found = ", ".join(f"{name} {score.miou:.3f}" for name, score in full.items())
    return f"\n{which} set; mean IoU of the full pool: {found}\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pools", default=",".join(POOLS))
    parser.add_argument("--arms", default=",".join([*ARMS, *ORACLES]))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--set", choices=SETS, default="development")
    parser.add_argument("--cache", type=Path, required=True, help="folder of tables and runs")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

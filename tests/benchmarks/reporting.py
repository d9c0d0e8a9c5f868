"""The figures as Markdown tables and as a plot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from methods import METHODS

_MEASURES = {"asa": "ASA ↑", "br": "BR ↑", "bp": "BP ↑", "ue": "UE ↓", "ev": "EV ↑"}


def markdown(document: dict[str, Any]) -> str:
    """Return all tables."""
    machine = document["machine"]
    before, after = machine["load_before"][0], machine["load_after"][0]
    lines = [
        f"{machine['cpu']}, {machine['cpus']} CPUs; load {before:.1f} before, {after:.1f} after.",
        "Each case in its own process, after a first run on a small corner (compiling, thread pools).",
        "CPU: user and system seconds of all threads. MB: peak above the loaded image. n: regions, of ours "
        "leaves.",
        f"Quality against the truth's objects where known, else its classes. {_legend(document)}",
        "",
        *_table(
            ("method", "image", "threads", "n", "CPU s", "µs/px", "wall s", "MB", *_MEASURES.values()),
            _case_rows(document),
        ),
    ]
    energies = list(_energy_rows(document))
    if energies:
        lines += [
            "",
            "Trees: E*(λ) over higra's, below 1 is better; D of the bands as they are.",
            "",
            *_table(("tree", "image", *(f"λ {scale:,g}" for scale in document["scales"])), energies),
        ]
    picks = list(_pick_rows(document))
    if picks:
        lines += [
            "",
            "Picks of a perfect annotator to reach 90 / 95 / 98 % of the pixels.",
            "",
            *_table(("tree", "image", "objects", "nested", "disjoint", "one scale"), picks),
        ]
    return "\n".join(lines)


def plot(document: dict[str, Any], path: Path) -> None:
    """Draw CPU seconds over megapixels, and ASA over the number of regions."""
    try:
        import matplotlib as mpl
    except ImportError:
        raise SystemExit("--plot needs matplotlib: pip install 'ocs-workbench[benchmark]'") from None
    mpl.use("agg")
    from matplotlib import pyplot

    colours = dict(zip(METHODS, mpl.color_sequences["tab10"], strict=False))
    scenes = [result for result in document["results"] if result["made"]]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    for name, threads, points in _cpu_lines(scenes):
        method = METHODS[name]
        style = {"marker": "s", "ls": ":"} if method.preset is None else {"marker": "o"}
        label = method.title if threads is None else f"{method.title}, {threads} thread{'s'[: threads > 1]}"
        # Other thread counts are lighter.
        alpha = 1.0 if threads in (None, *_thread_counts(scenes)[-1:]) else 0.45
        left.plot(*zip(*points, strict=True), color=colours[name], label=label, ms=5, alpha=alpha, **style)
    left.set(xscale="log", yscale="log", xlabel="megapixels", ylabel="CPU seconds, all threads")
    sizes = [result["megapixels"] for result in scenes]
    left.set_xticks(sizes, labels=[f"{size:.3g}" for size in sizes])
    left.set_xticks([], minor=True)
    judged = scenes[0]["judged"] if scenes else {}
    for name, figures in judged.items():
        quality = figures["quality"]
        truth, colour = _truth(quality), colours[name]
        if "curve" in figures:
            curve = [(cut["regions"], cut[truth]["asa"]) for cut in figures["curve"]]
            right.plot(*zip(*curve, strict=True), color=colour)
        else:
            right.plot(quality["regions"], quality[truth]["asa"], "s", color=colour, ms=6)
    name = scenes[0]["title"] if scenes else ""
    right.set(xscale="log", xlabel=f"regions, {name}", ylabel="achievable accuracy (ASA)")
    for axes in (left, right):
        axes.grid(which="major", color="0.9")
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def _cpu_lines(
    scenes: list[dict[str, Any]],
) -> Iterator[tuple[str, int | None, list[tuple[float, float]]]]:
    """Yield (method, threads asked for, points of megapixels and CPU seconds)."""
    for name in METHODS:
        for threads in [None, *_thread_counts(scenes)]:
            points = [
                (scene["megapixels"], case["cpu_s"])
                for scene in scenes
                for case in scene["cases"]
                if case["method"] == name and case["threads_asked"] == threads and "cpu_s" in case
            ]
            if points:
                yield name, threads, points


def _thread_counts(scenes: list[dict[str, Any]]) -> list[int]:
    asked = {case["threads_asked"] for scene in scenes for case in scene["cases"]}
    return sorted(asked - {None})


def _legend(document: dict[str, Any]) -> str:
    """Say what stands in the cells of other methods."""
    presets = dict.fromkeys(
        METHODS[name].title
        for result in document["results"]
        for judged in result["judged"].values()
        for name in judged.get("ours", {})
    )
    return f"Cells of other methods: {' / '.join(['**theirs**', *presets])} cut to the same n."


def _case_rows(document: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for result in document["results"]:
        for case in result["cases"]:
            head = (case["title"], result["title"], str(case.get("threads") or "–"))
            problem = f"not installed ({case['missing']})" if "missing" in case else case.get("failed")
            if problem is not None:
                yield (*head, problem, *["–"] * 9)
                continue
            yield (
                *head,
                f"{case['regions']:,}",
                _short(case["cpu_s"]),
                f"{case['cpu_s'] / result['megapixels']:.2f}",
                _short(case["wall_s"]),
                f"{case['peak_mb']:,.0f}",
                *(_quality_cell(result["judged"][case["method"]], measure) for measure in _MEASURES),
            )


def _quality_cell(judged: dict[str, Any], measure: str) -> str:
    sides = [judged["quality"], *judged.get("ours", {}).values()]
    cells = []
    for side in sides:
        value = side["ev"] if measure == "ev" else side[_truth(side)][measure]
        cells.append("–" if value is None else f"{value:.3f}".removeprefix("0"))
    return cells[0] if len(cells) == 1 else " / ".join([f"**{cells[0]}**", *cells[1:]])


def _truth(side: dict[str, Any]) -> str:
    return "objects" if "objects" in side else "classes"


def _energy_rows(document: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for result in document["results"]:
        for name, judged in result["judged"].items():
            if "energy_ratios" in judged and name != "higra":
                ratios = (f"{ratio:.3f}" for ratio in judged["energy_ratios"])
                yield (METHODS[name].title, result["title"], *ratios)


def _pick_rows(document: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for result in document["results"]:
        for name, judged in result["judged"].items():
            if "picks" not in judged:
                continue
            picks = dict(judged["picks"])
            objects = picks.pop("objects")
            yield (
                METHODS[name].title,
                result["title"],
                "–" if objects is None else f"{objects:,}",
                *(
                    " / ".join("–" if at[kind] is None else f"{at[kind]:,.0f}" for at in picks.values())
                    for kind in ("nested", "disjoint", "single_scale")
                ),
            )


def _short(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds < 10 else f"{seconds:.1f}"


def _table(heads: Sequence[str], rows: Iterable[tuple[str, ...]]) -> list[str]:
    table = [tuple(heads), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in table
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return [lines[0], rule, *lines[1:]]

"""What a published model is worth, as a section of its ``README.md``: figures, and how to read them."""

from __future__ import annotations

__all__ = ["MATRIX", "METRICS", "evaluation"]

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from workbench.counting import counted
from workbench.evaluation import ChallengeRule
from workbench.evaluation.scores import Score, percent
from workbench.markdown import bullets, inline, table
from workbench.workflows.card_figures import in_words, means_told
from workbench.workflows.publication import Figures, NotMeasured, Publication

METRICS, MATRIX = "metrics.json", "confusion.png"
_CONFUSED: Final = 0.2
"""Share of a class from which on it is said what it is taken for."""
_TOLD: Final = 8


def evaluation(made: Publication) -> Iterator[str]:
    """Yield the figures, what they are of, and what else the card has."""
    if made.bold:
        yield f"**{made.bold}**"
    if isinstance(made.figures, Figures):
        yield from _measured(made, made.figures)
    yield from _claimed(made)


def _measured(made: Publication, figures: Figures) -> Iterator[str]:
    found = figures.evaluation
    score = found.score
    sure = found.calibration(found.total)
    whose = "that the model was not trained on" if not figures.doubt else "named here"
    yield (
        f"TEST of {inline(found.reference)} (`{found.split}`): {counted(found.patches, 'patch', 'patches')}, "
        f"{counted(score.confusion.pixels, 'pixel')}, of domains {whose}: {', '.join(found.domains)}. "
        "Figures are in percent."
    )
    if figures.remarks:
        yield bullets(f"{inline(remark)}." for remark in figures.remarks)
    yield _scores(made, figures)
    yield bullets(_read(made, figures))
    if sure is not None:
        yield (
            f"Calibration, over pixels of the classes in the mean: it says {percent(sure.confidence)} % on "
            f"average and is right in {percent(sure.accuracy)} %; expected calibration error "
            f"{percent(sure.expected_error())} %."
        )
    rows = []
    for name, tally in found.domains.items():
        own, certain = found.rule.score(tally.confusion), found.calibration(tally)
        error = "–" if certain is None else percent(certain.expected_error())
        figures_of = (percent(own.mean_iou), percent(own.accuracy), error)
        rows.append((name, *figures_of, f"{own.confusion.pixels:,}"))
    yield table(("domain", "mIoU", "OA", "calibration error", "pixels"), rows, right=(1, 2, 3, 4))
    yield f"![Confusion matrix: rows are true classes, each adds up to 100 %]({MATRIX})"
    if confused := _confused(made, score):
        yield "What is taken for another class most often:"
        yield bullets(confused)


def _scores(made: Publication, figures: Figures) -> str:
    """Return a table of classes; the last columns are their IoU by the other rules."""
    score, others = figures.evaluation.score, figures.other_rules
    matrix, rows = score.confusion, []
    for number, key in enumerate(matrix.keys):
        title = made.title_of(key) if key in score.scored else f"({made.title_of(key)})"
        parts = (matrix.iou, matrix.precision, matrix.recall, matrix.f1)
        cells = (*(percent(one[number]) for one in parts), *(percent(other.of(key)) for other in others))
        rows.append((title, *cells, f"{matrix.support[number]:,}"))
    for other in others:
        for key, count in zip(other.confusion.keys, other.confusion.support, strict=True):
            if key not in matrix.keys and (count or other.of(key) == 0):
                cells = ("–", "–", "–", "–", *(percent(one.of(key)) for one in others))
                rows.append((f"({made.title_of(key)})", *cells, f"{count:,}"))
    means = [percent(score.mean(one)) for one in (matrix.iou, matrix.precision, matrix.recall, matrix.f1)]
    means += [percent(other.mean_iou) for other in others]
    rows.append(("**mean**", *(f"**{one}**" for one in means), f"{matrix.pixels:,}"))
    head = (
        "class",
        "IoU",
        "precision",
        "recall",
        "F1",
        *(f"IoU ({one.rule})" for one in others),
        "true pixels",
    )
    return table(head, rows, right=range(1, len(head)))


def _read(made: Publication, figures: Figures) -> Iterator[str]:
    """Yield how the table has to be read."""
    found, score = figures.evaluation, figures.evaluation.score
    yield _means(made, score)
    if score.dropped:
        yield f"Over all pixels and classes, overall accuracy is {percent(found.total.confusion.accuracy)}."
    yield f"In brackets: in no mean of the rule *{score.rule}*."
    if score.only_predicted:
        named = ", ".join(map(made.title_of, score.only_predicted))
        yield f"The test has no pixel of what the model gives here, so it is 0 in the mean: {named}."
    if nowhere := [made.title_of(key) for key in score.scored if key in score.nowhere]:
        how = "0 in the mean" if score.absent == "zero" else "in no mean"
        yield f"In neither map, and {how}: {', '.join(nowhere)}."
    for key in score.confusion.keys:
        if key not in score.scored and isinstance(found.rule, ChallengeRule):
            members = [made.title_of(one) for one, group in found.rule.groups.items() if group == key]
            yield (
                f"*{made.title_of(key)}* stands for {', '.join(members)}; another class taken for it is an "
                "error of that class."
            )
    for other in figures.other_rules:
        yield _means(made, other)
    yield "Pixels that nobody labelled are *other* in a release, and count as that."


def _means(made: Publication, score: Score) -> str:
    """Return what a rule makes of the matrix, and of which classes and pixels."""
    dropped = ", ".join(map(made.title_of, score.dropped))
    left = f", without pixels that are one of these or are taken for one: {dropped}" if dropped else ""
    classes = counted(len(score.averaged), "class", "classes")
    return (
        f"mIoU {percent(score.mean_iou)} by the rule *{score.rule}*, the mean over {classes}; overall "
        f"accuracy {percent(score.accuracy)}{left}."
    )


def _confused(made: Publication, score: Score) -> list[str]:
    """Return what classes are taken for, those with most wrong pixels first."""
    counts, keys, support = score.confusion.counts, score.confusion.keys, score.confusion.support
    wrong = counts - np.diag(np.diag(counts))
    told = []
    for row in np.argsort(-wrong.sum(axis=1), kind="stable"):
        order = np.argsort(-wrong[row], kind="stable")
        parts = [
            f"{100 * wrong[row, col] / support[row]:.0f} % for {made.title_of(keys[col])}"
            for col in order
            if wrong[row, col] and wrong[row, col] >= _CONFUSED * support[row]
        ]
        if parts:
            told.append(f"{made.title_of(keys[row])}: {', '.join(parts)}")
    return told[:_TOLD]


def _claimed(made: Publication) -> Iterator[str]:
    """Yield the figures that the card had before."""
    ours = made.figures.document() if isinstance(made.figures, Figures) else {}
    rows = [
        (f"`{name}`", inline(value))
        for key, told in in_words(made.card.metrics).items()
        if key not in ours
        for name, value in _flat(key, told)
    ]
    if not rows:
        if isinstance(made.figures, NotMeasured):
            yield "The card has no figures."
        return
    yield "Figures that the card has from elsewhere, not measured here:"
    yield table(("figure", "value"), rows)
    if "held_out" in made.card.metrics:
        yield (
            "`held_out` is of zones that were held out of training, and the weights were chosen by them: it "
            "is no test."
        )
    if told := list(means_told(made.card.metrics)):
        yield bullets(f"{sentence}." for sentence in told)


def _flat(name: str, told: Any) -> Iterator[tuple[str, object]]:
    """Yield the leaves of a nested figure by their paths."""
    if isinstance(told, Mapping):
        for key, value in told.items():
            yield from _flat(f"{name}: {key}", value)
    else:
        yield name, ", ".join(map(str, told)) if isinstance(told, list) else told

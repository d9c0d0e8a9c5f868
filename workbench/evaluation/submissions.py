"""Submissions: folders of predictions, a file per patch, held against the labels of a test by IGN's rules.

A submission is scored when nothing is wrong with it; else everything that is wrong is listed.
"""

from __future__ import annotations

__all__ = ["ScoredSubmission", "score_submission"]

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.counting import counted
from workbench.errors import EvaluationError, Problem
from workbench.evaluation.confusion import Confusion
from workbench.evaluation.evaluation import Evaluation
from workbench.evaluation.numberings import Numbering, chosen, numberings
from workbench.evaluation.prediction_files import find_predictions, read_prediction
from workbench.evaluation.rules import rule_of
from workbench.evaluation.scores import aligned, percent
from workbench.evaluation.tally import Tally
from workbench.export.patches import Patch
from workbench.export.release import Release
from workbench.export.selection import Selection
from workbench.nomenclature import Nomenclature
from workbench.nomenclature.lookup import ranges
from workbench.threads import Map

_NUMBERS = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredSubmission:
    """What a submission is worth, or everything that is wrong with it."""

    submission: Path
    reference: str
    """Name of the release."""
    split: str
    """The patches that were to be predicted."""
    rule: str
    patches: int
    """How many there are of them."""
    problems: tuple[Problem, ...]
    """``loc`` is the path of the file in the submission, or empty."""
    scheme: str | None = None
    """How the predictions are numbered; None where nobody can tell."""
    evaluation: Evaluation | None = None
    """None where something is wrong."""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.problems

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/release-score.schema.json``)."""
        told: dict[str, Any] = dict.fromkeys(("score", "confusion", "domains", "zones"))
        if self.evaluation is not None:
            whole = self.evaluation.document()
            told |= {key: whole[key] for key in ("score", "domains", "zones")}
            told["confusion"] = self.evaluation.score.confusion.document()
        return {
            "submission": str(self.submission),
            "reference": self.reference,
            "split": self.split,
            "rule": self.rule,
            "scheme": self.scheme,
            "patches": self.patches,
            "sound": self.sound,
            "problems": [
                {"file": "/".join(map(str, one.loc)), "kind": one.kind, "message": one.message}
                for one in self.problems
            ],
            **told,
        }

    def text(self) -> str:
        """Return the report for people: the figures, or a line per problem."""
        if self.evaluation is None:
            problems, asked = (
                counted(len(self.problems), "problem"),
                counted(self.patches, "patch", "patches"),
            )
            verdict = f"{self.submission}: not scored, {problems}; {asked}"
            return "\n".join(
                [*map(str, self.problems), f"{verdict} of {self.reference} were to be predicted"]
            )
        lines = [self.evaluation.text(), f"predictions are numbered by {self.scheme}", ""]
        return "\n".join([*lines, *_matrix(self.evaluation.score.confusion)])


def score_submission(
    release: Release,
    submission: Path,
    *,
    rule: str = "challenge",
    dropped: Iterable[str] = (),
    split: str = "split_1:test",
    scheme: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
) -> ScoredSubmission:
    """Hold a folder of predictions against the labels of a release.

    Each patch has one file, at any depth: ``PRED_`` and the name of its image (or label, or its number or id
    alone), a raster of one band of bytes and of the patch's size. Pixels that nobody labelled are *other* in
    a release, and count as that.

    Parameters
    ----------
    release
        The truth; of a challenge, the release under seal.
    submission
        The folder.
    rule
        ``challenge`` or ``flair``.
    dropped
        Keys of further classes to drop by the rule ``flair``.
    split
        Which patches, as `Selection` reads it.
    scheme
        How predictions are numbered (`workbench.evaluation.numberings`); not needed where their values
        leave no choice.
    progress
        Called with the patches done and their total after each.
    map
        Such as `workbench.threads.in_threads` gives.

    Returns
    -------
    ScoredSubmission
        With the figures, or everything that is wrong.

    Raises
    ------
    EvaluationError
        There is no such folder, set, rule or numbering.
    ReleaseError
        The release withholds the labels, or is damaged.
    """
    nomenclature, selection = release.nomenclature, Selection.parse(split)
    by_rule = rule_of(rule, nomenclature, dropped=dropped)
    known = numberings(nomenclature, rule=rule)
    if scheme is not None:
        chosen(known, scheme, frozenset())
    patches = _tested(release, selection)
    paths, problems = find_predictions(submission, patches)
    counts = _Counts()
    problems += counts.add(
        release, submission, [one for one in patches if one.id in paths], paths, progress, map
    )
    report = partial(
        ScoredSubmission,
        submission=submission,
        reference=release.name,
        split=str(selection),
        rule=rule,
        patches=len(patches),
    )
    try:
        numbering = chosen(known, scheme, frozenset().union(*counts.values.values()))
    except EvaluationError as error:
        problems.append(Problem(loc=(), message=str(error), kind="scheme"))
        return report(problems=tuple(problems))
    problems += counts.unnumbered(numbering)
    if problems:
        return report(problems=tuple(problems), scheme=numbering.name if counts.values else scheme)
    found = Evaluation(
        subject=str(submission),
        reference=release.name,
        split=str(selection),
        patches=len(patches),
        nomenclature=nomenclature,
        rule=by_rule,
        zones={zone: _tally(table, nomenclature, numbering) for zone, table in counts.zones.items()},
    )
    return report(problems=(), scheme=numbering.name, evaluation=found)


class _Counts:
    """Pixels by their true class and their number, which may stand for any class as yet."""

    def __init__(self) -> None:
        self.zones: dict[str, NDArray[np.int64]] = {}
        """By zone, shape (class, number)."""
        self.values: dict[str, frozenset[int]] = {}
        """Numbers that each file has."""

    def add(
        self,
        release: Release,
        submission: Path,
        patches: Sequence[Patch],
        paths: Mapping[str, Path],
        progress: Callable[[int, int], None] | None,
        map: Map,  # noqa: A002
    ) -> Iterator[Problem]:
        """Count predictions; yield what is wrong with those that cannot be read."""
        count = partial(_count, release, paths, release.nomenclature)
        for done, (patch, found) in enumerate(zip(patches, map(count, patches), strict=True), start=1):
            file = paths[patch.id].relative_to(submission).as_posix()
            if isinstance(found, np.ndarray):
                self.zones[patch.zone] = found + self.zones.get(patch.zone, np.zeros_like(found))
                self.values[file] = frozenset(np.flatnonzero(found.any(axis=0)).tolist())
            else:
                kind, message = found
                yield Problem(loc=(file,), message=message, kind=kind)
            if progress is not None:
                progress(done, len(patches))

    def unnumbered(self, numbering: Numbering) -> Iterator[Problem]:
        """Yield the files that have numbers of no class."""
        for file, values in self.values.items():
            if strange := values - numbering.codes.keys():
                message = f"has the values {ranges(strange)}, which are no classes of {numbering}"
                yield Problem(loc=(file,), message=message, kind="classes")


def _tested(release: Release, selection: Selection) -> tuple[Patch, ...]:
    patches = selection.of(release.patches())
    if not patches:
        raise EvaluationError(f"{release.name} has no patch in {selection}; choose another --split, or all")
    return patches


def _count(
    release: Release, paths: Mapping[str, Path], nomenclature: Nomenclature, patch: Patch
) -> NDArray[np.int64] | tuple[str, str]:
    """Return the pixels of a patch, shape (class, number), or what is wrong with its prediction."""
    truth = release.labels(patch, layout=release.richest.name)
    values = read_prediction(paths[patch.id], patch)
    if isinstance(values, tuple):
        return values
    rows = np.zeros(_NUMBERS, np.intp)  # what is unlabelled stays in row 0, and does not count
    rows[list(nomenclature.codes)] = np.arange(1, 1 + len(nomenclature.codes))
    pairs = rows[truth].ravel() * _NUMBERS + values.ravel()
    counts = np.bincount(pairs, minlength=_NUMBERS * (1 + len(nomenclature.codes)))
    return counts.reshape(-1, _NUMBERS)[1:]


def _tally(table: NDArray[np.int64], nomenclature: Nomenclature, numbering: Numbering) -> Tally:
    """Return what was counted by number, shape (class, number), by class."""
    size = len(nomenclature.codes)
    places = {code: place for place, code in enumerate(nomenclature.codes)}
    counts = np.zeros((size, size), np.int64)
    for value, code in numbering.codes.items():
        counts[:, places[code]] += table[:, value]
    unanswered = np.zeros(size, np.int64)
    return Tally(confusion=Confusion(keys=nomenclature.keys, counts=counts, unanswered=unanswered))


def _matrix(confusion: Confusion) -> list[str]:
    """Return a confusion matrix as lines: percent of the true pixels of each class."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = confusion.counts / confusion.support[:, np.newaxis]
    head = ["true \\ predicted, %", *(str(number + 1) for number in range(len(confusion.keys)))]
    rows = [
        [f"{number + 1} {key}", *(percent(float(share))[:-1] for share in row)]
        for number, (key, row) in enumerate(zip(confusion.keys, shares, strict=True))
        if confusion.support[number] or confusion.counts[:, number].any()
    ]
    return aligned([head, *rows])

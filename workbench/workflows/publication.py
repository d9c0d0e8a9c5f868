"""What is told of a model that goes to others: card, network, what it learned from, what it is worth."""

from __future__ import annotations

__all__ = ["Figures", "Ground", "NetworkFacts", "NotMeasured", "Publication"]

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.evaluation import Evaluation, Score
from workbench.evaluation.scores import fraction
from workbench.export.ground import Seen
from workbench.export.patches import Patch
from workbench.export.statistics import BandStatistics
from workbench.inference.card import ModelCard
from workbench.nomenclature import Nomenclature


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFacts:
    """A network in numbers."""

    parameters: int
    tensors: int
    """With the statistics of batch-norms, which are no parameters."""
    weights_bytes: int
    """Of the file."""
    number: str
    """How weights are stored, such as ``float32``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ground:
    """The *train* and *valid* patches of a release in one of its splits."""

    release: str
    """Name."""
    content_sha256: str
    split: str
    """``split_1`` … ``split_5`` or ``prod``."""
    learned: bool
    """Whether the model learned from this very content, in this split."""
    patches: tuple[Patch, ...]
    statistics: tuple[BandStatistics, ...]
    """Of the layout with most bands; empty without patches."""

    @property
    def class_pixels(self) -> Mapping[str, int]:
        """Labelled pixels of each class, by its key."""
        found: Counter[str] = Counter()
        for patch in self.patches:
            found.update(patch.class_counts)
        return found

    @property
    def unlabelled(self) -> int:
        """Pixels that nobody labelled, written as *other*."""
        return sum(patch.unlabelled for patch in self.patches)

    def document(self) -> dict[str, Any]:
        """Return the JSON view, a part of ``training`` in the model's card."""
        return {
            "release": self.release,
            "content_sha256": self.content_sha256,
            "split": self.split,
            "subsets": ["train", "valid"],
            "learned": self.learned,
            "patches": len(self.patches),
            "bands": [one.document() for one in self.statistics],
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figures:
    """What was measured on domains that, as far as the card knows, the model has not seen."""

    evaluation: Evaluation
    content_sha256: str
    """Of the release."""
    seen: tuple[Seen, ...]
    """Domains of the test that were left out, for the model has seen them or their ground."""
    doubt: str | None
    """Why nobody can tell whether the rest is a test; None = it is one."""
    remarks: tuple[str, ...] = ()
    """What else the figures have to be read with, a sentence each."""
    other_rules: tuple[Score, ...] = ()
    """The same pixels by other rules."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view, for ``metrics`` in the model's card: fractions of 1, flat, IoU apart.

        They are called ``test`` where they are one, ``measured`` where that is not known.
        """
        found, called = self.evaluation, "measured" if self.doubt else "test"
        score, sure = found.score, found.calibration(found.total)
        figures = {
            "release": found.reference,
            "content_sha256": self.content_sha256,
            "split": found.split,
            "domains": list(found.domains),
            "patches": found.patches,
            "pixels": score.confusion.pixels,
            "rule": score.rule,
            "mIoU": fraction(score.mean_iou),
            "OA": fraction(score.accuracy),
            "ECE": None if sure is None else fraction(sure.expected_error()),
        }
        iou = {key: fraction(score.of(key)) for key in score.scored}
        return {called: figures, f"{called}_iou": iou}


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMeasured:
    """There are no figures."""

    reason: str
    """A sentence, without its full stop."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Publication:
    """All that is written of a model that is published."""

    card: ModelCard
    """As it is published."""
    network: NetworkFacts
    nomenclature: Nomenclature | None
    """Of the card's classes, where it is known here."""
    ground: Ground | None
    figures: Figures | NotMeasured
    pictures: frozenset[str]
    """Names of the pictures beside the card."""
    authors: tuple[str, ...] = ()
    contact: str | None = None

    def title_of(self, key: str) -> str:
        """Return what a class is called in English."""
        known = self.nomenclature.keys if self.nomenclature else ()
        if self.nomenclature is None or key not in known:
            return key.replace("_", " ")
        return self.nomenclature.by_key(key).titles["en"]

    def code_of(self, key: str) -> int | None:
        """Return the code of a class; None where it is not known here."""
        if self.nomenclature is None or key not in self.nomenclature.keys:
            return None
        return self.nomenclature.by_key(key).code

    @property
    def bold(self) -> str | None:
        """What nobody may overlook about the figures, a sentence; None where they are a plain test."""
        match self.figures:
            case NotMeasured(reason=reason):
                return f"{reason}."
            case Figures(doubt=str(doubt)):
                named = ", ".join(map(str, self.figures.seen))
                left = f" What it has seen is left out: {named}." if named else ""
                return (
                    f"Nobody can tell whether the figures are of a test: {doubt}. They are too good for any "
                    f"domain that the model has seen.{left}"
                )
            case Figures(seen=seen, evaluation=found) if seen:
                return (
                    f"Measured on {', '.join(found.domains)} alone: the model was trained on "
                    f"{', '.join(map(str, seen))}, and figures of what it has seen would be no test."
                )
        return None

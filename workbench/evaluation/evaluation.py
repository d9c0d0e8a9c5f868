"""An evaluation: one prediction held against one truth, as a whole, by domain and by zone."""

from __future__ import annotations

__all__ = ["Evaluation"]

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.counting import counted
from workbench.errors import EvaluationError
from workbench.evaluation.calibration import Calibration
from workbench.evaluation.rules import Rule
from workbench.evaluation.scores import Score, aligned, fraction, percent
from workbench.evaluation.tally import Tally
from workbench.export.ground import Seen
from workbench.geo.zone import domain_of
from workbench.nomenclature import Nomenclature

_NOT_IN_A_ZONE = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """What a model or a raster is worth, by one rule.

    Raises
    ------
    EvaluationError
        There is not one pixel that both have.
    """

    subject: str
    """What was evaluated: the model's id, or the prediction's file."""
    reference: str
    """What it was held against: the release's name, or the truth's file."""
    split: str | None
    """Such as ``split_1:test``; None of a raster."""
    patches: int
    """0 of a raster."""
    nomenclature: Nomenclature
    rule: Rule
    zones: Mapping[str, Tally]
    """By zone's id; of a raster, one without a name."""
    seen: tuple[Seen, ...] = ()
    """Domains among them that the model was trained on, or whose ground it knows by another name."""
    unknown: str | None = None
    """Why nobody can tell whether it was trained on others of them; None where that is known."""

    def __post_init__(self) -> None:
        if not any(one.confusion.pixels for one in self.zones.values()):
            raise EvaluationError(
                f"{self.reference} has no labelled pixel to hold {self.subject} against; choose another truth"
            )

    @property
    def doubt(self) -> str | None:
        """Why these figures are no test, or perhaps none; None where they are one."""
        if self.seen:
            return f"it was trained on {', '.join(map(str, self.seen))}"
        return self.unknown

    @property
    def total(self) -> Tally:
        """All that was counted."""
        return Tally.total(self.zones.values())

    @property
    def domains(self) -> dict[str, Tally]:
        """What was counted in each domain, by its name."""
        named = sorted(set(map(domain_of, self.zones)) - {_NOT_IN_A_ZONE})
        return {
            name: Tally.total(one for zone, one in self.zones.items() if domain_of(zone) == name)
            for name in named
        }

    @property
    def score(self) -> Score:
        """The figures of all pixels."""
        return self.rule.score(self.total.confusion)

    def calibration(self, tally: Tally) -> Calibration | None:
        """Return how sure the prediction was, over pixels of scored true classes."""
        if tally.calibration is None:
            return None
        return tally.calibration.over(self.rule.score(tally.confusion).scored)

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/evaluate.schema.json``)."""
        sure, seen = self.calibration(self.total), self._seen
        return {
            "subject": self.subject,
            "reference": self.reference,
            "split": self.split,
            "unknown_ground": self.unknown,
            "patches": self.patches,
            "nomenclature": self.nomenclature.name,
            "score": self.score.document(),
            "confusion": self.total.confusion.document(),
            "calibration": None if sure is None else sure.document(),
            "domains": [
                {"domain": name, "seen": name in seen, "seen_as": seen[name].there if name in seen else None}
                | self._brief(tally)
                for name, tally in self.domains.items()
            ],
            "zones": [
                {"zone": name} | self._brief(tally) for name, tally in sorted(self.zones.items()) if name
            ],
        }

    def ign_document(self) -> dict[str, Any]:
        """Return IGN's ``metrics.json``."""
        return self.score.ign_document({entry.key: entry.titles["en"] for entry in self.nomenclature.classes})

    def text(self) -> str:
        """Return the figures for a person."""
        where = f" ({self.split}, {counted(self.patches, 'patch', 'patches')})" if self.split else ""
        lines = [f"{self.subject} against {self.reference}{where}", "", self.score.text()]
        sure = self.calibration(self.total)
        if sure is not None:
            lines.append(
                f"calibration: probability {percent(sure.confidence)} %, right {percent(sure.accuracy)} %, "
                f"expected calibration error {percent(sure.expected_error())} %"
            )
        if domains := self.domains:
            rows = [
                (f"{name}{' *' if name in self._seen else ''}", *self._row(one))
                for name, one in domains.items()
            ]
            lines += ["", *aligned([("domain", "mIoU", "OA", "ECE", "pixels"), *rows])]
        if self.seen:
            named = ", ".join(map(str, self.seen))
            lines.append(f"* the model was trained on {named}: figures of what it has seen are too good")
        if self.unknown:
            lines.append(f"perhaps no test: {self.unknown}")
        return "\n".join(lines)

    @property
    def _seen(self) -> dict[str, Seen]:
        return {one.domain: one for one in self.seen}

    def _brief(self, tally: Tally) -> dict[str, Any]:
        score, sure = self.rule.score(tally.confusion), self.calibration(tally)
        return {
            "pixels": score.confusion.pixels,
            "mean_iou": fraction(score.mean_iou),
            "accuracy": fraction(score.accuracy),
            "ece": None if sure is None else fraction(sure.expected_error()),
            "iou": {key: fraction(score.of(key)) for key in score.confusion.keys},
        }

    def _row(self, tally: Tally) -> tuple[str, ...]:
        score, sure = self.rule.score(tally.confusion), self.calibration(tally)
        error = math.nan if sure is None else sure.expected_error()
        figures = (score.mean_iou, score.accuracy, error)
        return (*map(percent, figures), f"{score.confusion.pixels:,}")

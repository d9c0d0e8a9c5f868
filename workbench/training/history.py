"""What happened while a network learned, as numbers and as a picture."""

from __future__ import annotations

__all__ = ["History", "draw_curves"]

from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from workbench.documents import format_document
from workbench.inference.places import CURVES, HISTORY, TRAINING_CURVES
from workbench.outputs import SAID

_HEADER = {"format": "ocs-workbench/training-history", "format_version": 1}


@dataclass(slots=True, kw_only=True)
class History:
    """Losses and scores so far; it grows while a network learns."""

    losses: list[dict[str, float]] = field(default_factory=list)
    """Per stretch of steps: ``step`` and ``seconds`` at its end, ``rate``, mean ``loss``."""
    scores: list[dict[str, float]] = field(default_factory=list)
    """Per judgement on held-out zones: ``step``, ``seconds``, ``mean_iou``, ``accuracy``."""
    kept_step: int = 0
    """Step whose weights were kept."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/training-history.schema.json``)."""
        return _HEADER | {
            "losses": [dict(row) for row in self.losses],
            "scores": [dict(row) for row in self.scores],
            "kept_step": self.kept_step,
        }

    def files(self) -> dict[str, bytes]:
        """Return what lies beside a model: the numbers, and the picture where matplotlib is installed."""
        numbers = format_document(self.document(), schema="training-history", source=HISTORY)
        picture = draw_curves(self)
        return {HISTORY: numbers} | ({} if picture is None else {CURVES: picture})


def draw_curves(history: History) -> bytes | None:
    """Return a PNG of loss and scores over steps; None where matplotlib (extra ``plots``) is missing."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return None
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    steps = [row["step"] for row in history.losses]
    left.plot(steps, [row["loss"] for row in history.losses], color="#1f77b4", label="loss")
    left.set(xlabel="step", ylabel="loss of a stretch of steps", title="learned from")
    left.set_ylim(bottom=0)
    rates = left.twinx()
    rates.plot(steps, [row["rate"] for row in history.losses], color="0.7", lw=1)
    rates.set_ylabel("learning rate", color="0.5")
    rates.ticklabel_format(axis="y", style="sci", scilimits=(-3, -3))
    if history.scores:
        judged = [row["step"] for row in history.scores]
        for name, title, colour in (("mean_iou", "mIoU", "#d62728"), ("accuracy", "OA", "#2ca02c")):
            percents = [100 * row[name] for row in history.scores]
            right.plot(judged, percents, "o-", ms=3, color=colour, label=title)
        right.axvline(history.kept_step, color="0.5", lw=1, ls=":", label="kept")
        right.legend(frameon=False, loc="best")
        right.set(xlabel="step", ylabel="% (mIoU of the classes labelled there)", ylim=(0, 100))
        right.set_title("held-out zones")
    else:
        right.set_axis_off()
        right.text(0.5, 0.5, "too few zones to hold one out", ha="center", transform=right.transAxes)
    for axes in (left, right):
        axes.grid(color="0.92")
        axes.spines["top"].set_visible(False)
    content = BytesIO()
    canvas.print_png(content, metadata={"Software": None, SAID: TRAINING_CURVES.mark})  # type: ignore[no-untyped-call]
    return content.getvalue()

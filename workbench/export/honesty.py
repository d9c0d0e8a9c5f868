"""Whether test zones are a test: every zone is one, in the split of its fold.

Labels that a model gave which saw the fold flatter all models that are judged on them; and zones that active
learning chose are no sample of the ground, unless the probability is known by which they were chosen. A
campaign may keep some folds for test: then that is refused of their zones alone, and told of others.
"""

from __future__ import annotations

__all__ = ["Disclosure", "disclosures", "honesty_verdicts"]

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from workbench.counting import listed
from workbench.export.assistance import Assistance
from workbench.export.folds import FOLDS
from workbench.export.patches import ZoneSource
from workbench.export.rules import Outcome, Rules, Verdict


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Disclosure:
    """What whoever judges a model on a zone has to know."""

    source: ZoneSource
    saw: tuple[Assistance, ...]
    """Models that were trained on the fold of the zone and gave some of its labels, or had proposed them."""
    unknown: tuple[Assistance, ...]
    """Models that did, and nobody knows what they were trained on."""

    @classmethod
    def of(cls, source: ZoneSource) -> Disclosure | None:
        """Return what is to be known of a zone, None where there is nothing."""
        gave = [one for one in source.assistance if one.assisted]
        saw = tuple(one for one in gave if one.folds is not None and source.fold in one.folds)
        unknown = tuple(one for one in gave if one.folds is None)
        if not saw and not unknown and source.choice is None:
            return None
        return cls(source=source, saw=saw, unknown=unknown)

    @property
    def seen_share(self) -> float:
        """Share of the zone's labels from models that saw its fold, or as these had proposed them."""
        return self._share(self.saw)

    @property
    def unknown_share(self) -> float:
        """The same of models of which nobody knows what they saw."""
        return self._share(self.unknown)

    def text(self) -> str:
        """Return one line."""
        told = []
        if self.saw:
            told.append(
                f"{self.seen_share:.1%} of its labels from {_models(self.saw)}, trained on fold "
                f"{self.source.fold}{self._agreeing(self.saw)}"
            )
        if self.unknown:
            told.append(
                f"{self.unknown_share:.1%} from {_models(self.unknown)}, and nobody knows what that was "
                f"trained on{self._agreeing(self.unknown)}"
            )
        if self.source.choice is not None:
            told.append(self.source.choice.text())
        return f"{self.source.zone.id}, test in split_{self.source.fold}: {'; '.join(told)}"

    def _share(self, models: Iterable[Assistance]) -> float:
        return self._part(sum(one.assisted for one in models))

    def _agreeing(self, models: Iterable[Assistance]) -> str:
        """Return how much of it was given by others after these models had proposed it, if any was."""
        agreed = self._part(sum(one.agreed for one in models))
        return f" ({agreed:.1%} given otherwise, after it had proposed the same)" if agreed else ""

    def _part(self, pixels: int) -> float:
        # Of pixels in conflict, which have no label in a release, some may have one from a model.
        return min(pixels / max(self.source.labelled, 1), 1.0)


def disclosures(sources: Iterable[ZoneSource]) -> list[Disclosure]:
    """Return what is to be known of zones before a model is judged on them, by zone."""
    found = (Disclosure.of(source) for source in sorted(sources, key=lambda source: source.zone.id))
    return [one for one in found if one is not None]


def honesty_verdicts(sources: Iterable[ZoneSource], rules: Rules) -> list[Verdict]:
    """Return whether test zones are a test."""
    told = disclosures(sources)
    chosen = [one for one in told if one.source.choice is not None]
    kept = rules.test_folds or FOLDS
    blindly = [
        one
        for one in chosen
        if one.source.choice and one.source.choice.inclusion is None and one.source.fold in kept
    ]
    elsewhere = f"; only {_splits(kept)} tell how good a model is" if chosen and rules.test_folds else ""
    allowed: Outcome = "warned" if rules.assisted_test else "refused"
    unaided = "have them labelled unaided, take them out, or say that they may be test: --assisted-test"
    return [
        _shares(
            told,
            lambda one: one.seen_share,
            rule="assisted-test",
            limit=rules.seen,
            kept=kept,
            beyond=allowed,
            message="test zones are labelled by models that were trained on their fold",
            way_out=unaided,
        ),
        _shares(
            told,
            lambda one: one.unknown_share,
            rule="unknown-model",
            limit=rules.unknown,
            kept=kept,
            beyond=allowed,
            message="test zones are labelled by models of which nobody knows what they were trained on",
            way_out=unaided,
        ),
        Verdict(
            rule="chosen-test",
            outcome=allowed if blindly else "warned" if chosen else "kept",
            measured=len(blindly),
            limit=0,
            unit="zones",
            message=f"test zones are {_where(blindly or chosen)}{elsewhere}",
            way_out=(
                "add them with the probability by which they were chosen: zone add --inclusion, take them "
                "out, or say that they may be test: --assisted-test"
            ),
            places=tuple(one.text() for one in chosen),
        ),
    ]


def _shares(
    told: Sequence[Disclosure],
    share: Callable[[Disclosure], float],
    *,
    rule: str,
    limit: float,
    kept: Collection[int],
    beyond: Outcome,
    message: str,
    way_out: str,
) -> Verdict:
    """Return a verdict on the share of labels that models gave, which is told where it is above 0.

    It goes by zones of the folds that are kept for test; others are told.
    """
    given = sorted(
        (one for one in told if share(one)), key=lambda one: (one.source.fold not in kept, -share(one))
    )
    test = [one for one in given if one.source.fold in kept]
    worst = share(test[0]) if test else 0.0
    wrong = [one for one in test if share(one) > limit] or given
    names = listed([f"{one.source.zone.id} ({share(one):.1%})" for one in wrong])
    return Verdict(
        rule=rule,
        outcome="kept" if not given else "warned" if worst <= limit else beyond,
        measured=round(worst, 6),
        limit=limit,
        unit="of a zone's labels",
        message=f"{message}: {names}",
        way_out=way_out,
        places=tuple(one.text() for one in given),
    )


def _models(models: Iterable[Assistance]) -> str:
    return listed([one.model for one in models])


def _splits(folds: Iterable[int]) -> str:
    return listed([f"split_{fold}" for fold in sorted(folds)])


def _where(chosen: Iterable[Disclosure]) -> str:
    return listed(
        [f"{one.source.choice.text()} ({one.source.zone.id})" for one in chosen if one.source.choice]
    )

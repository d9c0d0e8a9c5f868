"""The loop: propose, accept, segment, pre-label, label, release, train, and propose again.

Each round has a folder below the loop's, with what was proposed and ``round.json``, written after each step:
a loop that was stopped goes on where it was, and one that waits for people goes on when they are done.
Everything a round makes is what its own command makes: proposals, zones, a release on the last one, a model.
"""

from __future__ import annotations

__all__ = ["Labelled", "Labeller", "LoopOutcome", "LoopPlan", "Round", "active_loop"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, Self

from workbench.active.proposal import read_proposals
from workbench.campaign import Campaign
from workbench.counting import counted, listed
from workbench.documents import digest_file, inside, read_document, write_document, write_file
from workbench.errors import CampaignError
from workbench.evaluation.scores import fraction
from workbench.export import open_release
from workbench.geo.zone import Zone
from workbench.inference.card import CARD, read_card
from workbench.inference.segmenter import Segmenter
from workbench.workflows.accepting import accept_proposals
from workbench.workflows.evaluating import evaluate_model
from workbench.workflows.predicting import open_models, predict_zone
from workbench.workflows.prelabelling import prelabel_zone
from workbench.workflows.publishing import ReleaseOrder, publish
from workbench.workflows.segmenting import segment_zones
from workbench.workflows.standing import is_accepted
from workbench.workflows.training import checkpoint_of, train_model
from workbench.workflows.zone_proposing import FILE, Adviser, ProposalOrder, propose_zones

_RECORD: Final = "round.json"
_HEADER: Final = {"format": "ocs-workbench/active-round", "format_version": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What it took to label a zone."""

    picks: int
    seconds: float


class Labeller(Protocol):
    """Labels zones and has them accepted, as the scripted annotator does; people do so at the desk."""

    def __call__(self, campaign: Campaign, zone: Zone, /) -> Labelled:
        """Label a zone that is segmented, and see that it is accepted; one may be half done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPlan:
    """What a loop is to do.

    Raises
    ------
    CampaignError
        It has no round.
    """

    out: Path
    """Folder of its rounds, releases and models."""
    order: ProposalOrder
    """Of each round; the seed is that of the first, later ones count on."""
    rounds: int
    release: str = "LOOP"
    """What releases are called, before _V0.1, _V0.2 …"""
    model: Path | None = None
    """Asked in the first round, and begun with in training; a first round without one goes by domain, theme
    and old map, and training begins with the shipped model."""
    training: Mapping[str, Any] = field(default_factory=lambda: {"minutes": 10.0})
    """Options of `workbench.workflows.training.train_model`: ``minutes``, ``steps``, ``network`` …"""
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise CampaignError(f"a loop of {self.rounds} rounds does nothing; give one at least")


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round did, as far as it is."""

    number: int
    strategy: str
    seed: int
    split: str
    """Whose test is not trained on, and judges."""
    asked: str | None = None
    """Digest of the model that was asked; None where none was."""
    proposals_sha256: str | None = None
    """Of what was proposed; None as long as nothing was."""
    expected_picks: float = 0.0
    zones: tuple[str, ...] = ()
    """Of the proposals, in their order."""
    labelled: Mapping[str, Labelled] = field(default_factory=dict)
    """By zone, where a `Labeller` did it; what people take is in their journals."""
    release: str | None = None
    """Name of the release, None as long as there is none."""
    release_sha256: str | None = None
    """Digest of its content."""
    model: str | None = None
    """Id of the model that was trained on it."""
    model_sha256: str | None = None
    """Digest of its card."""
    scores: Mapping[str, Any] | None = None
    """Of the model on the fold that is kept for test; None where no zone of it is labelled."""

    @property
    def done(self) -> bool:
        """Whether nothing of it is left to do."""
        return self.model is not None

    @property
    def began_as(self) -> str:
        """What stays as it was when it began, in words."""
        return f"round {self.number} by {self.strategy} with seed {self.seed}, judged on {self.split}"

    @property
    def picks(self) -> int:
        """That a `Labeller` took."""
        return sum(one.picks for one in self.labelled.values())

    def document(self) -> dict[str, Any]:
        """Return the JSON document (``schema/active-round.schema.json``)."""
        labelled = {
            zone: {"picks": one.picks, "seconds": round(one.seconds, 1)}
            for zone, one in self.labelled.items()
        }
        return _HEADER | {
            "number": self.number,
            "strategy": self.strategy,
            "seed": self.seed,
            "split": self.split,
            "asked": self.asked,
            "proposals_sha256": self.proposals_sha256,
            "expected_picks": round(self.expected_picks, 1),
            "zones": list(self.zones),
            "labelled": labelled,
            "release": self.release,
            "release_sha256": self.release_sha256,
            "model": self.model,
            "model_sha256": self.model_sha256,
            "scores": None if self.scores is None else dict(self.scores),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the round that a JSON document describes."""
        told = {name: value for name, value in document.items() if name not in _HEADER}
        labelled = {zone: Labelled(**one) for zone, one in document["labelled"].items()}
        return cls(**(told | {"zones": tuple(document["zones"]), "labelled": labelled}))

    def text(self) -> str:
        """Return a line for a person."""
        spent = (
            f"{counted(self.picks, 'pick')} ({self.expected_picks:,.0f} expected)" if self.labelled else ""
        )
        parts = [counted(len(self.zones), "zone"), spent, self.release or "", self.model or ""]
        if self.scores and self.scores["mean_iou"] is not None:
            parts.append(f"mIoU {self.scores['mean_iou']:.1%} on {self.scores['split']}")
        return f"round {self.number}: {', '.join(filter(None, parts))}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopOutcome:
    """How far a loop is."""

    rounds: tuple[Round, ...]
    waiting: tuple[str, ...] = ()
    """Zones that people have to label and have accepted before it goes on."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view: each round as its folder has it, and what they wait for."""
        return {"rounds": [one.document() for one in self.rounds], "waiting": list(self.waiting)}

    def text(self) -> str:
        """Return a line for each round, and what it waits for."""
        lines = [one.text() for one in self.rounds]
        if self.waiting:
            lines.append(
                f"waiting for people: {listed(self.waiting)} to be labelled and accepted; run it again"
            )
        return "\n".join(lines)


def active_loop(
    campaign: Campaign,
    plan: LoopPlan,
    *,
    label: Labeller | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> LoopOutcome:
    """Run a loop of active learning, or go on with one.

    Parameters
    ----------
    campaign
        With a pool, and one fold that is kept for test (``workbench campaign folds --test 1``): models are
        trained on the others, and judged there where some of it is labelled.
    plan
        What to do. A loop that goes on has the plan that it began with.
    label
        Labels the zones that were proposed; without it the loop stops until people have.
    say
        Told each step.

    Raises
    ------
    CampaignError
        No fold is kept for test, or several are; or a folder of the loop is another plan's, or was judged on
        another fold.
    WorkbenchError
        A step fails; what was done before is kept.
    """
    held = campaign.test_folds
    if len(held) != 1:
        raise CampaignError(
            f"{campaign.path} keeps {counted(len(held), 'fold')} for test, and a loop needs one that it does "
            f"not train on; keep one: workbench campaign folds {campaign.path} --test 1"
        )
    rounds: list[Round] = []
    model = plan.model
    for number in range(1, plan.rounds + 1):
        turn = _Turn(campaign, plan, number, f"split_{min(held)}", model, say)
        record = turn.begun()
        if not record.done:
            record, waiting = _run(turn, record, label)
            if waiting:
                return LoopOutcome(rounds=(*rounds, record), waiting=tuple(waiting))
        say(record.text())
        rounds.append(record)
        model = turn.trained
    return LoopOutcome(rounds=tuple(rounds))


@dataclass(frozen=True, slots=True)
class _Turn:
    """Where a round is done, and by what."""

    campaign: Campaign
    plan: LoopPlan
    number: int
    split: str
    model: Path | None
    """The last round's."""
    say: Callable[[str], None]

    @property
    def folder(self) -> Path:
        """Of the round."""
        return inside(self.plan.out, "rounds", f"{self.number:02d}")

    @property
    def trained(self) -> Path:
        """Folder of the model that the round trains."""
        return inside(self.plan.out, "models", f"round-{self.number}")

    @property
    def proposals(self) -> Path:
        """What was proposed in the round."""
        return self.folder / FILE

    @property
    def order(self) -> ProposalOrder:
        """What is proposed in the round."""
        return replace(self.plan.order, seed=self.plan.order.seed + self.number - 1)

    def begun(self) -> Round:
        """Return what was done of the round before.

        Raises
        ------
        CampaignError
            It was done by another plan.
        """
        order = self.order
        new = Round(number=self.number, strategy=order.strategy, seed=order.seed, split=self.split)
        path = self.folder / _RECORD
        if not path.exists():
            return new
        found = Round.from_document(read_document(path, schema="active-round"))
        if found.began_as != new.began_as:
            raise CampaignError(
                f"{path} is of {found.began_as}, not of {new.began_as}; choose another folder for another "
                "loop"
            )
        return found

    def keep(self, record: Round, **done: Any) -> Round:
        """Write what was done, and return it."""
        kept = replace(record, **done)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_document(kept.document(), self.folder / _RECORD, schema="active-round")
        return kept

    def segmenter(self) -> Segmenter | None:
        """Open the last round's model."""
        return open_models([self.model], device=self.plan.device) if self.model else None


def _run(turn: _Turn, record: Round, label: Labeller | None) -> tuple[Round, list[str]]:
    """Do what is left of a round; return it, and the zones that wait for people."""
    if record.proposals_sha256 is None:
        record = _propose(turn, record)
    if not record.zones:
        done = accept_proposals(turn.campaign, path=turn.proposals)
        for made, one in done.zones:
            turn.say(f"{made}: {one.reason}")
        record = turn.keep(record, zones=_zones_of(turn))
    zones = [turn.campaign.zone(zone) for zone in record.zones]
    _prepare(turn, zones)
    for zone in zones:
        if label is not None and not is_accepted(turn.campaign, zone):
            took = label(turn.campaign, zone)
            record = turn.keep(record, labelled={**record.labelled, zone.id: took})
            turn.say(f"{zone.id}: labelled with {counted(took.picks, 'pick')}")
    if waiting := [zone.id for zone in zones if not is_accepted(turn.campaign, zone)]:
        return record, waiting
    if record.release is None:
        record = _release(turn, record)
    return _train(turn, record), []


def _propose(turn: _Turn, record: Round) -> Round:
    segmenter = turn.segmenter()
    adviser = Adviser.of(turn.campaign, segmenter, say=turn.say) if segmenter else None
    proposed = propose_zones(turn.campaign, turn.order, adviser=adviser)
    turn.folder.mkdir(parents=True, exist_ok=True)
    write_file(turn.proposals, proposed.path.read_bytes(), error=CampaignError)
    return turn.keep(
        record,
        asked=adviser.digest if adviser else None,
        proposals_sha256=digest_file(turn.proposals),
        expected_picks=sum(one.picks for one in proposed.proposals),
    )


def _zones_of(turn: _Turn) -> tuple[str, ...]:
    """Return the zones that the proposals of a round became."""
    made = {offer.proposal: zone for zone, offer in turn.campaign.registry.offers().items()}
    return tuple(made[one.id] for one in read_proposals(turn.proposals))


def _prepare(turn: _Turn, zones: Sequence[Zone]) -> None:
    """Segment zones, and have the last round's model propose labels."""
    left = [zone for zone in zones if not is_accepted(turn.campaign, zone)]
    for zone in left:
        list(segment_zones(turn.campaign, zone.id, say=turn.say))
    segmenter = turn.segmenter() if left else None
    if segmenter is not None:
        predict = partial(predict_zone, turn.campaign, segmenter=segmenter, say=turn.say)
        for zone in left:
            prelabel_zone(turn.campaign, zone, predict=predict)


def _release(turn: _Turn, record: Round) -> Round:
    plan, releases = turn.plan, inside(turn.plan.out, "releases")
    releases.mkdir(parents=True, exist_ok=True)
    before = releases / f"{plan.release}_V0.{turn.number - 1}"
    order = ReleaseOrder(
        name=f"{plan.release}_V0.{turn.number}",
        out=releases,
        parent=before if turn.number > 1 else None,
    )
    built = publish(turn.campaign, order, say=turn.say)
    return turn.keep(record, release=built.name, release_sha256=built.card["content_sha256"])


def _train(turn: _Turn, record: Round) -> Round:
    release = inside(turn.plan.out, "releases", str(record.release))
    if not (turn.trained / CARD).exists():
        turn.trained.parent.mkdir(parents=True, exist_ok=True)
        train_model(
            release,
            turn.trained,
            begin=turn.plan.model,
            split=turn.split,
            device=turn.plan.device,
            resume=checkpoint_of(turn.trained).exists(),
            say=turn.say,
            **turn.plan.training,
        )
    card = read_card(turn.trained)
    return turn.keep(record, model=card.id, model_sha256=card.digest, scores=_judged(turn, release))


def _judged(turn: _Turn, release: Path) -> dict[str, Any] | None:
    """Return the figures of a round's model on the fold that is kept for test, if some of it is labelled."""
    if not any(patch.splits[turn.split] == "test" for patch in open_release(release).patches()):
        return None
    found = evaluate_model(
        release, turn.trained, split=f"{turn.split}:test", device=turn.plan.device, say=turn.say
    ).score
    iou = {one["key"]: one["iou"] for one in found.document()["classes"] if one["true_pixels"]}
    return {
        "split": turn.split,
        "mean_iou": fraction(found.mean_iou),
        "accuracy": fraction(found.accuracy),
        "iou": iou,
    }

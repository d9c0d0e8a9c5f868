"""How far a zone is, and its way through review."""

from __future__ import annotations

__all__ = ["Standing", "review_zone", "standing", "standings"]

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.errors import EditRefused, JournalError
from workbench.geo.zone import Zone
from workbench.labels.annotation import AnnotationStore
from workbench.labels.comments import Thread, one_line, threads
from workbench.labels.conflicts import Conflict
from workbench.labels.losses import lost_edits
from workbench.labels.outline import read_outline
from workbench.labels.prelabels import ProposedBy, Waiting
from workbench.labels.review import ZoneState, accept, check_judge, send_back, submit, zone_state
from workbench.labels.rulings import Ruling, open_questions, rulings
from workbench.leases import leases
from workbench.workflows.admitting import check_admitted, gold_zones
from workbench.workflows.closing import check_store

Verdict = Literal["submit", "accept", "send-back"]
_MOST_LISTED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a zone stands."""

    zone: Zone
    fold: int
    state: ZoneState
    coverage: float
    """Share of the footprint that is labelled."""
    counts: dict[str, int]
    """Labelled pixels per class key."""
    heads: dict[str, int]
    """Last op of each author."""
    missing: dict[str, int]
    """An op of authors that may have been there and that no journal holds."""
    segmented: bool
    holder: str | None
    """Who is labelling there just now."""
    unresolved: dict[str, int]
    """Pixels by upper class, where authors were sure of no class."""
    questions: tuple[Thread, ...]
    """Questions that wait for a ruling."""
    comments: tuple[Thread, ...]
    """Comments that ask nothing and questions that were ruled on, first to last."""
    rulings: tuple[Ruling, ...]
    """What was decided, and the labels that it touches."""
    blind: tuple[str, ...]
    """Who annotated the zone a second time, blind."""
    drawn: bool
    """Whether the zone was drawn for that."""
    gold: bool
    """Whether new annotators show there how they label."""
    prelabels: tuple[Waiting, ...] | None
    """What models propose and nobody has taken over yet; None where it was not asked for."""
    proposed: tuple[ProposedBy, ...] | None
    """What each model proposes, taken over or not; None where it was not asked for."""
    keys: dict[int, str]
    """Key of each class by its code, ``unlabelled`` for 0."""
    looked: dict[str, int]
    """Number of patches that each author has had before their eyes, whole and at full size."""
    conflicts: tuple[Conflict, ...]
    """Where authors disagree who had not seen each other's edits."""

    @property
    def loss(self) -> str:
        """Which edits may be lost, in one sentence; empty if none may."""
        return lost_edits(self.missing)

    @property
    def settled(self) -> bool:
        """Whether nothing is lost, or somebody accepted the labels without that."""
        return not self.missing or self.state.state == "accepted"

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/zone-status.schema.json``)."""
        zone, state = self.zone, self.state
        return {
            "zone": zone.id,
            "domain": zone.domain,
            "fold": self.fold,
            "theme": zone.theme,
            "acquired": zone.acquired.isoformat() if zone.acquired else None,
            "time": f"{zone.time_of_day:%H:%M}" if zone.time_of_day else None,
            "camera": zone.camera,
            "patches": len(zone.cells),
            "area_km2": round(zone.area / 1e6, 6),
            "raster": str(zone.ortho.path),
            "bands": list(zone.ortho.bands),
            "rasters": [raster.document(zone) for raster in zone.rasters],
            "state": state.state,
            "by": state.by,
            "reason": state.reason,
            "coverage": self.coverage,
            "pixels": self.counts,
            "heads": self.heads,
            "missing": self.missing,
            "segmented": self.segmented,
            "holder": self.holder,
            "unresolved": self.unresolved,
            "questions": [_thread_document(one) for one in self.questions],
            "comments": [_thread_document(one) for one in self.comments],
            "rulings": [asdict(ruling) for ruling in self.rulings],
            "gold": self.gold,
            "prelabels": None if self.prelabels is None else [self._waiting(one) for one in self.prelabels],
            "proposed": None if self.proposed is None else [asdict(one) for one in self.proposed],
            "double": {"drawn": self.drawn, "by": list(self.blind)},
            "looked": self.looked,
            "conflicts": [
                {
                    "ops": list(conflict.ops),
                    "classes": list(self._classes(conflict)),
                    "pixels": conflict.pixels,
                    "row": conflict.row,
                    "col": conflict.col,
                }
                for conflict in self.conflicts
            ],
        }

    def _waiting(self, one: Waiting) -> dict[str, Any]:
        said = list(one.confidence) if one.confidence else None
        return {
            "model": one.model,
            "class": one.upper or self.keys[one.code],
            "pixels": one.pixels,
            "confidence": said,
        }

    def _waits(self, one: Waiting) -> str:
        said = " to ".join(f"{share:g}" for share in sorted({*(one.confidence or ())}))
        sure = f", confidence {said}" if said else ""
        what = one.upper or self.keys[one.code]
        return f"  waits to be accepted: {what} by {one.model} for {counted(one.pixels, 'pixel')}{sure}"

    def _classes(self, conflict: Conflict) -> tuple[str, ...]:
        """Return the key of the class, or upper class, that each op of a conflict gives."""
        given = zip(conflict.codes, conflict.uppers, strict=True)
        return tuple(upper or self.keys[code] for code, upper in given)

    def row(self) -> tuple[object, ...]:
        """Return one row of ``zone list``."""
        yes = "yes" if self.segmented else "no"
        state = self.state.state.replace("_", " ")
        return (
            self.zone.id,
            self.fold,
            len(self.zone.cells),
            state,
            f"{self.coverage:.1%}",
            yes,
            self.holder or "",
            ", ".join(self.blind) or ("wanted" if self.drawn else ""),
            "gold" if self.gold else "",
        )

    def text(self) -> str:
        """Return a page for a person."""
        zone, total = self.zone, sum(self.counts.values())
        heads = ", ".join(f"{author}:{seq}" for author, seq in self.heads.items()) or "no edit yet"
        lines = [
            f"{zone.id}: {self.state}",
            f"  fold {self.fold}, {zone.extent}",
            f"  theme {zone.theme or 'not given'}, camera {one_line(zone.camera or 'not given')}",
            f"  picture {zone.ortho.path} ({','.join(zone.ortho.bands)}), "
            f"taken {zone.taken or 'at an unknown date'}",
            f"  {'segmented' if self.segmented else 'not segmented yet'}",
            f"  {self.coverage:.1%} labelled; journals: {heads}",
        ]
        lines += [f"  beside it {one.told(zone)}" for one in zone.rasters if one is not zone.ortho]
        if self.holder:
            lines.append(f"  {self.holder} is labelling there just now")
        if self.missing:
            lines.append(f"  {self.loss}")
        if self.gold:
            lines.append("  a gold zone: new annotators show there how they label")
        lines += [
            f"  {one.model} proposes {counted(one.regions, 'region')} for {counted(one.pixels, 'pixel')}, "
            f"of which {one.same / one.pixels:.1%} are labelled so"
            for one in self.proposed or ()
        ]
        lines += [self._waits(one) for one in self.prelabels or ()]
        lines += [
            f"  {counted(count, 'pixel is', 'pixels are')} {key}, of no class yet"
            for key, count in self.unresolved.items()
        ]
        lines += [line for one in self.questions for line in _told(one)]
        lines += [line for ruling in self.rulings for line in _ruled(ruling)]
        if len(self.comments) > _MOST_LISTED:
            lines.append(
                f"  {counted(len(self.comments) - _MOST_LISTED, 'earlier comment')}; --json lists all"
            )
        lines += [line for one in self.comments[-_MOST_LISTED:] for line in _told(one)]
        lines += [
            f"  {author} has looked at {count} of {counted(len(zone.cells), 'patch', 'patches')}"
            for author, count in self.looked.items()
        ]
        if self.blind or self.drawn:
            wanted = "drawn for double annotation, " if self.drawn else ""
            lines.append(f"  {wanted}annotated blind by {', '.join(self.blind) or 'nobody yet'}")
        lines += [
            f"  conflict of {counted(conflict.pixels, 'pixel')} at ({conflict.row}, {conflict.col}): "
            + ", ".join(
                f"{op} says {key}" for op, key in zip(conflict.ops, self._classes(conflict), strict=True)
            )
            for conflict in self.conflicts[:_MOST_LISTED]
        ]
        if len(self.conflicts) > _MOST_LISTED:
            lines.append(f"  and {counted(len(self.conflicts) - _MOST_LISTED, 'more conflict')}")
        ranked = sorted(self.counts.items(), key=lambda item: -item[1])
        return "\n".join(lines + [f"    {key:24} {count / total:6.1%}" for key, count in ranked if count])


def _thread_document(thread: Thread) -> dict[str, Any]:
    comment = thread.comment
    answers = [{"id": name, "text": answer.text} for name, answer in thread.answers]
    return {"id": thread.id, "row": comment.row, "col": comment.col, "text": comment.text, "answers": answers}


def _told(thread: Thread) -> list[str]:
    """Tell a comment or question, and its answers."""
    comment = thread.comment
    what = "question" if comment.question else "comment"
    return [
        f"  {what} {thread.id} at ({comment.row}, {comment.col}): {one_line(comment.text)}",
        *(f"    {name}: {one_line(answer.text)}" for name, answer in thread.answers),
    ]


def _ruled(ruling: Ruling) -> list[str]:
    """Tell a ruling and the labels that it touches, those that do not follow it first."""
    left = [one for one in ruling.touched if not one.follows]
    changed = counted(len(left), "is", "are") if left else "none are"
    lines = [
        f"  ruling {ruling.id} on {ruling.question}: {ruling.key}; of "
        f"{counted(len(ruling.touched), 'label')} that it touches {changed} to be changed"
    ]
    lines += [
        f"    {counted(one.pixels, 'pixel')} at ({one.row}, {one.col}), now {one.given} by {one.op}"
        for one in left[:_MOST_LISTED]
    ]
    return lines


def standing(campaign: Campaign, zone: Zone, *, prelabels: bool = False) -> Standing:
    """Return where a zone stands, read from its journals; on request with what models propose there."""
    nomenclature, lease = campaign.nomenclature, leases(campaign.registry).get(zone.id)
    with campaign.open_store(zone) as store:
        said, proposals = store.comments(), store.prelabels() if prelabels else None
        waiting, begun = {name for name, _ in open_questions(said)}, threads(said)
        return Standing(
            zone=zone,
            fold=campaign.folds()[zone.domain],
            state=zone_state(store),
            coverage=store.coverage(),
            counts={nomenclature.by_code(code).key: n for code, n in store.counts().items() if code and n},
            heads=dict(sorted(store.head.items())),
            missing=store.missing(),
            segmented=campaign.hierarchy_path(zone).exists(),
            holder=lease.holder if lease is not None else None,
            unresolved=store.unresolved(),
            questions=tuple(one for one in begun if one.id in waiting),
            comments=tuple(one for one in begun if one.id not in waiting),
            rulings=rulings(store, nomenclature),
            blind=store.blind_authors,
            drawn=campaign.drawn(zone),
            gold=zone.id in gold_zones(campaign),
            prelabels=proposals.waiting() if proposals else None,
            proposed=proposals.by_model() if proposals else None,
            keys={0: "unlabelled"} | {one.code: one.key for one in nomenclature.classes},
            looked=_looked(zone, store),
            conflicts=store.conflicts().found,
        )


def _looked(zone: Zone, store: AnnotationStore) -> dict[str, int]:
    """Return how many patches of a zone each author has looked at."""
    patches = [window for _, window in zone.patch_windows()]
    return {author: len(set(patches) & set(windows)) for author, windows in store.looks().items()}


def is_accepted(campaign: Campaign, zone: Zone) -> bool:
    """Tell whether somebody stands for the labels of a zone, by its journals alone."""
    return read_outline(campaign.journal_dir(zone), campaign.subject(zone)).state.state == "accepted"


def standings(campaign: Campaign) -> tuple[list[Standing], dict[str, str]]:
    """Return where the zones stand, and {zone id: what is wrong} of those whose journals cannot be read."""
    found, damaged = [], {}
    for zone in campaign.zones():
        try:
            found.append(standing(campaign, zone))
        except JournalError as error:
            damaged[zone.id] = str(error)
    return found, damaged


def review_zone(
    campaign: Campaign,
    zone: Zone,
    *,
    author: str,
    verdict: Verdict,
    reason: str = "",
    anyway: str | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> ZoneState:
    """Submit, accept or send back a zone.

    What is submitted, or accepted without having been submitted, is checked first: every finding must be
    fixed or justified, see `workbench.workflows.closing`.

    Parameters
    ----------
    campaign, zone, author, verdict
        Who judges what, and how.
    reason
        Why the zone is sent back.
    anyway
        Why the zone is submitted or accepted unchecked, or accepted although edits may be lost; becomes the
        reason of the verdict.
    say
        Told if somebody else is labelling there just now, which is in no verdict's way.

    Raises
    ------
    EditRefused
        The zone's state does not allow it, findings are open, edits may be lost, or the author is a model.
    CampaignError
        The campaign has gold zones, and the author is not admitted.
    """
    if anyway is not None and not anyway.strip():
        raise EditRefused(
            "findings and lost edits are passed over for a reason that others can read; give one"
        )
    check_judge(author)
    check_admitted(campaign, author)
    lease = leases(campaign.registry).get(zone.id)
    if lease is not None and lease.holder != author:
        say(f"{lease.holder} is labelling zone {zone.id} just now")
    with campaign.open_store(zone, author=author) as store:
        if verdict == "send-back":
            return send_back(store, reason)
        if anyway is None:
            _check_closed(campaign, zone, store, verdict)
        return submit(store, reason=anyway) if verdict == "submit" else accept(store, reason=anyway)


def _check_closed(campaign: Campaign, zone: Zone, store: AnnotationStore, verdict: Verdict) -> None:
    """Refuse a zone with open findings, where the verdict is the first on its labels."""
    first = ("open", "sent_back") if verdict == "submit" else ("open",)
    if zone_state(store).state in first:
        checked = check_store(campaign, zone, store)
        if checked.open:
            # The reason that passes over findings passes over lost edits, too: nobody gives it unaware.
            lost = lost_edits(store.missing()) if verdict == "accept" else ""
            raise EditRefused(f"{checked.refusal()}; besides, {lost}" if lost else checked.refusal())

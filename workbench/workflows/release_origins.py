"""Releases that no campaign was cut into: what they were made of, by which table or choice."""

from __future__ import annotations

__all__ = ["ReleaseOrigin", "origins", "release_origin"]

from dataclasses import dataclass
from typing import Any, Literal

from workbench.counting import counted, listed
from workbench.export.release import Release
from workbench.export.release_diff import ReleaseDiff


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseOrigin:
    """What a release was made of, where that is another release."""

    release: str
    kind: Literal["recode", "subset", "withdrawal"]
    of: str
    how: str
    """What was done, as a sentence goes on."""

    @property
    def versioned(self) -> bool:
        """Whether its version tells what changed since the release that it was made of."""
        return self.kind == "withdrawal"

    def text(self) -> str:
        """Return one sentence."""
        return f"{self.release} is {self.how}"

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {"release": self.release, "kind": self.kind, "of": self.of, "text": self.text()}


def release_origin(release: Release) -> ReleaseOrigin | None:
    """Return what a release was made of; None where it was built from a campaign."""
    card, name = release.card, release.name
    if derived := card.get("derived"):
        table = f"{derived['crosswalk']} {derived['version']}"
        how = (
            f"derived from {derived['of']} by the table {table}: its classes are those of the table, it has "
            "that one's version, and no journal tells of it"
        )
        return ReleaseOrigin(release=name, kind="recode", of=derived["of"], how=how)
    gone = [one["zone"] for one in release.withdrawn if one["since"] == str(release.version)]
    if gone and card["parent"]:
        how = f"{card['parent']['name']} without {counted(len(gone), 'zone')} that had to go ({listed(gone)})"
        return ReleaseOrigin(release=name, kind="withdrawal", of=card["parent"]["name"], how=how)
    if subset := card.get("subset"):
        chosen = listed([*subset["domains"], *subset["zones"], *subset["sets"]]) or "all its zones"
        how = f"a part of {subset['of']}, with that one's version, of {chosen}"
        return ReleaseOrigin(release=name, kind="subset", of=subset["of"], how=how)
    return None


def origins(diff: ReleaseDiff) -> tuple[ReleaseOrigin, ...]:
    """Return those of the two releases, the older one first, that were made of another one."""
    found = (release_origin(release) for release in (diff.before, diff.after))
    return tuple(one for one in found if one is not None)

"""The report of a release, written: its figures, those of the releases before it, what a campaign adds."""

from __future__ import annotations

__all__ = ["write_report"]

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from workbench.campaign import Campaign
from workbench.documents import write_file
from workbench.errors import ReleaseError
from workbench.export import Release, open_release
from workbench.export.choosing import choose_patches
from workbench.export.figures import measure_release
from workbench.export.patches import codes_digest
from workbench.export.report import PAGE, Sheet, check_libraries, report_page
from workbench.export.report.sheet import look_at
from workbench.outputs import check_output
from workbench.pages import check_page
from workbench.threads import Map
from workbench.workflows.zone_facts import zone_facts

_LOOKS: Final = 24


def write_report(
    path: Path,
    output: Path,
    *,
    campaign: Campaign | None = None,
    overwrite: bool = False,
    pixels: bool = True,
    say: Callable[[str], None],
    progress: Callable[[int, int], None] | None = None,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
) -> None:
    """Write the report of a release, one page of HTML.

    Releases that it builds on are looked for in the folder that it lies in, by name and content.

    Parameters
    ----------
    path
        Folder of the release.
    output
        The page.
    campaign
        Tells what an older release does not say of its labels, of zones whose labels are still the same.
    overwrite
        Replace an older page.
    pixels
        Whether all images are read for the statistics of bands; those of patches to look at are anyway.
    say
        Told what is left out.
    progress
        Called with the patches done and their total after each image.
    map
        Such as `workbench.threads.in_threads` gives.

    Raises
    ------
    ReleaseError
        A library is not installed, there is no such release, or the output may not be written.
    """
    check_libraries()
    check_output(output, PAGE, overwrite=overwrite, error=ReleaseError)
    check_page(output, error=ReleaseError)
    release = open_release(path)
    notes = []
    if campaign is not None:
        release, added = _with_facts(release, campaign, say=say)
        notes = [f"The campaign told of the labels of {added:,} of its zones"] if added else []
    figures = measure_release(release, pixels=pixels, progress=progress, map=map)
    looks = [look_at(release, patch) for patch in choose_patches(release, wanted=_LOOKS)]
    sheet = Sheet(looks=looks, before=[*_before(release)][::-1], notes=notes)
    write_file(output, report_page(figures, sheet), error=ReleaseError)


def _before(release: Release) -> Iterator[Mapping[str, Any]]:
    """Yield the cards of the releases that one builds on and that lie beside it, the last one first."""
    card, seen = release.card, {release.name}
    while parent := card.get("parent"):
        folder = release.path.resolve().parent / parent["name"]
        if not (folder / "release.json").is_file():
            return
        card = open_release(folder).card
        if card["content_sha256"] != parent["content_sha256"] or parent["name"] in seen:
            return
        seen.add(parent["name"])
        yield card


def _with_facts(release: Release, campaign: Campaign, *, say: Callable[[str], None]) -> tuple[Release, int]:
    """Return a release whose zones tell of their labels what its campaign knows, and of how many it did."""
    zones, entries, added = {zone.id: zone for zone in campaign.zones()}, [], 0
    for entry in release.card["zones"]:
        zone = zones.get(entry["id"])
        if "origins" in entry:
            entries.append(entry)
            continue
        facts: dict[str, Any] = {}
        if zone is None:
            say(f"{entry['id']} is not in {campaign.path}; nothing is added on its labels")
        else:
            with campaign.open_store(zone) as store:
                if codes_digest(store.settled_labels()) == entry.get("labels_sha256"):
                    facts = zone_facts(campaign, zone, store, say=say)
                else:
                    say(
                        f"{entry['id']} has other labels now than were released, or the release does not tell"
                    )
        added += bool(facts)
        entries.append({**entry, **facts})
    return replace(release, card={**release.card, "zones": entries}), added

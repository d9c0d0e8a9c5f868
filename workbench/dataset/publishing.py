"""From a release to the folder that is published: its data as they are, and what others read about them.

Everything that is written is made of the release and of what the publisher says; nothing tells when or where
it was written, so that the same values give the same bytes. The data, ``release.json`` and the digest of the
content stay.
"""

from __future__ import annotations

__all__ = ["PublishedDataset", "publish_dataset"]

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from workbench.counting import counted
from workbench.dataset.citation import CITATION, cff
from workbench.dataset.croissant import CROISSANT, croissant
from workbench.dataset.datasheet import DATASHEET, datasheet
from workbench.dataset.described import DescribedFile
from workbench.dataset.edition import Edition
from workbench.dataset.hub_head import hub_head
from workbench.dataset.libraries import check_libraries
from workbench.dataset.licences import LICENCE, licence_text
from workbench.dataset.preview import PREVIEW, SHEET, Preview, make_preview
from workbench.dataset.readme import README, readme
from workbench.dataset.stac import write_stac
from workbench.dataset.survey import Survey, survey
from workbench.dataset.taking import check_place, check_same, check_whole, take_files
from workbench.documents import digest_file
from workbench.errors import ReleaseError
from workbench.export import Release, open_release
from workbench.export.index import INDEX
from workbench.export.layouts import Layout
from workbench.export.manifest import Manifest, is_about, listed_files
from workbench.export.release import NOMENCLATURE
from workbench.export.staging import Staging
from workbench.geo.zone import domain_of
from workbench.threads import Map

_DESCRIBED: Final = {
    INDEX: "GeoParquet, a row per patch: ids, outline, sets, class counts, files and their digests",
    NOMENCLATURE: "The classes and their numbers in every scheme",
    "release.json": "What the release is: counts, zones, split rule, warnings",
    PREVIEW: "Some patches as pictures",
    SHEET: "A few patches: orthophoto, infrared where there is one, labels",
}
_Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PublishedDataset:
    """A folder that was written."""

    directory: Path
    survey: Survey
    edition: Edition
    preview: Preview
    files: int
    """That ``SHA256SUMS`` lists."""
    about: Mapping[str, str]
    """SHA-256 by path of the files that were made."""
    reused: bool = False
    """Whether the same was there already, and nothing was written."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/release-publish.schema.json``)."""
        return {
            "path": str(self.directory),
            "reused": self.reused,
            "name": self.survey.name,
            "version": str(self.survey.release.version),
            "content_sha256": self.survey.card["content_sha256"],
            "title": self.edition.title,
            "licence": self.edition.licence.id,
            "date": self.edition.published.isoformat(),
            "files": self.files,
            "patches": self.survey.card["counts"]["patches"],
            "zones": len(self.survey.zones),
            "preview": {"patches": self.preview.patches, "bytes": len(self.preview.table)},
            "about": dict(self.about),
            "warnings": list(self.warnings),
        }

    @property
    def warnings(self) -> tuple[str, ...]:
        """What its publisher should know before anybody else has it."""
        seals = self.survey.card.get("subset", {}).get("seals")
        if seals is None:
            return ()
        return (
            f"{self.survey.name} has the labels that {seals} withholds, and the key of its seal: whoever has "
            "this folder knows them, so keep it to yourself while the challenge runs",
        )

    def text(self) -> str:
        """Return what a person wants to read at the end."""
        there = " is there already" if self.reused else ""
        patches = counted(self.survey.card["counts"]["patches"], "patch", "patches")
        told = (
            f"{self.directory}{there}: {patches} in "
            f"{counted(self.files, 'file')}, {len(self.about):,} of them about the data; read its {README} "
            f"first\ncontent {self.survey.card['content_sha256']}, as in {self.survey.release.path}"
        )
        return "\n".join([told, *(f"warning: {warning}" for warning in self.warnings)])


def publish_dataset(
    path: Path,
    out: Path,
    *,
    edition: Edition,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
    progress: _Progress | None = None,
) -> PublishedDataset:
    """Write ``out/NAME``: a release as it is, with what data hubs and catalogues read about it.

    Where the very same is there already, nothing changes.

    Parameters
    ----------
    path
        Folder of the release; it is not changed.
    out
        Where the folder goes; it appears whole or not at all.
    edition
        What is said of it.
    map
        Such as `workbench.threads.in_threads` gives.
    progress
        Called with the files taken and their total, then with the patches drawn and theirs.

    Raises
    ------
    WorkbenchError
        The release is damaged, something is in the way or is not installed. Nothing was written.
    """
    release = open_release(path)
    target = out / release.name
    check_place(release, target)
    check_libraries()
    _check_date(release, edition)
    manifest = check_whole(release)
    with Staging.beside(target) as staging:
        try:
            taken = take_files(path, manifest, staging.path, map=map, progress=progress)
            found = survey(replace(release, path=staging.path))  # what is drawn and counted is proven by now
            preview = make_preview(found, map=map, progress=progress)
            about = _write(staging.path, found, edition, preview, taken)
            taken.put(about.items())
            taken.write(staging.path)
        except OSError as error:
            reason = error.strerror or error
            raise ReleaseError(f"{target} cannot be written ({reason}); make room there") from error
        reused = target.exists() or not staging.publish()
        if reused:
            check_same(target, taken, map=map)
    return PublishedDataset(
        directory=target,
        survey=replace(found, release=release),
        edition=edition,
        preview=preview,
        files=len(taken),
        about=about,
        reused=reused,
    )


def _check_date(release: Release, edition: Edition) -> None:
    """Refuse a day of publication before that of a picture; of undated ones the year is known."""
    days = {
        zone.get("acquired") or f"{domain_of(zone['id'])[-4:]}-01-01": zone["id"]
        for zone in release.card["zones"]
    }
    last = max(days)
    if edition.published.isoformat() < last:
        raise ReleaseError(
            f"{release.name} cannot have been published on {edition.published}: {days[last]} shows "
            f"{last}; give another --date"
        )


def _write(
    folder: Path, found: Survey, edition: Edition, preview: Preview, taken: Manifest
) -> dict[str, str]:
    """Write what tells about the data; return the digests, by path."""
    software = f"ocs-workbench {version('ocs-workbench')}"
    head = hub_head(found, edition, preview=PREVIEW)
    contents = {
        PREVIEW: preview.table,
        SHEET: preview.sheet,
        CITATION: cff(found, edition),
        LICENCE: licence_text(found.name, edition.licence, edition.attribution).encode(),
        DATASHEET: datasheet(found, edition).encode(),
        README: readme(found, edition, preview, head=head, software=software).encode(),
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    about = [_described(folder, name, taken.get(name), told) for name, told in _DESCRIBED.items()]
    contents[CROISSANT] = croissant(found, edition, about)
    (folder / CROISSANT).write_bytes(contents[CROISSANT])
    write_stac(found, edition, folder, about=about, packs=dict(_packs(folder, found, taken)))
    return {
        name: digest_file(folder / name)
        for name in sorted(listed_files(folder))
        if is_about(name) and taken.get(name) is None
    }


def _described(folder: Path, name: str, sha256: str | None, told: str) -> DescribedFile:
    path = folder / name
    return DescribedFile(
        path=name, sha256=sha256 or digest_file(path), size=path.stat().st_size, description=told
    )


def _packs(folder: Path, found: Survey, taken: Manifest) -> Iterator[tuple[str, DescribedFile]]:
    """Yield the files that hold many patches, by path."""
    layouts: dict[str, Layout] = {one.name: one for one in found.release.layouts}
    for zone in found.zones:
        for layout, files in zone.files.items():
            if layouts[layout].container != "files":
                told = f"file of the layout {layout}"
                for path in dict.fromkeys(files.values()):
                    yield path, _described(folder, path, taken.get(path), told)

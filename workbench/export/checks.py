"""The checks of a release that was built: files, patches, splits, index, tables."""

from __future__ import annotations

__all__ = ["VerifyReport", "verify_release"]

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.counting import counted
from workbench.documents import read_document
from workbench.errors import DocumentError, Problem, ReleaseError
from workbench.export.contents import ContentCheck, Whole
from workbench.export.index import INDEX, PatchIndex
from workbench.export.layouts import Layout, layouts_of
from workbench.export.manifest import MANIFEST, Manifest, check_files
from workbench.export.release import NOMENCLATURE, lattice_of
from workbench.export.sealing import check_seal
from workbench.export.totals import Totals
from workbench.export.withholding import check_withheld
from workbench.geo.zone import domain_of
from workbench.nomenclature import load_nomenclature
from workbench.threads import Map


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """Everything that is wrong with a release."""

    path: Path
    files: int
    """Files that ``SHA256SUMS`` lists."""
    patches: int
    """Rows of the index."""
    problems: tuple[Problem, ...]
    """``loc`` begins with the path of the file."""
    withheld: int = 0
    """Patches whose labels are kept apart."""
    sealed: str | None = None
    """The release that has their labels, if it was held against the seal."""
    pixels: bool = False
    """Whether the pixels of images were read."""

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def document(self) -> dict[str, Any]:
        """Return the report for ``--json``."""
        return {
            "path": str(self.path),
            "sound": self.sound,
            "files": self.files,
            "patches": self.patches,
            "withheld": self.withheld,
            "sealed": self.sealed,
            "pixels": self.pixels,
            "problems": [
                {"file": str(one.loc[0]), "loc": list(one.loc[1:]), "kind": one.kind, "message": one.message}
                for one in self.problems
            ],
        }

    def text(self) -> str:
        """Return the report for people: a line per problem, then the sum."""
        verdict = "sound" if self.sound else counted(len(self.problems), "problem")
        lines = [str(problem) for problem in self.problems]
        read = f"{counted(self.files, 'file')}, {counted(self.patches, 'patch', 'patches')}"
        read += ", images read" if self.pixels else ""
        lines.append(f"{self.path}: {verdict}; {read}")
        if self.withheld:
            lines.append(f"labels of {counted(self.withheld, 'patch', 'patches')} are withheld")
        if self.sealed is not None and not any(problem.kind == "seal" for problem in self.problems):
            lines.append(f"{self.sealed} is what was sealed")
        return "\n".join(lines)


def verify_release(
    path: Path,
    *,
    sealed: Path | None = None,
    pixels: bool = False,
    map: Map = map,  # noqa: A002
) -> VerifyReport:
    """Check a release: every file's digest, every patch's files, the splits, the index, the tables.

    Parameters
    ----------
    path
        Folder of the release.
    sealed
        Folder of the release that has the labels that this one withholds, to be held against the seal.
    pixels
        Read images, too, and hold them against the digests of their pixels; labels always are.
    map
        Such as `workbench.threads.in_threads` gives.

    Returns
    -------
    VerifyReport
        With every problem, not only the first.

    Raises
    ------
    ReleaseError
        The folder holds neither ``release.json`` nor ``SHA256SUMS``, or no seal if a sealed release is given.
    """
    if not any((path / name).is_file() for name in ("release.json", MANIFEST)):
        raise ReleaseError(f"{path} is no release: it has no release.json; give the folder that holds one")
    problems: list[Problem] = []
    manifest = Manifest()
    try:
        manifest = Manifest.read(path)
        problems += check_files(path, manifest, map=map)
    except ReleaseError as error:
        problems.append(Problem(loc=(MANIFEST,), message=str(error), kind="manifest"))
    spoilt = {str(problem.loc[0]) for problem in problems if problem.kind in {"missing", "changed"}}
    whole = Whole(path, frozenset(spoilt))
    problems += check_seal(path, sealed) if sealed else []
    count, withheld, layouts = 0, 0, tuple[Layout, ...]()
    try:
        card = read_document(path / "release.json", schema="release")
        if len(manifest) and card["content_sha256"] != manifest.content_sha256:
            message = f"is not the digest of what {MANIFEST} lists"
            problems.append(Problem(loc=("release.json", "content_sha256"), message=message, kind="content"))
        if INDEX in whole and NOMENCLATURE in whole:
            layouts = layouts_of(card)
            modalities = {layout.name: layout.modalities for layout in layouts}
            patches = PatchIndex(path / INDEX, modalities, lattice_of(card))
            totals = Totals.of(patches)
            count, withheld = totals.patches, totals.withheld
            problems += check_withheld(patches, card, whole)
            problems += [*_check_ids(patches), *_check_totals(totals, card), *_check_splits(totals)]
            problems += _check_listed(patches, manifest)
            classes = load_nomenclature(path / NOMENCLATURE)
            originals = {one["id"]: tuple(one["bands"]) for one in card["zones"] if "bands" in one}
            for layout in layouts:
                check = ContentCheck(
                    release=path,
                    layout=layout,
                    nomenclature=classes,
                    whole=whole,
                    pixels=pixels,
                    originals=originals,
                )
                problems += check.problems(patches, map)
                problems += _check_tables(path, patches, layout, whole=whole)
    except DocumentError as error:
        name = Path(error.source).name
        problems += [replace(problem, loc=(name, *problem.loc)) for problem in error.problems]
    except ReleaseError as error:
        name, kind = (INDEX, "index") if layouts else ("release.json", "layouts")
        problems.append(Problem(loc=(name,), message=str(error), kind=kind))
    return VerifyReport(
        path=path,
        files=len(manifest),
        patches=count,
        problems=tuple(problems),
        withheld=withheld,
        sealed=str(sealed) if sealed else None,
        pixels=pixels,
    )


def _check_totals(totals: Totals, card: Mapping[str, Any]) -> Iterator[Problem]:
    """Check that the index and ``release.json`` speak of the same patches."""
    found: dict[tuple[str, ...], Any] = {
        ("counts", "patches"): totals.patches,
        ("counts", "zones"): len(totals.zone_folds),
        ("counts", "domains"): len(totals.folds),
        ("splits", "columns"): totals.columns(),
        ("unlabelled_pixels",): totals.unlabelled.total(),
        **{("class_pixels", key): count for key, count in totals.classes.items()},
    }
    for loc, value in found.items():
        said = card[loc[0]] if len(loc) == 1 else card[loc[0]].get(loc[1])
        if said != value:
            message = f"says {said}, {INDEX} {value}"
            yield Problem(loc=("release.json", *loc), message=message, kind="counts")
    for place, entry in enumerate(card.get("withdrawn", ())):
        if entry["zone"] in totals.zone_folds:
            message = f"says that {entry['zone']} was withdrawn, and {INDEX} has patches of it"
            yield Problem(loc=("release.json", "withdrawn", place), message=message, kind="withdrawn")
    for place, zone in enumerate(card["zones"]):
        fold = totals.zone_folds.get(zone["id"])
        if fold != zone["fold"]:
            message = f"says fold {zone['fold']} of {zone['id']}, {INDEX} {fold}"
            yield Problem(loc=("release.json", "zones", place, "fold"), message=message, kind="counts")


def _check_listed(patches: PatchIndex, manifest: Manifest) -> Iterator[Problem]:
    """Check that the index and ``SHA256SUMS`` speak of the same files."""
    files = Manifest(patches.files())
    for path, sha256 in files:
        if manifest.get(path) != sha256:
            message = f"has another SHA-256 in {INDEX} than in {MANIFEST}, or is not in both"
            yield Problem(loc=(path,), message=message, kind="index")
    for path, _ in manifest:
        if path.endswith(".tif") and files.get(path) is None:
            yield Problem(loc=(path,), message=f"is no file of a patch in {INDEX}", kind="index")


def _check_ids(patches: PatchIndex) -> Iterator[Problem]:
    """Check that ids and numbers are unique."""
    for what in ("id", "number"):
        for entry in patches.table([what]).column(0).drop_null().value_counts().to_pylist():
            if entry["counts"] > 1:
                message = f"{entry['counts']} patches have the {what} {entry['values']}"
                yield Problem(loc=(INDEX,), message=message, kind="duplicate")


def _check_splits(totals: Totals) -> Iterator[Problem]:
    """Check that a domain is in one fold, a zone in one set, and that test is the fold of the split."""
    for domain, found in totals.folds.items():
        if len(found) > 1:
            message = f"domain {domain} is in folds {', '.join(map(str, sorted(found)))}"
            yield Problem(loc=(INDEX,), message=message, kind="fold")
    for (zone, column), subsets in totals.zone_sets.items():
        if len(subsets) > 1:
            message = f"zone {zone} is {' and '.join(sorted(subsets))} in {column}; a zone is in one set"
            yield Problem(loc=(INDEX,), message=message, kind="split")
        tested = {f"split_{fold}" for fold in totals.folds[domain_of(zone)]}
        if ("test" in subsets) != (column in tested):
            message = (
                f"zone {zone} is {min(subsets)} in {column}; test are the zones of that fold, and no others"
            )
            yield Problem(loc=(INDEX,), message=message, kind="split")


def _check_tables(release: Path, patches: PatchIndex, layout: Layout, *, whole: Whole) -> Iterator[Problem]:
    """Check that the tables of a layout say what the index says."""
    for table in layout.tables(patches):
        path = f"{layout.root}/{table.path}"
        if path not in whole:
            continue
        try:
            same = table.is_said_by(release / path)
        except ReleaseError as error:
            yield Problem(loc=(path,), message=str(error), kind="table")
            continue
        if not same:
            yield Problem(loc=(path,), message=f"does not say what {INDEX} says", kind="table")

"""The checks of a release that was built: files, patches, splits, index, tables."""

from __future__ import annotations

__all__ = ["VerifyReport", "verify_release"]

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from workbench.counting import counted
from workbench.documents import read_document
from workbench.errors import DocumentError, Problem, RasterError, ReleaseError
from workbench.export.folds import PROD, SPLITS, SUBSETS
from workbench.export.layouts import Layout, layouts_of
from workbench.export.manifest import MANIFEST, check_files, content_digest, listed_files, read_manifest
from workbench.export.patches import Patch
from workbench.export.tables import read_geopackage, read_index, split_records
from workbench.geo.raster import inspect_raster, read_bands
from workbench.nomenclature import Nomenclature, load_nomenclature


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
        return "\n".join([*lines, f"{self.path}: {verdict}; {read}"])


def verify_release(path: Path, *, map: Callable[..., Iterable[Any]] = map) -> VerifyReport:  # noqa: A002
    """Check a release: every file's digest, every patch's files, the splits, the index, the tables.

    Parameters
    ----------
    path
        Folder of the release.
    map
        Such as the ``map`` of a thread pool.

    Returns
    -------
    VerifyReport
        With every problem, not only the first.

    Raises
    ------
    ReleaseError
        The folder holds neither ``release.json`` nor ``SHA256SUMS``.
    """
    if not any((path / name).is_file() for name in ("release.json", MANIFEST)):
        raise ReleaseError(f"{path} is no release: it has no release.json; give the folder that holds one")
    problems: list[Problem] = []
    digests: dict[str, str] = {}
    try:
        digests = read_manifest(path)
        problems += check_files(path, digests, map=map)
    except ReleaseError as error:
        problems.append(Problem(loc=(MANIFEST,), message=str(error), kind="manifest"))
    spoilt = {str(problem.loc[0]) for problem in problems if problem.kind in {"missing", "changed"}}
    whole = frozenset(listed_files(path)) - spoilt
    patches: tuple[Patch, ...] = ()
    layouts: tuple[Layout, ...] = ()
    try:
        card = read_document(path / "release.json", schema="release")
        if digests and card["content_sha256"] != content_digest(digests):
            message = f"is not the digest of what {MANIFEST} lists"
            problems.append(Problem(loc=("release.json", "content_sha256"), message=message, kind="content"))
        if {"index.parquet", "nomenclature.json"} <= whole:
            layouts = layouts_of(card)
            patches = read_index(path / "index.parquet", layouts=[layout.name for layout in layouts])
            problems += [*_check_index(patches, card, digests), *_check_splits(patches)]
            classes = load_nomenclature(path / "nomenclature.json")
            for layout in layouts:
                check = partial(_check_patch, path, layout=layout, nomenclature=classes, whole=whole)
                problems += [problem for found in map(check, patches) for problem in found]
                problems += _check_tables(path, patches, layout, whole=whole)
    except DocumentError as error:
        name = Path(error.source).name
        problems += [replace(problem, loc=(name, *problem.loc)) for problem in error.problems]
    except ReleaseError as error:
        name, kind = ("index.parquet", "index") if layouts else ("release.json", "layouts")
        problems.append(Problem(loc=(name,), message=str(error), kind=kind))
    return VerifyReport(path=path, files=len(digests), patches=len(patches), problems=tuple(problems))


def _check_index(
    patches: Sequence[Patch], card: Mapping[str, Any], digests: Mapping[str, str]
) -> Iterator[Problem]:
    """Check that the index, ``release.json`` and ``SHA256SUMS`` speak of the same patches and files."""
    classes: Counter[str] = Counter()
    for patch in patches:
        classes.update(patch.class_counts)
    found: dict[tuple[str, ...], Any] = {
        ("counts", "patches"): len(patches),
        ("counts", "zones"): len({patch.zone for patch in patches}),
        ("counts", "domains"): len({patch.domain for patch in patches}),
        ("splits", "columns"): {
            column: {subset: sum(patch.splits[column] == subset for patch in patches) for subset in SUBSETS}
            for column in (*SPLITS, PROD)
        },
        ("unlabelled_pixels",): sum(patch.unlabelled for patch in patches),
        **{("class_pixels", key): count for key, count in classes.items()},
    }
    for loc, value in found.items():
        said = card[loc[0]] if len(loc) == 1 else card[loc[0]].get(loc[1])
        if said != value:
            message = f"says {said}, index.parquet {value}"
            yield Problem(loc=("release.json", *loc), message=message, kind="counts")
    folds = {patch.zone: patch.fold for patch in patches}
    for place, zone in enumerate(card["zones"]):
        if folds.get(zone["id"]) != zone["fold"]:
            message = f"says fold {zone['fold']} of {zone['id']}, index.parquet {folds.get(zone['id'])}"
            yield Problem(loc=("release.json", "zones", place, "fold"), message=message, kind="counts")
    files = {
        path: sha256
        for patch in patches
        for one in patch.files.values()
        for path, sha256 in ((one.image, one.image_sha256), (one.label, one.label_sha256))
    }
    for path, sha256 in files.items():
        if digests.get(path) != sha256:
            message = "has another SHA-256 in index.parquet than in SHA256SUMS, or is not in both"
            yield Problem(loc=(path,), message=message, kind="index")
    for path in digests:
        if path.endswith(".tif") and path not in files:
            yield Problem(loc=(path,), message="is no file of a patch in index.parquet", kind="index")


def _check_patch(
    release: Path, patch: Patch, *, layout: Layout, nomenclature: Nomenclature, whole: frozenset[str]
) -> list[Problem]:
    """Check the two files of a patch: grid, bands, type, no nodata tag, label values and their counts.

    Parameters
    ----------
    release
        Folder of the release.
    patch, layout, nomenclature
        What the files should show.
    whole
        Paths of the files that are there as ``SHA256SUMS`` says; the others are named already.
    """
    files = patch.files[layout.name]
    image, label = (f"{layout.root}/{x}" for x in (layout.image_path(patch), layout.label_path(patch)))
    if (files.image, files.label) != (image, label):
        message = f"patch {patch.id} should lie at {image} and {label}"
        return [Problem(loc=(files.image,), message=message, kind="path")]
    problems: list[Problem] = []
    for name, bands in ((image, len(layout.bands)), (label, 1)):
        if name not in whole:
            continue
        try:
            unfit = [*_header_problems(release / name, name, patch, bands)]
            problems += unfit
            if name == label and not unfit:
                problems += _label_problems(release / name, name, patch, layout, nomenclature)
        except RasterError as error:
            problems.append(Problem(loc=(name,), message=str(error), kind="raster"))
    return problems


def _check_splits(patches: Sequence[Patch]) -> Iterator[Problem]:
    """Check that ids are unique, a domain is in one fold, a zone in one set, and test the split's fold."""
    for what, values in (("id", [p.id for p in patches]), ("number", [str(p.number) for p in patches])):
        for value, count in Counter(values).items():
            if count > 1:
                message = f"{count} patches have the {what} {value}"
                yield Problem(loc=("index.parquet",), message=message, kind="duplicate")
    folds: dict[str, set[int]] = defaultdict(set)
    sets: dict[tuple[str, str], set[str]] = defaultdict(set)
    for patch in patches:
        folds[patch.domain].add(patch.fold)
        for column, subset in patch.splits.items():
            sets[patch.zone, column].add(subset)
    for domain, found in folds.items():
        if len(found) > 1:
            message = f"domain {domain} is in folds {', '.join(map(str, sorted(found)))}"
            yield Problem(loc=("index.parquet",), message=message, kind="fold")
    for (zone, column), subsets in sets.items():
        if len(subsets) > 1:
            message = f"zone {zone} is {' and '.join(sorted(subsets))} in {column}; a zone is in one set"
            yield Problem(loc=("index.parquet",), message=message, kind="split")
        tested = {f"split_{fold}" for fold in folds[zone.partition("/")[0]]}
        if ("test" in subsets) != (column in tested):
            message = (
                f"zone {zone} is {min(subsets)} in {column}; test are the zones of that fold, and no others"
            )
            yield Problem(loc=("index.parquet",), message=message, kind="split")


def _check_tables(
    release: Path, patches: Sequence[Patch], layout: Layout, *, whole: frozenset[str]
) -> Iterator[Problem]:
    """Check that the tables of a layout say what the index says."""
    for name, content in layout.tables(patches):
        path = f"{layout.root}/{name}"
        if path not in whole:
            continue
        if name.endswith(".gpkg"):
            try:
                same = read_geopackage(release / path) == split_records(patches)
            except ReleaseError as error:
                yield Problem(loc=(path,), message=str(error), kind="table")
                continue
        else:
            same = (release / path).read_bytes() == content
        if not same:
            yield Problem(loc=(path,), message="does not say what index.parquet says", kind="table")


def _header_problems(path: Path, name: str, patch: Patch, bands: int) -> Iterator[Problem]:
    info = inspect_raster(path)
    found = {
        "size": (info.grid.shape, patch.grid.shape),
        "bands": (info.band_count, bands),
        "dtype": (info.dtype, "uint8"),
        "crs": (info.grid.crs, patch.grid.crs),
        "nodata": (info.nodata, None),
    }
    for kind, (is_now, should_be) in found.items():
        if is_now != should_be:
            yield Problem(loc=(name,), message=f"{kind} is {is_now}, should be {should_be}", kind=kind)
    now, should = tuple(info.grid.transform)[:6], tuple(patch.grid.transform)[:6]
    if not all(math.isclose(a, b, rel_tol=0.0, abs_tol=1e-6) for a, b in zip(now, should, strict=True)):
        yield Problem(loc=(name,), message=f"transform is {now}, should be {should}", kind="transform")


def _label_problems(
    path: Path, name: str, patch: Patch, layout: Layout, nomenclature: Nomenclature
) -> Iterator[Problem]:
    counts = np.bincount(read_bands(path)[0].ravel(), minlength=256)
    values = {entry.values[layout.scheme]: entry.key for entry in nomenclature.classes}
    unknown = [int(value) for value in np.flatnonzero(counts) if value not in values]
    if unknown:
        message = f"values {', '.join(map(str, unknown))} are not in scheme {layout.scheme}"
        yield Problem(loc=(name,), message=message, kind="classes")
    other = nomenclature.schemes[layout.scheme].other
    for value, key in values.items():
        expected = patch.class_counts.get(key, 0) + (patch.unlabelled if key == other else 0)
        if counts[value] != expected:
            message = f"has {counted(counts[value], 'pixel')} of {key}, index.parquet says {expected}"
            yield Problem(loc=(name,), message=message, kind="counts")

"""The folder of a data set: the release as it was, whole or not at all, the same bytes each time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from made_editions import edition
from made_zones import build, file_bytes, make_zones

from workbench.dataset import PublishedDataset, publish_dataset
from workbench.dataset import publishing as publishing_module
from workbench.documents import digest_file
from workbench.errors import ReleaseError
from workbench.export import Release, open_release, subset_release, verify_release
from workbench.export.manifest import ABOUT, Manifest, is_about
from workbench.export.staging import Staging
from workbench.export.wanted import Wanted


def test_the_data_and_their_card_are_those_of_the_release(
    release: Release, published: PublishedDataset
) -> None:
    before, after = file_bytes(release.path), file_bytes(published.directory)
    taken = {path: content for path, content in before.items() if path not in ("README.md", "SHA256SUMS")}
    assert {path: after[path] for path in taken} == taken
    assert {path for path in after if path not in before} == set(published.about) - {"README.md"}
    assert all(is_about(path) for path in published.about)
    assert open_release(published.directory).card == release.card


def test_a_file_of_the_data_is_on_the_disk_once(release: Release, published: PublishedDataset) -> None:
    for path, _ in Manifest.read(release.path):
        same = (release.path / path).samefile(published.directory / path)
        assert same == (path != "README.md"), path


def test_a_published_release_is_sound_and_has_the_same_content(
    release: Release, published: PublishedDataset
) -> None:
    report = verify_release(published.directory)
    assert (report.sound, report.problems) == (True, ())
    assert report.files == published.files == len(Manifest.read(published.directory))
    assert Manifest.read(published.directory).content_sha256 == release.card["content_sha256"]
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=published.directory, check=True)


@pytest.mark.parametrize("kind", ["built", "published"])
def test_grep_gives_the_digest_of_the_content(
    release: Release, published: PublishedDataset, kind: str
) -> None:
    folder = {"built": release.path, "published": published.directory}[kind]
    command = f"grep -vE '  ({ABOUT})$' SHA256SUMS | sha256sum"
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == release.card["content_sha256"]
    assert command in (published.directory / "README.md").read_text(encoding="utf-8")


def test_publishing_twice_gives_the_same_bytes(
    release: Release, published: PublishedDataset, tmp_path: Path
) -> None:
    again = publish_dataset(release.path, tmp_path / "again", edition=published.edition)
    assert file_bytes(again.directory) == file_bytes(published.directory)


def test_a_published_release_is_published_as_the_release_is(
    published: PublishedDataset, tmp_path: Path
) -> None:
    again = publish_dataset(published.directory, tmp_path, edition=published.edition)
    assert file_bytes(again.directory) == file_bytes(published.directory)


def test_nothing_of_the_release_changes(release: Release, tmp_path: Path) -> None:
    before = {path: (path.stat().st_mtime_ns, digest_file(path)) for path in _files(release.path)}
    publish_dataset(release.path, tmp_path, edition=edition())
    assert {path: (path.stat().st_mtime_ns, digest_file(path)) for path in _files(release.path)} == before


@pytest.mark.parametrize("damage", ["changed", "missing", "extra", "listed", "link"])
def test_a_damaged_release_is_refused_and_nothing_is_written(
    release: Release, tmp_path: Path, damage: str
) -> None:
    import shutil

    copy = Path(shutil.copytree(release.path, tmp_path / "FR_V0.1"))
    label = next(copy.rglob("MSK_*.tif"))
    content = label.read_bytes()
    if damage == "changed":
        label.write_bytes(content[:-1] + b"!")
    elif damage == "missing":
        label.unlink()
    elif damage == "extra":
        (copy / "notes.txt").write_text("mine")
    elif damage == "link":
        label.unlink()
        label.symlink_to(next(release.path.rglob(label.name)))
    else:
        sums = copy / "SHA256SUMS"
        sums.write_text(sums.read_text().replace("nomenclature.json", "nomenclatura.json"))
    with pytest.raises(ReleaseError, match=r"is not as it was built: .*workbench release verify"):
        publish_dataset(copy, tmp_path / "out", edition=edition())
    assert not (tmp_path / "out").exists()


def test_what_is_there_already_stays(release: Release, tmp_path: Path) -> None:
    (tmp_path / "FR_V0.1").mkdir()
    (tmp_path / "FR_V0.1" / "mine.txt").write_text("mine")
    for out in (tmp_path, release.path.parent):
        with pytest.raises(ReleaseError, match="exists, and nothing is ever replaced"):
            publish_dataset(release.path, out, edition=edition())
    assert file_bytes(tmp_path) == {"FR_V0.1/mine.txt": b"mine"}


def test_the_same_again_is_reused_and_another_one_is_refused(
    release: Release, published: PublishedDataset, tmp_path: Path
) -> None:
    first = publish_dataset(release.path, tmp_path, edition=published.edition)
    before = file_bytes(tmp_path)
    assert not first.reused
    again = publish_dataset(release.path, tmp_path, edition=published.edition)
    assert again.document() == first.document() | {"reused": True}
    assert "FR_V0.1 is there already: " in again.text()
    with pytest.raises(ReleaseError, match=r"says something else \(first CITATION.cff\)"):
        publish_dataset(release.path, tmp_path, edition=edition(title="Another"))
    other = build(make_zones()[:2], tmp_path / "other")
    with pytest.raises(ReleaseError, match="has other content than"):
        publish_dataset(other.path, tmp_path, edition=published.edition)
    assert file_bytes(tmp_path / "FR_V0.1") == {
        path.removeprefix("FR_V0.1/"): content for path, content in before.items()
    }


def test_a_damaged_folder_of_the_same_is_not_taken_for_it(
    release: Release, published: PublishedDataset, tmp_path: Path
) -> None:
    first = publish_dataset(release.path, tmp_path, edition=published.edition)
    (first.directory / "datasheet.md").unlink()
    with pytest.raises(ReleaseError, match=r"is damaged .*datasheet.md.*; move it away and publish again"):
        publish_dataset(release.path, tmp_path, edition=published.edition)


def test_nothing_is_written_into_the_release(release: Release) -> None:
    with pytest.raises(ReleaseError, match="which never changes"):
        publish_dataset(release.path, release.path / "published", edition=edition())
    assert verify_release(release.path).sound


def test_a_missing_library_is_named_before_any_work(
    release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name: None if name in ("pystac", "mlcroissant") else name
    )
    monkeypatch.setattr(publishing_module, "survey", lambda release: pytest.fail("began to work"))
    with pytest.raises(ReleaseError, match=r"mlcroissant, pystac.*pip install 'ocs-workbench\[release\]'"):
        publish_dataset(release.path, tmp_path / "out", edition=edition())
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_nothing(
    release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Manifest, "write", full)
    with pytest.raises(ReleaseError, match="No space left on device"):
        publish_dataset(release.path, tmp_path / "out", edition=edition())
    assert not (tmp_path / "out").exists()


def test_a_folder_that_appears_meanwhile_is_not_replaced(
    release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = Staging.publish

    def overtaken(staging: Staging) -> bool:
        (staging.target).mkdir()
        (staging.target / "mine.txt").write_text("mine")
        return publish(staging)

    monkeypatch.setattr(Staging, "publish", overtaken)
    with pytest.raises(ReleaseError, match="exists, and nothing is ever replaced"):
        publish_dataset(release.path, tmp_path, edition=edition())
    assert file_bytes(tmp_path) == {"FR_V0.1/mine.txt": b"mine"}


def test_what_a_killed_one_left_goes_with_the_next(
    release: Release, published: PublishedDataset, tmp_path: Path
) -> None:
    code = (
        "import sys, time\nfrom datetime import date\nfrom pathlib import Path\n"
        "from workbench.dataset import publish_dataset, read_edition, publishing\n"
        "publishing.write_stac = lambda *a, **k: (print('there', flush=True), time.sleep(60))\n"
        "said = read_edition(title='x', licence='odbl', published=date(2026, 1, 31))\n"
        "publish_dataset(Path(sys.argv[1]), Path(sys.argv[2]), edition=said)\n"
    )
    command = [sys.executable, "-c", code, str(release.path), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"there\n"
        os.kill(process.pid, signal.SIGKILL)
    left = [path.name for path in tmp_path.iterdir()]
    assert len(left) == 1
    assert left[0].startswith(".FR_V0.1-")
    again = publish_dataset(release.path, tmp_path, edition=published.edition)
    assert [path.name for path in tmp_path.iterdir()] == ["FR_V0.1"]
    assert file_bytes(again.directory) == file_bytes(published.directory)
    assert verify_release(release.path).sound, "links of the killed one lead to the release's own files"


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_day_before_that_of_a_picture_is_no_day_of_publication(release: Release, tmp_path: Path) -> None:
    with pytest.raises(
        ReleaseError, match=r"published on 0001-01-01: D.* shows 2018-09-16; give another --date"
    ):
        publish_dataset(release.path, tmp_path / "out", edition=edition(published=date(1, 1, 1)))
    assert not (tmp_path / "out").exists()


def test_whoever_publishes_sealed_labels_is_warned(release: Release, tmp_path: Path) -> None:
    made = subset_release(release, name="OPEN", out=tmp_path, wanted=Wanted(), withhold_test=True)
    assert made.sealed is not None
    there = [
        publish_dataset(path, tmp_path / "out", edition=edition())
        for path in (made.release.path, made.sealed.path)
    ]
    assert there[0].document()["warnings"] == []
    assert "OPEN-SEALED has the labels that OPEN withholds" in there[1].document()["warnings"][0]
    assert "warning: OPEN-SEALED has the labels" in there[1].text()

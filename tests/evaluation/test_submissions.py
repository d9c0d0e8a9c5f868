"""Submissions are paired by name, read whole, and scored as `evaluate` scores the same predictions."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray
from PIL import Image

from workbench.documents import validate
from workbench.errors import EvaluationError, ReleaseError
from workbench.evaluation import ScoredSubmission, evaluate_release, rule_of, score_submission
from workbench.evaluation.numberings import chosen, numberings
from workbench.export import Release, subset_release
from workbench.export.patches import Patch
from workbench.export.selection import Selection
from workbench.export.wanted import Wanted
from workbench.geo.geotiff import write_raster
from workbench.geo.grid import PixelGrid
from workbench.nomenclature import load_nomenclature

FLAIR = load_nomenclature("flair-19")
Name = Callable[[Patch], str]
NAMES: dict[str, Name] = {
    "flair-1": lambda patch: f"PRED_IMG_{patch.number:06d}.tif",
    "flair-2": lambda patch: f"PRED_{patch.number:06d}.tif",
    "flair-1 mask": lambda patch: f"PRED_MSK_{patch.number:06d}.tif",
    "flair-hub image": lambda patch: f"PRED_{hub(patch, 'AERIAL_RGBI')}.tif",
    "flair-hub label": lambda patch: f"PRED_{hub(patch, 'AERIAL_LABEL-COSIA')}.tif",
    "id in a folder": lambda patch: f"{patch.domain}/PRED_{patch.id}.tiff",
}


def hub(patch: Patch, modality: str) -> str:
    domain, roi, place = patch.id.split("_")
    return f"{domain}_{modality}_{roi}_{place}"


def patches_of(release: Release, text: str = "split_1:test") -> tuple[Patch, ...]:
    return Selection.parse(text).of(release.patches())


def guess(patch: Patch, truth: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a prediction that is right in parts: shifted, and with classes that the truth has not."""
    codes = np.roll(truth, 40 + (patch.number or 0), axis=1)
    codes[:30, :100] = 13
    codes[30:60, :50] = 17
    codes[60:90, :50] = 19
    return codes


def written(
    release: Release,
    folder: Path,
    *,
    name: Name = NAMES["flair-1"],
    split: str = "split_1:test",
    value: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] = lambda codes: codes - np.uint8(1),
) -> Path:
    """Write predictions as IGN's writers do: no place, LZW."""
    for patch in patches_of(release, split):
        path = folder / name(patch)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(value(guess(patch, release.labels(patch)))).save(path, compression="tiff_lzw")
    return folder


def as_hub(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return FLAIR.encode(codes, "flair_hub")


def as_challenge(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.minimum(codes, 13) - np.uint8(1)


def checked(found: ScoredSubmission) -> dict[str, Any]:
    document = found.document()
    head = {"format": "ocs-workbench/release-score", "format_version": 1}
    validate(
        json.loads(json.dumps(head | document, allow_nan=False)), "outputs/release-score", source="score"
    )
    return document


@pytest.mark.parametrize("split", ["split_1:test", "all"])
@pytest.mark.parametrize("rule", ["challenge", "flair"])
def test_figures_are_those_of_evaluate(rule: str, split: str, release: Release, tmp_path: Path) -> None:
    patches = iter(patches_of(release, split))

    def predict(image: NDArray[np.uint8], names: Any) -> NDArray[np.uint8]:
        patch = next(patches)
        return guess(patch, release.labels(patch))[np.newaxis]

    dropped = ("snow",) if rule == "flair" else ()
    expected = evaluate_release(
        release,
        predict,
        subject="x",
        selection=Selection.parse(split),
        rule=rule_of(rule, FLAIR, dropped=dropped),
    ).document()
    folder = written(release, tmp_path, split=split)
    found = score_submission(release, folder, rule=rule, dropped=dropped, split=split, scheme="flair-argmax")
    document = checked(found)
    assert found.sound
    for key in ("score", "domains", "zones"):
        assert document[key] == expected[key]
    assert document["patches"] == expected["patches"]


def test_challenge_rule_is_that_of_the_challenges_own_code(release: Release, tmp_path: Path) -> None:
    """FLAIR-1's generate_miou: masks less 1, above 12 is 12, the last class left out of the mean alone."""
    folder = written(release, tmp_path, value=as_challenge)
    total = np.zeros((13, 13), int)
    for patch in patches_of(release):
        truth = release.labels(patch).astype(int) - 1
        truth[truth > 12] = 12
        taken = np.array(Image.open(folder / NAMES["flair-1"](patch)))
        np.add.at(total, (truth.ravel(), taken.ravel()), 1)
    with np.errstate(invalid="ignore"):
        ious = np.diag(total) / (total.sum(0) + total.sum(1) - np.diag(total))
    found = score_submission(release, folder, scheme="challenge")
    document = checked(found)
    assert document["confusion"]["counts"] == total.tolist()
    assert document["score"]["mean_iou"] == pytest.approx(np.nanmean(ious[:-1]), abs=1e-6)


def test_matrix_by_hand(release: Release, tmp_path: Path) -> None:
    """One class for all: every pixel of another class is an error, whatever the truth is."""
    for patch in patches_of(release):
        Image.fromarray(np.full((512, 512), 9, np.uint8)).save(tmp_path / NAMES["flair-2"](patch))
    found = score_submission(release, tmp_path, scheme="challenge")
    truth = np.concatenate([release.labels(patch).ravel() for patch in patches_of(release)])
    counts = np.array(checked(found)["confusion"]["counts"])
    keys = found.evaluation.score.confusion.keys
    grass = keys.index("herbaceous_vegetation")
    assert grass == 9
    assert counts.sum() == counts[:, grass].sum() == truth.size
    assert counts[grass, grass] == (truth == 10).sum()
    assert counts[keys.index("building"), grass] == (truth == 1).sum()
    assert found.evaluation.score.of("herbaceous_vegetation") == (truth == 10).mean()
    assert "rule challenge: mIoU" in found.text()
    assert "10 herbaceous_vegetation" in found.text()


@pytest.mark.parametrize("name", NAMES)
def test_names_of_all_of_igns_writers_are_known(name: str, release: Release, tmp_path: Path) -> None:
    found = score_submission(release, written(release, tmp_path, name=NAMES[name]), scheme="flair-argmax")
    assert found.problems == ()


VALUES = {
    "flair-argmax": lambda codes: codes - np.uint8(1),
    "flair_hub": as_hub,
    "flair": lambda codes: codes,
    "codes": lambda codes: codes,
    "challenge": as_challenge,
}


@pytest.mark.parametrize("scheme", VALUES)
def test_numberings_give_the_same_figures(scheme: str, release: Release, tmp_path: Path) -> None:
    by_argmax = score_submission(release, written(release, tmp_path / "argmax"), scheme="flair-argmax")
    folder = written(release, tmp_path / scheme, value=VALUES[scheme])
    found = score_submission(release, folder, scheme=scheme)
    assert checked(found)["score"] == checked(by_argmax)["score"]
    assert found.scheme == scheme


def test_numbering_that_cannot_be_told_is_asked_for(release: Release, tmp_path: Path) -> None:
    found = score_submission(release, written(release, tmp_path / "low", value=as_challenge))
    (problem,) = found.problems
    assert problem.kind == "scheme"
    assert "flair-argmax (0–18), challenge (0–12); say which is meant: --scheme" in problem.message
    found = score_submission(release, written(release, tmp_path / "high"))
    assert "flair_hub (0–18), flair-argmax (0–18)" in found.problems[0].message
    # 19 is in FLAIR's numbers alone, and codes are the same.
    told = score_submission(release, written(release, tmp_path / "flair", value=VALUES["flair"]))
    assert told.sound
    assert told.evaluation.score.mean_iou > 0


def test_numbering_that_is_none_is_refused(release: Release, tmp_path: Path) -> None:
    folder = written(release, tmp_path)
    with pytest.raises(EvaluationError, match=r"no numbering 'corine' here; say --scheme codes \(1–19\)"):
        score_submission(release, folder, scheme="corine")
    with pytest.raises(EvaluationError, match="no numbering 'challenge'"):
        score_submission(release, folder, rule="flair", scheme="challenge")
    with pytest.raises(EvaluationError, match="values 77 are of no numbering"):
        chosen(numberings(FLAIR, rule="flair"), None, {77})


def test_everything_that_is_wrong_is_listed_at_once(release: Release, tmp_path: Path) -> None:
    patches = patches_of(release, "all")
    folder = written(release, tmp_path / "submission", split="all")
    one, two, three, four, five, six = (folder / NAMES["flair-1"](patch) for patch in patches)
    one.unlink()
    Image.fromarray(np.ones((512, 512), np.float32)).save(two)
    Image.fromarray(np.ones((256, 512), np.uint8)).save(three)
    four.write_bytes(four.read_bytes()[:-4000])
    Image.fromarray(np.full((512, 512), 30, np.uint8)).save(five)
    six.rename(folder / "sub.tif")
    (folder / "a").mkdir()
    Image.fromarray(np.ones((512, 512), np.uint8)).save(folder / "a" / NAMES["flair-2"](patches[5]))
    Image.fromarray(np.ones((512, 512), np.uint8)).save(folder / f"PRED_{patches[5].id}.tif")
    (folder / "readme.txt").write_text("our method")
    (folder / ".DS_Store").write_text("")
    (folder / "PRED_IMG_999999.tif").write_bytes(b"")
    found = score_submission(release, folder, split="all", scheme="flair-argmax")
    assert {(problem.kind, problem.loc[0] if problem.loc else "") for problem in found.problems} == {
        ("missing", ""),
        ("dtype", two.name),
        ("size", three.name),
        ("raster", four.name),
        ("classes", five.name),
        ("extra", "sub.tif"),
        ("extra", "readme.txt"),
        ("extra", "PRED_IMG_999999.tif"),
        ("doubled", f"a/{NAMES['flair-2'](patches[5])}"),
    }
    assert found.evaluation is None
    document = checked(found)
    assert document["score"] is None
    assert not document["sound"]
    text = found.text()
    assert "has float32 pixels; predictions are integers of 8 bits" in text
    assert "has 256 × 512 pixels, patch" in text
    assert "has the values 30, which are no classes of flair-argmax (0–18)" in text
    assert f"PRED_IMG_{patches[0].number:06d}.tif or PRED_{patches[0].id}.tif" in text
    assert text.endswith(f"9 problems; 6 patches of {release.name} were to be predicted")


def test_links_are_not_followed_and_folders_are_no_predictions(release: Release, tmp_path: Path) -> None:
    one, two = patches_of(release)[:2]
    folder = written(release, tmp_path / "submission")
    truth = release.path / one.files["flair1"]["label"].path
    first, second = (folder / NAMES["flair-1"](patch) for patch in (one, two))
    first.unlink()
    first.symlink_to(truth)
    (folder / "more").symlink_to(truth.parent, target_is_directory=True)
    second.unlink()
    second.mkdir()
    found = score_submission(release, folder, scheme="flair-argmax")
    assert checked(found)["score"] is None
    told = [(problem.kind, problem.loc[0] if problem.loc else "") for problem in found.problems]
    assert sorted(told) == sorted(
        [("missing", ""), ("missing", ""), ("link", first.name), ("link", "more"), ("extra", second.name)]
    )


def test_prediction_that_says_where_it_lies_must_lie_there(release: Release, tmp_path: Path) -> None:
    for patch in patches_of(release):
        grid = patch.grid
        moved = PixelGrid(
            crs=grid.crs, transform=grid.transform @ Affine.translation(1, 0), height=512, width=512
        )
        where = grid if patch.col == 1 else moved
        write_raster(tmp_path / NAMES["flair-1"](patch), np.ones((512, 512), np.uint8), where)
    found = score_submission(release, tmp_path, scheme="flair-argmax")
    assert [problem.kind for problem in found.problems] == ["place"]
    assert "lies elsewhere than patch" in found.text()


def test_two_bands_and_sixteen_bits_are_no_prediction(release: Release, tmp_path: Path) -> None:
    kinds = (np.zeros((2, 512, 512), np.uint8), np.zeros((512, 512), np.uint16))
    for patch, pixels in zip(patches_of(release), itertools.cycle(kinds), strict=False):
        write_raster(tmp_path / NAMES["flair-1"](patch), pixels, patch.grid)
    found = score_submission(release, tmp_path, scheme="flair-argmax")
    assert sorted(problem.kind for problem in found.problems) == ["bands", "dtype"]


def test_patches_outside_the_test_are_extra(release: Release, tmp_path: Path) -> None:
    found = score_submission(release, written(release, tmp_path, split="all"), scheme="flair-argmax")
    assert {problem.kind for problem in found.problems} == {"extra"}
    assert len(found.problems) == 4


def test_sealed_labels_score_and_withheld_ones_do_not(release: Release, tmp_path: Path) -> None:
    made = subset_release(release, name="OPEN", out=tmp_path, wanted=Wanted(), withhold_test=True)
    folder = written(release, tmp_path / "submission")
    assert made.sealed is not None
    scores = [
        checked(score_submission(truth, folder, scheme="flair-argmax"))["score"]
        for truth in (release, made.sealed)
    ]
    assert scores[0] == scores[1]
    with pytest.raises(ReleaseError, match=r"withholds the labels of patch .* they are in OPEN-SEALED"):
        score_submission(made.release, folder, scheme="flair-argmax")


def test_folder_or_set_that_is_not_there_is_refused(release: Release, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="is no folder of predictions"):
        score_submission(release, tmp_path / "nowhere")
    with pytest.raises(EvaluationError, match="has no patch in split_5:test"):
        score_submission(release, tmp_path, split="split_5")

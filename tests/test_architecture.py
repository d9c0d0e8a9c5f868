"""The house stands as its plan says: floors, doors, public names, a fast command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import workbench

ROOT = Path(__file__).resolve().parent.parent


def test_floors_and_doors_hold() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--config", ROOT / "pyproject.toml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_public_names_exist_and_are_sorted() -> None:
    assert workbench.__all__ == sorted(workbench.__all__)
    for name in workbench.__all__:
        assert getattr(workbench, name).__module__.startswith("workbench")


@pytest.mark.parametrize(
    "package",
    [
        "geo",
        "segmentation",
        "labels",
        "assessment",
        "export",
        "inference",
        "nomenclature",
        "evaluation",
        "products",
        "dataset",
        "training",
    ],
)
def test_a_package_exports_a_few_sorted_names(package: str) -> None:
    module = __import__(f"workbench.{package}", fromlist=["__all__"])
    assert module.__all__ == sorted(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


def test_help_loads_no_heavy_library() -> None:
    """What makes `workbench --help` start in a fraction of a second is what it does not import."""
    heavy = ["numpy", "scipy", "numba", "rasterio", "geopandas", "shapely", "h5py", "skimage", "jsonschema"]
    code = (
        "import sys, workbench.cli\n"
        "from click.testing import CliRunner\n"
        "assert CliRunner().invoke(workbench.cli.workbench, ['--help']).exit_code == 0\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_file_of_code_is_longer_than_500_lines() -> None:
    folders = ("workbench", "napari_plugin", "sample_data")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert len(files) > 30
    assert [path.name for path in files if path.read_text().count("\n") > 500] == []


def test_no_two_files_of_tests_are_called_alike() -> None:
    """Pytest imports them by that name alone; the second one is not run."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


def test_types_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_code_is_formatted_and_linted() -> None:
    for arguments in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [Path(sys.executable).with_name("ruff"), *arguments, "."],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout

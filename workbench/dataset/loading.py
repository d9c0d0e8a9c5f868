"""Examples of how a release is loaded, with its own names, so that they run where the card lies."""

from __future__ import annotations

__all__ = ["loading"]

from collections.abc import Iterator

from workbench.dataset.survey import Survey
from workbench.export.layouts import Layout
from workbench.export.patches import IMAGE, LABEL


def loading(survey: Survey) -> Iterator[str]:
    """Yield the section by paragraphs; each block of Python runs by itself in the release's folder."""
    layout = survey.release.richest
    yield "By the workbench that it was made with (`pip install ocs-workbench`), whatever its layout:"
    yield _code(
        "from pathlib import Path\n\n"
        "import workbench\n\n"
        'release = workbench.open_release(Path("."))\n'
        "for patch in release.patches()[:3]:\n"
        f'    image = release.image(patch, layout="{layout.name}")  # (band, row, col)\n'
        f'    codes = release.labels(patch, layout="{layout.name}")  # (row, col): codes of the classes\n'
        '    print(patch.id, patch.splits["split_1"], image.shape, codes.shape)'
    )
    yield "The index by pyarrow alone; geopandas reads it with its outlines (`geopandas.read_parquet`):"
    yield _code(
        "import pyarrow.parquet as pq\n\n"
        'index = pq.read_table("index.parquet", filters=[("split_1", "=", "train")])\n'
        'print(index.num_rows, "patches to learn from")'
    )
    for one in survey.release.layouts:
        yield from _of_layout(one)
    if files := [one for one in survey.release.layouts if one.container == "files"]:
        yield from _by_torchgeo(survey, max(files, key=lambda one: len(one.bands)))
    yield "Some patches as pictures, by pyarrow and Pillow:"
    yield _code(
        "import io\n\nimport pyarrow.parquet as pq\nfrom PIL import Image\n\n"
        'preview = pq.read_table("preview.parquet", columns=["id", "picture", "labels"])\n'
        'Image.open(io.BytesIO(preview.column("picture")[0].as_py()["bytes"])).show()'
    )
    yield 'The same in Hugging Face\'s `datasets`: `load_dataset(".", "preview", split="preview")`.'


def _of_layout(layout: Layout) -> Iterator[str]:
    column = layout.name.replace("-", "_")
    if layout.container == "files":
        yield f"Patches of `{layout.root}` by rasterio alone:"
        yield _code(
            "import pyarrow.parquet as pq\nimport rasterio\n\n"
            f'columns = ["{column}_{IMAGE}", "{column}_{LABEL}"]\n'
            'for row in pq.read_table("index.parquet", columns=columns).slice(0, 3).to_pylist():\n'
            f'    with rasterio.open(row["{column}_{IMAGE}"]) as source:\n'
            "        image = source.read()  # (band, row, col)\n"
            f'    with rasterio.open(row["{column}_{LABEL}"]) as source:\n'
            f"        labels = source.read(1)  # (row, col), numbers of {layout.scheme}"
        )
    elif layout.container == "hdf5":
        yield f"Patches of `{layout.root}` by h5py alone:"
        yield _code(
            "from pathlib import Path\n\nimport h5py\n\n"
            f'with h5py.File(sorted(Path("{layout.root}").glob("*.h5"))[0]) as file:\n'
            f'    image, labels = file["{IMAGE}"][0], file["{LABEL}"][0]  # (band, row, col), (row, col)'
        )
    else:
        yield f"Patches of `{layout.root}` by tarfile and rasterio alone; WebDataset reads the same files:"
        yield _code(
            "import tarfile\nfrom pathlib import Path\n\n"
            "from rasterio.io import MemoryFile\n\n"
            f'with tarfile.open(sorted(Path("{layout.root}").rglob("*.tar"))[0]) as file:\n'
            f'    member = next(one for one in file if one.name.endswith(".{IMAGE}.tif"))\n'
            "    with MemoryFile(file.extractfile(member).read()) as memory, memory.open() as source:\n"
            "        image = source.read()  # (band, row, col)"
        )


def _by_torchgeo(survey: Survey, layout: Layout) -> Iterator[str]:
    globs = [survey.patterns[layout.name, modality].partition("/")[2] for modality in (IMAGE, LABEL)]
    yield f"`{layout.root}` by torchgeo, whose samplers give windows of any size:"
    yield _code(
        "from torchgeo.datasets import RasterDataset\n"
        "from torchgeo.samplers import GridGeoSampler\n\n\n"
        "class Images(RasterDataset):\n"
        f'    filename_glob = "{globs[0]}"\n\n\n'
        "class Labels(RasterDataset):\n"
        f'    filename_glob = "{globs[1]}"\n'
        "    is_image = False\n\n\n"
        f'dataset = Images("{layout.root}") & Labels("{layout.root}")\n'
        "for window in GridGeoSampler(dataset, size=512, stride=512):\n"
        '    batch = dataset[window]  # batch["image"] (band, row, col), batch["mask"] (row, col)'
    )


def _code(text: str) -> str:
    return f"```python\n{text}\n```"

"""The hub: nothing is asked unless somebody says so."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from made_models import INC_NAME, TINY, UNET, inc, save, state

from workbench.errors import ModelError
from workbench.workflows.models import import_model

NAME = "IGNF/FLAIR-INC_rgb_12cl_resnet34-unet"
hub = pytest.importorskip("huggingface_hub")


class ConnectError(pytest.importorskip("huggingface_hub.errors").HTTPError):
    """What the hub's client raises without a network, whichever library it asks by."""


@pytest.fixture
def serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[str, ...]]]:
    """Stand in for the hub with files of a folder; return what it is asked."""

    def serve(*files: str, error: Exception | None = None, warns: str = "") -> list[tuple[str, ...]]:
        asked: list[tuple[str, ...]] = []

        def listed(_: object, name: str) -> list[str]:
            asked.append(("list", name))
            if warns:
                logging.getLogger("huggingface_hub.utils._http").warning(warns)
            if error:
                raise error
            return ["README.md", *files]

        def download(name: str, file: str) -> str:
            asked.append(("download", name, file))
            return str(tmp_path / file)

        monkeypatch.setattr(hub.HfApi, "list_repo_files", listed)
        monkeypatch.setattr(hub, "hf_hub_download", download)
        return asked

    return serve


def test_without_leave_nothing_is_fetched_and_the_way_is_told(
    serve: Callable[..., list[tuple[str, ...]]], tmp_path: Path
) -> None:
    asked = serve(INC_NAME)
    with pytest.raises(
        ModelError, match=rf"nothing is fetched without --network.*huggingface\.co/{NAME}/tree"
    ):
        import_model(NAME, tmp_path / "model")
    assert asked == []
    assert not (tmp_path / "model").exists()


def test_with_leave_the_checkpoint_is_fetched_and_the_name_tells_the_classes(
    serve: Callable[..., list[tuple[str, ...]]], tmp_path: Path
) -> None:
    save(inc(state(UNET)), tmp_path / "weights.pth")
    asked = serve("weights.pth")
    card = import_model(NAME, tmp_path / "model", network=True).card
    assert asked == [("list", NAME), ("download", NAME, "weights.pth")]
    assert (card.id, card.source) == ("model", NAME)
    assert card.title == f"{NAME.removeprefix('IGNF/')}, not as published", "a stand-in of another network"
    assert len(card.untrained) == 7
    assert [band.name for band in card.bands] == ["R", "G", "B"]


@pytest.mark.parametrize(
    ("files", "error", "told"),
    [
        ((), None, "has no .safetensors, .pth or .ckpt"),
        (("a.pth", "b.pth"), None, r"has 2 checkpoints \(a.pth, b.pth\); load the one that is meant down"),
        (("a.pth",), OSError("no route"), r"could not be fetched \(no route\).*import that file"),
        (("a.pth",), ValueError("odd name"), r"could not be fetched \(odd name\)"),
        (("a.pth",), ConnectError("Name not known"), r"fetched \(Name not known\); look at the network"),
        (("a.pth",), ConnectError(""), r"fetched \(ConnectError\); look at the network, or load"),
    ],
)
def test_what_the_hub_does_not_give_is_one_sentence(
    files: tuple[str, ...],
    error: Exception | None,
    told: str,
    serve: Callable[..., list[tuple[str, ...]]],
    tmp_path: Path,
) -> None:
    serve(*files, error=error)
    with pytest.raises(ModelError, match=told) as caught:
        import_model(NAME, tmp_path / "model", network=True)
    assert "\n" not in str(caught.value)
    assert "--network" not in str(caught.value), "it was passed"


def test_that_the_hub_is_asked_again_and_again_is_not_printed(
    serve: Callable[..., list[tuple[str, ...]]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    serve("a.pth", error=OSError("no route"), warns="Retrying in 1s [Retry 1/5].")
    library = logging.getLogger("huggingface_hub")
    before = library.level
    library.addHandler(caplog.handler)
    try:
        with pytest.raises(ModelError, match="no route"):
            import_model(NAME, tmp_path / "model", network=True)
    finally:
        library.removeHandler(caplog.handler)
    assert caplog.text == ""
    assert library.level == before


def test_without_the_library_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModelError, match=r"pip install 'ocs-workbench\[torch\]'"):
        import_model(NAME, tmp_path / "model", network=True)


def test_safetensors_are_taken_before_pickles(
    serve: Callable[..., list[tuple[str, ...]]], tmp_path: Path
) -> None:
    asked = serve("a.pth", "a.safetensors")
    with pytest.raises(ModelError, match="is no file"):
        import_model(NAME, tmp_path / "model", network=True)
    assert asked[-1] == ("download", NAME, "a.safetensors")


def test_a_file_of_the_name_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "IGNF").mkdir()
    save(inc(state(UNET)), tmp_path / "IGNF" / INC_NAME)
    assert import_model(f"IGNF/{INC_NAME}", Path("model")).card.id == "model"


def test_a_small_network_is_imported_with_torch_alone(tmp_path: Path) -> None:
    """What segmentation-models-pytorch brings along is neither needed nor loaded."""
    save(inc(state(TINY)), tmp_path / INC_NAME)
    code = (
        "import sys\n"
        "for name in ('timm', 'torchvision', 'segmentation_models_pytorch', 'huggingface_hub'):\n"
        "    sys.modules[name] = None\n"
        "from pathlib import Path\n"
        "from workbench.inference.network import open_segmenter\n"
        "from workbench.workflows.models import import_model\n"
        f"import_model({INC_NAME!r}, Path('model'))\n"
        "print(open_segmenter(Path('model'), device='cpu').card.id)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "model"


def test_without_torch_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "workbench.inference.checkpoints", None)
    with pytest.raises(ModelError, match=r"cannot be opened without .*pip install 'ocs-workbench\[torch\]'"):
        import_model(str(tmp_path), tmp_path / "model")

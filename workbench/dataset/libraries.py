"""The libraries that publishing needs, looked for before any work."""

from __future__ import annotations

__all__ = ["check_libraries"]

import importlib.util
from typing import Final

from workbench.errors import ReleaseError

_LIBRARIES: Final = {
    "huggingface_hub": "huggingface_hub",
    "mlcroissant": "mlcroissant",
    "PIL": "pillow",
    "pystac": "pystac",
    "yaml": "pyyaml",
}
"""What is imported, and what it is installed as."""


def check_libraries() -> None:
    """Refuse where a library is missing.

    Raises
    ------
    ReleaseError
        One or more are not installed.
    """
    missing = [called for name, called in _LIBRARIES.items() if importlib.util.find_spec(name) is None]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise ReleaseError(
            f"a data set is described by {', '.join(missing)}, which {are} not installed: "
            "pip install 'ocs-workbench[release]'"
        )

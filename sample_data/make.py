"""Make a synthetic orthophoto: ``python sample_data/make.py --seed 7 --size 1024 -o scene-7``.

Works as a script in a checkout and as ``python -m workbench._sample_data.make`` from a wheel.
"""

from __future__ import annotations

__all__ = ["main"]

import importlib
import importlib.util
import sys
from pathlib import Path


def main() -> None:
    """Run the command line of the scene maker."""
    importlib.import_module(f"{__package__ or _package()}.command").make(prog_name="make.py")


def _package() -> str:
    """Load the folder of this script as a package and return its name."""
    folder = Path(__file__).resolve().parent
    # Python looks for modules beside the script first: look in the root of the checkout instead.
    in_checkout = (folder.parent / "workbench").is_dir()
    sys.path[:1] = [str(folder.parent)] if in_checkout else []
    name = "sample_data"
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise SystemExit(f"{folder} is not the sample_data folder; install the package again")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return name


if __name__ == "__main__":
    main()

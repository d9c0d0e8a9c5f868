"""Write what segmentation-models-pytorch 0.4.0's UPerNet answers, for tests/inference/golden.

FLAIR-HUB's files come from that version; ours must say the same. Run in an environment of its own that has
it (pip install segmentation-models-pytorch==0.4.0 six munch pretrainedmodels efficientnet-pytorch):

    python tests/benchmarks/golden_upernet.py > tests/inference/golden/upernet_smp_0.4.0.json

With ``--save FILE`` the whole logits of larger encoders, FLAIR-HUB's among them, are saved instead;
``steps_of_networks.py --upernet FILE`` compares ours with them, in the workbench's own environment.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "inference"))
from seeded import seed_network, seeded_image

CASES = (("tu-convnextv2_atto", 3, 64), ("resnet18", 5, 96))
LARGE = (
    ("tu-swin_tiny_patch4_window7_224", 4, 512),
    ("tu-swin_tiny_patch4_window7_224", 3, 256),
    ("tu-swin_tiny_patch4_window7_224", 3, 640),
    ("tu-swin_base_patch4_window12_384", 3, 512),
    ("tu-convnextv2_tiny", 3, 256),
)
CLASSES = 19


def main() -> int:
    """Print the answers as JSON, or save them whole for a comparison."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--save", type=Path, help="Save the whole logits of large encoders here.")
    given = options.parse_args()
    torch.set_num_threads(1)
    import segmentation_models_pytorch as smp

    if smp.__version__ != "0.4.0":
        print(f"this is version {smp.__version__}, not 0.4.0", file=sys.stderr)
        return 1
    if given.save:
        torch.save(
            {f"{encoder} {bands} {side}": answer(encoder, bands, side) for encoder, bands, side in LARGE},
            given.save,
        )
        return 0
    answers = [
        {
            "encoder": encoder,
            "bands": bands,
            "side": side,
            "logits": [round(value, 5) for value in thinned(answer(encoder, bands, side))],
        }
        for encoder, bands, side in CASES
    ]
    print(json.dumps(answers))
    return 0


def thinned(logits: torch.Tensor) -> list[float]:
    """Return every sixth class at every seventh pixel, in each direction."""
    values: list[float] = logits[0, ::6, ::7, ::7].flatten().tolist()
    return values


def answer(encoder: str, bands: int, side: int) -> torch.Tensor:
    """Return the logits of a seeded image from a seeded network."""
    import segmentation_models_pytorch as smp

    size = {"img_size": side} if "swin" in encoder else {}
    network = smp.UPerNet(encoder, encoder_weights=None, in_channels=bands, classes=CLASSES, **size)
    with torch.inference_mode():
        return seed_network(network)(seeded_image(bands, side))


if __name__ == "__main__":
    sys.exit(main())

"""Build every published network, step it once on a tile, and count it. See README.md beside this file."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "inference"))
from seeded import seed_network, seeded_image

from workbench.errors import ModelError
from workbench.inference.architecture import Architecture
from workbench.inference.networks import build_network
from workbench.inference.published import PUBLISHED


def main() -> int:
    """Step what is asked for and print a table."""
    options = _parser().parse_args()
    torch.set_num_threads(options.threads)
    if options.upernet:
        return compared(options.upernet)
    rows, seen = [], set()
    print(f"{'network':<52} {'millions':>8} {'published':>9} {'loss':>6} {'s':>6} {'peak MB':>8}")
    for one in PUBLISHED:
        if str(one.architecture) in seen or options.only not in str(one.architecture):
            continue
        seen.add(str(one.architecture))
        try:
            row = stepped(one.architecture, side=options.side, device=options.device)
        except ModelError as error:
            print(f"{one.architecture!s:<52} {error}")
            continue
        row["published"] = one.millions
        rows.append(row)
        print(
            f"{row['network']:<52} {row['millions']:>8.2f} {one.millions or '':>9} {row['loss']:>6.3f} "
            f"{row['seconds']:>6.2f} {row['peak_mb']:>8.0f}"
        )
    if options.json:
        options.json.write_text(json.dumps({"threads": options.threads, "rows": rows}, indent=1))
    return 0


def stepped(architecture: Architecture, *, side: int, device: str) -> dict[str, Any]:
    """Step a network once with the gradient of a loss and return what it was like.

    Two tiles, so that batch-norm over means of a whole tile has something to compare.
    """
    torch.manual_seed(0)
    network = build_network(architecture).train().to(device)
    image = seeded_image(architecture.inputs, side).repeat(2, 1, 1, 1).to(device)
    truth = torch.randint(architecture.outputs, (2, side, side), device=device)
    steps = torch.optim.SGD(network.parameters(), lr=1e-3)
    start = time.perf_counter()
    loss = functional.cross_entropy(network(image), truth)
    loss.backward()
    without = [name for name, one in network.named_parameters() if not _moves(name, one)]
    steps.step()
    seconds = time.perf_counter() - start
    if without:
        raise ModelError(f"{len(without)} parameters have no gradient, such as {without[0]}")
    return {
        "network": str(architecture),
        "millions": sum(one.numel() for one in network.parameters()) / 1e6,
        "loss": loss.item(),
        "seconds": seconds,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _moves(name: str, one: nn.Parameter) -> bool:
    """Tell whether a parameter has a gradient; a loss of its own moves an auxiliary head."""
    return one.grad is not None or name.startswith("auxiliary_head.")


def compared(path: Path) -> int:
    """Compare FLAIR-HUB's UPerNet with what segmentation-models-pytorch 0.4.0 answered."""
    worst = 0.0
    for name, theirs in torch.load(path, weights_only=True).items():
        encoder, bands, side = name.split()
        architecture = Architecture(
            provider="flair-hub", network="upernet", encoder=encoder, inputs=int(bands), outputs=19
        )
        with torch.inference_mode():
            ours = seed_network(build_network(architecture))(seeded_image(int(bands), int(side)))
        difference = (ours - theirs).abs().max().item()
        worst = max(worst, difference)
        print(f"{name}: largest difference {difference:g}, largest logit {theirs.abs().max():.2f}")
    return 0 if worst == 0 else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="Networks whose name has this, such as swin.")
    parser.add_argument("--side", type=int, default=128, help="Pixels of a tile.")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--upernet", type=Path, help="What golden_upernet.py --save wrote.")
    parser.add_argument("--json", type=Path, help="Write the figures here.")
    return parser


if __name__ == "__main__":
    sys.exit(main())

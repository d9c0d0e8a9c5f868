"""Networks of every provider, built from an `Architecture` with random weights; nothing is fetched."""

from __future__ import annotations

__all__ = ["build_network"]

from workbench.inference.networks.building import build_network

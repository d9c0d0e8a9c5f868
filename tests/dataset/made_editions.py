"""What somebody says of a release in tests."""

from __future__ import annotations

from datetime import date
from typing import Any

from workbench.dataset import Edition, read_edition

HOSTILE = """It's "quoted": </script><b>*x* | y</b> [z](javascript:1) `c` {d} & ${e} # --- é\\"""
"""A line that means something in YAML, JSON, HTML, Markdown and TeX."""


def edition(**said: Any) -> Edition:
    """Return what somebody says of a release."""
    known = {"title": "Land cover", "licence": "etalab-2.0", "published": date(2026, 1, 31)}
    return read_edition(**{**known, **said})

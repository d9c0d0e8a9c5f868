from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def all_in_one_thread(one_thread: None) -> None:
    """Have all trainings use one thread."""

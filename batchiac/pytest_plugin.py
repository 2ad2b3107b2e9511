"""The pytest plugin: the fixture `batch_stack`. Imports nothing heavy until a test asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def batch_stack() -> Iterator[Any]:
    """A local stack in this process, in virtual time with seed 7 (`batchiac.testing.local_stack`)."""
    from batchiac.testing import local_stack

    with local_stack(clock="virtual", seed=7) as stack:
        yield stack

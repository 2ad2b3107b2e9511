"""A world for each test of deployments."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from deploy_world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def file_world(tmp_path: Path) -> World:
    """A world whose state is in Pulumi's file backend."""
    world = World(tmp_path)
    world.in_memory = False
    return world

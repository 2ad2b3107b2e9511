"""Job definitions: who is asked whether a name is free, and how often."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from batchiac.errors import RefusedError
from batchiac.provider.job_definition import JobDefinition

CONTAINER = {
    "image": "busybox",
    "resourceRequirements": [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}],
}


def _inputs(world: Any, name: str, **more: Any) -> dict[str, Any]:
    inputs: dict[str, Any] = world.inputs(
        "JobDefinition", name, type="container", containerProperties=CONTAINER, **more
    )
    return inputs


def _register(world: Any, name: str) -> None:
    """As somebody else does."""
    world.stack.client("batch").register_job_definition(
        jobDefinitionName=name, type="container", containerProperties=CONTAINER
    )


def _active(world: Any, name: str) -> int:
    batch = world.stack.client("batch")
    return len(batch.describe_job_definitions(jobDefinitionName=name, status="ACTIVE")["jobDefinitions"])


def test_one_look_serves_every_generated_name(world: Any) -> None:
    """Of definitions with generated names each costs a registration and a look at what was made, after one listing."""
    handler = JobDefinition(world.door)
    calls: Counter[str] = Counter()
    client = world.door.client("batch")
    asked = client.describe_job_definitions

    def counted(**parameters: Any) -> Any:
        calls["by name" if "jobDefinitionName" in parameters else "all"] += 1
        return asked(**parameters)

    client.__dict__["describe_job_definitions"] = counted
    try:
        for number in range(5):
            handler.create_unconfirmed(_inputs(world, f"d{number}"))
    finally:
        client.__dict__["describe_job_definitions"] = asked
    assert calls == {"all": 1, "by name": 5}


def test_a_generated_name_that_is_taken_is_refused(world: Any) -> None:
    """A definition without our tag under the generated name is somebody's: no revision is added to it."""
    inputs = _inputs(world, "job")
    _register(world, inputs["jobDefinitionName"])
    with pytest.raises(RefusedError, match="exists already"):
        JobDefinition(world.door).create(inputs)
    assert _active(world, inputs["jobDefinitionName"]) == 1


def test_a_fixed_name_that_was_taken_during_the_run_is_refused(world: Any) -> None:
    """A name that the user fixes may be anybody's: it is asked for when it is about to be taken."""
    handler = JobDefinition(world.door)
    handler.create(_inputs(world, "first"))
    _register(world, "theirs")
    with pytest.raises(RefusedError, match="exists already"):
        handler.create(_inputs(world, "second", jobDefinitionName="theirs"))
    assert _active(world, "theirs") == 1

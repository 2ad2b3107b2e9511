"""Consumable resources: what their quantity means while jobs use it, and when they can go."""

from __future__ import annotations

from typing import Any

import pytest

from batchiac.aws import consumable_resource as aws
from batchiac.errors import AwsRefusal, WaitError
from batchiac.model.handler import Effect
from batchiac.model.unknown import UNKNOWN


def submit(world: Any, resource: Any, quantity: int, **more: Any) -> str:
    """A job that takes so much of the resource for a minute."""
    need = {"consumableResource": resource.id, "quantity": quantity}
    job = world.stack.client("batch").submit_job(
        jobName=f"takes-{quantity}",
        jobQueue=world.held["queue"].id,
        jobDefinition=world.held["job"]["jobDefinitionArn"],
        consumableResourcePropertiesOverride={"consumableResourceList": [need]},
        tags={"batchiac:duration": "60"},
        **more,
    )
    return str(job["jobId"])


def told(world: Any, resource: Any) -> int:
    """The total that AWS tells."""
    found = world.stack.client("batch").describe_consumable_resource(consumableResource=resource.id)
    return int(found["totalQuantity"])


def set_outside(world: Any, resource: Any, quantity: int) -> None:
    world.stack.client("batch").update_consumable_resource(
        consumableResource=resource.id, operation="SET", quantity=quantity
    )


def test_what_jobs_used_up_is_no_drift(deployed: Any) -> None:
    """7 of 10 are left: the state keeps 10, the plan is empty, and nothing is filled up; more than 10 is drift."""
    held = deployed.make("ConsumableResource", "credits", totalQuantity=10, resourceType="NON_REPLENISHABLE")
    submit(deployed, held, 3)
    deployed.stack.clock.run_until_idle()
    assert told(deployed, held) == 7
    read = held.handler.read(held.id, held.outputs)
    assert (read.inputs, read.outputs) == (held.inputs, held.outputs)
    assert deployed.diff(held).changes == ()
    deployed.update(held, tags={"team": "a"})
    assert told(deployed, held) == 7
    set_outside(deployed, held, 30)
    read = held.handler.read(held.id, held.outputs)
    assert read.inputs["totalQuantity"] == 30
    (change,) = held.handler.diff(read.outputs, held.inputs).changes
    assert (change.path, change.old, change.new, change.effect) == ("totalQuantity", 30, 10, Effect.IN_PLACE)
    held.outputs = held.handler.update(held.id, read.outputs, held.inputs)
    assert told(deployed, held) == 10


def test_less_of_a_replenishable_one_is_drift(deployed: Any) -> None:
    """Jobs give it back, so a smaller total was set by somebody."""
    held = deployed.make("ConsumableResource", "licence", totalQuantity=10)
    submit(deployed, held, 3)
    deployed.stack.clock.run_until_idle()
    assert told(deployed, held) == 10
    set_outside(deployed, held, 4)
    assert held.handler.read(held.id, held.outputs).inputs["totalQuantity"] == 4


def test_a_total_that_comes_down_as_jobs_end_is_no_drift(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lowered to 4 while 6 are in use: AWS tells 6 until the jobs end. With units to spare, 6 is drift."""
    held = world.make("ConsumableResource", "licence", totalQuantity=4)
    found = aws.find(world.door, held.id)
    assert found is not None
    seen = {**found, "totalQuantity": 6, "inUseQuantity": 6, "availableQuantity": 0}
    monkeypatch.setattr(aws, "find", lambda *_: seen)
    assert held.handler.read(held.id, held.outputs).inputs["totalQuantity"] == 4
    seen["inUseQuantity"] = 5
    assert held.handler.read(held.id, held.outputs).inputs["totalQuantity"] == 6


def test_every_number_of_the_program_is_set(world: Any) -> None:
    """There and back again within the hours in which a client token counts, and taken out: AWS tells it each time."""
    held = world.make("ConsumableResource", "licence", totalQuantity=100)
    for total in (150, 100, 150, 100, 0, 5):
        world.update(held, totalQuantity=total)
        assert told(world, held) == total
        assert held.handler.read(held.id, held.outputs).outputs == held.outputs
    world.update(held, totalQuantity=None)
    assert told(world, held) == 0
    assert world.diff(held).changes == ()


def test_a_change_that_is_made_again_brings_nothing_back(deployed: Any) -> None:
    """A run died after it had set 20, a job used 5 up, and the next run does it again from the same state: 15 stay."""
    held = deployed.make("ConsumableResource", "credits", totalQuantity=10, resourceType="NON_REPLENISHABLE")
    before = dict(held.outputs)
    deployed.update(held, totalQuantity=20)
    submit(deployed, held, 5)
    deployed.stack.clock.advance(600)
    assert told(deployed, held) == 15
    # What the next run reads of the interrupted update, and does about it.
    read = held.handler.read(held.id, before)
    assert read.outputs["totalQuantity"] == 15
    outputs = held.handler.update(held.id, read.outputs, held.inputs)
    assert told(deployed, held) == 15
    assert outputs == held.outputs


def test_what_an_interrupted_create_left_gets_the_program_s_number(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program asks for more by the time of the next run: what is adopted was not used up, it was never so much."""
    handler = world.handler("ConsumableResource")
    inputs = world.inputs("ConsumableResource", "credits", totalQuantity=10, resourceType="NON_REPLENISHABLE")

    class Killed(BaseException):
        pass

    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(handler, "_settle", killed)
        handler.create(inputs)
    made = handler.create({**inputs, "totalQuantity": 15})
    found = world.stack.client("batch").describe_consumable_resource(consumableResource=made.id)
    assert (found["totalQuantity"], found["tags"]) == (15, {})
    assert len(world.stack.client("batch").list_consumable_resources()["consumableResources"]) == 1


def test_a_fixed_name_is_looked_for_beside_the_generated_one(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is fixed between two runs: what the first left under a generated name is found, and replaced."""
    handler = world.handler("ConsumableResource")
    inputs = world.inputs("ConsumableResource", "licence", totalQuantity=1)

    class Killed(BaseException):
        pass

    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(handler, "_settle", killed)
        handler.create(inputs)
    named = world.inputs("ConsumableResource", "licence", totalQuantity=1, consumableResourceName="matlab")
    handler.create(named)
    listed = world.stack.client("batch").list_consumable_resources()["consumableResources"]
    assert [each["consumableResourceName"] for each in listed] == ["matlab"]


def test_it_stays_while_a_job_needs_it(deployed: Any) -> None:
    """A waiting job would wait for ever: the deletion says which, changes nothing, and goes through when it is over."""
    held = deployed.make("ConsumableResource", "licence", totalQuantity=1)
    job = submit(deployed, held, 2)
    with pytest.raises(WaitError, match=r"1 that have not ended need it \(takes-2\) and would wait for it for ever"):
        held.handler.delete(held.id, held.outputs)
    assert told(deployed, held) == 1
    deployed.stack.client("batch").terminate_job(jobId=job, reason="not needed")
    held.handler.delete(held.id, held.outputs)
    assert held.handler.read(held.id, held.outputs).id is None


def test_another_type_or_name_is_another_resource(world: Any) -> None:
    """Both replace it; with a fixed name that stays, the old one has to go first."""
    held = world.make("ConsumableResource", "licence", totalQuantity=1)
    plan = world.diff(held, resourceType="NON_REPLENISHABLE")
    assert (plan.replaces, plan.delete_before_replace) == (("resourceType",), False)
    assert world.diff(held, resourceType="REPLENISHABLE").changes == ()
    fixed = world.make("ConsumableResource", "fixed", totalQuantity=1, consumableResourceName="fixed")
    assert world.diff(fixed, resourceType="NON_REPLENISHABLE").delete_before_replace is True
    assert world.diff(fixed, consumableResourceName="other").replaces == ("consumableResourceName",)
    assert world.diff(fixed, totalQuantity=UNKNOWN).replaces == ()


def test_a_refusal_is_not_taken_for_absence(world: Any) -> None:
    """Describe is not allowed, and the resource is listed: AWS's refusal comes out, and no second one is made."""
    held = world.make("ConsumableResource", "licence", totalQuantity=1)

    class Client:
        def __getattr__(self, name: str) -> Any:
            if name == "describe_consumable_resource":
                raise AwsRefusal("DescribeConsumableResource", "AccessDeniedException", "not authorized", 403)
            return getattr(world.door.client("batch"), name)

    class Refusing:
        def client(self, _service: str) -> Any:
            return Client()

    with pytest.raises(AwsRefusal, match="not authorized"):
        aws.find(Refusing(), held.id)  # type: ignore[arg-type]
    assert aws.find(Refusing(), "nowhere") is None  # type: ignore[arg-type]

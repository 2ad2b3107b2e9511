"""The handler of service environments: the capacity of SageMaker training jobs that queues stand on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from batchiac.aws import service_environment as aws
from batchiac.aws.deletion import delete_when_accepted
from batchiac.aws.wait import wait_until
from batchiac.model.handler import Properties
from batchiac.provider.batch_resource import BatchResource, changed_inputs
from batchiac.provider.identity import CREATING, identity_of

_UPDATABLE = ("state", "capacityLimits")
_WHEN_LEFT_OUT: Mapping[str, Any] = {"state": "ENABLED"}
"""What taking a property out of the program means to UpdateServiceEnvironment."""

RELATIONSHIP_DEADLINE_S = 300.0
"""How long a deletion waits for the last queue to let go. Queues are repointed before, so this covers AWS's lag."""


class ServiceEnvironment(BatchResource):
    """The handler of ServiceEnvironment."""

    kind = "ServiceEnvironment"
    name_property = "serviceEnvironmentName"
    id_output = "serviceEnvironmentArn"
    outlives = ("JobQueue",)
    inputs = ("serviceEnvironmentName", "serviceEnvironmentType", *_UPDATABLE)
    outputs = ("serviceEnvironmentArn", "status")

    def _make(self, inputs: Properties, tags: Mapping[str, str]) -> str:
        sent = {key: inputs[key] for key in self.inputs if inputs.get(key) is not None}
        answer = self.door.client("batch").create_service_environment(**sent, tags=dict(tags))
        return str(answer["serviceEnvironmentArn"])

    def _settle(self, resource_id: str, inputs: Properties) -> None:
        aws.wait(self.door, resource_id, aws.SETTLED)

    def _finish(self, resource_id: str, state: Properties) -> None:
        aws.wait(self.door, resource_id, aws.STILL)

    def _is_sound(self, found: Mapping[str, Any]) -> bool:
        return found.get("status") in ("CREATING", "VALID", "UPDATING")

    def _find(self, resource_id: str, state: Properties, *, whole: bool = True) -> dict[str, Any] | None:
        return aws.find(self.door, resource_id)

    def _find_creating(self, inputs: Properties) -> Iterable[str]:
        identity = identity_of(inputs)
        return [
            each["serviceEnvironmentArn"]
            for each in aws.find_all(self.door)
            if each.get("tags", {}).get(CREATING) == identity
        ]

    def _change(self, resource_id: str, state: Properties, inputs: Properties) -> None:
        sent = changed_inputs(state, inputs, _UPDATABLE, _WHEN_LEFT_OUT)
        if sent:
            # A run that failed may have changed it: it is UPDATING then, and refuses the next change.
            aws.wait(self.door, resource_id, aws.STILL)
            self.door.client("batch").update_service_environment(serviceEnvironment=resource_id, **sent)
            aws.wait(self.door, resource_id, aws.SETTLED)

    def _remove(self, resource_id: str, state: Properties) -> None:
        # "you must first set its state to DISABLED … and disassociate it from any job queues".
        # Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_DeleteServiceEnvironment.html
        found = aws.wait(self.door, resource_id, aws.STILL)
        if found is None:
            return
        self._wait_for_queues(resource_id)
        if found.get("state") != "DISABLED":
            self.door.client("batch").update_service_environment(serviceEnvironment=resource_id, state="DISABLED")
            if aws.wait(self.door, resource_id, aws.STILL) is None:
                return
        delete_when_accepted(
            self.door,
            # Assumption: AWS refuses it in the words that it has for compute environments, and as late as there.
            lambda: self.door.client("batch").delete_service_environment(serviceEnvironment=resource_id),
            f"deletion of service environment {resource_id.rpartition('/')[2]}",
        )
        aws.wait(self.door, resource_id, aws.DELETED)

    def _wait_for_queues(self, resource_id: str) -> None:
        def free() -> bool | str:
            queues = aws.queues_of(self.door, resource_id)
            return not queues or f"queue {', '.join(queues)} still stands on it: give it another service environment"

        wait_until(
            free,
            what=f"queues to let go of service environment {resource_id.rpartition('/')[2]}",
            deadline_s=RELATIONSHIP_DEADLINE_S,
            sleep=self.door.sleep,
            clock=self.door.clock,
        )

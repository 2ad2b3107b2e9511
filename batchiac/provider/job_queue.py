"""The handler of job queues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve

from batchiac.aws import job_queue as aws
from batchiac.aws import service_job
from batchiac.aws.deletion import delete_when_accepted
from batchiac.aws.wait import wait_until
from batchiac.model.handler import DiffResult, Properties
from batchiac.provider.batch_resource import BatchResource, changed_inputs
from batchiac.provider.identity import CREATING, identity_of

_UPDATABLE = (
    "state",
    "schedulingPolicyArn",
    "priority",
    "computeEnvironmentOrder",
    "serviceEnvironmentOrder",
    "jobStateTimeLimitActions",
)
_WHEN_LEFT_OUT: Mapping[str, Any] = {"state": "ENABLED", "jobStateTimeLimitActions": []}
"""What taking a property out of the program means to UpdateJobQueue."""

_TYPE = "jobQueueType"

_INFERRED = "inferredType"
"""The output that tells the type in AWS's word: whether the program says it or leaves it to AWS is the program's."""

_ORDERS: Mapping[str, str] = {
    "computeEnvironmentOrder": "computeEnvironment",
    "serviceEnvironmentOrder": "serviceEnvironment",
}
"""The orders that a queue can have → what an entry calls its environment."""

SEEN_DEADLINE_S = 300.0


class JobQueue(BatchResource):
    """The handler of JobQueue."""

    kind = "JobQueue"
    name_property = "jobQueueName"
    id_output = "jobQueueArn"
    outlives = ("QuotaShare",)
    inputs = ("jobQueueName", "jobQueueType", *_UPDATABLE)
    outputs = ("jobQueueArn", "status", "statusReason", _INFERRED)

    def diff(self, state: Properties, inputs: Properties) -> DiffResult:
        """As every diff; but to spell out the type that AWS has inferred, or to leave that to AWS, is no change."""
        result = super().diff(state, inputs)
        said, inferred = inputs.get(_TYPE), state.get(_INFERRED)
        if (state.get(_TYPE) is None) is (said is None) or (said is not None and inferred not in (None, said)):
            return result
        changes = tuple(each for each in result.changes if each.path != _TYPE)
        replaces = tuple(each for each in result.replaces if each != _TYPE)
        delete_first = bool(replaces) and result.delete_before_replace
        return evolve(result, changes=changes, replaces=replaces, delete_before_replace=delete_first)  # type: ignore[arg-type]

    def _make(self, inputs: Properties, tags: Mapping[str, str]) -> str:
        sent = {key: inputs[key] for key in self.inputs if inputs.get(key) is not None}
        arn: str = self.door.client("batch").create_job_queue(**sent, tags=dict(tags))["jobQueueArn"]
        return arn

    def _settle(self, resource_id: str, inputs: Properties) -> Mapping[str, Any] | None:
        return _told(aws.wait(self.door, resource_id, aws.SETTLED))

    def _finish(self, resource_id: str, state: Properties) -> None:
        aws.wait(self.door, resource_id, aws.STILL)

    def _is_sound(self, found: Mapping[str, Any]) -> bool:
        return found.get("status") in ("CREATING", "VALID", "UPDATING")

    def _find(self, resource_id: str, state: Properties, *, whole: bool = True) -> dict[str, Any] | None:
        return _told(aws.find(self.door, resource_id))

    def _find_creating(self, inputs: Properties) -> Iterable[str]:
        identity = identity_of(inputs)
        return [
            each["jobQueueArn"] for each in aws.find_all(self.door) if each.get("tags", {}).get(CREATING) == identity
        ]

    def _change(self, resource_id: str, state: Properties, inputs: Properties) -> None:
        sent = changed_inputs(state, inputs, _UPDATABLE, _WHEN_LEFT_OUT)
        if not sent:
            return
        with aws.in_turn(resource_id):
            # What was just changed is UPDATING, and refuses the next change: a run that failed may have done that.
            aws.wait(self.door, resource_id, aws.STILL)
            self.door.client("batch").update_job_queue(jobQueue=resource_id, **sent)
            aws.wait(self.door, resource_id, aws.SETTLED)
            for key in _ORDERS:
                if key in sent:
                    self._wait_for_order(resource_id, key, sent[key])

    def _wait_for_order(self, arn: str, key: str, order: list[dict[str, Any]]) -> None:
        # UpdateJobQueue returns, and the queue is VALID, before Describe shows the new order (hashicorp/
        # terraform-provider-aws#13221). Whoever deletes an environment next must not be ahead of it.
        wanted = {each[_ORDERS[key]].rpartition("/")[2] for each in order}

        def repointed() -> bool | str:
            found = aws.find(self.door, arn) or {}
            shown = {each[_ORDERS[key]].rpartition("/")[2] for each in found.get(key, ())}
            return shown == wanted or f"it still shows {', '.join(sorted(shown))}"

        wait_until(
            repointed,
            what=f"job queue {arn.rpartition('/')[2]} to show its new environments",
            deadline_s=SEEN_DEADLINE_S,
            sleep=self.door.sleep,
            clock=self.door.clock,
        )

    def find_jobs(self, resource_id: str, most: int = 1000) -> list[dict[str, Any]]:
        """The jobs in the queue that have not ended: what deleting it would end. At most `most`."""
        found = aws.find(self.door, resource_id)
        if found is None:
            return []
        # ListJobs knows no service jobs.
        listed = service_job.open_jobs if found.get("serviceEnvironmentOrder") else aws.open_jobs
        return list(listed(self.door, resource_id, most))

    def delete_words(self, state: Properties) -> str:
        """What deleting the queue does to its jobs."""
        return "ends"

    def _remove(self, resource_id: str, state: Properties) -> None:
        found = aws.wait(self.door, resource_id, aws.STILL)
        if found is None:
            return
        client = self.door.client("batch")
        if found.get("state") != "DISABLED":
            client.update_job_queue(jobQueue=resource_id, state="DISABLED")
            aws.wait(self.door, resource_id, aws.STILL)
        delete_when_accepted(
            self.door,
            lambda: client.delete_job_queue(jobQueue=resource_id),
            f"deletion of job queue {resource_id.rpartition('/')[2]}",
        )
        aws.wait(self.door, resource_id, aws.DELETED)


def _told(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {**found, _INFERRED: found[_TYPE]} if _TYPE in found else dict(found)

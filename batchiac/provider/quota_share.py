"""The handler of quota shares: how the capacity of a queue of service jobs is divided.

A share is a part of its queue: it has its name there and goes before it. Without the queue there is none of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from batchiac.aws import quota_share as aws
from batchiac.aws import service_job
from batchiac.model.handler import Properties
from batchiac.provider.batch_resource import BatchResource, changed_inputs
from batchiac.provider.identity import CREATING, identity_of
from batchiac.provider.naming import is_auto_name_of
from batchiac.provider.normalise import normal

_UPDATABLE = ("capacityLimits", "resourceSharingConfiguration", "preemptionConfiguration", "state")
_WHEN_LEFT_OUT: Mapping[str, Any] = {"state": "ENABLED"}
"""What taking a property out of the program means to UpdateQuotaShare."""

UNLIMITED = -1
"""Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_QuotaShareResourceSharingConfiguration.html: "The
default borrowLimit is -1, which indicates unlimited borrowing"."""


class QuotaShare(BatchResource):
    """The handler of QuotaShare."""

    kind = "QuotaShare"
    name_property = "quotaShareName"
    id_output = "quotaShareArn"
    inputs = ("quotaShareName", "jobQueue", *_UPDATABLE)
    outputs = ("quotaShareArn", "status")

    def _must_delete_first(self, state: Properties, inputs: Properties) -> bool:
        """As every replacement; but a name is only taken within its queue."""
        same_queue = normal(self.kind, {"jobQueue": state.get("jobQueue")}) == normal(
            self.kind, {"jobQueue": inputs.get("jobQueue")}
        )
        return same_queue and super()._must_delete_first(state, inputs)

    def _make(self, inputs: Properties, tags: Mapping[str, str]) -> str:
        sent = {key: inputs[key] for key in self.inputs if inputs.get(key) is not None}
        return str(self.door.client("batch").create_quota_share(**sent, tags=dict(tags))["quotaShareArn"])

    def _settle(self, resource_id: str, inputs: Properties) -> None:
        aws.wait(self.door, resource_id, aws.SETTLED)

    def _finish(self, resource_id: str, state: Properties) -> None:
        aws.wait(self.door, resource_id, aws.STILL)

    def _is_sound(self, found: Mapping[str, Any]) -> bool:
        return found.get("status") in ("CREATING", "VALID", "UPDATING")

    def _find(self, resource_id: str, state: Properties, *, whole: bool = True) -> dict[str, Any] | None:
        found = aws.find(self.door, resource_id)
        return None if found is None else {**found, "jobQueue": found["jobQueueArn"]}

    def _find_creating(self, inputs: Properties) -> Iterable[str]:
        # A listing tells no tags: only what this share could have been named is looked at one by one. In every queue,
        # because the program may name another one by now.
        name, ids = inputs[self.name_property], []
        for arn in aws.find_all_arns(self.door):
            theirs = arn.rpartition("/")[2]
            if theirs == name or is_auto_name_of(inputs, theirs):
                found = aws.find(self.door, arn) or {}
                if (found.get("tags") or {}).get(CREATING) == identity_of(inputs):
                    ids.append(arn)
        return ids

    def _candidates(self, inputs: Properties) -> Iterable[str]:
        return aws.find_all_arns(self.door)

    def _change(self, resource_id: str, state: Properties, inputs: Properties) -> None:
        sent = changed_inputs(state, inputs, _UPDATABLE, _WHEN_LEFT_OUT)
        sharing = sent.get("resourceSharingConfiguration") or {}
        if str(sharing.get("strategy")).upper() == "LEND_AND_BORROW":
            # AWS does not say whether a limit that is left out of an update goes back to its default: it is said.
            sent["resourceSharingConfiguration"] = {"borrowLimit": UNLIMITED, **sharing}
        if sent:
            # A run that failed may have changed it: it is UPDATING then, and refuses the next change.
            aws.wait(self.door, resource_id, aws.STILL)
            self.door.client("batch").update_quota_share(quotaShareArn=resource_id, **sent)
            aws.wait(self.door, resource_id, aws.SETTLED)

    def find_jobs(self, resource_id: str, most: int = 1000) -> list[dict[str, Any]]:
        """The service jobs of the share that have not ended: what deleting it would end. At most `most`."""
        if aws.find(self.door, resource_id) is None:
            return []
        name = resource_id.rpartition("/")[2]
        return list(service_job.open_jobs(self.door, aws.queue_of(resource_id), most, quota_share=name))

    def delete_words(self, state: Properties) -> str:
        """What deleting the share does to its jobs."""
        return "ends"

    def _remove(self, resource_id: str, state: Properties) -> None:
        # "You must first disable submissions for the share by updating the state to DISABLED … All jobs in the share
        # are eventually terminated when you delete a quota share."
        # Source: https://docs.aws.amazon.com/batch/latest/APIReference/API_DeleteQuotaShare.html
        found = aws.wait(self.door, resource_id, aws.STILL)
        if found is None:
            return
        client = self.door.client("batch")
        if found.get("state") != "DISABLED":
            client.update_quota_share(quotaShareArn=resource_id, state="DISABLED")
            if aws.wait(self.door, resource_id, aws.STILL) is None:
                return
        client.delete_quota_share(quotaShareArn=resource_id)
        aws.wait(self.door, resource_id, aws.DELETED)

"""The handler of consumable resources: licences, tokens and whatever else jobs take and give back, or use up.

What `totalQuantity` means. The program's number is what AWS was last told that there is. AWS's own number is not always
that one, without anybody having changed it outside:

- Jobs use a NON_REPLENISHABLE resource up, and AWS subtracts that from the total. Less than was asked for is therefore
  no drift, and no deployment fills it up again. Another number in the program does: from then on there is so much.
- A total that is lowered below what is in use comes down as jobs end: "as jobs finish, Batch reduces the total". While
  every unit is in use, more than was asked for is no drift either.

Everything else that differs is. Whoever has operators add and remove sets the option ignore_changes. Decision 0307.

Sources: https://docs.aws.amazon.com/batch/latest/userguide/resource-aware-scheduling-how-to-check-resources-check-resources.html,
https://docs.aws.amazon.com/batch/latest/userguide/resource-aware-scheduling-how-to-update-quantity.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from batchiac.aws import consumable_resource as aws
from batchiac.aws.wait import wait_until
from batchiac.model.handler import Properties
from batchiac.provider.batch_resource import BatchResource
from batchiac.provider.identity import CREATING, identity_of
from batchiac.provider.naming import SUFFIX_LENGTH, auto_name, is_auto_name_of

TOTAL, TOKEN = "totalQuantity", "quantityToken"

USED_DEADLINE_S = 60.0
"""How long a deletion waits for its last jobs to be over. Their queues go first, and AWS's counts "may lag by up to 30
seconds"."""


class ConsumableResource(BatchResource):
    """The handler of ConsumableResource."""

    kind = "ConsumableResource"
    name_property = "consumableResourceName"
    id_output = "consumableResourceArn"
    outlives = ("JobQueue", "JobDefinition")
    inputs = ("consumableResourceName", "resourceType", TOTAL)
    outputs = ("consumableResourceArn", TOKEN)

    def _make(self, inputs: Properties, tags: Mapping[str, str]) -> str:
        sent = {key: inputs[key] for key in self.inputs if inputs.get(key) is not None}
        answer = self.door.client("batch").create_consumable_resource(**sent, tags=dict(tags))
        return str(answer["consumableResourceArn"])

    def _find(self, resource_id: str, state: Properties, *, whole: bool = True) -> dict[str, Any] | None:
        found = aws.find(self.door, resource_id)
        return None if found is None else {**found, TOKEN: state.get(TOKEN, "")}

    def _find_creating(self, inputs: Properties) -> Iterable[str]:
        # A listing tells no tags, and an account may have 50,000: only what this resource could have been named is
        # listed and looked at one by one.
        name, stem = str(inputs[self.name_property]), auto_name(inputs, self.longest_name)[:-SUFFIX_LENGTH]
        ids = []
        for pattern in dict.fromkeys((f"{stem}*", name if not name.startswith(stem) else f"{stem}*")):
            for each in aws.find_named(self.door, pattern):
                theirs = each["consumableResourceName"]
                if theirs == name or is_auto_name_of(inputs, theirs):
                    found = aws.find(self.door, each["consumableResourceArn"]) or {}
                    if (found.get("tags") or {}).get(CREATING) == identity_of(inputs):
                        ids.append(each["consumableResourceArn"])
        return ids

    # -- quantity -----------------------------------------------------------------------------------------------------

    def _merged(self, known: Properties, found: Mapping[str, Any]) -> dict[str, Any]:
        merged = super()._merged(known, found)
        asked = known.get(TOTAL)
        if isinstance(asked, int) and _is_as_asked(asked, found):
            merged[TOTAL] = asked
        return merged

    def _left(self, inputs: Properties, found: Mapping[str, Any]) -> dict[str, Any]:
        """As every create that was interrupted; what it set is what AWS tells, whatever the program asks for by now."""
        return {**super()._left(inputs, found), TOTAL: found.get(TOTAL, 0), TOKEN: "adopted"}

    def update(self, resource_id: str, state: Properties, inputs: Properties) -> dict[str, Any]:
        """As every update; and the token of the quantity that was set last."""
        outputs = super().update(resource_id, state, inputs)
        return {**outputs, TOKEN: self._token(state, inputs) if _differs(state, inputs) else state.get(TOKEN, "")}

    def _change(self, resource_id: str, state: Properties, inputs: Properties) -> None:
        if _differs(state, inputs):
            self.door.client("batch").update_consumable_resource(
                consumableResource=resource_id,
                operation="SET",
                quantity=int(inputs.get(TOTAL) or 0),
                clientToken=self._token(state, inputs),
            )

    def _token(self, state: Properties, inputs: Properties) -> str:
        """What tells this change of the quantity from every other.

        A run that died after the call sets the quantity again in the next run: between them jobs may have used some of
        it up, which must not come back. The same token says that it is the same request, for 8 hours. It is made of the
        one before, because 100, 150, 100 and 150 are three changes.
        """
        text = json.dumps([identity_of(inputs), state.get(TOKEN, ""), inputs.get(TOTAL)], separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    # -- deletion -----------------------------------------------------------------------------------------------------

    def _remove(self, resource_id: str, state: Properties) -> None:
        """Delete it once no job needs it that has not ended.

        AWS would delete it "at any time, even when the jobs that require the resource are still running", and those
        that wait for it, or are tried again, would then stay RUNNABLE for ever.
        Source: https://docs.aws.amazon.com/batch/latest/userguide/resource-aware-scheduling-how-to-delete.html
        """
        if aws.find(self.door, resource_id) is None:
            return

        def unused() -> bool | str:
            jobs = aws.open_jobs(self.door, resource_id)
            names = ", ".join(str(each["jobName"]) for each in jobs[:5])
            more = f" and {len(jobs) - 5} more" if len(jobs) > 5 else ""
            return not jobs or (
                f"{len(jobs)} that have not ended need it ({names}{more}) and would wait for it for ever: let them end,"
                " or cancel them, and run again"
            )

        wait_until(
            unused,
            what=f"jobs to be done with consumable resource {resource_id.rpartition('/')[2]}",
            deadline_s=USED_DEADLINE_S,
            sleep=self.door.sleep,
            clock=self.door.clock,
        )
        self.door.client("batch").delete_consumable_resource(consumableResource=resource_id)


def _differs(state: Properties, inputs: Properties) -> bool:
    return bool((state.get(TOTAL) or 0) != (inputs.get(TOTAL) or 0))


def _is_as_asked(asked: int, found: Mapping[str, Any]) -> bool:
    """True when what AWS tells is what becomes of the quantity that was asked for."""
    total = int(found.get(TOTAL) or 0)
    if total < asked:
        return found.get("resourceType") == "NON_REPLENISHABLE"
    return total > asked and int(found.get("inUseQuantity") or 0) >= total

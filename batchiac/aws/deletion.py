"""Deletions that AWS accepts a moment later: what lets a resource go, or changed it last, is not over everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batchiac.aws.door import Door
from batchiac.aws.wait import wait_until
from batchiac.errors import AwsRefusal

NOT_YET = ("found existing JobQueue relationship", "resource is being modified")
"""Parts of AWS's texts: while any queue, even one being deleted, refers to the environment; and while an update is not
over, though Describe says VALID."""

ACCEPTED_DEADLINE_S = 300.0
"""How long a deletion is tried. Queues are repointed and updates waited for before, so this covers AWS's lag."""


def delete_when_accepted(door: Door, delete: Callable[[], Any], what: str) -> None:
    """Call `delete` until AWS accepts it; a refusal for another reason than `NOT_YET` comes out at once.

    Args:
        what: names it in an error: "deletion of job queue urgent".

    Raises:
        WaitError: still refused after `ACCEPTED_DEADLINE_S`; its text ends with AWS's.
    """

    def accepted() -> bool | str:
        try:
            delete()
        except AwsRefusal as refusal:
            if any(each in refusal.aws_message for each in NOT_YET):
                return refusal.aws_message
            raise
        return True

    wait_until(accepted, what=what, deadline_s=ACCEPTED_DEADLINE_S, sleep=door.sleep, clock=door.clock)

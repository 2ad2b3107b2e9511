"""What several projections ask about one attempt of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batchiac.local.job_detail import payload_at

if TYPE_CHECKING:
    from batchiac.engine.views import AttemptView, JobView
    from batchiac.local.records import JobRecord

Wire = dict[str, Any]


def attempt_of(view: JobView, number: int) -> AttemptView | None:
    """The attempt of this number, counted from 1; None where the view has none (an array's parent)."""
    if 1 <= number <= len(view.attempts):
        return view.attempts[number - 1]
    return view.current if number == len(view.attempts) + 1 else None


def containers_of(record: JobRecord, view: JobView) -> list[Wire]:
    """The containers of a job, child or node, in wire form."""
    payload = payload_at(record, view)
    single = payload.get("containerProperties") or payload.get("container")
    if single is not None:
        return [single]
    if "ecsProperties" in payload:
        return [container for task in payload["ecsProperties"]["taskProperties"] for container in task["containers"]]
    if "eksProperties" in payload:
        pods: list[Wire] = payload["eksProperties"]["podProperties"].get("containers", [])
        return [{**each, "environment": each.get("env", [])} for each in pods]
    return []

"""A job as submitted, and the words for where it is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Literal

from attrs import field, frozen

from batchiac.model.job_definition import JobDefinition
from batchiac.model.sequences import as_tuple

_NOTHING: Mapping[str, str] = MappingProxyType({})


class JobStatus(IntEnum):
    """AWS's seven job states in the order of a job's life. `name` is the word on the wire."""

    SUBMITTED = 0
    PENDING = 1
    RUNNABLE = 2
    STARTING = 3
    RUNNING = 4
    SUCCEEDED = 5
    FAILED = 6

    @property
    def is_terminal(self) -> bool:
        """True for SUCCEEDED and FAILED."""
        return self >= JobStatus.SUCCEEDED


@frozen
class Dependency:
    """One entry of dependsOn: a job id, `N_TO_N` with a job id, or `SEQUENTIAL` without one."""

    job_id: str = ""
    type: Literal["", "N_TO_N", "SEQUENTIAL"] = ""


@frozen
class JobRequest:
    """One SubmitJob, its overrides applied: `definition` is what the job really runs.

    Attributes:
        array_size: 2..10,000 makes an array job; 0 a plain one. A multi-node job follows from the definition.
        share_identifier: needed in a fair-share queue, empty elsewhere.
        scheduling_priority: 0..9999, None takes the definition's.
        tags: the job's own; they win over the definition's.
        parameters: kept for the caller, not read.
    """

    name: str
    queue: str
    definition: JobDefinition
    array_size: int = 0
    depends_on: tuple[Dependency, ...] = field(default=(), converter=as_tuple)
    share_identifier: str = ""
    scheduling_priority: int | None = None
    tags: Mapping[str, str] = _NOTHING
    parameters: Mapping[str, str] = _NOTHING

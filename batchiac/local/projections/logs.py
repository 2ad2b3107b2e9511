"""CloudWatch Logs: a stream for each attempt that ran, with what its container would have written.

A simulated container writes what its command says outright: `echo` its words, `printenv` its environment; where the
command says nothing of the kind, one line tells that the run was simulated. An executor that runs the command for
real writes its own lines (`write`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from moto.logs.models import logs_backends

from batchiac.engine.effects import Effect, JobStateChanged
from batchiac.local.job_detail import log_group_of, log_stream_of, task_id_of
from batchiac.local.job_payload import substituted
from batchiac.local.projections import Mirror
from batchiac.local.projections.attempt import attempt_of, containers_of

if TYPE_CHECKING:
    from batchiac.engine.views import AttemptView, JobView
    from batchiac.local.backend import BatchBackend
    from batchiac.local.records import JobRecord

Wire = dict[str, Any]

_SHELLS = ("sh", "bash", "/bin/sh", "/bin/bash")


class Logs(Mirror):
    """The stream comes when the attempt runs; lines come with the time at which they were written."""

    def apply(self, effect: Effect) -> None:
        """See Projection."""
        if not isinstance(effect, JobStateChanged) or not effect.attempt:
            return
        if effect.status != "RUNNING" and effect.previous != "RUNNING":
            return
        found = self.batch.look_up(effect.job_id)
        if found is None:
            return
        record, view = found
        attempt = attempt_of(view, effect.attempt)
        if attempt is None or attempt.started_at_ms is None:
            return
        for container in containers_of(record, view):
            if container.get("logConfiguration", {}).get("logDriver", "awslogs") == "awslogs":
                self._write(effect, record, view, attempt, container)

    def _write(
        self, effect: JobStateChanged, record: JobRecord, view: JobView, attempt: AttemptView, container: Wire
    ) -> None:
        group, stream = log_group_of(container), log_stream_of(record, container, task_id_of(attempt))
        begun = effect.status == "RUNNING"
        started = attempt.started_at_ms or effect.at_ms
        events = []
        for offset_ms, line in self._output(record, view, container):
            written = started + offset_ms
            # What is written at once is there when the job runs, the rest when it has ended.
            if (offset_ms == 0) == begun and (begun or written <= effect.at_ms):
                events.append({"timestamp": written, "message": line})
        write(self.batch, group, stream, events)

    def _output(self, record: JobRecord, view: JobView, container: Wire) -> Iterator[tuple[int, str]]:
        command = substituted([*container.get("command", ()), *container.get("args", ())], record.parameters)
        given = {each["name"]: each.get("value", "") for each in container.get("environment", ()) if "name" in each}
        return simulated_output(command, {**given, **view.environment_variables}, container.get("image", ""))


def write(batch: BatchBackend, group: str, stream: str, events: list[Wire]) -> None:
    """Add `{"timestamp": ms, "message": line}` entries to a stream; group and stream are made where they are not."""
    backend = logs_backends[batch.account_id][batch.region_name]
    if group not in backend.groups:
        backend.create_log_group(group, {})
    streams = backend.groups[group].streams
    if stream not in streams:
        backend.create_log_stream(group, stream)
    if events:
        # Past moto's check that events are not older than 14 days: a virtual clock's are as old as they are.
        streams[stream].put_log_events(events)


def simulated_output(command: Sequence[str], environment: Mapping[str, str], image: str) -> Iterator[tuple[int, str]]:
    """(milliseconds after the start, line) for each line that a command says it writes."""
    words = list(command)
    if len(words) >= 3 and words[0] in _SHELLS and words[1].startswith("-") and words[1].endswith("c"):
        parts = [_words_of(part) for part in re.split(r"&&|;|\n", words[2])]
    else:
        parts = [words]
    at_ms, understood = 0, False
    for part in parts:
        match part:
            case ["echo" | "/bin/echo", *text]:
                yield at_ms, _expanded(" ".join(text), environment)
                understood = True
            case ["printenv" | "env"]:
                for name, value in environment.items():
                    yield at_ms, f"{name}={value}"
                understood = True
            case ["sleep", seconds, *_]:
                at_ms += _milliseconds(seconds)
                understood = True
            case ["true" | "false" | ":" | "exit", *_]:
                understood = True
    if not understood:
        yield 0, f"(simulated) {' '.join(words) or image}"


def _words_of(part: str) -> list[str]:
    try:
        return shlex.split(part)
    except ValueError:
        return part.split()


def _expanded(text: str, environment: Mapping[str, str]) -> str:
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda found: environment.get(found[1] or found[2], ""), text)


def _milliseconds(seconds: str) -> int:
    try:
        return max(0, round(float(seconds.rstrip("s")) * 1000))
    except ValueError:
        return 0

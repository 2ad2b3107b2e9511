"""What the Batch half of the stack is at one point of its journal, as readable JSON: what a replay is held against.

`snapshot.json` holds, for each account and region, environments, queues, definitions, policies, consumable resources,
counts of jobs by queue and status, the jobs that have not ended, and two digests: of every change of state so far, and
of the jobs that have ended. It says at which line of the journal that was, and under which versions. A replay that has
done so many lines must have come to the same; where it has not (another version of batchiac or moto decides otherwise),
`differences` says what, and the server does not start: it would serve another history than its clients were told.

Why the server does not start *from* it: docs/decisions/0200.

What it costs is bounded: long lists are cut to `MOST` entries (their count and digest cover the rest), and the digests
of changes grow with each effect instead of being made anew.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from batchiac.engine.effects import Effect, EnvironmentStatusChanged, InstanceChanged, JobStateChanged
from batchiac.errors import StateError
from batchiac.local.server.journal import write_whole

NAME = "snapshot.json"
MOST = 1_000
"""Entries of one list that are written out."""

_ENDED = frozenset(("SUCCEEDED", "FAILED"))
_UNDER_WAY = ("RUNNING", "STARTING", "RUNNABLE", "PENDING", "SUBMITTED")
_SHELVES = {
    "schedulingPolicies": "policies",
    "serviceEnvironments": "service_environments",
    "quotaShares": "quota_shares",
}
_MOST_SAID = 3
_RESTORE = "restore it, or delete it to go without the check"


class Tally:
    """Listens to one engine: how often what has changed, and to what."""

    def __init__(self, batch: Any) -> None:
        self.batch = batch
        self.changes = self.changes_digest = 0
        self.ended = self.ended_digest = 0
        self.jobs: defaultdict[str, Counter[str]] = defaultdict(Counter)
        batch.engine.subscribe(self._see)

    def _see(self, effect: Effect) -> None:
        if isinstance(effect, JobStateChanged):
            self._count(f"{effect.at_ms} {effect.job_id} {effect.status} {effect.attempt}")
            if ":" not in effect.job_id and "#" not in effect.job_id:
                counts = self.jobs[effect.queue]
                counts[effect.status] += 1
                counts[effect.previous] -= 1
            if effect.status in _ENDED:
                text = f"{effect.job_id} {effect.status} {effect.at_ms}"
                self.ended += 1
                self.ended_digest = (self.ended_digest + zlib.crc32(text.encode())) % 2**64
        elif isinstance(effect, InstanceChanged):
            self._count(f"{effect.at_ms} {effect.instance_id} {effect.instance_type} {effect.status}")
        elif isinstance(effect, EnvironmentStatusChanged):
            self._count(f"{effect.at_ms} {effect.environment} {effect.status}")

    def _count(self, text: str) -> None:
        # Sums of checksums: two things that happen at the same moment may be told in either order. Fields are named
        # one by one: an effect that another version tells more of is the same effect.
        self.changes += 1
        self.changes_digest = (self.changes_digest + zlib.crc32(text.encode())) % 2**64


@cache
def versions() -> dict[str, str]:
    """Of what decides how requests are answered."""
    import botocore
    import moto

    import batchiac

    return {"batchiac": batchiac.__version__, "moto": moto.__version__, "botocore": botocore.__version__}


def describe(tallies: Iterable[Tally]) -> dict[str, Any]:
    """`{"<account>/<region>": {...}}` of engines that have been brought to the present."""
    return {
        f"{tally.batch.account_id}/{tally.batch.region_name}": _describe_place(tally)
        for tally in sorted(tallies, key=lambda each: (each.batch.account_id, each.batch.region_name))
    }


def _describe_place(tally: Tally) -> dict[str, Any]:
    batch = tally.batch
    environments, queues = {}, {}
    for record in batch.environments:
        view = batch.environment_view(record.name)
        status = {"status": view.status, "statusReason": view.status_reason, "desiredvCpus": view.desired_vcpus}
        environments[record.name] = {**record.wire, "tags": record.tags, **status}
    for record in batch.queues:
        view = batch.queue_view(record.name)
        queues[record.name] = {**record.wire, "tags": record.tags, "status": view.status}
    definitions = {
        f"{name}:{number}": {**record.wire, "tags": record.tags, "status": record.status}
        for name, revisions in batch.definitions.items()
        for number, record in revisions.items()
    }
    place: dict[str, Any] = {
        "computeEnvironments": _list(environments),
        "jobQueues": _list(queues),
        "jobDefinitions": _list(definitions),
    }
    for key, shelf in _SHELVES.items():
        place[key] = _list({each.name: {**each.wire, "tags": each.tags} for each in getattr(batch, shelf)})
    place["consumableResources"] = _list({each.name: _consumable(batch, each) for each in batch.consumables})
    counts, unfinished = _jobs(tally)
    place["jobs"] = {
        "counts": counts,
        "unfinished": unfinished,
        "ended": {"count": tally.ended, "digest": tally.ended_digest},
    }
    place["changes"] = {"count": tally.changes, "digest": tally.changes_digest}
    return place


def _consumable(batch: Any, record: Any) -> dict[str, Any]:
    amounts = batch.consumable_state(record.name)
    return {**record.wire, "tags": record.tags, "total": amounts.total, "inUse": amounts.in_use}


def _jobs(tally: Tally) -> tuple[dict[str, dict[str, int]], dict[str, list[str]]]:
    """Counts by queue and status; and of the first `MOST` jobs that have not ended, queue, name and status by id."""
    batch = tally.batch
    counts: dict[str, dict[str, int]] = {}
    unfinished: dict[str, list[str]] = {}
    for queue in batch.queues:
        counted = {status: number for status, number in sorted(tally.jobs[queue.name].items()) if number > 0}
        waiting = len(batch.jobs_of(queue)) - sum(counted.values())
        if waiting > 0:
            counted["SUBMITTED"] = waiting
        counts[queue.name] = counted
        for status in _UNDER_WAY:
            left = MOST - len(unfinished)
            if left > 0:
                for job in batch.engine.list_jobs(queue=queue.name, status=status, limit=left).jobs:
                    unfinished[job.id] = [queue.name, job.name, job.status]
    return counts, unfinished


def _list(entries: Mapping[str, Any]) -> dict[str, Any]:
    kept = dict(list(entries.items())[:MOST])
    if len(entries) == len(kept):
        return kept
    text = json.dumps(entries, sort_keys=True, default=str)
    return {**kept, "and more": {"count": len(entries), "digest": zlib.crc32(text.encode())}}


def write(folder: Path, snapshot: Mapping[str, Any]) -> None:
    """Write it, whole or not at all."""
    write_whole(folder / NAME, json.dumps(snapshot, indent=1, default=str) + "\n")


def read(folder: Path) -> dict[str, Any] | None:
    """The snapshot of a data folder, None where none was written yet.

    Raises:
        StateError: it is not what this program wrote.
    """
    path = folder / NAME
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        raise StateError(f"{path} cannot be read ({error}): {_RESTORE}") from error
    if not isinstance(found, dict) or not {"lines", "changes", "t", "places", "versions"} <= set(found):
        raise StateError(f"{path} is not what this program wrote: {_RESTORE}")
    return found


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two descriptions, the most telling first; empty where nothing does."""
    # What was written has been through JSON: so has what it is compared with.
    now = json.loads(json.dumps(now, default=str))
    found: list[str] = []
    _compare(then, now, (), found)
    # A digest says that something differs and not what: it counts where nothing else does.
    plain = [each for each in found if "digest" not in each]
    return plain or found


def _compare(then: Any, now: Any, path: tuple[str, ...], found: list[str]) -> None:
    if then == now:
        return
    if isinstance(then, dict) and isinstance(now, dict):
        for key in [*then, *(key for key in now if key not in then)]:
            _compare(then.get(key), now.get(key), (*path, str(key)), found)
        return
    where = " ".join(path)
    found.append(f"{where} was {_shown(then)} and is {_shown(now)}")


def _shown(value: Any) -> str:
    if value is None:
        return "not there"
    text = json.dumps(value)
    return text if len(text) <= 120 else f"{text[:117]}…"


def say(found: list[str], versions_then: Mapping[str, str]) -> str:
    """One sentence of what differs, and under which versions."""
    changed = [
        f"{name} {versions_then.get(name)} (now {version})"
        for name, version in versions().items()
        if versions_then.get(name) != version
    ]
    kept = f"kept by {', '.join(changed)}" if changed else "kept by these very versions"
    more = len(found) - _MOST_SAID
    rest = f"; and {more} more" if more > 0 else ""
    return f"it was {kept}, and done again its requests lead elsewhere: {'; '.join(found[:_MOST_SAID])}{rest}"

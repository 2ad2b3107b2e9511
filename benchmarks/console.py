"""What the console page asks the server for, at 100,000 jobs in one queue, against the same at 1,000."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

FEW, MANY = 1_000, 100_000
ROUNDS = 7
PLACE = "123456789012/us-east-1"


def figures() -> Iterator[dict[str, Any]]:
    """Sizes of answers, and times: an answer must not grow with the number of jobs."""
    with _served(FEW) as few, _served(MANY) as many:
        at_few, at_many = _measure(*few), _measure(*many)
    largest = max(size for size, _ in at_many.values())
    yield _figure(f"console at {MANY:,} jobs, largest answer", largest / 1024, "KiB", 64)
    # Together, as the page asks: one alone may take less than a millisecond, of which most is the connection's.
    overview = ("state", "timeline")
    ratio = sum(at_many[name][1] for name in overview) / sum(at_few[name][1] for name in overview)
    yield _figure(f"console, overview at {MANY:,} jobs over {FEW:,}", ratio, "x", 10)
    slowest = max((seconds, name) for name, (_, seconds) in at_many.items())
    yield _figure(f"console at {MANY:,} jobs, slowest answer ({slowest[1]})", slowest[0] * 1000, "ms", 1_000)


def _figure(name: str, value: float, unit: str, at_most: float) -> dict[str, Any]:
    return {"name": name, "value": round(value, 1), "unit": unit, "at_most": at_most, "holds": value <= at_most}


@contextmanager
def _served(jobs: int) -> Iterator[tuple[str, str]]:
    """The address of a stack with so many jobs, and the id of the last one."""
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks._console_server", str(jobs)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        _, address, job_id = server.stdout.readline().split()
        yield address, job_id
    finally:
        server.kill()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()


def _measure(address: str, job_id: str) -> dict[str, tuple[int, float]]:
    """What is asked for → bytes and seconds, the fastest of some rounds."""
    listed: dict[str, Any] = {"jobQueue": "queue", "maxResults": 100}
    asked: dict[str, tuple[str, dict[str, Any] | None]] = {
        "state": ("state", None),
        "timeline": (f"timeline/{PLACE}", None),
        "environment": (f"environment/{PLACE}/e", None),
        "history": (f"history/{PLACE}/{job_id}", None),
        "job": (f"api/{PLACE}/DescribeJobs", {"jobs": [job_id]}),
        "front of the queue": (f"api/{PLACE}/GetJobQueueSnapshot", {"jobQueue": "queue"}),
        **{
            f"list {status}": (f"api/{PLACE}/ListJobs", {**listed, "jobStatus": status})
            for status in ("SUBMITTED", "RUNNABLE", "RUNNING", "SUCCEEDED", "FAILED")
        },
        "list by name": (
            f"api/{PLACE}/ListJobs",
            {**listed, "filters": [{"name": "JOB_NAME", "values": ["job-9*"]}]},
        ),
        "list by a name that is not there": (
            f"api/{PLACE}/ListJobs",
            {**listed, "filters": [{"name": "JOB_NAME", "values": ["no*"]}]},
        ),
    }
    found = {}
    for name, (path, body) in asked.items():
        data = None if body is None else json.dumps(body).encode()
        fastest, size = float("inf"), 0
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            with urllib.request.urlopen(f"{address}/_batchiac/{path}", data, timeout=60) as answer:
                size = len(answer.read())
            fastest = min(fastest, time.perf_counter() - begun)
        found[name] = (size, fastest)
    return found

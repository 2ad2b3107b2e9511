"""`batchiac logs`: what a job wrote, from CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from batchiac.cli.session import Session, stack_options
from batchiac.errors import AwsRefusal, UsageError, UserError

DEFAULT_GROUP = "/aws/batch/job"
"""Source: https://docs.aws.amazon.com/batch/latest/userguide/using_cloudwatch_logs.html, read 2026-11."""

LOOKS_EVERY_S = 2.0


@click.command()
@stack_options
@click.option("--attempt", type=click.IntRange(min=1), help="An earlier attempt, counted from 1. [default: the last]")
@click.option("--follow", "-f", is_flag=True, help="Go on until the job has ended.")
@click.option("--tail", type=click.IntRange(min=1), help="The last so many lines only.")
@click.argument("job_id")
def command(stack: str | None, cwd: Path, attempt: int | None, follow: bool, tail: int | None, job_id: str) -> None:
    """Print the log of JOB_ID; ID:INDEX is a child of an array, ID#NODE a node of a multi-node job."""
    if follow and (tail or attempt):
        raise UsageError("--follow shows all of the last attempt: leave --tail and --attempt out")
    session = Session(cwd, stack)
    token: dict[str, str] = {}
    while True:
        # Looked at before its log is read: what a job wrote until it ended is then in what is read.
        job = _read_job(session, job_id)
        over = job["status"] in ("SUCCEEDED", "FAILED")
        stream = _find_stream(job, attempt)
        if stream is None and (over or not follow):
            raise UserError(_no_log(job))
        if stream is not None:
            lines = list(_read_lines(session, _group(job), stream, token))
            for line in lines[-tail:] if tail else lines:
                click.echo(line)
        if over or not follow:
            return
        session.door.sleep(LOOKS_EVERY_S)


def _read_job(session: Session, job_id: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = session.door.client("batch").describe_jobs(jobs=[job_id])["jobs"]
    if not found:
        raise UserError(f"there is no job {job_id} (any more): AWS keeps jobs that have ended for at least 7 days")
    if "size" in found[0].get("arrayProperties", {}):
        size = found[0]["arrayProperties"]["size"]
        raise UserError(
            f"{job_id} is an array, its children have the logs: name one, {job_id}:0 to {job_id}:{size - 1}"
        )
    if "numNodes" in found[0].get("nodeProperties", {}):
        nodes = found[0]["nodeProperties"]["numNodes"]
        raise UserError(f"{job_id} has nodes, and they have the logs: name one, {job_id}#0 to {job_id}#{nodes - 1}")
    return found[0]


def _find_stream(job: dict[str, Any], attempt: int | None) -> str | None:
    attempts = job.get("attempts") or []
    if attempt is None:
        current = (job.get("container") or {}).get("logStreamName")
        return current or (attempts[-1].get("container", {}).get("logStreamName") if attempts else None)
    if attempt > len(attempts):
        raise UserError(f"{job['jobId']} has no attempt {attempt}: {len(attempts)} have ended")
    stream: str | None = attempts[attempt - 1].get("container", {}).get("logStreamName")
    return stream


def _no_log(job: dict[str, Any]) -> str:
    reason = f": {job['statusReason']}" if job.get("statusReason") else ""
    if job["status"] in ("SUCCEEDED", "FAILED"):
        return f"{job['jobId']} has no log: it is {job['status']} and never ran{reason}"
    return f"{job['jobId']} has no log yet: it is {job['status']}{reason}; --follow waits for it"


def _group(job: dict[str, Any]) -> str:
    options = ((job.get("container") or {}).get("logConfiguration") or {}).get("options") or {}
    group: str = options.get("awslogs-group", DEFAULT_GROUP)
    return group


def _read_lines(session: Session, group: str, stream: str, token: dict[str, str]) -> Iterator[str]:
    """Lines that were not read before; `token` remembers how far that was."""
    logs = session.door.client("logs")
    while True:
        try:
            answer = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **token)
        except AwsRefusal as refusal:
            # The stream is made when the container first writes.
            if refusal.code == "ResourceNotFoundException":
                return
            raise
        for event in answer["events"]:
            yield event["message"]
        following = answer["nextForwardToken"]
        # "If you have reached the end of the stream, it returns the same token you passed in."
        # Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
        if token.get("nextToken") == following:
            return
        token["nextToken"] = following

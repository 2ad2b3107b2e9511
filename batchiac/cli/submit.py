"""`batchiac submit`: one job to the stack's queue, wherever the stack acts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batchiac.cli.session import Session, stack_options
from batchiac.errors import JobsFailedError, UsageError

if TYPE_CHECKING:
    from batchiac.verify.workload import Task

LOOKS_EVERY_S = 5.0
"""How often --wait asks; AWS has no call that waits."""


@click.command(context_settings={"ignore_unknown_options": True})
@stack_options
@click.option("--queue", help="By its name in the program or in AWS. [default: the one of highest priority]")
@click.option("--definition", help="Job definition, likewise. [default: the fewest vCPUs, the most memory]")
@click.option("--name", default="job", show_default=True, help="The job's name.")
@click.option("--array", type=click.IntRange(2, 10_000), help="Run as an array of so many children.")
@click.option("--nodes", type=click.IntRange(2, 1_000), help="Nodes of a multi-node parallel job.")
@click.option("--vcpus", type=click.FloatRange(min=0.25), help="vCPUs, a node.")
@click.option("--memory", type=click.IntRange(min=4), help="MiB, a node.")
@click.option("--timeout", type=click.IntRange(min=60), help="Seconds that an attempt may run.")
@click.option("--retries", type=click.IntRange(0, 9), help="How often a failed attempt is tried again.")
@click.option("--share", help="Share identifier, for a fair-share queue.")
@click.option("--depends-on", multiple=True, metavar="JOB_ID", help="A job that must succeed first; up to 20.")
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="An environment variable of the container.")
@click.option(
    "--tag", multiple=True, metavar="KEY=VALUE", help="A tag, such as batchiac:duration=30 for a local stack."
)
@click.option("--wait", is_flag=True, help="Wait for its end; exit code 6 when it fails.")
@click.option("--json", "as_json", is_flag=True, help="The job as JSON.")
@click.argument("words", nargs=-1, metavar="[-- COMMAND…]")
def command(
    stack: str | None,
    cwd: Path,
    queue: str | None,
    definition: str | None,
    name: str,
    array: int | None,
    nodes: int | None,
    vcpus: float | None,
    memory: int | None,
    timeout: int | None,
    retries: int | None,
    share: str | None,
    depends_on: tuple[str, ...],
    env: tuple[str, ...],
    tag: tuple[str, ...],
    wait: bool,
    as_json: bool,
    words: tuple[str, ...],
) -> None:
    """Submit one job to the stack's queue and print its id. What is not given is the job definition's."""
    from batchiac.verify.workload import Task

    if array is not None and nodes is not None:
        raise UsageError("--array and --nodes exclude each other: AWS runs no array of multi-node jobs")
    task = Task(
        name,
        command=words,
        vcpus=vcpus,
        memory_mib=memory,
        array_size=array,
        nodes=nodes,
        queue=queue,
        definition=definition,
        attempts=None if retries is None else retries + 1,
        timeout_s=timeout,
        share=share,
    )
    session = Session(cwd, stack)
    request = _request(session, task, _pairs(env, "--env"), _pairs(tag, "--tag"))
    if depends_on:
        request["dependsOn"] = [{"jobId": each} for each in depends_on]
    batch = session.door.client("batch")
    job_id: str = batch.submit_job(**request)["jobId"]
    if not wait:
        _print({"jobId": job_id, "jobName": request["jobName"], "jobQueue": request["jobQueue"]}, as_json)
        return
    click.echo(f"submitted {job_id} to {request['jobQueue']}", err=True)
    job = _wait(session, job_id)
    _print(job, as_json)
    if job["status"] == "FAILED":
        raise JobsFailedError(f"job {job_id} failed: {job.get('statusReason') or 'AWS gives no reason'}")


def _request(session: Session, task: Task, env: Mapping[str, str], tags: Mapping[str, str]) -> dict[str, Any]:
    from batchiac.deploy.deployment import read_outputs
    from batchiac.verify.destination import read_destinations
    from batchiac.verify.submit import plan_submissions
    from batchiac.verify.workload import Workload

    destinations = read_destinations(session.door.client("batch"), read_outputs(session.stack, show_secrets=False))
    request = dict(plan_submissions(Workload(task.name, "one job", (task,)), destinations).submissions[0].request)
    if env:
        where = request.setdefault("nodeOverrides" if "nodeOverrides" in request else "containerOverrides", {})
        if "nodeOverrides" in request:
            where = where.setdefault("nodePropertyOverrides", [{"targetNodes": "0:", "containerOverrides": {}}])[0]
            where = where["containerOverrides"]
        where["environment"] = [{"name": key, "value": value} for key, value in env.items()]
    if tags:
        request["tags"] = dict(tags)
    return request


def _wait(session: Session, job_id: str) -> dict[str, Any]:
    batch = session.door.client("batch")
    status = ""
    while True:
        job: dict[str, Any] = batch.describe_jobs(jobs=[job_id])["jobs"][0]
        if job["status"] != status:
            status = job["status"]
            click.echo(f"{status}{': ' + job['statusReason'] if job.get('statusReason') else ''}", err=True)
        if status in ("SUCCEEDED", "FAILED"):
            return job
        session.door.sleep(LOOKS_EVERY_S)


def _pairs(texts: tuple[str, ...], option: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise UsageError(f"{option} has {text!r}: write it as NAME=VALUE")
        pairs[key] = value
    return pairs


def _print(job: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        import json

        click.echo(json.dumps(job, indent=2, default=str))
    else:
        click.echo(job["jobId"])

"""A program of wire-form resources, deployed with the real handlers through the embedded engine to an in-process stack.

`World.things` is the program: logical name → (kind, inputs). A reference to another of its resources is written
`ref("net.id")`. `jobs_of` tells what happened to jobs, by what the API says of their attempts.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import define, frozen

from batchiac.testing import Deployment, TestStack

HOST_LOST = "Host EC2"
"""How the reason of an attempt begins whose instance went; retry rules match it."""

PROGRAM = """
import json
import pathlib
from batchiac.components.resources import RESOURCES

things = json.loads((pathlib.Path(__file__).parent / "things.json").read_text())
made = {}

def filled(value):
    if isinstance(value, dict):
        if set(value) == {"$ref"}:
            name, _, output = value["$ref"].partition(".")
            return made[name].output(output)
        return {key: filled(each) for key, each in value.items()}
    return [filled(each) for each in value] if isinstance(value, list) else value

for name, (kind, inputs) in things.items():
    made[name] = RESOURCES[kind](name, {"identity": f"world/dev/{name}", **filled(inputs)})
"""


def ref(output: str) -> dict[str, str]:
    """An output of another resource of the program: `environment.id`."""
    return {"$ref": output}


class World:
    """One program on one local stack; several worlds can share a stack if their names differ."""

    def __init__(self, folder: Path, stack: TestStack, things: Mapping[str, tuple[str, Mapping[str, Any]]]) -> None:
        self.stack = stack
        self.folder = folder
        self.batch = stack.client("batch")
        self.things: dict[str, tuple[str, dict[str, Any]]] = copy.deepcopy(dict(things))  # type: ignore[arg-type]
        (folder / "prog").mkdir(parents=True)
        (folder / "stacks").mkdir()
        (folder / "Pulumi.yaml").write_text("name: world\nmain: prog\nstackConfigDir: stacks\nruntime: python\n")
        (folder / "stacks/Pulumi.dev.yaml").write_text(
            "config: {batchiac:target: local, batchiac:region: us-east-1, batchiac:endpoint: 'http://127.0.0.1:9'}\n"
        )
        (folder / "prog/__main__.py").write_text(PROGRAM)
        self._deployment: Deployment | None = None

    def up(self) -> Any:
        """Deploy the program as it is now."""
        self._write()
        if self._deployment is None:
            self._deployment = self.stack.up(self.folder, "dev")
            return None
        return self._deployment.up()

    def preview(self, *, refresh: bool = False) -> Any:
        self._write()
        assert self._deployment is not None, "nothing is deployed yet"
        return self._deployment.preview(refresh=refresh)

    def destroy(self) -> Any:
        assert self._deployment is not None, "nothing is deployed yet"
        return self._deployment.destroy()

    def outputs(self, name: str) -> dict[str, Any]:
        """The state's outputs of one resource."""
        return self.states()[name].outputs

    def states(self) -> dict[str, Any]:
        """Logical name → the state's entry."""
        assert self._deployment is not None, "nothing is deployed yet"
        snapshot = self._deployment._stack.store.load()
        return {each.name: each for each in snapshot.resources if each.custom and not each.is_provider}

    def id(self, name: str) -> str:
        return str(self.states()[name].id)

    def inputs(self, name: str) -> dict[str, Any]:
        """The program's inputs of one resource, to be changed in place."""
        return self.things[name][1]

    def _write(self) -> None:
        (self.folder / "prog/things.json").write_text(json.dumps(self.things))

    # -- jobs -----------------------------------------------------------------------------------------------------

    def submit(self, count: int, queue: str, definition: str, seconds: int, prefix: str = "job") -> list[str]:
        """Jobs that run so long in each attempt, and are tried again when their host goes."""
        return [
            self.batch.submit_job(
                jobName=f"{prefix}-{number}",
                jobQueue=self.id(queue),
                jobDefinition=self.outputs(definition)["jobDefinitionArn"],
                retryStrategy={"attempts": 10},
                tags={"batchiac:duration": str(seconds)},
            )["jobId"]
            for number in range(count)
        ]

    def run_until(self, ids: Iterable[str], status: str = "RUNNING") -> None:
        """Let time pass until all of these jobs have that status."""
        wanted = list(ids)
        for _ in range(200):
            if {each.status for each in self.jobs(wanted).values()} <= {status}:
                return
            self.stack.clock.advance(10)
        raise AssertionError({each.id: (each.status, each.reason) for each in self.jobs(wanted).values()})

    def jobs(self, ids: Iterable[str]) -> dict[str, Seen]:
        """Id → what the API says of the job now."""
        wanted = list(ids)
        described = [
            job
            for start in range(0, len(wanted), 100)
            for job in self.batch.describe_jobs(jobs=wanted[start : start + 100])["jobs"]
        ]
        assert len(described) == len(wanted), "a job is lost"
        return {each["jobId"]: _seen(each) for each in described}


@frozen
class Seen:
    """One job as DescribeJobs tells it.

    Attributes:
        host: the container instance, or the Fargate or EKS task, that it runs on.
        losses: the reasons of its attempts that ended because their host went.
        endings: the reasons of all its attempts that ended.
    """

    id: str
    name: str
    status: str
    reason: str
    host: str
    losses: tuple[str, ...]
    endings: tuple[str, ...]


def _seen(job: Mapping[str, Any]) -> Seen:
    container = job.get("container") or {}
    pod = (job.get("eksProperties") or {}).get("podProperties") or {}
    host = container.get("containerInstanceArn") or container.get("taskArn") or pod.get("podName") or ""
    attempts = [*job.get("attempts", ()), *job.get("eksAttempts", ())]
    endings = [each.get("statusReason", "") for each in attempts if each.get("stoppedAt")]
    losses = tuple(each for each in endings if each.startswith(HOST_LOST))
    return Seen(job["jobId"], job["jobName"], job["status"], job.get("statusReason", ""), host, losses, tuple(endings))


@define
class Change:
    """One step of a plan, as a matrix compares it with what happened."""

    op: str
    effects: frozenset[str]
    changes: tuple[Any, ...]
    notes: tuple[str, ...]
    replaces: tuple[str, ...]


def changes_of(plan: Any) -> dict[str, Change]:
    """Logical name → what the plan says, the unchanged left out."""
    return {
        step.urn.split("::")[-1]: Change(
            step.op.value,
            frozenset(each.effect.value for each in step.changes),
            step.changes,
            step.notes,
            step.replaces,
        )
        for step in plan.steps
        if step.changes_something and step.is_counted
    }


def changed(value: Any, path: str, new: Any) -> Any:
    """A copy of `value` with `new` at the dotted path; lists on the way are entered at their first element.

    `new` may be a function of the old value; `None` takes the property out.
    """
    head, _, rest = path.partition(".")
    if isinstance(value, list):
        return [changed(value[0], path, new), *value[1:]]
    result = dict(value or {})
    if rest:
        inner = result.get(head)
        result[head] = changed({} if inner is None else inner, rest, new)
        return result
    put: Callable[[Any], Any] = new if callable(new) else lambda _old: new
    result[head] = put(result.get(head))
    if result[head] is None:
        del result[head]
    return result

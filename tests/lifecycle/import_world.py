"""An account with things that boto3 made, and a project to import them into."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from batchiac.deploy import Plan, Result, destroy, open_stack, preview, refresh, up
from batchiac.deploy.stack import Stack
from batchiac.errors import BatchiacError
from batchiac.model.target import Target
from batchiac.provider import HANDLERS
from batchiac.testing import TestStack

HEAD = "import pulumi\nimport batchiac.components as batch\n"

READING = ("describe_", "list_", "get_", "head_")

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class ImportWorld:
    """A project with one stack `local`, its state in a file, acting on one local stack.

    Attributes:
        changing: every AWS call since the last `calls.clear()` that is not one that reads.
    """

    def __init__(self, folder: Path, stack: TestStack) -> None:
        self.folder = folder
        self.aws = stack
        self.batch = stack.client("batch")
        self.ec2 = stack.client("ec2")
        self.iam = stack.client("iam")
        self.changing: list[str] = []
        (folder / "stacks").mkdir(parents=True)
        (folder / "program").mkdir()
        (folder / ".state").mkdir()
        (folder / "Pulumi.yaml").write_text(
            "name: found\nmain: program\nstackConfigDir: stacks\nruntime: python\nbackend:\n  url: file://./.state\n"
        )
        (folder / "stacks/Pulumi.local.yaml").write_text(
            "config:\n  batchiac:target: local\n  batchiac:region: us-east-1\n  batchiac:endpoint: http://127.0.0.1:9\n"
        )

    @property
    def program(self) -> Path:
        return self.folder / "program/__main__.py"

    def write(self, lines: str, head: str = HEAD) -> None:
        self.program.write_text(head + lines)

    def stack(self) -> Stack:
        environ = {**os.environ, "PULUMI_CONFIG_PASSPHRASE": ""}
        return open_stack(self.folder, "local", environ=environ, in_process=True)

    @cached_property
    def door(self) -> Any:
        from batchiac.aws import Door

        door = Door(
            Target("local", "us-east-1", in_process=True), sleep=self.aws.clock.sleep, clock=self.aws.clock.now_s
        )
        return Watched(door, self.changing)

    def handlers(self, token: str) -> Any:
        return HANDLERS[token](self.door) if token in HANDLERS else None

    def preview(self, **options: Any) -> Plan:
        return preview(self.stack(), self.handlers, **options)

    def up(self, **options: Any) -> Result:
        return _done(up(self.stack(), self.handlers, **options))

    def refresh(self) -> Result:
        return _done(refresh(self.stack(), self.handlers))

    def destroy(self) -> Result:
        return _done(destroy(self.stack(), self.handlers))

    def resources(self) -> list[Any]:
        return [each for each in self.stack().store.load().resources if each.custom and not each.is_provider]

    # -- what boto3 makes ---------------------------------------------------------------------------------------------

    def network(self) -> dict[str, Any]:
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/20")["Subnet"]["SubnetId"]
        group = self.ec2.create_security_group(VpcId=vpc, GroupName=f"g-{vpc}", Description="x")["GroupId"]
        return {"vpc": vpc, "subnets": [subnet], "securityGroupIds": [group]}

    def profile(self, name: str) -> str:
        import json

        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        arn: str = self.iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Arn"]
        self.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        return arn

    def environment(self, name: str, network: Mapping[str, Any], profile: str, **changes: Any) -> str:
        resources = {
            "type": "EC2",
            "allocationStrategy": "BEST_FIT_PROGRESSIVE",
            "minvCpus": 0,
            "maxvCpus": 64,
            "instanceTypes": ["c5.large"],
            "subnets": network["subnets"],
            "securityGroupIds": network["securityGroupIds"],
            "instanceRole": profile,
            **changes,
        }
        arn: str = self.batch.create_compute_environment(
            computeEnvironmentName=name,
            type="MANAGED",
            computeResources={key: value for key, value in resources.items() if value is not None},
        )["computeEnvironmentArn"]
        self.aws.clock.run_until_idle()
        return arn

    def queue(self, name: str, *environments: str, **more: Any) -> str:
        order = [{"order": rank, "computeEnvironment": arn} for rank, arn in enumerate(environments, start=1)]
        arn: str = self.batch.create_job_queue(jobQueueName=name, priority=1, computeEnvironmentOrder=order, **more)[
            "jobQueueArn"
        ]
        self.aws.clock.run_until_idle()
        return arn


class Watched:
    """A door that notes every call which is not one that reads."""

    def __init__(self, door: Any, changing: list[str]) -> None:
        self._door = door
        self._changing = changing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._door, name)

    def client(self, service: str) -> Any:
        return _WatchedClient(self._door.client(service), self._changing)


class _WatchedClient:
    def __init__(self, client: Any, changing: list[str]) -> None:
        self._client = client
        self._changing = changing

    def __getattr__(self, method: str) -> Callable[..., Any]:
        call: Callable[..., Any] = getattr(self._client, method)
        if method in ("pages", "shape"):
            return call

        def watched(**parameters: Any) -> Any:
            if not method.startswith(READING):
                self._changing.append(method)
            return call(**parameters)

        return watched


def _done(result: Result | None) -> Result:
    assert result is not None
    return result


def ops(plan: Plan) -> dict[str, str]:
    """`kind name` → what is done, of the resources that something is done to."""
    return {
        f"{step.type.rpartition(':')[2]} {step.urn.rpartition('::')[2]}": step.op.value
        for step in plan.steps
        if step.changes_something and step.is_counted and step.type.startswith("pulumi-python:dynamic/")
    }


def refusal(action: Callable[[], object]) -> BatchiacError:
    """What `action` is refused with."""
    try:
        action()
    except BatchiacError as error:
        return error
    raise AssertionError("it was not refused")

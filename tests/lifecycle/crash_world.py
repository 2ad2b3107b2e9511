"""The program of this repository, deployed by a process that dies at its n-th AWS call, and the account it dies in.

Three processes. The *stage* holds the local stack as it is before the act, and forks for each case, so that every case
has an account of its own for the price of a fork. The *account* (that fork) owns a copy of the stack, forks the
*deployer* and answers its AWS calls over a socket. The deployer plans and applies as `batchiac up` does and ends by
`os._exit`, before a call is sent or when its answer has arrived. Then the account process deploys again, as a user
would, and says what there is: everything in the account, and the state.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import os
import pickle
import re
import shutil
import signal
import socket
import struct
import threading
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from batchiac.aws.door import Client, Door
from batchiac.deploy import destroy, open_stack, preview, up
from batchiac.deploy.project import find_project, read_stack
from batchiac.deploy.stack import Stack, file_store
from batchiac.errors import AwsRefusal, BatchiacError
from batchiac.model.target import Target
from batchiac.provider import HANDLERS
from batchiac.testing import TestStack, local_stack

ROOT = Path(__file__).resolve().parents[2]
DIED = 9

Act = Callable[[Stack, Any], object]


@frozen
class Phase:
    """What is done while the process dies.

    Attributes:
        name: says it.
        act: "up" or "destroy".
        base: edits of infra/__main__.py before the first `up`; None: nothing is deployed before.
        edits: edits before the act that is interrupted.
        jobs: how many jobs run meanwhile.
    """

    name: str
    act: str = "up"
    base: tuple[tuple[str, str], ...] | None = ()
    edits: tuple[tuple[str, str], ...] = ()
    jobs: int = 0


BRIDGE = (
    (
        '        allocation_strategy=config["spotAllocationStrategy"],',
        '        allocation_strategy=config["spotAllocationStrategy"],\n'
        '        compute_environment_name="spot-fixed",\n'
        "        replace_through_bridge=True,",
    ),
)
BEST_FIT = (('allocation_strategy=config["spotAllocationStrategy"]', 'allocation_strategy="BEST_FIT"'),)

PHASES = {
    each.name: each
    for each in (
        Phase("up", base=None),
        Phase(
            "update_in_place",
            edits=(
                ("priority=100", "priority=90"),
                ('tags = {"project": pulumi.get_project()', 'tags = {"team": "x", "project": pulumi.get_project()'),
                ("memory_mib=512", "memory_mib=640"),
                ("timeout_s=7200", "timeout_s=7300"),
            ),
        ),
        Phase(
            "update_scaling",
            edits=(
                ('max_vcpus=config["spotMaxVcpus"]', "max_vcpus=1024"),
                ('max_vcpus=config["maxVcpus"]', "max_vcpus=300"),
            ),
            jobs=3,
        ),
        Phase(
            "update_infrastructure", edits=(("IMAGE_PULL_BEHAVIOR=prefer-cached", "IMAGE_PULL_BEHAVIOR=once"),), jobs=3
        ),
        Phase("replace", edits=BEST_FIT, jobs=3),
        Phase("replace_network", edits=(('batch.Key(str, "10.0.0.0/16")', 'batch.Key(str, "10.1.0.0/16")'),)),
        Phase("replace_through_bridge", base=BRIDGE, edits=BEST_FIT, jobs=3),
        Phase("destroy", act="destroy"),
    )
}


class _Wire:
    """Pickled messages over a socket, one question at a time."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._lock = threading.Lock()

    def send(self, message: object) -> None:
        data = pickle.dumps(message)
        self._end.sendall(struct.pack("!I", len(data)) + data)

    def receive(self) -> Any:
        """The next message; None when the other end is gone."""
        head = self._read(4)
        body = None if head is None else self._read(struct.unpack("!I", head)[0])
        return None if body is None else pickle.loads(body)

    def ask(self, message: object) -> Any:
        with self._lock:
            self.send(message)
            return self.receive()

    def _read(self, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            try:
                part = self._end.recv(size - len(data))
            except ConnectionResetError:  # it died with an answer unread
                return None
            if not part:
                return None
            data += part
        return data


Interference = Callable[[int, str, str, str], None]
"""(number of the call, service, method, "before" or "after"): ends the process, raises, or does nothing."""


class RemoteDoor(Door):
    """A door whose calls are answered by the process that owns the account. `interfere` sees each before and after."""

    def __init__(self, target: Target, wire: _Wire, interfere: Interference) -> None:
        super().__init__(target, sleep=lambda s: wire.ask(("sleep", s)), clock=lambda: wire.ask(("clock",)))
        self._wire = wire
        self._interfere = interfere
        self._made = 0
        self._calls = threading.Lock()

    def _build(self, service: str) -> Any:
        return self._clients.setdefault(service, _RemoteClient(self, service))  # type: ignore[arg-type]

    def call(self, service: str, method: str, key: str | None, parameters: Mapping[str, Any]) -> Any:
        # One at a time, so that a call's number means the same before and after it.
        with self._calls:
            self._made += 1
            number = self._made
            self._interfere(number, service, method, "before")
            answer = self._wire.ask(("call", service, method, key, parameters))
            self._interfere(number, service, method, "after")
        if isinstance(answer, _Refusal):
            raise AwsRefusal(answer.operation, answer.code, answer.message, answer.status)
        return answer


class _RemoteClient:
    def __init__(self, door: RemoteDoor, service: str) -> None:
        self._door = door
        self._service = service

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda **parameters: self._door.call(self._service, method, None, parameters)

    def pages(self, method: str, result_key: str, **parameters: Any) -> Iterator[Any]:
        yield from self._door.call(self._service, method, result_key, parameters)


@frozen
class _Refusal:
    operation: str
    code: str
    message: str
    status: int


def serve(stack: TestStack, end: socket.socket) -> list[tuple[str, str]]:
    """Answer the deployer until it is gone; the calls that it made."""
    wire, calls = _Wire(end), []
    while (question := wire.receive()) is not None:
        answer: Any = None
        if question[0] == "sleep":
            stack.clock.sleep(question[1])
        elif question[0] == "clock":
            answer = stack.clock.now_s()
        else:
            _, service, method, key, parameters = question
            calls.append((service, method))
            client: Client = stack.door.client(service)
            try:
                if key is None:
                    answer = getattr(client, method)(**parameters)
                else:
                    answer = list(client.pages(method, key, **parameters))
            except AwsRefusal as refusal:
                answer = _Refusal(refusal.operation, refusal.code, refusal.aws_message, refusal.http_status)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            wire.send(answer)
    return calls


# -- projects and stacks ----------------------------------------------------------------------------------------------


def write_project(folder: Path) -> Path:
    """A copy of the program and its stacks."""
    for name in ("infra", "stacks"):
        shutil.copytree(
            ROOT / name, folder / name, symlinks=True, ignore=shutil.ignore_patterns(".venv", "__pycache__")
        )
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    (folder / ".state").mkdir()
    return folder


def edit(project: Path, edits: Iterable[tuple[str, str]]) -> None:
    program = project / "infra" / "__main__.py"
    text = program.read_text()
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    program.write_text(text)


def opened(project: Path, state: Path) -> Stack:
    """The stack `local` of the project, its state in Pulumi's file backend under `state`, acting in this process."""
    environ = {**os.environ, "PULUMI_CONFIG_PASSPHRASE": ""}
    found = find_project(project)
    store = file_store(found, read_stack(found, "local"), "local", environ=environ, folder=state)
    stack = open_stack(project, "local", environ=environ, store=store, in_process=True)
    return evolve(stack, target=Target("local", stack.target.region, in_process=True))


def handlers_of(door: Door) -> Callable[[str], Any]:
    return lambda token: HANDLERS[token](door) if token in HANDLERS else None


def do(act: str, stack: Stack, door: Door) -> Any:
    return (destroy if act == "destroy" else up)(stack, handlers_of(door))


# -- what there is ----------------------------------------------------------------------------------------------------

_ID = re.compile(
    r"\b([a-z]+(?:-[a-z]+)*)-[0-9a-f]{8,17}\b(?!-)|\b(AROA|AIPA|AIDA|ANPA)[A-Z0-9]+\b|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)
_NOT_COMPARED = re.compile(r"(Time|Date|At|created|modified|ResponseMetadata|InstanceProfileId)$")


def _meaning(value: Any, labels: Mapping[str, str]) -> Any:
    """The value without times, ids exchanged for what they mean, lists in an order of their own."""
    if isinstance(value, Mapping):
        return {key: _meaning(each, labels) for key, each in value.items() if not _NOT_COMPARED.search(key)}
    if isinstance(value, list | tuple):
        return sorted((_meaning(each, labels) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    if isinstance(value, str):
        return _ID.sub(lambda match: labels.get(match[0]) or f"<{match[1] or match[2] or 'uuid'}>", value)
    return value if isinstance(value, int | float | None) else str(value)


def _line(kind: str, value: Any, labels: Mapping[str, str]) -> str:
    return f"{kind} {json.dumps(_meaning(value, labels), sort_keys=True)}"


def inventory(door: Door) -> tuple[list[str], dict[str, str]]:
    """Everything in the account, one line each, without times; ids exchanged for what they mean.

    Returns:
        The lines, sorted; id → what it means, for the state.
    """
    records = list(_records(door))
    labels: dict[str, str] = {}
    # An id means the resource that bears it; two rounds more, and it means what that refers to as well.
    for _ in range(3):
        made = {}
        for kind, key, value in records:
            digest = hashlib.sha256(_line(kind, value, labels).encode()).hexdigest()[:10]
            made.update({each[0]: f"<{kind} {digest}>" for each in _ID.finditer(key)})
        labels = made
    return sorted(_line(kind, value, labels) for kind, _, value in records), labels


def _records(door: Door) -> Iterator[tuple[str, str, Any]]:
    ec2, iam, batch = (door.client(each) for each in ("ec2", "iam", "batch"))
    for kind, method, key, id_key in (
        ("vpc", "describe_vpcs", "Vpcs", "VpcId"),
        ("subnet", "describe_subnets", "Subnets", "SubnetId"),
        ("igw", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
        ("rtb", "describe_route_tables", "RouteTables", "RouteTableId"),
        ("sg", "describe_security_groups", "SecurityGroups", "GroupId"),
        ("acl", "describe_network_acls", "NetworkAcls", "NetworkAclId"),
        ("pg", "describe_placement_groups", "PlacementGroups", "GroupId"),
        ("eni", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    ):
        for each in ec2.pages(method, key):
            yield kind, each[id_key], each
    for each in ec2.pages("describe_launch_templates", "LaunchTemplates"):
        versions = list(
            ec2.pages(
                "describe_launch_template_versions", "LaunchTemplateVersions", LaunchTemplateId=each["LaunchTemplateId"]
            )
        )
        yield "lt", each["LaunchTemplateId"], [each, versions]
    for reservation in ec2.pages("describe_instances", "Reservations"):
        for each in reservation["Instances"]:
            if each["State"]["Name"] not in ("terminated", "shutting-down"):
                yield "instance", each["InstanceId"], {"type": each["InstanceType"], "subnet": each.get("SubnetId")}
    for each in ec2.pages("describe_spot_fleet_requests", "SpotFleetRequestConfigs"):
        if not each["SpotFleetRequestState"].startswith("cancelled"):
            yield "sfr", each["SpotFleetRequestId"], each["SpotFleetRequestState"]
    for each in iam.pages("list_roles", "Roles"):
        name = each["RoleName"]
        yield (
            "role",
            each["RoleId"],
            [
                iam.get_role(RoleName=name)["Role"],
                list(iam.pages("list_attached_role_policies", "AttachedPolicies", RoleName=name)),
                [
                    iam.get_role_policy(RoleName=name, PolicyName=p)
                    for p in iam.pages("list_role_policies", "PolicyNames", RoleName=name)
                ],
            ],
        )
    for each in iam.pages("list_instance_profiles", "InstanceProfiles"):
        yield (
            "profile",
            each["InstanceProfileId"],
            iam.get_instance_profile(InstanceProfileName=each["InstanceProfileName"]),
        )
    for each in iam.pages("list_policies", "Policies", Scope="Local"):
        yield "policy", each["Arn"], each
    for each in batch.pages("describe_compute_environments", "computeEnvironments"):
        yield "environment", each.get("uuid", ""), {k: v for k, v in each.items() if k != "statusReason"}
    for each in batch.pages("describe_job_queues", "jobQueues"):
        yield "queue", "", each
    for each in batch.pages("describe_job_definitions", "jobDefinitions"):
        yield "definition", "", each
    for each in batch.pages("list_scheduling_policies", "schedulingPolicies"):
        yield "policy", "", each
    ecs = door.client("ecs")
    for arn in ecs.pages("list_clusters", "clusterArns"):
        (each,) = ecs.describe_clusters(clusters=[arn])["clusters"]
        # ECS goes on listing a cluster for a while after it was deleted.
        if each["status"] == "ACTIVE":
            yield "cluster", arn, {"name": each["clusterName"]}
    for each in door.client("autoscaling").pages("describe_auto_scaling_groups", "AutoScalingGroups"):
        yield "asg", each["AutoScalingGroupName"], {"name": each["AutoScalingGroupName"], "max": each["MaxSize"]}
    for each in door.client("logs").pages("describe_log_groups", "logGroups"):
        yield "log group", "", each["logGroupName"]


def state_of(stack: Stack, labels: Mapping[str, str]) -> dict[str, Any]:
    """The state file by URN, without times; ids exchanged for what they mean. What is unsettled is in it too."""
    path = stack.store.path  # type: ignore[attr-defined]
    latest = json.loads(path.read_text(encoding="utf-8"))["checkpoint"]["latest"]
    found: dict[str, Any] = {"pending": [each["resource"]["urn"] for each in latest.get("pending_operations", ())]}
    for each in latest.get("resources", ()):
        assert each["urn"] not in found, f"{each['urn']} is there twice"
        found[each["urn"]] = _meaning(each, labels)
    return found


# -- cases ------------------------------------------------------------------------------------------------------------


@frozen
class Outcome:
    """What there is in the end.

    Attributes:
        calls: how many AWS calls the deployer made.
        exit_code: how the deployer ended; DIED when it was killed.
        error: what it raised, in words.
        lines, state: what there is (see `inventory`, `state_of`).
        jobs: how each job ended, and after how many attempts.
        problem: what went wrong in the run that follows, with its traceback; empty otherwise.
    """

    calls: int = 0
    exit_code: int = 0
    error: str = ""
    lines: tuple[str, ...] = ()
    state: Any = None
    jobs: tuple[Any, ...] = ()
    problem: str = ""

    def differences(self, expected: Outcome) -> list[str]:
        """In words, where this is not as it should be; empty when it is."""
        if self.problem:
            return [self.problem]
        found: list[str] = []
        extra, missing = _less(self.lines, expected.lines), _less(expected.lines, self.lines)
        for line in extra:
            kind, _, text = line.partition(" {")
            # Of the same kind and, as far as it goes, of the same name: one that differs, not one too many.
            like = max(
                (each for each in missing if each.startswith(f"{kind} {{")), key=lambda it: _alike(it, line), default=""
            )
            if like:
                missing.remove(like)
                mine, its = json.loads(f"{{{text}"), json.loads(like[len(kind) + 1 :])
                found.append(f"{kind}: {_first_difference(mine, its)}")
            else:
                found.append(f"too much: {line[:400]}")
        found += [f"missing: {each[:400]}" for each in missing]
        for urn in sorted({*self.state, *expected.state}):
            if (mine := self.state.get(urn)) != (its := expected.state.get(urn)):
                found.append(f"state of {urn}: {_first_difference(mine, its)}")
        if self.jobs != expected.jobs:
            found.append(f"jobs: {self.jobs} instead of {expected.jobs}")
        return found


def _less(some: Iterable[str], others: Iterable[str]) -> list[str]:
    left = list(some)
    for each in others:
        if each in left:
            left.remove(each)
    return left


def _alike(one: str, other: str) -> int:
    return next((index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))


def _first_difference(mine: Any, its: Any, path: str = "") -> str:
    if isinstance(mine, dict) and isinstance(its, dict):
        for key in sorted({*mine, *its}):
            if mine.get(key) != its.get(key):
                return _first_difference(mine.get(key), its.get(key), f"{path}.{key}")
    return f"{path} is {str(mine)[:200]} instead of {str(its)[:200]}"


class Stage:
    """One phase, with its account as it is before the act."""

    def __init__(self, phase: Phase, folder: Path, stack: TestStack) -> None:
        self.phase = phase
        self.stack = stack
        self.project = write_project(folder)
        self.base = folder / "base"
        self.base.mkdir()
        self._folder = folder
        self._jobs: list[str] = []
        if phase.base is not None:
            edit(self.project, phase.base)
            deployed = opened(self.project, self.base)
            do("up", deployed, stack.door)
            if phase.jobs:
                self._submit(deployed)
        edit(self.project, phase.edits)
        # Both are imported and built before anything forks.
        preview(opened(self.project, self.base), handlers_of(stack.door))
        inventory(stack.door)

    def _submit(self, deployed: Stack) -> None:
        from batchiac.deploy import read_outputs

        outputs = read_outputs(deployed, show_secrets=True)
        batch = self.stack.client("batch")
        for number in range(self.phase.jobs):
            job = batch.submit_job(
                jobName=f"j{number}",
                jobQueue=outputs["queues"]["background"],
                jobDefinition=outputs["definitions"]["array"],
                tags={"batchiac:duration": "60"},
            )
            self._jobs.append(job["jobId"])
        while {each["status"] for each in batch.describe_jobs(jobs=self._jobs)["jobs"]} != {"RUNNING"}:
            self.stack.clock.advance(1)

    def case(self, interfere: Interference, *, again: bool = True, name: str = "case") -> Outcome:
        """Let a deployer run under `interfere`, then deploy again.

        Args:
            again: False for the run that nobody interrupts.
        """
        return _in_a_fork(lambda: self._case(interfere, again, self._folder / name))

    def _case(self, interfere: Interference, again: bool, folder: Path) -> Outcome:
        shutil.copytree(self.base, folder)
        ours, its = socket.socketpair()
        deployer = _fork()
        if deployer == 0:
            ours.close()
            _deploy(self.phase.act, self.project, folder, _Wire(its), interfere)
        its.close()
        calls = serve(self.stack, ours)
        ours.close()
        code = os.waitstatus_to_exitcode(os.waitpid(deployer, 0)[1])
        error_file = folder / "error"
        error = error_file.read_text() if error_file.exists() else ""
        outcome = Outcome(len(calls), code, error)
        try:
            stack = opened(self.project, folder)
            if again:
                stack.store.break_locks()  # type: ignore[attr-defined]
                do(self.phase.act, stack, self.stack.door)
            elif code != 0:
                return evolve(outcome, problem=error or f"the deployer ended with {code}")
            if self.phase.act == "up":
                plan = preview(opened(self.project, folder), handlers_of(self.stack.door))
                assert not plan.has_changes, [each for each in plan.steps if each.op.value != "same"]
            jobs = self._ended()
            lines, labels = inventory(self.stack.door)
            assert not any("batchiac:creating" in each for each in lines), "a creating tag is left"
            return evolve(outcome, lines=tuple(lines), state=state_of(stack, labels), jobs=jobs)
        except BaseException:
            return evolve(outcome, problem=traceback.format_exc())
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _ended(self) -> tuple[Any, ...]:
        if not self._jobs:
            return ()
        self.stack.clock.run_until_idle()
        described = self.stack.client("batch").describe_jobs(jobs=self._jobs)["jobs"]
        return tuple(sorted((each["jobName"], each["status"], len(each["attempts"])) for each in described))


def _deploy(act: str, project: Path, state: Path, wire: _Wire, interfere: Interference) -> None:
    """The deployer: does not return."""
    code = 1
    try:
        stack = opened(project, state)
        do(act, stack, RemoteDoor(stack.target, wire, interfere))
        code = 0
    except BatchiacError as error:
        (state / "error").write_text(error.message)
        code = error.exit_code
    except KeyboardInterrupt:
        # As `cli.main` does at the second Ctrl-C.
        code = 130
    except BaseException:
        (state / "error").write_text(traceback.format_exc())
    finally:
        os._exit(code)


def undisturbed(stage: Stage) -> Outcome:
    """What the act ends with when nothing happens to it."""
    return stage.case(lambda _number, _service, _method, _moment: None, again=False, name="undisturbed")


@contextlib.contextmanager
def staged(phase: Phase, folder: Path) -> Iterator[Stage]:
    """The stage of a phase, in this process. Nothing is flushed to the disk: the machine stays up."""
    os.fsync = lambda _fd: None  # type: ignore[assignment]  # in a fork of the tests' process
    with local_stack() as stack:
        yield Stage(phase, folder, stack)


def on_stage(phase: Phase, folder: Path, act: Callable[[Stage], Any]) -> Any:
    """What `act` returns, called with the stage of `phase` in a process of its own."""

    def run() -> Any:
        with staged(phase, folder) as stage:
            return act(stage)

    return _in_a_fork(run)


def _fork() -> int:
    with warnings.catch_warnings():
        # The test runner's own threads do not matter to a child that never returns to it.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _in_a_fork(act: Callable[[], Any]) -> Any:
    reading, writing = os.pipe()
    child = _fork()
    if child == 0:
        # A collection would write to every page that the processes share, and so copy it.
        gc.freeze()
        gc.disable()
        os.close(reading)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            answer = ("done", act())
        except BaseException:
            answer = ("failed", traceback.format_exc())
        with os.fdopen(writing, "wb") as file:
            pickle.dump(answer, file)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as file:
        data = file.read()
    os.waitpid(child, 0)
    if not data:
        raise AssertionError("a forked process ended without an answer")
    kind, answer = pickle.loads(data)
    if kind == "failed":
        raise AssertionError(answer)
    return answer

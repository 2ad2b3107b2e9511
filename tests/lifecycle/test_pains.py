"""What hurts users of other tools, each pain replayed on a deployed program: `test_pain_NN_…`, a row of the table each.

The table is `peers.md` of the founding facts; the issues are named as owner/name#number. Each test shows the pain first
where the account can show it, then that ours does not have it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from batchiac.deploy.steps import Op, Plan, Step
from batchiac.errors import FindingsError
from batchiac.model.handler import Effect
from batchiac.rules import Finding
from batchiac.testing import Deployment, TestStack, local_stack

LAG_S = 120.0

PROGRAM = """
import pulumi
import batchiac.components as batch

network = batch.Network("net")
roles = batch.Roles("roles")
container = batch.Container("busybox", vcpus=1, memory_mib=512, command=["echo", "hello"])

def environment(name="work", **arguments):
    arguments = {"instance_types": ["c5", "m5"], "max_vcpus": 64, **arguments}
    return batch.ManagedComputeEnvironment(name, network=network, roles=roles, **arguments)

def queue(*environments, name="queue", **arguments):
    return batch.JobQueue(name, priority=1, compute_environments=environments, **arguments)

def definition(container=container, name="job", **arguments):
    made = batch.ContainerJobDefinition(name, container=container, roles=roles, **arguments)
    pulumi.export("definitionArn", made.arn_output)
    pulumi.export("revision", made.revision_output)
    return made

"""

WHOLE = "first = environment()\nqueue(first)\ndefinition()\n"


class Project:
    """A project of one program, deployed to one local stack."""

    def __init__(self, folder: Path, stack: TestStack) -> None:
        self._folder = folder
        self._deployment: Deployment | None = None
        self.stack = stack
        self.batch = stack.client("batch")
        (folder / "stacks").mkdir()
        (folder / "program").mkdir()
        (folder / "Pulumi.yaml").write_text(
            "name: pains\nmain: program\nstackConfigDir: stacks\nruntime:\n  name: python\n", encoding="utf-8"
        )
        (folder / "stacks/Pulumi.local.yaml").write_text(
            "config:\n  batchiac:target: local\n  batchiac:region: us-east-1\n", encoding="utf-8"
        )

    def write(self, body: str) -> None:
        """The program: the names of PROGRAM are there, `body` declares."""
        (self._folder / "program/__main__.py").write_text(PROGRAM + textwrap.dedent(body), encoding="utf-8")

    @property
    def deployment(self) -> Deployment:
        assert self._deployment is not None, "the first thing to do is up()"
        return self._deployment

    def up(self, body: str) -> Plan:
        """Deploy `body`; what was done."""
        self.write(body)
        if self._deployment is not None:
            return self._deployment.up()
        self._deployment = self.stack.up(self._folder)
        return self._deployment.preview()

    def preview(self, body: str | None = None) -> Plan:
        """What a deployment of `body` would do."""
        if body is not None:
            self.write(body)
        return self.deployment.preview()

    def submit(self, seconds: int, count: int = 3) -> list[str]:
        """Jobs that run for `seconds` once they run, and time for them to start."""
        (queue,) = self.batch.describe_job_queues()["jobQueues"]
        ids = [
            self.batch.submit_job(
                jobName=f"j{index}",
                jobQueue=queue["jobQueueArn"],
                jobDefinition=self.deployment.outputs["definitionArn"],
                containerOverrides={"command": ["sleep", str(seconds)]},
            )["jobId"]
            for index in range(count)
        ]
        self.stack.clock.advance(300)
        assert {job["status"] for job in self.jobs(ids)} == {"RUNNING"}
        return ids

    def jobs(self, ids: list[str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.batch.describe_jobs(jobs=ids)["jobs"]
        return found

    def environments(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.batch.describe_compute_environments()["computeEnvironments"]
        return found

    @property
    def environment(self) -> dict[str, Any]:
        (found,) = self.environments()
        return found


@pytest.fixture
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Project]:
    """A parameter is the consistency lag in seconds."""
    with local_stack(consistency_lag_s=getattr(request, "param", 0.0)) as stack:
        yield Project(tmp_path, stack)


def step_of(plan: Plan, kind: str) -> Step:
    """The one step of a plan that changes a resource of `kind`."""
    (step,) = [each for each in plan.steps if each.type.endswith(f":{kind}") and each.changes_something]
    return step


def effects(step: Step) -> dict[str, Effect]:
    return {each.path: each.effect for each in step.changes}


def refused(call: Callable[[], object]) -> list[str]:
    """Deploying is refused before anything is made; the findings' messages."""
    with pytest.raises(FindingsError) as error:
        call()
    return [finding.message for finding in error.value.findings if isinstance(finding, Finding)]


@pytest.mark.parametrize("project", [LAG_S], indirect=True)
def test_pain_01_relationship_error(project: Project) -> None:
    """terraform-provider-aws#2044, #11077, #13221, #46925, pulumi-aws#6233: a replaced environment is deleted when its
    queues have let go of it, not when UpdateJobQueue has answered; jobs run all the while and none is lost."""
    patient = WHOLE.replace("environment()", "environment(drain=batch.Drain(9000))")
    project.up(patient)
    ids = project.submit(seconds=4000)
    old = project.environment
    queue_arn = project.batch.describe_job_queues()["jobQueues"][0]["jobQueueArn"]

    def point_queue_to(name: str) -> None:
        order = [{"order": 1, "computeEnvironment": name}]
        project.batch.update_job_queue(jobQueue=queue_arn, computeEnvironmentOrder=order)

    def delete(name: str) -> None:
        project.batch.update_compute_environment(computeEnvironment=name, state="DISABLED")
        project.stack.clock.advance(30)
        project.batch.delete_compute_environment(computeEnvironment=name)

    asked = {key: value for key, value in old["computeResources"].items() if key != "desiredvCpus"}
    project.batch.create_compute_environment(computeEnvironmentName="naive", type="MANAGED", computeResources=asked)
    project.stack.clock.advance(60)
    point_queue_to("naive")
    with pytest.raises(project.batch.exceptions.ClientException, match="found existing JobQueue relationship"):
        delete(old["computeEnvironmentArn"])
    project.batch.update_compute_environment(computeEnvironment=old["computeEnvironmentArn"], state="ENABLED")
    project.stack.clock.advance(60)
    point_queue_to(old["computeEnvironmentArn"])
    project.stack.clock.advance(LAG_S + 60)
    delete("naive")
    project.stack.clock.advance(600)
    assert {job["status"] for job in project.jobs(ids)} == {"RUNNING"}

    done = project.up(patient.replace("drain=", "allocation_strategy='BEST_FIT', drain="))
    assert {each.op for each in done.steps if each.type.endswith("batch:ComputeEnvironment")} >= {
        Op.CREATE_REPLACEMENT,
        Op.DELETE_REPLACED,
    }
    assert project.environment["computeEnvironmentArn"] != old["computeEnvironmentArn"]
    project.stack.clock.run_until_idle()
    assert {(job["status"], len(job["attempts"])) for job in project.jobs(ids)} == {("SUCCEEDED", 1)}
    assert not project.preview().has_changes


def test_pain_02_role_gone_first(project: Project) -> None:
    """terraform-provider-aws#8549, #21262, #26930, aws-cdk#20727: the role outlives the environment; an environment
    that turned INVALID is told in AWS's words and repaired."""
    project.up(WHOLE)
    reason = "CLIENT_ERROR - Not authorized to perform sts:AssumeRole"
    (backend,) = project.stack.stage.backends.values()
    backend.engine.invalidate_compute_environment(project.environment["computeEnvironmentName"], reason)
    project.deployment.refresh()
    told = step_of(project.preview(), "ComputeEnvironment")
    assert [each.note for each in told.changes] == [f"INVALID: {reason}; AWS is made to look again"]
    project.deployment.up()
    assert (project.environment["status"], project.environment["state"]) == ("VALID", "ENABLED")

    deleted = [each.type.rpartition(":")[2] for each in project.deployment.destroy().steps if each.op is Op.DELETE]
    own = [each for each in deleted if each in ("ComputeEnvironment", "InstanceProfile", "Role")]
    assert (own[0], sorted(own[1:])) == ("ComputeEnvironment", ["InstanceProfile", "Role", "Role", "Role", "Role"])
    assert project.environments() == []


def test_pain_02_a_role_may_name_a_queue(project: Project) -> None:
    """A role that itself needs the queue, to submit to it, goes before it; everything goes."""
    project.up(
        """
        work = queue(environment())
        statement = {"Effect": "Allow", "Action": "batch:SubmitJob", "Resource": work.arn_output}
        batch.Roles("own", job_policies={"submit": {"Version": "2012-10-17", "Statement": [statement]}})
        """
    )
    deleted = [each.urn for each in project.deployment.destroy().steps if each.op is Op.DELETE]
    kinds = [urn.rpartition("::")[0].rpartition(":")[2] for urn in deleted]
    own_job_role = next(index for index, urn in enumerate(deleted) if urn.endswith("::own-job"))
    assert own_job_role < kinds.index("JobQueue") < kinds.index("ComputeEnvironment")
    assert project.environments() == []
    left = project.stack.client("iam").list_roles()["Roles"]
    assert [each["RoleName"] for each in left] == ["AWSServiceRoleForBatch"]


def test_pain_03_latest_frozen(project: Project) -> None:
    """terraform-provider-aws#37440, #15535, aws-cdk#6686, #28137: `$Latest` is a number at plan, and a template that
    moved is a change of its own."""
    ec2 = project.stack.client("ec2")
    data = {"EbsOptimized": True}
    made = ec2.create_launch_template(LaunchTemplateName="theirs", LaunchTemplateData=data)["LaunchTemplate"]
    floating = {"launchTemplateId": made["LaunchTemplateId"], "version": "$Latest"}
    body = f"definition()\nqueue(environment(launch_template={floating!r}))"
    project.up(body)
    assert project.environment["computeResources"]["launchTemplate"]["version"] == "1"
    assert not project.preview().has_changes
    ec2.create_launch_template_version(
        LaunchTemplateId=made["LaunchTemplateId"], LaunchTemplateData={"EbsOptimized": False}
    )
    (change,) = step_of(project.preview(), "ComputeEnvironment").changes
    assert (change.path, change.old, change.new) == ("computeResources.launchTemplate.version", "1", "2")
    project.deployment.up()
    assert project.environment["computeResources"]["launchTemplate"]["version"] == "2"
    assert not project.preview().has_changes


@pytest.mark.parametrize("version", ["'$Latest'", "'$Default'", "None"])
def test_pain_03_latest_of_a_template_that_moves_in_the_same_run(project: Project, version: str) -> None:
    """A floating version of a template that the program makes moves in the plan that moves the template."""
    body = """
        template = batch.LaunchTemplate("node", wire={{"ebsOptimized": {optimized}}})
        floating = {{"launchTemplateId": template.id, "version": {version}}}
        queue(environment(launch_template=floating))
        """
    project.up(body.format(optimized=True, version=version))
    assert project.environment["computeResources"]["launchTemplate"]["version"] == "1"
    assert not project.preview().has_changes
    project.write(body.format(optimized=False, version=version))
    (change,) = step_of(project.preview(), "ComputeEnvironment").changes
    assert (change.path, change.old, change.effect) == (
        "computeResources.launchTemplate.version",
        "1",
        Effect.INFRASTRUCTURE_UPDATE,
    )
    project.deployment.up()
    assert project.environment["computeResources"]["launchTemplate"]["version"] == "2"
    assert not project.preview().has_changes


def test_pain_04_user_data_that_is_not_mime(project: Project) -> None:
    """aws-cdk#6427: raw user data, which turns an environment INVALID, is a finding at preview; a script given to the
    component is wrapped."""
    raw = "IyEvYmluL2Jhc2gKZWNobyBoaQo="
    template = f"template = batch.LaunchTemplate('node', wire={{'userData': {raw!r}}})\n"
    messages = refused(lambda: project.up(template + "queue(environment(launch_template=template))"))
    assert any("MIME multi-part" in each for each in messages), messages
    assert project.environments() == []
    project.up(
        "template = batch.LaunchTemplate('node', user_data='echo hi')\nqueue(environment(launch_template=template))"
    )
    assert project.environment["status"] == "VALID"


def test_pain_05_needless_replacement(project: Project) -> None:
    """terraform-provider-aws#24374, #38695: SPOT_PRICE_CAPACITY_OPTIMIZED is updated in place, as AWS can."""
    spot = "queue(environment(compute='SPOT', instance_types=['c5']))"
    project.up(spot)
    arn = project.environment["computeEnvironmentArn"]
    assert project.environment["computeResources"]["allocationStrategy"] == "SPOT_PRICE_CAPACITY_OPTIMIZED"
    changed = spot.replace("['c5']", "['c5', 'm5']")
    told = effects(step_of(project.preview(changed), "ComputeEnvironment"))
    assert set(told.values()) == {Effect.INFRASTRUCTURE_UPDATE}
    assert {path.partition("[")[0] for path in told} == {"computeResources.instanceTypes"}
    project.deployment.up()
    assert project.environment["computeEnvironmentArn"] == arn
    assert sorted(project.environment["computeResources"]["instanceTypes"]) == ["c5", "m5"]


def test_pain_06_desired_vcpus(project: Project) -> None:
    """terraform-provider-aws#4788, #5097, terraform-aws-batch#24: what AWS scaled to is no drift and is
    not lowered."""
    body = WHOLE.replace("environment()", "environment(desired_vcpus=0)")
    project.up(body)
    ids = project.submit(seconds=4000, count=8)
    scaled = project.environment["computeResources"]["desiredvCpus"]
    assert scaled > 0
    project.deployment.refresh()
    assert not project.preview(body).has_changes
    project.up(body.replace("desired_vcpus=0", "desired_vcpus=0, max_vcpus=128"))
    assert project.environment["computeResources"]["desiredvCpus"] == scaled
    assert {job["status"] for job in project.jobs(ids)} == {"RUNNING"}


def test_pain_07_diff_for_ever(project: Project) -> None:
    """terraform-provider-aws#19180, #19624, #26960, aws-cdk#31621: order, null against empty, defaults, and
    an empty value are no change; before and after a refresh."""
    one = """
    definition(batch.Container("busybox", 1, 512, environment={"B": "2", "A": "", "C": "x"}, wire={
        "volumes": [], "mountPoints": None, "ulimits": [], "privileged": False, "logConfiguration": None}))
    """
    other = """
    definition(batch.Container("busybox", 1, 512, environment={"C": "x", "A": "", "B": "2"}), wire={
        "retryStrategy": {"attempts": 1, "evaluateOnExit": []}, "parameters": {}})
    """
    project.up(one)
    for body in (one, other):
        assert not project.preview(body).has_changes
        project.deployment.refresh()
        assert not project.preview(body).has_changes
    assert project.deployment.outputs["revision"] == 1


def test_pain_08_revision_lags(project: Project) -> None:
    """terraform-provider-aws#36824, #36865, #39795, pulumi-aws#3845, #3887, #4656: outputs are those of the revision
    just registered, in the same run, and it has its tags."""
    project.up("definition(tags={'team': 'x'})")
    for revision in (2, 3):
        project.up(f"definition(batch.Container('busybox:{revision}', 1, 512), tags={{'team': 'x'}})")
        arn = project.deployment.outputs["definitionArn"]
        assert (project.deployment.outputs["revision"], arn.rpartition(":")[2]) == (revision, str(revision))
        (found,) = project.batch.describe_job_definitions(jobDefinitions=[arn])["jobDefinitions"]
        assert (found["tags"], found["containerProperties"]["image"]) == ({"team": "x"}, f"busybox:{revision}")


def test_pain_09_revisions_under_running_clients(project: Project) -> None:
    """cloudformation-coverage-roadmap#1761, aws-cdk#9144: the last N revisions stay, and one whose job is not over
    stays whatever its age."""
    body = "queue(environment())\ndefinition(batch.Container('busybox:{}', 1, 512), keep_revisions=2)"
    project.up(body.format(1))
    (job,) = project.submit(seconds=4000, count=1)
    for revision in (2, 3, 4, 5):
        project.up(body.format(revision))
    active = project.batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    assert {each["revision"] for each in active} == {1, 4, 5}
    project.stack.clock.run_until_idle()
    assert project.jobs([job])[0]["status"] == "SUCCEEDED"
    project.up(body.format(6))
    active = project.batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]
    assert {each["revision"] for each in active} == {5, 6}


def test_pain_10_tags_replace(project: Project) -> None:
    """cloudformation-coverage-roadmap#2270, #2463: tags of every resource change in place, under running jobs."""
    body = "tags = {}\nqueue(environment(tags=tags), tags=tags)\ndefinition(tags=tags)"
    project.up(body)
    ids = project.submit(seconds=4000)
    arn, revision = project.environment["computeEnvironmentArn"], project.deployment.outputs["revision"]
    changed = body.replace("{}", "{'team': 'genomics'}")
    plan = project.preview(changed)
    steps = [each for each in plan.steps if each.changes_something]
    assert {each.op for each in steps} == {Op.UPDATE}
    assert len(steps) == 3
    assert {effect for each in steps for effect in effects(each).values()} == {Effect.IN_PLACE}
    project.deployment.up()
    assert project.environment["computeEnvironmentArn"] == arn
    assert project.environment["tags"] == {"team": "genomics"}
    assert project.deployment.outputs["revision"] == revision
    assert {(job["status"], len(job["attempts"])) for job in project.jobs(ids)} == {("RUNNING", 0)}


def test_pain_11_fixed_names_block_replacement(project: Project) -> None:
    """aws-genomics-workflows#105: a replacement under a fixed name is a finding at preview with its ways out, and each
    way out works."""
    body = "queue(environment({}compute_environment_name='fixed'))\ndefinition()"
    project.up(body.format(""))
    best_fit = body.format("allocation_strategy='BEST_FIT', ")
    project.write(best_fit)
    messages = refused(project.deployment.preview)
    assert any("drop computeEnvironmentName or change it" in each for each in messages), messages
    assert project.environment["computeEnvironmentName"] == "fixed"
    arn = project.environment["computeEnvironmentArn"]
    project.up(best_fit.replace("compute_environment_name", "replace_through_bridge=True, compute_environment_name"))
    assert (project.environment["computeEnvironmentArn"], project.environment["status"]) == (arn, "VALID")
    assert project.environment["computeResources"]["allocationStrategy"] == "BEST_FIT"
    project.up(body.format("").replace("'fixed'", "'other'"))
    assert project.environment["computeEnvironmentName"] == "other"
    project.up(best_fit.replace(", compute_environment_name='fixed'", ""))
    assert project.environment["computeEnvironmentName"].startswith("work-")


def test_pain_12_custom_service_role(project: Project) -> None:
    """terraform-aws-metaflow#101: an own service role, which silently blocks updates in place, is told at preview."""
    project.up("definition()")
    role = "arn:aws:iam::123456789012:role/own"
    plan = project.preview(f"definition()\nqueue(environment(service_role={role!r}))")
    told = [each.message for each in plan.diagnostics if each.severity == "warning"]
    assert any("serviceRole" in each and "replace" in each for each in told), told


def test_pain_13_stuck_in_runnable(project: Project) -> None:
    """The most asked question about AWS Batch: a job that fits no instance is told at preview, and what still gets
    stuck says why."""
    big = "queue(environment(instance_types=['c5.large']))\ndefinition(batch.Container('busybox', {}, 1024))"
    project.up(big.format(2))
    messages = refused(lambda: project.preview(big.format(32)))
    assert any("32" in each and "c5.large" in each for each in messages), messages

    (queue,) = project.batch.describe_job_queues()["jobQueues"]
    needs = [{"type": "VCPU", "value": "32"}]
    job = project.batch.submit_job(
        jobName="big",
        jobQueue=queue["jobQueueArn"],
        jobDefinition=project.deployment.outputs["definitionArn"],
        containerOverrides={"resourceRequirements": needs},
    )["jobId"]
    project.stack.clock.advance(3600)
    (found,) = project.jobs([job])
    assert found["status"] == "RUNNABLE"
    assert found["statusReason"].startswith("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")
